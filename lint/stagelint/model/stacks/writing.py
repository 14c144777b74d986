"""Writes the two stages of a plan: edits of the Dockerfile that leave all else as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.edit import Edit
from stagelint.model.file import File
from stagelint.model.rewriting import name_stage, remove
from stagelint.model.stacks.plans import Plan
from stagelint.model.stages import Stage
from stagelint.source import Span
from stagelint.syntax.nodes import Blank, Comment, Instruction, Item

#: Names for the build stage: the first that the stage does not have itself.
_NAMES = ("build", "builder")


def two_stages(file: File, stage: Stage, plan: Plan) -> tuple[Edit, ...]:
    """The edits that make two stages of *stage*, the only one of *file*; the last has its name."""
    name = next(each for each in _NAMES if each != stage.name)
    gone = [each.instruction for each in plan.lines if each.is_moved and each.instruction]
    return (
        _renamed(stage, name),
        *(_without(file, each) for each in (*gone, *plan.dropped)),
        *plan.edits,
        _inserted(file, stage, plan, name),
    )


def _renamed(stage: Stage, name: str) -> Edit:
    return Edit(stage.name_span, name) if stage.name_span else name_stage(stage, name)


def _inserted(file: File, stage: Stage, plan: Plan, name: str) -> Edit:
    newline = file.source.newline
    keyword = stage.opening.arguments[1].value if stage.raw_name else ""
    said = " ".join(filter(None, ("FROM", plan.runtime, keyword, stage.raw_name)))
    lines = [*plan.added, "", said, *_lines(file, plan), *_copies(plan, name)]
    at = plan.last.end
    before = "" if str(plan.last).endswith("\n") else newline
    text = re.sub(r"\r?\n", newline, "".join(f"{each}\n" for each in lines))
    return Edit(Span(at, at), before + text)


def _lines(file: File, plan: Plan) -> Iterator[str]:
    for line in plan.lines:
        if line.is_moved and line.instruction:
            yield from (str(each).strip() for each in _comments(file, line.instruction))
        yield line.text


def _copies(plan: Plan, name: str) -> Iterator[str]:
    for each in plan.copies:
        flags = (f"--from={name}", *filter(None, [each.flags]))
        yield " ".join(("COPY", *flags, *each.sources, each.target))


def _without(file: File, instruction: Instruction) -> Edit:
    """The removal of *instruction*, with the comments right above it and one of two blank lines."""
    items = file.tree.items
    first: int = file.index_of(instruction) - len(_comments(file, instruction))
    last: int = file.index_of(instruction)
    is_above = first > 0 and isinstance(items[first - 1], Blank)
    if is_above and last + 1 < len(items) and isinstance(items[last + 1], Blank):
        last += 1
    return remove(file, items[first : last + 1])


def _comments(file: File, instruction: Instruction) -> list[Item]:
    """Those right above *instruction*."""
    items = file.tree.items
    end = at = file.index_of(instruction)
    while at > 0 and isinstance(items[at - 1], Comment):
        at -= 1
    return items[at:end]
