"""Findings as JSON in the shape of ruff's, so that editors read both with the same code."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from stagelint.edit import Fix
from stagelint.rule import Finding
from stagelint.source import Source, Span
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.model.gains import Amount, Gain

#: Paths that stand for the standard input rather than for a file.
NO_FILE = frozenset({"", "-", "<stdin>"})


def render(findings: Sequence[Finding], root: str = "") -> str:
    """A JSON array with a finding on each line, without a newline at the end."""
    lines = list(render_lines(findings, root))
    return "[\n  " + ",\n  ".join(lines) + "\n]" if lines else "[]"


def render_lines(findings: Sequence[Finding], root: str = "") -> Iterator[str]:
    r"""One JSON object a finding, without newlines; *root* is the folder of the repository.

    It is ASCII throughout; a byte that is not UTF-8 appears as the lone surrogate, as `\udcff`.
    """
    import json

    from stagelint.fingerprints import fingerprints

    for finding, fingerprint in zip(findings, fingerprints(findings, root), strict=True):
        yield json.dumps(to_json(finding, fingerprint), ensure_ascii=True)


def to_json(finding: Finding, fingerprint: str) -> dict[str, object]:
    """The object for *finding*: ruff's keys, and those that only stagelint knows."""
    source, span, fix = finding.source, finding.span, finding.fix
    return {
        "code": finding.code,
        "name": finding.name,
        "aliases": list(finding.aliases),
        "severity": finding.severity.value,
        "message": finding.message,
        "why": finding.why,
        "filename": filename(source.path),
        "url": finding.url or None,
        **_range(source, span),
        "noqa_row": source.position(span.start).line,
        "cell": None,
        "fix": _fix(source, fix) if fix else None,
        "role": finding.role.value if finding.role else None,
        "stage": finding.stage,
        "related": [
            {
                "filename": filename(related.source.path),
                **_range(related.source, related.span),
                "message": related.message,
            }
            for related in finding.related
        ],
        "note": finding.note,
        "certain": finding.certain,
        "guarantee": fix.guarantee.value if fix else None,
        "gain": _gain(finding.gain) if finding.gain else None,
        "holds": list(finding.holds),
        "fingerprint": fingerprint,
    }


def _gain(gain: Gain) -> dict[str, object]:
    """Numbers are null where they are not known, and each says how it is."""

    def amount(found: Amount | None, unit: str) -> dict[str, object] | None:
        if found is None:
            return None
        return {unit: found.value, "known": found.known.value, "at_least": found.at_least}

    return {
        "shipped": amount(gain.shipped, "bytes"),
        "ships_less": gain.ships_less or gain.shipped is not None,
        "layers": gain.layers,
        "context": amount(gain.context, "bytes"),
        "steps": gain.steps,
        "seconds": amount(gain.seconds, "seconds"),
        "faster": gain.faster or gain.seconds is not None,
        "when": gain.when,
    }


def filename(path: str) -> str:
    """The absolute path, as editors want it; what names no file stays as it is."""
    return path if path in NO_FILE else os.path.abspath(path)


def _fix(source: Source, fix: Fix) -> dict[str, object]:
    """Editors apply `safe` fixes unseen, so that word is kept for those that keep the build."""
    return {
        "applicability": "safe" if fix.guarantee.is_safe else "unsafe",
        "guarantee": fix.guarantee.value,
        "message": fix.title,
        "edits": [
            {"content": edit.text, **_range(source, edit.span)} for edit in sorted(fix.edits)
        ],
    }


def _range(source: Source, span: Span) -> dict[str, object]:
    return {
        "location": _location(source, span.start),
        "end_location": _location(source, span.end),
    }


def _location(source: Source, offset: int) -> dict[str, int]:
    line, column = source.position(offset)
    return {"row": line, "column": column}
