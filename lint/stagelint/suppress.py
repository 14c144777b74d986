"""Findings that a comment silences, and comments that silence nothing."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from stagelint.model.file import File
from stagelint.model.suppressions import (
    CHECKS,
    CODE,
    EVERY_CHECK,
    Owner,
    Suppression,
    selectors_at,
)
from stagelint.registry import Ruleset
from stagelint.rule import Finding
from stagelint.syntax.characters import nearest


def apply(
    file: File,
    findings: Iterable[Finding],
    ruleset: Ruleset,
    ran: frozenset[str],
) -> list[Finding]:
    """The findings that no suppression of *file*, or of the other file that they lie in, covers.

    It sets its `unused_suppressions` and `unread_comments`.

    *ruleset* knows which codes a selector stands for; a suppression of rules that did not run
    (*ran*) is not called unused.
    """
    findings = [
        each for each in findings if each.source is file.source or not is_silenced(each, ruleset)
    ]
    listed = _heeded(file, ruleset)
    file.unread_comments = file.comments.mistakes if ruleset.heeds_comments else ()
    if not listed:
        return findings
    codes = {each: _codes(each, ruleset) for each in listed}
    used: set[Suppression] = set()
    kept: list[Finding] = []
    index = _Index(listed)
    for finding in findings:
        names = ruleset.names(finding).union(finding.aliases)
        at = finding.span.start if finding.source is file.source else None
        covering = [each for each in index.around(at) if not names.isdisjoint(codes[each])]
        used.update(covering)
        if not covering:
            kept.append(finding)
    file.unused_suppressions = [
        (each, why) for each in listed if each not in used and (why := _idle(each, ruleset, ran))
    ]
    return kept


def _idle(suppression: Suppression, ruleset: Ruleset, ran: frozenset[str]) -> str:
    """Why a suppression that silences nothing does so; empty if a rule of it did not run."""
    unknown = _unknown(suppression, ruleset)
    codes = frozenset[str]().union(*map(ruleset.resolve, _words(suppression)))
    is_idle = bool(codes) and codes <= ran
    return unknown or (f"`{suppression.selector}` finds nothing here" if is_idle else "")


def _heeded(file: File, ruleset: Ruleset) -> Sequence[Suppression]:
    """What is to be heeded of the comments of *file*: its directives are heeded by BuildKit."""
    said = file.comments.suppressions
    if ruleset.heeds_comments:
        return said
    return [each for each in said if each.owner is Owner.BUILDKIT]


def _words(suppression: Suppression) -> Sequence[str]:
    """The codes, names and aliases that a suppression speaks of."""
    every = suppression.owner is Owner.BUILDKIT and suppression.selector == EVERY_CHECK
    return ("BK", *CHECKS) if every else (suppression.selector,)


def _codes(suppression: Suppression, ruleset: Ruleset) -> frozenset[str]:
    """The names that a suppression silences: an alias of a finding need not be that of a rule."""
    if _is_foreign_to_its_owner(suppression):
        return frozenset()
    words = _words(suppression)
    return frozenset(words).union(*map(ruleset.resolve, words))


def _is_foreign_to_its_owner(suppression: Suppression) -> bool:
    selector = suppression.selector
    if suppression.owner is Owner.HADOLINT:
        return not re.match(CODE, selector)
    known = (EVERY_CHECK, *CHECKS)
    return suppression.owner is Owner.BUILDKIT and selector not in known


def _unknown(suppression: Suppression, ruleset: Ruleset) -> str:
    """Says that nobody knows the selector, if so."""
    selector, owner = suppression.selector, suppression.owner
    if not _is_foreign_to_its_owner(suppression):
        is_known = owner is Owner.BUILDKIT or ruleset.resolve(selector)
        return "" if is_known else ruleset.unknown(selector)
    if owner is Owner.BUILDKIT:
        near = nearest(selector, list(CHECKS))
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return f"BuildKit has no check called `{selector}`{hint}"
    upper = selector.upper()
    hint = f"; did you mean `{upper}`?" if re.match(CODE, upper) else ""
    return f"hadolint has no rule called `{selector}`{hint}"


def is_silenced(finding: Finding, ruleset: Ruleset) -> bool:
    """Does a comment of a file that is no Dockerfile cover *finding*?"""
    names = ruleset.names(finding)
    return ruleset.heeds_comments and any(
        ruleset.resolve(selector) & names
        for selector in selectors_at(finding.source, finding.span.start)
    )


class _Index:
    """Which suppressions speak of a place."""

    def __init__(self, suppressions: Sequence[Suppression]) -> None:
        self._whole = [each for each in suppressions if each.scope is None]
        scoped = [each for each in suppressions if each.scope is not None]
        # Stages do not meet, and neither do instructions.
        self._places = [
            _Places([each for each in scoped if each.of_stage is of_stage])
            for of_stage in (False, True)
        ]

    def around(self, at: int | None) -> list[Suppression]:
        """Those at an offset; for None, which lies in another file, those of the whole file."""
        if at is None:
            return self._whole
        return self._whole + [each for places in self._places for each in places.around(at)]


class _Places:
    """Suppressions with scopes that do not meet."""

    def __init__(self, suppressions: Sequence[Suppression]) -> None:
        self._scopes: dict[tuple[int, int], list[Suppression]] = {}
        for each in suppressions:
            if each.scope is not None:
                self._scopes.setdefault(each.scope, []).append(each)
        self._starts = sorted(self._scopes)

    def around(self, offset: int) -> list[Suppression]:
        at = bisect_right(self._starts, (offset, 1 << 60)) - 1
        if at < 0:
            return []
        start, end = self._starts[at]
        return self._scopes[start, end] if offset < end or start == offset else []
