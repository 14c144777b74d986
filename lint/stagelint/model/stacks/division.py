"""Divides the instructions of a stage between the one that builds and the one that ships.

The build stage ends with the last RUN that builds. Whatever stands behind it was only ever for the
image that ships, and stays as it is. Of what stands above, the final stage gets what says how the
program runs (moved there, or repeated if the build may need it, too), what the program may read, and
the packages that are no compilers. What else it may need is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

from stagelint.model.base_images import describe
from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.moments import Moment
from stagelint.model.outputs import is_in
from stagelint.model.stacks import checks, data
from stagelint.model.stacks.installs import FETCHERS, Installs, is_of_build
from stagelint.model.stacks.plans import Copy, Line, Plan, Refused
from stagelint.model.stacks.recipes import Recipe
from stagelint.model.stacks.sources import Sources
from stagelint.model.stacks.steps import Kind, Step, step
from stagelint.model.stages import Stage
from stagelint.model.starting import Start, start
from stagelint.model.users import is_root
from stagelint.syntax.nodes import Instruction

#: They say how the program runs, and no RUN reads them.
METADATA = frozenset("CMD ENTRYPOINT EXPOSE HEALTHCHECK LABEL MAINTAINER STOPSIGNAL VOLUME".split())


class Division:
    """The moments of a stage: those that build, and those that the final stage has as they stand."""

    def __init__(
        self,
        file: File,
        stage: Stage,
        builds: Callable[[Call], bool],
        is_source: Callable[[str], bool],
    ) -> None:
        """*builds* tells the calls that only build, *is_source* the files that these alone read.

        Raises `Refused`.
        """
        self._file, self._stage = file, stage
        moments = file.moments(stage)
        for each in moments:
            if each.instruction.keyword in ("SHELL", "ONBUILD"):
                raise Refused(f"{each.instruction.keyword} may mean both stages", each.instruction)
        self._steps = {
            each.instruction.start: step(each, builds, is_source)
            for each in moments
            if each.instruction.keyword == "RUN"
        }
        last = max((at for at, each in enumerate(moments) if self._ends_build(each)), default=-1)
        self.above, self.below = moments[: last + 1], moments[last + 1 :]
        """Up to the last RUN that builds, and behind it."""
        self.sources = Sources(file.context, self.above, is_source)

    def _ends_build(self, moment: Moment) -> bool:
        found = self._steps.get(moment.instruction.start)
        if found is None:
            return False
        is_install = found.kind is Kind.INSTALL and is_of_build(moment)
        return found.kind is Kind.BUILD or is_install

    def plan(self, recipe: Recipe) -> Plan:
        """The plan of two stages. Raises `Refused`."""
        kept = (*recipe.program, *recipe.besides)
        read = tuple(
            each
            for each in data.read(self.sources, self._said(recipe))
            if not any(_covers(other, each) for other in kept)
        )
        if self._ships_as_other():
            self._check_writable(read)
        copies = (*recipe.program, *read, *recipe.besides)
        self._check(recipe)
        lines = tuple(self._lines(recipe))
        self._check_final(recipe, lines, copies)
        holds = (*recipe.holds, _holds(read))
        return Plan(recipe.runtime, self.above[-1].instruction, copies, lines, holds=holds)

    @cached_property
    def _start(self) -> Start:
        """What a container of the stage starts."""
        return start(self._file.moments_behind(self._stage))

    def _said(self, recipe: Recipe) -> Iterator[str]:
        """Words of the command and of variables that may name files."""
        yield from recipe.started.words
        for moment in (*self.above, *self.below):
            if moment.instruction.keyword == "ENV":
                yield from ((pair.value or "").strip("\"'") for pair in moment.instruction.pairs)

    # -- what the final stage gets of the instructions above ---------------------------------------

    def _lines(self, recipe: Recipe) -> Iterator[Line]:
        """What says how the program runs, without what nothing of the final stage needs."""
        found = [*self._wanted(recipe)]
        texts = [each.text for each in found]
        texts += [str(each.instruction) for each in self.below]
        needed = {name for text in texts for name in checks.VARIABLE.findall(text)}
        needed |= {"DEBIAN_FRONTEND"} if any("apt-get" in text for text in texts) else set()
        for line in found:
            node = line.instruction
            keys = {pair.key for pair in node.pairs} if node else set[str]()
            is_idle = node is not None and (
                node.keyword == "ARG"
                or (node.keyword == "ENV" and all(re.fullmatch(recipe.variables, e) for e in keys))
            )
            if not (is_idle and keys.isdisjoint(needed)):
                yield line

    def _wanted(self, recipe: Recipe) -> Iterator[Line]:
        directories = [e for e in self.above if e.instruction.keyword == "WORKDIR"]
        if not directories:
            yield from self._directory_of_base(recipe)
        for moment in self.above:
            node = moment.instruction
            if node.keyword in ("ENV", "ARG"):
                yield Line(written(node), node)
            elif node.keyword in METADATA:
                yield Line(written(node), node, is_moved=True)
            elif directories and moment is directories[-1]:
                yield Line(f"WORKDIR {_known(moment.path(node.rest), node)}", node)
            elif node.keyword == "RUN":
                yield from self._of_run(moment, recipe)

    def _directory_of_base(self, recipe: Recipe) -> Iterator[Line]:
        """The folder that the base of the build works in, where the final base has another."""
        before = _known(self.above[0].directory, self.above[0].instruction)
        runtime = describe(recipe.runtime)
        if runtime is None or before != runtime.family.directory:
            if self._ships_as_other():
                raise Refused(f"another user may write to `{before}`, as the base lets it")
            yield Line(f"WORKDIR {before}")

    def _of_run(self, moment: Moment, recipe: Recipe) -> Iterator[Line]:
        node, found = moment.instruction, self._steps[moment.instruction.start]
        if found.kind is Kind.SETUP:
            is_for_build = all(self._is_of_build(each, recipe) for each in found.writes)
            if found.makes_users or not is_for_build:
                yield Line(written(node), node, is_moved=True)
        elif any(moment.packages):
            text = self._installs(recipe).of(moment)
            if text:
                yield Line(text, node)

    def _installs(self, recipe: Recipe) -> Installs:
        healthcheck = self._runs_besides()
        return Installs(
            (*self.above, *self.below),
            describe(recipe.runtime),
            lambda name: name not in FETCHERS or name in healthcheck,
        )

    def _runs_besides(self) -> frozenset[str]:
        """The programs that HEALTHCHECK runs."""
        healthcheck = self._start.healthcheck
        return frozenset(call.name for call in healthcheck.started) if healthcheck else frozenset()

    # -- what the build must not do ----------------------------------------------------------------

    def _ships_as_other(self) -> bool:
        """Does the program run as another user than root?"""
        users = [e for e in self.below if e.instruction.keyword == "USER"]
        return bool(users) and not is_root(users[-1].expand(users[-1].instruction.rest) or "?")

    def _check_writable(self, read: Iterable[Copy]) -> None:
        """A folder that is copied has the owner and mode of a new one."""
        changed = {path for found in self._steps.values() for path in found.writes}
        for path in (word for each in read for word in each.sources):
            if self.sources.is_writable(path) or path in changed:
                raise Refused(f"another user may write to `{path}`, and could not any more")

    def _check(self, recipe: Recipe) -> None:
        for moment in self.above:
            node = moment.instruction
            owner = node.flag("chown")
            is_other = node.keyword == "USER" and not is_root(moment.expand(node.rest) or "?")
            if is_other or (owner and not is_root(owner.value or "?")):
                raise Refused("the build has files of another user", node)
            found = self._steps.get(node.start)
            if found:
                self._check_step(found, recipe)

    def _check_final(self, recipe: Recipe, lines: Sequence[Line], copies: Sequence[Copy]) -> None:
        base = describe(recipe.runtime)
        final = checks.Final(recipe, base, lines, copies, self.above, self.below, self._steps)
        checks.check(final, self._start.healthcheck)

    def _check_step(self, found: Step, recipe: Recipe) -> None:
        node = found.moment.instruction
        is_setup = found.kind is Kind.SETUP
        for path in found.writes:
            is_of_build = self._is_of_build(path, recipe)
            if is_setup and found.changes_owners and is_of_build:
                raise Refused("the build has files of another user", node)
            if not is_setup and not is_of_build:
                raise Refused(f"`{path}` is made here, and the program may need it", node)

    def _is_of_build(self, path: str, recipe: Recipe) -> bool:
        """Is what a small tool does to the absolute *path* for the build, or copied anyway?"""
        program = [word for each in recipe.program for word in each.sources]
        calls = (call for moment in self.above for call in moment.calls)
        folders = {call.directory for call in calls if call.directory}
        return (
            self.sources.at(path) is not None
            or self.sources.is_folder(path)
            or is_in(path, "/tmp")
            or recipe.may_leave(path)
            or any(is_in(each, path) for each in (*program, *self.sources.roots, *folders))
            or any(is_in(path, each) for each in program)
            or ("*" in path and self.sources.inside(path))
        )


def _known(path: str | None, node: Instruction) -> str:
    if path is None:
        raise Refused("the folder that it runs in is not known", node)
    return path


def _covers(one: Copy, other: Copy) -> bool:
    """Does *one* copy all that *other* does?"""
    return all(any(is_in(each, source) for source in one.sources) for each in other.sources)


def written(node: Instruction) -> str:
    """As it is written, without the newline at the end."""
    return str(node)[node.code_start - node.start :].rstrip()


def _holds(read: Iterable[Copy]) -> str:
    """What the program is taken to read."""
    names = [f"`{word}`" for each in read for word in each.sources]
    if not names:
        return "the program reads no file of the build context when it runs"
    return f"of the build context, the program reads {', '.join(names)} alone"
