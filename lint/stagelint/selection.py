"""Of what is found, what a run is to speak of: what lines that have changed say, and nothing old."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from stagelint import discover
from stagelint.baseline import Baseline, BaselineError, Entry, load
from stagelint.changes import Changes, ChangesError
from stagelint.config import shown
from stagelint.fingerprints import Places
from stagelint.report.parts import plural
from stagelint.result import Outcome
from stagelint.rule import Finding
from stagelint.session import Session, UsageError
from stagelint.source import Source, Span


class Selection:
    """What `--since`, `--staged` and `--baseline` ask of one run."""

    def __init__(self, session: Session, paths: Sequence[str]) -> None:
        """*paths* are those that are linted. Raises `UsageError`."""
        self._session = session
        self._folders = [os.path.realpath(path) for path in paths if os.path.isdir(path)]
        given = session.arguments
        self._is_updated: bool = given.update_baseline
        self._read: Places | None = None
        try:
            asked = given.since is not None or given.staged
            self._changes = _changes(given.since, paths) if asked else None
            self._baseline = self._load()
        except (ChangesError, BaselineError) as error:
            raise UsageError(str(error)) from None

    def _load(self) -> Baseline | None:
        path = self._session.baseline_path
        if path is None and self._is_updated:
            raise UsageError("--update-baseline needs to know which: --baseline FILE")
        return load(path, may_be_missing=self._is_updated) if path else None

    def wants(self, source: Source) -> bool:
        """Can a finding in *source* be spoken of?"""
        return self._changes is None or any(each.of(source.path) for each in self._changes)

    def new(self, findings: Iterable[Finding]) -> list[Finding]:
        """Of all *findings* of a file, those that are to be spoken of."""
        chosen = [each for each in findings if self._is_changed(each)]
        return self._baseline.unknown(chosen) if self._baseline else chosen

    def _is_changed(self, finding: Finding) -> bool:
        if self._changes is None:
            return True
        source = finding.source
        found = (each.of(source.path) for each in self._changes)
        changed = next(filter(None, found), None)
        if changed is None or finding.span == Span(0, 0):
            return changed is not None
        if self._read is None or self._read.source is not source:
            self._read = Places(source)
        return changed.touches(*self._read.lines(finding.span))

    def of(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """What is to be said of files, once these are written.

        Raises `UsageError` if what has changed cannot be told any more.
        """
        if self._changes and any(one.after is not one.before for one in outcomes):
            try:
                self._changes = [each.again() for each in self._changes]
            except ChangesError as error:
                raise UsageError(str(error)) from None
        return [one._replace(findings=self.new(one.findings)) for one in outcomes]

    # -- the baseline --------------------------------------------------------------------------

    def update(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """Let the baseline keep what is found and no more; says what was done.

        What is kept of other files and for other rules stays. Raises `UsageError`.
        """
        baseline = self._baseline
        if baseline is None or not self._is_updated:
            return
        findings = [each for one in outcomes for each in one.findings if not each.source.error]
        now = Counter(map(baseline.entry, findings))
        rest = baseline.entries - self._looked_at(baseline, baseline.entries, outcomes)
        try:
            self._baseline = baseline.write(now | rest)
        except discover.ReplaceError as error:
            raise UsageError(f"{shown(baseline.path)}: {error}") from None
        yield f"{baseline.path} keeps {plural((now | rest).total(), 'finding')}"

    def remarks(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """Says how much of the baseline is found no more."""
        baseline = self._baseline
        if baseline is None or self._changes is not None or self._is_updated:
            return
        gone = self._looked_at(baseline, baseline.unused, outcomes).total()
        if gone:
            told = f"{plural(gone, 'finding')} of the baseline found no more"
            yield f"{baseline.path}: {told} (--update-baseline forgets them)"

    def _looked_at(
        self, baseline: Baseline, entries: Counter[Entry], outcomes: Sequence[Outcome]
    ) -> Counter[Entry]:
        """Those of *entries* that the run would have found, if they were still there."""
        linted = {os.path.realpath(one.before.path) for one in outcomes}

        def is_looked_at(entry: Entry) -> bool:
            path = os.path.realpath(baseline.path_of(entry))
            if path not in linted and not any(_lies_in(path, each) for each in self._folders):
                return False
            ruleset = self._session.ruleset_for(path)
            return entry.code in ruleset.codes or not ruleset.resolve(entry.code)

        return Counter({each: count for each, count in entries.items() if is_looked_at(each)})


def _lies_in(path: str, folder: str) -> bool:
    return path.startswith(os.path.join(folder, ""))


def _changes(since: str | None, paths: Sequence[str]) -> list[Changes]:
    """In the repositories that *paths* lie in."""
    roots: dict[str, None] = {}
    for path in paths:
        root = discover.repository_of(os.path.join(path, "") if os.path.isdir(path) else path)
        if root is None:
            raise ChangesError(f"{shown(path)} lies in no git repository")
        roots[root] = None
    return [Changes(root, since) for root in roots]
