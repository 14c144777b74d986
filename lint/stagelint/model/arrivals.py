"""Where the files of an image come from: the COPYs that bring them, and places in the build context."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Sequence

from stagelint.model.archives import may_unpack
from stagelint.model.context import Context, clean
from stagelint.model.file import File
from stagelint.model.moments import Moment
from stagelint.model.outputs import is_in
from stagelint.model.placement import destination, is_file, may_be_folder
from stagelint.syntax.nodes import Argument
from stagelint.tuples import NamedTuple

#: Of a COPY of more sources, which nobody writes, nothing is known.
_MOST = 500


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


class Placed(NamedTuple):
    """A file that a COPY or ADD brings, or a folder within one that it brings."""

    path: str
    """Where it lies in the image; absolute."""
    source: Argument
    """The word that it is, or is in, or that stands for it."""
    mode: int | None
    """Its permissions if nothing says otherwise; None if that is not known."""
    size: int | None
    """In bytes; None if that is not known."""
    is_folder: bool = False
    is_link: bool = False


def placed(file: File, copy: Moment, told: Collection[str] = ()) -> list[Placed] | None:
    """All that *copy* brings; None if that cannot be told.

    *told* are paths that are known to be there afterwards. Folders that it makes around are not among
    what it brings, nor is the one that it copies the contents of a folder to: it has those permissions
    that it had, or 0755 (BuildKit v0.25.2).
    """
    node = copy.instruction
    place = copy.path(node.arguments[-1].value) if len(node.arguments) > 1 else None
    inline = {each.word_start: each for each in node.heredocs}
    is_long = len(node.arguments) > _MOST
    if place is None or is_long or node.flag("parents") or node.flag("exclude"):
        return None
    found: list[Placed] = []
    for word in node.arguments[:-1]:
        if word.start in inline:
            heredoc = inline[word.start]
            size = heredoc.body.end - heredoc.body.start
            path = _arrival(file, copy, place, heredoc.delimiter, told)
            brought = [Placed(path, word, 0o644, size)] if path else None
        else:
            brought = _from_source(file, copy, place, word, told)
        if brought is None:
            return None
        found += brought
    return found


def _from_source(
    file: File, copy: Moment, place: str, word: Argument, told: Collection[str]
) -> list[Placed] | None:
    """What the source *word* brings to *place*; None if that cannot be told."""
    source = copy.expand(word.value)
    if source is None or source not in copy.local_sources:
        return None
    if file.context is not None and not copy.instruction.flag("from"):
        return _from_context(file, file.context, copy, place, word, told)
    is_pattern = re.search(r"[*?\[\\]", source) is not None
    if copy.instruction.keyword == "ADD" or is_pattern or not is_file(file, copy, source):
        return None
    path = _arrival(file, copy, place, posixpath.basename(source), told)
    return [Placed(path, word, None, None)] if path else None


def _from_context(
    file: File,
    context: Context,
    copy: Moment,
    place: str,
    word: Argument,
    told: Collection[str],
) -> list[Placed] | None:
    source = copy.expand(word.value) or ""
    entries = context.match(source)
    is_pattern = any(each.path != clean(source) for each in entries)
    if not entries or (is_pattern and not place.endswith("/")):
        return None
    found: list[Placed] = []
    for entry in entries:
        if entry.is_link:
            return None
        if entry.is_folder:
            for each in context.below(entry.path):
                path = posixpath.join(place, posixpath.relpath(each.path, entry.path))
                kind = each.is_folder, each.is_link
                found.append(Placed(path, word, each.mode, each.size, *kind))
            continue
        at = _arrival(file, copy, place, posixpath.basename(entry.path), told)
        if at is None or (copy.instruction.keyword == "ADD" and _unpacks(context, entry.path)):
            return None
        found.append(Placed(at, word, entry.mode, entry.size))
    return found


def _unpacks(context: Context, path: str) -> bool:
    """May ADD unpack the file at *path* of the context?"""
    head = context.head(path)
    return head is None or may_unpack(head)


def _arrival(file: File, copy: Moment, place: str, name: str, told: Collection[str]) -> str | None:
    """Where a file called *name* arrives that is copied to *place*; None if that is not certain."""
    inside = posixpath.join(place, name)
    if place.endswith("/") or len(copy.instruction.arguments) > 2 or inside in told:
        return inside
    return None if may_be_folder(file, copy, place) else place


class Arrival(NamedTuple):
    """A file of an image, and the COPY or ADD that brought it."""

    copy: Moment
    file: Placed | None
    """None if the COPY names the path, and it is not known whether that is a file."""
    beside: tuple[Placed, ...] = ()
    """All that the COPY brings, the file itself among it."""


def arrivals(file: File, run: Moment, paths: Collection[str]) -> dict[str, Arrival]:
    """How the files at the absolute *paths*, which are there then, got there before *run*; by path.

    Without those that no COPY of the stage itself brought last, or of which that cannot be told.
    """
    own = file.histories[run.stage.index].own
    found: dict[str, Arrival] = {}
    told = frozenset(paths)
    left = dict.fromkeys(paths)
    for copy in reversed(own[: own.index(run)]):
        if copy.instruction.keyword not in ("COPY", "ADD"):
            continue
        place = destination(copy)
        here = [path for path in left if place is None or is_in(path, place)]
        brought = placed(file, copy, told) if here else None
        by_path = {each.path: each for each in brought or ()}
        named = set[str]() if brought is not None else _named(copy)
        for path in here:
            at = by_path.get(path)
            if at is None and brought is not None:
                continue
            del left[path]
            if at is None and path in named:
                found[path] = Arrival(copy, None)
            elif at is not None and not (at.is_folder or at.is_link):
                found[path] = Arrival(copy, at, tuple(by_path.values()))
    return found


def _named(copy: Moment) -> set[str]:
    """The paths that *copy* names: its last word, and that with the name of a source behind."""
    place = destination(copy)
    if place is None:
        return set()
    sources = [copy.expand(each.value) for each in copy.instruction.arguments[:-1]]
    names = [posixpath.basename(each.rstrip("/")) for each in sources if each]
    found = {posixpath.join(place, name) for name in names if name.strip(".")}
    return found | {place} if len(sources) == 1 and names != [""] else found
