"""Files made to hold up a run, and links and pipes that lead it astray."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

resource = pytest.importorskip("resource")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

STAGES = 100_000
#: What a run may take: seconds of CPU, bytes of address space.
SECONDS, MEMORY = 90, 3 << 30

FILES = {
    "a line of 10 MB": "FROM a\nRUN " + "x" * 10_000_000 + "\n",
    "variables in a line": "FROM a\nENV A=" + "$B" * 100_000 + "\n",
    "quotes in a line": "FROM a\nRUN " + "'\"" * 1_000_000 + "\n",
    "stages upon stages": "FROM a AS s0\n"
    + "".join(f"FROM s{n} AS s{n + 1}\n" for n in range(STAGES)),
    "stages that ask for variables": "FROM a AS s0\n"
    + "".join(f"FROM s{n} AS s{n + 1}\nARG PASSWORD\nRUN x $A\nCMD x\n" for n in range(2000)),
    "instructions that undo others": "FROM a\n" + "CMD x\nENV PASSWORD=x\n" * 10_000,
    "comments that silence nothing": "FROM a\n" + "# stagelint: ignore[SL101]\n" * 10_000,
    "stages upon stages that nothing needs": "FROM a AS s0\n"
    + "".join(f"FROM s{n} AS s{n + 1}\n" for n in range(STAGES))
    + "FROM b\n",
    "nested defaults": "FROM a\nENV A=" + "${A:-" * 10_000 + "}" * 10_000 + "\n",
    "nested substitutions": "FROM a\nRUN " + "$(" * 10_000 + ")" * 10_000 + "\n",
    "nested subshells": "FROM a\nRUN " + "(" * 10_000 + ")" * 10_000 + "\n",
    "nested lists": "FROM a\nCMD " + "[" * 10_000 + "]" * 10_000 + "\n",
    "nested triggers": "FROM a\n" + "ONBUILD " * 8_000 + "RUN x\n",
    "an ARG that doubles": "ARG A0=xxxxxxxx\n"
    + "".join(f"ARG A{n + 1}=$A{n}$A{n}\n" for n in range(200))
    + "FROM $A200\n",
    "an ENV that doubles": "FROM a\nENV A=xxxxxxxx\n" + "ENV A=$A$A\n" * 200 + "COPY $A /b\n",
    "patterns that go back": "FROM a\nENV A=" + "a" * 4000 + " B=x\n"
    "ENV B=${A//" + "*a" * 500 + "b/x} C=${A%" + "*a" * 1000 + "b}\n",
    "copies of copies": "FROM a AS s0\n"
    + "".join(
        f"FROM a AS s{n + 1}\nCOPY --from=s{n} / /\nCOPY --from=s{max(0, n - 1)} / /x\n"
        for n in range(3000)
    ),
}  # fmt: skip


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "stagelint", *arguments]


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_read_within_bounds(name: str, empty_folder: Path) -> None:
    (empty_folder / "Dockerfile").write_text(FILES[name], "utf-8")
    options = ("--isolated", "--select", "ALL", "--ignore", "SC", "--output-format", "concise")
    done = subprocess.run(
        command(*options, "Dockerfile"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=_bounded,
        check=False,
    )

    assert (done.returncode in (0, 1), done.stderr) == (True, b"")


#: Files around a Dockerfile that are nested deeply, or lead to themselves.
OTHERS = {
    "compose.yaml": "services: {a: {build: {target: " + "[" * 10_000,
    "docker-bake.hcl": 'target "a" { target = ' + "(" * 10_000 + ")" * 10_000 + " }\n",
    "a.hcl": 'variable "A" { default = "${A}${A}" }\ntarget "a" { target = "${A}" }\n'
    + 'target "b" { inherits = ["b", "a"] }\n' * 500,
    "docker-bake.json": '{"target": ' * 10_000,
    "main.tf": 'resource "docker_image" "a" { build ' + "{ x " * 10_000,
    "build.sh": "docker build --target " + '"$(' * 10_000,
    "Makefile": "A = $(A)$(A)\na:\n\tdocker build --target " + "$(A" * 10_000 + "\n",
    "Jenkinsfile": "docker.build('a', " + "(" * 10_000,
    "Justfile": "a := a + a\nb:\n  docker build --target {{" + "(" * 10_000 + "\n",
    "build.py": "import docker\nclient.images.build(target=" + "(" * 10_000,
    "Tiltfile": "docker_build('a', target=" + "[" * 10_000,
    "a.csproj": "<PropertyGroup>docker build" + "<a>" * 10_000,
    "Earthfile": "a:\n  RUN docker build --target " + "${a:-" * 10_000 + "\n",
    ".github/workflows/a.yml": "jobs: {a: {steps: [{run: 'docker build --target "
    + "${{ a || " * 10_000
    + "'}]}}\n",
}


@pytest.mark.slow
def test_files_around_are_read_within_bounds(empty_folder: Path) -> None:
    (empty_folder / "Dockerfile").write_text("FROM a AS b\nFROM a\n", "utf-8")
    for name, text in OTHERS.items():
        (empty_folder / name).parent.mkdir(parents=True, exist_ok=True)
        (empty_folder / name).write_text(text, "utf-8")
    done = subprocess.run(
        command("refs", "--project", "."),
        capture_output=True,
        preexec_fn=_bounded,
        check=False,
    )

    notes = done.stderr.decode().splitlines()
    assert done.returncode == 0
    assert all(re.fullmatch(r"stagelint: \S+: line \d+: [ -~]+", each) for each in notes), notes
