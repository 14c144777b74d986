"""What the formats for other programs have in common: paths, columns, severities, rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from stagelint.edit import Edit, Fix, apply
from stagelint.fingerprints import relative
from stagelint.report.terminal import escape
from stagelint.rule import Finding, Rule, Severity
from stagelint.source import Position, Source, Span, encode
from stagelint.tuples import NamedTuple

NAME = "stagelint"

#: What the formats call the severities error, warning, info and style.
_WORDS = {
    "sarif": ("error", "warning", "note", "note"),
    "sarif-problem": ("error", "warning", "recommendation", "recommendation"),
    "sarif-precision": ("very-high", "high", "medium", "medium"),
    "github": ("error", "warning", "notice", "notice"),
    "gitlab": ("critical", "major", "minor", "info"),
    "azure": ("error", "warning", "warning", "warning"),
    "rdjson": ("ERROR", "WARNING", "INFO", "INFO"),
    "checkstyle": ("error", "warning", "info", "info"),
    "sonarqube": ("CRITICAL", "MAJOR", "MINOR", "INFO"),
    "sonarqube-impact": ("HIGH", "MEDIUM", "LOW", "LOW"),
    "gnu": ("error", "warning", "info", "info"),
}

#: Characters of a fix that is one edit.
_MOST_TEXT = 10_000


class Run(NamedTuple):
    """What a format is made from."""

    findings: Sequence[Finding]
    rule: Callable[[str], type[Rule] | None]
    """The rule of a code; None for codes of other programs."""
    root: str
    """The folder of the repository, or the current one where there is none; absolute."""


class About(NamedTuple):
    """What is known of a rule; texts are for people and never empty."""

    code: str
    name: str
    severity: Severity
    summary: str
    why: str
    help: str
    markdown: str
    tags: tuple[str, ...]
    security_severity: str = ""


def word(form: str, severity: Severity) -> str:
    """What the format *form* calls *severity*."""
    return _WORDS[form][list(Severity).index(severity)]


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """The findings by severity, those of one severity as they were."""
    order = list(Severity)
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def message(finding: Finding) -> str:
    """What *finding* says, on one line of printable characters; never empty."""
    return escape(finding.message).strip() or _name(finding)


def _name(finding: Finding) -> str:
    return escape(finding.name).strip() or finding.code


def remarks(finding: Finding) -> list[str]:
    """The reason, the cure with the option that applies it, and what else is said, a line each."""
    lines = [finding.why, _cure(finding.fix) if finding.fix else "", finding.note]
    return [escape(line) for line in lines if line]


def _cure(fix: Fix) -> str:
    how = "--fix" if fix.guarantee.is_safe else f"--unsafe-fixes: {fix.guarantee}"
    return f"Fix: {fix.title} ({how})"


def by_path(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """The findings of each file, which is called as `relative` does."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(relative(finding.source.path), []).append(finding)
    return found


# -- paths -----------------------------------------------------------------------------------------


def in_unicode(path: str) -> str:
    """*path* with U+FFFD for what is not UTF-8 in it, which no JSON and no XML can say."""
    if path.isascii():
        return path
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in path)


# -- places ----------------------------------------------------------------------------------------


def visible(source: Source, span: Span) -> Span:
    """*span* without the newlines at its end, with which it would end on the next line."""
    start, end = span
    while end > start and source.text[end - 1] in "\r\n":
        end -= 1
    return Span(start, end)


def in_utf16(source: Source, offset: int) -> Position:
    """Line and column of *offset*, both 1-based, the column in UTF-16 code units."""
    line, column, before = _before(source, offset)
    if before.isascii():
        return Position(line, column)
    return Position(line, len(before.encode("utf-16-le", "surrogatepass")) // 2 + 1)


def in_bytes(source: Source, offset: int) -> Position:
    """Line and column of *offset*, both 1-based, the column in bytes of UTF-8."""
    line, _, before = _before(source, offset)
    return Position(line, len(encode(before)) + 1)


def _before(source: Source, offset: int) -> tuple[int, int, str]:
    """Line, column in code points, and what stands before it in the line."""
    line, column = source.position(offset)
    return line, column, source.text[offset - column + 1 : offset]


# -- fixes -----------------------------------------------------------------------------------------


def edits(finding: Finding) -> list[Edit]:
    """The edits of the fix in the order of the text; none if one is not UTF-8."""
    fix = finding.fix
    if fix is None or any(in_unicode(edit.text) != edit.text for edit in fix.edits):
        return []
    return sorted(dict.fromkeys(fix.edits))


def as_one(finding: Finding) -> Edit | None:
    """The fix as a single edit, for formats in which each edit is an offer of its own.

    None if there is none that is UTF-8, or if its edits lie so far apart that nobody would read it.
    """
    found = edits(finding)
    if not found:
        return None
    span = Span(found[0].span.start, max(edit.span.end for edit in found))
    if span.end - span.start > _MOST_TEXT:
        return None
    moved = tuple(
        Edit(Span(at.start - span.start, at.end - span.start), text) for at, text in found
    )
    text, applied, _ = apply(finding.source.text[span.start : span.end], [Fix("", moved)])
    return Edit(span, text) if applied and in_unicode(text) == text else None


# -- rules -----------------------------------------------------------------------------------------


def abouts(run: Run) -> dict[str, About]:
    """What is known of the rules of the findings, by code and in the order of these."""
    first: dict[str, Finding] = {}
    for finding in run.findings:
        first.setdefault(finding.code, finding)
    return {code: _about(first[code], run.rule(code)) for code in sorted(first)}


def _about(finding: Finding, rule: type[Rule] | None) -> About:
    """Of a code that is no rule of ours, what its first finding says of it."""
    name = _name(finding)
    why = escape(finding.why).strip()
    if rule is None:
        text = why or finding.url or name
        tags = ("dockerfile",)
        return About(finding.code, name, finding.severity, name, text, text, text, tags)
    from stagelint import catalogue

    summary = catalogue.summary(rule) or name
    return About(
        finding.code,
        name,
        rule.severity,
        summary,
        rule.why() or summary,
        catalogue.plain([rule]).strip(),
        catalogue.page(rule).strip(),
        ("dockerfile", "security") if rule.security_severity else ("dockerfile",),
        rule.security_severity,
    )
