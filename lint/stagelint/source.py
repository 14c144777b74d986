"""The text of one file, and the only place where offsets become lines and columns."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import cached_property
from itertools import accumulate

from stagelint.tuples import NamedTuple


class Span(NamedTuple):
    """Half-open range of character offsets into a text, 0-based."""

    start: int
    end: int


class Position(NamedTuple):
    """A place for people: both 1-based, the column in code points."""

    line: int
    column: int


class Source:
    """A file as it was read: *path* as the user wrote it, *text* decoded without loss.

    Lines end at LF alone, as BuildKit reads them (v0.25.2): a lone CR, a form feed or U+2028
    is an ordinary character.
    """

    def __init__(self, path: str, text: str, error: str = "") -> None:
        self.path = path
        self.text = text
        self.error = error
        """Why the file could not be read; the text is empty then."""

    @classmethod
    def from_bytes(cls, path: str, data: bytes) -> Source:
        """Decode UTF-8; bytes that are not UTF-8 survive as lone surrogates, a BOM as U+FEFF."""
        return cls(path, data.decode("utf-8", "surrogateescape"))

    def to_bytes(self) -> bytes:
        """The bytes this text was decoded from."""
        return encode(self.text)

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [0], self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def position(self, offset: int) -> Position:
        """Line and column of the character at *offset*; the end of the text has one too."""
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1)

    def lines(self, span: Span) -> tuple[int, int]:
        """First and last line (1-based, inclusive) that *span* touches."""
        last = max(span.start, span.end - 1)
        return self.position(span.start).line, self.position(last).line

    def line_span(self, line: int) -> Span:
        """The text of a 1-based *line* without its newline."""
        start = self._starts[line - 1]
        end = self._starts[line] - 1 if line < len(self._starts) else len(self.text)
        if end > start and self.text[end - 1] == "\r":
            end -= 1
        return Span(start, end)

    @property
    def newline(self) -> str:
        """The line ending of the first line; LF where there is none."""
        at = self.text.find("\n")
        return "\r\n" if at > 0 and self.text[at - 1] == "\r" else "\n"


def encode(text: str) -> bytes:
    """UTF-8 with surrogates as the bytes they stand for; others (never read from a file) as they are."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def byte_offsets(text: str) -> Callable[[int], int]:
    """What turns offsets into the bytes of *text* to offsets into *text*."""
    if text.isascii():
        return lambda offset: offset
    starts = list(accumulate((len(encode(sign)) for sign in text), initial=0))
    return lambda offset: bisect_left(starts, offset)
