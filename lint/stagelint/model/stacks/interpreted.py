"""Divides a stage whose program is run by an interpreter: its sources ship as well.

The build stage ends with the last RUN that installs packages of the language, or that makes files of
the sources. The final stage copies what these made, and the files of the build context from there
anew: nothing that the program could read is left behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property

from stagelint.model.base_images import describe
from stagelint.model.calls import Call, runs_script
from stagelint.model.context import Entry
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import is_in
from stagelint.model.stacks import installs
from stagelint.model.stacks.division import METADATA, Division, written
from stagelint.model.stacks.installs import Installs, is_of_build
from stagelint.model.stacks.plans import Line, Plan, Refused
from stagelint.model.stacks.recipes import Recipe
from stagelint.model.stacks.sources import Sources
from stagelint.model.stacks.started import Started
from stagelint.model.stacks.steps import Kind
from stagelint.model.stages import Stage
from stagelint.syntax.nodes import Instruction

#: Files of the build context that do not run with the program.
_TESTS = (
    r"(?:\A|/)(?:__tests__|__mocks__|tests?|specs?|e2e|cypress|docs?|examples?|node_modules)/"
    r"|\.(?:test|spec|stories|config)\.\w+\Z|(?:\A|/)\.\w+rc\.\w+\Z|(?:\A|/)(?:test_\w+|\w+_test|conftest|setup|noxfile|fabfile)\.py\Z"
)


class Interpreted(Division):
    """The moments of such a stage."""

    def __init__(
        self,
        file: File,
        stage: Stage,
        builds: Callable[[Call], bool],
        is_source: Callable[[str], bool],
        may_end: Callable[[Moment], bool] = lambda moment: True,
    ) -> None:
        """*builds* tells the calls that install packages of the language or make files of sources;
        *is_source* the files of the program; *may_end* the RUNs that the build may end with.

        Raises `Refused`.
        """
        self._builds, self._may_end = builds, may_end
        super().__init__(file, stage, builds, is_source)
        if not self.above:
            raise Refused("it is not known what this builds")
        self._is_source = is_source

    def _ends_build(self, moment: Moment) -> bool:
        if moment.instruction.keyword != "RUN" or not self._may_end(moment):
            return False
        return any(map(self._builds, moment.calls)) or is_of_build(moment)

    def plan(self, recipe: Recipe) -> Plan:
        """The plan of two stages. Raises `Refused`."""
        self._check(recipe)
        lines = tuple(self._lines(recipe))
        copies = (*recipe.program, *recipe.besides)
        self._check_final(recipe, lines, copies)
        return Plan(
            recipe.runtime,
            self.above[-1].instruction,
            copies,
            lines,
            edits=recipe.edits,
            added=recipe.added,
            holds=recipe.holds,
        )

    # -- what the program does ---------------------------------------------------------------------

    @cached_property
    def _all(self) -> Sources:
        return Sources(self._file.context, (*self.above, *self.below), self._is_source)

    def text(self, path: str) -> str | None:
        """What the file at the absolute *path* of the stage says, if it is of the build context."""
        return self._all.text(path)

    def entry(self, path: str) -> Entry | None:
        """The file of the build context that lies at the absolute *path* of the stage."""
        return self._all.at(path)

    def says(self, pattern: str) -> str:
        """What matches *pattern* in a source that is no test, and where; empty if nothing does."""
        for path, content in self._all.code:
            found = None if re.search(_TESTS, path) else re.search(pattern, content)
            if found:
                return f"`{' '.join(found[0].split())[:40]}` in `{path}`"
        return ""

    def refuse(self, pattern: str, reason: str) -> None:
        """Raises `Refused` with *reason* if a source that is no test has *pattern*."""
        said = self.says(pattern)
        if said:
            raise Refused(f"{reason}: {said}")

    @property
    def opening(self) -> Instruction:
        """The FROM."""
        return self._stage.opening

    @property
    def commands(self) -> list[Moment]:
        """The ENTRYPOINT and the CMD in force at the end of the stage."""
        return [each for each in (self._start.entrypoint, self._start.command) if each]

    def started(self, lacks: Collection[str]) -> Started:
        """What the image starts first. Raises `Refused` if it may start one of *lacks*."""
        commands = self.commands
        directory = self._file.histories[self._stage.index].directory
        first = next((call for each in commands for call in each.started), None)
        if first is None or directory is None:
            raise Refused("it is not known what the image starts")
        for moment in commands:
            for call in moment.started:
                self._check_started(moment, call, lacks)
        words = tuple(each for each in (first.path, *first.arguments) if each)
        return Started(first.name, first.path, first.arguments, directory, commands[0], words)

    def _check_started(self, moment: Moment, call: Call, lacks: Collection[str]) -> None:
        node = moment.instruction
        if call.name in lacks:
            raise Refused(f"it starts `{call.name}`, which comes with the compilers", node)
        is_shell = call.name in ("sh", "bash") and bool(call.words) and not runs_script(call)
        script = call.words[0] if is_shell else call.path
        if not is_shell and not ("/" in script and script.endswith(".sh")):
            return
        path = absolute(script, call.directory)
        content = self.text(path) if path else None
        if content is None:
            raise Refused(f"it is not known what `{script}` does", node)
        pattern = rf"(?<![\w./-])(?:{'|'.join(map(re.escape, lacks))})(?![\w.-])"
        used = re.search(pattern, content) if lacks else None
        if used:
            raise Refused(f"`{script}` may start `{used[0]}`, which comes with the compilers", node)

    # -- what the final stage gets of the instructions above ---------------------------------------

    def _wanted(self, recipe: Recipe) -> Iterator[Line]:
        setting = [*self._installing(recipe)]
        installed = self._installs(recipe)
        for moment in self.above:
            node = moment.instruction
            if node.keyword in ("ENV", "ARG", "WORKDIR"):
                yield Line(written(node), node)
            elif node.keyword in METADATA:
                yield Line(written(node), node, is_moved=True)
            elif node.keyword in ("COPY", "ADD"):
                if not self._is_copied(moment, recipe):
                    yield Line(written(node), node)
            elif node in recipe.moved:
                yield Line(written(node), node, is_moved=True)
            elif node.keyword == "RUN" and self._steps[node.start].kind is Kind.SETUP:
                if not self._is_in_program(moment, recipe):
                    yield Line(written(node), node, is_moved=True)
            elif node.keyword == "RUN" and any(moment.packages):
                more = recipe.packages if setting[-1:] == [node] else ()
                line = installed.of(moment, more)
                if line:
                    yield Line(line, node)
        if recipe.packages and not setting:
            yield Line(installs.install(recipe.packages))

    def _installing(self, recipe: Recipe) -> Iterator[Instruction]:
        """The RUNs above of which the final stage gets one."""
        installed = self._installs(recipe)
        for moment in self.above:
            if moment.instruction.keyword == "RUN" and installed.of(moment):
                yield moment.instruction

    def _installs(self, recipe: Recipe) -> Installs:
        return Installs(
            (*self.above, *self.below),
            describe(recipe.runtime),
            lambda name: name not in recipe.builds_with,
        )

    def _is_in_program(self, moment: Moment, recipe: Recipe) -> bool:
        """Does the RUN set up only what is copied anyway?"""
        found = self._steps[moment.instruction.start]
        return not found.makes_users and all(
            self._is_of_build(each, recipe) for each in found.writes
        )

    def _is_of_build(self, path: str, recipe: Recipe) -> bool:
        program = [word for each in recipe.program for word in each.sources]
        return is_in(path, "/tmp") or any(is_in(path, each) for each in program)

    # -- files of the build context ----------------------------------------------------------------

    def _is_copied(self, copy: Moment, recipe: Recipe) -> bool:
        """Does the final stage have all that the COPY brings, by what it copies or by a COPY below?"""
        if not recipe.ships_context:
            return True
        later: dict[str, str] = {}
        for moment in self.below:
            node = moment.instruction
            if node.keyword in ("COPY", "ADD") and not node.flag("from"):
                later |= self._placed(moment)
        program = [each.target for each in recipe.program]
        return all(
            later.get(path) == source or any(is_in(path, target) for target in program)
            for path, source in self._placed(copy).items()
        )

    def _placed(self, copy: Moment) -> dict[str, str]:
        """Where the files of a COPY lie, with their paths in the build context."""
        before = [
            each
            for each in (*self.above, *self.below)
            if each.instruction.keyword == "WORKDIR"
            and each.instruction.start < copy.instruction.start
        ]
        moments: Sequence[Moment] = [*before, copy]
        found = Sources(self._file.context, moments, self._is_source)
        return {each.path: each.entry.path for each in found.files}
