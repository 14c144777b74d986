"""Findings as GCC prints them, which Emacs, Vim and Visual Studio Code read without being told."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.fingerprints import relative
from stagelint.report.interchange import Run, message, word
from stagelint.report.terminal import escape


def render(run: Run) -> Iterator[str]:
    """`path:line:column: severity: message [code]` for each finding, without newlines."""
    for finding in run.findings:
        line, column = finding.source.position(finding.span.start)
        path = escape(relative(finding.source.path))
        severity = word("gnu", finding.severity)
        yield f"{path}:{line}:{column}: {severity}: {message(finding)} [{finding.code}]"
