"""Strings as languages with escapes write them: what they mean, each part with its place."""

from __future__ import annotations

import re
from collections.abc import Callable

from stagelint.model.project import UNKNOWN
from stagelint.project.text import Piece, Text, concat

_PYTHON = re.compile(r"(?P<prefix>[A-Za-z]*)(?P<quote>\"\"\"|'''|\"|')")
_ESCAPE = re.compile(r"\\(?:\r\n|.)", re.DOTALL)
_DOUBLED = re.compile(r"\{\{|\}\}")
_SIGNS = {
    "\n": "",
    "\r\n": "",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    **{sign: sign for sign in "\\'\"$"},
}


def python(text: Text) -> Text:
    """What a string of Python means; *text* has its quotes, and a prefix perhaps."""
    found = _PYTHON.match(text.text)
    if found is None or "b" in found["prefix"].lower():
        return text.as_unknown()
    inner = text[found.end() : len(text.text) - len(found["quote"])]
    return inner if "r" in found["prefix"].lower() else unescaped(inner)


def undoubled(text: Text) -> Text:
    """The text of an f-string, where `{{` is a brace."""
    return unescaped(text, _DOUBLED)


def _sign(escape: str) -> str:
    if escape in ("{{", "}}"):
        return escape[0]
    known = _SIGNS.get(escape[1:])
    if known is None:  # \x41 and its like are not worth to be known
        return UNKNOWN if re.match(r"\\[xuUN0-7]", escape) else escape
    return known


def unescaped(
    text: Text, signs: re.Pattern[str] = _ESCAPE, means: Callable[[str], str] = _sign
) -> Text:
    """*text*, what stands between quotes, with what each of its *signs* means."""
    parts: list[Text] = []
    at = 0
    for match in signs.finditer(text.text):
        span = text[match.start() : match.end()].span
        parts += (text[at : match.start()], Text([Piece(means(match[0]), text.source, span)]))
        at = match.end()
    return concat([*parts, text[at:]], text.source, text.span) if parts else text
