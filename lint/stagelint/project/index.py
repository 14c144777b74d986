"""The builds of a repository as an earlier run found them, if its files say the same as then.

As git does, a file is taken to be unchanged if its status is: size, times, inode. A file that had
been changed within seconds before it was read is read again the next time, since it may have been
changed once more in the same tick of the clock.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from stagelint.cache.folder import Folder
from stagelint.cache.key import digest, name
from stagelint.cache.trace import Settled
from stagelint.model.project import Build, Project, Value
from stagelint.project.files import Files
from stagelint.source import Source, Span

#: Nanoseconds after which any file system has another time for a change: FAT counts in two seconds.
_TICK = 3_000_000_000

#: The statuses of Windows do not tell when one was changed.
_IS_TOLD = os.name != "nt"

#: The fields of a build that are lists of values.
_LISTS = (4, 7, 8, 9)

#: The answer if there is no such file, or it has none of the words.
_NOTHING = "nothing"

Status = tuple[int, ...]
Row = list[Any]


class Journal:
    """What was read of the files of a repository to find its builds."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._began = time.time_ns()
        self._statuses: dict[str, Status] = {}
        self._answers: dict[str, dict[tuple[str, ...], str]] = {}

    def look_at(self, path: str) -> Status:
        """The status of *path*, which is noted before that is read."""
        if path not in self._statuses:
            self._statuses[path] = _status(os.path.join(self._root, path))
        return self._statuses[path]

    def note(self, path: str, words: tuple[str, ...], answer: str) -> None:
        """Note what was learned: a digest of the text, or that there is none with such *words*."""
        self._answers.setdefault(path, {}).setdefault(words, answer)

    def read(self, path: str, words: tuple[str, ...], source: Source | None) -> None:
        """Note that *source* was read, or that there was none with such *words*."""
        if words not in self._answers.get(path, ()):
            self.note(path, words, _NOTHING if source is None else digest(source.text))

    def answer(self, path: str, words: tuple[str, ...]) -> str:
        """What was learned."""
        return self._answers[path][words]

    def text(self, path: str) -> str:
        """The digest of the text of *path*. Raises `KeyError` if that was not read."""
        return next((said for said in self._answers[path].values() if said != _NOTHING), _NOTHING)

    def rows(self) -> tuple[list[tuple[str, ...]], dict[str, Row]]:
        """All of it: the sets of words, and of each file its status and what was learned."""
        sets: dict[tuple[str, ...], int] = {}
        files: dict[str, Row] = {}
        for path, answers in self._answers.items():
            status = self._statuses.get(path, ())
            is_old = _IS_TOLD and max(status[1:3], default=0) + _TICK < self._began
            said = [(sets.setdefault(each, len(sets)), answer) for each, answer in answers.items()]
            files[path] = [status if is_old else (), said]
        return list(sets), files


