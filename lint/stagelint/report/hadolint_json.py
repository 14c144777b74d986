"""Findings with the keys of hadolint's JSON, for programs that were written for that."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.fingerprints import relative
from stagelint.report.interchange import Run, in_unicode, message


def render(run: Run) -> Iterator[str]:
    """A JSON array, a finding a line."""
    import json

    lines: list[str] = []
    for finding in run.findings:
        line, column = finding.source.position(finding.span.start)
        document = {
            "file": in_unicode(relative(finding.source.path)),
            "line": line,
            "column": column,
            "level": finding.severity.value,
            "code": finding.code,
            "message": message(finding),
        }
        lines.append(json.dumps(document))
    yield "[\n  " + ",\n  ".join(lines) + "\n]" if lines else "[]"
