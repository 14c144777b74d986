"""Sizes of base images as a table for people."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence

from stagelint.config import PYPROJECT, Config
from stagelint.model import byte_counts, images
from stagelint.model.base_images import BaseImage
from stagelint.report.parts import plural
from stagelint.report.terminal import escape

_TITLES = ("IMAGE", "COMPRESSED", "UNPACKED", "DATE", "SOURCE")
#: The columns of numbers are aligned to the right.
_NUMBERS = (1, 2)


def table(rows: Iterable[BaseImage]) -> Iterator[str]:
    """Lines without newlines, with a header; none for no rows."""
    ordered = sorted(rows, key=lambda row: (row.name, row.tag))
    lines = [_TITLES, *map(_cells, ordered)] if ordered else []
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        aligned = (
            text.rjust(width) if at in _NUMBERS else text.ljust(width)
            for at, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join(aligned).rstrip()


def _cells(row: BaseImage) -> tuple[str, ...]:
    platform = "" if row.platform == "linux/amd64" else f" ({row.platform})"
    sizes = (_size(size, row.is_approximate) for size in (row.compressed, row.unpacked))
    return escape(f"{row.reference}{platform}"), *sizes, row.as_of, escape(row.source)


def _size(size: int | None, is_approximate: bool) -> str:
    return "-" if size is None else f"{'~' * is_approximate}{byte_counts.shown(size)}"


def chosen(rows: Sequence[BaseImage], names: Sequence[str]) -> tuple[list[BaseImage], list[str]]:
    """The rows that *names* mean, by tag or all of a name; and the names that mean none.

    All rows if there are no names.
    """
    if not names:
        return list(rows), []
    found = {name: [row for row in rows if _is_meant(row, name)] for name in names}
    wanted = {row for matching in found.values() for row in matching}
    return [row for row in rows if row in wanted], [name for name in found if not found[name]]


def _is_meant(row: BaseImage, name: str) -> bool:
    full = images.canonical(name)
    if any(char in name.rpartition("/")[2] for char in ":@"):
        return full == f"{row.name}:{row.tag}"
    return row.name in (name, full.removesuffix(":latest"))


def written(rows: Sequence[BaseImage], path: str, settings: Config) -> Iterator[str]:
    """That *rows* are in the file *path* now; and what to say in *settings* unless they know it."""
    yield f"Wrote {plural(len(rows), 'size')} to {escape(path)}."
    known = settings.sizes_path
    if known is not None and os.path.realpath(known) == os.path.realpath(path):
        return
    place = settings.path or "stagelint.toml"
    where = f"{place}, in [tool.stagelint]" if os.path.basename(place) == PYPROJECT else place
    try:
        relative = os.path.relpath(path, os.path.dirname(place) or os.curdir)
    except ValueError:  # another drive
        relative = os.path.abspath(path)
    line = f"sizes = {json.dumps(relative.replace(os.sep, '/'), ensure_ascii=False)}"
    yield f"To use it, say in {escape(where)}: {escape(line)}"
