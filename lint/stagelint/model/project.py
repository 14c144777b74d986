"""The repository around a Dockerfile, as rules see it: who builds which file, and what for."""

from __future__ import annotations

import os
import posixpath
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import cached_property

from stagelint.model.file import File
from stagelint.source import Source, Span
from stagelint.syntax.characters import lower
from stagelint.tuples import NamedTuple

#: Stands in a value for text that cannot be told by reading; no file that is read has it.
UNKNOWN = "\0"


#: Commands that write a file.
_WRITING = (
    r"\b(?:cp|mv|tee|curl|wget|ln|sed|envsubst|install|render|template|generate|gen|open|write)\b"
)

#: Folders with copies of other projects.
_FOREIGN = frozenset(("vendor", "node_modules", "third_party"))


class Confidence(StrEnum):
    """How well a value is known."""

    LITERAL = "literal"
    DEFAULT = "default"
    """Somebody may set another: `${STAGE:-dev}`."""
    OPAQUE = "opaque"
    """A part of it is computed."""


class Value(NamedTuple):
    """A word that a file of the repository gives to a build."""

    text: str
    source: Source
    span: Span
    """Where it stands, without quotes; a larger place if it is put together."""
    is_default: bool = False
    is_shared: bool = False
    """Does it stand in a variable that other commands may use as well?"""

    @property
    def confidence(self) -> Confidence:
        if UNKNOWN in self.text:
            return Confidence.OPAQUE
        return Confidence.DEFAULT if self.is_default else Confidence.LITERAL

    @property
    def is_written(self) -> bool:
        """Does the file have just this text at the span, so that it can be replaced?"""
        return self.source.text[self.span.start : self.span.end] == self.text

    @property
    def shown(self) -> str:
        """For messages: what is not known as `...`."""
        return re.sub(f"{UNKNOWN}+", "...", self.text)

    def may_be(self, word: str) -> bool:
        """Can it turn out to be *word*?"""
        if UNKNOWN not in self.text:
            return self.text == word
        return bool(_pattern(self.text).fullmatch(word))


def _pattern(text: str) -> re.Pattern[str]:
    """What a text with unknown parts may be."""
    return re.compile(".*".join(map(re.escape, re.split(f"{UNKNOWN}+", text))), re.DOTALL)


class Build(NamedTuple):
    """A build that a file of the repository asks for."""

    kind: str
    """The format of that file: compose, bake, github-actions, make, shell ..."""
    label: str
    """What in it asks, for messages: `service web`; empty if there is nothing to name."""
    source: Source
    span: Span
    paths: tuple[Value, ...] = ()
    """The Dockerfile, relative to the root, with `/`: the first of these that exists. None if its
    text stands in the build itself or comes from elsewhere."""
    is_placed: bool = False
    """Is it certain what the first path is relative to?"""
    target: Value | None = None
    """The stage to build; None is the last one."""
    args: tuple[Value, ...] = ()
    """Names of build arguments."""
    contexts: tuple[Value, ...] = ()
    """Names of build contexts."""
    uncached: tuple[Value, ...] = ()
    """Stages that are not to be taken from the cache."""
    is_hint: bool = False
    """Only text that people read, such as a README."""

    @property
    def where(self) -> str:
        """For messages: `compose.yaml:12`."""
        is_here = self.target is not None and self.target.source is self.source
        at = self.target.span.start if self.target and is_here else self.span.start
        return f"{self.source.path}:{self.source.position(at).line}"

    def writes(self, path: str) -> bool:
        """Does the file that asks seem to write the Dockerfile *path* itself, before it is built?"""
        return writes(self.source.text, path)


def writes(text: str, path: str) -> bool:
    """Does a command or a rule of make in *text* seem to write a file that is called like *path*?"""
    name = re.escape(posixpath.basename(path))
    stem, dot, _ = name.partition(r"\.")
    return bool(
        re.search(rf"(?:>|{_WRITING})[^\n]*(?<![\w.-]){name}(?![\w.-])", text)
        or re.search(rf"^(?:[^\s#]*(?:{name}|{stem}{dot}%)|%)[ \t]*:", text, re.MULTILINE)
    )


