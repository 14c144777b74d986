"""One run, several outputs: which formats go where, what is refused, and what is left behind."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from stagelint import discover
from stagelint.cli import main
from stagelint.config import FORMATS

SEED = "FROM golang:1.25\nRUN go build -o /a\n\nFROM scratch\nCOPY --from=0 /a /a\n"
GNU = "Dockerfile:5:13: warning: stage 0 is referred to by its number [SL102]\n"
CONCISE = "Dockerfile:5:13: warning SL102 [*] stage 0 is referred to by its number\n"
VARIABLE = "STAGELINT_OUTPUT_FORMAT"

posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")


class Ran(NamedTuple):
    """What a run came to."""

    status: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a Dockerfile in which there is one finding."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    (tmp_path / "Dockerfile").write_text(SEED, "utf-8")
    return tmp_path


@pytest.fixture
def stagelint(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process."""

    def run(*arguments: str) -> Ran:
        capfd.readouterr()
        try:
            status = main(["-q", *arguments, "Dockerfile"])
        except SystemExit as stop:
            assert isinstance(stop.code, int)
            status = stop.code
        out, err = capfd.readouterr()
        return Ran(status, out, err)

    return run


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_printed_and_written_alike(form: str, stagelint: Run) -> None:
    printed = stagelint("--output-format", form)
    written = stagelint("--output-format", f"{form}:report")

    assert (printed.status, printed.err) == (1, "")
    assert written == Ran(1, "", "")
    assert Path("report").read_text("utf-8") == printed.out
    assert "SL102" in printed.out


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_can_say_that_nothing_was_found(form: str, stagelint: Run) -> None:
    Path("Dockerfile").write_text("FROM scratch\n", "utf-8")
    done = stagelint("--output-format", form)

    assert (done.status, done.err) == (0, "")


def test_several_at_once(stagelint: Run) -> None:
    done = stagelint(
        *("--output-format", "gitlab:a.json", "--output-format", "gnu"),
        *("--output-format", "sarif:b.sarif"),
    )

    assert done == Ran(1, GNU, "")
    assert json.loads(Path("a.json").read_text("utf-8"))[0]["check_name"] == "SL102"
    assert json.loads(Path("b.sarif").read_text("utf-8"))["version"] == "2.1.0"
    assert sorted(os.listdir()) == ["Dockerfile", "a.json", "b.sarif"]


@pytest.mark.parametrize(
    "arguments",
    [
        "-o out --output-format gnu",
        "--output-file out --output-format gnu",
        "--output-format json:x --output-format gnu --output-file out",
        "--output-format gnu:out",
    ],
)
def test_a_file_instead_of_stdout(arguments: str, stagelint: Run) -> None:
    assert stagelint(*arguments.split()) == Ran(1, "", "")
    assert Path("out").read_text("utf-8") == GNU


@pytest.mark.parametrize(
    "arguments", ["--output-format gnu:-", "--output-format gnu -o -", "--output-format gnu"]
)
def test_a_dash_is_stdout(arguments: str, stagelint: Run) -> None:
    assert stagelint(*arguments.split()) == Ran(1, GNU, "")


def test_the_option_wins_over_the_variable_and_that_over_the_configuration(
    stagelint: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("stagelint.toml").write_text('output-format = "concise"\n', "utf-8")
    assert stagelint().out == CONCISE

    monkeypatch.setenv(VARIABLE, "gnu")
    assert stagelint().out == GNU
    assert stagelint("--output-format", "concise").out == CONCISE
    assert stagelint("-o", "out").out == ""
    assert Path("out").read_text("utf-8") == GNU

    monkeypatch.setenv(VARIABLE, "gnu:other")
    assert stagelint().out == ""
    assert Path("other").read_text("utf-8") == GNU

    monkeypatch.setenv(VARIABLE, "")
    assert stagelint().out == CONCISE


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "--output-format sarfi:x",
            (
                "argument --output-format: there is no format `sarfi`; did you mean `sarif`?"
                " (see stagelint --help)"
            ),
        ),
        (
            "--output-format json:",
            "argument --output-format: `json:` names no file after the colon (see stagelint --help)",
        ),
        (
            "--output-format json --output-format text",
            (
                "only one format can be printed, not `json` and `text`; give the others a file:"
                " --output-format json:FILE"
            ),
        ),
        ("--output-format json:x -o y", "-o is for a format without a file, and each has one"),
        ("--output-format json:no/x", "no/x: there is no folder `no`; make it first"),
        ("-o no/such/x", "no/such/x: there is no folder `no/such`; make it first"),
        ("-o Dockerfile/x", "Dockerfile/x: there is no folder `Dockerfile`; make it first"),
        ("-o .", ".: is a folder; name a file in it"),
        ("-o Dockerfile", "Dockerfile: is linted, and would be overwritten; name another file"),
        (
            "--output-format json:x --output-format text:./x",
            "./x: two formats cannot be written to one file",
        ),
        (
            "--diff -o x",
            "--diff shows changes instead of findings, so no findings can be written",
        ),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_done(
    arguments: str, message: str, stagelint: Run
) -> None:
    assert stagelint("--fix", *arguments.split()) == Ran(2, "", f"stagelint: {message}\n")
    assert os.listdir() == ["Dockerfile"]
    assert Path("Dockerfile").read_text("utf-8") == SEED


