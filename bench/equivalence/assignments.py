"""Values for `--build-arg` that could make a difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from bench.equivalence.reading import Args, file_of
from stagelint.model import File
from stagelint.syntax.nodes import Instruction

PLATFORM = tuple(
    f"{side}{part}"
    for side in ("BUILD", "TARGET")
    for part in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
)

#: Chosen to look like what variables stand for.
_WORDS = ("", "busybox", "alpine", "scratch", "0", "1", "word", "a b", "linux/amd64", "arm64", "/w")


#: BuildKit knows which ones there are.
_PLATFORMS = ("linux/amd64", "linux/amd64", "linux", "amd64", "linux/arm64", "")

#: So often something else is tried where the file as it was would not be built.
_TRIES = 5


def assignments(before: File, after: File, random: Random, count: int = 2) -> tuple[Args, ...]:
    """None, and *count* others by chance; only none where no file has a variable."""
    choices = _choices(before, after)
    found: list[Args] = [()]
    for _ in range(count if choices else 0):
        args: Args = ()
        for _ in range(_TRIES):
            chosen = [name for name in choices if random.random() < _share(name)]
            args = tuple((name, random.choice(choices[name])) for name in chosen)
            if not file_of(before.source.text, args).rejection():
                break
        found.append(args)
    return tuple(dict.fromkeys(found))


def one_by_one(before: File, after: File, random: Random, most: int) -> tuple[Args, ...]:
    """Single variables with single values, *most* of them.

    Those come first that name a stage which only one of the two files has.
    """
    choices = _choices(before, after)
    found = [
        ((name, value),) for name, values in choices.items() for value in dict.fromkeys(values)
    ]
    random.shuffle(found)
    telling = {*_stage_names(before)} ^ {*_stage_names(after)}
    found.sort(key=lambda args: args[0][1] not in telling)
    return tuple(found[:most])


def _choices(before: File, after: File) -> dict[str, Sequence[str]]:
    """The variables that could make a difference, with values to try."""
    names = {*_names(before), *_names(after)}
    texts = before.source.text + after.source.text
    names |= {name for name in PLATFORM if name in texts}
    values = [*_WORDS, *sorted({*_stage_names(before), *_stage_names(after)})]
    return {name: _PLATFORMS if name.endswith("PLATFORM") else values for name in sorted(names)}


def _share(name: str) -> float:
    return 0.3 if name in PLATFORM else 0.7


def _names(file: File) -> Iterator[str]:
    for instruction in file.tree.instructions:
        for each in (instruction, instruction.inner):
            if isinstance(each, Instruction) and each.keyword == "ARG":
                yield from (pair.key for pair in each.pairs if pair.key.isidentifier())


def _stage_names(file: File) -> Iterator[str]:
    yield from (stage.name for stage in file.stages if stage.name)
