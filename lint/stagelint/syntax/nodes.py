"""The lossless tree of a Dockerfile: every character of the text belongs to exactly one piece.

All spans are character offsets into the whole text. Inside an instruction, arguments are found in
its *logical* text (continuations joined, comments dropped); `Logical` leads back to the file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum, StrEnum

from stagelint.source import Span
from stagelint.syntax import words
from stagelint.syntax.characters import SPACE
from stagelint.syntax.frontend import Frontend
from stagelint.tuples import NamedTuple


class Phase(IntEnum):
    """When BuildKit notices an error; the first phase with one decides what a build reports."""

    CHECK_DIRECTIVE = 3
    LINES = 4
    INSTRUCTIONS = 5
    NO_STAGES = 6
    GLOBAL_ARGS = 8
    STAGES = 9
    TARGET = 10
    REFERENCES = 11
    CYCLES = 12
    IMAGES = 13
    DISPATCH = 15


class Problem(NamedTuple):
    """An error of the file: *kind* is the name of the rule that reports it, *message* BuildKit's."""

    kind: str
    span: Span
    message: str
    phase: Phase
    hint: str = ""
    stage: int | None = None
    """Index of the stage that must be built for the error to show; None: whatever is built."""
    conditional: bool = False
    """Other `--build-arg` values may avoid it."""


INVALID_SYNTAX = "invalid-syntax"
INVALID_STAGE_NAME = "invalid-stage-name"
VARIABLE_REFERENCE = "variable-in-stage-reference"


class Item:
    """A run of whole physical lines."""

    __slots__ = ("end", "start", "text")

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.start = start
        self.end = end

    @property
    def span(self) -> Span:
        """With the newline at the end."""
        return Span(self.start, self.end)

    def __str__(self) -> str:
        return self.text[self.start : self.end]


class Blank(Item):
    """A line of white space."""

    __slots__ = ()


class Comment(Item):
    """A comment between instructions; one inside a continuation is a `Piece`."""

    __slots__ = ()

    @property
    def content(self) -> str:
        """What stands after the `#`, trimmed."""
        return str(self).partition("#")[2].strip()


class Directive(Item):
    """`# name=value` at the head of the file; *name* is in lower case."""

    __slots__ = ("name", "value", "value_span")

    def __init__(self, text: str, start: int, end: int, name: str, value_span: Span) -> None:
        super().__init__(text, start, end)
        self.name = name
        self.value_span = value_span
        self.value = text[value_span.start : value_span.end]


class PieceKind(StrEnum):
    """What a piece of an instruction is; only CODE reaches its logical text."""

    CODE = "code"
    CONTINUATION = "continuation"
    COMMENT = "comment"
    BLANK = "blank"
    NEWLINE = "newline"
    BODY = "body"
    TERMINATOR = "terminator"


class Piece(NamedTuple):
    kind: PieceKind
    start: int
    end: int


Place = tuple[PieceKind, int, int]
"""A piece before anybody asks for it: a file has thousands, and few are looked at."""


class Logical:
    """The joined text of an instruction and the way back: offsets in it are 0-based."""

    __slots__ = ("_logical", "_physical", "text")

    def __init__(self, text: str, logical: Sequence[int], physical: Sequence[int]) -> None:
        self.text = text
        self._logical = logical
        self._physical = physical

    def offset(self, at: int) -> int:
        """Where the character at *at* stands in the file."""
        part = bisect_right(self._logical, at) - 1
        return self._physical[part] + at - self._logical[part]

    def span(self, start: int, end: int) -> Span:
        """The part of the file that [start, end) was read from, continuations inside included."""
        first = self.offset(start)
        return Span(first, self.offset(end - 1) + 1 if end > start else first)

    def after(self, at: int) -> Logical:
        """The text from *at* on, which may be its end."""
        first = bisect_right(self._logical, at) - 1
        starts = [0, *(each - at for each in self._logical[first + 1 :])]
        places = [self.offset(at), *self._physical[first + 1 :]]
        return Logical(self.text[at:], starts, places)

    def followed_by(self, others: Iterable[tuple[str, int]]) -> Logical:
        """This text and the *others*, each with where it stands in the file."""
        texts, starts, places = [self.text], [*self._logical], [*self._physical]
        length = len(self.text)
        for text, place in others:
            starts.append(length)
            places.append(place)
            texts.append(text)
            length += len(text)
        return Logical("".join(texts), starts, places)

    def contiguous(self, start: int, end: int) -> bool:
        """Does [start, end) stand in the file as it is, with no continuation in between?"""
        span = self.span(start, end)
        return span.end - span.start == end - start


class Flag(NamedTuple):
    """`--name=value` before the arguments. *value* has quotes and escapes removed."""

    name: str
    value: str | None
    start: int
    end: int
    value_start: int
    """Logical offsets; the raw value is [value_start, end)."""


