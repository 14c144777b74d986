"""Do the hooks take the files that discovery takes, fail on findings, and fix?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from stagelint import discover

pytest.importorskip("pre_commit")

ROOT = Path(__file__).parent.parent
MANIFEST = ROOT / ".pre-commit-hooks.yaml"
HOOKS = ("stagelint", "stagelint-fix")

BAD = "FROM golang\nRUN go build -o /app\n\nFROM scratch\nCOPY --from=0 /app /app\n"
FIXED = BAD.replace("golang", "golang AS build").replace("=0", "=build")

#: Names that differ in more than case, since not every file system tells those apart.
DOCKERFILES = (
    "Containerfile",
    "Dockerfile",
    "Dockerfile-dev",
    "Dockerfile.alpine-3.20",
    "Dockerfile_dev",
    "api-dockerfile",
    "app.containerfile",
    "dev.Dockerfile",
    "images/dockerfile",
    "images/prod.dockerfile",
    "with blank/Dockerfile.ü",
)
OTHERS = (
    ".dockerignore",
    "Dockerfile.dockerignore",
    "Dockerfile.j2",
    "Dockerfile.md",
    "Dockerfile.orig",
    "Dockerfile.template",
    "Dockerfiles",
    "Makefile",
    "dockerfile.py",
    "docs/my-dockerfile.txt",
    "mydockerfile",
    "Dockerfile/readme",
)


def hooks() -> dict[str, dict[str, str]]:
    load: Callable[[str], list[dict[str, str]]]
    load = import_module("pre_commit.clientlib").load_manifest
    return {hook["id"]: hook for hook in load(str(MANIFEST))}


# -- the manifest --------------------------------------------------------------------------------


def test_the_manifest_has_these_hooks() -> None:
    assert tuple(hooks()) == (*HOOKS, "stagelint-repo")


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_selects_by_the_names_of_discovery(hook: str) -> None:
    manifest = hooks()[hook]

    assert (manifest["files"], manifest["exclude"]) == discover.NAMES


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_takes_what_discovery_takes(hook: str) -> None:
    wanted, unwanted = hooks()[hook]["files"], hooks()[hook]["exclude"]
    names = (*DOCKERFILES, *OTHERS)
    taken = [name for name in names if re.search(wanted, name) and not re.search(unwanted, name)]

    assert taken == [name for name in names if discover.is_dockerfile(name)] == list(DOCKERFILES)


# -- real runs -----------------------------------------------------------------------------------


class Ran(NamedTuple):
    status: int
    out: str


class Project(NamedTuple):
    """A repository that uses the hooks."""

    folder: Path
    environ: dict[str, str]

    def git(self, *arguments: str) -> str:
        return git(self.folder, self.environ, *arguments)

    def pre_commit(self, *arguments: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", *arguments],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode().replace("\r\n", "\n"))

    def run(self, hook: str) -> Ran:
        return self.pre_commit("run", "--all-files", "--color=never", hook)

    def write(self, *names: str, text: str = BAD) -> None:
        """Put *text* into files known to git."""
        for name in names:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        self.git("add", "--all")


def git(folder: Path, environ: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environ, check=True, capture_output=True
    )
    return os.fsdecode(done.stdout)


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment that knows neither settings of the user nor this checkout's modules."""
    foreign = ("GIT_", "PRE_COMMIT", "PYTHONPATH", "SKIP", "VIRTUAL_ENV")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    person = {"NAME": "x", "EMAIL": "x@example.org"}
    return {
        **kept,
        **{f"GIT_AUTHOR_{key}": value for key, value in person.items()},
        **{f"GIT_COMMITTER_{key}": value for key, value in person.items()},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("home")),
        "PYTHONIOENCODING": "utf-8",
    }


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str]) -> Path:
    """A repository that holds the working files of this checkout, committed or not."""
    folder = tmp_path_factory.mktemp("release")
    listed = git(
        ROOT, dict(os.environ), "ls-files", "-z", "--cached", "--others", "--exclude-standard"
    )
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    for arguments in (["init", "-q"], ["add", "--all"], ["commit", "-q", "-m", "x"]):
        git(folder, environ, *arguments)
    return folder


@pytest.fixture
def project(tmp_path: Path, release: Path, environ: dict[str, str]) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    made = Project(folder, environ)
    made.git("init", "-q")
    made.write(".pre-commit-config.yaml", text=config(release, environ))
    return made


def config(release: Path, environ: dict[str, str]) -> str:
    revision = git(release, environ, "rev-parse", "HEAD").strip()
    return (
        f"repos:\n- repo: '{release.as_posix()}'\n  rev: {revision}\n  hooks:\n"
        "  - id: stagelint\n    args: [--output-format=concise]\n"
        "  - id: stagelint-fix\n    args: [--show-fixes]\n"
        "  - id: stagelint-repo\n    args: [--output-format=concise]\n"
    )


