"""Findings as SARIF 2.1.0, within the limits of GitHub code scanning."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain

from stagelint import __version__
from stagelint.fingerprints import relative
from stagelint.report.interchange import (
    NAME,
    About,
    Run,
    abouts,
    edits,
    in_utf16,
    message,
    visible,
    word,
    worst_first,
)
from stagelint.report.terminal import escape
from stagelint.rule import Finding
from stagelint.source import Source, Span, encode

Document = dict[str, object]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"

#: What GitHub takes of one run, and keeps of a result and of a description.
MAX_RESULTS = 25_000
MAX_RELATED = 100
MAX_DESCRIPTION = 1024
#: Characters of a file whose lines are hashed; findings in a longer one have no fingerprint.
MAX_HASHED = 1 << 20

#: Of the hash of a line: characters it covers, its base and its modulus.
_BLOCK, _BASE, _MODULUS = 100, 37, 1 << 64
_END = 65535
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


def render(run: Run) -> Iterator[str]:
    """One JSON document; columns count UTF-16 code units, as the readers of SARIF do."""
    import json

    found = run.findings
    if len(found) > MAX_RESULTS:
        found = worst_first(found)[:MAX_RESULTS]
    rules = abouts(run)
    places = {code: number for number, code in enumerate(rules)}
    hashes: dict[int, list[str]] = {}
    driver = {
        "name": NAME,
        "semanticVersion": __version__,
        "rules": [_rule(about) for about in rules.values()],
    }
    results = [_result(run, finding, places, hashes) for finding in found]
    document = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "automationDetails": {"id": f"{NAME}/"},
                "originalUriBaseIds": {ROOT: {"uri": _uri(os.path.join(run.root, ""))}},
                "columnKind": "utf16CodeUnits",
                "results": results,
            }
        ],
    }
    yield json.dumps(document, indent=2)


def _rule(about: About) -> Document:
    properties: Document = {
        "tags": list(about.tags),
        "precision": word("sarif-precision", about.severity),
        "problem.severity": word("sarif-problem", about.severity),
    }
    if about.security_severity:
        properties["security-severity"] = about.security_severity
    return {
        "id": about.code,
        **({"name": about.name[:255]} if about.name != about.code else {}),
        "shortDescription": {"text": about.summary[:MAX_DESCRIPTION]},
        "fullDescription": {"text": about.why[:MAX_DESCRIPTION]},
        "help": {"text": about.help, "markdown": about.markdown},
        "defaultConfiguration": {"level": word("sarif", about.severity)},
        "properties": properties,
    }


def _result(
    run: Run, finding: Finding, places: dict[str, int], hashes: dict[int, list[str]]
) -> Document:
    source = finding.source
    found: Document = {
        "ruleId": finding.code,
        "ruleIndex": places[finding.code],
        "level": word("sarif", finding.severity),
        "message": {"text": _text(message(finding))},
        "locations": [_location(run, source, finding.span)],
    }
    if len(source.text) <= MAX_HASHED:
        if id(source) not in hashes:
            hashes[id(source)] = line_hashes(source)
        line_hash = hashes[id(source)][source.position(finding.span.start).line - 1]
        found["partialFingerprints"] = {"primaryLocationLineHash": line_hash}
    if finding.related:
        found["relatedLocations"] = _related(run, finding)
    if edits(finding):
        found["fixes"] = [_fix(run, finding)]
    about = {"why": finding.why, "note": finding.note, "stage": finding.stage, "role": finding.role}
    found["properties"] = {
        **{key: escape(value) for key, value in about.items() if value},
        "certain": finding.certain,
    }
    return found


def _related(run: Run, finding: Finding) -> list[Document]:
    return [
        {
            "id": number,
            **_location(run, related.source, related.span),
            "message": {"text": _text(escape(related.message).strip()) or "related"},
        }
        for number, related in enumerate(finding.related[:MAX_RELATED], 1)
    ]


def _fix(run: Run, finding: Finding) -> Document:
    """The fix, which its description calls safe or not: SARIF has no word for that."""
    source, fix = finding.source, finding.fix
    title = f"{fix.title} ({fix.guarantee})" if fix else ""
    replacements = [_replacement(source, span, text) for span, text in edits(finding)]
    change = {"artifactLocation": _artifact(run, source), "replacements": replacements}
    return {"description": {"text": _text(escape(title))}, "artifactChanges": [change]}


def _text(text: str) -> str:
    """*text* in which nothing is a link (SARIF 2.1.0, 3.11.6)."""
    return re.sub(r"(?=[\[\]\\])", r"\\", text) if "](" in text else text


def _replacement(source: Source, span: Span, text: str) -> Document:
    found: Document = {"deletedRegion": _region(source, span)}
    if text:
        found["insertedContent"] = {"text": text}
    return found


# -- places ----------------------------------------------------------------------------------------


def _location(run: Run, source: Source, span: Span) -> Document:
    region = _region(source, visible(source, span))
    return {"physicalLocation": {"artifactLocation": _artifact(run, source), "region": region}}


def _region(source: Source, span: Span) -> Document:
    start, end = in_utf16(source, span.start), in_utf16(source, span.end)
    return {
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    }


def _artifact(run: Run, source: Source) -> Document:
    """Where a file lies below the root, or in the file system if it lies elsewhere."""
    path = relative(source.path, run.root)
    if path.startswith("../") or os.path.isabs(path):
        return {"uri": _uri(os.path.abspath(source.path))}
    return {"uri": _quoted(path), "uriBaseId": ROOT}


def _uri(path: str) -> str:
    """The URI of an absolute *path*; a folder ends in a separator."""
    path = path.replace(os.sep, "/")
    return f"file://{'' if path.startswith('/') else '/'}{_quoted(path)}"


def _quoted(path: str) -> str:
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in encode(path))


# -- fingerprints ----------------------------------------------------------------------------------


def line_hashes(source: Source) -> list[str]:
    """`primaryLocationLineHash` of every line of *source*, as github/codeql-action computes it.

    Where an upload has none, that action reads the files and adds it; that of the REST API does
    not. The hash of a line is over the 100 UTF-16 code units from its start, without blanks.
    """
    units, starts = _units(source.to_bytes().decode("utf-8", "replace"))
    padded = chain(units, (0,) * _BLOCK)
    sums = list(accumulate(padded, lambda sum_, unit: (sum_ * _BASE + unit) % _MODULUS, initial=0))
    shift = pow(_BASE, _BLOCK, _MODULUS)
    counts: dict[int, int] = {}
    found: list[str] = []
    for start in starts:
        value = (sums[start + _BLOCK] - sums[start] * shift) % _MODULUS
        counts[value] = counts.get(value, 0) + 1
        found.append(f"{value:x}:{counts[value]}")
    return found


def _units(text: str) -> tuple[Sequence[int], list[int]]:
    """The UTF-16 code units that count, and where lines start among them.

    No blanks count; CR and CR LF are LF. After the last there is one more that ends the text.
    """
    kept = re.sub(r"[ \t]+", "", re.sub(r"\r\n?", "\n", text))
    data = kept.encode("utf-16-le", "surrogatepass")
    units = [low | high << 8 for low, high in zip(data[::2], data[1::2], strict=True)]
    units.append(_END)
    return units, [0, *(at + 1 for at, unit in enumerate(units) if unit == 10)]