class Argument(NamedTuple):
    """A word after the flags: *value* is its text, for JSON the decoded string."""

    value: str
    start: int
    end: int


class Pair(NamedTuple):
    """`key=value` of ARG, ENV or LABEL, both raw; *value* is None for a bare ARG name."""

    key: str
    value: str | None
    start: int
    end: int


class Heredoc(NamedTuple):
    """A here-document: *word* is `<<EOF` in the logical text, *body* its lines in the file."""

    delimiter: str
    expand: bool
    chomp: bool
    word_start: int
    word_end: int
    body: Span


class Instruction(Item):
    """One instruction with everything that belongs to it, heredocs included.

    *keyword* is in upper case; *inner* is what an ONBUILD triggers, read from the same text.
    """

    __slots__ = (
        "arguments",
        "code_start",
        "escape",
        "flags",
        "heredocs",
        "inner",
        "is_json",
        "keyword",
        "keyword_start",
        "logical",
        "pairs",
        "places",
        "problems",
        "rest_start",
    )

    def __init__(
        self,
        text: str,
        start: int,
        end: int,
        code_start: int,
        logical: Logical,
        places: Sequence[Place],
        escape: str,
    ) -> None:
        super().__init__(text, start, end)
        self.code_start = code_start
        self.logical = logical
        self.places = places
        self.escape = escape
        self.keyword = ""
        self.keyword_start = 0
        self.rest_start = 0
        self.flags: tuple[Flag, ...] = ()
        self.arguments: tuple[Argument, ...] = ()
        self.pairs: tuple[Pair, ...] = ()
        self.is_json = False
        self.heredocs: tuple[Heredoc, ...] = ()
        self.inner: Instruction | None = None
        self.problems: list[Problem] = []

    @property
    def pieces(self) -> list[Piece]:
        """What it consists of, from its start to its end and without a gap."""
        return [Piece(*each) for each in self.places]

    def spans(self, kind: PieceKind) -> list[Span]:
        """Where its pieces of one *kind* stand."""
        return [Span(start, end) for each, start, end in self.places if each is kind]

    @property
    def keyword_span(self) -> Span:
        return self.logical.span(self.keyword_start, self.keyword_start + len(self.keyword))

    @property
    def raw_keyword(self) -> str:
        """The keyword as typed."""
        return self.logical.text[self.keyword_start : self.keyword_start + len(self.keyword)]

    @property
    def rest(self) -> str:
        """The logical text after the flags, trimmed."""
        return self.logical.text[self.rest_start :]

    @property
    def script(self) -> str:
        """What a RUN executes, as far as it is written here: the rest, and the text of heredocs."""
        bodies = (self.text[each.body.start : each.body.end] for each in self.heredocs)
        return "\n".join((self.rest, *bodies))

    @property
    def whole_script(self) -> Heredoc | None:
        """The here-document that is all of a RUN's script, as in `RUN <<EOF`."""
        heredoc = self.heredocs[0] if len(self.heredocs) == 1 else None
        if heredoc and (heredoc.word_start, heredoc.word_end) == (
            self.rest_start,
            len(self.logical.text),
        ):
            return heredoc
        return None

    @property
    def code_span(self) -> Span:
        """Without the white space around: all lines that BuildKit counts as the instruction's."""
        whole = self.text[self.code_start : self.end]
        return Span(self.code_start, self.code_start + max(1, len(whole.rstrip(SPACE))))

    def flag(self, name: str) -> Flag | None:
        """The last flag of that name."""
        for flag in reversed(self.flags):
            if flag.name == name:
                return flag
        return None

    def variables(self, argument: Argument) -> Iterator[tuple[words.Variable, Span]]:
        """Every variable reference of *argument*, outermost first, with its span in the file.

        Raises `words.WordError` if the argument is no word.
        """
        pending = list(reversed(words.lex(argument.value, self.escape)))
        while pending:
            part = pending.pop()
            if isinstance(part, words.Variable):
                start = argument.start + part.start
                yield part, self.logical.span(start, argument.start + part.end)
                pending += reversed(part.word + part.replacement)


class Dockerfile:
    """The whole file. `str()` of it is the text it was parsed from, always."""

    __slots__ = ("directives", "escape", "frontend", "instructions", "items", "problems", "text")

    def __init__(self, text: str, items: list[Item], escape: str, frontend: Frontend) -> None:
        self.text = text
        self.items = items
        self.escape = escape
        self.frontend = frontend
        self.directives = [item for item in items if isinstance(item, Directive)]
        self.instructions = [item for item in items if isinstance(item, Instruction)]
        self.problems: list[Problem] = []

    def __str__(self) -> str:
        return "".join(map(str, self.items))
