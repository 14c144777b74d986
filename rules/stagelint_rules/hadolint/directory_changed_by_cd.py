from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.calls import Call
from stagelint.model.moments import Moment
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.syntax.nodes import Instruction


class DirectoryChangedByCd(Rule):
    """A RUN changes the directory by `cd` where WORKDIR would do.

    The next instruction does not start where `cd` has led, but in the directory of the last
    WORKDIR. A `cd` that a RUN ends with has no effect at all, which is a warning. One that a RUN
    begins with has the same effect as a WORKDIR in front, which makes the directory as well if it
    is not there, and holds for all that follows: this is information. So has one behind a `mkdir`
    of the same.

    Unlike hadolint it is silent where WORKDIR cannot take its place without another layer or
    another meaning: behind other commands, in a subshell, a condition or a loop, and in a RUN that
    goes on to a directory elsewhere.
    """

    code = "DL3003"
    severity = Severity.INFO
    words = ("cd",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN mkdir /src && cd /src
                              ^^^^^^^ this has no effect on what follows the RUN
            RUN cd /src && make
                ^^^^^^^ `WORKDIR /src` would hold for the instructions that follow as well
            """
        ),
        Bad(
            """
            FROM debian:12
            RUN mkdir -p build && cd build && cmake .. && cd tests && make
                                  ^^^^^^^^ a WORKDIR would hold for the instructions that follow as well
            RUN cd "$HOME" && make
                ^^^^^^^^^^ a WORKDIR would hold for the instructions that follow as well
            RUN ["cd", "/src"]
                 ^^^^^^^^^^^^ this has no effect on what follows the RUN
            """
        ),
        Good(
            """
            FROM debian:12
            RUN git clone https://example.com/app.git && cd app && make && rm -rf app
            RUN (cd /src && make) && out=$(cd /src && pwd)
            RUN for each in a b; do cd /$each; make; done
            RUN cd /a && make && cd /b && make
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for moment in file.written(stage):
                call = _first_or_last(moment)
                if call is None:
                    continue
                if call is moment.calls[-1]:
                    message, severity = _NO_EFFECT, Severity.WARNING
                else:
                    message, severity = f"{_workdir(call)}{_BETTER}", Severity.INFO
                yield self.finding(file, call.span, message, severity=severity, stage=stage)


_CHANGING = frozenset({"cd", "pushd", "popd"})
_NO_EFFECT = "this has no effect on what follows the RUN"
_BETTER = " would hold for the instructions that follow as well"


def _workdir(call: Call) -> str:
    """What would do the same."""
    known = call.arguments[0] if len(call.arguments) == 1 else None
    return (
        f"`WORKDIR {known}`" if known and known[0] in "/." and known.isprintable() else "a WORKDIR"
    )


def _first_or_last(moment: Moment) -> Call | None:
    """The `cd` that a RUN ends with, or begins with if it then goes no further than below."""
    calls = [each for each in moment.calls if not each.is_inner]
    if not calls:
        return None
    if calls[-1].name == "cd" and calls[-1] is moment.calls[-1]:
        return calls[-1]
    first, *rest = [each for each in calls if each.name != "set"] or calls
    if first.name == "mkdir" and rest and rest[0].words and rest[0].words == first.words:
        first = rest[0]  # WORKDIR makes it as well
    is_first = first.name == "cd" and calls[0].span.start in _beginnings(moment.instruction)
    others = [each for each in moment.calls if each.name in _CHANGING and each is not first]
    return first if is_first and all(map(_goes_on, others)) else None


def _goes_on(change: Call) -> bool:
    """Does it lead on from where one is, which WORKDIR may have said as well?"""
    words = change.words
    return change.name == "cd" and change.is_known and bool(words) and not words[0].startswith("/")


def _beginnings(run: Instruction) -> set[int]:
    """Where its scripts begin."""
    return {run.logical.offset(run.rest_start), *(each.body.start for each in run.heredocs)}
