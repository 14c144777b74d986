"""Findings as workflow commands, of which GitHub Actions makes annotations."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.fingerprints import relative
from stagelint.report.interchange import NAME, Run, message, remarks, visible, word, worst_first
from stagelint.report.parts import plural
from stagelint.report.terminal import escape
from stagelint.rule import Finding

#: Annotations of each kind that GitHub keeps of one step.
LIMIT = 10
#: Characters that it keeps of one message.
MAX_MESSAGE = 4096


def render(run: Run) -> Iterator[str]:
    """The log of all findings, then commands for the worst of them, and how many have none."""
    if not run.findings:
        return
    findings = worst_first(run.findings)
    yield f"::group::{NAME}: {plural(len(findings), 'finding')}"
    yield from map(_logged, findings)
    yield "::endgroup::"
    chosen = _chosen(findings, LIMIT)
    if len(chosen) < len(findings):
        chosen = _chosen(findings, LIMIT - 1)
    for finding in chosen:
        yield _command(run, finding)
    if len(chosen) < len(findings):
        left = plural(len(findings) - len(chosen), "finding")
        yield f"::notice title={NAME}::{left} without an annotation, see the log of this step"


def _chosen(findings: list[Finding], notices: int) -> list[Finding]:
    """The findings that get an annotation, at most LIMIT of each kind but *notices*."""
    room = {"error": LIMIT, "warning": LIMIT, "notice": notices}
    found: list[Finding] = []
    for finding in findings:
        kind = word("github", finding.severity)
        if room[kind]:
            room[kind] -= 1
            found.append(finding)
    return found


def _logged(finding: Finding) -> str:
    """A line of the log, which begins with no `::` and has no `##[`: the runner obeys both."""
    line, column = finding.source.position(finding.span.start)
    place = f"{escape(relative(finding.source.path))}:{line}:{column}"
    said = f"{finding.severity} {finding.code} {place}: {message(finding)}"
    return said.replace("##[", r"##\[")


def _command(run: Run, finding: Finding) -> str:
    source = finding.source
    span = visible(source, finding.span)
    line, column = source.position(span.start)
    last, end = source.position(span.end)
    properties = {
        "title": escape(f"{finding.code} {finding.name}"),
        "file": relative(source.path, run.root),
        "line": line,
        "endLine": last,
    }
    if line == last:  # GitHub refuses columns of several lines
        properties |= {"col": column, "endColumn": end}
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    text = "\n".join((message(finding), *remarks(finding)))
    return f"::{word('github', finding.severity)} {listed}::{_data(text[:MAX_MESSAGE])}"


def _data(text: str) -> str:
    """As `escapeData` of actions/toolkit does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """As `escapeProperty` does."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
