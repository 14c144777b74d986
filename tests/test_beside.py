"""Fixes beside a Dockerfile: `stagelint optimize` writes the `.dockerignore` that builds share."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stagelint.cli import main

DOCKERFILE = "FROM node:22-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"
LOCK = '{"lockfileVersion": 3, "packages": {"": {}}}'

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def project(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NO_COLOR", "1")
    for name, text in {
        "Dockerfile": DOCKERFILE,
        "package.json": "{}",
        "package-lock.json": LOCK,
        "node_modules/a/index.js": "12345",
    }.items():
        path = empty_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return empty_folder


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["optimize", "--select", "SL311,SL313", *arguments])
        out, err = capfd.readouterr()
        return status, out, err

    return run


def test_a_dockerignore_is_made_where_there_is_none(run: Run) -> None:
    status, out, err = run("--fix", "--unsafe-fixes")

    assert (status, err) == (0, "")
    assert out.startswith(".dockerignore:\n1. Leave `node_modules` out of the build context (SL313")
    assert Path(".dockerignore").read_text() == "node_modules\n"


def test_what_is_there_stays(run: Run) -> None:
    Path(".dockerignore").write_bytes(b"# ours\r\n*.md")

    run("--fix", "--unsafe-fixes")

    assert Path(".dockerignore").read_bytes() == b"# ours\r\n*.md\r\nnode_modules\r\n"


def test_the_other_fixes_know_it_at_once_and_a_second_run_changes_nothing(run: Run) -> None:
    run("--fix", "--unsafe-fixes")

    written = [path.read_text() for path in map(Path, ("Dockerfile", ".dockerignore"))]
    assert written[0] == (
        "FROM node:22-slim\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n"
    )
    assert run("--fix", "--unsafe-fixes")[1] == "Nothing to gain was found.\n"
    assert [path.read_text() for path in map(Path, ("Dockerfile", ".dockerignore"))] == written


def test_several_dockerfiles_share_one(run: Run) -> None:
    Path("b.Dockerfile").write_text("FROM python:3.13\nCOPY . /src\n")
    Path("__pycache__").mkdir()
    Path("__pycache__/a.pyc").write_text("12")

    run("--fix", "--unsafe-fixes", ".")

    assert Path(".dockerignore").read_text() == "__pycache__\nnode_modules\n"


def test_that_of_one_dockerfile_goes_before_that_of_all(run: Run) -> None:
    Path("Dockerfile.dockerignore").write_text("*.md\n")

    run("--fix", "--unsafe-fixes")

    assert Path("Dockerfile.dockerignore").read_text() == "*.md\nnode_modules\n"
    assert not Path(".dockerignore").exists()


@pytest.mark.parametrize("options", [(), ("--fix",), ("--unsafe-fixes",)])
def test_nothing_is_written_unless_it_is_asked_for(options: tuple[str, ...], run: Run) -> None:
    status, out, _ = run(*options)

    assert status == 0
    assert "1. .dockerignore:1:1: SL313 leftovers-in-context\n" in out
    assert not Path(".dockerignore").exists()


def test_the_diff_makes_the_file(run: Run, project: Path) -> None:
    status, out, _ = run("--diff", "--unsafe-fixes", "--select", "SL313")
    diff = out[out.index("--- ") :]
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "apply", "-p0"], input=diff, text=True, check=True)

    assert status == 1
    assert diff.startswith("--- /dev/null\n+++ .dockerignore\n@@ -0,0 +1 @@\n+node_modules\n")
    assert Path(".dockerignore").read_text() == "node_modules\n"


def test_a_link_out_of_the_repository_is_not_followed(
    run: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "profile"
    outside.write_text("export A=1\n")
    Path(".dockerignore").symlink_to(outside)

    status, _, err = run("--fix", "--unsafe-fixes")

    assert (status, outside.read_text()) == (2, "export A=1\n")
    assert err == "stagelint: .dockerignore: is a link to a file outside; nothing was written\n"


def test_what_cannot_be_written_is_said_and_not_relied_upon(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: str, source: object) -> None:
        raise PermissionError(13, "permission denied")

    monkeypatch.setattr("stagelint.discover.create", fail)

    status, out, err = run("--fix", "--unsafe-fixes")

    assert (status, err) == (2, "stagelint: .dockerignore: permission denied\n")
    assert Path("Dockerfile").read_text() == DOCKERFILE
    assert "let `.dockerignore` leave it out" in out


def test_a_comment_there_silences_it(run: Run) -> None:
    Path(".dockerignore").write_text("# stagelint: file-ignore[SL313]\n*.md\n")

    assert "SL313" not in run()[1]


def test_the_standard_input_changes_no_other_file(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(DOCKERFILE.encode())))

    run("--fix", "--unsafe-fixes", "--stdin-filename", "Dockerfile", "-")

    assert not Path(".dockerignore").exists()
