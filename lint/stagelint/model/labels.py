"""The labels of an image: what a stage says of them, and whether a value is of the kind it has to be.

The kinds are those of hadolint: `text` may be anything, `url` is an absolute URI (RFC 3986), `rfc3339`
a time with its zone, `spdx` a licence expression of SPDX, `hash` that of a commit of git, `semver` a
version of Semantic Versioning 2.0.0, `email` an address alone (RFC 5322, addr-spec).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model.file import File
from stagelint.model.stages import Stage
from stagelint.source import Span
from stagelint.tuples import NamedTuple

#: Longer values are nothing but text.
_LONGEST = 1000

_NUMBER = r"(?:0|[1-9]\d*)"
_WORD = r"[\w!#$%&'*+/=?^`{|}~-]+"
_PATTERNS = {
    "text": r"(?s:.*)",
    "url": r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+",
    "hash": r"[0-9a-f]{7,40}|[0-9a-f]{64}",
    "semver": (
        rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
        rf"(?:-(?:{_NUMBER}|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:{_NUMBER}|\d*[A-Za-z-][0-9A-Za-z-]*))*)?"
        r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
    ),
    "email": rf"{_WORD}(?:\.{_WORD})*@(?:[\w-]+(?:\.[\w-]+)*|\[[\w.:]+\])",
}
_TIME = (
    r"(\d{4})-(\d\d)-(\d\d)[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?"
    r"(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
)
_NAMES = {
    "url": "absolute URL",
    "rfc3339": "time of RFC 3339",
    "spdx": "licence expression of SPDX",
    "hash": "hash of a commit",
    "semver": "version of Semantic Versioning",
    "email": "address of e-mail",
}


class Label(NamedTuple):
    """A `key=value` of a LABEL, without quotes. *value* is None if it has a variable."""

    key: str | None
    """None if it is not known."""
    value: str | None
    span: Span


def labels(file: File, stage: Stage) -> Iterator[Label]:
    """What *stage* says in its LABELs, in order."""
    for moment in file.written(stage):
        node = moment.instruction
        for pair in node.pairs if node.keyword == "LABEL" else ():
            raw = pair.value or ""
            span = node.logical.span(pair.start, pair.end)
            value = None if _has_variable(raw, node.escape) else moment.expand(raw)
            yield Label(moment.expand(pair.key), value, span)


def wrong(file: File, stage: Stage, kind: str) -> Iterator[tuple[Span, str]]:
    """The labels of *stage* that have to be of *kind* and are not: where, and what is wrong.

    One that is empty is not spoken of, nor is one with a variable, which is there to be given.
    """
    schema = file.options.label_schema
    for label in labels(file, stage) if kind in schema.values() else ():
        is_meant = label.key is not None and schema.get(label.key) == kind
        if is_meant and label.value and not is_of(kind, label.value):
            yield label.span, f"the value of label `{label.key}` is no {_NAMES[kind]}"


def is_of(kind: str, value: str) -> bool:
    """Is *value* of *kind*, one of `config.LABEL_KINDS`?"""
    if len(value) > _LONGEST:
        return kind == "text"
    if kind == "rfc3339":
        found = re.fullmatch(_TIME, value, re.ASCII)
        return found is not None and _is_date(*map(int, found.groups()))
    if kind == "spdx":
        return _is_license(value)
    return re.fullmatch(_PATTERNS[kind], value) is not None


def _has_variable(word: str, escape: str) -> bool:
    return re.search(r"\$", word.replace(f"{escape}$", "")) is not None


def _is_date(year: int, month: int, day: int) -> bool:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return 1 <= month <= 12 and 1 <= day <= days[month - 1]


def _is_license(value: str) -> bool:
    from packaging import licenses  # only a schema that asks for licences needs it

    try:
        licenses.canonicalize_license_expression(value)
    except (licenses.InvalidLicenseExpression, RecursionError, MemoryError):
        return False
    return True
