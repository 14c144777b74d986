"""The build context: the files that a builder is sent, as far as rules may know them."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from stagelint.model.dockerignore import matcher
from stagelint.model.symbols import digest
from stagelint.tuples import NamedTuple
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.model.dockerignore import DockerIgnore

#: Bytes that tell what kind of file it is: a header of `tar`.
HEAD = 512


#: As many links as one leads through; more, and they lead in a circle.
_MOST_LINKS = 40


class Entry(NamedTuple):
    """A file, folder or link of the context."""

    path: str
    """Relative to the context, with `/` between its parts."""
    size: int = 0
    """Bytes; none of a folder or a link."""
    mode: int = 0o644
    """Permissions."""
    is_folder: bool = False
    is_link: bool = False
    leads_to: str = ""
    """What a link says: a path from where it lies, or with `/` at its head one in the context."""


class Context:
    """What lies in a folder that is sent to a builder.

    What `.dockerignore` leaves out is no part of it.
    """

    def __init__(
        self,
        root: str,
        entries: Iterable[Entry],
        ignore: DockerIgnore | None = None,
        read: Callable[[str], str | None] = lambda path: None,
        begin: Callable[[str], bytes | None] = lambda path: None,
    ) -> None:
        """*entries* are everything below the folder *root*, in any order.

        *read* gives the text of a small file by its path in the context, or None; *begin* the first
        `HEAD` bytes of any.
        """
        self.root = root
        self.ignore = ignore
        self._listing = _Listing(sorted(entries), ignore)
        self._read = read
        self._begin = begin

    def watched(self, tell: Callable[[str, str, str | bytes | None], None]) -> Context:
        """The same context, which tells of each file that is looked into.

        *tell* gets `text` or `head`, the path, and what the file says.
        """

        def read(path: str) -> str | None:
            said = self._read(path)
            tell("text", path, said)
            return said

        def begin(path: str) -> bytes | None:
            said = self._begin(path)
            tell("head", path, said)
            return said

        other = Context(self.root, (), self.ignore, read, begin)
        other._listing = self._listing
        return other

    @property
    def entries(self) -> list[Entry]:
        """What is sent, by path in order; a folder comes before what it holds."""
        return self._listing.entries

    @property
    def size(self) -> int:
        """Bytes of all that is sent."""
        return self._listing.size

    @property
    def digest(self) -> str:
        """Stands for all that lies in the folder, sent or not, but for what files say."""
        return self._listing.digest

    def find(self, path: str) -> Entry | None:
        """The entry at *path*, taken from the top of the context as COPY takes it."""
        path = clean(path)
        if path == ".":
            return Entry(".", is_folder=True, mode=0o755)
        return self._listing.by_path.get(path)

    def followed(self, path: str) -> list[str]:
        """The links that *path* leads through, in order, and last what COPY finds behind them."""
        found: list[str] = []
        links = self._listing.links
        path = clean(path)
        while len(found) < _MOST_LINKS and links:
            parts = path.split("/")
            ups = ("/".join(parts[:end]) for end in range(1, len(parts) + 1))
            link = next((each for each in ups if each in links), None)
            if link is None:
                break
            found.append(link)
            behind = posixpath.join("/", posixpath.dirname(link), links[link])
            path = clean(behind + path[len(link) :])
        return [*found, path]

    def told_apart_by(self, other: DockerIgnore | None) -> list[str]:
        """What is sent and would not be with *other* in the place of `.dockerignore`, or vice versa.

        Of folders that are left out as a whole, themselves.
        """

        def is_sent(path: str, ignore: DockerIgnore | None) -> bool:
            return ignore is None or not ignore.leaves_out(path)

        paths = (each.path for each in self._listing.found)
        return [each for each in paths if is_sent(each, self.ignore) != is_sent(each, other)]

    def match(self, source: str) -> list[Entry]:
        """What the source of a COPY selects, by Go's filepath.Match; folders without what is in them."""
        path = clean(source)
        if not re.search(r"[*?\[\\]", path):
            found = self.find(path)
            return [found] if found else []
        parts = [matcher(part) for part in path.split("/")]
        if None in parts:
            return []
        return [
            each
            for each in self.entries
            if len(names := each.path.split("/")) == len(parts)
            and all(part and part.match(name) for part, name in zip(parts, names, strict=True))
        ]

    def below(self, path: str) -> Iterator[Entry]:
        """Everything in the folder *path*, at any depth; all there is for `.`."""
        path = clean(path)
        if path == ".":
            yield from self.entries
            return
        prefix = f"{path}/"
        paths = self._listing.paths
        for at in range(bisect_left(paths, prefix), len(paths)):
            if not paths[at].startswith(prefix):
                return
            yield self.entries[at]

    def copied(self, source: str) -> Iterator[Entry]:
        """Every file that a COPY of *source* brings, at any depth, and the links and folders."""
        for entry in self.match(source):
            yield entry
            if entry.is_folder:
                yield from self.below(entry.path)

    def text(self, path: str) -> str | None:
        """What the file at *path* says; None if it is not sent, is too large, or is no text.

        Nor is a link followed: it may lead anywhere."""
        found = self._file(path)
        return self._read(found.path) if found else None

    def head(self, path: str) -> bytes | None:
        """The first `HEAD` bytes of the file at *path*, all of a shorter one; None if it is none."""
        found = self._file(path)
        return self._begin(found.path) if found else None

    def _file(self, path: str) -> Entry | None:
        found = self.find(path)
        return None if found is None or found.is_folder or found.is_link else found


class _Listing:
    """What lies in a folder, worked out once however many Dockerfiles are built there."""

    def __init__(self, found: list[Entry], ignore: DockerIgnore | None) -> None:
        """*found* is everything by path, but for what is in folders that are left out as a whole."""
        self.found = found
        self._ignore = ignore

    @cached_property
    def entries(self) -> list[Entry]:
        ignore = self._ignore
        if ignore is None or not ignore.patterns:
            return self.found
        kept = [each for each in self.found if not ignore.leaves_out(each.path)]
        if not ignore.has_exceptions:
            return kept
        wanted = {each.path for each in kept} | {up for each in kept for up in _parents(each.path)}
        return [each for each in self.found if each.path in wanted]

    @cached_property
    def size(self) -> int:
        return sum(each.size for each in self.entries)

    @cached_property
    def paths(self) -> list[str]:
        return [each.path for each in self.entries]

    @cached_property
    def by_path(self) -> dict[str, Entry]:
        return {each.path: each for each in self.entries}

    @cached_property
    def links(self) -> dict[str, str]:
        return {each.path: each.leads_to for each in self.entries if each.is_link}

    @cached_property
    def digest(self) -> str:
        return digest(self._ignore and self._ignore.source.text, *map(tuple, self.found))


def clean(source: str) -> str:
    """The path of a COPY's source in the context: nothing leads out of it."""
    return posixpath.normpath("/" + source).lstrip("/") or "."


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path
