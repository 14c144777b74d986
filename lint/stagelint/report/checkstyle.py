"""Findings as the XML of Checkstyle, which Jenkins, reviewdog and many others read."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.report.interchange import Run, by_path, message, word
from stagelint.report.xml_text import DECLARATION, start


def render(run: Run) -> Iterator[str]:
    """The lines of one XML document, an `error` a finding."""
    yield DECLARATION
    yield '<checkstyle version="4.3">'
    for path, findings in by_path(run.findings).items():
        yield f"  {start('file', {'name': path})}>"
        for finding in findings:
            line, column = finding.source.position(finding.span.start)
            attributes = {
                "line": line,
                "column": column,
                "severity": word("checkstyle", finding.severity),
                "message": message(finding),
                "source": finding.code,
            }
            yield f"    {start('error', attributes)}/>"
        yield "  </file>"
    yield "</checkstyle>"
