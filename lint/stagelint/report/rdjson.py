"""Findings in the diagnostic format of reviewdog, with what would mend them as suggestions."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.fingerprints import relative
from stagelint.report.interchange import (
    NAME,
    Run,
    as_one,
    in_bytes,
    in_unicode,
    message,
    remarks,
    visible,
    word,
)
from stagelint.report.terminal import escape
from stagelint.rule import Finding, Related
from stagelint.source import Source, Span


def render(run: Run) -> Iterator[str]:
    """One JSON document. Columns count bytes of UTF-8; paths are relative to the current folder."""
    import json

    document = {
        "source": {"name": NAME},
        "diagnostics": [_diagnostic(finding) for finding in run.findings],
    }
    yield json.dumps(document, indent=2)


def _diagnostic(finding: Finding) -> dict[str, object]:
    source, edit = finding.source, as_one(finding)
    found: dict[str, object] = {
        "message": "\n".join((message(finding), *remarks(finding))),
        "location": _location(source, finding.span),
        "severity": word("rdjson", finding.severity),
        "code": {"value": finding.code},
    }
    if edit:
        found["suggestions"] = [{"range": _range(source, edit.span), "text": edit.text}]
    if finding.related:
        found["related_locations"] = [_related(each) for each in finding.related]
    return found


def _related(related: Related) -> dict[str, object]:
    place = _location(related.source, related.span)
    return {"message": escape(related.message), "location": place}


def _location(source: Source, span: Span) -> dict[str, object]:
    path = in_unicode(relative(source.path))
    return {"path": path, "range": _range(source, visible(source, span))}


def _range(source: Source, span: Span) -> dict[str, object]:
    return {
        side: in_bytes(source, offset)._asdict()
        for side, offset in (("start", span.start), ("end", span.end))
    }