@pytest.mark.slow
def test_the_manifest_is_valid() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-manifest", str(MANIFEST)],
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.slow
def test_the_hook_fails_on_findings_in_files_of_all_names(project: Project) -> None:
    project.write(*DOCKERFILES, *(name for name in OTHERS if not name.startswith("Dockerfile/")))
    findings = "".join(
        f"{name.replace('/', os.sep)}:5:13: warning SL102 [*] stage 0 is referred to by its number\n"
        for name in sorted(DOCKERFILES, key=lambda name: name.split("/"))
    )

    assert installed(project).run("stagelint") == Ran(
        1,
        f"{'stagelint':.<73}Failed\n- hook id: stagelint\n- exit code: 1\n\n{findings}"
        "Found 11 findings (11 warnings) in 11 files.\n[*] 11 fixable with --fix.\n\n",
    )


@pytest.mark.slow
def test_the_fixing_hook_fixes_and_passes_then(project: Project) -> None:
    names = ("Dockerfile", "api/dev.dockerfile", "Dockerfile.md", "api/Dockerfile.j2")
    project.write(*names)
    first = installed(project).run("stagelint-fix")
    texts = [(project.folder / name).read_bytes().decode() for name in names]
    project.git("add", "--all")
    second = project.run("stagelint-fix")
    lint = project.run("stagelint")

    api = os.path.join("api", "dev.dockerfile")

    assert first == Ran(
        1,
        f"{'stagelint (fix)':.<73}Failed\n- hook id: stagelint-fix\n"
        "- files were modified by this hook\n\n"
        "Dockerfile:\n    1 × SL102 (numeric-stage-reference)\n"
        f"{api}:\n    1 × SL102 (numeric-stage-reference)\n"
        "Fixed 2 findings, none left.\n\n",
    )
    assert texts == [FIXED, FIXED, BAD, BAD]
    assert second == Ran(0, f"{'stagelint (fix)':.<73}Passed\n")
    assert lint == Ran(0, f"{'stagelint':.<73}Passed\n")


@pytest.mark.slow
def test_a_hook_leaves_out_what_the_configuration_excludes(project: Project) -> None:
    project.write("vendor/Dockerfile")
    project.write("stagelint.toml", text='exclude = ["vendor"]\n')
    lint = installed(project).run("stagelint")
    fix = project.run("stagelint-fix")

    assert lint == Ran(0, f"{'stagelint':.<73}Passed\n")
    assert fix == Ran(0, f"{'stagelint (fix)':.<73}Passed\n")
    assert (project.folder / "vendor/Dockerfile").read_bytes().decode() == BAD


@pytest.mark.slow
def test_the_hook_for_repositories_reads_who_asks(project: Project) -> None:
    project.write("Dockerfile", text="FROM alpine AS dev\nFROM alpine AS prod\n")
    project.write("compose.yaml", text="services:\n  web:\n    build: {context: ., target: dve}\n")

    assert installed(project).run("stagelint-repo") == Ran(
        1,
        f"{'stagelint (repository)':.<73}Failed\n- hook id: stagelint-repo\n- exit code: 1\n\n"
        "Dockerfile:1:1: warning SL101 stage `dev` is not needed, and no file of the repository"
        " asks for it\n"
        "compose.yaml:3:33: error SL103 target `dve` does not exist in Dockerfile; did you mean"
        " `dev`?\n"
        "Found 2 findings (1 error, 1 warning) in 2 files.\n1 fixable with --unsafe-fixes.\n\n",
    )


@pytest.mark.slow
def test_a_hook_has_nothing_to_do_without_dockerfiles(project: Project) -> None:
    project.write("main.py", text="pass\n")

    assert installed(project).run("stagelint") == Ran(
        0, f"{'stagelint':.<53}(no files to check)Skipped\n"
    )


@pytest.mark.slow
def test_the_hook_stops_a_commit(project: Project) -> None:
    project.write("Dockerfile")
    installed(project).pre_commit("install")
    commit = subprocess.run(
        ["git", "commit", "-m", "x"],
        cwd=project.folder,
        env=project.environ,
        capture_output=True,
        check=False,
    )

    assert (commit.returncode, project.git("log", "--all", "--oneline")) == (1, "")


def installed(project: Project) -> Project:
    """The project once the hooks are installed, so that a run prints nothing of that."""
    done = project.pre_commit("install-hooks", "--color=never")

    assert done.status == 0, done.out
    return project
