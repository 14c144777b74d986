"""Docker: both files in one call of `docker buildx bake`, so that their steps can be compared.

BuildKit gives every step a digest of what it does and of all it is made from. In one call both
builds share the session and the context, and equal digests mean the same step with the same
inputs. Facts of buildx 0.29 and BuildKit v0.25.2.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Sequence
from shutil import which
from typing import Any, cast

from stagelint.verify.build import (
    BrokenBuildError,
    Builder,
    Built,
    Found,
    Job,
    Say,
    Side,
    Wishes,
    write_files,
)
from stagelint.verify.image import Image, settings, write_empty
from stagelint.verify.process import OLD_FAILS, CouldNotTellError, Runner
from stagelint.verify.steps import Steps
from stagelint.verify.verdict import Target

#: The only driver whose images are not exported to a file, but loaded into Docker.
_LOADING = "docker"
#: Uncompressed, since that is quicker, and since layers may come in zstd.
_ARCHIVE = "type=oci,compression=uncompressed,force-compression=true,dest="
_NOT_A_STEP = re.compile(r"unsupported context source target for (\S+)")
#: No attestations: they are about how an image was built. And the paths in the bake file are ours.
_ENVIRON = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "BUILDX_BAKE_ENTITLEMENTS_FS": "0"}
_CLEANUP = 60.0

_SIDES = (Side.BEFORE, Side.AFTER)


def find(runner: Runner, wishes: Wishes) -> Found:
    """Docker as it is set up here. Raises `CouldNotTellError` if it cannot build."""
    program = which("docker")
    if program is None:
        raise CouldNotTellError("docker: not installed")
    named = [wishes.buildx_builder] if wishes.buildx_builder else []
    answer = runner.ask([program, "buildx", "inspect", *named])
    problem = re.search(r"(?m)^\s*Error:\s*(.*\S)", answer.out)
    driver = re.search(r"(?m)^Driver:\s*(\S+)", answer.out)
    if answer.status or problem or driver is None:
        reason = problem[1] if problem else (answer.err.strip() or "no builder").splitlines()[-1]
        raise CouldNotTellError(f"docker: {reason}")

    def start(job: Job, folder: str, runner: Runner, say: Say) -> Builder:
        return BuildKit(job, folder, runner, say, program, driver[1] == _LOADING)

    title = f"docker buildx, builder {named[0]}" if named else "docker buildx"
    return Found(title, start)


class BuildKit:
    """Docker at work on one job."""

    unit = "step"

    def __init__(
        self, job: Job, folder: str, runner: Runner, say: Say, program: str, loads: bool
    ) -> None:
        """*folder* is for what it needs; *loads* if images go to Docker and not to a file."""
        self._job, self._folder, self._runner, self._say = job, folder, runner, say
        self._program, self._loads = program, loads
        self._files = write_files(job, folder)
        # In every name there is something nobody can guess, so that no stage is taken for a target.
        self._nonce = os.urandom(8).hex()

    # -- building --------------------------------------------------------------------------------

    def build(self) -> list[Built]:
        """See `Builder`."""
        stepless: set[str] = set()
        while True:
            status, steps = self._bake(_SIDES, watched=self._names(_SIDES) - stepless)
            if status == 0:
                return self._built(steps, stepless)
            empty = [m[1] for line in steps.last_lines if (m := _NOT_A_STEP.search(line))]
            if not empty or empty[0] in stepless:
                self._blame(steps)
            stepless.add(empty[0])

    def _blame(self, steps: Steps) -> None:
        """Which of the two files does not build?"""
        status, alone = self._bake([Side.BEFORE])
        if any("rawjson" in line for line in alone.last_lines):
            raise CouldNotTellError("docker buildx is too old: it does not know --progress=rawjson")
        if status:
            raise CouldNotTellError(OLD_FAILS, self._lines(alone))
        status, alone = self._bake([Side.AFTER])
        if status:
            raise BrokenBuildError(self._lines(alone))
        raise CouldNotTellError("the builder failed", self._lines(steps))

    def _lines(self, steps: Steps) -> list[str]:
        return [self._plain(line) for line in steps.last_lines]

    def _plain(self, line: str) -> str:
        """*line* with the names of targets that the user knows."""
        targets = self._job.targets
        return re.sub(
            rf"(\w+)-(\d+)-{self._nonce}", lambda m: f"{m[1]} {targets[int(m[2])].label}", line
        )

    def _built(self, steps: Steps, stepless: Collection[str]) -> list[Built]:
        copies = re.compile(rf"COPY --from=(\w+-\d+-{self._nonce}) ")
        final = {
            m[1]: step.inputs[-1]
            for step in steps.told()
            if step.inputs and (m := copies.search(step.name))
        }
        found: list[Built] = []
        for target in self._job.targets:
            names = [self._name(target, side) for side in _SIDES]
            if not {*names} <= {*final, *stepless}:
                raise CouldNotTellError(f"docker does not tell the steps of `{target.label}`")
            before, after = (steps.needed(final.get(name)) for name in names)
            is_same = final.get(names[0]) == final.get(names[1])
            configs = [self._settings(target, side) for side in _SIDES] if is_same else []
            found.append(
                Built(
                    target,
                    len(before & after),
                    len(before | after),
                    (steps.cost(before), steps.cost(after)),
                    is_same and configs[0] == configs[1],
                )
            )
        return found

    def _settings(self, target: Target, side: Side) -> dict[str, object]:
        """The config alone; Docker tells it without giving out the whole image."""
        if not self._loads:
            return self.image(target, side).settings
        return settings(self._inspect(self._name(target, side)))

    def _inspect(self, name: str) -> dict[str, Any]:
        answer = self._runner.ask([self._program, "image", "inspect", self._tag(name)])
        if answer.status:
            raise CouldNotTellError("the image is not there", answer.err.splitlines())
        return cast("dict[str, Any]", json.loads(answer.out)[0])

    def rebuild(self, target: Target) -> None:
        """See `Builder`."""
        status, steps = self._bake([Side.AGAIN], only=target)
        if status:
            raise CouldNotTellError("the old file does not build again", self._lines(steps))

    def image(self, target: Target, side: Side) -> Image:
        """See `Builder`."""
        name = self._name(target, side)
        path = self._archive(name)
        if self._loads and not os.path.exists(path):
            self._save(name, path)
        return Image(path, self._runner.check)

    def _save(self, name: str, path: str) -> None:
        document = self._inspect(name)
        if not document.get("RootFS", {}).get("Layers"):  # which Docker 28.5 does not save
            write_empty(path, document)
            return
        answer = self._runner.ask([self._program, "image", "save", "-o", path, self._tag(name)])
        if answer.status:
            raise CouldNotTellError("the image cannot be saved", answer.err.splitlines())

    def close(self) -> None:
        """See `Builder`."""
        if self._loads:
            tags = [self._tag(name) for name in self._names(Side)]
            Runner(_CLEANUP).ask([self._program, "image", "rm", *tags])

    # -- the bake file ---------------------------------------------------------------------------

    def _bake(
        self, sides: Sequence[Side], watched: Iterable[str] = (), only: Target | None = None
    ) -> tuple[int, Steps]:
        """Build the targets, or *only* one, and tell the steps of those *watched* from others."""
        targets = {
            self._name(target, side): self._target(target, side)
            for side in sides
            for target in self._job.targets
            if only in (None, target)
        }
        if watched:
            targets[f"watch-{self._nonce}"] = self._watch(sorted(watched))
        path = os.path.join(self._folder, "bake.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"group": {"default": {"targets": list(targets)}}, "target": targets}, file)
        named = self._job.wishes.buildx_builder
        command = [self._program, "buildx", "bake", "--file", path, "--progress=rawjson"]
        command += ["--builder", named] if named else []
        steps = Steps()

        def take(line: str) -> None:
            for name in steps.take(line):
                if "internal]" not in name and self._nonce not in name.partition("]")[2]:
                    self._say(self._plain(name))

        environ = {**os.environ, **_ENVIRON, "TMPDIR": self._folder}  # also for what it leaves
        return self._runner.follow(command, take, environ), steps

    def _target(self, target: Target, side: Side) -> dict[str, Any]:
        name, wishes = self._name(target, side), self._job.wishes
        found: dict[str, Any] = {
            "context": self._job.context,
            "dockerfile": self._files[side],
            "args": dict(self._job.build_args),
            "secret": list(wishes.secrets),
            "ssh": list(wishes.ssh),
            "no-cache": side is Side.AGAIN,
        }
        if target.name:
            found["target"] = target.name
        if self._loads:
            found |= {"output": ["type=docker"], "tags": [self._tag(name)]}
        else:
            found["output"] = [_ARCHIVE + self._archive(name)]
        return {key: _literal(value) for key, value in found.items()}

    def _watch(self, names: list[str]) -> dict[str, Any]:
        """A target that needs the others, so that its steps lead to the last step of each.

        The pattern matches no file, and so nothing is copied.
        """
        copies = "".join(f"COPY --from={each} /.{self._nonce}* /\n" for each in names)
        return {
            "dockerfile-inline": f"FROM scratch\n{copies}",
            "contexts": {each: f"target:{each}" for each in names},
            "output": ["type=cacheonly"],
        }

    def _names(self, sides: Iterable[Side]) -> set[str]:
        return {self._name(target, side) for side in sides for target in self._job.targets}

    def _name(self, target: Target, side: Side) -> str:
        return f"{side}-{self._job.targets.index(target)}-{self._nonce}"

    def _tag(self, name: str) -> str:
        return f"stagelint-verify:{name}"

    def _archive(self, name: str) -> str:
        return os.path.join(self._folder, f"{name}.tar")


def _literal(value: object) -> object:
    """*value* so that bake, which reads strings as templates, finds the same in it."""
    if isinstance(value, dict):
        return {key: _literal(each) for key, each in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_literal(each) for each in cast("list[object]", value)]
    if isinstance(value, str):
        return value.replace("${", "$${").replace("%{", "%%{")
    return value
