"""Findings that a comment silences, and comments that silence nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from stagelint.model.file import File
from stagelint.model.suppressions import Suppression, selectors_at
from stagelint.registry import Ruleset
from stagelint.rule import Finding


def apply(
    file: File,
    findings: Iterable[Finding],
    ruleset: Ruleset,
    ran: frozenset[str],
) -> list[Finding]:
    """The findings that no suppression of *file* covers; sets its `unused_suppressions`.

    *ruleset* knows which codes a selector stands for; a suppression of rules that did not run
    (*ran*) is not called unused.
    """
    if not file.suppressions:
        return list(findings)
    codes = {each: ruleset.resolve(each.selector) for each in file.suppressions}
    used: set[Suppression] = set()
    kept: list[Finding] = []
    index = _Index(file.suppressions)
    for finding in findings:
        names = ruleset.names(finding)
        covering = [each for each in index.around(finding) if codes[each] & names]
        used.update(covering)
        if not covering:
            kept.append(finding)
    unused: list[tuple[Suppression, str]] = []
    for each in file.suppressions:
        if not codes[each]:
            unused.append((each, f"no rule is called `{each.selector}`"))
        elif each not in used and codes[each] <= ran:
            unused.append((each, f"`{each.selector}` finds nothing here"))
    file.unused_suppressions = unused
    return kept


def is_silenced(finding: Finding, ruleset: Ruleset) -> bool:
    """Does a comment of a file that is no Dockerfile cover *finding*?"""
    names = ruleset.names(finding)
    return any(
        ruleset.resolve(selector) & names
        for selector in selectors_at(finding.source, finding.span.start)
    )


class _Index:
    """Which suppressions speak of a place."""

    def __init__(self, suppressions: list[Suppression]) -> None:
        self._whole = [each for each in suppressions if each.scope is None]
        self._scopes: dict[tuple[int, int], list[Suppression]] = {}
        for each in suppressions:
            if each.scope is not None:
                self._scopes.setdefault(each.scope, []).append(each)
        self._starts = sorted(self._scopes)

    def around(self, finding: Finding) -> list[Suppression]:
        at = bisect_right(self._starts, (finding.span.start, 1 << 60)) - 1
        if at < 0 or self._starts[at][1] < finding.span.start:
            return self._whole
        return self._whole + self._scopes[self._starts[at]]
