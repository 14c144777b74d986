"""What Go and BuildKit call blanks and lower case; Python's own notions differ (BuildKit v0.25.2)."""

from __future__ import annotations

import re

#: Go's `unicode.IsSpace`. Python's `str.strip()` would also take 0x1C to 0x1F.
SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

#: What separates a keyword from its arguments, and arguments that are not quoted words.
BLANKS = re.compile(r"[\t\v\f\r ]+")
WORD = re.compile(r"[^\t\v\f\r ]+")


def lower(text: str) -> str:
    """Go's `strings.ToLower`: one character at a time, so `İ` becomes `i`."""
    if text.isascii():
        return text.lower()
    return "".join(char.lower()[:1] or char for char in text)


def quoted(text: str) -> str:
    """Go's `%q`: the text in double quotes, control characters and surrogates escaped."""
    return '"' + "".join(_quote(char) for char in text) + '"'


_SHORT = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def _quote(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    if char.isprintable():
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def nearest(word: str, candidates: list[str], most: int = 2) -> list[str]:
    """The *candidates* at most *most* edits (insert, delete, replace) from *word*, nearest first."""
    found = [(distance(word, other, most), other) for other in candidates]
    return [other for edits, other in sorted(found) if edits <= most]


def distance(one: str, other: str, most: int) -> int:
    """Levenshtein distance; anything above *most* is returned as *most* + 1, without the work."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        previous, row = row, [i]
        for j, right in enumerate(other, 1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (left != right)))
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
