"""The command as a user meets it: what it prints, what it writes, and its exit status."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast
from unittest.mock import ANY

import pytest

from stagelint import discover
from stagelint.cli import main
from stagelint.registry import Registry
from stagelint.source import Source

ROOT = Path(__file__).parent.parent

posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")
not_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root"
)

#: What `--show-fixes` says of the seed, whose heredoc dockerfile-parse misreads.
MADE = """\
    1 × SL102 (numeric-stage-reference)
    1 rewrite that dockerfile-parse could not judge
"""
SEED = """\
# syntax=docker/dockerfile:1
FROM golang:1.25
WORKDIR /src
COPY <<EOF ./main.go
package main
import "fmt"
func main() { fmt.Println("hello, world") }
EOF
RUN go build -o /bin/hello ./main.go

FROM scratch
COPY --from=0 /bin/hello /bin/hello
CMD ["/bin/hello"]
"""
SEED_FIXED = SEED.replace("FROM golang:1.25", "FROM golang:1.25 AS build").replace("=0", "=build")
SEED_REPORT = """\
Dockerfile:12:13: warning SL102 numeric-stage-reference: stage 0 is referred to by its number [*]
   |
12 | COPY --from=0 /bin/hello /bin/hello
   |             ^
   = why: The number means another stage as soon as one is added or removed above.
   = fix: Name the stage `build` (safe: --fix applies it)

Found 1 finding (1 warning) in 1 file.
[*] 1 fixable with --fix.
"""
SEED_DIFF = """\
--- Dockerfile
+++ Dockerfile
@@ -1,5 +1,5 @@
 # syntax=docker/dockerfile:1
-FROM golang:1.25
+FROM golang:1.25 AS build
 WORKDIR /src
 COPY <<EOF ./main.go
 package main
@@ -9,5 +9,5 @@
 RUN go build -o /bin/hello ./main.go
 
 FROM scratch
-COPY --from=0 /bin/hello /bin/hello
+COPY --from=build /bin/hello /bin/hello
 CMD ["/bin/hello"]
"""

#: A warning with a safe fix, an info with an unsafe one.
MIXED = """\
FROM golang
RUN go build -o /app

FROM alpine AS tools
RUN apk add curl

FROM scratch
COPY --from=0 /app /app
"""
MIXED_FIXED = MIXED.replace("golang", "golang AS build").replace("=0", "=build")
TOOLS = "FROM alpine AS tools\nRUN apk add curl\n\n"
CLEAN = "FROM alpine AS build\n"
BROKEN = "FROM alpine\nRUNN true\n"

NUMBER = "warning SL102 [*] stage 0 is referred to by its number\n"
UNUSED = "info SL101 stage `tools` is needed only if somebody builds it by name\n"


class Ran(NamedTuple):
    """What a run came to."""

    status: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def folder(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and an environment without wishes."""
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM"):
        monkeypatch.delenv(name, raising=False)
    return empty_folder


