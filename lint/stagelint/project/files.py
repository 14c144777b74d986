"""The files of a repository, for those who read it: each is read once, and never trusted."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TypeVar, cast

from stagelint import discover
from stagelint.source import Source
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.project.index import Journal

T = TypeVar("T")

_COMPOSE = re.compile(r"(?:^|/)(?:docker-)?compose[^/]*\.ya?ml$")

#: Larger files are written by programs; nobody names a target there.
_LIMIT = 1 << 19


class Files:
    """Paths are relative to the root and have `/`."""

    def __init__(
        self,
        root: str,
        changed: Mapping[str, Source] | None = None,
        listed: discover.Listed | None = None,
    ) -> None:
        """*changed* are other texts for files, by their paths as the user calls them; *listed* is
        what git has listed already."""
        self.root = root
        self._listed = listed
        self._changed = changed or {}
        self.notes: list[str] = []
        """What could not be read, and why: a line each."""
        self.journal: Journal | None = None
        """Gets what is read, if somebody wants to know."""
        self._sources: dict[str, Source | None] = {}
        self._paths: dict[int, str] = {}
        self._kept: dict[object, object] = {}

    @cached_property
    def paths(self) -> list[str]:
        """All files that git tracks or does not ignore, or all there are without git."""
        return sorted(discover.all_files(self.root, self._listed))

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.paths)

    def path_of(self, source: Source) -> str:
        """The path of a text that `source` gave."""
        return self._paths[id(source)]

    def parsed(self, source: Source, parse: Callable[[Source], T]) -> T:
        """What *parse* makes of *source*, worked out once. Raises what it raises."""
        return self.shared((parse, id(source)), lambda: parse(source))

    def shared(self, key: object, make: Callable[[], T]) -> T:
        """What *make* gives, which is kept under *key*."""
        if key not in self._kept:
            self._kept[key] = make()
        return cast("T", self._kept[key])

    def exists(self, path: str) -> bool:
        return path in self._known

    def beside(self, path: str) -> Iterable[str]:
        """The files in the folder of *path*."""
        return self._by_folder.get(posixpath.dirname(path), ())

    @cached_property
    def _by_folder(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(posixpath.dirname(path), []).append(path)
        return found

    @cached_property
    def composed(self) -> dict[str, list[str]]:
        """The files that are called as Compose calls its own, by folder."""
        found: dict[str, list[str]] = {}
        for path in self.paths:
            if _COMPOSE.search(path):
                found.setdefault(posixpath.dirname(path), []).append(path)
        return found

    def note(self, path: str, reason: str) -> None:
        """Say that *path* could not be read."""
        self.notes.append(f"{path}: {reason}")

    def source(self, path: str) -> Source | None:
        """The text of the file *path*; None if it cannot be read as text."""
        source = self.text(path)
        if self.journal:
            self.journal.read(path, (), source)
        return source

    def text(self, path: str) -> Source | None:
        """The same, for what is no part of the builds of the repository."""
        if path not in self._sources:
            self._keep(path, self._bytes(path))
        return self._sources[path]

    def telling(self, path: str, words: tuple[str, ...], *, is_noted: bool = True) -> Source | None:
        """The same, if it has one of *words*, which are in lower case."""
        known = path in self._sources
        source = self._sources[path] if known else None
        data = source.to_bytes() if source else None
        if not known:
            data = self._bytes(path, is_noted=is_noted)
        low = b"" if data is None else data.lower()  # quicker than an expression
        is_told = data is None or any(word.encode() in low for word in words)
        if not known and is_told:  # else another reader may look for other words
            self._keep(path, data)
        source = self._sources[path] if is_told else None
        if self.journal:
            self.journal.read(path, words, source)
        return source

    def _keep(self, path: str, data: bytes | None) -> None:
        source = None if data is None else Source.from_bytes(self.shown(path), data)
        self._sources[path] = source
        if source is not None:
            self._paths[id(source)] = path

    def _bytes(self, path: str, *, is_noted: bool = True) -> bytes | None:
        if path in self._changed_paths:
            return self._changed[self.shown(path)].to_bytes()
        full = os.path.join(self.root, path)
        if self.journal:
            self.journal.look_at(path)
        try:
            data = discover.read_regular(full, _LIMIT)
        except OSError as error:
            if is_noted:
                self.note(path, (error.strerror or str(error)).lower())
            return None
        if data is None and is_noted:
            self.note(path, f"larger than {_LIMIT >> 10} KiB")
        return None if data is None or b"\0" in data else data

    @cached_property
    def _changed_paths(self) -> frozenset[str]:
        if not self._changed:
            return frozenset()
        return frozenset(each for each in self.paths if self.shown(each) in self._changed)

    def shown(self, path: str) -> str:
        """*path* as the user would write it."""
        full = os.path.join(self.root, *path.split("/"))
        relative = os.path.relpath(full)
        return full if relative.startswith(os.pardir) else relative
