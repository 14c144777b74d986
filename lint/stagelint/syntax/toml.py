"""TOML within bounds: what tomllib keeps of a key is quadratic in its dots."""

from __future__ import annotations

import re
import tomllib

#: Dots in a key: of 20,000, tomllib of Python 3.11 makes 1.5 GB.
_MOST = 200
#: Of one that does not end, all of the line.
_STRING = r""""(?:[^"\\\n]|\\.)*+"?|'[^'\n]*+'?"""


def loads(text: str) -> dict[str, object]:
    """The document. Raises `ValueError`, and `RecursionError` if it is nested too deeply."""
    for key in re.split(r"[=,\[\]{}\n]", re.sub(_STRING, "x", text)):
        if key.count(".") > _MOST:
            raise RecursionError("a key of too many parts")
    return tomllib.loads(text)
