"""Which words of a line start a here-document (BuildKit v0.25.2, parser and shell lexer)."""

from __future__ import annotations

import re

from stagelint.syntax import words
from stagelint.tuples import NamedTuple

_WORD = re.compile(r"([0-9]*)<<(-?)[\t\n\f\r ]*([^<]*)\Z")


class HeredocWord(NamedTuple):
    """`<<EOF` at [start, end) of the logical line."""

    delimiter: str
    expand: bool
    chomp: bool
    start: int
    end: int


def find(line: str, at: int = 0) -> list[HeredocWord]:
    """The heredoc words of a logical *line* from *at* on, in order; none if it is no shell text."""
    if "<<" not in line:
        return []
    try:
        found = words.split(line[at:])
    except words.WordError:
        return []
    heredocs = (parse(line, at + start, at + end) for start, end in found)
    return [heredoc for heredoc in heredocs if heredoc]


def parse(line: str, start: int, end: int) -> HeredocWord | None:
    """The heredoc that the word at [start, end) is, if it is one."""
    match = _WORD.match(line[start:end])
    if not match or not match[3]:
        return None
    try:
        spans = words.split(match[3])
        parts = words.lex(match[3])
    except words.WordError:
        return None
    delimiter = "".join(
        match[3][part.start : part.end] if isinstance(part, words.Variable) else part.value
        for part in parts
    )
    if len(spans) != 1 or not delimiter:
        return None
    expand = all(match[3].count(quote) == delimiter.count(quote) for quote in "'\"")
    return HeredocWord(delimiter, expand, bool(match[2]), start, end)
