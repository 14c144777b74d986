"""Text taken from files, that knows of every part where it stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import product

from stagelint.model.project import UNKNOWN, Value
from stagelint.source import Source, Span
from stagelint.tuples import NamedTuple

#: So many values a text with variables may take; of more, nothing is known.
MOST = 64
#: A text with variables may become so long; of longer ones, nothing is known.
LONGEST = 1 << 18
#: So many variables are looked up for one of them: those of those of those may be very many.
STEPS = 5000


class Piece(NamedTuple):
    """A part of a text: *span* of *source* is what it comes from."""

    text: str
    source: Source
    span: Span
    is_default: bool = False

    @property
    def is_written(self) -> bool:
        """Does it stand there as it is?"""
        return self.span.end - self.span.start == len(self.text)

    def cut(self, start: int, end: int) -> Piece:
        """The part from *start* to *end*, offsets into its text."""
        span = self.span
        if self.is_written:
            span = Span(span.start + start, span.start + end)
        return Piece(self.text[start:end], self.source, span, self.is_default)


Place = tuple[Source, Span]


class Text:
    """Pieces in a row; offsets are those of the joined text."""

    def __init__(self, pieces: Iterable[Piece], place: Place | None = None) -> None:
        """*place* is where a text is put together whose pieces come from several places."""
        self.pieces = tuple(pieces)
        self.place = place
        self.text = "".join(piece.text for piece in self.pieces)
        self._starts: list[int] = []
        at = 0
        for piece in self.pieces:
            self._starts.append(at)
            at += len(piece.text)

    @classmethod
    def of(cls, source: Source, span: Span | None = None) -> Text:
        """A part of a file as it stands there; all of it by default."""
        start, end = span or (0, len(source.text))
        return cls([Piece(source.text[start:end], source, Span(start, end))])

    @classmethod
    def unknown(cls, source: Source, span: Span) -> Text:
        """What *span* stands for cannot be told."""
        return cls([Piece(UNKNOWN, source, span)])

    def __str__(self) -> str:
        return self.text

    def __add__(self, other: Text) -> Text:
        return Text((*self.pieces, *other.pieces), self.place)

    def __getitem__(self, part: slice) -> Text:
        """The part between two offsets."""
        start, end, _ = part.indices(len(self.text))
        found: list[Piece] = []
        at = max(0, bisect_right(self._starts, start) - 1)
        for index in range(at, len(self.pieces)):
            first, piece = self._starts[index], self.pieces[index]
            if first >= end:
                break
            low, high = max(start - first, 0), min(end - first, len(piece.text))
            if low < high or (start == end and low == high):
                found.append(piece.cut(low, high))
        return Text(found or [piece.cut(0, 0) for piece in self.pieces[:1]], self.place)

    @property
    def is_known(self) -> bool:
        return UNKNOWN not in self.text

    @property
    def source(self) -> Source:
        return self._where[0]

    @property
    def span(self) -> Span:
        """Where it stands, or the least place there that it is put together in."""
        return self._where[1]

    @cached_property
    def _where(self) -> Place:
        spans: list[Span] = []
        source = self.pieces[0].source
        if self.place:
            source, (start, end) = self.place
            spans = [
                each.span
                for each in self.pieces
                if each.source is source and start <= each.span.start and each.span.end <= end
            ]
        if not spans:
            source = self.pieces[0].source
            spans = [each.span for each in self.pieces if each.source is source]
        return source, Span(min(each.start for each in spans), max(each.end for each in spans))

    @property
    def value(self) -> Value:
        """The text as a word that is given to a build."""
        return Value(
            self.text, self.source, self.span, any(each.is_default for each in self.pieces)
        )

    def as_default(self) -> Text:
        """The same text, which somebody may set otherwise."""
        if all(piece.is_default for piece in self.pieces):
            return self
        return Text((Piece(*piece[:3], is_default=True) for piece in self.pieces), self.place)

    def standing_for(self, text: str) -> Text:
        """*text*, which what stands here means."""
        return Text([self.pieces[0]._replace(text=text, span=self.span)])

    def as_unknown(self) -> Text:
        """What stands here means something that cannot be told."""
        return Text.unknown(self.source, self.span)

    def split(self, separator: str = r"\s+") -> list[Text]:
        """The parts between what the expression *separator* matches, without empty ones."""
        found: list[Text] = []
        at = 0
        for match in re.finditer(separator, self.text):
            found.append(self[at : match.start()])
            at = match.end()
        found.append(self[at:])
        return [each for each in found if each.text]

    def strip(self) -> Text:
        """Without white space around it."""
        start = len(self.text) - len(self.text.lstrip())
        return self[start : max(start, len(self.text.rstrip()))]

    def partition(self, separator: str) -> tuple[Text, Text | None]:
        """What is before and what is after the first *separator*; None without one."""
        at = self.text.find(separator)
        return (self, None) if at < 0 else (self[:at], self[at + len(separator) :])


def or_none(texts: Sequence[Text]) -> Sequence[Text | None]:
    """The texts, or None alone if there are none: what is not said has a default."""
    return texts or (None,)


def concat(texts: Sequence[Text], source: Source, span: Span) -> Text:
    """The texts as one; an empty text at *span* if there are none."""
    pieces = [piece for text in texts for piece in text.pieces if piece.text or piece.is_default]
    return Text(pieces or [Piece("", source, span)], (source, span))


def expand(
    text: Text, pattern: re.Pattern[str], value: Callable[[re.Match[str], Text], Sequence[Text]]
) -> list[Text]:
    """All that *text* may be when each match of *pattern* is replaced.

    *value* is given the match and the text it is made of, and says what may stand there.
    """
    parts: list[Sequence[Text]] = []
    at = 0
    for match in pattern.finditer(text.text):
        parts += ([text[at : match.start()]], value(match, text[match.start() : match.end()]))
        at = match.end()
    if not parts:
        return [text]
    parts.append([text[at:]])
    return list(combine(parts, text))


def combine(parts: Sequence[Sequence[Text]], whole: Text) -> Iterator[Text]:
    """All texts made of one alternative of each part; of too many or too long ones, nothing is known."""
    count = 1
    for part in parts:
        count *= len(part)
    longest = sum(max((len(each.text) for each in part), default=0) for part in parts)
    if count > MOST or longest > LONGEST:
        yield Text.unknown(whole.source, whole.span)
        return
    for chosen in product(*parts):
        yield concat(chosen, whole.source, whole.span)
