"""What is known of the bytes that instructions put into an image, and what saves how many.

Bytes of base images are compressed, as the catalogue has them; bytes of the build context are those
of the files on disk. What packages weigh is not known.
"""

from __future__ import annotations

from collections.abc import Sequence

from stagelint.model.file import File
from stagelint.model.gains import Amount, Gain, Known
from stagelint.model.moments import Moment
from stagelint.model.vertices import Incomparable
from stagelint.syntax.nodes import Instruction


def copied(file: File, moment: Moment) -> Amount | None:
    """The bytes that a COPY or ADD brings from the build context; None if that is not known."""
    if moment.instruction.flag("from") or file.context is None:
        return None
    sources = moment.local_sources
    if len(sources) < len(moment.instruction.arguments) - 1:
        return None  # an address, a text in the file itself, or what only a build knows
    entries = {entry for source in sources for entry in file.context.copied(source)}
    return Amount(sum(entry.size for entry in entries), Known.CONTEXT)


def added(amounts: Sequence[Amount | None]) -> Amount | None:
    """The sum of those that are known, at least that if one is not; None if none is."""
    known = [each for each in amounts if each]
    if not known:
        return None
    at_least = len(known) < len(amounts) or any(each.at_least for each in known)
    return Amount(sum(each.value for each in known), known[0].known, at_least)


def brought(file: File, source: str) -> Amount | None:
    """The bytes that one *source* of a COPY brings from the build context; None if it is not known."""
    found = [] if file.context is None else [*file.context.copied(source)]
    return Amount(sum(entry.size for entry in found), Known.CONTEXT) if found else None


def kept_in_cache(
    file: File, instructions: Sequence[Instruction], when: str, *, in_part: int = 0
) -> Gain:
    """What is saved if *instructions* do not run again after *when*, as `Gain` says it.

    So many more steps are kept *in_part*, of which no build tells what the parts take. Seconds are
    those that the steps took in the build that `--trace` tells of.
    """
    count = len(instructions) + in_part
    took = [_seconds(file, each) for each in instructions] if file.options.seconds else []
    known = [each for each in took if each is not None]
    seconds = Amount(sum(known), Known.TRACE, len(known) < count) if known else None
    return Gain(steps=count, seconds=seconds, when=when)


def _seconds(file: File, instruction: Instruction) -> float | None:
    if not file.options.seconds or file.rejection():
        return None
    for target in file.shipped | file.asked:
        try:
            steps = file.rebuild.steps(target)
        except Incomparable:
            return None
        for step in steps:
            if any(place.instruction is instruction for place in step.places):
                return file.options.seconds(step)
    return None
