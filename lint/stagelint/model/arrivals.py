"""Where a file of an image comes from: the COPY that brought it, and its place in the build context."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from stagelint.model.context import Context
from stagelint.model.moments import Moment


def origin(context: Context, moments: Sequence[Moment], path: str) -> str | None:
    """The path in the context of what lies at the absolute *path* after *moments*.

    None if no COPY among them brought it from there, or that cannot be told. What RUNs do to it does
    not count.
    """
    path = path.rstrip("/") or "/"
    for moment in reversed(moments):
        if moment.instruction.keyword in ("COPY", "ADD") and not moment.instruction.flag("from"):
            found = _brought(context, moment, path)
            if found is not None:
                return found
    return None


def _brought(context: Context, moment: Moment, path: str) -> str | None:
    target = moment.path(moment.instruction.arguments[-1].value)
    if target is None:
        return None
    entries = [entry for source in moment.local_sources for entry in context.match(source)]
    into_folder = target.endswith("/") or len(entries) > 1 or len(moment.local_sources) > 1
    target = target.rstrip("/") or "/"
    for entry in reversed(entries):
        if entry.is_folder:
            found = _below(path, target)
            inside = posixpath.normpath(posixpath.join(entry.path, found)) if found else None
            if inside and context.find(inside):
                return inside
        else:
            name = posixpath.basename(entry.path)
            if path == (posixpath.join(target, name) if into_folder else target):
                return entry.path
    return None


def _below(path: str, folder: str) -> str | None:
    """*path* relative to *folder*; None if it lies elsewhere."""
    if path == folder:
        return "."
    start = folder if folder.endswith("/") else f"{folder}/"
    return path.removeprefix(start) if path.startswith(start) else None
