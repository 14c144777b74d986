"""Which variables a builder looks up in an instruction (BuildKit v0.25.2); EXPOSE is not warned of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stagelint.source import Span
from stagelint.syntax import words
from stagelint.syntax.nodes import Argument, Instruction
from stagelint.syntax.validate import mount_fields
from stagelint.tuples import NamedTuple

_WORDS = frozenset({"STOPSIGNAL", "USER", "VOLUME", "WORKDIR"})
_PAIRS = frozenset({"ARG", "ENV", "LABEL"})
_FLAGS = frozenset({"chmod", "chown", "checksum"})


class Lookup(NamedTuple):
    """A place where a variable is looked up; in an operand, like that of `${A:-$B}`, as well."""

    name: str
    span: Span


def lookups(node: Instruction) -> Iterator[Lookup]:
    """Those of *node*, in the order of the text. The script of a RUN is the shell's business."""
    if "$" not in node.text[node.start : node.end]:
        return
    if node.keyword in _WORDS:
        yield from in_words(node, node.arguments)
    elif node.keyword in _PAIRS:
        for pair in node.pairs:
            if node.keyword != "ARG":
                yield from in_words(
                    node, [Argument(pair.key, pair.start, pair.start + len(pair.key))]
                )
            value = pair.value or ""
            yield from in_words(node, [Argument(value, pair.end - len(value), pair.end)])
    elif node.keyword in ("COPY", "ADD"):
        yield from _of_copy(node)
    elif node.keyword == "RUN":
        yield from _of_mounts(node)


def in_flag(node: Instruction, name: str) -> Iterator[Lookup]:
    """Those in the value of the flag *name* of *node*."""
    flag = node.flag(name)
    if flag and flag.value:
        yield from in_words(node, [Argument(flag.value, flag.value_start, flag.end)])


def _of_copy(node: Instruction) -> Iterator[Lookup]:
    for name in _FLAGS:
        yield from in_flag(node, name)
    heredocs = {heredoc.word_start: heredoc for heredoc in node.heredocs}
    yield from in_words(node, (each for each in node.arguments if each.start not in heredocs))
    for heredoc in node.heredocs:
        if heredoc.expand:
            body = node.text[heredoc.body.start : heredoc.body.end]
            for variable in _lexed(body, quotes=False):
                start = heredoc.body.start + variable.start
                yield Lookup(variable.name, Span(start, heredoc.body.start + variable.end))


def _of_mounts(node: Instruction) -> Iterator[Lookup]:
    for flag in node.flags:
        if flag.name == "mount" and flag.value:
            span = node.logical.span(flag.value_start, flag.end)
            for key, setting in mount_fields(flag.value) or []:
                if setting and key != "from":
                    for variable in _lexed(setting, node.escape):
                        yield Lookup(variable.name, span)


def in_words(node: Instruction, arguments: Iterable[Argument]) -> Iterator[Lookup]:
    """Those in some *arguments* of *node*."""
    for argument in arguments:
        is_as_written = len(argument.value) == argument.end - argument.start
        for variable in _lexed(argument.value, node.escape):
            start, end = argument.start, argument.end
            if is_as_written:
                start, end = argument.start + variable.start, argument.start + variable.end
            yield Lookup(variable.name, node.logical.span(start, end))


def _lexed(text: str, escape: str = "\\", *, quotes: bool = True) -> Iterator[words.Variable]:
    if "$" not in text:
        return
    try:
        yield from _variables(words.lex(text, escape, quotes=quotes))
    except words.WordError:
        return  # an error of its own


def _variables(parts: Iterable[words.Part]) -> Iterator[words.Variable]:
    for part in parts:
        if isinstance(part, words.Variable):
            if part.name:
                yield part
            yield from _variables((*part.word, *part.replacement))
