"""One project, built before and after: is it as promised, and what does it gain?"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from bench.equivalence import builders
from bench.optimizations.cases import Case
from bench.optimizations.comparison import differences
from stagelint.edit import Guarantee

#: Seconds that a server may take until it answers.
_PATIENCE = 30.0
#: Exits with 0 if the server on a port of this network answers a GET with 200.
_GET = """
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=5)
connection.request("GET", sys.argv[2])
sys.exit(connection.getresponse().status != 200)
"""


class Broken(Exception):
    """A case does not keep what it promises; the message says how."""


class Side(NamedTuple):
    """What one build came to."""

    tag: str
    bytes: int
    """Of the image, uncompressed, its base included."""
    layers: int
    cold: float
    """Seconds without any cache of the builder."""
    warm: float
    """Seconds once more, after the files of `touch` have changed, with the arguments `args`."""


class Project:
    """A case at work in a folder, with a daemon that has its base images."""

    def __init__(self, case: Case, docker: builders.Docker, folder: Path) -> None:
        self._case, self._docker = case, docker
        self._folders = (folder / "before", folder / "after")
        case.write(*self._folders)

    def judge(self) -> None:
        """Builds both and compares them, and tries them. Raises `Broken`."""
        if self._case.guarantee is not Guarantee.BEHAVIOUR and not self._case.changes_context:
            self._verify()
        for folder in self._folders:
            self._build(folder)
        if self._case.guarantee is not Guarantee.BEHAVIOUR and self._case.changes_context:
            self._compare()
        for folder in self._folders:
            if self._case.serves:
                self._serves(self._tag(folder))
            elif self._case.smoke is not None:
                self._smoke(self._tag(folder))

    def measure(self) -> tuple[Side, Side]:
        """What building costs and gives, before and after."""
        before, after = (self._measured(folder) for folder in self._folders)
        return before, after

    # -- the promise -----------------------------------------------------------------------------

    def _verify(self) -> None:
        before, after = self._folders
        caches = ["--but-caches"] if self._may_caches_differ else []
        command = [sys.executable, "-m", "stagelint", "verify", "--isolated", "--quiet", *caches]
        command += ["--with", "docker", "--context", str(before)]
        done = subprocess.run(
            [*command, str(before / "Dockerfile"), str(after / "Dockerfile")],
            capture_output=True,
            text=True,
            check=False,
            env=self._docker.env,
        )
        if done.returncode:
            raise Broken(f"{self._case.name}: {(done.stdout + done.stderr).strip()}")

    def _compare(self) -> None:
        """As `stagelint verify`, which knows one build context alone."""
        before, after = map(self._tag, self._folders)
        found = differences(
            *(self._docker, before, after, self._rebuilt), but_caches=self._may_caches_differ
        )
        if found:
            raise Broken("\n  ".join([f"{self._case.name}: the images differ", *found[:20]]))

    def _rebuilt(self) -> str:
        self._build(self._folders[0], "--no-cache", tag=f"{self._case.name}:again")
        return f"{self._case.name}:again"

    @property
    def _may_caches_differ(self) -> bool:
        return self._case.guarantee is Guarantee.SAME_BUT_CACHES

    def _smoke(self, tag: str) -> None:
        done = self._docker.run("run", "--rm", tag, *(self._case.smoke or ()), check=False)
        if done.returncode or self._case.expect not in done.stdout + done.stderr:
            raise Broken(f"{tag}: exits {done.returncode}, and says {done.stdout + done.stderr!r}")

    def _serves(self, tag: str) -> None:
        container = self._docker.run("run", "--detach", tag).stdout.strip()
        try:
            if not builders.waits_until(lambda: self._answers(container), _PATIENCE):
                logs = self._docker.run("logs", container, check=False)
                raise Broken(f"{tag}: does not answer, and says {logs.stdout + logs.stderr!r}")
        finally:
            self._docker.run("rm", "--force", container)

    def _answers(self, container: str) -> bool:
        """Asked within the network of the container, whose process is gone if it has failed."""
        pid = self._inspect("container", container)["State"]["Pid"]
        command = ["nsenter", "--net", "--target", str(pid), sys.executable, "-c", _GET]
        command += [str(self._case.serves), self._case.page]
        done = subprocess.run(command, capture_output=True, check=False)
        return bool(pid) and done.returncode == 0

    # -- the gain --------------------------------------------------------------------------------

    def _measured(self, folder: Path) -> Side:
        self._docker.run("builder", "prune", "--all", "--force")
        cold = _seconds(lambda: self._build(folder))
        document = self._inspect("image", self._tag(folder))
        for name in self._case.touch:
            with (folder / name).open("ab") as file:
                file.write(b"\n")
        given = [f"--build-arg={each}" for each in self._case.args]
        warm = _seconds(lambda: self._build(folder, *given))
        layers = len(document["RootFS"]["Layers"])
        return Side(self._tag(folder), int(document["Size"]), layers, cold, warm)

    def _build(self, folder: Path, *options: str, tag: str = "") -> None:
        tag = tag or self._tag(folder)
        done = self._docker.run(
            *("buildx", "build", "--load", "--progress=plain", "--tag", tag, *options, str(folder)),
            check=False,
        )
        if done.returncode:
            raise Broken(f"{tag}: does not build: {done.stderr.strip()[-2000:]}")

    def _inspect(self, kind: str, name: str) -> Any:
        return json.loads(self._docker.run(kind, "inspect", name).stdout)[0]

    def _tag(self, folder: Path) -> str:
        return f"{self._case.name}:{folder.name}"


def _seconds(do: Callable[[], None]) -> float:
    start = time.monotonic()
    do()
    return time.monotonic() - start