def _status(path: str) -> Status:
    """What changes if the file *path* does; empty if it is not there."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return ()
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


class Index:
    """What is asked in a repository, from this run or an earlier one."""

    project: Project
    """The repository itself; set once it is made."""

    def __init__(self, files: Files, understood: set[str], folder: Folder) -> None:
        """*understood* are the files without other targets than those of their builds."""
        self._files = files
        self._understood = understood
        self._folder = folder
        self._name = name("index", files.root)
        self._settled = Settled()
        self._is_known = True
        """Can it be told what answers were worked out from?"""
        self._right: set[str] = set()
        """The files whose text is the one that builds were found in."""
        self._journal = files.journal = Journal(files.root)

    # -- what is kept ----------------------------------------------------------------------------

    def builds(self, read: Callable[[], Iterable[Build]]) -> Iterable[Build]:
        """All builds; *read* finds them."""
        head = self._restored
        kept = self._rows("builds", head["builds"]) if head else None
        if head is None or kept is None:
            return list(read())
        self._understood.update(head["understood"])
        return kept

    def mentions(self, read: Callable[[], Iterable[Build]]) -> Iterable[Build]:
        """All mentions of what may be a target; *read* finds them."""
        head = self._restored
        kept = self._rows("mentions", head["mentions"]) if head and head["mentions"] else None
        return list(read()) if kept is None else kept

    def _rows(self, kind: str, known: str) -> list[Build] | None:
        """The builds that are kept as a *kind*, if they have the digest *known*."""
        kept: Any = self._folder.read(name(kind, self._files.root))
        try:
            return [self._build(each) for each in kept["rows"]] if kept["is"] == known else None
        except (TypeError, ValueError, KeyError):
            return None

    def _keep(self, kind: str, builds: Iterable[Build]) -> str:
        """Keep *builds* as a *kind*; returns a digest of them."""
        rows = [self._packed(each) for each in builds]
        told = self._told(rows)
        self._folder.write(name(kind, self._files.root), {"is": told, "rows": rows})
        return told

    # -- what results depend on ------------------------------------------------------------------

    def answer(self, kind: str, about: str) -> str | None:
        """A digest of what the repository answers to a question; None if it cannot be told."""
        if kind == "files":
            return self._listing
        if kind == "text":
            text = self.project.text(about)
            return _NOTHING if text is None else digest(text)
        if kind == "exists":
            return str(self.project.exists(about))
        if kind == "dockerfile":
            file = self.project.dockerfile(about)
            if file is None:
                return _NOTHING
            return digest(f"{self._settled.text(file.options)}\0{file.source.text}")
        try:
            said = self._asked(kind, about)
        except KeyError:  # a text that comes from no file
            self._is_known = False
            return None
        return said if self._is_known else None

    def _asked(self, kind: str, about: str) -> str:
        head = self._head
        if kind == "builds_of":
            return str(head["places"].get(about, _NOTHING))
        if kind == "made" and about not in head["made"]:
            head["made"][about] = str(self.project.is_made(about))
            self._save(head)
        if kind == "mentions" and head["mentions"] is None:
            head["mentions"] = self._keep("mentions", self.project.mentions.values())
            self._save(head)
        return str(head["made"][about] if kind == "made" else head[kind])

    @cached_property
    def _head(self) -> dict[str, Any]:
        """Digests of what is asked, some by Dockerfile."""
        if self._restored is not None:
            return self._restored
        head = {
            "listing": self._listing,
            "builds": self._keep("builds", self.project.builds),
            "places": {
                place: self._told([self._packed(each) for each in builds])
                for place, builds in self.project.by_place.items()
            },
            "mentions": None,
            "made": {},
            "understood": sorted(self._understood),
        }
        self._save(head)
        return head

    def _save(self, head: Mapping[str, Any]) -> None:
        self._folder.write(self._name, {**head, "read": self._journal.rows()})

    # -- an earlier run --------------------------------------------------------------------------

    @cached_property
    def _listing(self) -> str:
        return digest("\0".join(self._files.paths))

    @cached_property
    def _restored(self) -> dict[str, Any] | None:
        """What an earlier run has kept, if all that it had read says the same."""
        head: Any = self._folder.read(self._name)
        try:
            if head["listing"] == self._listing and self._is_same(head):
                return dict(head)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError):
            pass
        self._journal = self._files.journal = Journal(self._files.root)
        return None

    def _is_same(self, head: dict[str, Any]) -> bool:
        """Is what *head* tells of each file still so? Takes it out, and notes it as if read now."""
        sets: list[list[str]]
        files: dict[str, tuple[list[int], list[tuple[int, str]]]]
        sets, files = head.pop("read")
        looked_for = [tuple(words) for words in sets]
        is_newer = False
        for path, (status, said) in files.items():
            if status and [*self._journal.look_at(path)] == status:
                for number, answer in said:
                    self._journal.note(path, looked_for[number], answer)
                continue
            is_newer = True
            for number, answer in said:
                words = looked_for[number]
                self._files.telling(path, words) if words else self._files.source(path)
                if self._journal.answer(path, words) != answer:
                    return False
        if is_newer:
            self._save(head)
        return True

    # -- JSON ------------------------------------------------------------------------------------

    def _told(self, rows: Sequence[Row]) -> str:
        """A digest of builds and of all files that they name."""
        paths = {value[1] for row in rows for value in _values(row)} | {row[2] for row in rows}
        return digest(repr((rows, [(path, self._journal.text(path)) for path in sorted(paths)])))

    def _packed(self, build: Build) -> Row:
        """As JSON, with paths for sources. Raises `KeyError` for what comes from no file."""
        path_of = self._files.path_of

        def packed(value: Value) -> Row:
            return [value.text, path_of(value.source), *value[2:]]

        row: Row = list(build)
        row[2] = path_of(build.source)
        row[6] = build.target and packed(build.target)
        for at in _LISTS:
            row[at] = [packed(each) for each in row[at]]
        return row

    def _build(self, row: Row) -> Build:
        """What `_packed` made a row of. Raises `ValueError` if the files say something else."""
        kind, label, path, span, paths, is_placed, target, *lists, is_hint = row
        args, contexts, uncached = (tuple(map(self._value, each)) for each in lists)
        return Build(
            kind,
            label,
            self._source(path),
            Span(*span),
            tuple(map(self._value, paths)),
            is_placed,
            self._value(target) if target else None,
            args,
            contexts,
            uncached,
            is_hint,
        )

    def _value(self, row: Row) -> Value:
        text, path, span, is_default, is_shared = row
        return Value(text, self._source(path), Span(*span), is_default, is_shared)

    def _source(self, path: str) -> Source:
        source = self._files.text(path)
        if source is None or path not in self._right:
            if source is None or digest(source.text) != self._journal.text(path):
                self._is_known = False  # it has changed within this run
                raise ValueError
            self._right.add(path)
        return source


def _values(row: Row) -> list[Row]:
    """The values in the row of a build."""
    target = [row[6]] if row[6] else []
    return [*target, *(each for at in _LISTS for each in row[at])]
