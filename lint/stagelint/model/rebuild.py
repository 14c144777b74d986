"""Which steps of a build run again after a change, as BuildKit caches them (v0.25.2, observed).

- A step builds upon the one before it: if that runs again, so does it. `COPY --link` without
  `--chmod` does not, where the builder merges layers: all but Docker's older image store do.
- What a step reads besides is compared by content and modes, not by times: what its sources select in
  the build context, or in another stage. That a stage is built anew changes nothing for a COPY from it
  if the same comes out, which nobody knows before.
- A RUN sees every ARG and ENV in force, other steps those that they name.

Modelled is a change since a build that left all of its steps in the cache. Images, and addresses that
ADD reads, hold what they held then, unless the change says otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import IntEnum, StrEnum
from functools import cache, cached_property

from stagelint.model import images
from stagelint.model.build import BuildGraph
from stagelint.model.context import clean
from stagelint.model.selectors import Selector
from stagelint.model.vertices import Vertex, is_linked
from stagelint.model.who_builds import Somebody
from stagelint.tuples import NamedTuple
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.model.context import Context
    from stagelint.model.dockerignore import DockerIgnore
    from stagelint.model.file import File
    from stagelint.model.stages import Stage
    from stagelint.syntax.nodes import Instruction


class Fate(IntEnum):
    """What becomes of a step."""

    CACHED = 0
    PERHAPS = 1
    """It runs again if another stage, built anew, has other files where this step reads them."""
    RUNS = 2


class Change(NamedTuple):
    """What is not as it was when everything was built last."""

    paths: Collection[str] = ()
    """Files of the build context, relative to it, with other contents or modes, new ones, and ones
    that are gone; some may be ignored. A folder that is there stands for all that is in it."""
    crossing: Collection[str] = ()
    """Those that are sent and were not, or vice versa, since what is ignored is something else:
    see `Context.told_apart_by`."""
    args: Collection[str] = ()
    """ARGs that are given another value."""
    images: Collection[str] = ()
    """Images that hold something else, called as a FROM calls them."""


class CauseKind(StrEnum):
    """What makes a step run again."""

    PATH = "path"
    ARG = "arg"
    IMAGE = "image"
    INSTRUCTION = "instruction"
    """It is new, or says something else."""
    STAGE = "stage"
    """It reads from a stage that is built anew."""
    STEP = "step"
    """It builds upon one that runs again."""


class Cause(NamedTuple):
    """Why a step runs again."""

    kind: CauseKind
    what: str = ""
    """The path in the context, the ARG, the image, or the label of the stage."""
    step: Vertex | None = None
    """Of what it builds upon, the first that runs again."""


class Place(NamedTuple):
    """Where a step stands."""

    stage: Stage
    number: int
    """As BuildKit counts it in `[stage 2/5]`: an image that the stage is built on is the first."""
    instruction: Instruction
    """A RUN, COPY, ADD or WORKDIR; that in an ONBUILD of the stage below, if it stands there."""


class Step(NamedTuple):
    """Something that a builder does."""

    vertex: Vertex
    places: tuple[Place, ...]
    """More than one where stages begin alike: it is done once, and bears one of their names."""

    @property
    def stage(self) -> Stage:
        return self.places[0].stage

    @property
    def instruction(self) -> Instruction:
        return self.places[0].instruction


class Rerun(NamedTuple):
    """A step, and what becomes of it."""

    step: Step
    fate: Fate
    causes: tuple[Cause, ...] = ()
    """None if it stays cached."""


class Rebuild:
    """What BuildKit does again of one file, which it must accept."""

    def __init__(
        self, file: File, before: File | None = None, context: Context | None = None
    ) -> None:
        """*before* is the file as it was built last, if that was another one; *context* what is sent
        to the builder, if not that of the file.
        """
        self.file = file
        self.context = context or file.context
        self._before = before or file
        self._selector = cache(Selector)

    @cached_property
    def graph(self) -> BuildGraph:
        """What is built, with the build args at hand. Raises `vertices.Incomparable`."""
        return self._graph(self.file, Change())

    @cached_property
    def _graph_before(self) -> BuildGraph:
        is_same = self._before is self.file
        return self.graph if is_same else self._graph(self._before, Change())

    def _graph(self, file: File, change: Change) -> BuildGraph:
        changed = {images.canonical(each) for each in change.images}
        given, platform = file.options.build_args, file.options.platform_args
        return BuildGraph(file, Somebody(given, change.args, changed, platform))

    def steps(self, target: int) -> list[Step]:
        """The steps of a build of the stage with index *target*, in the order of the file.

        Raises `vertices.Incomparable`.
        """
        return self._steps(self.graph, target)

    def _steps(self, graph: BuildGraph, target: int) -> list[Step]:
        found: dict[str, list[Place]] = {}
        needed = self.file.built(target)
        for stage, built in zip(self.file.stages, graph.stages, strict=True):
            is_on_image = stage.base.stage is None and not stage.base.is_scratch
            steps = [each for each in built.vertices if each.inputs]
            for number, vertex in enumerate(steps, 1 + is_on_image):
                if stage.index in needed:
                    place = Place(stage, number, vertex.instruction)
                    found.setdefault(vertex.digest, []).append(place)
        return [Step(graph.vertices[digest], tuple(places)) for digest, places in found.items()]

    def after(self, change: Change, target: int) -> list[Rerun]:
        """What becomes of each step of a build of the stage with index *target* after *change*.

        Raises `vertices.Incomparable`.
        """
        from stagelint.model.rerun import Walk

        is_plain = not change.args and not change.images
        graph = self.graph if is_plain else self._graph(self.file, change)
        paths = [*filter(self.is_sent, change.paths), *change.crossing]
        change = change._replace(paths=list(dict.fromkeys(paths)))
        before, plain = self._graph_before, self.graph
        walk = Walk(graph, before, plain, change, self.context, self._selector)
        found: list[Rerun] = []
        for step in self._steps(graph, target):
            outcome = walk.outcomes[step.vertex.digest]
            found.append(Rerun(step, outcome.fate, outcome.causes))
        return found

    def is_sent(self, path: str) -> bool:
        """Is *path* of the build context sent to the builder, if it is there?"""
        return self._ignore is None or not self._ignore.leaves_out(clean(path))

    @cached_property
    def _ignore(self) -> DockerIgnore | None:
        if self.context:
            return self.context.ignore
        read = self.file.options.ignore_file
        return read() if read else None


def waits(steps: Iterable[Step], counted: Collection[str]) -> dict[str, set[str]]:
    """For each step that counts, by its digest, those that must be done before it can begin.

    *steps* are all of a build, *counted* the digests of those that take time.
    """
    found: dict[str, set[str]] = {}
    ready: dict[str, set[str]] = {}
    """What must be done before the files of a vertex are there; of an image nothing."""
    for vertex in (each.vertex for each in steps):
        below = ready.get(vertex.inputs[0], set())
        before = set[str]().union(*(ready.get(each, ()) for each in vertex.inputs[1:]))
        linked = is_linked(vertex)
        before |= set() if linked else below
        is_counted = vertex.digest in counted
        if is_counted:
            found[vertex.digest] = before
        done = {vertex.digest} if is_counted else before
        ready[vertex.digest] = done | below if linked else done
    return found
