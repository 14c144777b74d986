"""Reading a stage into vertices: what decides the result of each instruction (BuildKit v0.25.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from stagelint.model import images, steps
from stagelint.model.expansion import ExpansionError, can_fail
from stagelint.model.graph import OUT_OF_RANGE, EdgeKind, Reference
from stagelint.model.image_config import ImageConfig, below, bodies, trigger_text
from stagelint.model.moments import absolute
from stagelint.model.stages import SCRATCH, Stage
from stagelint.model.symbols import Symbolic, digest, evaluate
from stagelint.model.variables import GlobalVariables, Variables
from stagelint.syntax.nodes import Instruction
from stagelint.syntax.validate import instruction_problem
from stagelint.tuples import NamedTuple
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.model.file import File

#: More variables and labels than this, in all RUNs and FROMs together: the file is hostile.
_MOST_VARIABLES = 200_000

#: The digest of no files at all.
_EMPTY = "empty"

#: Instructions that make no vertex and have their words expanded; of some the result is checked.
_CHECKED = frozenset({"STOPSIGNAL", "EXPOSE", "VOLUME"})
_METADATA = _CHECKED | {"ARG", "ENV", "LABEL", "USER", "WORKDIR"}

#: Characters that may escape another.
_ESCAPES = frozenset("\\`")

#: And of the build context, which is the same before and after a rewrite.
CONTEXT = "context"


class Incomparable(Exception):
    """What the file builds cannot be worked out; the message says why."""


class Budget:
    """Counts the variables looked through, so that hostile files end soon."""

    def __init__(self) -> None:
        self._spent = 0

    def spend(self, variables: int) -> None:
        """Raises `Incomparable` when it has become too much."""
        self._spent += variables
        if self._spent > _MOST_VARIABLES:
            raise Incomparable("the file is too large to be compared")


class Read(NamedTuple):
    """Files that a step reads besides those that it builds upon."""

    origin: str
    """The digest of what they come from: a vertex, an image, or `CONTEXT`."""
    paths: tuple[Symbolic, ...]
    """Of which `/` is everything."""
    name: str = ""
    """What `from` says, if it is there."""


class Vertex(NamedTuple):
    """One step: *digest* stands for the file system it leaves."""

    digest: str
    instruction: Instruction
    inputs: tuple[str, ...]
    """Digests of the vertices whose results it reads, the one it builds upon first."""
    own: str = ""
    """Stands for what it does, whatever files it builds upon and reads."""
    reads: tuple[Read, ...] = ()
    target: Symbolic = "/"
    """Where COPY and ADD put what they read, absolute and with the slash at its end; the folder that
    a WORKDIR makes; else everything."""


def is_linked(vertex: Vertex) -> bool:
    """Is it a COPY or ADD whose result does not depend on what it builds upon?

    Not with `--chmod`, with which BuildKit v0.25.2 forgets that it is to be linked.
    """
    flag, chmod = vertex.instruction.flag("link"), vertex.instruction.flag("chmod")
    return flag is not None and (flag.value or "true").lower() == "true" and chmod is None


class StageBuild:
    """What one stage is at its end."""

    def __init__(self, files: str, variables: Variables, config: ImageConfig) -> None:
        self.files = files
        self.variables = variables
        self.config = config
        self.vertices: list[Vertex] = []
        self.fails = False
        """Can it not be built, whoever builds?"""
        self.conditions: set[str] = set()
        """Stand for the words in it, and in what it needs, that some values make fail."""

    @cached_property
    def digest(self) -> str:
        """Stands for all that a stage built on this one inherits."""
        parts, conditions = sorted(self.config.parts.items()), sorted(self.conditions)
        return digest(self.files, self.variables.digest_of_all, parts, conditions)

    @cached_property
    def parts(self) -> dict[str, str]:
        """A digest for every part of the image config."""
        return {**self.config.parts, "Env": self.variables.digest_of_image}


class StageReader:
    """Reads one stage in order, given those above it."""

    def __init__(
        self,
        file: File,
        stage: Stage,
        outer: GlobalVariables,
        done: Sequence[StageBuild],
        budget: Budget,
    ) -> None:
        """*done* are the stages above *stage*."""
        self.file = file
        self.stage = stage
        self.globals = outer
        self.done = done
        self.budget = budget
        self._references: dict[str, list[Reference]] = {}
        """By the logical text of the instruction: equal ones refer to the same."""
        for reference in file.graph.of(stage.index):
            if reference.kind is not EdgeKind.BASE:
                text = reference.instruction.logical.text
                self._references.setdefault(text, []).append(reference)
        self._next: Iterator[Reference] = iter(())
        """The references of the instruction at hand, in order."""
        self.at = self._start()

    def read(self) -> StageBuild:
        """The stage at its end. Raises `Incomparable`."""
        if self.stage.name not in self.file.options.contexts:  # one of its name replaces it
            for instruction in self.stage.instructions:
                self._take(instruction)
        return self.at

    # -- FROM ----------------------------------------------------------------------------------

    def _start(self) -> StageBuild:
        stage = self.stage
        if stage.name in self.file.options.contexts:
            return self._unknown("context", stage.name)
        try:
            return self._from()
        except ExpansionError as error:
            return self._unknown("failed", str(error), stage.base.raw)

    def _from(self) -> StageBuild:
        stage, lookup = self.stage, self.globals.lookup
        node, base = stage.opening, stage.base
        platform = stage.platform
        on = evaluate(platform.value or "", lookup, node.escape) if platform else None
        text = evaluate(base.raw, lookup, node.escape)
        if not isinstance(text, str):
            return self._unknown("variable", text, on, self._candidates())
        if base.stage is not None:
            return self._child(base.stage)
        if text == SCRATCH:  # where, as for a stage, `--platform` has no effect
            return StageBuild(_EMPTY, Variables(self.globals, ""), ImageConfig(""))
        image = images.canonical(text)
        return self._unknown("image", image, on, image=image)

    def _unknown(self, *what: object, image: str = "") -> StageBuild:
        base = digest("FROM", *what)
        files = self.globals.builder.files(image, base)
        start = StageBuild(files, Variables(self.globals, base), ImageConfig(base))
        start.vertices.append(Vertex(files, self.stage.opening, (), files))
        return start

    def _candidates(self) -> list[tuple[str, str]]:
        """The stages a FROM with a variable may mean; all above if one has ONBUILDs, that copy."""
        found = [self.file.stages[index] for index in self.file.graph.may_be(self.stage)]
        if any(True for stage in found for _ in stage.triggers):
            above = [(stage.name or "", self.done[stage.index].digest) for stage in self._above()]
            self.budget.spend(len(above))
            return above
        self.budget.spend(len(found))
        return sorted({stage.name or "": self.done[stage.index].digest for stage in found}.items())

    def _child(self, parent: int) -> StageBuild:
        above = self.done[parent]
        triggers = [*self.file.stages[parent].triggers]
        self.budget.spend(above.variables.size + above.config.size + 20 * len(triggers))
        self.at = StageBuild(above.files, above.variables.child(), above.config.child())
        self._need(above)
        for trigger in triggers:
            if trigger.escape != "\\" and not _ESCAPES.isdisjoint(trigger.logical.text):
                raise Incomparable("BuildKit reads an ONBUILD with another escape character")
            has_flags = trigger_text(trigger).startswith("--")  # of ONBUILD, which has none
            if has_flags or instruction_problem(trigger, self.file.tree.frontend):
                self.at.fails = True
                self._add(trigger, "failed", trigger.rest)
            else:
                self._take(trigger)
        return self.at

    def _need(self, other: StageBuild) -> None:
        self.at.fails = self.at.fails or other.fails
        self.at.conditions |= other.conditions

    def _above(self) -> Iterator[Stage]:
        return (stage for stage in self.file.stages if stage.index < self.stage.index)

    # -- the instructions ----------------------------------------------------------------------

    def _take(self, node: Instruction) -> None:
        self._next = iter(self._references.get(node.logical.text, ()))
        try:
            self._note_conditions(node)
            self._understand(node)
        except ExpansionError as error:
            self.at.fails = True
            self._add(node, "failed", str(error), node.rest, *bodies(node))

    def _note_conditions(self, node: Instruction) -> None:
        """What some values make fail, in instructions whose effect a later one may undo."""
        if node.keyword not in _METADATA or "$" not in node.rest:
            return
        words = [("", argument.value) for argument in node.arguments]
        words += [("", pair.key) for pair in node.pairs]
        words += [(pair.key, pair.value or "") for pair in node.pairs]
        for key, word in words:
            if node.keyword in _CHECKED or can_fail(word, node.escape):
                value = evaluate(word, self.at.variables.lookup, node.escape)
                if not isinstance(value, str):
                    self.at.conditions.add(digest(node.keyword, key, value))

    def _understand(self, node: Instruction) -> None:
        at, keyword = self.at, node.keyword
        if keyword == "ENV":
            at.variables.env(node)
        elif keyword == "ARG":
            at.variables.arg(node)
        elif keyword == "RUN":
            self._run(node)
        elif keyword in ("COPY", "ADD"):
            self._copy(node)
        else:
            at.config.take(node, at.variables.lookup)
            if keyword == "WORKDIR" and at.config.directory != "/":
                target = at.config.directory
                self._add(node, "WORKDIR", target, at.config.user, target=target)

    def _add(
        self,
        node: Instruction,
        *what: object,
        reads: Iterable[Read] = (),
        target: Symbolic = "/",
    ) -> None:
        """A vertex on top of the last one; *what* determines its result, together with *reads*."""
        reads = tuple(reads)
        own = digest(what, steps.garbled(node))
        inputs = (self.at.files, *(each.origin for each in reads))
        vertex = Vertex(digest(own, inputs), node, inputs, own, reads, target)
        self.at.vertices.append(vertex)
        self.at.files = vertex.digest

    def _run(self, node: Instruction) -> None:
        at = self.at
        self.budget.spend(at.variables.size)
        written = steps.mounts(node, at.variables.lookup)
        mounts = steps.in_order([(each, self._mounted(each, node.escape)) for each in written])
        options = [sorted(mount.options.items()) for mount, _ in mounts]
        reads = [
            Read(origin, (mount.options.get("source", "/"),), mount.origin)
            for mount, origin in mounts
        ]
        shell = None if node.is_json else at.config.shell
        state = (at.variables.digest, at.config.directory, at.config.user, shell)
        what = (steps.command(node), steps.run_flags(node), options)
        self._add(node, "RUN", *what, state, reads=reads)

    def _mounted(self, mount: steps.Mount, escape: str) -> str:
        """The files a mount shows."""
        kind, origin = mount.options["type"], mount.origin
        if "$" in origin[:-1]:
            return self._any_of(evaluate(origin, self.at.variables.lookup, escape))
        if origin:
            return self._source(origin)
        return _EMPTY if kind in ("cache", "tmpfs", "secret", "ssh") else CONTEXT

    def _copy(self, node: Instruction) -> None:
        lookup, directory = self.at.variables.lookup, self.at.config.directory
        destination = evaluate(node.arguments[-1].value, lookup, node.escape)
        sources = steps.sources(node, lookup)
        place = below(directory, destination)
        what = (sources, place, steps.copy_flags(node, lookup))
        name = (node.keyword == "COPY" and node.flag("from")) or None
        read = Read(
            self._origin(node), steps.local_paths(node, sources), (name and name.value) or ""
        )
        target: Symbolic | None = None
        if isinstance(destination, str):
            target = absolute(destination, directory if isinstance(directory, str) else None)
        self._add(node, node.keyword, *what, reads=[read], target=target or place)

    # -- where files come from -----------------------------------------------------------------

    def _origin(self, node: Instruction) -> str:
        """The files that a COPY or ADD reads."""
        flag = node.flag("from") if node.keyword == "COPY" else None
        return self._source(flag.value) if flag and flag.value else CONTEXT

    def _source(self, name: str) -> str:
        """What the next reference of the instruction, by *name*, is to."""
        reference = next(self._next, None)
        if reference is None:
            return self._any_of(name)
        needs = reference.needs
        if reference.problem is not None:
            if reference.problem.kind == OUT_OF_RANGE:  # or an image met before (v0.25.2)
                raise Incomparable(f"the number {name} refers to no stage")
            number = str(needs) if reference.is_index else None  # `+1` is 1
            return digest("failed", reference.problem.kind, number or name)
        if needs == self.stage.index:  # an ONBUILD that copies from its own child, so far
            return self.at.files
        if needs is not None:
            self._need(self.done[needs])
            return self.done[needs].files
        if reference.image is not None:
            # Always for the target platform, like a FROM without `--platform`.
            image = images.canonical(reference.image)
            return self.globals.builder.files(image, digest("FROM", "image", image, None))
        return _EMPTY if name == SCRATCH else self._any_of(name)

    def _any_of(self, name: Symbolic) -> str:
        """A name that some builders expand: any stage above may be meant."""
        stages = [(stage.name, self.done[stage.index].files) for stage in self._above()]
        self.budget.spend(len(stages))
        return digest("any of", name, self.at.variables.digest_of_all, stages)
