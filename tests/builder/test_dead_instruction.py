"""What SL209 calls dead makes no difference to real builders, and what is nearly dead does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.equivalence import builders
from stagelint.engine import fix, lint
from stagelint.model import File, Options
from stagelint.registry import Registry, Ruleset
from stagelint.source import Source

ROOT = Path(__file__).parents[2]
REGISTRY = Registry()
RULES = [rule for rule in REGISTRY.load(REGISTRY.defaults) if rule.code == "SL209"]

#: Every kind of dead instruction at once, and what the fix leaves of them.
DEAD = """\
ARG NOBODY=1
ARG BASE=busybox
FROM busybox
RUN mkdir /out && echo made > /out/made
ARG UNREAD
ENV LATE=1
LABEL of=builder
EXPOSE 80/tcp
VOLUME /out
STOPSIGNAL SIGINT
HEALTHCHECK CMD true
ENTRYPOINT ["app"]
CMD ["builder"]

FROM $BASE AS named
HEALTHCHECK CMD false
HEALTHCHECK NONE
CMD first
CMD ["second"]
EXPOSE 81

FROM busybox AS twice
ENTRYPOINT ["one"]
ENTRYPOINT ["two"]

FROM busybox
STOPSIGNAL SIGINT
STOPSIGNAL SIGTERM
ENTRYPOINT ["one"]
ENTRYPOINT ["two"]
COPY --from=0 /out /out
COPY --from=named /bin/sh /sh
RUN test ! -e "$BASE" && cat /out/made > /copied
ARG AFTERWARDS=1
LABEL of=last
CMD ["last"]
"""
KEPT = """\
ARG BASE=busybox
FROM busybox
RUN mkdir /out && echo made > /out/made

FROM $BASE AS named
HEALTHCHECK NONE
CMD ["second"]
EXPOSE 81

FROM busybox AS twice
ENTRYPOINT ["two"]

FROM busybox
STOPSIGNAL SIGTERM
ENTRYPOINT ["two"]
COPY --from=0 /out /out
COPY --from=named /bin/sh /sh
RUN test ! -e "$BASE" && cat /out/made > /copied
LABEL of=last
CMD ["last"]
"""

#: A file, the line that is not dead, and the target whose image needs it.
ALIVE = [
    ("FROM busybox\nWORKDIR /made\nFROM scratch\nCOPY --from=0 / /\n", 2, ""),
    ("FROM busybox\nENV A=1\nRUN echo $A > /f\nFROM scratch\nCOPY --from=0 /f /f\n", 2, ""),
    ("FROM busybox\nARG A=1\nRUN echo $A > /f\nFROM scratch\nCOPY --from=0 /f /f\n", 2, ""),
    ("FROM busybox AS a\nARG A=1\nFROM a\nRUN echo $A > /f\n", 2, ""),
    ("FROM busybox AS a\nENV A=1\nFROM a AS a\nENV B=$A\nFROM a\n", 2, ""),
    ("ARG A=1\nFROM busybox\nARG A\nLABEL a=$A\n", 1, ""),
    ("FROM busybox AS a\nEXPOSE 80\nFROM scratch\nCOPY --from=a /bin/sh /sh\n", 2, "a"),
    ("FROM busybox AS a\nCMD a\nFROM a\nENTRYPOINT a\n", 2, "a"),
    ("FROM busybox\nCMD a\nENTRYPOINT a\n", 2, ""),
    ("FROM busybox AS a\nLABEL a=1\nFROM a\nLABEL a=2 b=3\n", 2, "a"),
]


def fixed(text: str) -> str:
    done = fix(Source("Dockerfile", text), Options(), Ruleset.of(RULES), lambda each: each.is_safe)
    assert done.withheld == []
    return done.source.text


def image(docker: builders.Docker, folder: Path, text: str, target: str) -> dict[str, Any]:
    """Layers and config of what is built."""
    (folder / "Dockerfile").write_text(text)
    where = ["--target", target] if target else []
    docker.run("buildx", "build", "--load", "--tag=stagelint-dead", *where, str(folder))
    (found,) = json.loads(docker.run("image", "inspect", "stagelint-dead").stdout)
    return {"layers": found["RootFS"]["Layers"], "config": found["Config"]}


def test_all_of_it_is_removed() -> None:
    assert fixed(DEAD) == KEPT


@pytest.mark.parametrize(
    ("target", "command"), [("", ["last"]), ("named", ["second"]), ("twice", None)]
)
def test_images_are_equal_without_it(
    docker: builders.Docker, tmp_path: Path, target: str, command: object
) -> None:
    before = image(docker, tmp_path, DEAD, target)
    after = image(docker, tmp_path, fixed(DEAD), target)

    assert before == after
    assert before["config"].get("Cmd") == command


@pytest.mark.parametrize(("text", "line", "target"), ALIVE)
def test_what_is_nearly_dead_makes_a_difference(
    docker: builders.Docker, tmp_path: Path, text: str, line: int, target: str
) -> None:
    lines = text.splitlines(keepends=True)
    without = "".join(lines[: line - 1] + lines[line:])

    assert lint(File(Source("Dockerfile", text), Options()), Ruleset.of(RULES)) == []
    assert image(docker, tmp_path, text, target) != image(docker, tmp_path, without, target)


@pytest.mark.parametrize("builder", ["docker", "buildah"])
def test_real_builds_verify_the_fix(
    request: pytest.FixtureRequest, tmp_path: Path, builder: str
) -> None:
    found: dict[str, str] = request.getfixturevalue(f"{builder}_env")
    env = {**found, "PYTHONPATH": os.pathsep.join([f"{ROOT}/lint", f"{ROOT}/rules"])}
    file = tmp_path / "Dockerfile"
    file.write_text(DEAD)
    command = [sys.executable, "-m", "stagelint", "--isolated", "--select=SL209", "--fix-only"]
    command += ["--verify", f"--verify-with={builder}", "Dockerfile"]
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False
    )

    assert (done.returncode, file.read_text()) == (0, KEPT), done.stderr
    assert "Dockerfile: builds the same (by " in done.stderr
