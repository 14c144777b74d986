"""Numbers of bytes as people write them: `150MB` is 150 million, `150MiB` is 150 times 2^20."""

from __future__ import annotations

import re

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_AMOUNT = r"(?ai:(\d{1,9}(?:\.\d{1,3})?) ?((?:[kmg]i?)?)b?)"


def parse(text: str) -> int | None:
    """The number of bytes that *text* says; None if it says none."""
    found = re.fullmatch(_AMOUNT, text.strip()) if text else None
    return int(float(found[1]) * _UNITS[found[2].lower()]) if found else None


def shown(count: int) -> str:
    """*count* bytes to compare: `5 B`, `1.2 kB`, `411.3 MB`."""
    value, unit = _scaled(count)
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def rounded(count: int) -> str:
    """*count* bytes to speak of: `5 B`, `1.2 kB`, `411 MB`."""
    value, unit = _scaled(count)
    return shown(count) if value < 9.95 else f"{value:.0f} {unit}"


def _scaled(count: int) -> tuple[float, str]:
    value, units = float(count), iter(("B", "kB", "MB", "GB", "TB"))
    unit = next(units)
    while value >= 999.5 and unit != "TB":
        value, unit = value / 1000, next(units)
    return value, unit
