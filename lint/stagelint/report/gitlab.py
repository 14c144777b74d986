"""Findings as the Code Quality report of GitLab: `artifacts: reports: codequality`."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.fingerprints import fingerprints, relative
from stagelint.report.interchange import Run, in_unicode, message, visible, word


def render(run: Run) -> Iterator[str]:
    """A JSON array, a finding a line; paths are relative to the root of the repository."""
    import json

    names = fingerprints(run.findings, run.root)
    lines: list[str] = []
    for finding, fingerprint in zip(run.findings, names, strict=True):
        source = finding.source
        first, last = source.lines(visible(source, finding.span))
        document = {
            "description": f"{finding.code}: {message(finding)}",
            "check_name": finding.code,
            "fingerprint": fingerprint,
            "severity": word("gitlab", finding.severity),
            "location": {
                "path": in_unicode(relative(source.path, run.root)),
                "lines": {"begin": first, "end": last},
            },
        }
        lines.append(json.dumps(document))
    yield "[\n  " + ",\n  ".join(lines) + "\n]" if lines else "[]"
