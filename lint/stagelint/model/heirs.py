"""What has an effect: whose image holds what a stage says, and who can read its variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from stagelint.model.expansion import ExpansionError, can_fail
from stagelint.model.scope import PLATFORM_ARGS, is_builders_own
from stagelint.model.stages import Stage
from stagelint.syntax.nodes import Instruction
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.model.file import File

#: The last one of a stage holds; all else adds to what was there.
_REPLACED = ("CMD", "ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL")

#: What undoes one that is inherited: an ENTRYPOINT resets a CMD, though none of its own stage.
_RESET_BY = {**{each: (each,) for each in _REPLACED}, "CMD": ("CMD", "ENTRYPOINT")}

#: What is kept as it is written, for the shell that runs in a container.
AT_RUN_TIME = frozenset({"CMD", "ENTRYPOINT", "HEALTHCHECK"})

#: What must make sense once it is expanded.
_CHECKED = frozenset({"EXPOSE", "STOPSIGNAL", "VOLUME"})

_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")

#: Stands for every variable.
_ANY = "*"


class Heirs:
    """Who inherits the config and the variables of whom, and what for.

    All that a FROM with a variable may mean for some builder counts as inherited, held and read.
    """

    def __init__(self, file: File) -> None:
        self._file = file
        self._open: set[int] = set()
        for stage in file.stages:
            if stage.base.pattern is not None:
                self._open.update(file.graph.may_be(stage))
        self._held: dict[str, list[bool]] = {}

    # -- config --------------------------------------------------------------------------------

    @cached_property
    def _images(self) -> set[int]:
        """The stages that somebody can ask for, or whose image a builder keeps anyway."""
        file = self._file
        if file.options.dialect.target_by_index or file.options.dialect.builds_all_up_to_target:
            return {stage.index for stage in file.stages}
        selectable = {stage.index for stage in file.stages if file.table.selectable(stage)}
        return selectable | file.shipped | self._open

    def is_held(self, stage: Stage, instruction: Instruction) -> bool:
        """Can an image be asked for whose config has what the last such *instruction* of *stage* says?

        An ENV that something can read counts as well.
        """
        keyword = instruction.keyword
        if keyword not in self._held:
            self._held[keyword] = self._holders(keyword)
        held = self._held[keyword][stage.index]
        return held or (keyword == "ENV" and self.is_read(stage, instruction))

    def unheld(self, stage: Stage, keywords: Iterable[str]) -> Iterator[Instruction]:
        """What *stage* says by one of *keywords*, is not replaced in it, and no image holds."""
        replaced = {each for each, _ in replacements(stage)}
        for each in stage.by_keyword(*keywords):
            if each not in replaced and not self.is_held(stage, each):
                yield each

    def _holders(self, keyword: str) -> list[bool]:
        found = [stage.index in self._images for stage in self._file.stages]
        for stage in reversed(self._file.stages):
            found[stage.index] |= any(
                found[child.index] and not any(child.by_keyword(*_RESET_BY.get(keyword, ())))
                for child in self._file.children(stage)
            )
        return found

    # -- variables -----------------------------------------------------------------------------

    @cached_property
    def _readers(self) -> list[dict[str, int]]:
        """For each stage where each variable is last read while it is built."""
        return [
            {name: each.start for each in stage.instructions for name in _read_by(each)}
            for stage in self._file.stages
        ]

    @cached_property
    def _read_by_heirs(self) -> list[set[str]]:
        """For each stage the variables that are read in those built on it."""
        found: list[set[str]] = [set() for _ in self._file.stages]
        for stage in reversed(self._file.stages):
            if stage.index in self._open:
                found[stage.index].add(_ANY)
            for child in self._file.children(stage):
                found[stage.index] |= self._readers[child.index].keys() | found[child.index]
                for each in stage.by_keyword("ONBUILD"):  # which the child does
                    found[stage.index].update(_read_by(each))
        return found

    def is_read(self, stage: Stage, instruction: Instruction) -> bool:
        """Can anything that follows read a variable of *instruction*, an ARG or ENV of *stage*?"""
        last, below = self._readers[stage.index], self._read_by_heirs[stage.index]
        names = variables(instruction)
        return any(map(_is_special, names)) or any(
            name in below or last.get(name, -1) > instruction.start for name in (_ANY, *names)
        )

    def unread_args(self, stage: Stage) -> Iterable[Sequence[Instruction]]:
        """The ARGs of *stage* that nothing can read, those that repeat one with it."""
        found: dict[tuple[str, ...], list[Instruction]] = {}
        for each in stage.by_keyword("ARG"):
            if not self.is_read(stage, each) and not may_end_the_build(each):
                found.setdefault(tuple(variables(each)), []).append(each)
        return found.values()

    @cached_property
    def _taken(self) -> set[str]:
        """The variables from before the first FROM that something takes."""
        file = self._file
        openings = [stage.opening for stage in file.stages]
        found = {
            name for each in (*openings, *file.globals.instructions) for name in mentioned_by(each)
        }
        for stage in file.stages:
            for each in (*stage.by_keyword("ARG"), *stage.triggers):
                found.update(variables(each))
        return found

    def is_taken(self, arg: Instruction) -> bool:
        """Does a FROM, another ARG there, or the ARG of a stage take one from before the first FROM?

        A base image that is called `onbuild` may bring such an ARG.
        """
        return any(
            name in self._taken or name in PLATFORM_ARGS or _is_special(name)
            for name in variables(arg)
        ) or any("onbuild" in stage.base.raw for stage in self._file.stages)

    @cached_property
    def _mentions(self) -> dict[str, list[tuple[int, Instruction]]]:
        """What refers to each variable, with the index of its stage."""
        found: dict[str, list[tuple[int, Instruction]]] = {}
        for stage in self._file.stages:
            for each in (stage.opening, *stage.instructions):
                for name in mentioned_by(each):
                    found.setdefault(name, []).append((stage.index, each))
        return found

    def looks_for(self, stage: Stage | None, arg: Instruction) -> Instruction | None:
        """What seems to want the *arg* of *stage*, and cannot see it; None is before the first FROM.

        That is what runs in a container, a FROM below, and a stage that does not take it.
        """
        for name in variables(arg):
            for index, each in self._mentions.get(name, ()):
                in_vain = each.keyword in AT_RUN_TIME and stage and index == stage.index
                below = each.keyword == "FROM" and stage and index > stage.index
                if stage is None or below or (in_vain and each.start > arg.start):
                    return each
        return None

    # -- what removing leaves ------------------------------------------------------------------

    def leaves_a_trace(self, stage: Stage, instruction: Instruction) -> bool:
        """Is it a CMD that an ENTRYPOINT of a child resets? `ArgsEscaped` stays (BuildKit v0.25.2)."""
        is_last = instruction is self._last_commands.get(stage.index)
        return is_last and bool(self._file.children(stage))

    @cached_property
    def _last_commands(self) -> dict[int, Instruction]:
        """The last CMD of each stage that has one."""
        return {stage.index: each for stage, each in self._file.instructions("CMD")}


def replacements(stage: Stage) -> Iterator[tuple[Instruction, Instruction]]:
    """The instructions of *stage* whose effect a later one undoes, each with that one."""
    for keyword in _REPLACED:
        said = [*stage.by_keyword(keyword)]
        yield from ((each, said[-1]) for each in said[:-1])


def may_end_the_build(instruction: Instruction) -> bool:
    """Is there a value of a variable with which BuildKit does not accept *instruction*?"""
    text = instruction.rest
    if "$" not in text or instruction.keyword in AT_RUN_TIME:
        return False
    try:
        return instruction.keyword in _CHECKED or can_fail(text, instruction.escape)
    except ExpansionError:
        return True


def variables(instruction: Instruction) -> list[str]:
    """The names that an ARG or ENV sets."""
    return [pair.key for pair in instruction.pairs]


def _is_special(name: str) -> bool:
    """Is it one that the builder knows, or none that could be told in a text?"""
    return is_builders_own(name) or not name.isidentifier()


def mentioned_by(instruction: Instruction) -> Iterator[str]:
    """The variables that an instruction, or a heredoc of it, refers to."""
    yield from _VARIABLE.findall(instruction.logical.text)
    for each in instruction.heredocs:
        yield from _VARIABLE.findall(instruction.text[each.body.start : each.body.end])


def _read_by(instruction: Instruction) -> Iterator[str]:
    """The variables that an instruction can read when its stage is built.

    A RUN may read any, and an ENV whose name has a variable in it may set any.
    """
    done = instruction.inner or instruction
    if done.keyword == "RUN" or (done.keyword == "ENV" and "$" in "".join(variables(done))):
        yield _ANY
    elif done.keyword not in AT_RUN_TIME:
        yield from mentioned_by(instruction)