def test_a_wrong_variable_is_named(stagelint: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "xml")
    status, out, err = stagelint()

    assert (status, out) == (2, "")
    assert err.startswith(f"stagelint: {VARIABLE}: there is no format `xml`; known are text, ")


def test_what_is_written_takes_the_place_of_what_was_there(stagelint: Run) -> None:
    report = Path("report")
    report.write_text("x" * 10_000, "utf-8")
    report.chmod(0o640)
    stagelint("--output-format", "gnu:report")

    assert report.read_text("utf-8") == GNU
    if os.name != "nt":
        assert stat.S_IMODE(report.stat().st_mode) == 0o640


@posix
def test_a_link_stays_one(stagelint: Run) -> None:
    Path("real").write_text("", "utf-8")
    Path("link").symlink_to("real")
    stagelint("--output-format", "gnu:link")

    assert Path("link").is_symlink()
    assert Path("real").read_text("utf-8") == GNU


@posix
def test_a_pipe_is_written_to(stagelint: Run) -> None:
    os.mkfifo("pipe")
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(Path("pipe").read_text("utf-8")))
    reader.start()
    stagelint("--output-format", "gnu:pipe")
    reader.join(10)

    assert got == [GNU]
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)


@posix
def test_what_is_open_is_written_to(folder: Path) -> None:
    """/dev/stderr leads to a file here, which must not get another in its place."""
    root = Path(__file__).parent.parent
    paths = os.pathsep.join(str(root / part) for part in ("lint", "rules"))
    arguments = [sys.executable, "-m", "stagelint", "--output-format", "gnu:/dev/stderr"]
    with (folder / "log").open("w+b") as log:
        log.write(b"before\n")
        log.flush()
        subprocess.run(arguments, env={**os.environ, "PYTHONPATH": paths}, stderr=log, check=False)

    assert (folder / "log").read_text("utf-8") == f"before\n{GNU}"


def test_what_cannot_be_written_leaves_what_was_there(
    stagelint: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    Path("report").write_text("before", "utf-8")
    monkeypatch.setattr(discover.os, "replace", fail)
    done = stagelint("--output-format", "gnu:report", "--output-format", "concise")

    assert done == Ran(2, CONCISE, "stagelint: report: permission denied; nothing was written\n")
    assert Path("report").read_text("utf-8") == "before"
    assert sorted(os.listdir()) == ["Dockerfile", "report"]


def test_findings_that_are_left_after_fixing_are_written(stagelint: Run) -> None:
    done = stagelint("--fix", "--output-format", "gnu:report")

    assert done == Ran(0, "", "")
    assert Path("report").read_text("utf-8") == ""
    assert "AS build" in Path("Dockerfile").read_text("utf-8")


def test_files_are_painted_only_if_that_is_asked_for(
    stagelint: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    stagelint("--output-format", "concise:report")
    assert Path("report").read_text("utf-8") == CONCISE

    stagelint("--output-format", "concise:report", "--color", "always")
    assert "\x1b[" in Path("report").read_text("utf-8")


def test_statistics_are_printed_and_findings_written(stagelint: Run) -> None:
    done = stagelint("--statistics", "--output-format", "gnu:report", "--output-format", "text")

    assert done.out.startswith("1\tSL102\t")
    assert Path("report").read_text("utf-8") == GNU


def test_repository_formats_name_files_from_its_root(
    stagelint: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".git").mkdir()
    (folder / "api").mkdir()
    os.rename("Dockerfile", os.path.join("api", "Dockerfile"))
    monkeypatch.chdir(folder / "api")

    assert "file=api/Dockerfile," in stagelint("--output-format", "github").out
    assert ";sourcepath=api/Dockerfile;" in stagelint("--output-format", "azure").out
    assert '"path": "api/Dockerfile"' in stagelint("--output-format", "gitlab").out
    assert '"uri": "api/Dockerfile"' in stagelint("--output-format", "sarif").out
    assert stagelint("--output-format", "gnu").out == GNU


@posix
def test_names_that_are_not_utf_8_are_written_as_they_are(stagelint: Run) -> None:
    name = os.fsdecode(b"r\xff")
    stagelint("--output-format", f"gnu:{name}")

    assert Path(name).read_text("utf-8") == GNU


def test_the_help_names_every_format(stagelint: Run) -> None:
    done = stagelint("--help")

    assert all(form in done.out for form in FORMATS)