class Project:
    """A repository. Nothing of it is read before it is asked for."""

    def __init__(
        self,
        root: str,
        *,
        files: Callable[[], Iterable[str]],
        builds: Callable[[], Iterable[Build]],
        mentions: Callable[[], Iterable[Build]] = tuple,
        dockerfile: Callable[[str], File | None],
        is_dockerfile: Callable[[str], bool],
        makers: Callable[[str], Iterable[str]] = lambda path: (),
        text: Callable[[str], str | None] = lambda path: None,
        notes: Sequence[str] = (),
    ) -> None:
        """All paths are relative to the folder *root* and have `/`.

        *dockerfile* reads one, *is_dockerfile* tells by its path whether a file is called like one.
        """
        self.root = root
        self.notes = notes
        """What could not be read, a line each; complete once the builds are known."""
        self._files = files
        self._builds = builds
        self._makers = makers
        self.text = text
        """What stands in the file *path*; None if it cannot be read."""
        self._mentions = mentions
        self._dockerfile = dockerfile
        self._is_dockerfile = is_dockerfile
        self._read: dict[str, File | None] = {}

    @cached_property
    def files(self) -> frozenset[str]:
        """All files of the repository that are not ignored."""
        return frozenset(self._files())

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.files)

    def has_any(self, beginning: str) -> bool:
        """Is there a file whose path begins so?"""
        at = bisect_left(self._sorted, beginning)
        return at < len(self._sorted) and self._sorted[at].startswith(beginning)

    @cached_property
    def by_folder(self) -> dict[str, list[str]]:
        """Those of each folder itself; that of the root is the empty one."""
        found: dict[str, list[str]] = {}
        for path in self._sorted:
            found.setdefault(posixpath.dirname(path), []).append(path)
        return found

    @cached_property
    def builds(self) -> Sequence[Build]:
        """Every build that a file of the repository asks for."""
        return tuple(self._builds())

    def dockerfile(self, path: str) -> File | None:
        """The Dockerfile *path*; None if there is none or it cannot be read."""
        if path not in self._read:
            self._read[path] = self._dockerfile(path)
        return self._read[path]

    def places(self, build: Build) -> tuple[str, ...]:
        """The files of the repository that may be the Dockerfile of *build*."""
        every: dict[str, None] = {}
        for value in build.paths:
            if UNKNOWN in value.text:
                may_be = _pattern(value.text).fullmatch
                every.update(dict.fromkeys(sorted(filter(may_be, self._named_as_built))))
            elif value.text in self.files:
                every[value.text] = None
            if every and build.is_placed:
                break
        return tuple(every)

    @cached_property
    def _named_as_built(self) -> frozenset[str]:
        """What may be a Dockerfile: by its name, or since a build says so."""
        named = {value.text for build in self.builds for value in build.paths} & self.files
        return frozenset(named | {path for path in self.files if self._is_dockerfile(path)})

    @cached_property
    def dockerfiles(self) -> list[str]:
        """What is called like a Dockerfile or built as one, sorted; not what was copied here."""
        return sorted(each for each in self._named_as_built if not is_foreign(each))

    def dockerfiles_beside(self, path: str) -> list[str]:
        """Those in the folder of *path*, sorted."""
        found = self.by_folder.get(posixpath.dirname(path), ())
        return [each for each in found if each in self._named_as_built and not is_foreign(each)]

    def is_made(self, path: str) -> bool:
        """Does a file of the repository seem to write the Dockerfile *path*?"""
        return any(self._makers(path))

    def exists(self, path: str) -> bool:
        """Is there such a file, be it ignored by git?"""
        return os.path.lexists(os.path.join(self.root, *path.split("/")))

    @cached_property
    def by_place(self) -> dict[str, list[Build]]:
        """The builds that may mean a Dockerfile, by its path."""
        found: dict[str, list[Build]] = {}
        for build in self.builds:
            for place in self.places(build):
                found.setdefault(place, []).append(build)
        return found

    def builds_of(self, path: str) -> Sequence[Build]:
        """The builds that may mean the Dockerfile *path*."""
        return self.by_place.get(path, ())

    @cached_property
    def mentions(self) -> dict[str, Build]:
        """Names that some text calls a target, in lower case, and a place where it does."""
        assert self.builds is not None  # tells which files are understood, and mention nothing else
        found: dict[str, Build] = {}
        for build in self._mentions():
            if build.target:
                found.setdefault(lower(build.target.text), build)
        return found

    def path_of(self, path: str) -> str | None:
        """The path of a file that the user calls *path*; None if it lies elsewhere."""
        try:
            found = os.path.relpath(os.path.abspath(path), os.path.abspath(self.root))
        except ValueError:  # another drive
            return None
        found = found.replace(os.sep, "/")
        return None if found.split("/")[0] == ".." else found

    def requests(self, path: str) -> Requests | None:
        """What is asked of the Dockerfile that the user calls *path*; None if nothing is known."""
        found = self.path_of(path)
        if found is None or is_foreign(found):
            return None
        return Requests(self.builds_of(found), self)

    def given(
        self, names: Callable[[Build], Iterable[Value]]
    ) -> Iterator[tuple[Value, list[File]]]:
        """The *names* that files give to builds in so many words, and the Dockerfiles of those.

        Many builds may inherit a name from one place. Left out is what also goes to a Dockerfile
        that is not known.
        """
        found: dict[tuple[str, Span], tuple[Value, list[File | None]]] = {}
        for build in self.builds:
            for name in names(build):
                if name.confidence is Confidence.LITERAL and not name.is_shared:
                    key = (name.source.path, name.span)
                    path = self.places(build)[0] if self.is_certain(build) else None
                    file = self.dockerfile(path) if path is not None else None
                    found.setdefault(key, (name, []))[1].append(file)
        for name, files in found.values():
            known = [file for file in files if file is not None and file.is_read]
            if len(known) == len(files):
                yield name, known

    def is_certain(self, build: Build) -> bool:
        """Is it known which Dockerfile it means?"""
        path = build.paths[0] if build.paths else None
        return path is not None and UNKNOWN not in path.text and len(self.places(build)) == 1


