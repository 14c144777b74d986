"""One Dockerfile with everything that is known of it; each fact is worked out when first asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from stagelint.dialect import BUILDKIT, Dialect
from stagelint.model import images, suppressions
from stagelint.model.dispatch import Dispatch
from stagelint.model.graph import EdgeKind, Reference, StageGraph
from stagelint.model.roles import Role, roles
from stagelint.model.scope import Globals, Scope
from stagelint.model.stages import Stage, StageTable
from stagelint.model.suppressions import Said, Suppression
from stagelint.source import Source, Span
from stagelint.syntax import parse
from stagelint.syntax.characters import nearest
from stagelint.syntax.directives import Checks, checks
from stagelint.syntax.frontend import LATEST, Frontend
from stagelint.syntax.nodes import (
    INVALID_SYNTAX,
    Comment,
    Dockerfile,
    Instruction,
    Item,
    Phase,
    Problem,
)
from stagelint.tuples import NamedTuple
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.model.base_images import BaseImage, BaseImages
    from stagelint.model.build import BuildGraph
    from stagelint.model.calls import Call
    from stagelint.model.context import Context
    from stagelint.model.dockerignore import DockerIgnore
    from stagelint.model.heirs import Heirs
    from stagelint.model.moments import History, Moment
    from stagelint.model.naming import Naming
    from stagelint.model.outputs import Outputs
    from stagelint.model.pragmas import Mistake
    from stagelint.model.project import Project, Requests
    from stagelint.model.rebuild import Rebuild, Step
    from stagelint.model.toolchain import Cause

#: Nobody writes files of more stages; the most in 3,000 real ones is 263.
_MOST_STAGES = 500
_MOST_INSTRUCTIONS = 1500

#: The comment above a FROM that declares its stage an entry point.
TARGET_COMMENT = "stagelint: target"


class AskedTarget(NamedTuple):
    """Somebody asks for a target by name: *source* and *span* say where."""

    name: str
    source: Source
    span: Span
    by: str
    """Who asks, for messages: `--target`, or the configuration file."""


class Options(NamedTuple):
    """What is known from outside the file about how it is built."""

    dialect: Dialect = BUILDKIT
    build_args: Mapping[str, str] = {}
    platform_args: Mapping[str, str] = {}
    """Values of TARGETARCH and its like where they are known; else any."""
    targets: tuple[AskedTarget, ...] = ()
    """Targets that must exist and can be built."""
    used: frozenset[str] = frozenset()
    """Names that count as used wherever a stage has one."""
    ships: frozenset[str] = frozenset()
    """Names of stages that are released besides the last."""
    contexts: frozenset[str] = frozenset()
    """Named contexts a build is given; one named like a stage replaces it."""
    project: Callable[[], Project | None] = lambda: None
    """The repository around the file, which is read when it is first asked for."""
    mirrors: Mapping[str, str] = {}
    """Registries that mirror others, and what they mirror: see `images.from_origin`."""
    sizes: Callable[[], Sequence[BaseImage]] = tuple
    """The catalogue of base image sizes, which is read when it is first asked for."""
    may_change_libc: bool = False
    """May advice cross from one C library to another?"""
    budget: int | None = None
    """The most bytes that a base which ships may have, compressed."""
    ignore_file: Callable[[], DockerIgnore | None] | None = None
    """What leaves files out of the build context, which is read when it is first asked for; None
    where there is no such file."""
    contexts_at: Callable[[], Iterable[Context]] = tuple
    """What may be the build context, the most likely first; each is read when it is asked for."""
    seconds: Callable[[Step], float | None] | None = None
    """What a step took in a build, if that is told; None if no build is known."""
    builders_too: bool = False
    """Do rules that care for what ships alone, unless told otherwise, speak of all stages?"""
    trusted_registries: tuple[str, ...] = ()
    """Registries that images may come from, `*` for a part of the name; empty for any."""
    label_schema: Mapping[str, str] = {}
    """Labels that an image must have, with the kind of their value; see `labels`."""
    strict_labels: bool = False
    """Are other labels wrong?"""
    builtin: Frontend = LATEST
    """The frontend that reads a file without `# syntax=`."""


class File:
    """A Dockerfile as rules see it."""

    def __init__(self, source: Source, options: Options | None = None) -> None:
        self.source = source
        self.options = options or Options()

    @cached_property
    def tree(self) -> Dockerfile:
        return parse(self.source.text, dialect=self.options.dialect, builtin=self.options.builtin)

    @property
    def has_other_frontend(self) -> bool:
        """Does the file ask for a frontend that is not docker/dockerfile? Then little is certain."""
        return not self.tree.frontend.known

    @cached_property
    def globals(self) -> Globals:
        """The ARGs before the first FROM."""
        instructions = self.tree.instructions
        first = next((at for at, each in enumerate(instructions) if each.keyword == "FROM"), 0)
        before = [each for each in instructions[:first] if each.keyword == "ARG"]
        return Globals(before, self.options.build_args, self.options.platform_args)

    @property
    def is_read(self) -> bool:
        """Could the file be read, and does stagelint know its language?"""
        return not self.source.error and not self.has_other_frontend

    @cached_property
    def table(self) -> StageTable:
        instructions = self.tree.instructions if self.is_read else []
        return StageTable(instructions, self.globals, self.options.dialect)

    @property
    def stages(self) -> list[Stage]:
        return self.table.stages

    @property
    def is_huge(self) -> bool:
        """Are there more stages or instructions than anybody writes? What compares each with each is left out."""
        return len(self.stages) > _MOST_STAGES or len(self.tree.instructions) > _MOST_INSTRUCTIONS

    @property
    def final(self) -> Stage | None:
        """The last stage, which a build without `--target` produces."""
        return self.stages[-1] if self.stages else None

    @cached_property
    def graph(self) -> StageGraph:
        return StageGraph(self.table, self.tree.frontend)

    @cached_property
    def build(self) -> BuildGraph:
        """What is built. Raises `build.Incomparable`; call it for files BuildKit accepts only."""
        from stagelint.model.build import BuildGraph  # only a file with fixes needs it

        return BuildGraph(self)

    @cached_property
    def rebuild(self) -> Rebuild:
        """Which steps run again after which change; call it for files BuildKit accepts only."""
        from stagelint.model.rebuild import Rebuild  # only what speaks of rebuilds needs it

        return Rebuild(self)

    @cached_property
    def _by_keyword(self) -> dict[str, list[tuple[Stage, Instruction]]]:
        index: dict[str, list[tuple[Stage, Instruction]]] = {}
        for stage in self.stages:
            for instruction in stage.instructions:
                index.setdefault(instruction.keyword, []).append((stage, instruction))
        return index

    @cached_property
    def _positions(self) -> dict[int, int]:
        return {item.start: index for index, item in enumerate(self.tree.items)}

    def index_of(self, item: Item) -> int:
        """Index of *item* among `tree.items`."""
        return self._positions[item.start]

    def instructions(self, *keywords: str) -> Iterator[tuple[Stage, Instruction]]:
        """The instructions of the given keywords with their stages, keyword by keyword."""
        for keyword in keywords:
            yield from self._by_keyword.get(keyword, ())

    @cached_property
    def naming(self) -> Naming:
        """Names to propose for the stages without one."""
        from stagelint.model.naming import Naming  # most files need none

        return Naming(self.graph)

    @cached_property
    def comments(self) -> Said:
        """What comments say to linters, to this one or to others."""
        return suppressions.read(self.tree) if self.is_read else Said()

    @cached_property
    def checks(self) -> Checks:
        """What `# check=` says of BuildKit's own checks."""
        values = [each.value for each in self.tree.directives if each.name == "check"]
        return checks(values[-1]) if values else Checks()

    @cached_property
    def unused_suppressions(self) -> list[tuple[Suppression, str]]:
        """Those that silenced nothing, with the reason; the engine sets it for late rules."""
        return []

    @cached_property
    def unread_comments(self) -> Sequence[Mistake]:
        """Those that were to silence something, and that nobody reads; likewise."""
        return []

    # -- who needs what ------------------------------------------------------------------------

    @cached_property
    def declared_targets(self) -> set[int]:
        """Stages with `# stagelint: target` in the comments above their FROM."""
        found: set[int] = set()
        openings = {id(stage.opening): stage.index for stage in self.stages}
        declared = False
        for item in self.tree.items:
            if isinstance(item, Comment):
                declared = declared or f"{item.content} ".startswith(f"{TARGET_COMMENT} ")
            elif isinstance(item, Instruction):
                if declared and id(item) in openings:
                    found.add(openings[id(item)])
                declared = False
        return found

    def find_target(self, name: str) -> int | None:
        """Index of the stage `--target NAME` builds; an empty name means the last stage."""
        if not name and self.stages:
            return len(self.stages) - 1
        found = self.table.named(name)
        if (
            found is None
            and self.options.dialect.target_by_index
            and name.isascii()
            and name.isdigit()
            and int(name[:9]) < len(self.stages)
        ):
            return int(name[:9])
        return found

    @cached_property
    def shipped(self) -> set[int]:
        """The last stage and those the configuration says are released."""
        found = {self.find_target(name) for name in self.options.ships} - {None}
        last = {len(self.stages) - 1} if self.stages else set[int]()
        return last | {index for index in found if index is not None}

    @cached_property
    def requests(self) -> Requests | None:
        """What the files of the repository ask of this one; None if that is not known."""
        project = self.options.project()
        return project.requests(self.source.path) if project else None

    def base_image(self, stage: Stage) -> images.Reference | None:
        """The image that *stage* is built on, if the defaults of ARGs tell it.

        None for a stage, for scratch, for what BuildKit refuses, and for a context of that name.
        """
        base = stage.base
        names = re.findall(r"\$\{?(\w+)(?:\}|(?!\w|:?[-+?]))", base.raw)
        if base.image is None or images.problem(base.image) or self.is_context(base.image):
            return None
        if any(self.globals.lookup(name) is None for name in names):
            return None  # an ARG without a default is there to be given
        return images.parse(base.image)

    def is_context(self, name: str) -> bool:
        """Does a build of the file give a context that is called so, in the place of an image?"""
        if name in self.options.contexts:
            return True
        builds = self.requests.builds if self.requests else ()
        return any(context.may_be(name) for build in builds for context in build.contexts)

    @cached_property
    def asked(self) -> set[int]:
        """The other stages that somebody is known to ask for."""
        names = {target.name for target in self.options.targets} | self.options.used
        if self.requests:
            names |= {target.text for target in self.requests.asked}
        found = {self.find_target(name) for name in names}
        return {index for index in found if index is not None} | self.declared_targets

    @cached_property
    def roles(self) -> list[Role]:
        """The role of every stage."""
        return roles(self.graph, self.shipped, self.asked - self.shipped)

    def role_of(self, stage: Stage) -> Role:
        """The role of one stage: of a shipped one it is known without reading the repository."""
        return Role.SHIPPED if stage.index in self.ships else self.roles[stage.index]

    def chain(self, stage: Stage) -> list[Stage]:
        """The stages that *stage* is built on, the lowest first, and itself."""
        found, stages = [stage], self.stages
        while (base := found[-1].base.stage) is not None:
            found.append(stages[base])
        return found[::-1]

    @cached_property
    def _children(self) -> dict[int, list[Stage]]:
        found: dict[int, list[Stage]] = {}
        for stage in self.stages:
            if stage.base.stage is not None:
                found.setdefault(stage.base.stage, []).append(stage)
        return found

    def children(self, stage: Stage) -> list[Stage]:
        """The stages that are built on *stage*, in order."""
        return self._children.get(stage.index, [])

    def is_image(self, stage: Stage) -> bool:
        """Is *stage* an image by itself: one that is released, or that no other stage needs?"""
        return stage.index in self.shipped or not self.graph.used_by(stage.index)

    @cached_property
    def ships(self) -> frozenset[int]:
        """The stages whose layers reach an image that is released."""
        found: set[int] = set()
        for index in self.shipped:
            at: int | None = index
            while at is not None and at not in found:
                found.add(at)
                at = self.stages[at].base.stage
        return frozenset(found)

    def built(self, target: int, dialect: Dialect | None = None) -> set[int]:
        """The stages a builder builds for *target* with the values at hand."""
        if (dialect or self.options.dialect).builds_all_up_to_target:
            return set(range(target + 1))
        return self.graph.needs(target)

    @cached_property
    def heirs(self) -> Heirs:
        """Which stages inherit config and variables of which."""
        from stagelint.model.heirs import Heirs  # only a rule about what has no effect asks

        return Heirs(self)

    # -- what is in a stage --------------------------------------------------------------------

    @cached_property
    def histories(self) -> list[History]:
        """What is in force in every stage, instruction by instruction."""
        from stagelint.model.moments import histories  # only rules about what ships need it

        return list(histories(self))

    def moments(self, stage: Stage) -> list[Moment]:
        """The instructions of *stage*, with those that an ONBUILD adds, in order."""
        return self.histories[stage.index].moments

    def written(self, stage: Stage) -> list[Moment]:
        """What *stage* itself is written with, in order: of an ONBUILD, what it has a child do."""
        return self.histories[stage.index].written

    def moments_of(self, *keywords: str) -> Iterator[tuple[Stage, Moment]]:
        """The moments of instructions of the given keywords, stage by stage."""
        for stage in self.stages:
            for moment in self.moments(stage):
                if moment.instruction.keyword in keywords:
                    yield stage, moment

    def says_above(self, stage: Stage, keyword: str, instruction: Instruction) -> bool:
        """Has *stage*, or one it is built on, a *keyword* above *instruction*, one of its own?"""
        first = self._firsts[stage.index].get(keyword)
        return first is not None and first < instruction.start

    @cached_property
    def _firsts(self) -> list[dict[str, int]]:
        """Where the first instruction of each keyword begins, in a stage or one it is built on."""
        found: list[dict[str, int]] = []
        for stage in self.stages:
            firsts = {} if stage.base.stage is None else dict(found[stage.base.stage])
            for each in stage.instructions:
                firsts.setdefault(each.keyword, each.start)
            found.append(firsts)
        return found

    def moments_behind(self, stage: Stage) -> list[Moment]:
        """Those of *stage* and before them those of the stages it is built on."""
        return [moment for each in self.chain(stage) for moment in self.moments(each)]

    @cached_property
    def outputs(self) -> list[Outputs]:
        """What every stage can have at which path."""
        from stagelint.model.outputs import Outputs  # only rules about what is copied need it

        done: list[Outputs] = []
        for stage in self.stages:
            done.append(Outputs(self, stage.index, done))
        return done

    def programs(self, stage: Stage) -> list[Call]:
        """What the image that *stage* becomes starts: see `purpose.started`."""
        if stage.index not in self._programs:
            from stagelint.model.purpose import started  # only rules about what ships need it

            self._programs[stage.index] = started(self, stage)
        return self._programs[stage.index]

    @cached_property
    def _programs(self) -> dict[int, list[Call]]:
        return {}

    def copies(self, stage: Stage) -> Iterator[tuple[Moment, Reference, Stage]]:
        """The COPYs of *stage* from other stages, in order, each with the stage it copies from."""
        copies = [each for each in self.graph.of(stage.index) if each.kind is EdgeKind.COPY]
        moments = {id(each.instruction): each for each in self.moments(stage)} if copies else {}
        for each in copies:
            if each.needs is not None:
                yield moments[id(each.instruction)], each, self.stages[each.needs]

    @cached_property
    def context(self) -> Context | None:
        """The build context: the first that has all files which COPY and ADD name; None if there is none.

        It is a guess where nobody said which it is.
        """
        wanted = [
            path
            for _, moment in self.moments_of("COPY", "ADD")
            if not moment.instruction.flag("from")
            for path in moment.local_sources
        ]
        for context in self.options.contexts_at():
            if all(context.match(path) for path in wanted):
                return context
        return None

    @cached_property
    def causes(self) -> dict[int, Cause]:
        """Why a toolchain reaches the image of a released stage, by its index; see `toolchain`."""
        from stagelint.model.toolchain import cause

        found = {index: cause(self, self.stages[index]) for index in sorted(self.shipped)}
        return {index: each for index, each in found.items() if each}

    @cached_property
    def sizes(self) -> BaseImages:
        """The catalogue of base image sizes."""
        from stagelint.model.base_images import BaseImages

        return BaseImages(self.options.sizes(), self.options.mirrors)

    # -- what is wrong -------------------------------------------------------------------------

    @cached_property
    def scopes(self) -> dict[int, Scope]:
        """The variables at the end of every stage."""
        return {index: dispatch.scope for index, dispatch in enumerate(self._dispatches)}

    @cached_property
    def _dispatches(self) -> list[Dispatch]:
        done: list[Dispatch] = []
        for stage in self.stages:
            parent = None if stage.base.stage is None else done[stage.base.stage].scope
            done.append(Dispatch(stage, self.globals, parent, self.tree.frontend))
        return done

    @cached_property
    def problems(self) -> list[Problem]:
        """Every error BuildKit could report of this file, in the order it would find them."""
        if not self.is_read:
            return []
        found = self.tree.problems + self.table.problems + self.graph.problems
        for dispatch in self._dispatches:
            found += dispatch.problems
        return sorted(found, key=lambda problem: (problem.phase, problem.span))

    @cached_property
    def kinds_of_problems(self) -> frozenset[str]:
        """Of those, and of those that only some builds would meet."""
        references = (each.problem for each in self.graph.references if each.problem)
        return frozenset(each.kind for each in (*self.problems, *references))

    def rejection(self, target: str = "") -> Problem | None:
        """The error that a build of *target* with the values at hand ends with, if it does.

        Only errors of the Dockerfile: a missing image or file, or a failing command, is none.
        """
        if self.has_other_frontend:
            return None
        for context in sorted(self.options.contexts):
            reason = images.problem(context)
            if reason:
                message = f"invalid context name {context}: {reason}"
                return Problem(INVALID_SYNTAX, Span(0, 0), message, Phase.CHECK_DIRECTIVE)
        index = self.find_target(target)
        early = [each for each in self.problems if each.phase < Phase.TARGET]
        if early:
            return early[0]
        if index is None:
            near = nearest(target, [stage.name for stage in self.stages if stage.name])
            hint = f"did you mean {near[0]}?" if near else ""
            message = f'target stage "{target}" could not be found'
            return Problem("unreachable-target", Span(0, 0), message, Phase.TARGET, hint)
        built = self.built(index) - {
            stage.index for stage in self.stages if stage.name in self.options.contexts
        }
        for problem in self.problems:
            if problem.stage is None or problem.stage in built:
                if problem.kind == "stage-index-out-of-range" and problem.conditional:
                    continue
                return problem
        return None

    @cached_property
    def is_rejected(self) -> bool:
        """Is there an error that every build of the last stage runs into?"""
        built = self.built(self.final.index) if self.final else ()
        return any(
            not problem.conditional and (problem.stage is None or problem.stage in built)
            for problem in self.problems
        )

    @cached_property
    def unprovable(self) -> str:
        """Why no rewrite of the file can be shown to build the same; empty if one can."""
        from stagelint.model.unprovable import reason  # only a file with fixes needs it

        return reason(self)
