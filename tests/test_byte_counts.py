from __future__ import annotations

import pytest

from stagelint.model import byte_counts


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("150MB", 150_000_000),
        ("150 mb", 150_000_000),
        ("1.5GiB", 3 * 2**29),
        ("80M", 80_000_000),
        ("2k", 2000),
        ("12", 12),
        ("12B", 12),
        ("", None),
        ("MB", None),
        ("-1MB", None),
        ("1,5MB", None),
        ("10 apples", None),
        ("1" * 40, None),
    ],
)
def test_sizes_as_people_write_them(text: str, count: int | None) -> None:
    assert byte_counts.parse(text) == count


@pytest.mark.parametrize(
    ("count", "exact", "rounded"),
    [
        (0, "0 B", "0 B"),
        (998, "998 B", "998 B"),
        (1000, "1.0 kB", "1.0 kB"),
        (9_960, "10.0 kB", "10 kB"),
        (411_300_000, "411.3 MB", "411 MB"),
        (999_960_000, "1.0 GB", "1.0 GB"),
        (3_400_000_000_000_000, "3400.0 TB", "3400 TB"),
    ],
)
def test_sizes_for_people(count: int, exact: str, rounded: str) -> None:
    assert (byte_counts.shown(count), byte_counts.rounded(count)) == (exact, rounded)