def is_foreign(path: str) -> bool:
    """Does a file belong to another project, which only has been copied here?"""
    return not _FOREIGN.isdisjoint(path.split("/")[:-1])


class Requests(NamedTuple):
    """What the builds of a repository ask of one Dockerfile."""

    builds: Sequence[Build]
    project: Project

    @property
    def are_known(self) -> bool:
        """Does a file of the repository build it at all? Else it is built in other ways."""
        return any(not build.is_hint for build in self.builds)

    @property
    def asked(self) -> Iterator[Value]:
        """The targets whose names are known."""
        for build in self.builds:
            if build.target and not build.is_hint and UNKNOWN not in build.target.text:
                yield build.target

    def giving(self, names: Collection[str]) -> Build | None:
        """A build that gives a value to one of the build arguments *names*."""
        return next(
            (build for build in self.builds if any(arg.text in names for arg in build.args)), None
        )

    def for_stage(self, name: str) -> list[Build]:
        """The builds that ask for the stage *name* as their target."""
        return [
            build
            for build in self.builds
            if build.target and not build.is_hint and lower(build.target.text) == name
        ]

    def perhaps_for(self, name: str) -> Build | None:
        """A build that may ask for the stage *name*, though nobody can tell by reading."""
        for build in self.builds:
            target = build.target
            if target is None:
                continue
            is_open = build.is_hint or target.confidence is not Confidence.LITERAL
            if is_open and (target.is_default or _may_be(target, name)):
                return build
        return self.project.mentions.get(name)


def _may_be(target: Value, name: str) -> bool:
    return target._replace(text=lower(target.text)).may_be(name)
