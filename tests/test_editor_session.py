"""An editor and the command: lint as one types, fix on save, fixes applied by hand."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from stagelint.cli import main

ROOT = Path(__file__).parent.parent

OPENED = """\
FROM golang:1.25 AS build
RUN go build -o /bin/hello .

FROM scratch
COPY --from=build /bin/hello /bin/hello
"""
TYPED = OPENED.replace("=build", "=0")
FORGOTTEN = "FROM alpine AS tools\n\n" + OPENED

Object = dict[str, Any]


class Ran(NamedTuple):
    """What a run came to."""

    status: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and an environment without wishes."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def really(*arguments: str, stdin: str) -> Ran:
    """Run the command as editors do, as a program of its own."""
    paths = os.pathsep.join(str(ROOT / part) for part in ("lint", "rules"))
    done = subprocess.run(
        [sys.executable, "-m", "stagelint", *arguments],
        input=encoded(stdin),
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        check=False,
    )
    return Ran(done.returncode, decoded(done.stdout), decoded(done.stderr))


@pytest.fixture
def stagelint(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Runs the command in this process."""

    def run(*arguments: str, stdin: str) -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(encoded(stdin))))
        capsysbinary.readouterr()
        status = main(arguments)
        out, err = capsysbinary.readouterr()
        return Ran(status, decoded(out), decoded(err))

    return run


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


# -- a session -------------------------------------------------------------------------------------

LINT = ("check", "--output-format=json", "--stdin-filename", "Dockerfile", "-")
FIX = ("check", "--fix", "--exit-zero", "--stdin-filename", "Dockerfile", "-")


def spots(done: Ran) -> list[tuple[str, int, int, int, int, str]]:
    """What an editor underlines."""
    return [
        (
            each["code"],
            each["location"]["row"],
            each["location"]["column"],
            each["end_location"]["row"],
            each["end_location"]["column"],
            each["message"],
        )
        for each in json.loads(done.out)
    ]


def test_a_session(folder: Path) -> None:
    file = folder / "Dockerfile"
    file.write_bytes(OPENED.encode())
    opened = really(*LINT, stdin=OPENED)
    changed = really(*LINT, stdin=TYPED)
    saved = really(*FIX, stdin=TYPED)
    reopened = really(*LINT, stdin=saved.out)

    assert opened == Ran(0, "[]\n", "")
    assert (changed.status, changed.err) == (1, "")
    assert spots(changed) == [("SL102", 5, 13, 5, 14, "stage `build` is referred to by its number")]
    assert saved == Ran(0, OPENED, "Fixed 1 finding, none left.\n")
    assert reopened == Ran(0, "[]\n", "")
    assert (file.read_bytes().decode(), os.listdir(folder)) == (OPENED, ["Dockerfile"])


def test_a_session_with_a_line_for_each_finding() -> None:
    given = ("-q", "--output-format", "json-lines", "--stdin-filename", "Dockerfile", "-")
    done = really(*given, stdin=TYPED + "COPY --from=0 /bin/hello /a\n")
    rows = [json.loads(line)["location"]["row"] for line in done.out.splitlines()]

    assert (done.status, rows, done.err) == (1, [5, 6], "")


def test_a_session_in_a_repository(folder: Path) -> None:
    (folder / "stagelint.toml").write_text('exclude = ["vendor"]\nignore = ["SL102"]\n')
    ours = ("--stdin-filename", str(folder / "api" / "Dockerfile"))
    theirs = ("--force-exclude", "--stdin-filename", str(folder / "vendor" / "Dockerfile"))

    assert really("--output-format=json", *ours, "-", stdin=TYPED) == Ran(0, "[]\n", "")
    assert really("--fix", "--exit-zero", "-q", *ours, "-", stdin=TYPED) == Ran(0, TYPED, "")
    assert really("--fix", "--exit-zero", "-q", *theirs, "-", stdin=TYPED) == Ran(0, TYPED, "")


#: What somebody may be in the middle of typing.
UNFINISHED = {
    "nothing": "",
    "no instruction": "FR",
    "no image": "FROM",
    "no name": OPENED + "FROM alpine AS",
    "no source": OPENED + "COPY --from=",
    "open heredoc": OPENED + "COPY <<EOF /a\nb\n",
    "open quote": OPENED + 'ENV A="b\n',
    "open line": OPENED + "RUN a \\",
    "open comment": OPENED + "# stagelint: ignore[",
    "a NUL": OPENED + "RUN a\0b\n",
    "no newline": OPENED.removesuffix("\n"),
    "only blanks": " \n\t\n",
    "a conflict": "<<<<<<< ours\n" + TYPED + "=======\n" + OPENED + ">>>>>>> theirs\n",
}


