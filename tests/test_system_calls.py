"""What a run does to its machine, as the kernel is asked for it: it reads, and writes what it is told to."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GIT, STRACE = shutil.which("git"), shutil.which("strace")
REQUIRED = "STAGELINT_REQUIRE_BUILDERS" in os.environ

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (REQUIRED or (GIT and STRACE)), reason="needs git and strace"),
]

#: Calls with a path that change nothing.
_READS = (
    r"(?:access|faccessat2?|chdir|getcwd|l?stat|newfstatat|statx|statfs|fstatfs|readlink(?:at)?|l?(?:list|get)xattr"
    r"|open(?:at)?\((?!.*\bO_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND)\b)|openat\(AT_FDCWD, \"/dev/null\")"
)
#: Calls about processes: git is the only program, and is asked in a way that is safe.
_PROCESSES = (
    r"(?:v?fork|clone3?|wait4|waitid|exit(?:_group)?|kill|rt_sigqueueinfo|prctl|arch_prctl|pidfd_open)\("
    rf"|execve\(\"{GIT}\", \[\"{GIT}\", \"--no-pager\", \"-c\", \"core.fsmonitor=false\""
)
_IS_HARMLESS = rf"(?:{_READS}|{_PROCESSES}|<\.\.\.|\+\+\+|---)"
#: The file beside another one that is to take its place.
_TEMPORARY = r"[^\"]*\.stagelint-\d+-\w+\.tmp"
_WRITING = rf"openat\(AT_FDCWD, \"{_TEMPORARY}\", O_WRONLY\|O_CREAT\|O_EXCL|(?:chown|chmod|unlink)\(\"{_TEMPORARY}\""
_RENAME = rf"rename\(\"{_TEMPORARY}\", \"([^\"]*)\""

EVIL = "touch ../was-run; curl http://example.com/"
FILES = {
    "Dockerfile": "# syntax=docker/dockerfile:1\nFROM golang AS build\nADD http://example.com/x /\n"
    f"ENV a b\nRUN {EVIL}\nRUN `{EVIL}` $({EVIL})\nFROM alpine\nCOPY --from=0 /a ../../../x\nCOPY . /src\n",
    "compose.yaml": "services: {a: {build: {context: ../.., target: !!python/object/apply:"
    f"os.system ['{EVIL}']}}}}\ninclude: [/etc/passwd, http://example.com/]\n",
    "docker-bake.hcl": 'target "a" { target = file("/etc/passwd") }\n',
    "build.py": f"import os, docker\nos.system('{EVIL}')\ndocker.build(target='x')\n",
    "Makefile": f"X := $(shell {EVIL})\na:\n\tdocker build --target $(X) .\n",
    "build.sh": f'docker build --target "$({EVIL})" .\n',
    "Tiltfile": f"local('{EVIL}')\ndocker_build('a', '.', target='x')\n",
    ".gitattributes": "* filter=evil diff=evil\n",
}
#: What git is told to run by them, some of it each time it is asked anything.
SETTINGS = (
    "core.fsmonitor core.pager core.editor core.sshCommand diff.external diff.evil.command"
    " diff.evil.textconv filter.evil.clean filter.evil.smudge filter.evil.process gpg.program"
    " pager.diff pager.log credential.helper"
).split()


@pytest.fixture
def project(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository all of whose files would run something, fetch something, or lead elsewhere."""
    folder = empty_folder / "project"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, "utf-8")
    (empty_folder / "outside").write_text("FROM alpine\nENV a b\n", "utf-8")
    (folder / "out.dockerfile").symlink_to("../outside")
    (folder / "loop").symlink_to(".")
    monkeypatch.chdir(folder)
    git("init", "-q")
    git("add", ".")
    git("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "x")
    os.mkfifo("Dockerfile.pipe")
    Path("node_modules").mkdir()
    Path("node_modules/a.js").write_text("x", "utf-8")
    with open("Dockerfile", "a", encoding="utf-8") as file:
        file.write("USER 1\n")
    spy = folder / ".git" / "spy"
    spy.write_text("#!/bin/sh\ntouch ../was-run\n")
    spy.chmod(0o755)
    for key in SETTINGS:
        git("config", key, str(spy))
    (folder / ".git" / "hooks" / "post-index-change").symlink_to(spy)
    return folder


def git(*arguments: str) -> None:
    assert GIT is not None
    subprocess.run([GIT, *arguments], check=True, capture_output=True)


def calls_of(*arguments: str) -> list[str]:
    """The calls of a run that are not harmless, its own start apart."""
    assert STRACE is not None
    log = Path("../log")
    run = [STRACE, "-f", "-qq", "-s", "4096", "-o", str(log), "-e", "trace=%process,%network,%file"]
    subprocess.run(
        [*run, sys.executable, "-m", "stagelint", *arguments],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=False,
    )
    calls = [line.split(maxsplit=1)[1] for line in log.read_text("utf-8").splitlines()]
    return [each for each in calls[1:] if not re.match(_IS_HARMLESS, each)]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "arguments",
    [
        ".",
        ". --diff --unsafe-fixes --select ALL --ignore SC",
        ". --since HEAD --output-format sarif",
        "--staged",
        "optimize .",
        "optimize --diff --unsafe-fixes .",
        "refs --project .",
        "graph Dockerfile",
        "impact Dockerfile --since HEAD",
        "impact Dockerfile --history 3",
        "rename Dockerfile build other --diff",
    ],
)
def test_a_run_reads_and_nothing_else(arguments: str) -> None:
    assert calls_of(*arguments.split()) == []


@pytest.mark.usefixtures("project")
def test_a_run_that_keeps_results_writes_into_their_folder_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("STAGELINT_NO_CACHE")

    calls = calls_of(".")

    assert calls
    assert [each for each in calls if "/.stagelint_cache" not in each] == []


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ("--fix --unsafe-fixes .", ["Dockerfile"]),
        ("--fix Dockerfile", ["Dockerfile"]),
        ("optimize --fix --unsafe-fixes .", [".dockerignore", "Dockerfile"]),
        ("--add-ignore Dockerfile", ["Dockerfile"]),
        ("Dockerfile --output-format json:report.json", ["report.json"]),
    ],
)
def test_a_run_writes_what_it_names_and_nothing_else(
    arguments: str, written: list[str], project: Path
) -> None:
    calls = calls_of(*arguments.split())

    renamed = [match[1] for each in calls if (match := re.match(_RENAME, each))]
    others = [each for each in calls if not re.match(rf"{_RENAME}|{_WRITING}", each)]
    assert (sorted(map(os.path.relpath, renamed)), others) == (written, [])
    assert sorted(os.listdir(project.parent)) == ["log", "outside", "project"]
    assert Path("../outside").read_text("utf-8") == "FROM alpine\nENV a b\n"
