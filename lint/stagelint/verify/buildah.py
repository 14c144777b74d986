"""Buildah and Podman, which build without a daemon and share a command line.

They build in a store of their own below a temporary folder, and only read the user's: that has the
base images, and nothing of a verification comes into it. Facts of Buildah 1.28 and Podman 4.3.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Mapping, Sequence
from shutil import which
from time import monotonic
from typing import Any, cast

from stagelint.verify.build import (
    BrokenBuildError,
    Builder,
    Built,
    Found,
    Job,
    Say,
    Side,
    write_files,
)
from stagelint.verify.image import Image
from stagelint.verify.process import OLD_FAILS, CouldNotTellError, Runner
from stagelint.verify.steps import KEPT
from stagelint.verify.verdict import Cost, Target

#: What they write of a step, and of one whose result they had.
_STEP, _CACHED = "STEP ", "--> Using cache "
_CLEANUP = 60.0


def find(name: str, runner: Runner) -> Found:
    """The program *name*, buildah or podman. Raises `CouldNotTellError` if it cannot build."""
    program = which(name)
    if program is None:
        raise CouldNotTellError(f"{name}: not installed")
    answer = runner.ask([program, "info", *(["--format=json"] if name == "podman" else [])])
    if answer.status:
        raise CouldNotTellError(f"{name}: {(answer.err.strip() or 'fails').splitlines()[-1]}")
    try:
        storage = _storage(json.loads(answer.out)["store"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CouldNotTellError(f"{name}: does not say where its images are") from None

    def start(job: Job, folder: str, runner: Runner, say: Say) -> Builder:
        return Buildah(job, folder, runner, say, program, storage)

    return Found(name, start)


def _storage(info: Mapping[str, Any]) -> list[str]:
    """Options for another store of the user's kind that can read all that the user's has."""
    kept = {key.lower(): value for key, value in info.items()}  # Podman writes graphRoot
    driver = kept["graphdrivername"]
    options: dict[str, Any] | list[str] = kept.get("graphoptions") or []
    given = (
        [f"{k}={_value(v)}" for k, v in options.items()] if isinstance(options, dict) else options
    )
    shared = f"{driver}.imagestore={kept['graphroot']}"
    return [f"--storage-driver={driver}", *(f"--storage-opt={each}" for each in (*given, shared))]


def _value(value: Any) -> str:
    """Podman tells of a program where it lies, and of what package and version it is."""
    return str(cast("dict[str, Any]", value)["Executable"] if isinstance(value, dict) else value)


class Buildah:
    """Buildah or Podman at work on one job."""

    unit = "layer"

    def __init__(
        self,
        job: Job,
        folder: str,
        runner: Runner,
        say: Say,
        program: str,
        storage: Sequence[str],
    ) -> None:
        """*folder* is for what it needs, *storage* says what store to have there."""
        self._job, self._folder, self._runner, self._say = job, folder, runner, say
        places = (f"--root={folder}/root", f"--runroot={folder}/run")
        self._command = [program, *places, *storage]
        self._files = write_files(job, folder)

    def build(self) -> list[Built]:
        """See `Builder`."""
        return [self._built(target) for target in self._job.targets]

    def _built(self, target: Target) -> Built:
        try:
            before = self._build(target, Side.BEFORE)
        except BrokenBuildError as error:
            raise CouldNotTellError(OLD_FAILS, error.lines) from None
        after = self._build(target, Side.AFTER)
        old, new = (self.image(target, side) for side in (Side.BEFORE, Side.AFTER))
        pairs = list(zip(old.layers, new.layers, strict=False))
        return Built(
            target,
            sum(one == other for one, other in pairs),
            max(len(old.layers), len(new.layers)),
            (before, after),
            old.layers == new.layers and old.settings == new.settings,
        )

    def rebuild(self, target: Target) -> None:
        """See `Builder`."""
        try:
            self._build(target, Side.AGAIN, "--no-cache")
        except BrokenBuildError as error:
            raise CouldNotTellError("the old file does not build again", error.lines) from None

    def image(self, target: Target, side: Side) -> Image:
        """See `Builder`."""
        return Image(self._archive(target, side), self._runner.check)

    def close(self) -> None:
        """See `Builder`."""
        runner = Runner(_CLEANUP)
        for command in (("rm", "--all"), ("rmi", "--all", "--force")):
            runner.ask([*self._command, *command])

    def _build(self, target: Target, side: Side, *more: str) -> Cost:
        """Build one image and export it. Raises `BrokenBuildError` if the file does not build."""
        lines: deque[str] = deque(maxlen=KEPT)
        counts = {_STEP: 0, _CACHED: 0}

        def take(line: str) -> None:
            lines.append(line)
            for mark in counts:
                if mark in line:
                    counts[mark] += 1
            if _STEP in line:
                self._say(f"[{side}] {line}")

        start = monotonic()
        name = self._name(target, side)
        if self._runner.follow(self._build_command(target, side, name, more), take):
            raise BrokenBuildError(list(lines))
        cost = Cost(counts[_STEP], counts[_CACHED], monotonic() - start)
        place = f"docker-archive:{self._archive(target, side)}"
        answer = self._runner.ask([*self._command, "push", "--quiet", name, place])
        if answer.status:
            raise CouldNotTellError("the image cannot be exported", answer.err.splitlines())
        return cost

    def _build_command(
        self, target: Target, side: Side, name: str, more: Sequence[str]
    ) -> list[str]:
        """The format of Docker, since that of OCI drops HEALTHCHECK, SHELL and ONBUILD."""
        wishes = self._job.wishes
        args = [f"{key}={value}" for key, value in self._job.build_args.items()]
        options = {"--build-arg": args, "--secret": wishes.secrets, "--ssh": wishes.ssh}
        command = [*self._command, "build", "--layers", "--format=docker", "--tag", name, *more]
        command += ["--file", self._files[side]]
        command += ["--target", target.name] if target.name else []
        command += [
            word for key, values in options.items() for each in values for word in (key, each)
        ]
        return [*command, self._job.context]

    def _name(self, target: Target, side: Side) -> str:
        return f"localhost/stagelint-{side}-{self._job.targets.index(target)}"

    def _archive(self, target: Target, side: Side) -> str:
        return os.path.join(self._folder, f"{side}-{self._job.targets.index(target)}.tar")
