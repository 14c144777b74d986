"""Numbers of bytes as people write them: `150MB` is 150 million, `150MiB` is 150 times 2^20."""

from __future__ import annotations

import re

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_AMOUNT = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) ?((?:[kmg]i?)?)b?", re.IGNORECASE | re.ASCII)


def parse(text: str) -> int | None:
    """The number of bytes that *text* says; None if it says none."""
    found = _AMOUNT.fullmatch(text.strip())
    return int(float(found[1]) * _UNITS[found[2].lower()]) if found else None


def shown(count: int) -> str:
    """*count* bytes for a message: `411 MB`, `3.8 MB`, `12 kB`."""
    for factor, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= factor:
            number = count / factor
            return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"
    return f"{count} bytes"