@pytest.fixture
def stagelint(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Runs the command in this process."""

    def run(*arguments: str, stdin: str | bytes = "") -> Ran:
        data = stdin if isinstance(stdin, bytes) else stdin.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        capsysbinary.readouterr()
        try:
            status = main(arguments)
        except SystemExit as stop:
            assert isinstance(stop.code, int)
            status = stop.code
        out, err = capsysbinary.readouterr()
        return Ran(status, decoded(out), decoded(err))

    return run


def decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def command(*arguments: str) -> list[str]:
    """The command as a program of its own."""
    return [sys.executable, "-m", "stagelint", *arguments]


def environ(**more: str) -> dict[str, str]:
    """An environment in which a program of its own finds this checkout."""
    paths = os.pathsep.join(str(ROOT / part) for part in ("lint", "rules"))
    return {**os.environ, "PYTHONPATH": paths, **more}


def really(*arguments: str, stdin: bytes = b"", **more: str) -> Ran:
    """Run the command as a program of its own."""
    done = subprocess.run(
        command(*arguments), input=stdin, env=environ(**more), capture_output=True, check=False
    )
    return Ran(done.returncode, decoded(done.stdout), decoded(done.stderr))


def write(path: str, text: str | bytes) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def text_of(path: str | Path) -> str:
    return decoded(Path(path).read_bytes())


# -- the seed example ------------------------------------------------------------------------------


def test_the_seed_example(stagelint: Run) -> None:
    write("Dockerfile", SEED)

    assert stagelint() == Ran(1, SEED_REPORT, "")


def test_the_seed_example_as_a_program_of_its_own() -> None:
    write("Dockerfile", SEED)

    assert really() == Ran(1, SEED_REPORT, "")


def test_check_is_the_default_command(stagelint: Run) -> None:
    write("Dockerfile", SEED)

    assert stagelint("check", "Dockerfile") == stagelint("Dockerfile") == stagelint(".")


def test_fix_names_the_stage_and_changes_nothing_else(stagelint: Run) -> None:
    write("Dockerfile", SEED)

    assert stagelint("--fix") == Ran(0, "Fixed 1 finding, none left.\n", "")
    assert text_of("Dockerfile") == SEED_FIXED


def test_a_second_fix_does_not_touch_the_file(stagelint: Run) -> None:
    file = write("Dockerfile", SEED_FIXED)
    os.utime(file, (1, 1))

    assert stagelint("--fix") == Ran(0, "All checks passed.\n", "")
    assert (text_of(file), file.stat().st_mtime) == (SEED_FIXED, 1)


def test_the_seed_example_fixed_by_a_program_of_its_own() -> None:
    write("Dockerfile", SEED)

    assert really("--fix", "Dockerfile") == Ran(0, "Fixed 1 finding, none left.\n", "")
    assert text_of("Dockerfile") == SEED_FIXED
    assert really("Dockerfile") == Ran(0, "All checks passed.\n", "")


# -- exit status -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text", "status"),
    [
        ("", CLEAN, 0),
        ("", MIXED, 1),
        ("", BROKEN, 1),
        ("--fix", SEED, 0),
        ("--fix", BROKEN, 1),
        ("--fix", MIXED, 0),
        ("--fix --fail-level info", MIXED, 1),
        ("--fix --unsafe-fixes --fail-level info", MIXED, 0),
        ("--fix-only", SEED, 0),
        ("--fix-only", BROKEN, 0),
        ("--diff", SEED, 1),
        ("--diff", CLEAN, 0),
        ("--diff", BROKEN, 0),
        ("--diff --exit-zero", SEED, 0),
        ("--exit-zero", BROKEN, 0),
        ("-e", MIXED, 0),
        ("--statistics", SEED, 1),
        ("--statistics", CLEAN, 0),
        ("--quiet", SEED, 1),
        ("--output-format concise", SEED, 1),
        ("--output-format json", SEED, 1),
        ("--output-format json", CLEAN, 0),
        ("--output-format json-lines", SEED, 1),
        ("--output-format json-lines", CLEAN, 0),
        ("--fail-level error", MIXED, 0),
        ("--fail-level error", BROKEN, 1),
        ("--fail-level warning --select SL101", MIXED, 0),
        ("--fail-level info --select SL101", MIXED, 1),
        ("--fail-level style --select SL101", MIXED, 1),
        ("--fail-level none", BROKEN, 0),
        ("missing", "", 1),
        ("missing --exit-zero", "", 0),
        ("missing --fix-only", "", 2),
        ("missing --diff", "", 2),
        ("missing --diff --exit-zero", "", 2),
        ("--select nothing", CLEAN, 2),
        ("--select nothing --exit-zero", CLEAN, 2),
        ("--config missing.toml", CLEAN, 2),
        ("--no-such-option", CLEAN, 2),
        ("--output-format xml", CLEAN, 2),
        ("--fail-level fatal", CLEAN, 2),
        ("--dialect docker", CLEAN, 2),
        ("--build-arg =1", CLEAN, 2),
        ("- Dockerfile", CLEAN, 2),
    ],
)
def test_exit_status(stagelint: Run, arguments: str, text: str, status: int) -> None:
    write("Dockerfile", text)
    given = arguments.split()
    if "missing" not in given:
        given.append("Dockerfile")

    assert stagelint(*given).status == status


@pytest.mark.parametrize("arguments", ["--version", "check --version", "graph --version"])
def test_version(stagelint: Run, arguments: str) -> None:
    from stagelint import __version__

    assert stagelint(*arguments.split()) == Ran(0, f"stagelint {__version__}\n", "")


@pytest.mark.parametrize("name", ["", "check", "graph", "verify", "rule", "config"])
def test_help(stagelint: Run, name: str) -> None:
    status, out, err = stagelint(*name.split(), "--help")
    usage = "usage: stagelint" if name in ("", "check") else f"usage: stagelint {name}"

    assert (status, out.startswith(f"{usage} [-h]"), err) == (0, True, "")


def test_an_option_is_never_guessed_from_its_beginning(stagelint: Run) -> None:
    write("Dockerfile", SEED)
    status, out, err = stagelint("--unsafe", "--fix", "Dockerfile")

    assert (status, out, text_of("Dockerfile")) == (2, "", SEED)
    assert err == "stagelint: unrecognized arguments: --unsafe (see stagelint --help)\n"


# -- what --fix leaves as it is --------------------------------------------------------------------

KEPT = {
    "CRLF": SEED.replace("\n", "\r\n").encode(),
    "BOM": b"\xef\xbb\xbf" + SEED.encode(),
    "BOM and CRLF": b"\xef\xbb\xbf" + SEED.replace("\n", "\r\n").encode(),
    "no final newline": SEED.removesuffix("\n").encode(),
    "invalid UTF-8": SEED.replace("FROM scratch", "# caf\xe9 \xff\nFROM scratch").encode("latin-1"),
    "lone CR": SEED.replace("FROM scratch", "# a\rb\x0c\nFROM scratch").encode(),
    "blank lines at the end": (SEED + "\n\n \t\n").encode(),
    "clean": SEED_FIXED.encode(),
    "clean without final newline": SEED_FIXED.removesuffix("\n").encode(),
    "broken": (SEED + "RUNN x").encode(),
    "empty": b"",
}


def named(data: bytes) -> bytes:
    """What --fix makes of a variant of the seed; of one that BuildKit rejects, nothing."""
    if b"RUNN" in data or b"AS build" in data:
        return data
    data = data.replace(b"FROM golang:1.25", b"FROM golang:1.25 AS build")
    return data.replace(b"--from=0", b"--from=build")


each_kept = pytest.mark.parametrize("data", KEPT.values(), ids=KEPT.keys())


@each_kept
def test_fix_keeps_every_other_byte_of_a_file(stagelint: Run, data: bytes) -> None:
    file = write("Dockerfile", data)
    stagelint("--fix")

    assert file.read_bytes() == named(data)


@each_kept
def test_fix_keeps_every_other_byte_of_stdin(stagelint: Run, data: bytes) -> None:
    assert stagelint("--fix", "-", stdin=data).out == decoded(named(data))


@pytest.mark.parametrize("name", ["CRLF", "invalid UTF-8", "no final newline"])
def test_fix_keeps_every_other_byte_of_a_pipe(name: str) -> None:
    data = KEPT[name]
    done = really("--fix", "-", stdin=data, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")

    assert done == Ran(0, decoded(named(data)), "Fixed 1 finding, none left.\n")


@posix
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o751])
def test_fix_keeps_the_mode(stagelint: Run, mode: int) -> None:
    file = write("Dockerfile", SEED)
    file.chmod(mode)
    stagelint("--fix")

    assert (text_of(file), stat.S_IMODE(file.stat().st_mode)) == (SEED_FIXED, mode)


@posix
def test_fix_follows_a_link(stagelint: Run) -> None:
    write("shared/base", SEED)
    Path("Dockerfile").symlink_to("shared/base")
    stagelint("--fix", "Dockerfile")

    assert (Path("Dockerfile").is_symlink(), text_of("shared/base")) == (True, SEED_FIXED)


@posix
def test_fix_follows_no_link_out_of_the_folder_that_it_was_not_told_of(
    stagelint: Run, folder: Path
) -> None:
    shared = write("shared/Dockerfile", SEED)
    Path("project").mkdir()
    Path("project/Dockerfile").symlink_to(shared.absolute())

    ran = stagelint("--fix", "project")
    assert (ran.status, text_of(shared)) == (2, SEED)
    assert "project/Dockerfile: is a link to a file outside; nothing was written" in ran.err
    assert stagelint("--fix", ".").status == 0
    assert text_of(shared) == SEED_FIXED


@posix
def test_a_file_and_a_link_to_it_are_fixed_once(stagelint: Run) -> None:
    write("a.dockerfile", SEED)
    Path("b.dockerfile").symlink_to("a.dockerfile")

    assert stagelint("--fix") == Ran(0, "Fixed 2 findings, none left.\n", "")
    assert (Path("b.dockerfile").is_symlink(), text_of("a.dockerfile")) == (True, SEED_FIXED)


def test_fix_leaves_nothing_else_behind(stagelint: Run, folder: Path) -> None:
    write("Dockerfile", SEED)
    stagelint("--fix")

    assert [each.name for each in folder.iterdir()] == ["Dockerfile"]


# -- fixing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [(), ("--fix",), ("--fix-only",), ("--unsafe-fixes",)])
def test_diff_shows_and_writes_nothing(stagelint: Run, more: tuple[str, ...]) -> None:
    write("Dockerfile", SEED)

    assert stagelint("--diff", *more) == Ran(1, SEED_DIFF, "Would fix 1 finding.\n")
    assert text_of("Dockerfile") == SEED


def test_diff_of_nothing(stagelint: Run) -> None:
    write("Dockerfile", CLEAN)

    assert stagelint("--diff") == Ran(0, "", "Would fix 0 findings.\n")
    assert stagelint("--diff", "--quiet") == Ran(0, "", "")


def test_diff_with_unsafe_fixes(stagelint: Run) -> None:
    write("Dockerfile", MIXED)

    assert stagelint("--diff", "--unsafe-fixes") == Ran(
        1,
        """\
--- Dockerfile
+++ Dockerfile
@@ -1,8 +1,5 @@
-FROM golang
+FROM golang AS build
 RUN go build -o /app
 
-FROM alpine AS tools
-RUN apk add curl
-
 FROM scratch
-COPY --from=0 /app /app
+COPY --from=build /app /app
""",
        "Would fix 2 findings.\n",
    )


def test_fix_only_says_nothing_of_what_is_left(stagelint: Run) -> None:
    write("Dockerfile", MIXED)

    assert stagelint("--fix-only", "--fail-level", "info") == Ran(0, "", "")
    assert text_of("Dockerfile") == MIXED_FIXED


def test_fix_only_says_what_cannot_be_read(stagelint: Run) -> None:
    write("Dockerfile", SEED)
    done = stagelint("--fix-only", "Dockerfile", "missing")

    assert done == Ran(2, "", "stagelint: missing: no such file\n")
    assert text_of("Dockerfile") == SEED_FIXED


def test_diff_says_what_cannot_be_read(stagelint: Run) -> None:
    write("Dockerfile", SEED)
    done = stagelint("--diff", "Dockerfile", "missing")

    assert done == Ran(2, SEED_DIFF, "stagelint: missing: no such file\nWould fix 1 finding.\n")


def test_show_fixes(stagelint: Run) -> None:
    write("a.dockerfile", MIXED)
    write("b.dockerfile", CLEAN)

    assert stagelint("--fix", "--unsafe-fixes", "--show-fixes") == Ran(
        0,
        """\
a.dockerfile:
    1 × SL101 (unused-stage)
    1 × SL102 (numeric-stage-reference)
Fixed 2 findings, none left.
""",
        "",
    )


def test_show_fixes_with_fix_only(stagelint: Run) -> None:
    write("Dockerfile", SEED)

    assert stagelint("--fix-only", "--show-fixes") == Ran(0, f"Dockerfile:\n{MADE}", "")


def test_a_plain_fix_makes_no_unsafe_one(stagelint: Run) -> None:
    write("Dockerfile", MIXED)

    assert stagelint("--fix", "--output-format", "concise") == Ran(
        0,
        f"Dockerfile:4:1: {UNUSED}Fixed 1 finding, 1 left.\n1 fixable with --unsafe-fixes.\n",
        "",
    )
    assert text_of("Dockerfile") == MIXED_FIXED


def test_unsafe_fixes_are_made_if_asked_for(stagelint: Run) -> None:
    write("Dockerfile", MIXED)

    assert stagelint("--fix", "--unsafe-fixes") == Ran(0, "Fixed 2 findings, none left.\n", "")
    assert text_of("Dockerfile") == MIXED_FIXED.replace(TOOLS, "")


def test_unsafe_fixes_alone_writes_nothing(stagelint: Run) -> None:
    write("Dockerfile", MIXED)

    assert stagelint("--unsafe-fixes", "--output-format", "concise") == Ran(
        1,
        f"Dockerfile:4:1: {UNUSED.replace('SL101', 'SL101 [*]')}Dockerfile:8:13: {NUMBER}"
        "Found 2 findings (1 warning, 1 info) in 1 file.\n[*] 2 fixable with --fix.\n",
        "",
    )
    assert text_of("Dockerfile") == MIXED


def test_a_file_that_buildkit_rejects_is_not_fixed_safely(stagelint: Run) -> None:
    write("Dockerfile", SEED + "RUNN true\n")
    stagelint("--fix")

    assert text_of("Dockerfile") == SEED + "RUNN true\n"


# -- which rules -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        ("", "SL101 SL102"),
        ("--select SL101", "SL101"),
        ("--select SL1", "SL101 SL102"),
        ("--select ALL --ignore BK,DL,SC,SL3", "SL101 SL102"),
        ("--select numeric-stage-reference", "SL102"),
        ("--select SL101,SL102", "SL101 SL102"),
        ("--select SL101 --select SL102", "SL101 SL102"),
        ("--select SL103", ""),
        ("--select SL101 --extend-select SL102", "SL101 SL102"),
        ("--extend-select SL106", "SL101 SL102"),
        ("--ignore SL102", "SL101"),
        ("--ignore unused-stage,numeric-stage-reference", ""),
        ("--ignore SL1", ""),
        ("--select SL101,SL102 --ignore SL101", "SL102"),
        ("--per-file-ignores Dockerfile:SL102", "SL101"),
        ("--per-file-ignores Dockerfile:SL101,SL102", ""),
        ("--per-file-ignores Docker*:SL102 --per-file-ignores *:SL101", ""),
        ("--per-file-ignores other/*:SL102", "SL101 SL102"),
    ],
)
def test_selection_of_rules(stagelint: Run, arguments: str, codes: str) -> None:
    write("Dockerfile", MIXED)
    done = stagelint("--output-format", "json", *arguments.split())
    found = [each["code"] for each in json.loads(done.out)]

    assert found == codes.split()


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        ("", "SL101"),
        ("--select SL102", "SL102"),
        ("--extend-select SL102", "SL101 SL102"),
        ("--ignore SL101", ""),
        ("--isolated", "SL101 SL102"),
        ("--config other.toml", "SL102"),
    ],
)
def test_the_command_line_wins_over_the_configuration(
    stagelint: Run, arguments: str, codes: str
) -> None:
    write("Dockerfile", MIXED)
    write("stagelint.toml", 'select = ["SL101"]\n')
    write("other.toml", 'ignore = ["SL101"]\n')
    done = stagelint("--output-format", "json", *arguments.split())
    found = [each["code"] for each in json.loads(done.out)]

    assert found == codes.split()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "--select nmueric-stage-reference",
            (
                "--select: no rule is called `nmueric-stage-reference`;"
                " did you mean `numeric-stage-reference`?"
            ),
        ),
        ("--select sl101", "--select: no rule is called `sl101`; did you mean `SL101`?"),
        ("--ignore SL1O1", "--ignore: no rule is called `SL1O1`; did you mean `SL101`?"),
        ("--extend-select SL101,wild", "--extend-select: no rule is called `wild`"),
        (
            "--per-file-ignores *:unused-stages",
            "--per-file-ignores: no rule is called `unused-stages`; did you mean `unused-stage`?",
        ),
        ("--per-file-ignores SL101", "--per-file-ignores takes GLOB:RULES, not `SL101`"),
        ("--build-arg =x", "--build-arg takes NAME=VALUE, not `=x`"),
        ("-", "stdin (-) is linted alone, without other paths"),
        (
            "--config missing.toml",
            "missing.toml: cannot be read: no such file or directory",
        ),
    ],
)
def test_a_mistake_is_one_line(stagelint: Run, arguments: str, message: str) -> None:
    write("Dockerfile", SEED)

    assert stagelint("--fix", *arguments.split(), "Dockerfile") == Ran(
        2, "", f"stagelint: {message}\n"
    )
    assert text_of("Dockerfile") == SEED


# -- the build -------------------------------------------------------------------------------------


def test_a_target_is_not_unused(stagelint: Run) -> None:
    write("Dockerfile", CLEAN + "FROM scratch\n")

    assert stagelint("--fail-level", "info", "--target", "build") == Ran(
        0, "All checks passed.\n", ""
    )


def test_a_target_that_is_not_there(stagelint: Run) -> None:
    write("Dockerfile", CLEAN)

    assert stagelint("--target", "biuld") == Ran(
        1,
        """\
Dockerfile:1:1: error SL103 unreachable-target: target `biuld`, asked for by --target, does not \
exist; did you mean `build`?
  |
1 | FROM alpine AS build
  | ^
  = why: The build that asks for it fails.

Found 1 finding (1 error) in 1 file.
""",
        "",
    )


def test_a_target_need_not_be_in_each_of_several_files(stagelint: Run) -> None:
    write("a.dockerfile", CLEAN)
    write("b.dockerfile", "FROM alpine AS other\n")
    write("c.dockerfile", "FROM alpine AS third\n")

    assert stagelint("--target", "OTHER", "--target", "build") == Ran(0, "All checks passed.\n", "")


def test_a_target_that_is_in_none_of_several_files(stagelint: Run) -> None:
    write("a.dockerfile", CLEAN)
    write("b.dockerfile", "FROM alpine AS other\n")
    missing = "error SL103 target `nope`, asked for by --target, does not exist\n"

    assert stagelint("--target", "nope", "--target", "build", "--output-format", "concise") == Ran(
        1,
        f"a.dockerfile:1:1: {missing}b.dockerfile:1:1: {missing}"
        "Found 2 findings (2 errors) in 2 files.\n",
        "",
    )


VARIABLE = "ARG BASE=one\nFROM alpine AS one\nFROM golang AS two\nFROM $BASE\n"


def unused(name: str, line: int) -> str:
    return (
        f"Dockerfile:{line}:1: info SL101 stage `{name}` is needed only if somebody builds it by"
        " name\n"
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", ""),
        ("--build-arg BASE=one", unused("two", 3)),
        ("--build-arg BASE=two", unused("one", 2)),
        ("--build-arg BASE=two --build-arg BASE=one", unused("two", 3)),
        ("--build-arg FROM_THE_ENVIRONMENT --build-arg BASE", unused("one", 2)),
        ("--build-arg OTHER=two", ""),
    ],
)
def test_build_arguments(
    stagelint: Run, arguments: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASE", "two")
    write("Dockerfile", VARIABLE)
    done = stagelint("-q", "--output-format", "concise", *arguments.split())

    assert done == Ran(0, expected, "")


@pytest.mark.parametrize(
    ("dialect", "status", "message"),
    [
        ("buildkit", 0, UNUSED),
        ("buildah", 0, UNUSED),
        (
            "classic",
            1,
            "warning SL101 stage `tools` is not needed, and the classic builder builds it in vain\n",
        ),
        (
            "kaniko",
            1,
            "warning SL101 stage `tools` is not needed, and kaniko builds it in vain\n",
        ),
    ],
)
def test_dialects(stagelint: Run, dialect: str, status: int, message: str) -> None:
    write("Dockerfile", MIXED_FIXED)
    done = stagelint("-q", "--output-format", "concise", "--dialect", dialect)

    assert done == Ran(status, f"Dockerfile:4:1: {message}", "")


# -- output ----------------------------------------------------------------------------------------


def test_concise(stagelint: Run) -> None:
    write("Dockerfile", MIXED)

    assert stagelint("--output-format", "concise") == Ran(
        1,
        f"Dockerfile:4:1: {UNUSED}Dockerfile:8:13: {NUMBER}"
        "Found 2 findings (1 warning, 1 info) in 1 file.\n"
        "[*] 1 fixable with --fix (1 more with --unsafe-fixes).\n",
        "",
    )


def seed_object(path: Path) -> dict[str, Any]:
    def at(row: int, column: int) -> dict[str, int]:
        return {"row": row, "column": column}

    return {
        "code": "SL102",
        "name": "numeric-stage-reference",
        "aliases": [],
        "severity": "warning",
        "message": "stage 0 is referred to by its number",
        "why": "The number means another stage as soon as one is added or removed above.",
        "filename": str(path),
        "url": None,
        "location": at(12, 13),
        "end_location": at(12, 14),
        "noqa_row": 12,
        "cell": None,
        "fix": {
            "applicability": "safe",
            "guarantee": "same-build",
            "message": "Name the stage `build`",
            "edits": [
                {"content": " AS build", "location": at(2, 17), "end_location": at(2, 17)},
                {"content": "build", "location": at(12, 13), "end_location": at(12, 14)},
            ],
        },
        "role": "shipped",
        "stage": "stage-1",
        "related": [],
        "note": "",
        "certain": True,
        "guarantee": "same-build",
        "gain": None,
        "holds": [],
        "fingerprint": ANY,
    }


def test_json(stagelint: Run, folder: Path) -> None:
    write("Dockerfile", SEED)
    status, out, err = stagelint("--output-format", "json")

    assert json.loads(out) == [seed_object(folder / "Dockerfile")]
    assert (status, err) == (1, "")


def test_json_of_nothing(stagelint: Run) -> None:
    write("Dockerfile", CLEAN)

    assert stagelint("--output-format", "json") == Ran(0, "[]\n", "")
    assert stagelint("--output-format", "json-lines") == Ran(0, "", "")


def test_json_lines(stagelint: Run, folder: Path) -> None:
    write("a.dockerfile", SEED)
    write("b.dockerfile", SEED)
    done = stagelint("--output-format", "json-lines")
    found = [json.loads(line) for line in done.out.splitlines()]

    assert found == [seed_object(folder / name) for name in ("a.dockerfile", "b.dockerfile")]


def test_json_holds_what_a_fix_leaves(stagelint: Run) -> None:
    write("Dockerfile", MIXED)
    status, out, err = stagelint("--fix", "--output-format", "json")

    assert [each["code"] for each in json.loads(out)] == ["SL101"]
    assert (status, err) == (0, "")


def test_statistics(stagelint: Run) -> None:
    write("a.dockerfile", MIXED)
    write("b.dockerfile", SEED)

    assert stagelint("--statistics") == Ran(
        1, "2\tSL102\t[*] numeric-stage-reference\n1\tSL101\t[ ] unused-stage\n", ""
    )
    assert stagelint("--statistics", "--fix") == Ran(0, "1\tSL101\tunused-stage\n", "")


def test_quiet(stagelint: Run) -> None:
    write("Dockerfile", SEED)
    report = SEED_REPORT.partition("Found")[0]

    assert stagelint("-q") == Ran(1, report, "")
    assert stagelint("-q", "--fix") == Ran(0, "", "")
    assert stagelint("-q") == Ran(0, "", "")


PAINTED = (
    "\x1b[1mDockerfile\x1b[0m\x1b[36m:\x1b[0m12\x1b[36m:\x1b[0m13\x1b[36m:\x1b[0m"
    " \x1b[1;33mwarning SL102\x1b[0m \x1b[36m[*]\x1b[0m stage 0 is referred to by its number\n"
)
PLAIN = f"Dockerfile:12:13: {NUMBER}"


@pytest.mark.parametrize(
    ("arguments", "wishes", "expected"),
    [
        ("", {}, PLAIN),
        ("--color auto", {}, PLAIN),
        ("--color always", {}, PAINTED),
        ("--color never", {}, PLAIN),
        ("", {"FORCE_COLOR": "1"}, PAINTED),
        ("", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, PLAIN),
        ("--color always", {"NO_COLOR": "1"}, PAINTED),
        ("--color never", {"FORCE_COLOR": "1"}, PLAIN),
    ],
)
def test_color(
    stagelint: Run,
    arguments: str,
    wishes: dict[str, str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in wishes.items():
        monkeypatch.setenv(name, value)
    write("Dockerfile", SEED)
    done = stagelint("-q", "--output-format", "concise", *arguments.split())

    assert done == Ran(1, expected, "")


def on_a_terminal(*arguments: str, **more: str) -> Ran:
    """Run the command with its stdout at a terminal."""
    import pty

    ours, theirs = pty.openpty()
    with open(ours, "rb") as screen, open(theirs, "wb") as terminal:
        process = subprocess.Popen(
            command(*arguments),
            env=environ(**more),
            stdout=terminal,
            stderr=subprocess.PIPE,
        )
        _, err = process.communicate(timeout=60)
        shown = os.read(screen.fileno(), 1 << 16)
    return Ran(process.returncode, decoded(shown).replace("\r\n", "\n"), decoded(err))


@posix
def test_a_terminal_is_painted() -> None:
    write("Dockerfile", SEED)
    concise = ("-q", "--output-format", "concise")

    assert on_a_terminal(*concise, TERM="xterm") == Ran(1, PAINTED, "")
    assert on_a_terminal(*concise, TERM="xterm", NO_COLOR="1") == Ran(1, PLAIN, "")
    assert on_a_terminal(*concise, TERM="dumb") == Ran(1, PLAIN, "")


@posix
def test_a_diff_is_verbatim_save_on_a_terminal() -> None:
    write("Dockerfile", SEED.replace("WORKDIR /src", "WORKDIR /src # \x1b[2J"))
    shown = SEED_DIFF.replace("WORKDIR /src", "WORKDIR /src # \\x1b[2J")
    verbatim = SEED_DIFF.replace("WORKDIR /src", "WORKDIR /src # \x1b[2J")

    assert on_a_terminal("--diff", NO_COLOR="1") == Ran(1, shown, "Would fix 1 finding.\n")
    assert really("--diff") == Ran(1, verbatim, "Would fix 1 finding.\n")


def test_the_output_is_utf_8_whatever_the_locale() -> None:
    write("Dockerfile", SEED)
    done = really(
        "--fix", "--show-fixes", PYTHONUTF8="0", PYTHONIOENCODING="ascii", PYTHONCOERCECLOCALE="0"
    )

    assert done == Ran(
        0,
        f"Dockerfile:\n{MADE}Fixed 1 finding, none left.\n",
        "",
    )


# -- stdin -----------------------------------------------------------------------------------------


def test_stdin(stagelint: Run) -> None:
    report = SEED_REPORT.replace("Dockerfile", "-", 1)

    assert stagelint("-", stdin=SEED) == Ran(1, report, "")


def test_stdin_has_the_name_it_is_given(stagelint: Run) -> None:
    report = SEED_REPORT.replace("Dockerfile", "api/Dockerfile", 1)

    assert stagelint("-", "--stdin-filename", "api/Dockerfile", stdin=SEED) == Ran(1, report, "")


def test_stdin_is_not_the_file_it_is_named_after(stagelint: Run) -> None:
    write("Dockerfile", SEED)

    assert stagelint("--fix", "-", "--stdin-filename", "Dockerfile", stdin=CLEAN) == Ran(
        0, CLEAN, "All checks passed.\n"
    )
    assert text_of("Dockerfile") == SEED


@pytest.mark.parametrize(
    "settings",
    [
        'ignore = ["SL102"]\n',
        'select = ["SL101"]\n',
        '[per-file-ignores]\n"Dockerfile" = ["SL102"]\n',
        '[per-file-ignores]\n"*" = "numeric-stage-reference"\n',
    ],
)
def test_the_configuration_for_the_name_of_stdin_holds(stagelint: Run, settings: str) -> None:
    write("api/stagelint.toml", settings)
    named_so = ("--stdin-filename", os.path.join("api", "Dockerfile"))

    assert stagelint("-", *named_so, stdin=SEED) == Ran(0, "All checks passed.\n", "")
    assert stagelint("-", *named_so, "--isolated", stdin=SEED).status == 1
    assert stagelint("-", stdin=SEED).status == 1


def test_format_and_level_come_from_the_configuration_for_stdin(stagelint: Run) -> None:
    write("api/stagelint.toml", 'output-format = "concise"\nfail-level = "error"\n')
    name = os.path.join("api", "Dockerfile")

    assert stagelint("-q", "-", "--stdin-filename", name, stdin=SEED) == Ran(
        0, f"{name}:12:13: {NUMBER}", ""
    )


def test_per_file_ignores_of_the_command_line_hold_for_stdin(stagelint: Run) -> None:
    given = ("--stdin-filename", "api/Dockerfile", "--per-file-ignores", "api/*:SL102")

    assert stagelint("-", *given, stdin=SEED) == Ran(0, "All checks passed.\n", "")


def test_fixing_stdin_prints_the_text_and_says_the_rest_elsewhere(stagelint: Run) -> None:
    assert stagelint("--fix", "-", "--output-format", "concise", stdin=MIXED) == Ran(
        0,
        MIXED_FIXED,
        f"-:4:1: {UNUSED}Fixed 1 finding, 1 left.\n1 fixable with --unsafe-fixes.\n",
    )


def test_fixing_stdin_prints_unchanged_text_too(stagelint: Run) -> None:
    status, out, err = stagelint("--fix", "-", "-q", "--output-format", "concise", stdin=BROKEN)

    assert (status, out) == (1, BROKEN)
    assert err == "-:2:1: error SL000 unknown instruction: RUNN (did you mean RUN?)\n"


def test_fixing_only_stdin(stagelint: Run) -> None:
    assert stagelint("--fix-only", "-", stdin=MIXED) == Ran(0, MIXED_FIXED, "")
    assert stagelint("--fix-only", "-", stdin=BROKEN) == Ran(0, BROKEN, "")


def test_diff_of_stdin(stagelint: Run) -> None:
    assert stagelint("--diff", "-", "--stdin-filename", "Dockerfile", stdin=SEED) == Ran(
        1, SEED_DIFF, "Would fix 1 finding.\n"
    )


EXCLUDED = ("--force-exclude", "--stdin-filename", "vendor/Dockerfile")


@pytest.mark.parametrize("fix", ["--fix", "--fix-only"])
@pytest.mark.parametrize("text", [SEED, SEED.removesuffix("\n"), ""])
def test_fixing_an_excluded_stdin_gives_it_back(stagelint: Run, fix: str, text: str) -> None:
    write("stagelint.toml", 'exclude = ["vendor"]\n')
    status, out, _ = stagelint(fix, *EXCLUDED, "-", stdin=text)

    assert (status, out) == (0, text)


def test_an_excluded_stdin_has_no_findings(stagelint: Run) -> None:
    by_option = stagelint(*EXCLUDED, "--exclude", "vendor", "--output-format", "json", "-")
    write("stagelint.toml", 'exclude = ["vendor"]\n')
    by_configuration = stagelint(*EXCLUDED, "--output-format", "json", "-", stdin=SEED)
    unforced = stagelint("-q", "--stdin-filename", "vendor/Dockerfile", "-", stdin=SEED)

    assert by_option == by_configuration == Ran(0, "[]\n", "stagelint: no Dockerfiles found\n")
    assert unforced.status == 1


@pytest.mark.parametrize("fix", ["--fix", "--fix-only", "--fix --ignore SL002"])
def test_fixing_a_stdin_that_cannot_be_read_is_an_error(stagelint: Run, fix: str) -> None:
    given = (*fix.split(), "--exit-zero", "--stdin-filename", "Dockerfile")

    assert stagelint(*given, "-", stdin=SEED.encode("utf-16")) == Ran(
        2, "", "stagelint: Dockerfile: is UTF-16, and BuildKit reads UTF-8\n"
    )


def test_a_stdin_that_cannot_be_read(stagelint: Run) -> None:
    assert stagelint("-", stdin=b"\x7fELF\0\0") == Ran(
        1,
        """\
-:1:1: error SL002 unreadable-file: is not text
  = why: Nothing is known about it, so nothing else is said about it.

Found 1 finding (1 error) in 1 file.
""",
        "",
    )


# -- files and folders -----------------------------------------------------------------------------


def places(done: Ran) -> list[str]:
    """The files that findings were printed of."""
    return [line.partition(":")[0].replace(os.sep, "/") for line in done.out.splitlines()]


def test_folders_are_searched(stagelint: Run) -> None:
    for name in (
        "b/Dockerfile",
        "Dockerfile",
        "a/x/dev.dockerfile",
        "b/Dockerfile.md",
        "b/main.py",
    ):
        write(name, SEED)
    concise = ("-q", "--output-format", "concise")

    everything = ["Dockerfile", "a/x/dev.dockerfile", "b/Dockerfile"]
    assert places(stagelint(*concise)) == everything
    assert places(stagelint(*concise, ".", "b", "Dockerfile")) == everything
    assert places(stagelint(*concise, "b")) == ["b/Dockerfile"]
    assert places(stagelint(*concise, "a", "b")) == ["a/x/dev.dockerfile", "b/Dockerfile"]
    assert places(stagelint(*concise, "b/main.py")) == ["b/main.py"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", ["Dockerfile"]),
        ("vendor", ["vendor/Dockerfile"]),
        ("vendor --force-exclude", []),
        ("vendor/Dockerfile", ["vendor/Dockerfile"]),
        ("vendor/Dockerfile --force-exclude", []),
        ("--exclude Dockerfile", []),
        ("Dockerfile --exclude Dockerfile", ["Dockerfile"]),
        ("Dockerfile --exclude Dockerfile --force-exclude", []),
        ("--isolated", ["Dockerfile", "vendor/Dockerfile"]),
    ],
)
def test_excluded_files(stagelint: Run, arguments: str, expected: list[str]) -> None:
    write("Dockerfile", SEED)
    write("vendor/Dockerfile", SEED)
    write("stagelint.toml", 'exclude = ["vendor"]\n')

    assert places(stagelint("-q", "--output-format", "concise", *arguments.split())) == expected


def test_nothing_found_is_no_failure(stagelint: Run) -> None:
    write("main.py", "pass\n")

    assert stagelint() == Ran(0, "All checks passed.\n", "stagelint: no Dockerfiles found\n")
    assert stagelint("--quiet") == Ran(0, "", "")


def test_a_folder_named_like_a_file(stagelint: Run) -> None:
    write("Dockerfile/dev.dockerfile", SEED)
    Path("Containerfile").mkdir()
    concise = ("-q", "--output-format", "concise")

    assert places(stagelint(*concise)) == ["Dockerfile/dev.dockerfile"]
    assert places(stagelint(*concise, "Dockerfile")) == ["Dockerfile/dev.dockerfile"]
    assert stagelint("Containerfile") == Ran(
        0, "All checks passed.\n", "stagelint: no Dockerfiles found\n"
    )


def test_a_file_that_does_not_exist(stagelint: Run) -> None:
    assert stagelint("missing") == Ran(
        1,
        """\
missing:1:1: error SL002 unreadable-file: no such file
  = why: Nothing is known about it, so nothing else is said about it.

Found 1 finding (1 error) in 1 file.
""",
        "",
    )


UNREADABLE = {
    "binary": b"\x7fELF\x02\x01\x01\0\0\0",
    "utf-16": SEED.encode("utf-16"),
    "empty": b"",
    "broken": BROKEN.encode(),
}


def test_one_bad_file_stops_no_other(stagelint: Run) -> None:
    for name, data in UNREADABLE.items():
        write(f"Dockerfile.{name}", data)
    write("a/Dockerfile", SEED)
    write("z/Dockerfile", SEED)

    assert stagelint("--fix", "--output-format", "concise", ".", "missing") == Ran(
        1,
        """\
Dockerfile.binary:1:1: error SL002 is not text
Dockerfile.broken:2:1: error SL000 unknown instruction: RUNN (did you mean RUN?)
Dockerfile.empty:1:1: error SL000 the Dockerfile cannot be empty
Dockerfile.utf-16:1:1: error SL002 is UTF-16, and BuildKit reads UTF-8
missing:1:1: error SL002 no such file
Fixed 2 findings, 5 left.
""",
        "",
    )
    assert [text_of("a/Dockerfile"), text_of("z/Dockerfile")] == [SEED_FIXED, SEED_FIXED]
    assert {name: Path(f"Dockerfile.{name}").read_bytes() for name in UNREADABLE} == UNREADABLE


@posix
def test_a_broken_link(stagelint: Run) -> None:
    Path("Dockerfile").symlink_to("gone")

    assert stagelint("-q", "--output-format", "concise") == Ran(
        1, "Dockerfile:1:1: error SL002 broken link to gone\n", ""
    )


@posix
@not_root
def test_a_file_nobody_may_read(stagelint: Run) -> None:
    write("Dockerfile", SEED).chmod(0)
    write("b.dockerfile", SEED)

    assert stagelint("-q", "--output-format", "concise") == Ran(
        1, f"Dockerfile:1:1: error SL002 permission denied\nb.dockerfile:12:13: {NUMBER}", ""
    )


def test_a_file_that_cannot_be_written_counts_as_not_fixed(
    stagelint: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.dockerfile", "b.dockerfile", "c.dockerfile"):
        write(name, SEED)
    replace = discover.replace

    def refuse(path: str, before: Source, after: Source, **options: Any) -> None:
        if path == "b.dockerfile":
            raise discover.ReplaceError("is read-only; nothing was written")
        replace(path, before, after, **options)

    monkeypatch.setattr(discover, "replace", refuse)
    done = stagelint("--fix", "--show-fixes", "--output-format", "concise")

    assert done == Ran(
        2,
        f"b.dockerfile:12:13: {NUMBER}"
        f"a.dockerfile:\n{MADE}"
        f"c.dockerfile:\n{MADE}"
        "Fixed 2 findings, 1 left.\n",
        "stagelint: b.dockerfile: is read-only; nothing was written\n",
    )


@posix
@not_root
def test_a_file_nobody_may_write(stagelint: Run) -> None:
    write("Dockerfile", SEED).chmod(0o444)
    done = stagelint("--fix-only")

    assert done == Ran(2, "", "stagelint: Dockerfile: is read-only; nothing was written\n")
    assert text_of("Dockerfile") == SEED


# -- configuration ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("stagelint.toml", "selct = []\n", '1: unknown key "selct"; did you mean "select"?'),
        ("stagelint.toml", "\nselect = [\n", "3: is not TOML: invalid value"),
        (
            "stagelint.toml",
            'ignore = []\nselect = ["SL1O1"]\n',
            "2: no rule is called `SL1O1`; did you mean `SL101`?",
        ),
        (
            ".stagelint.toml",
            'fail-level = "fatal"\n',
            '1: unknown fail-level "fatal"; known are error, warning, info, style, none',
        ),
        (
            "pyproject.toml",
            '[tool.stagelint]\nselect = "SL101"\n',
            '2: select must be a list of strings; did you mean ["SL101"]?',
        ),
    ],
)
def test_a_bad_configuration(stagelint: Run, name: str, text: str, message: str) -> None:
    write("Dockerfile", SEED)
    write(name, text)

    assert stagelint("--fix") == Ran(2, "", f"stagelint: {name}:{message}\n")
    assert text_of("Dockerfile") == SEED


def test_no_module_of_the_current_folder_is_imported() -> None:
    modules = "argparse ast difflib json yaml tomllib stagelint_rules their_rules/__init__"
    for module in modules.split():
        write(f"{module}.py", "print('imported', __name__)\n")
    write("stagelint.toml", 'plugins = ["their_rules"]\n')
    write("Dockerfile", SEED)

    done = subprocess.run(
        command("--output-format", "json"), env=environ(), capture_output=True, check=False
    )

    said = b"stagelint: stagelint.toml: plugin cannot be imported: No module named 'their_rules'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", said)


def test_a_plugin_that_is_not_installed(stagelint: Run) -> None:
    write("Dockerfile", SEED)
    write("stagelint.toml", 'plugins = ["no_such_rules"]\n')

    assert stagelint() == Ran(
        2,
        "",
        "stagelint: stagelint.toml: plugin cannot be imported: No module named 'no_such_rules'\n",
    )


def test_a_missing_target_of_the_configuration_lies_there(stagelint: Run) -> None:
    write("Dockerfile", CLEAN)
    write("stagelint.toml", '[targets]\n"*" = ["build", "biuld"]\n')

    assert stagelint() == Ran(
        1,
        """\
stagelint.toml:2:18: error SL103 unreachable-target: target `biuld` of Dockerfile does not exist; \
did you mean `build`?
  |
2 | "*" = ["build", "biuld"]
  |                  ^^^^^
  = why: The build that asks for it fails.

Found 1 finding (1 error) in 1 file.
""",
        "",
    )


def test_targets_of_the_configuration_are_used(stagelint: Run) -> None:
    write("Dockerfile", MIXED_FIXED)
    write("stagelint.toml", 'targets = ["tools"]\n')

    assert stagelint("--fail-level", "info") == Ran(0, "All checks passed.\n", "")


def test_each_file_has_the_nearest_configuration(stagelint: Run) -> None:
    write("stagelint.toml", 'ignore = ["SL102"]\n')
    write("a/Dockerfile", SEED)
    write("b/Dockerfile", SEED)
    write("b/stagelint.toml", "")

    assert places(stagelint("-q", "--output-format", "concise")) == ["b/Dockerfile"]


def test_config_show(stagelint: Run) -> None:
    write("api/stagelint.toml", 'ignore = ["SL102"]\n[targets]\n"*" = ["a", "b"]\n')
    shown = """\
ignore = ["SL102"]
exclude = []
include = []
ships = []
trusted-registries = []
plugins = []
# preset: none
# builder-stages: quiet
dialect = "buildkit"
# fail-level: warning
output-format = "text"
unsafe-fixes = false
allow-libc-change = false
strict-labels = false
ignore-comments = true
final-base-budget = ""
sizes = ""
baseline = ""
cache-dir = ""

[targets]
"*" = ["a", "b"]

[per-file-ignores]

[severity]

[build-args]

[registry-mirrors]

[label-schema]
"""
    head = f"# from {os.path.join('api', 'stagelint.toml')}\nselect = []\nextend-select = []\n"

    assert stagelint("config", "show", "api") == Ran(0, head + shown, "")
    assert stagelint("config", "show", "api/dev.dockerfile") == Ran(0, head + shown, "")


def test_config_show_without_configuration(stagelint: Run) -> None:
    done = stagelint("config", "show")

    assert (done.status, done.out.splitlines()[0]) == (0, "# no configuration file")


NAMESAKES = (".stagelint.yml", ".stagelint.yaml", ".stagelint.json", ".stagelint.jsonc")


@pytest.mark.parametrize("arguments", ["", "check", "--fix"])
@pytest.mark.parametrize("name", [*NAMESAKES, ".stagelint.json5"])
def test_the_configuration_of_the_namesake_stops_a_bare_run(
    stagelint: Run, name: str, arguments: str
) -> None:
    write("Dockerfile", SEED)
    write(name, "")
    status, out, err = stagelint(*arguments.split())

    assert (status, out, text_of("Dockerfile")) == (2, "", SEED)
    assert err.startswith(
        f"stagelint: this is the linter for Dockerfiles, and {name} is the configuration of"
        " another program called stagelint; name a path to lint"
    )


def test_a_path_or_a_configuration_of_our_own_says_who_is_meant(stagelint: Run) -> None:
    write("Dockerfile", SEED)
    write(".stagelint.yml", "")

    assert stagelint(".") == stagelint("Dockerfile") == Ran(1, SEED_REPORT, "")
    write("stagelint.toml", "")
    assert stagelint() == Ran(1, SEED_REPORT, "")


# -- suppressions ----------------------------------------------------------------------------------

COPY = "COPY --from=0 /bin/hello /bin/hello\n"


@pytest.mark.parametrize(
    "text",
    [
        SEED.replace(COPY, f"# stagelint: ignore[SL102] it is the only one\n{COPY}"),
        SEED.replace(COPY, f"# stagelint: ignore[numeric-stage-reference]\n{COPY}"),
        SEED.replace(COPY, f"# stagelint: ignore[SL1]\n{COPY}"),
        SEED + "# stagelint: file-ignore[SL102]\n",
        SEED.replace("\n", "\r\n").replace(
            "COPY --from", "# stagelint: ignore[SL102]\r\nCOPY --from"
        ),
    ],
)
def test_a_comment_silences_a_finding(stagelint: Run, text: str) -> None:
    write("Dockerfile", text)

    assert stagelint("--fix", "--fail-level", "info") == Ran(0, "All checks passed.\n", "")
    assert text_of("Dockerfile") == text


def test_a_comment_that_silences_nothing(stagelint: Run) -> None:
    write("Dockerfile", f"# stagelint: ignore[SL102, SL999]\n{CLEAN}")

    assert stagelint("--output-format", "concise") == Ran(
        0,
        "Dockerfile:1:21: info SL001 [*] unused suppression: `SL102` finds nothing here\n"
        "Dockerfile:1:28: info SL001 [*] unused suppression: no rule is called `SL999`\n"
        "Found 2 findings (2 info) in 1 file.\n[*] 2 fixable with --fix.\n",
        "",
    )
    assert stagelint("--fix").status == 0
    assert text_of("Dockerfile") == CLEAN


# -- rule ------------------------------------------------------------------------------------------


def test_rule_explains_a_rule_by_code_and_by_name(stagelint: Run) -> None:
    done = stagelint("rule", "SL102")

    assert stagelint("rule", "numeric-stage-reference") == done
    assert done.out.startswith(
        "SL102 numeric-stage-reference\n\nA stage referred to by its number.\n\n"
        "- severity: warning, on by default\n- stages: all\n"
        "- fix: same-build (`--fix`), behaviour (`--unsafe-fixes`)\n\n"
    )
    assert (done.status, done.err) == (0, "")


def test_rule_in_markdown_is_the_page_of_the_catalogue(stagelint: Run) -> None:
    done = stagelint("rule", "SL102", "--output-format", "markdown")
    pages = re.split(r"(?m)^(?=## )", text_of(ROOT / "rules" / "README.md"))

    assert done.out.strip() in [page.strip() for page in pages]
    assert (done.status, done.err) == (0, "")


def test_rule_all(stagelint: Run) -> None:
    done = stagelint("rule", "--all")
    heads = re.findall(r"(?m)^[A-Z]{2}\d{3,4} [a-z0-9-]+$", done.out)

    assert heads == [f"{each.code} {each.name}" for each in Registry().entries]


def test_rule_takes_a_prefix(stagelint: Run) -> None:
    done = stagelint("rule", "SL00", "--output-format", "json")

    assert [each["code"] for each in json.loads(done.out)] == [
        each.code for each in Registry().entries if each.code.startswith("SL00")
    ]


def test_rule_as_json(stagelint: Run) -> None:
    done = stagelint("rule", "SL101", "--output-format", "json")
    markdown = stagelint("rule", "SL101", "--output-format", "markdown").out
    [found] = cast("list[dict[str, object]]", json.loads(done.out))

    assert found.pop("documentation") == markdown
    assert found == {
        "code": "SL101",
        "name": "unused-stage",
        "severity": "warning",
        "default": True,
        "roles": ["shipped", "target", "builder", "unused"],
        "aliases": [],
        "fix": ["safe", "unsafe"],
        "guarantees": ["same-build", "behaviour"],
        "settings": ["targets", "ships"],
        "widens": False,
        "summary": "A stage that no known target needs.",
        "why": "Whoever reads the file has to find out that it does not matter.",
    }


def test_rule_all_as_json(stagelint: Run) -> None:
    done = stagelint("rule", "--all", "--output-format", "json")

    assert [(each["code"], each["name"], each["severity"]) for each in json.loads(done.out)] == [
        (each.code, each.name, each.severity) for each in Registry().entries
    ]


def test_rule_that_does_not_exist(stagelint: Run) -> None:
    assert stagelint("rule", "unused-stages") == Ran(
        2, "", "stagelint: no rule is called `unused-stages`; did you mean `unused-stage`?\n"
    )


def test_rule_without_a_rule(stagelint: Run) -> None:
    assert stagelint("rule") == Ran(
        2, "", "stagelint: name a rule by its code or name, or say --all\n"
    )


# -- graph -----------------------------------------------------------------------------------------


def test_graph(stagelint: Run) -> None:
    write("Dockerfile", MIXED_FIXED)

    assert stagelint("graph", "Dockerfile") == Ran(
        0,
        """\
○ 0 build    only builds  (lines 1-2)
  └─ built on golang
✗ 1 tools    unused  (lines 4-5)
  └─ built on alpine
● 2 stage-2  ships  (lines 7-8)
  ├─ built on scratch
  └─ copies from 0 build

target stage-2: BuildKit builds build, stage-2
  the classic builder builds tools as well
  it ships scratch, /app from build
""",
        "",
    )


def test_graph_of_a_target(stagelint: Run) -> None:
    write("Dockerfile", MIXED_FIXED)
    done = stagelint("graph", "Dockerfile", "--target", "tools", "--format", "json")

    assert json.loads(done.out)["builds"] == {"buildkit": [1], "classic": [0, 1]}


def test_graph_of_a_target_that_is_not_there(stagelint: Run) -> None:
    write("Dockerfile", MIXED_FIXED)

    assert stagelint("graph", "Dockerfile", "--target", "nope") == Ran(
        2, "", "stagelint: Dockerfile: there is no target `nope`\n"
    )


def test_graph_of_a_file_with_an_error(stagelint: Run) -> None:
    assert stagelint("graph", "-", stdin=BROKEN) == Ran(
        0,
        """\
● 0 stage-0  ships  (lines 1-2)
  └─ built on alpine

target stage-0: BuildKit builds stage-0
  it ships alpine (3.8 MB compressed, 2026-09-17)

1 error: `stagelint check` shows it
""",
        "",
    )


def test_graph_of_stdin(stagelint: Run) -> None:
    done = stagelint(
        "graph", "-", "--stdin-filename", "api/Dockerfile", "--format", "json", stdin=CLEAN
    )

    assert json.loads(done.out)["path"] == "api/Dockerfile"


@pytest.mark.parametrize(
    ("path", "message"), [("missing", "no such file"), (".", "is a folder"), ("bin", "is not text")]
)
def test_graph_of_what_cannot_be_read(stagelint: Run, path: str, message: str) -> None:
    write("bin", b"\x7fELF\0")

    assert stagelint("graph", path) == Ran(2, "", f"stagelint: {path}: {message}\n")


def test_graph_as_json(stagelint: Run) -> None:
    write("Dockerfile", MIXED_FIXED)
    done = stagelint("graph", "Dockerfile", "--format", "json")

    def stage(index: int, name: str | None, base: str, *lines: int, **more: object) -> object:
        image = None if base == "scratch" else base
        return {
            "index": index,
            "name": name,
            "raw_name": name,
            "base": {"raw": base, "stage": None, "image": image},
            "platform": None,
            "start_line": lines[0],
            "end_line": lines[1],
            "from_lines": [lines[0], lines[0]],
            "needs": [],
            **more,
        }

    assert json.loads(done.out) == {
        "version": 1,
        "path": "Dockerfile",
        "default_target": 2,
        "stages": [
            stage(0, "build", "golang", 1, 2, role="builder"),
            stage(1, "tools", "alpine", 4, 5, role="unused"),
            stage(2, None, "scratch", 7, 8, role="shipped", needs=[0]),
        ],
        "edges": [{"stage": 2, "needs": 0, "kind": "copy", "line": 8}],
        "targets": [
            {
                "stage": 2,
                "ships": True,
                "base": None,
                "base_size": None,
                "copies": [{"stage": 0, "image": None, "paths": ["/app"]}],
            }
        ],
        "images": ["golang", "alpine"],
        "builds": {"buildkit": [0, 2], "classic": [0, 1, 2]},
        "errors": [],
    }


def test_graph_as_mermaid(stagelint: Run) -> None:
    write("Dockerfile", MIXED_FIXED)

    assert stagelint("graph", "Dockerfile", "--format", "mermaid") == Ran(
        0,
        """\
flowchart LR
  s0["○ build<br/>only builds"]
  s1["✗ tools<br/>unused"]
  s2["● stage-2<br/>ships"]
  i0(["golang"])
  i1(["alpine"])
  s0 -.->|copy| s2
  i0 -->|base| s0
  i1 -->|base| s1
""",
        "",
    )


def test_graph_as_dot(stagelint: Run) -> None:
    write("Dockerfile", MIXED_FIXED)

    assert stagelint("graph", "Dockerfile", "--format", "dot") == Ran(
        0,
        """\
digraph stages {
  rankdir=LR;
  s0 [shape=box, style=solid, label="build\\nonly builds"];
  s1 [shape=box, style=dashed, label="tools\\nunused"];
  s2 [shape=box, style=bold, label="stage-2\\nships"];
  i0 [shape=ellipse, label="golang"];
  i1 [shape=ellipse, label="alpine"];
  s0 -> s2 [style=dashed, label=copy];
  i0 -> s0 [style=solid, label=base];
  i1 -> s1 [style=solid, label=base];
}
""",
        "",
    )


# -- hostile text ----------------------------------------------------------------------------------

HOSTILE = (
    'FROM alpine AS "]-->x["\n'
    "FROM scratch\n"
    "COPY --from=a\x1b[2J<script>alert(1)</script> / /\n"
    'COPY --from="]);click\\ s0\\ evil / /\n'
    'COPY --from=\\"];evil[label=\\" / /\n'
    "COPY --from=--></pre>`&quot;#quot; / /\n"
)


def test_mermaid_of_hostile_names(stagelint: Run) -> None:
    write("Dockerfile", HOSTILE)
    done = stagelint("graph", "Dockerfile", "--format", "mermaid")
    label = r'"[^"<>\x00-\x1f]*(<br/>[^"<>\x00-\x1f]*)?"'
    line = re.compile(rf"  [si]\d+(\[{label}\]|\(\[{label}\]\)| -(\.-|-)>\|\w+\| s\d+)")
    head, *lines = done.out.splitlines()

    assert (done.status, head) == (0, "flowchart LR")
    assert [each for each in lines if not line.fullmatch(each)] == []


def test_dot_of_hostile_names(stagelint: Run) -> None:
    write("Dockerfile", HOSTILE)
    done = stagelint("graph", "Dockerfile", "--format", "dot")
    label = r'"([^"\\\x00-\x1f]|\\[\\"n])*"'
    line = re.compile(rf"  [si]\d+( -> s\d+)? \[(shape=\w+, )?(style=\w+, )?label=(\w+|{label})\];")
    head, rank, *lines, end = done.out.splitlines()

    assert (done.status, head, rank, end) == (0, "digraph stages {", "  rankdir=LR;", "}")
    assert [each for each in lines if not line.fullmatch(each)] == []


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "--output-format concise",
        "--output-format json",
        "--output-format json-lines",
        "--unsafe-fixes",
        "--fix --show-fixes",
        "--target \x1b[31m",
        "graph Dockerfile",
        "graph Dockerfile --format json",
        "graph Dockerfile --target \x1b[31m",
        "graph \x1b[31m",
        "rule \x1b[31m",
        "config show \x1b[31m",
        "missing\x1b[31m",
        "--select \x1b[31m",
        "--ignore SL101\u202e",
        "--config \x1b[31m",
        "--build-arg =\x1b[31m",
        "--per-file-ignores \x1b[31m",
        "--output-format \x1b[31m",
        "--\x1b[31m",
    ],
)
def test_nothing_that_drives_a_terminal_is_printed(stagelint: Run, arguments: str) -> None:
    write("Dockerfile", HOSTILE + "RU\x1b[31mN\u202e x\x07\x9b2J\n\x1b]0;title\x07 x\n")
    done = stagelint(*arguments.split(" ") if arguments else [])

    assert re.findall(r"[^\n -~\u00a1-\u2027\u2030-\uffff]", done.out + done.err) == []


@posix
def test_a_hostile_file_name(stagelint: Run) -> None:
    write("e\x1b[31mvil\n.dockerfile", SEED)
    shown = "e\\x1b[31mvil\\n.dockerfile"

    assert stagelint("-q", "--output-format", "concise") == Ran(1, f"{shown}:12:13: {NUMBER}", "")
    assert stagelint("--fix", "--show-fixes") == Ran(
        0,
        f"{shown}:\n{MADE}Fixed 1 finding, none left.\n",
        "",
    )


def test_a_hostile_configuration(stagelint: Run) -> None:
    write("Dockerfile", SEED)
    write("stagelint.toml", 'select = ["\\u001b[31m"]\n')

    assert stagelint() == Ran(2, "", "stagelint: stagelint.toml:1: no rule is called `\\x1b[31m`\n")


# -- when the world ends ---------------------------------------------------------------------------


def test_nobody_reads_the_output() -> None:
    write("Dockerfile", SEED)
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as closed:
        done = subprocess.run(
            command(), env=environ(), stdout=closed, stderr=subprocess.PIPE, check=False
        )

    if os.name != "nt":
        assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", ["Dockerfile", "--help", "graph --help", "--version"])
def test_the_disk_is_full(arguments: str) -> None:
    write("Dockerfile", SEED)
    given = command(*arguments.split())
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            given, env=environ(), stdout=full, stderr=subprocess.PIPE, check=False
        )

    assert (done.returncode, done.stderr) == (2, b"stagelint: no space left on device\n")


@posix
@pytest.mark.parametrize(
    ("closing", "name", "expected"),
    [
        (">&-", "Dockerfile", Ran(1, "", "")),
        (">&-", "clean.dockerfile", Ran(0, "", "")),
        ("2>&-", "Dockerfile", Ran(1, SEED_REPORT, "")),
        ("2>&-", "clean.dockerfile", Ran(0, "All checks passed.\n", "")),
        ("2>&-", "--no-such-rule", Ran(2, "", "")),
        ("<&-", "clean.dockerfile", Ran(0, "All checks passed.\n", "")),
    ],
)
def test_a_stream_is_closed(closing: str, name: str, expected: Ran) -> None:
    write("Dockerfile", SEED)
    write("clean.dockerfile", CLEAN)
    given = ["--select", "none"] if name == "--no-such-rule" else [name]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closing}', "sh", *command(*given)],
        env=environ(),
        capture_output=True,
        check=False,
    )

    assert Ran(done.returncode, decoded(done.stdout), decoded(done.stderr)) == expected


@posix
def test_the_current_folder_is_gone(folder: Path) -> None:
    (folder / "gone").mkdir()
    done = subprocess.run(
        ["sh", "-c", 'cd gone && rmdir ../gone && exec "$@"', "sh", *command()],
        env=environ(),
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        b"",
        b"stagelint: the current folder does not exist any more\n",
    )


#: A shell may have told the tests, and so their children, to ignore Ctrl-C.
INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from stagelint.cli import main
sys.exit(main())
"""


@posix
def test_interrupted(folder: Path) -> None:
    os.mkfifo("pipe")
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, "--fix", "pipe"],
        env=environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with open("pipe", "wb"):  # opens as soon as the other side reads
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (130, b"", b"stagelint: interrupted\n")


