"""What a builder is given, what it gives back, and what every builder can do."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from stagelint.source import Source
from stagelint.tuples import NamedTuple
from stagelint.verify.image import Image
from stagelint.verify.process import Runner
from stagelint.verify.verdict import Cost, Target

Say = Callable[[str], None]
"""Takes a line on what goes on."""

#: Builders look for these beside a Dockerfile before they look in the context.
_IGNORE = (".dockerignore", ".containerignore")


class Wishes(NamedTuple):
    """What the user says of every build of a verification."""

    builder: str = "auto"
    targets: tuple[str, ...] = ()
    """Names, the empty one for the last stage; none at all for every target there is."""
    context: str | None = None
    """The folder of the build context; None for that of the Dockerfile."""
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    """Both as the builder takes them."""
    buildx_builder: str | None = None
    timeout: float | None = None
    """Seconds for the builds of one file."""
    jobs: int = 1
    """Files verified at the same time."""


class Job(NamedTuple):
    """Two files, and how to build them."""

    before: Source
    after: Source
    targets: tuple[Target, ...]
    build_args: Mapping[str, str]
    wishes: Wishes

    @property
    def context(self) -> str:
        """The folder of the build context, absolute."""
        return os.path.abspath(self.wishes.context or os.path.dirname(self.before.path))


class Side(StrEnum):
    """Which of the two files; AGAIN is the old one, built anew without any cache."""

    BEFORE = "before"
    AFTER = "after"
    AGAIN = "again"


class Built(NamedTuple):
    """One target, built from both files."""

    target: Target
    shared: int
    total: int
    costs: tuple[Cost, Cost]
    is_identical: bool


class DifferentBuildError(Exception):
    """There is no image to compare: the new file does not build what the old one builds."""

    def __init__(self, reason: str, lines: Sequence[str] = ()) -> None:
        """*lines* are the last of the builder."""
        super().__init__(reason)
        self.lines = tuple(lines)


class BrokenBuildError(DifferentBuildError):
    """The old file builds and the new one does not."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("the new file does not build", lines)


class Builder(Protocol):
    """One builder at work on one job. Every method raises `CouldNotTellError`."""

    unit: str
    """What `Built` counts."""

    def build(self) -> list[Built]:
        """Build every target of both files. Raises `BrokenBuildError`."""
        ...

    def rebuild(self, target: Target) -> None:
        """Build *target* of the old file once more, without cache."""
        ...

    def image(self, target: Target, side: Side) -> Image:
        """The image of a target that was built."""
        ...

    def close(self) -> None:
        """Leave nothing behind but what the builder itself keeps as its cache."""
        ...


class Found(NamedTuple):
    """A builder that works here."""

    title: str
    start: Callable[[Job, str, Runner, Say], Builder]
    """Takes a folder for what it needs, too."""


def write_files(job: Job, folder: str) -> dict[Side, str]:
    """Put both Dockerfiles into *folder*, each with the same ignore file; returns their paths.

    What is compared is two texts of one file, so that of the old one counts, if there is any.
    """
    paths: dict[Side, str] = {}
    besides = [os.path.abspath(source.path) for source in (job.before, job.after)]
    for side, source in ((Side.BEFORE, job.before), (Side.AFTER, job.after)):
        os.mkdir(os.path.join(folder, side))
        paths[side] = os.path.join(folder, side, "Dockerfile")
        _write(paths[side], source.to_bytes())
        for ending in _IGNORE:
            found = next((path for path in besides if os.path.isfile(path + ending)), None)
            if found:
                with open(found + ending, "rb") as file:
                    _write(paths[side] + ending, file.read())
    return {**paths, Side.AGAIN: paths[Side.BEFORE]}


def _write(path: str, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
