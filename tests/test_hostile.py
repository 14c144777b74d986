"""Files made to hold up a run, and what a run does to its machine: it reads, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
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
    "variables in a line": "FROM a\nENV A=" + "$B" * 500_000 + "\n",
    "quotes in a line": "FROM a\nRUN " + "'\"" * 1_000_000 + "\n",
    "stages": "".join(f"FROM a AS s{n}\n" for n in range(STAGES)),
    "stages upon stages": "FROM a AS s0\n"
    + "".join(f"FROM s{n} AS s{n + 1}\n" for n in range(STAGES)),
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


# -- what a run does to its machine ----------------------------------------------------------------

#: What starts a program, reaches a network, or changes what is on disk.
CALLS = (
    "execve,execveat,socket,connect,open,openat,openat2,creat,unlink,unlinkat,rename,renameat,"
    "renameat2,mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat,truncate,ftruncate,chmod,fchmod,"
    "fchmodat,chown,fchown,lchown,fchownat,mknod,mknodat,setxattr,utimensat"
)
_WRITES = re.compile(r"\bO_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND)\b")


def traced(folder: Path, *arguments: str) -> list[str]:
    """What a run in *folder*, with what it starts, did that is not reading; git is asked for names."""
    strace = shutil.which("strace")
    if strace is None:
        if "STAGELINT_REQUIRE_BUILDERS" in os.environ:
            pytest.fail("strace is not installed")
        pytest.skip("needs strace")
    log = folder.parent / "log"
    run = [strace, "-f", "-qq", "-s", "4096", "-o", str(log), "-e", f"trace={CALLS}"]
    subprocess.run(
        [*run, *command(*arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=False,
    )
    lines = [line.split(maxsplit=1)[1] for line in log.read_text("utf-8").splitlines()]
    own = next(n for n, line in enumerate(lines) if line.startswith("execve("))
    return [each for each in lines[own + 1 :] if not _is_reading(each)]


def _is_reading(call: str) -> bool:
    if (
        call.startswith(("+++", "---", 'execve("/usr/bin/git", ["/usr/bin/git", "--no-pager"'))
        or " = -1 " in call
        or '"/dev/null"' in call
    ):
        return True
    return call.startswith("open") and not _WRITES.search(call)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository all of whose files would run something, fetch something, or lead elsewhere."""
    folder = tmp_path / "project"
    (folder / ".git" / "hooks").mkdir(parents=True)
    evil = "touch ../was-run; curl http://example.com/"
    files = {
        "Dockerfile": "# syntax=docker/dockerfile:1\nFROM golang AS build\nADD http://example.com/x /\n"
        f"RUN {evil}\nRUN `{evil}` $({evil})\nFROM alpine\nCOPY --from=0 /a ../../../x\n",
        "compose.yaml": "services: {a: {build: {context: ../.., target: !!python/object/apply:"
        f"os.system ['{evil}']}}}}\ninclude: [/etc/passwd, http://example.com/]\n",
        "docker-bake.hcl": 'target "a" { target = file("/etc/passwd") }\n',
        "build.py": f"import os, docker\nos.system('{evil}')\ndocker.build(target='x')\n",
        "Makefile": f"X := $(shell {evil})\na:\n\tdocker build --target $(X) .\n",
        "build.sh": f'docker build --target "$({evil})" .\n',
        "Tiltfile": f"local('{evil}')\ndocker_build('a', '.', target='x')\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    (folder / "loop").symlink_to(".")
    (folder / "out.dockerfile").symlink_to("/etc/passwd")
    os.mkfifo(folder / "Dockerfile.pipe")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [".", ". --diff --unsafe-fixes", "refs --project .", "optimize .", "graph Dockerfile",
     ". --output-format sarif"],
)  # fmt: skip
def test_a_run_reads_and_nothing_else(arguments: str, project: Path) -> None:
    shutil.rmtree(project / ".git")

    assert traced(project, *arguments.split()) == []


@pytest.mark.slow
def test_a_fix_writes_the_file_and_nothing_else(project: Path) -> None:
    shutil.rmtree(project / ".git")
    done = traced(project, "--fix", "Dockerfile")

    assert any("rename" in each for each in done)
    elsewhere = [each for each in done if not re.search(r"\.stagelint-\d+-\w+\.tmp|fch\w+\(", each)]
    assert elsewhere == []
    assert sorted(each.name for each in project.parent.iterdir()) == ["log", "project"]
