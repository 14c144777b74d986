"""What the comments of a file say to linters, in order: each in the language of its owner."""

from __future__ import annotations

import re

from stagelint.model import pragmas
from stagelint.model.suppressions import COMMENT, SELECTOR, Owner, Said, Suppression
from stagelint.source import Span
from stagelint.syntax.nodes import Comment, Dockerfile, Instruction, PieceKind


class Reader:
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
                for span in item.spans(PieceKind.COMMENT):
                    self._comment(span, item, is_inside=True)
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
        match = re.compile(COMMENT).search(self._text, line.start, line.end)
        if match:
            scope = None if match[1] == "file-ignore" else place
            self._suppressions += (
                Suppression(word[0], Span(*word.span()), line, scope)
                for word in re.compile(SELECTOR).finditer(self._text, match.start(2), match.end(2))
            )


def _place(line: Span, of: Instruction | None) -> Span:
    """What a comment speaks of: nothing if no instruction follows."""
    return of.span if of else Span(line.end, line.end)
