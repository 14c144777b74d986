"""Lint a file; fix it until nothing more can be fixed, and accept only what is proven."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from stagelint import suppress
from stagelint.edit import Edit, Fix, Guarantee, apply
from stagelint.model.file import File, Options
from stagelint.model.project import Project
from stagelint.model.suppressions import CHECKS
from stagelint.registry import Ruleset
from stagelint.rule import Finding, ProjectRule, Severity
from stagelint.source import Source
from stagelint.tuples import NamedTuple

#: A fix that does not settle in so many passes is a defect.
PASSES = 10

#: So many fixes of a file are proven one by one; in a file with more, all together.
ALONE = 50


#: What another program says of a file, and the codes it was asked for in all of it.
Others = Callable[[File], tuple[Sequence[Finding], frozenset[str]]]


def nobody(file: File) -> tuple[Sequence[Finding], frozenset[str]]:
    """No other program is asked."""
    return (), frozenset()


class Withheld(NamedTuple):
    """A fix that was not made, because it could not be shown to keep its promise."""

    finding: Finding
    reason: str


class Fixed(NamedTuple):
    """What became of a file."""

    source: Source
    applied: list[Finding]
    withheld: list[Withheld]
    unjudged: int = 0
    """Rewrites that dockerfile-parse could not judge."""


def lint(file: File, ruleset: Ruleset, others: Others = nobody) -> list[Finding]:
    """What *ruleset* and *others* find in *file* and no comment silences, in the order of the text."""
    rules = ruleset.rules(file)
    said, asked = others(file)
    found = [each for rule in rules if not rule.late for each in rule().check(file)]
    found += said
    found = ruleset.judged(list(map(_fatal, found)) if file.checks.is_error else found)
    ran = (ruleset.codes - ruleset.of_shellcheck | asked) - {r.code for r in rules if r.late}
    kept = suppress.apply(file, found, ruleset, ran)
    late = ruleset.judged([each for rule in rules if rule.late for each in rule().check(file)])
    if late:
        kept += suppress.apply(file, late, ruleset, frozenset())
    return sorted(kept, key=lambda each: (each.source.path, each.span, each.code))


def _fatal(finding: Finding) -> Finding:
    """What BuildKit finds fails the build, if the directive `# check=error=true` says so."""
    names = (finding.code, *finding.aliases)
    is_check = finding.code.startswith("BK") or not set(CHECKS).isdisjoint(names)
    return finding._replace(severity=Severity.ERROR) if is_check else finding


def lint_project(project: Project, ruleset: Ruleset) -> list[Finding]:
    """What *ruleset* finds in the files of a repository that ask for builds, each said once."""
    said = [
        each
        for rule in ruleset.rules()
        if issubclass(rule, ProjectRule)
        for each in rule().check_project(project)
    ]
    found = [each for each in ruleset.judged(said) if not suppress.is_silenced(each, ruleset)]
    distinct = {(each.source.path, each.span, each.code, each.message): each for each in found}
    return [distinct[key] for key in sorted(distinct)]


def fix(
    source: Source,
    options: Options,
    ruleset: Ruleset,
    accepts: Callable[[Guarantee], bool] = lambda guarantee: guarantee.is_safe,
    others: Others = nobody,
) -> Fixed:
    """Apply every fix whose guarantee *accepts* takes, until none is left to make.

    The text it returns has no error that *source* has not; a fix that fails its proof is withheld.
    """
    applied: list[Finding] = []
    withheld: list[Withheld] = []
    unjudged = 0
    seen = {source.text}
    for _ in range(PASSES):
        file = File(source, options)
        fixable = [
            finding
            for finding in lint(file, ruleset, others)
            if finding.fix and finding.source is source and accepts(finding.fix.guarantee)
        ]
        made, text, withheld, judged = _one_pass(file, fixable)
        if not made or text in seen:
            break
        seen.add(text)
        applied += made
        unjudged += not judged
        source = Source(source.path, text)
    return Fixed(source, applied, withheld, unjudged)


def prove(file: File, findings: Iterable[Finding]) -> list[Finding]:
    """The same findings, where a fix that claims to be safe and is not has lost the claim.

    Editors apply safe edits one at a time and unseen, so each is proven alone.
    """
    findings = list(findings)
    safe = [each.fix for each in findings if each.fix and each.fix.guarantee.is_safe]
    refused = _refused(file, list(dict.fromkeys(safe)))
    for at, finding in enumerate(findings):
        if finding.fix and finding.fix in refused:
            fix = finding.fix._replace(guarantee=Guarantee.BEHAVIOUR)
            note = f"not safe: {refused[finding.fix]}"
            findings[at] = finding._replace(fix=fix, note=note)
    return findings


def _refused(file: File, fixes: list[Fix]) -> dict[Fix, str]:
    """The fixes that are not proven, with the reason; very many are proven together."""
    groups = [[fix] for fix in fixes] if len(fixes) <= ALONE else [fixes]
    refused: dict[Fix, str] = {}
    for group in groups:
        text, applied, left = apply(file.source.text, group)
        reason = _refusal(file, _rewritten(file, text), applied)
        if reason is not None:
            refused.update(dict.fromkeys(group, reason))
        refused.update(dict.fromkeys(left, "it overlaps another fix and was not proven"))
    return refused


class _Pass(NamedTuple):
    """The fixes made, the text they give, those withheld, and whether both readers judged it."""

    made: list[Finding]
    text: str
    failed: list[Withheld]
    judged: bool


def _one_pass(file: File, fixable: Sequence[Finding]) -> _Pass:
    """Make as many fixes as fit together: the safe ones first, alone, since they prove more."""
    safe = [each for each in fixable if each.fix and each.fix.guarantee.is_safe]
    others = [each for each in fixable if each.fix and not each.fix.guarantee.is_safe]
    failed: list[Withheld] = []
    for group in (safe, others):
        made = _together(file, group) or _those_that_hold(file, group)
        failed += made.failed
        if made.made:
            return made._replace(failed=failed)
    return _Pass([], file.source.text, failed, True)


def one(file: File, finding: Finding) -> tuple[str, str | None, bool]:
    """The text that the fix of *finding* makes; why it is not accepted, if so; and whether
    dockerfile-parse had a say."""
    text, applied, _ = apply(file.source.text, _fixes([finding]))
    return (text, *_verdict(file, text, applied))


def _together(file: File, fixable: Sequence[Finding]) -> _Pass | None:
    """Make all fixes that do not overlap; None if the result is not accepted."""
    text, applied, _ = apply(file.source.text, _fixes(fixable))
    reason, judged = _verdict(file, text, applied) if applied else (None, True)
    if reason is not None:
        return None
    done = set(applied)
    return _Pass([each for each in fixable if each.fix in done], text, [], judged)


def _those_that_hold(file: File, fixable: Sequence[Finding]) -> _Pass:
    """Try each fix alone; make those that hold, together if that holds too, else the first."""
    holding: list[Finding] = []
    failed: list[Withheld] = []
    for finding in fixable[:ALONE]:
        _, reason, _ = one(file, finding)
        if reason is None:
            holding.append(finding)
        else:
            failed.append(Withheld(finding, reason))
    made = _together(file, holding) or _together(file, holding[:1])
    return (made or _Pass([], file.source.text, [], True))._replace(failed=failed)


def _fixes(findings: Iterable[Finding]) -> list[Fix]:
    return [finding.fix for finding in findings if finding.fix]


def _rewritten(before: File, text: str) -> File:
    return File(Source(before.source.path, text), before.options)


def _verdict(before: File, text: str, applied: Sequence[Fix]) -> tuple[str | None, bool]:
    """Why the rewrite is not accepted, if so; and whether dockerfile-parse had a say."""
    from stagelint import second_reader

    after = _rewritten(before, text)
    reason = _refusal(before, after, applied)
    if reason is not None:
        return reason, True
    objection = second_reader.objection(before, after, _edits(applied))
    return objection or None, objection is not None


def _edits(applied: Iterable[Fix]) -> list[Edit]:
    return [edit for fix in applied for edit in fix.edits]


def _refusal(before: File, after: File, applied: Sequence[Fix]) -> str | None:
    """Why the rewrite is not accepted; None if it is proven."""
    from stagelint import proof  # most files need no fix

    try:
        if all(fix.guarantee.is_safe for fix in applied):
            proof.same_build(before, after)
        else:
            proof.no_new_errors(before, after)
    except proof.Difference as difference:
        return str(difference)
    return None