@pytest.mark.parametrize("text", UNFINISHED.values(), ids=UNFINISHED.keys())
def test_saving_what_is_unfinished_loses_nothing(stagelint: Run, text: str) -> None:
    status, out, _ = stagelint(*FIX, stdin=text)

    assert (status, out) == (0, text)


@pytest.mark.parametrize("text", UNFINISHED.values(), ids=UNFINISHED.keys())
def test_every_place_lies_in_the_text(stagelint: Run, text: str) -> None:
    lines = text.split("\n")
    outside = [
        (row, column)
        for _, *ends, _ in spots(stagelint(*LINT, stdin=text))
        for row, column in (ends[:2], ends[2:])
        if not (1 <= row <= len(lines) and 1 <= column <= len(lines[row - 1]) + 1)
    ]

    assert outside == []


# -- what editors read -----------------------------------------------------------------------------


def shape(value: object) -> object:
    """*value* with types in the place of what differs from finding to finding."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in cast("Object", value).items()}
    if isinstance(value, list):
        return [shape(each) for each in cast("list[object]", value)[:1]]
    return type(value).__name__


PLACE = {"row": "int", "column": "int"}
RANGE = {"location": PLACE, "end_location": PLACE}


def test_the_keys_that_editors_know_from_ruff(stagelint: Run, folder: Path) -> None:
    [found] = json.loads(stagelint(*LINT, stdin=TYPED).out)
    known = ("code", "message", "filename", "url", "location", "end_location", "noqa_row", "cell")
    fix: Object = found["fix"]

    assert {key: shape(found[key]) for key in known} == {
        "code": "str",
        "message": "str",
        "filename": "str",
        "url": "NoneType",
        **RANGE,
        "noqa_row": "int",
        "cell": "NoneType",
    }
    assert {key: shape(fix[key]) for key in ("applicability", "message", "edits")} == {
        "applicability": "str",
        "message": "str",
        "edits": [{"content": "str", **RANGE}],
    }
    assert found["filename"] == str(folder / "Dockerfile")


def test_a_finding_without_a_fix(stagelint: Run) -> None:
    [found] = json.loads(stagelint(*LINT, stdin=OPENED + "RUNN x\n").out)

    assert (found["code"], found["fix"], found["guarantee"]) == ("SL000", None, None)


def applicabilities(done: Ran) -> list[tuple[str, str, str]]:
    return [
        (each["code"], each["fix"]["applicability"], each["fix"]["guarantee"])
        for each in json.loads(done.out)
        if each["fix"]
    ]


@pytest.mark.parametrize("more", [(), ("--unsafe-fixes",)])
def test_only_what_keeps_the_build_is_called_safe(stagelint: Run, more: tuple[str, ...]) -> None:
    done = stagelint(*LINT, *more, stdin=FORGOTTEN.replace("=build", "=1"))

    assert applicabilities(done) == [
        ("SL101", "unsafe", "behaviour"),
        ("SL102", "safe", "same-build"),
    ]


def test_nothing_is_safe_in_a_file_that_does_not_build(stagelint: Run) -> None:
    done = stagelint(*LINT, stdin=TYPED + "RUNN x\n")

    assert applicabilities(done) == [("SL102", "unsafe", "behaviour")]


# -- fixes applied by hand -------------------------------------------------------------------------

UNNAMED = "FROM golang:1.25\nRUN go build -o /app\n\nFROM scratch\nCOPY --from=0 /app /app\n"
TEXTS = {
    "unnamed stage": UNNAMED,
    "CRLF": UNNAMED.replace("\n", "\r\n"),
    "BOM": "\ufeff" + UNNAMED,
    "BOM and CRLF": "\ufeff" + UNNAMED.replace("\n", "\r\n"),
    "no final newline": UNNAMED.removesuffix("\n"),
    "accents and astral characters": UNNAMED.replace(
        "--from", "--chown=\u00e9\U0001f433\u4e2d --from"
    ),
    "combining characters": UNNAMED.replace(
        "--from", "--chown=e\u0301\U0001f468\u200d\U0001f469 --from"
    ),
    "a heredoc": UNNAMED.replace("RUN go", "COPY <<EOF /a\n\U0001f433 FROM x\nEOF\nRUN go"),
    "bytes that are not UTF-8": UNNAMED.replace("--from", "--chown=\udcff\udce9 --from"),
    "tabs and odd newlines": UNNAMED.replace("--from", "--chown=a\x0b\u2028\x85\x0c\tb\t--from"),
    "lone CR": UNNAMED.replace("RUN go", "# a\rb\nRUN go"),
    "two references": UNNAMED + "COPY --from=0 /b /b\n",
    "a continued line": UNNAMED.replace("--from", "\\\n  # \u00e9\n\n  --from"),
    "a dead stage": "FROM alpine\nRUN true\n\n" + UNNAMED.replace("=0", "=1"),
    "a dead stage with CRLF": ("FROM alpine\n# \u00e9\n\n" + OPENED).replace("\n", "\r\n"),
    "a suppression": "# \u00e9\n# stagelint: ignore[SL101]\n" + OPENED,
    "one of two suppressions": TYPED.replace(
        "COPY", "# stagelint: ignore[SL101, SL102] \u00e9\U0001f433\nCOPY"
    ),
    "unsafe ones beside": FORGOTTEN.replace("=build", "=1"),
    "nothing to fix": OPENED,
}
UNCHANGED = ("nothing to fix",)
each_text = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())


class Edit(NamedTuple):
    """An edit as JSON tells it."""

    start: tuple[int, int]
    end: tuple[int, int]
    content: str


def safe_edits(finding: Object) -> list[Edit]:
    """What an editor may apply unseen."""
    if finding["fix"] is None or finding["fix"]["applicability"] != "safe":
        return []
    return [
        Edit(
            (each["location"]["row"], each["location"]["column"]),
            (each["end_location"]["row"], each["end_location"]["column"]),
            each["content"],
        )
        for each in finding["fix"]["edits"]
    ]


def edited(text: str, edits: Iterable[Edit]) -> str:
    """*text* with *edits* made from its end to its start; edits told twice are made once."""
    lines = text.split("\n")

    def offset(place: tuple[int, int]) -> int:
        row, column = place
        return sum(len(line) + 1 for line in lines[: row - 1]) + column - 1

    for edit in sorted(set(edits), reverse=True):
        text = text[: offset(edit.start)] + edit.content + text[offset(edit.end) :]
    return text


@each_text
def test_all_safe_edits_at_once_are_what_fix_makes(stagelint: Run, text: str) -> None:
    found = json.loads(stagelint(*LINT, stdin=text).out)
    fixed = stagelint(*FIX, stdin=text).out

    assert edited(text, [edit for each in found for edit in safe_edits(each)]) == fixed


def by_hand(stagelint: Run, text: str) -> str:
    """*text* after the first safe fix, and the first of those left, until none is left."""
    for _ in range(100):
        found = json.loads(stagelint(*LINT, stdin=text).out)
        fixes = [edits for each in found if (edits := safe_edits(each))]
        if not fixes:
            return text
        text = edited(text, fixes[0])
    pytest.fail("never settles")


FIXTURES = sorted(path.parent.name for path in (ROOT / "fixtures").glob("*/Dockerfile"))


@pytest.mark.parametrize("name", TEXTS)
def test_these_texts_are_fixed(stagelint: Run, name: str) -> None:
    fixed = stagelint(*FIX, stdin=TEXTS[name]).out

    assert (fixed == TEXTS[name]) == (name in UNCHANGED)


@each_text
def test_one_fix_after_the_other_is_what_fix_makes(stagelint: Run, text: str) -> None:
    assert by_hand(stagelint, text) == stagelint(*FIX, stdin=text).out


@pytest.mark.parametrize("case", FIXTURES)
@pytest.mark.usefixtures("in_copy_of_case")
def test_one_fix_after_the_other_is_what_fix_makes_of_a_fixture(stagelint: Run, case: str) -> None:
    text = decoded(Path("Dockerfile").read_bytes())

    assert by_hand(stagelint, text) == stagelint(*FIX, stdin=text).out


@each_text
def test_applied_fixes_leave_nothing_to_fix(stagelint: Run, text: str) -> None:
    fixed = stagelint(*FIX, stdin=text).out
    left = json.loads(stagelint(*LINT, stdin=fixed).out)

    assert [each["code"] for each in left if safe_edits(each)] == []