# -- what a run costs ------------------------------------------------------------------------------

HEAVY = (
    "asyncio concurrent.futures dataclasses difflib dockerfile_parse importlib.metadata inspect"
    " json libcst logging networkx pathlib ruamel stagelint.baseline stagelint.changes"
    " stagelint.fingerprints stagelint.migrate stagelint.project stagelint.selection stagelint.silence"
    " stagelint.verify subprocess tempfile tomllib tree_sitter typing unittest yaml"
)
LOADED = """
import sys
before = frozenset(sys.modules)
from stagelint.cli import main
main(sys.argv[1:])
print(*sorted(frozenset(sys.modules) - before), file=sys.stderr)
"""


def loaded(*arguments: str) -> frozenset[str]:
    """The modules that a run imports."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        env=environ(),
        capture_output=True,
        check=True,
    )
    return frozenset(done.stderr.decode().split())


@pytest.mark.parametrize("text", [CLEAN, SEED, MIXED], ids=["clean", "fixable", "mixed"])
@pytest.mark.parametrize("more", ["", "--output-format concise", "--target build", "--statistics"])
def test_a_plain_run_imports_nothing_heavy(text: str, more: str) -> None:
    write("Dockerfile", text)

    assert loaded("Dockerfile", *more.split()) & frozenset(HEAVY.split()) == frozenset()


def test_only_a_stage_that_nothing_needs_has_the_repository_read() -> None:
    Path(".git").mkdir()
    write("needed", "FROM alpine:3.22 AS build\nFROM scratch\nCOPY --from=build /etc/motd /\n")
    write("left", "FROM alpine:3.22 AS test\nFROM scratch\nCOPY motd /\n")

    assert "stagelint.project" not in loaded("needed")
    assert "stagelint.project" in loaded("left")


def test_a_run_imports_the_rules_it_uses() -> None:
    write("Dockerfile", SEED)
    modules = loaded("Dockerfile", "--select", "SL102")

    assert {name for name in modules if name.startswith("stagelint_rules.")} == {
        "stagelint_rules._index",
        "stagelint_rules.numeric_stage_reference",
        "stagelint_rules.unreadable_file",
    }
