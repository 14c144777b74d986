"""Several processes say what one says, and end when it does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stagelint import engine, parallel, processes
from stagelint.model.file import File
from stagelint.rule import Finding

pytestmark = pytest.mark.skipif(not processes.can_copy(), reason="processes cannot be copied here")

MULTI = """\
FROM golang:1.25 AS build
RUN go build -o /app{n} .
FROM alpine AS dev{n}
FROM alpine:3.20
COPY --from=0 /app{n} /app
"""
COMPOSE = "services:\n  web:\n    build:\n      context: {n}\n      target: {target}\n"

Said = Callable[..., tuple[int, bytes, bytes]]

#: Looks at files so slowly that there is time to interrupt it; each process leaves its number.
SLOW = """
import os, signal, sys, time
from stagelint import parallel
parallel._FIRST = 0
signal.signal(signal.SIGINT, signal.default_int_handler)
from stagelint import engine
from stagelint.cli import main
def lint(*_):
    open(f"{os.getpid()}.pid", "w").close()
    time.sleep(60)
engine.lint = lint
sys.exit(main())
"""


@pytest.fixture(autouse=True)
def folder(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve Dockerfiles, four of them in a repository that asks for some of their stages."""
    monkeypatch.setattr(parallel, "_FIRST", 1)
    for number in range(12):
        path = Path("repository" if number < 4 else "", str(number), "Dockerfile")
        path.parent.mkdir(parents=True)
        path.write_text(MULTI.format(n=number))
    subprocess.run(["git", "init", "-q", "repository"], check=True)
    Path("repository/compose.yaml").write_text(COMPOSE.format(n=1, target="gone"))
    Path("3").mkdir()
    Path("3/Dockerfile").write_bytes(b"\xff\xfe")
    return empty_folder


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
@pytest.mark.parametrize("more", [["."], ["repository", "."], ["repository"], ["--target", "dev3"]])
def test_any_number_says_the_same(form: str, more: list[str], said: Said) -> None:
    alone = said(*more, "--output-format", form, "--jobs", "1")

    assert b"SL102" in alone[1]
    for jobs in ("2", "3", "40", "auto", "0"):
        assert said(*more, "--output-format", form, "--jobs", jobs) == alone


def test_they_know_what_was_kept(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STAGELINT_NO_CACHE")
    monkeypatch.setenv("STAGELINT_CACHE_DIR", "kept")
    alone = said(".", "--no-cache", "--jobs", "1")

    assert said(".", "--jobs", "3") == alone
    monkeypatch.setattr(engine, "lint", None)
    assert said("4", "5", "repository", "--jobs", "3")[0] == 1


def test_what_is_wrong_with_the_settings_is_said_once(said: Said) -> None:
    Path("7/stagelint.toml").write_text('select = ["SL999"]\n')
    alone = said(".", "--jobs", "1")

    assert alone[0] == 2
    assert said(".", "--jobs", "4") == alone


def test_a_process_that_is_killed(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    this, lint = os.getpid(), engine.lint

    def killed(file: File, *rest: object) -> list[Finding]:
        if os.getpid() != this and file.source.path.startswith(("5/", "11/")):
            os.kill(os.getpid(), signal.SIGKILL)
        return lint(file, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "lint", killed)
    status, out, err = said(".", "--output-format", "concise", "--jobs", "2")

    assert status == 2
    lines = err.decode().splitlines()
    assert [line.split(": ")[1] for line in lines] == ["11/Dockerfile", "5/Dockerfile"]
    assert all("was ended (killed)" in line for line in lines)
    for number in range(12):
        assert (f"{number}/Dockerfile:".encode() in out) == (number not in (5, 11))


def test_a_defect_is_met_by_the_first_process(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(engine, "lint", broken)

    with pytest.raises(ZeroDivisionError):
        said(".", "--jobs", "2")


@pytest.mark.parametrize("to_all", [False, True])
def test_an_interrupt_ends_all(to_all: bool, folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, ".", "--jobs", "2"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while len(found := list(folder.glob("*.pid"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    if to_all:  # as a terminal does
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (130, b"", b"stagelint: interrupted\n")
    for path in found:
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.stem), 0)


def test_few_files_are_no_work_for_several(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_fork() -> int:
        raise AssertionError

    monkeypatch.setattr(os, "fork", no_fork)

    assert said(".")[0] == 1
