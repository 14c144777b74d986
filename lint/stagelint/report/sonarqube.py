"""Findings as generic issues of SonarQube, in the format of 10.3 and newer."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.fingerprints import relative
from stagelint.report.interchange import (
    NAME,
    About,
    Run,
    abouts,
    in_unicode,
    in_utf16,
    message,
    visible,
    word,
)
from stagelint.report.terminal import escape
from stagelint.rule import Finding, Severity
from stagelint.source import Source, Span

#: Minutes that a finding takes to mend, with a fix and without one.
_EFFORTS = (1, 5)


def render(run: Run) -> Iterator[str]:
    """One JSON document; paths are relative to the current folder, where the scanner runs too."""
    import json

    document = {
        "rules": [_rule(about) for about in abouts(run).values()],
        "issues": [_issue(finding) for finding in run.findings],
    }
    yield json.dumps(document, indent=2)


def _rule(about: About) -> dict[str, object]:
    quality, kind, attribute = _nature(about)
    return {
        "id": about.code,
        "name": about.name,
        "description": f"{about.summary} {about.why}",
        "engineId": NAME,
        "cleanCodeAttribute": attribute,
        "type": kind,
        "severity": word("sonarqube", about.severity),
        "impacts": [
            {"softwareQuality": quality, "severity": word("sonarqube-impact", about.severity)}
        ],
    }


def _nature(about: About) -> tuple[str, str, str]:
    """Software quality, type and clean code attribute."""
    if about.security_severity:
        return "SECURITY", "VULNERABILITY", "TRUSTWORTHY"
    if about.severity is Severity.ERROR:
        return "RELIABILITY", "BUG", "LOGICAL"
    return "MAINTAINABILITY", "CODE_SMELL", "CONVENTIONAL"


def _issue(finding: Finding) -> dict[str, object]:
    return {
        "ruleId": finding.code,
        "effortMinutes": _EFFORTS[finding.fix is None],
        "primaryLocation": _location(finding.source, finding.span, message(finding)),
        "secondaryLocations": [
            _location(related.source, related.span, escape(related.message))
            for related in finding.related
        ],
    }


def _location(source: Source, span: Span, said: str) -> dict[str, object]:
    path = in_unicode(relative(source.path))
    return {"message": said, "filePath": path, "textRange": _range(source, visible(source, span))}


def _range(source: Source, span: Span) -> dict[str, int]:
    """Columns are 0-based and count UTF-16 code units; an empty range, which ends the import, is
    that of its line instead."""
    start, end = in_utf16(source, span.start), in_utf16(source, span.end)
    if start == end:
        return {"startLine": start.line}
    return {
        "startLine": start.line,
        "startColumn": start.column - 1,
        "endLine": end.line,
        "endColumn": end.column - 1,
    }
