"""What of the build context lies in a stage, and which of it are the sources of a program."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Container, Iterable, Iterator
from functools import cached_property

from stagelint.model.context import Context, Entry
from stagelint.model.moments import Moment
from stagelint.model.outputs import is_in
from stagelint.model.stacks.plans import Refused
from stagelint.tuples import NamedTuple

#: Of a context with more, nothing is said.
_MOST_FILES, _MOST_BYTES = 20_000, 8 << 20

_ARCHIVE = r"(?i)\.(?:tar(?:\.\w+)?|tgz|tbz2?|txz|gz|bz2|xz|zst)\Z"


class Placed(NamedTuple):
    """A file of the build context in the stage."""

    path: str
    """Where it lies there."""
    entry: Entry


class Sources:
    """The files of the build context that the instructions of a stage copy."""

    def __init__(
        self, context: Context | None, moments: Iterable[Moment], is_source: Callable[[str], bool]
    ) -> None:
        """*moments* are those up to the end of the build; *is_source* takes a path in the context.

        Raises `Refused` if it is not known what they copy.
        """
        self.context = context
        self.is_source = is_source
        self.files: list[Placed] = []
        self.roots: set[str] = set()
        """The folders of the stage that are copied to, or worked in."""
        self._folders: set[str] = set()
        self.whole: set[str] = set()
        """Those that are a folder of the context, and no more."""
        for moment in moments:
            if moment.instruction.keyword in ("COPY", "ADD"):
                self._copy(moment)
            elif moment.instruction.keyword == "WORKDIR":
                self._enter(moment)
            if len(self.files) > _MOST_FILES:
                raise Refused("too much is copied to be looked through", moment.instruction)

    def _enter(self, moment: Moment) -> None:
        path = moment.path(moment.instruction.rest)
        if path:
            self.roots.add(path.rstrip("/") or "/")
            self.whole.discard(path.rstrip("/"))

    def _copy(self, moment: Moment) -> None:
        node = moment.instruction
        others = {each.name for each in node.flags} - {"link", "chown", "chmod"}
        if "from" in others:
            raise Refused("it copies from another image, too", node)
        if others or node.heredocs or len(moment.local_sources) + 1 != len(node.arguments):
            raise Refused("it is not known what this copies", node)
        if node.keyword == "ADD" and any(re.search(_ARCHIVE, e) for e in moment.local_sources):
            raise Refused("it is not known what is in the archive", node)
        if self.context is None:
            raise Refused(
                "the build context is not known, nor what the program may read of it", node
            )
        place = moment.path(node.arguments[-1].value)
        found = [each for source in moment.local_sources for each in self.context.match(source)]
        if place is None or not found:
            raise Refused("it is not known what this copies", node)
        bare = place.rstrip("/")
        is_folder = place.endswith("/") or len(found) > 1 or self.is_folder(bare)
        for entry in found:
            self._place(entry, bare, is_folder=is_folder)

    def _place(self, entry: Entry, place: str, *, is_folder: bool) -> None:
        assert self.context is not None
        if not entry.is_folder:
            path = f"{place}/{posixpath.basename(entry.path)}" if is_folder else place
            self._remember([Placed(path, entry)])
            self.roots.add(posixpath.dirname(path) or "/")
            return
        if entry.path != "." and place not in self.roots:
            self.whole.add(place)
        self.roots.add(place or "/")
        top = "" if entry.path == "." else f"{entry.path}/"
        self._remember(
            Placed(f"{place}/{each.path[len(top) :]}", each)
            for each in self.context.below(entry.path)
            if not each.is_folder
        )

    def _remember(self, placed: Iterable[Placed]) -> None:
        for each in placed:
            self.files.append(each)
            self._folders.update(_above(each.path, self._folders))

    def is_folder(self, path: str) -> bool:
        """Is the absolute *path* a folder that something is copied to, or into?"""
        return path in self.roots or path in self._folders

    def at(self, path: str) -> Entry | None:
        """What lies at the absolute *path* of the stage, if it is of the build context."""
        return self._by_path.get(path)

    @cached_property
    def _by_path(self) -> dict[str, Entry]:
        return {each.path: each.entry for each in self.files}

    def is_writable(self, folder: str) -> bool:
        """May anybody write to the absolute *folder*, as the build context has it?"""
        for each in self.files:
            inside = each.path.removeprefix(f"{folder}/")
            if inside != each.path and self.context:
                entry = self.context.find(each.entry.path.removesuffix(inside))
                return entry is not None and bool(entry.mode & 0o002)
        return False

    def text(self, path: str) -> str | None:
        """What the file at the absolute *path* of the stage says."""
        entry = self.at(path)
        return self.context.text(entry.path) if entry and self.context else None

    def named(self, name: str) -> list[str]:
        """The paths in the stage of the files that are called *name*."""
        return [each.path for each in self.files if posixpath.basename(each.path) == name]

    def below(self, folder: str) -> list[str]:
        """The files in the absolute *folder* at any depth, relative to it."""
        top = f"{folder}/"
        return [each.path[len(top) :] for each in self.files if each.path.startswith(top)]

    def files_in(self, folder: str, name: str, pattern: str) -> list[str]:
        """The files right in the absolute *folder* whose name matches *name* and text has *pattern*."""
        return [
            each.path
            for each in self.files
            if posixpath.dirname(each.path) == folder
            and re.fullmatch(name, posixpath.basename(each.path))
            and re.search(pattern, self.text(each.path) or "")
        ]

    def inside(self, path: str) -> bool:
        """Is the absolute *path* in a folder that is copied to, or worked in?"""
        return any(is_in(path, root) for root in self.roots)

    @cached_property
    def code(self) -> list[tuple[str, str]]:
        """The sources of the program itself, each with its path in the context."""
        found: list[tuple[str, str]] = []
        left = _MOST_BYTES
        for path in dict.fromkeys(each.entry.path for each in self.files):
            if not self.is_source(path) or re.search(r"(?:\A|/)(?:vendor|third_party)/", path):
                continue
            text = self.context.text(path) if self.context else None
            left -= len(text or "")
            if left < 0:
                raise Refused("its sources are too large to be looked through")
            if text is not None:
                found.append((path, text))
        return found

    def refuse(self, pattern: str, reason: str) -> None:
        """Raises `Refused` with *reason* if *pattern* is found in a source."""
        for path, text in self.code:
            found = re.search(pattern, text)
            if found:
                shown = " ".join(found[0].split())[:40]
                raise Refused(f"{reason}: `{shown}` in `{path}`")

    @cached_property
    def mixed(self) -> frozenset[str]:
        """The folders of the stage in which sources lie."""
        found: set[str] = set()
        for each in self.files:
            if self.is_source(each.entry.path):
                found.update(_above(each.path, found))
        return frozenset(found)


def _above(path: str, known: Container[str]) -> Iterator[str]:
    """The folders that *path* lies in, up to the first that is *known*."""
    while path != "/" and (path := posixpath.dirname(path)) not in known:
        yield path
