"""What is measured of a case, and all of it as a table."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.equivalence import builders
from bench.optimizations import images
from bench.optimizations.cases import Case
from bench.optimizations.compressed import Sizes
from bench.optimizations.project import Project, Side

HEADINGS = ("case", "rules", "guarantee", "MB", "MB gzip", "layers", "cold s", "warm s")


class Row(NamedTuple):
    """What came of one case."""

    case: Case
    before: Side
    after: Side
    sent_before: int
    """Bytes of the image compressed."""
    sent_after: int

    def cells(self) -> tuple[str, ...]:
        case, before, after, sent_before, sent_after = self
        return (
            *(case.name, " ".join(case.rules), case.guarantee),
            _pair(before.bytes / 1e6, after.bytes / 1e6, 1),
            _pair(sent_before / 1e6, sent_after / 1e6, 1),
            _pair(before.layers, after.layers, 0),
            _pair(before.cold, after.cold, 1),
            _pair(before.warm, after.warm, 1),
        )


def measured(case: Case, docker: builders.Docker, sizes: Sizes, folder: Path, cache: Path) -> Row:
    """What comes of *case*, built in the empty *folder*; stand-ins are kept in *cache*.

    Raises `project.Broken` if it is not as promised.
    """
    images.provide(docker, case.images(), cache, _say)
    project = Project(case, docker, folder)
    project.judge()
    before, after = project.measure()
    return Row(case, before, after, sizes.of(before.tag), sizes.of(after.tag))


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr)


def _pair(before: float, after: float, digits: int) -> str:
    return f"{before:.{digits}f} -> {after:.{digits}f}"


def text(rows: Sequence[Row]) -> str:
    """In columns."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def markdown(rows: Sequence[Row]) -> str:
    """As GitHub reads it."""
    return "\n".join(_markdown_lines(rows))


def _markdown_lines(rows: Sequence[Row]) -> Iterator[str]:
    yield _line(HEADINGS)
    yield _line(["---"] * 3 + ["---:"] * (len(HEADINGS) - 3))
    yield from (_line(row.cells()) for row in rows)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
