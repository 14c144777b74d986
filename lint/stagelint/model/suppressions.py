"""Comments that silence rules, and where: stagelint's own, hadolint's, BuildKit's directive."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from stagelint.model import pragmas
from stagelint.source import Source, Span
from stagelint.syntax.nodes import Comment, Dockerfile, Instruction, PieceKind
from stagelint.tuples import NamedTuple

_COMMENT = re.compile(r"(?:#|//)[ \t]*stagelint:[ \t]*(file-ignore|ignore)[ \t]*\[([^\]\r\n]*)\]")
_SELECTOR = re.compile(r"[^\s,]+")


class Owner(StrEnum):
    """Whose language a suppression is written in."""

    STAGELINT = "stagelint"
    HADOLINT = "hadolint"
    BUILDKIT = "BuildKit"
    """`# check=skip=`; as a directive, which has no scope, it is part of the build."""


class Suppression(NamedTuple):
    """One selector of such a comment."""

    selector: str
    """A code or a name, as written."""
    span: Span
    """Where the selector stands."""
    comment: Span
    """The whole line of the comment."""
    scope: Span | None
    """The text whose findings it silences; None for the whole file."""
    owner: Owner = Owner.STAGELINT
    of_stage: bool = False
    """Is the scope a stage, and no single instruction?"""


class Said(NamedTuple):
    """What the comments of a file say."""

    suppressions: Sequence[Suppression] = ()
    """In order."""
    mistakes: Sequence[pragmas.Mistake] = ()
    """Comments in the language of others that these do not read."""
    shell: tuple[str, ...] | None = None
    """What hadolint is told to run the RUNs of every stage with."""
    shells: Mapping[int, tuple[str, ...]] = {}
    """The same from an instruction on, by the offset of that."""


def read(tree: Dockerfile) -> Said:
    """What the comments and directives of *tree* say.

    A comment above an instruction, blank lines in between or not, or inside its continuation
    speaks of that instruction.
    """
    text = tree.text
    lowered = text.lower()
    if not any(word in lowered for word in ("stagelint:", "hadolint", "check")):
        return Said()
    return _Reader(tree).said()


def selectors_at(source: Source, offset: int) -> Iterator[str]:
    """The selectors that silence what stands at *offset* of a file that is no Dockerfile.

    A comment speaks of its line, or if it has one of its own, of the next line.
    """
    if "stagelint:" not in source.text:
        return
    line = source.position(offset).line
    for match in _COMMENT.finditer(source.text):
        at = source.position(match.start()).line
        is_alone = not source.text[source.line_span(at).start : match.start()].strip()
        if match[1] == "file-ignore" or at == line or (is_alone and at == line - 1):
            yield from _SELECTOR.findall(match[2])


class _Reader:
    """Goes through the comments of one file."""

    def __init__(self, tree: Dockerfile) -> None:
        self._text = tree.text
        self._tree = tree
        self._suppressions: list[Suppression] = []
        self._mistakes: list[pragmas.Mistake] = []
        self._shell: tuple[str, ...] | None = None
        self._shells: dict[int, tuple[str, ...]] = {}
        self._opening: int | None = None
        """Where the stage began that is being read."""
        openings = [each for each in tree.instructions if each.keyword == "FROM"]
        ends = [*(each.start for each in openings[1:]), len(tree.text)]
        self._stages = {
            each.start: Span(each.start, end) for each, end in zip(openings, ends, strict=False)
        }

    def said(self) -> Said:
        self._skips()
        waiting: list[Comment] = []
        for item in self._tree.items:
            if isinstance(item, Comment):
                waiting.append(item)
            elif isinstance(item, Instruction):
                for comment in waiting:
                    self._comment(comment.span, item)
                waiting = []
                for piece in item.pieces:
                    if piece.kind is PieceKind.COMMENT:
                        self._comment(Span(piece.start, piece.end), item, is_inside=True)
                if item.keyword == "FROM":
                    self._opening = item.start
        for comment in waiting:
            self._comment(comment.span, None)
        return Said(self._suppressions, self._mistakes, self._shell, self._shells)

    def _skips(self) -> None:
        lines = [each.span for each in self._tree.directives if each.name == "check"]
        for word in pragmas.skipped(self._tree):
            (line,) = (each for each in lines if each.start <= word.span.start < each.end)
            self._suppressions.append(Suppression(word.text, word.span, line, None, Owner.BUILDKIT))

    def _comment(self, line: Span, of: Instruction | None, *, is_inside: bool = False) -> None:
        """Take in the comment *line*, which speaks of the instruction *of* or of none."""
        said = pragmas.pragma(self._text, line)
        skipped = [] if said else pragmas.skipped_by_comment(self._text, line)
        if isinstance(said, pragmas.Mistake):
            self._mistakes.append(said)
        elif isinstance(said, pragmas.Shell):
            if self._opening is None:
                self._shell = said.words
            elif of and not is_inside:
                self._shells[of.start] = said.words
        elif said:
            self._ignore(said, line, of)
        elif skipped and of and not is_inside:
            self._skip(skipped, line, of)
        else:
            self._own(line, _place(line, of))

    def _skip(self, skipped: list[pragmas.Word], line: Span, of: Instruction) -> None:
        if self._tree.frontend.version >= pragmas.CHECKS_OF_COMMENTS:
            self._suppressions += (
                Suppression(word.text, word.span, line, of.span, Owner.BUILDKIT) for word in skipped
            )
        else:
            message = "docker/dockerfile reads this only at the head of the file before 1.21"
            self._mistakes.append(pragmas.Mistake(skipped[0].span, message))

    def _ignore(self, said: pragmas.Ignore, line: Span, of: Instruction | None) -> None:
        scope = None if said.reach == "global" else _place(line, of)
        if said.reach == "stage":
            scope = self._stage(of) or scope
        self._suppressions += (
            Suppression(word.text, word.span, line, scope, Owner.HADOLINT, said.reach == "stage")
            for word in said.words
        )

    def _stage(self, of: Instruction | None) -> Span | None:
        """The stage that begins with *of*, else the one that is being read, else the first."""
        if of and of.start in self._stages:
            return self._stages[of.start]
        if self._opening is not None:
            return self._stages[self._opening]
        return next(iter(self._stages.values()), None)

    def _own(self, line: Span, place: Span) -> None:
        match = _COMMENT.search(self._text, line.start, line.end)
        if match:
            scope = None if match[1] == "file-ignore" else place
            self._suppressions += (
                Suppression(word[0], Span(*word.span()), line, scope)
                for word in _SELECTOR.finditer(self._text, match.start(2), match.end(2))
            )


def _place(line: Span, of: Instruction | None) -> Span:
    """What a comment speaks of: nothing if no instruction follows."""
    return of.span if of else Span(line.end, line.end)
