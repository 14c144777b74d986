"""What becomes of each vertex after a change; `rebuild` says by which rules."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping

from stagelint.model import images
from stagelint.model.build import BuildGraph
from stagelint.model.context import Context, clean
from stagelint.model.rebuild import Cause, CauseKind, Change, Fate
from stagelint.model.selectors import Selector
from stagelint.model.vertices import CONTEXT, Read, Vertex, is_linked
from stagelint.tuples import NamedTuple

#: Of so many paths that differ in a stage each is known by itself; of more, the folder they are in.
_MOST_PATHS = 100


class Outcome(NamedTuple):
    """What becomes of a vertex, and of the files it leaves."""

    twin: Vertex | None = None
    """What it was in the last build; None if there was nothing like it."""
    fate: Fate = Fate.CACHED
    causes: tuple[Cause, ...] = ()
    chain: Fate = Fate.CACHED
    """Of what builds upon it."""
    first: Vertex | None = None
    """Of it and what it builds upon the first that runs again, for certain if one does."""
    differing: Mapping[str, Fate] = {}
    """Paths that hold, or perhaps hold, something else than before, they and all below them."""


class Landing(NamedTuple):
    """Where a step puts something that differs: then its own files differ there."""

    path: str
    is_certain: bool


class _Seen(NamedTuple):
    """Something that a step reads, and that differs."""

    fate: Fate
    cause: Cause
    lands: Landing


class Walk:
    """Goes through a graph from the first vertex to the last."""

    def __init__(
        self,
        graph: BuildGraph,
        before: BuildGraph,
        plain: BuildGraph,
        change: Change,
        context: Context | None,
        selector: Callable[[str, tuple[str, ...], Context | None], Selector],
    ) -> None:
        """*graph* is built now, *before* was built last; *plain* is *graph* without the *change*.

        The paths of *change* are all sent to the builder, or were; *selector* is `Selector`, perhaps
        with a memory.
        """
        self._change = change
        self._context = context
        self._before = before.vertices
        self._twins: dict[tuple[str, tuple[str, ...]], Vertex] = {}
        self._owns: dict[str, Vertex] = {}
        for each in before.vertices.values():
            self._twins.setdefault((each.own, each.inputs[:1]), each)
            self._owns.setdefault(each.own, each)
        self._plain = {each.own for each in plain.vertices.values()}
        self._selector = selector
        self.outcomes: dict[str, Outcome] = {}
        """By digest."""
        for digest, vertex in graph.vertices.items():
            self.outcomes[digest] = self._outcome(vertex)

    def _outcome(self, vertex: Vertex) -> Outcome:
        """See `Outcome`; what *vertex* builds upon is known."""
        below = (self.outcomes.get(vertex.inputs[0]) if vertex.inputs else None) or Outcome()
        twin = self._twin(vertex, below)
        if twin:
            seen = list(self._seen(vertex, twin))
        else:
            seen = [_Seen(Fate.RUNS, self._difference(vertex), Landing(_target(vertex), False))]
        fate = max((each.fate for each in seen), default=Fate.CACHED)
        causes = [each.cause for each in seen]
        if below.first and not is_linked(vertex):
            fate = max(fate, below.chain)
            if twin is None and below.chain is Fate.RUNS:
                causes.clear()  # nothing upon what has no twin has one
            causes += self._from_below(below.first)
        return Outcome(
            twin,
            fate,
            tuple(dict.fromkeys(causes)),
            max(fate, below.chain),
            vertex if fate > below.chain else below.first,
            _differing(vertex, below.differing, seen) if fate else below.differing,
        )

    def _twin(self, vertex: Vertex, below: Outcome) -> Vertex | None:
        """The same step upon the same in the last build."""
        inputs = (below.twin.digest,) if below.twin else vertex.inputs[:1]
        found = self._before.get(vertex.digest) or self._twins.get((vertex.own, inputs))
        return found or (self._owns.get(vertex.own) if is_linked(vertex) else None)

    def _difference(self, vertex: Vertex) -> Cause:
        """Why a vertex has no twin, if it is not for what it builds upon."""
        if vertex.own in self._plain:
            return Cause(CauseKind.INSTRUCTION)
        if not vertex.inputs:
            name = vertex.instruction.arguments[0].value
            if not self._change.args or self._is_changed(name):
                return Cause(CauseKind.IMAGE, name)
        return Cause(CauseKind.ARG, ", ".join(sorted(self._change.args)))

    def _from_below(self, first: Vertex) -> tuple[Cause, ...]:
        """Why a step runs again that builds upon *first*: a FROM is none, and so has the reasons."""
        if first.inputs:
            return (Cause(CauseKind.STEP, step=first),)
        return self.outcomes[first.digest].causes

    # -- what a step reads -----------------------------------------------------------------------

    def _seen(self, vertex: Vertex, twin: Vertex) -> Iterator[_Seen]:
        """What differs of all that *vertex* reads; *twin* is what it was."""
        flags = vertex.instruction.flags
        excludes = tuple(each.value or "" for each in flags if each.name == "exclude")
        for read, before in zip(vertex.reads, twin.reads, strict=True):
            context = self._context if read.origin == CONTEXT else None
            for changed, fate, cause in self._changed(read, before):
                for source in read.paths:
                    if not isinstance(source, str):  # only the base image knows
                        yield _Seen(Fate.PERHAPS, cause, Landing(_target(vertex), False))
                        continue
                    root = self._selector(source, excludes, context).root(changed)
                    if root is not None:
                        yield _Seen(fate, cause, self._landing(vertex, source, root, changed))

    def _changed(self, read: Read, before: Read) -> Iterator[tuple[str, Fate, Cause]]:
        """What differs where a step reads, and why; *before* is what it read then."""
        stage = self.outcomes.get(read.origin)
        kind = CauseKind.IMAGE if self._is_changed(read.name) else CauseKind.STAGE
        if stage and stage.twin and stage.twin.digest == before.origin:
            for path, fate in stage.differing.items():
                yield path, fate, Cause(kind, read.name)
        elif read.origin != before.origin or (stage and not stage.twin):
            same = read.name == before.name
            yield ".", Fate.PERHAPS, Cause(kind if same else CauseKind.INSTRUCTION, read.name)
        elif read.origin == CONTEXT:
            for path in self._change.paths:
                yield clean(path), Fate.RUNS, Cause(CauseKind.PATH, path)

    def _is_changed(self, image: str) -> bool:
        changed = map(images.canonical, self._change.images)
        return bool(image) and images.canonical(image) in changed

    def _landing(self, vertex: Vertex, source: str, root: str, path: str) -> Landing:
        """Where a *path* goes that *source* selects, by *root*."""
        target, node = _target(vertex), vertex.instruction
        if node.keyword != "COPY" or node.flag("parents"):
            return Landing(target, False)  # ADD unpacks archives
        is_certain = node.flag("chmod") is None  # which may undo what has changed
        if path != root:
            return Landing(clean(f"{target}/{posixpath.relpath(path, root)}"), is_certain)
        found = self._context.find(path) if self._context else None
        if found is None or found.is_folder or self._selector(source, (), None).root(path) is None:
            return Landing(target, False)  # a folder, or what a link leads to
        into = isinstance(vertex.target, str) and vertex.target.endswith("/")
        name = posixpath.basename(path) if into else ""
        return Landing(clean(f"{target}/{name}"), is_certain)


def _target(vertex: Vertex) -> str:
    return clean(vertex.target) if isinstance(vertex.target, str) else "."


def _differing(
    vertex: Vertex, below: Mapping[str, Fate], landings: Iterable[_Seen]
) -> Mapping[str, Fate]:
    """What differs in the files of a step that runs again, or perhaps."""
    if vertex.instruction.keyword not in ("COPY", "ADD", "WORKDIR"):
        return {".": Fate.PERHAPS}  # a RUN may write anywhere
    covers = Selector(_target(vertex))
    found = {
        path: Fate.PERHAPS if covers.root(path) is not None else fate
        for path, fate in below.items()
    }
    for each in landings:
        path, is_certain = each.lands
        fate = each.fate if is_certain else Fate.PERHAPS
        found[path] = max(fate, found.get(path, Fate.CACHED))
    return found if len(found) <= _MOST_PATHS else {".": Fate.PERHAPS}
