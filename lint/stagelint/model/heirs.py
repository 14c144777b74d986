"""What becomes of the config and the variables of a stage in those that are built on it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from stagelint.model.stages import Stage
from stagelint.syntax.nodes import Instruction

if TYPE_CHECKING:
    from stagelint.model.file import File

#: What a child must say for that of its parent to be gone; all else is added to.
_REPLACED_BY = {
    "CMD": frozenset({"CMD", "ENTRYPOINT"}),
    "ENTRYPOINT": frozenset({"ENTRYPOINT"}),
    "HEALTHCHECK": frozenset({"HEALTHCHECK"}),
    "STOPSIGNAL": frozenset({"STOPSIGNAL"}),
}

#: What is kept as it is written, for the shell that runs in a container.
AT_RUN_TIME = frozenset({"CMD", "ENTRYPOINT", "HEALTHCHECK"})


class Heirs:
    """Who is built on whom."""

    def __init__(self, file: File) -> None:
        self._stages = file.stages
        self._children: list[list[int]] = [[] for _ in file.stages]
        self.open: set[int] = set()
        """Stages that a FROM with a variable means for some builder, and those they are built on."""
        for stage in file.stages:
            if stage.base.stage is not None:
                self._children[stage.base.stage].append(stage.index)
            if stage.base.pattern is not None:
                self.open.update(file.graph.may_be(stage))
                self.open |= {stage.base.stage} - {None}
        for stage in reversed(file.stages):
            if stage.index in self.open and stage.base.stage is not None:
                self.open.add(stage.base.stage)

    def of(self, stage: Stage) -> list[Stage]:
        """The stages that are built on *stage*, directly or not, in order."""
        found: set[int] = set()
        pending = [*self._children[stage.index]]
        while pending:
            index = pending.pop()
            if index not in found:
                found.add(index)
                pending += self._children[index]
        return [self._stages[index] for index in sorted(found)]

    def keep(self, stage: Stage, keyword: str) -> list[Stage]:
        """The stages, itself included, whose config has what *stage* says last by *keyword*."""
        gone_with = _REPLACED_BY.get(keyword, frozenset[str]())
        found: list[Stage] = []
        pending = [stage.index]
        while pending:
            index = pending.pop()
            found.append(self._stages[index])
            pending += (
                child
                for child in self._children[index]
                if not any(self._stages[child].by_keyword(*gone_with))
            )
        return found

    def after(self, stage: Stage, instruction: Instruction) -> Iterator[Instruction]:
        """What follows *instruction* in *stage*, and in all that is built on it."""
        at = stage.instructions.index(instruction)
        yield from stage.instructions[at + 1 :]
        for heir in self.of(stage):
            yield from heir.instructions

    def read(self, stage: Stage, instruction: Instruction, names: Collection[str]) -> bool:
        """Can anything that follows read one of the variables *names* when it is built?

        A RUN may read any.
        """
        return any(
            (each.inner or each).keyword == "RUN"
            or ((each.inner or each).keyword not in AT_RUN_TIME and mentions(each, names))
            for each in self.after(stage, instruction)
        )


def replaced(stage: Stage) -> Iterator[tuple[Instruction, Instruction]]:
    """Instructions of *stage* whose effect a later one of the same keyword undoes, and that one."""
    for keyword in _REPLACED_BY:
        said = [*stage.by_keyword(keyword)]
        for each in said[:-1]:
            yield each, said[-1]


def mentions(instruction: Instruction, names: Collection[str]) -> bool:
    """Does *instruction*, or a heredoc of it, refer to one of the variables *names*?"""
    if not names:
        return False
    text = "\n".join(
        (
            instruction.logical.text,
            *(instruction.text[each.body.start : each.body.end] for each in instruction.heredocs),
        )
    )
    return bool(re.search(rf"\$\{{?(?:{'|'.join(map(re.escape, names))})\b", text))
