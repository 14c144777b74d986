"""Lint a file; fix it until nothing more can be fixed, and accept only what is proven."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from stagelint import proof, suppress
from stagelint.edit import Edit, Fix, Guarantee, apply
from stagelint.model.file import File, Options
from stagelint.rule import Finding, Rule
from stagelint.source import Source

#: A fix that does not settle in so many passes is a defect.
PASSES = 10


class Withheld(NamedTuple):
    """A fix that was not made, because it could not be shown to keep its promise."""

    finding: Finding
    reason: str


class Fixed(NamedTuple):
    """What became of a file."""

    source: Source
    applied: list[Finding]
    withheld: list[Withheld]


def lint(
    file: File,
    rules: Sequence[type[Rule]],
    resolve: Callable[[str], frozenset[str]],
) -> list[Finding]:
    """What *rules* find in *file* and no comment silences, in the order of the text.

    *resolve* gives the codes a selector in a comment stands for.
    """
    found = [each for rule in rules if not rule.late for each in rule().check(file)]
    ran = frozenset(rule.code for rule in rules if not rule.late)
    kept = suppress.apply(file, found, resolve, ran)
    late = [each for rule in rules if rule.late for each in rule().check(file)]
    if late:
        kept += suppress.apply(file, late, resolve, frozenset())
    return sorted(kept, key=lambda each: (each.source.path, each.span, each.code))


def fix(
    source: Source,
    options: Options,
    rules: Sequence[type[Rule]],
    resolve: Callable[[str], frozenset[str]],
    accepts: Callable[[Guarantee], bool] = lambda guarantee: guarantee.is_safe,
) -> Fixed:
    """Apply every fix whose guarantee *accepts* takes, until none is left to make.

    The text it returns has no error that *source* has not; a fix that fails its proof is withheld.
    """
    applied: list[Finding] = []
    withheld: dict[tuple[str, str], Withheld] = {}
    seen = {source.text}
    for _ in range(PASSES):
        file = File(source, options)
        fixable = [
            finding
            for finding in lint(file, rules, resolve)
            if finding.fix
            and finding.source is source
            and accepts(finding.fix.guarantee)
            and (finding.code, finding.message) not in withheld
        ]
        if not fixable:
            break
        made, text, failed = _one_pass(file, fixable)
        withheld.update({(each.finding.code, each.finding.message): each for each in failed})
        if made and text in seen:
            break
        seen.add(text)
        applied += made
        source = Source(source.path, text)
    return Fixed(source, applied, list(withheld.values()))


def _one_pass(file: File, fixable: Sequence[Finding]) -> tuple[list[Finding], str, list[Withheld]]:
    """Make as many fixes as fit together: the safe ones first, alone, since they prove more."""
    safe = [each for each in fixable if each.fix and each.fix.guarantee.is_safe]
    fixable = safe or fixable
    text, applied, _ = apply(file.source.text, _fixes(fixable))
    if _refusal(file, text, applied) is None:
        return [each for each in fixable if each.fix in applied], text, []
    return _one_by_one(file, fixable)


def _one_by_one(
    file: File, fixable: Iterable[Finding]
) -> tuple[list[Finding], str, list[Withheld]]:
    """Make the first fix that holds alone; withhold those before it."""
    failed: list[Withheld] = []
    for finding in fixable:
        text, applied, _ = apply(file.source.text, _fixes([finding]))
        reason = _refusal(file, text, applied)
        if reason is None:
            return [finding], text, failed
        failed.append(Withheld(finding, reason))
    return [], file.source.text, failed


def _fixes(findings: Iterable[Finding]) -> list[Fix]:
    return [finding.fix for finding in findings if finding.fix]


def _refusal(before: File, text: str, applied: Sequence[Fix]) -> str | None:
    """Why the rewrite is not accepted; None if it is proven."""
    after = File(Source(before.source.path, text), before.options)
    edits: list[Edit] = [edit for fix in applied for edit in fix.edits]
    try:
        if all(fix.guarantee.is_safe for fix in applied):
            proof.same_build(before, after, edits)
        else:
            proof.no_new_errors(before, after)
    except proof.Difference as difference:
        return str(difference)
    return None
