"""Values for `--build-arg` that could make a difference."""

from __future__ import annotations

from collections.abc import Iterator
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
    names = sorted({*_names(before), *_names(after)})
    texts = before.source.text + after.source.text
    if "$" not in texts and not names:
        return ((),)
    platform = [name for name in PLATFORM if name in texts and name not in names]
    values = [*_WORDS, *sorted({*_stage_names(before), *_stage_names(after)})]
    found: list[Args] = [()]
    for _ in range(count):
        args: Args = ()
        for _ in range(_TRIES):
            chosen = [name for name in names if random.random() < 0.7]
            chosen += [name for name in platform if random.random() < 0.3]
            args = tuple(
                (name, random.choice(_PLATFORMS if name.endswith("PLATFORM") else values))
                for name in sorted(chosen)
            )
            if not file_of(before.source.text, args).rejection():
                break
        found.append(args)
    return tuple(dict.fromkeys(found))


def _names(file: File) -> Iterator[str]:
    for instruction in file.tree.instructions:
        for each in (instruction, instruction.inner):
            if isinstance(each, Instruction) and each.keyword == "ARG":
                yield from (pair.key for pair in each.pairs if pair.key.isidentifier())


def _stage_names(file: File) -> Iterator[str]:
    yield from (stage.name for stage in file.stages if stage.name)
