"""Findings that were there when a repository began to use stagelint: a file keeps them, unsaid.

An entry is a path, a code, a fingerprint and how many findings have it. It lies one on a line, in
the order of the paths, so that changes of the file are short and merge.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from typing import cast

from stagelint import discover
from stagelint.config import shown
from stagelint.fingerprints import Marks, relative
from stagelint.rule import Finding
from stagelint.source import Source
from stagelint.tuples import NamedTuple

VERSION = 1


class BaselineError(Exception):
    """A baseline that cannot be read; the message is one line for the user."""


class Entry(NamedTuple):
    """What findings have in common that are kept together."""

    path: str
    """As seen from the folder of the baseline, with `/` between its parts."""
    code: str
    fingerprint: str
    """See `fingerprints.Places.mark`."""


class Baseline:
    """The entries of a file, and what became of them in a run."""

    def __init__(self, path: str, source: Source | None, entries: Counter[Entry]) -> None:
        """*source* is the file as it was read; None if there is none."""
        self.path = path
        self.entries = entries
        self._source = source
        self._folder = os.path.dirname(os.path.abspath(path))
        self._used: Counter[Entry] = Counter()
        self._marks = Marks()

    def unknown(self, findings: Iterable[Finding]) -> list[Finding]:
        """Of all *findings* of a file, those that no entry keeps: each keeps so many, and no more."""
        found: list[Finding] = []
        used: Counter[Entry] = Counter()
        for each in findings:
            entry = self.entry(each)
            if used[entry] < self.entries[entry]:
                used[entry] += 1
            else:
                found.append(each)
        self._used |= used
        return found

    def entry(self, finding: Finding) -> Entry:
        """That under which *finding* is kept."""
        path = relative(finding.source.path, self._folder)
        return Entry(path, finding.code, self._marks.of(finding))

    @property
    def unused(self) -> Counter[Entry]:
        """The entries that kept nothing yet, or not as much as they say."""
        return self.entries - self._used

    def path_of(self, entry: Entry) -> str:
        """The path of an entry's file, for the current folder."""
        return os.path.join(self._folder, entry.path)

    def write(self, entries: Counter[Entry]) -> Baseline:
        """Let the file have *entries*. Raises `discover.ReplaceError`."""
        after = Source(self.path, _text(entries))
        if self._source is None:
            discover.create(self.path, after)
        elif after.text != self._source.text:
            discover.replace(self.path, self._source, after)
        return Baseline(self.path, after, entries)


def load(path: str, *, may_be_missing: bool = False) -> Baseline:
    """The baseline in the file *path*. Raises `BaselineError`."""
    if may_be_missing and not os.path.lexists(path):
        return Baseline(path, None, Counter())
    source = discover.read(path)
    if source.error:
        hint = " (--update-baseline writes it)" if not os.path.lexists(path) else ""
        raise BaselineError(f"{shown(path)}: the baseline cannot be read: {source.error}{hint}")
    return Baseline(path, source, Counter(dict(_entries(source))))


def _entries(source: Source) -> Iterable[tuple[Entry, int]]:
    place = f"{shown(source.path)}: the baseline"
    try:
        document: object = json.loads(source.text)
    except json.JSONDecodeError as error:
        place = f"{shown(source.path)}:{error.lineno}: the baseline"
        raise BaselineError(f"{place} is not JSON: {error.msg.lower()}") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits
        raise BaselineError(f"{place} is not JSON: {str(error).lower()}") from None
    table = cast("dict[str, object]", document) if isinstance(document, dict) else {}
    version, rows = table.get("version"), table.get("findings")
    if isinstance(version, int) and version != VERSION:
        raise BaselineError(f"{place} has version {version}, and stagelint reads {VERSION}")
    if version is None or not isinstance(rows, list):
        raise BaselineError(f'{place} must have "version" and a list "findings"')
    for number, row in enumerate(cast("list[object]", rows), 1):
        match row:
            case {"path": str(path), "code": str(code), "fingerprint": str(mark), "count": int(n)}:
                yield Entry(path, code, mark), max(n, 0)
            case _:
                keys = "path, code, fingerprint and count"
                raise BaselineError(f"{place}: finding {number} must have {keys}")


def _text(entries: Counter[Entry]) -> str:
    rows = [
        json.dumps({**entry._asdict(), "count": count})
        for entry, count in sorted(entries.items())
        if count > 0
    ]
    listed = ",".join(f"\n    {row}" for row in rows)
    return f'{{\n  "version": {VERSION},\n  "findings": [{listed}\n  ]\n}}\n'
