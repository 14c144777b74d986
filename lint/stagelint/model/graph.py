"""Who needs whom: every reference of a stage to another, and what follows from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import cached_property

from stagelint.model.expansion import ExpansionError, expand
from stagelint.model.stages import SCRATCH, Stage, StageTable, reference_problem
from stagelint.source import Span
from stagelint.syntax.frontend import Frontend
from stagelint.syntax.nodes import INVALID_SYNTAX, VARIABLE_REFERENCE, Instruction, Phase, Problem
from stagelint.syntax.validate import instruction_problem, mount_fields
from stagelint.tuples import NamedTuple

CIRCULAR = "circular-stage-reference"
FORWARD = "forward-stage-reference"
OUT_OF_RANGE = "stage-index-out-of-range"

_INDEX = re.compile(r"[+-]?[0-9]+\Z")
_INT64 = 2**63

#: Children times triggers: beyond this a file is hostile, and not followed further.
_MOST_TRIGGERS = 10_000


class EdgeKind(StrEnum):
    BASE = "base"
    COPY = "copy"
    MOUNT = "mount"
    ONBUILD = "onbuild"


class Reference(NamedTuple):
    """One place that names a stage or an image a stage needs."""

    kind: EdgeKind
    stage: int
    """Index of the stage that needs it; for ONBUILD the child, not the stage that says so."""
    instruction: Instruction
    span: Span
    """Where the name stands in the file, without quotes around a whole flag value."""
    raw: str
    needs: int | None = None
    """Index of the stage it means."""
    image: str | None = None
    """The image it means if it is no stage."""
    is_index: bool = False
    """Is the stage referred to by number?"""
    problem: Problem | None = None


class StageGraph:
    """The references between the stages of one file."""

    def __init__(self, table: StageTable, frontend: Frontend) -> None:
        self.table = table
        self.stages = table.stages
        self._frontend = frontend
        self._anonymous = 0
        """Images met so far: BuildKit gives each an index after those of the stages."""
        self.trigger_problems: list[Problem] = []
        self._open: set[int] = set()
        """Stages that copy or mount from what a variable names: any stage above may be meant."""
        self._triggers: dict[int, list[Instruction]] = {}
        self._triggered = 0
        self.references: list[Reference] = []
        for stage in self.stages:
            self.references += self._of_stage(stage)
        for stage in self.stages:
            self.references += self._of_triggers(stage)
        self._mark_order()

    # -- what a stage says ---------------------------------------------------------------------

    def _of_stage(self, stage: Stage) -> Iterator[Reference]:
        base = stage.base
        yield Reference(
            EdgeKind.BASE,
            stage.index,
            stage.opening,
            base.span,
            base.raw,
            base.stage,
            base.image,
        )
        for instruction in stage.instructions:
            if instruction.flags:
                yield from self._of_instruction(stage.index, instruction)

    def _of_instruction(self, stage: int, instruction: Instruction) -> Iterator[Reference]:
        if instruction.keyword == "COPY":
            flag = instruction.flag("from")
            if flag and flag.value:
                span = instruction.logical.span(flag.value_start, flag.end)
                yield self._copy(stage, instruction, span, flag.value)
        elif instruction.keyword == "RUN" and self.table.dialect.runs_flags_and_heredocs:
            for flag in instruction.flags:
                if flag.name == "mount" and flag.value:
                    span = instruction.logical.span(flag.value_start, flag.end)
                    yield from self._mount(stage, instruction, span, flag.value)

    def _of_triggers(self, stage: Stage) -> Iterator[Reference]:
        """What the ONBUILDs of the stage below make this one need."""
        if stage.base.stage is None:
            return
        for trigger in self._distinct_triggers(stage.base.stage):
            self._triggered += 1
            if self._triggered > _MOST_TRIGGERS:
                self._give_up(stage)
                return
            problem = instruction_problem(trigger, self._frontend)
            if problem:
                span = stage.opening.code_span
                self.trigger_problems.append(
                    problem._replace(span=span, phase=Phase.DISPATCH, stage=stage.index)
                )
            for reference in self._of_instruction(stage.index, trigger):
                yield reference._replace(kind=EdgeKind.ONBUILD)

    def _distinct_triggers(self, parent: int) -> list[Instruction]:
        if parent not in self._triggers:
            distinct = {each.logical.text: each for each in self.stages[parent].triggers}
            self._triggers[parent] = list(distinct.values())
        return self._triggers[parent]

    def _give_up(self, stage: Stage) -> None:
        if self._triggered == _MOST_TRIGGERS + 1:
            message = f"more than {_MOST_TRIGGERS} ONBUILD triggers would run"
            span = stage.opening.code_span
            self.trigger_problems.append(Problem(INVALID_SYNTAX, span, message, Phase.REFERENCES))

    # -- what a name means ---------------------------------------------------------------------

    def _copy(self, stage: int, instruction: Instruction, span: Span, raw: str) -> Reference:
        dialect = self.table.dialect
        reference = Reference(EdgeKind.COPY, stage, instruction, span, raw)
        try:
            value = expand(raw, lambda _: None, instruction.escape)
        except ExpansionError:
            value = None
        if value != raw:
            self._open.add(stage)
            if dialect.expands_copy_from:
                return reference
            message = (
                "variable expansion is not supported for --from, define a new stage with FROM"
                " using ARG from global scope as a workaround"
            )
            problem = Problem(VARIABLE_REFERENCE, span, message, Phase.REFERENCES)
            return reference._replace(problem=problem)
        if dialect.copy_name_before_index:
            named = self._named(raw, stage)
            if named is not None:
                return reference._replace(needs=named)
        if _INDEX.match(raw) and len(raw) < 21 and -_INT64 <= int(raw) < _INT64:
            return self._index(reference, int(raw))
        return self._name(reference)

    def _index(self, reference: Reference, index: int) -> Reference:
        reference = reference._replace(is_index=True)
        if 0 <= index < len(self.stages):
            return reference._replace(needs=index)
        message = f"invalid stage index {index}"
        problem = Problem(OUT_OF_RANGE, reference.span, message, Phase.REFERENCES)
        if 0 <= index < len(self.stages) + self._anonymous:
            # BuildKit v0.25.2 numbers the images it met as well; nobody means them.
            problem = problem._replace(conditional=True)
        return reference._replace(problem=problem)

    def _named(self, raw: str, stage: int) -> int | None:
        found = self.table.named(raw)
        if found is None or self.table.dialect.sees_later_stages or found < stage:
            return found
        return None

    def _name(self, reference: Reference) -> Reference:
        needs = self._named(reference.raw, reference.stage)
        if needs is not None:
            return reference._replace(needs=needs)
        self._anonymous += 1
        if reference.raw == SCRATCH:
            return reference
        problems = reference_problem(reference.raw, reference.span)
        return reference._replace(image=reference.raw, problem=problems[0] if problems else None)

    def _mount(
        self, stage: int, instruction: Instruction, span: Span, raw: str
    ) -> Iterator[Reference]:
        fields = mount_fields(raw) or []
        sources = [value for key, value in fields if key == "from"]
        if not sources or not sources[-1]:
            self._anonymous += 1
            return
        name = sources[-1]
        if "$" in name[:-1]:
            self._open.add(stage)
            return
        at = _value_offset(instruction.text, span, "from", name)
        reference = Reference(EdgeKind.MOUNT, stage, instruction, at, name)
        if self.table.dialect.mount_by_index and _INDEX.match(name) and int(name[:9]) < stage:
            yield reference._replace(needs=int(name[:9]), is_index=True)
        else:
            yield self._name(reference)

    # -- order and cycles ----------------------------------------------------------------------

    def _mark_order(self) -> None:
        """Give every COPY or mount from a stage that is not above its own the right problem."""
        late = [
            at
            for at, reference in enumerate(self.references)
            if reference.kind is not EdgeKind.BASE
            and reference.needs is not None
            and reference.needs >= reference.stage
            and not (reference.kind is EdgeKind.ONBUILD and reference.needs == reference.stage)
        ]
        if not late:
            return
        component, first = self._components()
        for at in late:
            reference = self.references[at]
            assert reference.needs is not None
            in_cycle = component[reference.needs] == component[reference.stage]
            if reference.kind is not EdgeKind.ONBUILD and in_cycle:
                message = f"circular dependency detected on stage: {self.stages[first].label}"
                problem = Problem(CIRCULAR, reference.span, message, Phase.CYCLES)
            else:
                problem = Problem(
                    FORWARD,
                    reference.span,
                    self._too_late(reference),
                    Phase.DISPATCH,
                    stage=reference.stage,
                )
            self.references[at] = reference._replace(problem=problem)

    def _too_late(self, reference: Reference) -> str:
        consumer = self.stages[reference.stage].label
        if reference.instruction.keyword == "RUN":
            return (
                f"cannot mount from stage {reference.raw!r},"
                " stage needs to be defined before current command"
            )
        return (
            f'cannot copy from stage "{reference.raw}",'
            f' it needs to be defined before current stage "{consumer}"'
        )

    def _components(self) -> tuple[dict[int, int], int]:
        """Which stages copy or mount from each other in a circle, and where BuildKit meets one."""
        import networkx as nx

        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from(range(len(self.stages)))
        for reference in self.references:
            if reference.kind in (EdgeKind.COPY, EdgeKind.MOUNT) and reference.needs is not None:
                graph.add_edge(reference.stage, reference.needs)
        component: dict[int, int] = {}
        circular: set[int] = set()
        for number, members in enumerate(nx.strongly_connected_components(graph)):
            component.update(dict.fromkeys(members, number))
            if len(members) > 1 or any(graph.has_edge(each, each) for each in members):
                circular |= members
        goal = len(self.stages)
        graph.add_node(goal)
        graph.add_edges_from((each, goal) for each in circular)
        reaching: set[int] = nx.ancestors(graph, goal)  # pyright: ignore[reportUnknownMemberType]
        return component, min(reaching, default=0)

    # -- what follows --------------------------------------------------------------------------

    @cached_property
    def edges(self) -> list[Reference]:
        """The references that are to a stage of this file."""
        return [reference for reference in self.references if reference.needs is not None]

    @cached_property
    def _by_stage(self) -> list[list[Reference]]:
        found: list[list[Reference]] = [[] for _ in self.stages]
        for reference in self.references:
            found[reference.stage].append(reference)
        return found

    def of(self, stage: int) -> list[Reference]:
        """Everything the stage with that index refers to."""
        return self._by_stage[stage]

    @cached_property
    def by_index(self) -> dict[int, list[Reference]]:
        """The references that mean a stage by its number, by that number."""
        found: dict[int, list[Reference]] = {}
        for reference in self.edges:
            if reference.is_index and reference.needs is not None:
                found.setdefault(reference.needs, []).append(reference)
        return found

    @cached_property
    def _users(self) -> list[list[int]]:
        users: list[list[int]] = [[] for _ in self.stages]
        for stage, direct in enumerate(self._direct):
            for needed in direct:
                users[needed].append(stage)
        return users

    def used_by(self, stage: int) -> list[int]:
        """Indexes of the stages that refer to the one with index *stage*."""
        return self._users[stage]

    @cached_property
    def problems(self) -> list[Problem]:
        """What BuildKit would say of the references."""
        found = [reference.problem for reference in self.references if reference.problem]
        return found + self.trigger_problems

    @cached_property
    def _direct(self) -> list[list[int]]:
        direct: list[list[int]] = [[] for _ in self.stages]
        for edge in self.edges:
            if edge.needs is not None and edge.needs not in direct[edge.stage][-1:]:
                direct[edge.stage].append(edge.needs)
        return direct

    def needs(self, *stages: int) -> set[int]:
        """The stages a build of *stages* with the values at hand needs, themselves included."""
        return self._reach(stages, possible=False)

    def may_need(self, *stages: int) -> set[int]:
        """As `needs`, with every stage that a FROM with a variable may mean for some builder."""
        return self._reach(stages, possible=True)

    def _reach(self, stages: Iterable[int], *, possible: bool) -> set[int]:
        seen: set[int] = set()
        scanned: dict[str, int] = {}
        opened = 0
        pending = list(stages)
        while pending:
            index = pending.pop()
            if index in seen:
                continue
            seen.add(index)
            pending += self._direct[index]
            if not possible:
                continue
            if index in self._open and index > opened:
                pending += range(opened, index)
                opened = index
            pattern = self.stages[index].base.pattern
            if pattern:
                since = scanned.get(pattern.pattern, 0)
                scanned[pattern.pattern] = max(since, index)
                pending += self.may_be(self.stages[index], since)
        return seen

    def may_be(self, stage: Stage, since: int = 0) -> Sequence[int]:
        """The stages from index *since* on that the FROM of *stage* may mean for some ARGs."""
        pattern = stage.base.pattern
        if pattern is None or ":" in pattern.pattern or "/" in pattern.pattern:
            return ()  # an image reference: no stage can be called that
        return [
            earlier.index
            for earlier in self.stages[since : stage.index]
            if earlier.name is not None and pattern.match(earlier.name)
        ]


def _value_offset(text: str, span: Span, key: str, value: str) -> Span:
    """Where *value* of a mount's *key* stands within the flag; the whole flag if it is quoted."""
    matches = list(
        re.finditer(rf"(?i:{key})=({re.escape(value)})(?=[,\"']|\Z)", text[span.start : span.end])
    )
    if not matches:
        return span
    start = span.start + matches[-1].start(1)
    return Span(start, start + len(value))
