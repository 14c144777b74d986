"""What the steps of a build took: the output of `docker buildx build --progress=rawjson` read again.

`docker buildx history logs --progress=rawjson` prints the same of a build that is over. Facts of
buildx 0.29 and BuildKit v0.25.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from stagelint.model.rebuild import Place, Step
from stagelint.tuples import NamedTuple
from stagelint.verify.steps import Steps

#: `[linux/amd64 build 2/5] RUN make`: the stage is left out if it is the only one. What merges the
#: layer of a `COPY --link` with those below begins with LINK, and is no step of the file.
_NAME = re.compile(r"\[(?:(\S+/\S+) )?(?:([^\s/\]]+) +)? *(\d+)/\d+\] (?!LINK )(.*)", re.DOTALL)
#: What is said otherwise, or not at all, in the name of a step.
_UNSAID = re.compile(r"[\s\"'\\\[\],`]+")
_VARIABLE = re.compile(r"\$(?:\{[^}]*\}|\w+)")


class TraceError(Exception):
    """The file is no such output; the message is one line for the user."""


class Timing(NamedTuple):
    """A step of the traced build."""

    stage: str
    """Its label; empty if the file has one stage."""
    number: int
    text: str
    """The instruction, with the values of variables in their place."""
    seconds: float | None
    """None if it was found in the cache, or did not end."""


class Trace:
    """The steps of one build."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Raises `TraceError`."""
        steps = Steps()
        for number, line in enumerate(lines, 1):
            try:
                steps.take(line)
            except (ValueError, TypeError, AttributeError) as error:
                raise TraceError(f"line {number} is nothing that a build tells: {error}") from None
        self.timings: list[Timing] = []
        for told in steps.told():
            found = _NAME.match(told.name)
            if found:
                seconds = told.seconds if told.is_done and not told.cached else None
                self.timings.append(Timing(found[2] or "", int(found[3]), found[4], seconds))
        if not self.timings:
            raise TraceError(
                "no step is told of: is it what `docker buildx build --progress=rawjson` prints?"
            )

    def seconds(self, step: Step) -> float | None:
        """What *step* took; None if the trace does not tell.

        It need not stand where it stood in the traced build, but must say the same.
        """
        found = [self._timing(place) for place in step.places]
        return next((each.seconds for each in found if each and each.seconds is not None), None)

    def _timing(self, place: Place) -> Timing | None:
        fitting = [each for each in self.timings if _fits(place, each.text)]
        here = (place.stage.label, place.number)
        return max(fitting, key=lambda each: _likeness(each, here), default=None)


def _likeness(timing: Timing, here: tuple[str, int]) -> tuple[bool, bool, bool]:
    stage, number = here
    is_there = timing.stage in ("", stage)
    return is_there and timing.number == number, is_there, timing.seconds is not None


def _fits(place: Place, said: str) -> bool:
    """Is *said* the name of a step of that instruction?"""
    said = _UNSAID.sub("", said).lower()
    at = 0
    for piece in _VARIABLE.split(place.instruction.logical.text):  # in an ONBUILD with that word
        known = _UNSAID.sub("", piece).lower()
        found = said.find(known, at)
        if found < 0 or (at == 0 and found):
            return False
        at = found + len(known)
    return True
