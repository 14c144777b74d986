from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.moments import Moment
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span
from stagelint.syntax.nodes import Instruction, Pair
from stagelint.syntax.words import Part, Variable, WordError, lex

_BY_BASE = "it is what the base image sets it to, or nothing"


class VariableSetAndReadInOneEnv(Rule):
    """An ENV reads a variable that it sets itself.

    All variables of an ENV are read before any is set: `ENV A=1 B=$A` does not make B 1. B is what
    A was before, which is nothing if nothing else has set it. An ENV for each does what was meant.

    It is an error, but information where the base image may have set the variable, perhaps to the
    same: `PATH`, and any upon an image that is not known. It speaks of a variable that another part
    of the same ENV sets, if no ENV or ARG of the stage or of those it is built on has named it
    before; of one that is set twice in an ENV, and added to, it is the second time. Unlike hadolint
    it reads quotes: in `'$A'` and `\\$A` there is no variable. One with a value to take in its place,
    as in `${A:-1}`, is not spoken of.

    The fix begins another ENV in front of what reads a variable that is set before it. It is not
    safe, since the variable has another value then.
    """

    code = "DL3044"
    severity = Severity.ERROR
    words = ("env",)
    examples = (
        Bad(
            """
            FROM debian:12
            ENV JAVA_HOME=/opt/java PATH=$JAVA_HOME/bin:$PATH
                                         ^^^^^^^^^^ `$JAVA_HOME` is not yet what this ENV sets it to
            ONBUILD ENV B="${D:-$A}" A=1
                           ^^^^^^^^ `$A` is not yet what this ENV sets it to
            """,
            fixed="""
            FROM debian:12
            ENV JAVA_HOME=/opt/java
            ENV PATH=$JAVA_HOME/bin:$PATH
            ONBUILD ENV B="${D:-$A}" A=1
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian:12
            ENV A=1 \\
                B=2 \\
                C=$A \\
                  ^^ `$A` is not yet what this ENV sets it to
                # and so on
                D=${C}
                  ^^^^ `$C` is not yet what this ENV sets it to
            """,
            fixed="""
            FROM debian:12
            ENV A=1 \\
                B=2
            ENV C=$A \\
                # and so on
                D=${C}
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian:12
            ENV PATH=$PATH:/opt/a/bin B=1 PATH=$PATH:/opt/b/bin
                                               ^^^^^ `$PATH` is not yet what this ENV sets it to
            """,
            fixed="""
            FROM debian:12
            ENV PATH=$PATH:/opt/a/bin B=1
            ENV PATH=$PATH:/opt/b/bin
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian:12
            ENV PATH=/opt/bin:$PATH LATER=$PATH
                                          ^^^^^ `$PATH` is not yet what this ENV sets it to
            """
        ),
        Good(
            """
            FROM debian:12
            ENV A=1
            ENV A=2 B=$A
            ENV C=1 D='$C' E=\\$C F=$CC PATH=/opt/bin:$PATH
            ENV G=${G:-1} H=${G:-1}
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for moment in file.written(stage):
                if moment.instruction.keyword == "ENV" and len(moment.instruction.pairs) > 1:
                    for name, span, at in _too_early(moment):
                        is_own = moment.instruction.pairs[at].key == name
                        may_be_set = not is_own and _may_be_set(file, stage, name)
                        yield self.finding(
                            file,
                            span,
                            f"`${name}` is not yet what this ENV sets it to",
                            severity=Severity.INFO if may_be_set else None,
                            note=_BY_BASE if may_be_set else "",
                            fix=_fix(file, moment.instruction, name, at),
                            stage=stage,
                        )


def _may_be_set(file: File, stage: Stage, name: str) -> bool:
    """May the base image have set the variable, for all that is known of it?"""
    bottom = file.chain(stage)[0]
    image = file.histories[bottom.index].image
    return name == "PATH" or (image is None and not bottom.base.is_scratch)


def _too_early(moment: Moment) -> Iterator[tuple[str, Span, int]]:
    """The names that are read too early, where, and in which pair."""
    node = moment.instruction
    times, before = Counter(each.key for each in node.pairs), Counter[str]()
    for at, pair in enumerate(node.pairs):
        for part, span in _variables(moment, pair):
            for name in _required([part]):
                others = before[name] if name == pair.key else times[name]
                if others and not moment.declares(name):
                    yield name, span, at
                    break
        before[pair.key] += 1


def _fix(file: File, node: Instruction, name: str, at: int) -> Fix | None:
    """Begin another ENV in front of the pair *at*, if *name* is set before and only blanks are lost."""
    is_trigger = node.keyword_start > 0
    before, pair = node.pairs[at - 1], node.pairs[at]
    if is_trigger or name not in {each.key for each in node.pairs[:at]}:
        return None
    if name == "PATH" and pair.key != name:
        return None  # perhaps the one of the base image was meant
    first = node.logical.span(before.start, before.end)
    second = node.logical.span(pair.start, pair.end)
    gap = Span(first.end, second.start)
    if file.source.text[gap.start : gap.end].strip(f" \t\r\n{node.escape}"):
        return None
    key = file.source.text[second.start : second.end]
    text = f"{file.source.newline}{node.raw_keyword} {key}"
    edit = Edit(Span(gap.start, second.end), text)
    return Fix("begin another ENV here", (edit,), Guarantee.BEHAVIOUR)


def _required(parts: Iterable[Part]) -> Iterator[str]:
    """The variables that have no value to take in their place."""
    for part in parts:
        if isinstance(part, Variable):
            if not part.operator:
                yield part.name
            yield from _required((*part.word, *part.replacement))


def _variables(moment: Moment, pair: Pair) -> Iterator[tuple[Variable, Span]]:
    """Those in the value of *pair*, with their places in the file."""
    node = moment.instruction
    value = pair.value or ""
    start = pair.end - len(value)
    try:
        parts = lex(value, node.escape)
    except WordError:
        return
    for part in parts:
        if isinstance(part, Variable):
            yield part, node.logical.span(start + part.start, start + part.end)
