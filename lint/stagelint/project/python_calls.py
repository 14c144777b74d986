"""What calls of Python and Starlark ask for: builds of libraries, and commands that are run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model.project import Build, Value
from stagelint.project import command, paths, script
from stagelint.project.command import Asker
from stagelint.project.python import Call, Expression
from stagelint.project.text import Text, or_none


def builds(
    call: Call,
    asker: Asker,
    context: Expression | None,
    file: Expression | None,
    *,
    in_context: bool,
) -> Iterator[Build]:
    """The builds of a call that has the names of stages and arguments as all libraries do.

    The *file* is relative to the *context*, or to where the program runs, as *in_context* says.
    """
    base = asker.base
    whole = Text.of(call.source, call.span)
    contexts, files = _may_be(context), _may_be(file)
    if context is None and (in_context or file is None):
        contexts = [Text.unknown(call.source, call.span)]
    targets = _may_be(call.keyword("target"))
    if call.open:
        targets.append(call.open)
    for target in targets:
        for one in contexts:
            for other in files:
                yield Build(
                    asker.kind,
                    asker.label,
                    call.source,
                    call.span,
                    paths.dockerfiles(base, one, other, whole, in_context=in_context),
                    is_placed=base.is_certain and context is not None and call.open is None,
                    target=target.value if target else None,
                    args=_names(call, "buildargs", "build_args"),
                    contexts=_names(call, "build_contexts"),
                )


def commands(call: Call, asker: Asker, first: Expression | None) -> Iterator[Build]:
    """The builds of a call that runs *first*: a list of words, a text, or the first of its words."""
    if first is None:
        return
    if first.is_list:
        for words in first.words():
            yield from command.builds(words, asker)
    elif len(call.positional()) > 1 and _is_word(first):
        for words in call.words():
            yield from command.builds(words, asker)
    else:
        for text in first.texts():
            yield from script.builds(text, asker)


def _is_word(expression: Expression) -> bool:
    return all(each.is_known and not re.search(r"\s", each.text) for each in expression.texts())


def _may_be(expression: Expression | None) -> list[Text | None]:
    if expression is None or expression.is_none:
        return [None]
    return [*or_none([text for text in expression.texts() if text.text])]


def _names(call: Call, *names: str) -> tuple[Value, ...]:
    table = call.keyword(*names)
    return tuple(each.value for each in table.names()) if table else ()
