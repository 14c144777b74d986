"""Values of labels, by the kind they have to be."""

from __future__ import annotations

import time

import pytest

from stagelint.config import LABEL_KINDS
from stagelint.model.labels import is_of

GOOD = {
    "text": ["", "any thing\nat all"],
    "url": ["https://example.com/a?b#c", "mailto:ann@example.com", "urn:isbn:0"],
    "rfc3339": [
        "2026-11-26T10:15:00Z",
        "2026-11-26t10:15:00.123+01:00",
        "2024-02-29T23:59:60-23:59",
    ],
    "spdx": ["MIT", "mit", "Apache-2.0 OR MIT", "(MIT)", "LicenseRef-Own", "GPL-3.0-or-later"],
    "hash": ["abcdef1", "2dbfae9f7b0a", "2dbfae9f7b0ac0d3a1ce7d9fe8f5e8ef2c9a2b44", "a" * 64],
    "semver": ["0.0.0", "1.2.3", "1.2.3-rc.1", "1.2.3-0a", "1.2.3+build.01", "1.2.3--"],
    "email": ["ann@example.com", "a.b+c@x", "a@[192.0.2.1]"],
}
BAD = {
    "text": [],
    "url": ["example.com", "//example.com", "https:", "https://a b", "", "$URL"],
    "rfc3339": [
        "2026-11-26",
        "2026-11-26 10:15:00Z",
        "2026-11-26T10:15:00",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-26T24:00:00Z",
        "\u0662026-11-26T10:15:00Z",
    ],
    "spdx": ["Apache", "MIT OR", "MIT, BSD-3-Clause", "", "("],
    "hash": ["abcdef", "ABCDEF1", "abcdefg", "a" * 41, "main"],
    "semver": ["1.2", "v1.2.3", "01.2.3", "1.2.3-01", "1.2.3-", "1.2.3+"],
    "email": ["ann", "Ann <ann@example.com>", "a@", "@b", "a@b c", "a..b@c"],
}


@pytest.mark.parametrize("kind", LABEL_KINDS)
def test_values_of_a_kind(kind: str) -> None:
    assert [value for value in GOOD[kind] if not is_of(kind, value)] == []
    assert [value for value in BAD[kind] if is_of(kind, value)] == []


@pytest.mark.parametrize("kind", LABEL_KINDS)
@pytest.mark.parametrize("part", ["(", "a.", "1", "a OR ", "-", "https:", "a@"])
def test_a_hostile_value_takes_no_time(kind: str, part: str) -> None:
    started = time.process_time()

    for size in (900, 100_000):
        is_of(kind, part * (size // len(part)))

    assert time.process_time() - started < 1
