"""What `stagelint impact` finds out: which steps run again after a change, and what they cost."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence

from stagelint import commits, discover
from stagelint.changes import ChangesError, Repository
from stagelint.model import images
from stagelint.model.critical_path import critical_path
from stagelint.model.dockerignore import DockerIgnore
from stagelint.model.file import File
from stagelint.model.rebuild import Change, Fate, Rebuild, Rerun, Step, waits
from stagelint.model.scope import platform_args
from stagelint.model.stages import Stage
from stagelint.model.vertices import Incomparable
from stagelint.session import Session, UsageError
from stagelint.source import Source
from stagelint.tuples import NamedTuple

#: What builders call the architectures that systems call otherwise.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "i686": "386"}


class Work(NamedTuple):
    """Some steps of a build, and what they take."""

    steps: list[Step]
    path: list[Step]
    """Those of the critical path, the first to run first."""
    cost: float
    """Of all steps together, in seconds if there is a trace; else their number."""
    path_cost: float
    unknown: int = 0
    """So many steps the trace tells nothing of; they count nothing."""


class Target(NamedTuple):
    """What a change does to one target."""

    stage: Stage
    reruns: list[Rerun]
    again: Work
    """What runs again, what does so perhaps included."""
    whole: Work
    """A build from nothing."""


class Impact(NamedTuple):
    """What a change does."""

    file: File
    change: Change
    ignored: list[str]
    """Paths that changed and are not sent to the builder."""
    outside: list[str]
    """Those that are named and lie outside of the build context."""
    targets: list[Target]
    is_timed: bool
    """Are costs seconds?"""


class Habit(NamedTuple):
    """What commits do to one target, each built after the one before."""

    file: File
    stage: Stage
    whole: Work
    steps: float
    """That run again after a commit, on average; those that do so perhaps are among them."""
    perhaps: float
    cost: float
    path_cost: float
    often: list[tuple[Step, int]]
    """The steps that run again, each with after how many commits, most often first."""


class History(NamedTuple):
    """What the last commits do, to one file or to two."""

    commits: int
    habits: list[Habit]
    is_timed: bool


class Inquiry:
    """What is asked of one Dockerfile on a command line. Methods raise `UsageError`."""

    def __init__(self, file: File, session: Session) -> None:
        given = session.arguments
        self.file = file
        self.notes: list[str] = []
        """What somebody should know of the answers, a line each."""
        self._given = given
        self._trace = session.trace
        self._context = file.context or next(iter(file.options.contexts_at()), None)
        folder = given.context or os.path.dirname(file.source.path) or os.curdir
        self._root = os.path.realpath(self._context.root if self._context else folder)
        if file.context is None:
            self.notes.append(
                f"the build context is taken to be {os.path.relpath(self._root)}, though not all is"
                " there that COPY names (--context DIR)"
            )

    # -- a change ------------------------------------------------------------------------------

    def impact(self) -> Impact:
        """What the changes do that the command line tells of."""
        given = self._given
        self._check_names()
        named = {_full(os.curdir, each): each for each in given.changed}
        inside, outside = self._split(named)
        before, crossing = self.file, list[str]()
        if given.since is not None:
            past = _Past(self._repository(), given.since)
            inside += self._split(past.changed)[0]
            before = past.file(self.file)
            crossing = self._crossing(past)
        is_sent = self._rebuild(self.file).is_sent
        change = Change([*filter(is_sent, inside)], crossing, given.arg, given.base)
        targets = [self._target(before, change, each) for each in self._targets(self.file)]
        ignored = [each for each in inside if not is_sent(each) and each not in crossing]
        outside = [named[each] for each in outside]
        return Impact(self.file, change, ignored, outside, targets, self._trace is not None)

    def _check_names(self) -> None:
        """Does the file have the ARGs and the images that have changed?"""
        instructions = [each for each in self.file.tree.instructions if each.keyword == "ARG"]
        declared = {pair.key for each in instructions for pair in each.pairs}
        for name in self._given.arg:
            if name not in declared:
                raise UsageError(f"{self.file.source.path}: there is no ARG `{name}`")
        used = {each.image for each in self.file.graph.references if each.image}
        for name in self._given.base:
            if images.canonical(name) not in map(images.canonical, used):
                known = ", ".join(f"`{each}`" for each in sorted(used)) or "none"
                raise UsageError(
                    f"{self.file.source.path}: the image `{name}` is not used, but {known}"
                )

    def _crossing(self, past: _Past) -> list[str]:
        """What is sent now and was not, or vice versa, if what is ignored has changed."""
        names = (f"{self.file.source.path}.dockerignore", os.path.join(self._root, ".dockerignore"))
        files = [_full(os.curdir, name) for name in names]
        if self._context is None or past.changed.keys().isdisjoint(files):
            return []
        texts = (past.text(each) for each in files)
        said = next((each for each in texts if each is not None), None)
        before = None if said is None else DockerIgnore(Source("", said))
        return self._context.told_apart_by(before)

    def _target(self, before: File, change: Change, target: int) -> Target:
        reruns = self._after(self._rebuild(self.file, before), change, target)
        steps = [each.step for each in reruns]
        again = [each.step for each in reruns if each.fate is not Fate.CACHED]
        stage = self.file.stages[target]
        return Target(stage, reruns, self._work(steps, again), self._work(steps, steps))

    # -- many changes --------------------------------------------------------------------------

    def history(self, others: Iterable[File]) -> History:
        """What the last commits do to the file, and to *others* that could be in its place."""
        try:
            found = commits.last(self._repository(), self._given.history)
        except ChangesError as error:
            raise UsageError(str(error)) from None
        root = self._repository().root
        changes = [
            Change(self._split(_full(root, name) for name in each.names)[0]) for each in found
        ]
        habits = [
            self._habit(file, changes, target)
            for file in (self.file, *others)
            for target in self._targets(file)
        ]
        return History(len(found), habits, self._trace is not None)

    def _habit(self, file: File, changes: Sequence[Change], target: int) -> Habit:
        rebuild = self._rebuild(file)
        counts: Counter[str] = Counter()
        perhaps, cost, path_cost = 0, 0.0, 0.0
        steps = [each.step for each in self._after(rebuild, Change(), target)]
        for change in changes:
            reruns = self._after(rebuild, change, target)
            again = [each.step for each in reruns if each.fate is not Fate.CACHED]
            work = self._work(steps, again)
            counts.update(each.vertex.digest for each in again)
            perhaps += sum(each.fate is Fate.PERHAPS for each in reruns)
            cost, path_cost = cost + work.cost, path_cost + work.path_cost
        every = len(changes) or 1
        return Habit(
            file,
            file.stages[target],
            self._work(steps, steps),
            counts.total() / every,
            perhaps / every,
            cost / every,
            path_cost / every,
            [
                (each, counts[each.vertex.digest])
                for each in sorted(steps, key=lambda each: -counts[each.vertex.digest])
                if counts[each.vertex.digest]
            ],
        )

    # -- what both ask -------------------------------------------------------------------------

    def _rebuild(self, file: File, before: File | None = None) -> Rebuild:
        return Rebuild(file, before, self._context)

    def _after(self, rebuild: Rebuild, change: Change, target: int) -> list[Rerun]:
        try:
            return rebuild.after(change, target)
        except Incomparable as error:
            raise UsageError(f"{rebuild.file.source.path}: {error}") from None

    def _work(self, steps: Sequence[Step], counted: Sequence[Step]) -> Work:
        seconds = {each.vertex.digest: self._seconds(each) for each in counted}
        cost = {digest: each or 0.0 for digest, each in seconds.items()}
        path, path_cost = critical_path(waits(steps, cost), cost)
        by_digest = {each.vertex.digest: each for each in counted}
        unknown = sum(each is None for each in seconds.values())
        on_path = [by_digest[each] for each in path]
        return Work([*counted], on_path, sum(cost.values()), path_cost, unknown)

    def _seconds(self, step: Step) -> float | None:
        return self._trace.seconds(step) if self._trace else 1.0

    def _targets(self, file: File) -> list[int]:
        """The targets that are asked for, or all that somebody is known to build."""
        names = self._given.target
        if not file.is_read:
            reason = "stagelint does not know the language of the file"
            raise UsageError(f"{file.source.path}: {reason}")
        for name in names or [""]:
            problem = file.rejection(name)
            if problem:
                line = file.source.position(problem.span.start).line
                raise UsageError(f"{file.source.path}:{line}: {problem.message}")
        found = {file.find_target(name) for name in names} if names else file.shipped | file.asked
        return sorted(each for each in found if each is not None)

    def _repository(self) -> Repository:
        root = discover.repository_of(os.path.join(self._root, ""))
        if root is None:
            raise UsageError(f"{os.path.relpath(self._root)} lies in no git repository")
        try:
            return Repository(root)
        except ChangesError as error:
            raise UsageError(str(error)) from None

    def _split(self, full: Iterable[str]) -> tuple[list[str], list[str]]:
        """Paths in the build context, from its top, and those outside."""
        inside, outside = list[str](), list[str]()
        for path in dict.fromkeys(full):
            try:
                name = os.path.relpath(path, self._root).replace(os.sep, "/")
            except ValueError:  # on another drive
                name = ".."
            if name == ".." or name.startswith("../"):
                outside.append(path)
            else:
                inside.append(name)
        return inside, outside


class _Past:
    """The repository as it was in a commit."""

    def __init__(self, repository: Repository, name: str) -> None:
        """*name* is that of a commit. Raises `UsageError`."""
        self._repository = repository
        try:
            self._commit = repository.base(name)
            names = commits.unlike(repository, self._commit)
        except ChangesError as error:
            raise UsageError(str(error)) from None
        self.changed = dict.fromkeys(_full(repository.root, each) for each in names)
        """Paths of what is not as it was, in the order of git."""

    def text(self, path: str) -> str | None:
        """What the file at *path* said; None if it was not there."""
        root = os.path.realpath(self._repository.root)
        name = os.path.relpath(path, root).replace(os.sep, "/")
        return commits.text(self._repository, self._commit, name)

    def file(self, now: File) -> File:
        """The Dockerfile as it was; one that builds nothing if it was not there, or was rejected."""
        path = _full(os.curdir, now.source.path)
        if path not in self.changed:
            return now
        file = File(Source(now.source.path, self.text(path) or ""), now.options)
        return file if not file.rejection() else File(Source(now.source.path, ""), now.options)


def file_of(path: str, session: Session) -> File:
    """The Dockerfile at *path*, built for the platform that is asked for. Raises `UsageError`."""
    given = session.arguments
    source = discover.read_named(path, given.stdin_filename)
    if source.error:
        raise UsageError(f"{source.path}: {source.error}")
    here = _platform()
    args = platform_args(here, given.platform or here)
    return File(source, session.options_for(source)._replace(platform_args=args))


def _platform() -> str:
    """That of a builder on this machine: also where this is no Linux, it runs in one."""
    import platform

    machine = platform.machine().lower()
    return f"linux/{_ARCHITECTURES.get(machine, machine)}"


def _full(folder: str, name: str) -> str:
    """The path of *name* in *folder* without links, but for the last part."""
    head, tail = os.path.split(os.path.abspath(os.path.join(folder, name)))
    return os.path.join(os.path.realpath(head), tail)
