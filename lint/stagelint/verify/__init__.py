"""Verification: build the targets of two files with a real builder, and compare the images.

This is the only part of stagelint that runs a builder, and it is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from tempfile import TemporaryDirectory

from stagelint.model.file import File
from stagelint.tuples import NamedTuple
from stagelint.verify import buildah, buildkit, compare
from stagelint.verify.build import (
    Builder,
    Built,
    DifferentBuildError,
    Found,
    Job,
    Say,
    Side,
    Wishes,
)
from stagelint.verify.process import CouldNotTellError, Runner
from stagelint.verify.verdict import Difference, Outcome, Part, Target, Verdict


class Rewrite(NamedTuple):
    """Two files that should build the same. The build arguments are those that *before* knows."""

    before: File
    after: File
    but_caches: bool = False
    """May caches and logs differ? See `compare.CACHES`."""


def verify(rewrites: Sequence[Rewrite], wishes: Wishes, say: Say) -> list[Verdict]:
    """A verdict for each of *rewrites*; what goes on is told to *say*, from any thread.

    Whatever exception ends it, SystemExit and KeyboardInterrupt too, no process, image or file of
    the builds is left behind.
    """
    try:
        found = _find(wishes, Runner(wishes.timeout))
    except CouldNotTellError as error:
        return [
            Verdict(each.before.source.path, Outcome.UNKNOWN, reason=str(error))
            for each in rewrites
        ]
    work = [_Work(each, wishes, found, say) for each in rewrites]
    with ThreadPoolExecutor(wishes.jobs) as pool:
        try:
            return list(pool.map(_Work.verdict, work))
        except BaseException:
            for each in work:
                each.stop()
            pool.shutdown(cancel_futures=True)
            raise


def _find(wishes: Wishes, runner: Runner) -> Found:
    """The builder that was asked for, or the first that works. Raises `CouldNotTellError`."""
    every: dict[str, Callable[[], Found]] = {
        "docker": partial(buildkit.find, runner, wishes),
        "buildah": partial(buildah.find, "buildah", runner),
        "podman": partial(buildah.find, "podman", runner),
    }
    names = [wishes.builder] if wishes.builder != "auto" else list(every)
    reasons: list[str] = []
    for name in names:
        try:
            return every[name]()
        except CouldNotTellError as error:
            reasons.append(str(error))
    raise CouldNotTellError(f"there is no builder that works ({'; '.join(reasons)})")


class _Work:
    """One rewrite, from its first build to its verdict."""

    def __init__(self, rewrite: Rewrite, wishes: Wishes, found: Found, say: Say) -> None:
        self._rewrite, self._wishes, self._found, self._say = rewrite, wishes, found, say
        self._runner = Runner()

    def stop(self) -> None:
        """End it from outside; comes back when no process of it is left."""
        self._runner.stop()

    def verdict(self) -> Verdict:
        path = self._rewrite.before.source.path
        verdict = Verdict(path, Outcome.UNKNOWN, self._found.title)
        self._runner.start(self._wishes.timeout)
        try:
            parts = tuple(self._parts())
        except DifferentBuildError as error:
            return verdict._replace(outcome=Outcome.DIFFERENT, reason=str(error), lines=error.lines)
        except CouldNotTellError as error:
            return verdict._replace(reason=str(error), lines=error.lines)
        except OSError as error:
            return verdict._replace(reason=(error.strerror or str(error)).lower())
        is_same = all(part.is_same for part in parts)
        return verdict._replace(outcome=Outcome.SAME if is_same else Outcome.DIFFERENT, parts=parts)

    def _parts(self) -> Iterable[Part]:
        before, after, _ = self._rewrite
        targets = _targets(before, after, self._wishes.targets)
        job = Job(before.source, after.source, targets, before.options.build_args, self._wishes)
        with TemporaryDirectory(prefix="stagelint-", ignore_cleanup_errors=True) as folder:
            builder = self._found.start(job, folder, self._runner, self._say)
            try:
                for built in builder.build():
                    yield self._part(builder, built)
            finally:
                builder.close()

    def _part(self, builder: Builder, built: Built) -> Part:
        target = built.target
        part = Part(target, built.shared, built.total, builder.unit, built.costs)
        if built.is_identical:
            return part._replace(is_identical=True)
        before, after = (builder.image(target, side) for side in (Side.BEFORE, Side.AFTER))
        found = compare.files(before.files, after.files)
        caches = [each for each in found if self._rewrite.but_caches and compare.is_cache(each)]
        found = [each for each in found if each not in caches]
        noise: set[str] = set()
        if found:
            builder.rebuild(target)
            again = builder.image(target, Side.AGAIN)
            noise = compare.unstable(found, compare.files(before.files, again.files))
        return part._replace(
            files=len(before.files.keys() | after.files.keys()),
            sizes=(before.size, after.size),
            settings=tuple(compare.settings(before.settings, after.settings)),
            differences=_only(found, noise, inside=False),
            unstable=_only(found, noise, inside=True),
            caches=tuple(caches),
        )


def _only(found: Iterable[Difference], paths: set[str], *, inside: bool) -> tuple[Difference, ...]:
    return tuple(each for each in found if (each.path in paths) is inside)


def _targets(before: File, after: File, names: Sequence[str]) -> tuple[Target, ...]:
    """What *names* name; without any, the last stage and every stage that a name selects.

    Raises `CouldNotTellError` if *before* has no such target, `DifferentBuildError` if *after* has
    it no more.
    """
    stages = before.stages
    if not stages:  # of a frontend that stagelint does not know
        return tuple(Target(name, name or "the last stage") for name in names or ("",))
    if not names:
        names = [each.raw_name or "" for each in stages[:-1] if before.table.selectable(each)]
        names += [""]
    targets = tuple(Target(name, name or stages[-1].label) for name in dict.fromkeys(names))
    for target in targets:
        if before.find_target(target.name) is None:
            raise CouldNotTellError(f"there is no target `{target.name}`")
        if after.find_target(target.name) is None:
            raise DifferentBuildError(f"target `{target.name}` is gone")
    return targets
