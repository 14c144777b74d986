"""What every mutation is written with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from random import Random
from typing import TypeVar

from stagelint.model import File
from stagelint.model.stages import Stage
from stagelint.source import Source, Span
from stagelint.syntax.nodes import Instruction

Thing = TypeVar("Thing")


class Inapplicable(Exception):
    """The file has nothing that could be changed in this way."""


class Draft:
    """Changes to a file as they are made, and the chance that decides between them."""

    def __init__(self, text: str, random: Random) -> None:
        self.random = random
        self.file = File(Source("Dockerfile", text))
        self._edits: list[tuple[Span, int, str]] = []
        self._moves: list[tuple[Span, int]] = []

    @property
    def before(self) -> str:
        return self.file.source.text

    @property
    def stages(self) -> list[Stage]:
        return self.file.stages

    @cached_property
    def instructions(self) -> list[Instruction]:
        """All but the FROMs."""
        return [each for each in self.file.tree.instructions if each.keyword != "FROM"]

    @cached_property
    def newline(self) -> str:
        return self.file.source.newline

    def pick(self, things: Sequence[Thing]) -> Thing:
        """One of them. Raises `Inapplicable` if there is none."""
        if not things:
            raise Inapplicable
        return self.random.choice(things)

    def pick_where(self, fits: Callable[[Instruction], object]) -> Instruction:
        """An instruction that *fits*."""
        return self.pick([each for each in self.instructions if fits(each)])

    def replace(self, span: Span, text: str) -> None:
        self._edits.append((span, len(self._edits), text))

    def insert(self, at: int, text: str) -> None:
        """Put whole lines before *at*."""
        if at and self.before[at - 1] != "\n":
            text = self.newline + text
        self.replace(Span(at, at), text)

    def line(self, text: str) -> str:
        return text + self.newline

    def delete(self, instruction: Instruction) -> None:
        self.replace(instruction.span, "")

    def copy_of(self, instruction: Instruction) -> str:
        """Its lines, with a newline at the end."""
        lines = str(instruction)
        return lines if lines.endswith("\n") else self.line(lines)

    def lines_of(self, stage: Stage) -> Span:
        """From its FROM to the end of its last instruction."""
        last = stage.instructions[-1] if stage.instructions else stage.opening
        return Span(stage.opening.start, last.end)

    def move(self, span: Span, to: int) -> None:
        """Put what *span* has, with the changes in it, before *to*."""
        self._moves.append((span, to))

    def text(self) -> str:
        """The text with all changes made. Raises `Inapplicable` where they overlap."""
        moved = [(to, self._part(*span)) for span, to in self._moves]
        for span, _ in self._moves:
            self._edits = [each for each in self._edits if not _within(each[0], span)]
            self.replace(span, "")
        for to, text in moved:
            self.insert(to, text if text.endswith("\n") else self.line(text))
        return self._part(0, len(self.before))

    def _part(self, start: int, end: int) -> str:
        parts: list[str] = []
        at = start
        for span, _, text in sorted(self._edits):
            if not _within(span, Span(start, end)):
                continue
            if span.start < at:
                raise Inapplicable
            parts += (self.before[at : span.start], text)
            at = span.end
        return "".join((*parts, self.before[at:end]))

    # -- names ---------------------------------------------------------------------------------

    def fresh_name(self) -> str:
        """A name that occurs nowhere in the file."""
        names = [f"{word}{number}" for word in ("x", "stage", "made-of-") for number in range(9)]
        return self.pick([name for name in names if name not in self.before.lower()])

    def name_of(self, stage: Stage) -> str:
        """The name of a stage; one is given to a stage that has none."""
        if stage.raw_name is None:
            name = self.fresh_name()
            end = stage.opening.code_span.end
            self.replace(Span(end, end), f" AS {name}")
            return name
        return stage.raw_name

    def rename_references(self, stage: Stage, name: str) -> None:
        """Every reference by name to *stage* becomes one to *name*."""
        for reference in self.file.graph.edges:
            if reference.needs == stage.index and not reference.is_index:
                self.write(reference.span, reference.raw, name)

    def renumber(self, moved: Callable[[int], int], but: Span | None = None) -> None:
        """Every reference by number is moved, save the one at *but*."""
        for reference in self.file.graph.edges:
            if reference.is_index and reference.needs is not None and reference.span != but:
                self.write(reference.span, reference.raw, str(moved(reference.needs)))

    def write(self, span: Span, raw: str, name: str) -> None:
        """A reference that reads *raw* becomes *name*."""
        if (span, name) in {(old, text) for old, _, text in self._edits}:
            return  # a trigger is a reference of every child
        if self.before[span.start : span.end].strip("\"'") != raw:
            raise Inapplicable
        self.replace(span, name)


def _within(inner: Span, outer: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


Mutation = Callable[[Draft], None]


def mutate(text: str, mutation: Mutation, random: Random) -> str | None:
    """What *mutation* makes of *text*; None if it can make nothing of it."""
    draft = Draft(text, random)
    try:
        mutation(draft)
        after = draft.text()
    except Inapplicable:
        return None
    return None if after == text else after
