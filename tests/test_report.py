"""What people, editors and pipelines get to read: every format, and what hostile text may do."""

from __future__ import annotations

import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.fingerprints import fingerprints
from stagelint.model.roles import Role
from stagelint.report import concise, diff, json_format, summary, terminal, text
from stagelint.rule import Finding, Related, Severity
from stagelint.source import Source, Span

HELLO = """\
FROM golang:1.24 AS build
RUN go build -o /bin/hello .

FROM scratch
COPY --from=0 /bin/hello /bin/hello
"""


def spot(content: str, words: str) -> Span:
    start = content.index(words)
    return Span(start, start + len(words))


def finding(
    content: str = HELLO,
    words: str = "0 /bin",
    message: str = "stage 0 is referred to by its number",
    *,
    path: str = "Dockerfile",
    span: Span | None = None,
    code: str = "SL102",
    name: str = "numeric-stage-reference",
    severity: Severity = Severity.WARNING,
    fix: Fix | None = None,
    why: str = "",
    note: str = "",
    stage: str | None = None,
    role: Role | None = None,
    related: tuple[Related, ...] = (),
) -> Finding:
    source = Source(path, content)
    place = span or spot(content, words)
    return Finding(
        code, name, severity, source, place, message, why, fix, note, stage, role, related
    )


def fix_of(guarantee: Guarantee = Guarantee.SAME_BUILD) -> Fix:
    span = spot(HELLO, "0 /bin")
    edit = Edit(Span(span.start, span.start + 1), "build")
    return Fix("name the stage `build` and refer to it by name", (edit,), guarantee)


SAFE = fix_of()
UNSAFE = fix_of(Guarantee.BEHAVIOUR)


def full(*findings: Finding, color: bool = False, unsafe: bool = False) -> str:
    return "\n".join(text.render(findings, color=color, unsafe=unsafe))


def brief(*findings: Finding, color: bool = False, unsafe: bool = False) -> str:
    return "\n".join(concise.render(findings, color=color, unsafe=unsafe))


# -- the full text -------------------------------------------------------------------------------


def test_text_shows_everything_a_finding_knows() -> None:
    compose = Source("compose.yaml", "services:\n  app:\n    build: .\n")
    found = finding(
        span=Span(spot(HELLO, "0 /bin").start, spot(HELLO, "0 /bin").start + 1),
        why="the number means another stage as soon as one is added above",
        fix=SAFE,
        note="the classic builder looks for a stage called `0` first",
        related=(Related(compose, spot(compose.text, "build"), "asked for here"),),
    )

    assert (
        full(found)
        == """\
Dockerfile:5:13: warning SL102 numeric-stage-reference: stage 0 is referred to by its number [*]
  |
5 | COPY --from=0 /bin/hello /bin/hello
  |             ^
  = why: the number means another stage as soon as one is added above
  = fix: name the stage `build` and refer to it by name (safe: --fix applies it)
  = note: the classic builder looks for a stage called `0` first
  = related: compose.yaml:3:5: asked for here
"""
    )


def test_text_separates_findings_by_a_blank_line() -> None:
    first = finding(words="golang", message="not pinned", severity=Severity.STYLE)
    second = finding(words="scratch", message="nothing in it", severity=Severity.INFO)

    assert (
        full(first, second)
        == """\
Dockerfile:1:6: style SL102 numeric-stage-reference: not pinned
  |
1 | FROM golang:1.24 AS build
  |      ^^^^^^

Dockerfile:4:6: info SL102 numeric-stage-reference: nothing in it
  |
4 | FROM scratch
  |      ^^^^^^^
"""
    )


def test_text_says_which_option_applies_an_unsafe_fix() -> None:
    found = finding(fix=UNSAFE, note="another image is copied from")

    assert (
        full(found)
        == """\
Dockerfile:5:13: warning SL102 numeric-stage-reference: stage 0 is referred to by its number
  |
5 | COPY --from=0 /bin/hello /bin/hello
  |             ^^^^^^
  = fix: name the stage `build` and refer to it by name (--unsafe-fixes applies it: behaviour)
  = note: another image is copied from
"""
    )


def test_text_counts_unsafe_fixes_once_they_are_allowed() -> None:
    found = finding(fix=fix_of(Guarantee.SAME_BUT_CACHES))

    assert (
        full(found, unsafe=True)
        == """\
Dockerfile:5:13: warning SL102 numeric-stage-reference: stage 0 is referred to by its number [*]
  |
5 | COPY --from=0 /bin/hello /bin/hello
  |             ^^^^^^
  = fix: name the stage `build` and refer to it by name (same-but-caches: --fix applies it)
"""
    )


@pytest.mark.parametrize(
    ("role", "message", "ending"),
    [
        (Role.BUILDER, "too much", "too much [*] (in `build`, which does not ship)"),
        (Role.TARGET, "too much", "too much [*] (in `build`, which does not ship)"),
        (Role.SHIPPED, "too much", "too much [*]"),
        (Role.UNUSED, "too much", "too much [*]"),
        (None, "too much", "too much [*]"),
        (Role.BUILDER, "`build` is too much", "`build` is too much [*]"),
    ],
)
def test_text_mentions_a_stage_that_does_not_ship(
    role: Role | None, message: str, ending: str
) -> None:
    found = finding(words="golang", message=message, fix=SAFE, stage="build", role=role)

    assert full(found).split("\n")[0] == (
        f"Dockerfile:1:6: warning SL102 numeric-stage-reference: {ending}"
    )


def test_text_shows_every_line_of_a_short_span() -> None:
    content = "FROM a\nRUN one \\\n\n    two\nRUN three\n"
    found = finding(content, span=Span(content.index("one"), content.index("\nRUN three")))

    assert (
        full(found)
        == """\
Dockerfile:2:5: warning SL102 numeric-stage-reference: stage 0 is referred to by its number
  |
2 | RUN one \\
  |     ^^^^^
3 |
4 |     two
"""
    )


def test_text_shows_four_lines_of_a_longer_span_and_aligns_the_numbers() -> None:
    content = "FROM a\n" * 7 + "FROM b\nRUN 1\nRUN 2\nRUN 3\nRUN 4\nRUN 5\n"
    found = finding(content, span=Span(content.index("FROM b"), len(content)))

    assert (
        full(found)
        == """\
Dockerfile:8:1: warning SL102 numeric-stage-reference: stage 0 is referred to by its number
   |
 8 | FROM b
   | ^^^^^^
 9 | RUN 1
10 | RUN 2
11 | RUN 3
   | …
"""
    )


def test_text_ends_a_span_of_whole_lines_before_the_next_line() -> None:
    found = finding("FROM a\nFROM b\nFROM c\n", "FROM b\n")

    assert full(found).split("\n")[1:] == ["  |", "2 | FROM b", "  | ^^^^^^", ""]


@pytest.mark.parametrize(
    ("content", "span", "lines"),
    [
        pytest.param("FROM a\n", Span(0, 0), ["1 | FROM a", "  | ^"], id="start"),
        pytest.param("FROM a", Span(6, 6), ["1 | FROM a", "  |       ^"], id="end"),
        pytest.param("FROM a\n", Span(6, 7), ["1 | FROM a", "  |       ^"], id="newline"),
        pytest.param("FROM a\r\n", Span(6, 8), ["1 | FROM a", "  |       ^"], id="crlf"),
        pytest.param("FROM a\n", Span(7, 7), ["2 |", "  | ^"], id="after-last-newline"),
        pytest.param("\n\nFROM a", Span(1, 1), ["2 |", "  | ^"], id="blank-line"),
    ],
)
def test_text_shows_at_least_one_caret(content: str, span: Span, lines: list[str]) -> None:
    assert full(finding(content, span=span)).split("\n")[1:] == ["  |", *lines, ""]


def test_text_shows_no_lines_of_what_is_empty_or_could_not_be_read() -> None:
    unreadable = Source("secret/Dockerfile", "", "permission denied")
    found = Finding(
        "SL001",
        "unreadable-file",
        Severity.ERROR,
        unreadable,
        Span(0, 0),
        "permission denied",
        note="check the permissions",
    )

    assert (
        full(found)
        == """\
secret/Dockerfile:1:1: error SL001 unreadable-file: permission denied
  = note: check the permissions
"""
    )


def test_text_bounds_the_related_places() -> None:
    source = Source("compose.yaml", "a\n" * 12)
    found = finding(
        "FROM a\n",
        "a",
        related=tuple(Related(source, Span(2 * at, 2 * at), "asked for here") for at in range(12)),
    )

    assert full(found).split("\n")[4:] == [
        *(f"  = related: compose.yaml:{line}:1: asked for here" for line in range(1, 11)),
        "  = related: and 2 more",
        "",
    ]


def test_text_aligns_carets_after_tabs_and_escapes() -> None:
    found = finding("RUN\t\x1b[2J\u202e x\n", " x")

    assert full(found).split("\n")[1:] == [
        "  |",
        r"1 | RUN    \x1b[2J\u202e x",
        "  |                     ^^",
        "",
    ]


def test_text_escapes_whatever_stems_from_files() -> None:
    source = Source("a\x1b[31m.yaml", "x")
    found = finding(
        "FROM a\n",
        "a",
        "unknown \x07stage\nerror: all is well",
        path="dir\u202e/Dockerfile",
        fix=Fix("drop \x9b2J", ()),
        why="because\r",
        note="no\u200btice",
        stage="\x1b]0;title",
        role=Role.BUILDER,
        related=(Related(source, Span(0, 1), "here\udcff"),),
    )

    assert full(found) == (
        r"""dir\u202e/Dockerfile:1:6: warning SL102 numeric-stage-reference: """
        r"""unknown \x07stage\nerror: all is well [*] (in `\x1b]0;title`, which does not ship)
  |
1 | FROM a
  |      ^
  = why: because\r
  = fix: drop \u009b2J (safe: --fix applies it)
  = note: no\u200btice
  = related: a\x1b[31m.yaml:1:1: here\xff
"""
    )


@pytest.mark.parametrize(
    ("content", "span", "shown", "carets"),
    [
        pytest.param("a" * 200, Span(0, 1), "a" * 200, "^", id="just-fits"),
        pytest.param("a" * 201, Span(0, 1), "a" * 200 + "…", "^", id="one-too-many"),
        pytest.param(
            "a" * 500 + "bc" + "d" * 500,
            Span(500, 502),
            "…" + "a" * 99 + "bc" + "d" * 99 + "…",
            " " * 100 + "^^",
            id="middle",
        ),
        pytest.param(
            "a" * 500 + "b",
            Span(500, 501),
            "…" + "a" * 199 + "b",
            " " * 200 + "^",
            id="end",
        ),
        pytest.param(
            "a" * 300 + "b" * 300 + "c" * 300,
            Span(300, 600),
            "…" + "a" * 50 + "b" * 150 + "…",
            " " * 51 + "^" * 100,
            id="long-span",
        ),
    ],
)
def test_text_cuts_long_lines_around_the_caret(
    content: str, span: Span, shown: str, carets: str
) -> None:
    lines = full(finding(content, span=span)).split("\n")

    assert lines[2:4] == [f"1 | {shown}", f"  | {carets}"]


def test_text_cuts_the_further_lines_of_a_span() -> None:
    content = "RUN a \\\n" + "b" * 300

    assert full(finding(content, span=Span(0, len(content)))).split("\n")[2:5] == [
        r"1 | RUN a \ ".rstrip(),
        "  | ^^^^^^^",
        "2 | " + "b" * 200 + "…",
    ]


def test_text_stays_narrow_however_the_line_is_made() -> None:
    kinds = random.Random(3)
    for _ in range(300):
        alphabet = kinds.choice(["ab", "a\x00", "\t", "\u202e", "\U000e0041\udc80x"])
        content = "".join(kinds.choices(alphabet, k=kinds.randrange(1, 900)))
        start = kinds.randrange(len(content))
        found = finding(content, span=Span(start, kinds.randrange(start, len(content) + 1)))
        _, _, line, carets, _ = full(found).split("\n")
        head, tail = len("1 | "), terminal.escape(content[start])[:1]
        under = line[carets.index("^") :][:1]

        assert len(line) <= head + 202
        assert len(carets) <= head + 202
        assert under == tail


def test_text_paints_only_if_asked() -> None:
    found = finding(fix=SAFE, stage="build", role=Role.BUILDER, severity=Severity.ERROR)
    painted = full(found, color=True)

    assert re.sub(r"\x1b\[[\d;]*m", "", painted) == full(found)
    assert painted == (
        "\x1b[1mDockerfile\x1b[0m\x1b[36m:\x1b[0m5\x1b[36m:\x1b[0m13\x1b[36m:\x1b[0m"
        " \x1b[1;31merror SL102\x1b[0m \x1b[1mnumeric-stage-reference\x1b[0m:"
        " stage 0 is referred to by its number \x1b[36m[*]\x1b[0m"
        " \x1b[2m(in `build`, which does not ship)\x1b[0m\n"
        "\x1b[1;34m  |\x1b[0m\n"
        "\x1b[1;34m5 |\x1b[0m COPY --from=0 /bin/hello /bin/hello\n"
        "\x1b[1;34m  |\x1b[0m             \x1b[1;31m^^^^^^\x1b[0m\n"
        "  \x1b[1;34m=\x1b[0m \x1b[1mfix\x1b[0m: name the stage `build` and refer to it by name"
        " (safe: --fix applies it)\n"
    )


# -- the concise text ----------------------------------------------------------------------------


def test_concise_is_one_line_a_finding() -> None:
    found = (
        finding(fix=SAFE),
        finding(words="golang", message="not\npinned", severity=Severity.ERROR, code="SL203"),
        finding(fix=UNSAFE, path="a b\x1b/Dockerfile"),
    )

    assert brief(*found) == (
        "Dockerfile:5:13: warning SL102 [*] stage 0 is referred to by its number\n"
        "Dockerfile:1:6: error SL203 not\\npinned\n"
        "a b\\x1b/Dockerfile:5:13: warning SL102 stage 0 is referred to by its number"
    )


def test_concise_marks_unsafe_fixes_once_they_are_allowed() -> None:
    assert brief(finding(fix=UNSAFE), unsafe=True) == (
        "Dockerfile:5:13: warning SL102 [*] stage 0 is referred to by its number"
    )


def test_concise_paints_only_if_asked() -> None:
    assert brief(finding(fix=SAFE), color=True) == (
        "\x1b[1mDockerfile\x1b[0m\x1b[36m:\x1b[0m5\x1b[36m:\x1b[0m13\x1b[36m:\x1b[0m"
        " \x1b[1;33mwarning SL102\x1b[0m \x1b[36m[*]\x1b[0m stage 0 is referred to by its number"
    )


# -- the summary ---------------------------------------------------------------------------------


def summed(
    *findings: Finding, unsafe: bool = False, fixed: summary.Fixed | None = None
) -> list[str]:
    return list(summary.render(findings, color=False, unsafe=unsafe, fixed=fixed))


def test_summary_of_nothing_found() -> None:
    assert summed() == ["All checks passed."]


def test_summary_counts_by_severity_and_file() -> None:
    found = (
        finding(severity=Severity.STYLE),
        finding(severity=Severity.WARNING),
        finding(severity=Severity.ERROR, path="other/Dockerfile"),
        finding(severity=Severity.WARNING),
        finding(severity=Severity.INFO),
        finding(severity=Severity.INFO),
    )

    assert summed(*found) == ["Found 6 findings (1 error, 2 warnings, 2 info, 1 style) in 2 files."]


@pytest.mark.parametrize(
    ("fixes", "unsafe", "lines"),
    [
        ([SAFE, None], False, ["[*] 1 fixable with --fix."]),
        ([SAFE, SAFE, UNSAFE], False, ["[*] 2 fixable with --fix (1 more with --unsafe-fixes)."]),
        ([SAFE, SAFE, UNSAFE], True, ["[*] 3 fixable with --fix."]),
        ([UNSAFE], False, ["1 fixable with --unsafe-fixes."]),
        ([None], True, []),
    ],
)
def test_summary_says_what_can_be_fixed(
    fixes: list[Fix | None], unsafe: bool, lines: list[str]
) -> None:
    found = [finding(fix=fix) for fix in fixes]

    assert summed(*found, unsafe=unsafe)[1:] == lines


@pytest.mark.parametrize(
    ("fixed", "left", "lines"),
    [
        (summary.Fixed(3), [None], ["Fixed 3 findings, 1 left."]),
        (summary.Fixed(1), [], ["Fixed 1 finding, none left."]),
        (summary.Fixed(0), [], ["All checks passed."]),
        (
            summary.Fixed(0),
            [UNSAFE],
            ["Found 1 finding (1 warning) in 1 file.", "1 fixable with --unsafe-fixes."],
        ),
        (
            summary.Fixed(3, withheld=2),
            [SAFE, SAFE],
            [
                "Fixed 3 findings, 2 left.",
                "2 fixes withheld: the proof failed, please report this.",
            ],
        ),
        (
            summary.Fixed(0, withheld=1),
            [SAFE],
            [
                "Found 1 finding (1 warning) in 1 file.",
                "1 fix withheld: the proof failed, please report this.",
            ],
        ),
    ],
)
def test_summary_of_a_run_that_fixes(
    fixed: summary.Fixed, left: list[Fix | None], lines: list[str]
) -> None:
    assert summed(*[finding(fix=fix) for fix in left], fixed=fixed) == lines


def test_statistics_rank_the_codes() -> None:
    found = [
        *[finding(code="SL205", name="root-user")] * 2,
        *[finding(code="SL101", name="unused-stage", fix=SAFE)] * 2,
        *[finding(fix=SAFE)] * 9,
        finding(),
    ]

    assert list(summary.statistics(found)) == [
        "10\tSL102\t[-] numeric-stage-reference",
        " 2\tSL101\t[*] unused-stage",
        " 2\tSL205\t[ ] root-user",
    ]


def test_statistics_without_a_fix_have_no_marks() -> None:
    found = [finding(fix=UNSAFE)]

    assert list(summary.statistics(found)) == ["1\tSL102\tnumeric-stage-reference"]
    assert list(summary.statistics(found, unsafe=True)) == ["1\tSL102\t[*] numeric-stage-reference"]
    assert list(summary.statistics([])) == []


# -- JSON ----------------------------------------------------------------------------------------


def test_json_has_the_keys_of_ruff_and_more() -> None:
    compose = Source("compose.yaml", "a:\n  build: .\n")
    found = finding(
        fix=SAFE,
        why="numbers move",
        note="mind the gap",
        stage="stage-1",
        role=Role.SHIPPED,
        related=(Related(compose, spot(compose.text, "build"), "asked for here"),),
    )._replace(aliases=("DL3022",))

    assert json.loads(json_format.render([found])) == [
        {
            "code": "SL102",
            "name": "numeric-stage-reference",
            "aliases": ["DL3022"],
            "severity": "warning",
            "message": "stage 0 is referred to by its number",
            "why": "numbers move",
            "filename": os.path.abspath("Dockerfile"),
            "url": None,
            "location": {"row": 5, "column": 13},
            "end_location": {"row": 5, "column": 19},
            "noqa_row": 5,
            "cell": None,
            "fix": {
                "applicability": "safe",
                "guarantee": "same-build",
                "message": "name the stage `build` and refer to it by name",
                "edits": [
                    {
                        "content": "build",
                        "location": {"row": 5, "column": 13},
                        "end_location": {"row": 5, "column": 14},
                    }
                ],
            },
            "role": "shipped",
            "stage": "stage-1",
            "related": [
                {
                    "filename": os.path.abspath("compose.yaml"),
                    "location": {"row": 2, "column": 3},
                    "end_location": {"row": 2, "column": 8},
                    "message": "asked for here",
                }
            ],
            "note": "mind the gap",
            "certain": True,
            "guarantee": "same-build",
            "gain": None,
            "holds": [],
            "fingerprint": fingerprints([found])[0],
        }
    ]


def test_json_of_a_bare_finding() -> None:
    document = json_format.to_json(finding(path="-"), "f1")

    assert document == {
        "code": "SL102",
        "name": "numeric-stage-reference",
        "aliases": [],
        "severity": "warning",
        "message": "stage 0 is referred to by its number",
        "why": "",
        "filename": "-",
        "url": None,
        "location": {"row": 5, "column": 13},
        "end_location": {"row": 5, "column": 19},
        "noqa_row": 5,
        "cell": None,
        "fix": None,
        "role": None,
        "stage": None,
        "related": [],
        "note": "",
        "certain": True,
        "guarantee": None,
        "gain": None,
        "holds": [],
        "fingerprint": "f1",
    }


@pytest.mark.parametrize("guarantee", list(Guarantee))
def test_json_calls_only_fixes_that_keep_the_build_safe(guarantee: Guarantee) -> None:
    document = json_format.to_json(finding(fix=fix_of(guarantee)), "f1")
    fix = document["fix"]

    assert isinstance(fix, dict)
    assert fix["applicability"] == ("safe" if guarantee is Guarantee.SAME_BUILD else "unsafe")
    assert (fix["guarantee"], document["guarantee"]) == (guarantee.value, guarantee.value)


def test_json_orders_edits_and_counts_code_points() -> None:
    content = "FROM 😀é AS b\nFROM b\n"
    fix = Fix("both", (Edit(spot(content, "FROM b\n")), Edit(spot(content, "AS"), "as")))
    document = json.loads(json_format.render([finding(content, "é", fix=fix)]))[0]

    assert document["location"] == {"row": 1, "column": 7}
    assert document["fix"]["edits"] == [
        {
            "content": "as",
            "location": {"row": 1, "column": 9},
            "end_location": {"row": 1, "column": 11},
        },
        {
            "content": "",
            "location": {"row": 2, "column": 1},
            "end_location": {"row": 3, "column": 1},
        },
    ]


def test_json_array_and_json_lines_say_the_same() -> None:
    found = [finding(), finding(words="golang", fix=UNSAFE)]
    lines = list(json_format.render_lines(found))

    assert json_format.render(found) == f"[\n  {lines[0]},\n  {lines[1]}\n]"
    assert json_format.render([]) == "[]"
    assert list(json_format.render_lines([])) == []


def test_json_is_valid_whatever_the_bytes() -> None:
    source = Source.from_bytes("a\udcff", bytes(range(256)) + "\u2028😀".encode())
    edit = Edit(Span(0, len(source.text)), source.text)
    found = finding()._replace(
        source=source, span=Span(0, 1), message=source.text, fix=Fix(source.text, (edit,))
    )
    (line,) = json_format.render_lines([found])
    document = json.loads(line)

    assert line.isascii()
    assert "\n" not in line
    assert document["message"] == source.text
    assert document["fix"]["edits"][0]["content"] == source.text


# -- the diff ------------------------------------------------------------------------------------

#: Before and after, as a fix may leave them.
CHANGES = {
    "plain": (HELLO, HELLO.replace("=0", "=build")),
    "two-hunks": ("a\n" + "x\n" * 20 + "b\n", "A\n" + "x\n" * 20 + "B\n"),
    "insert-at-start": ("b\nc\n", "a\nb\nc\n"),
    "delete-at-end": ("a\nb\nc\n", "a\nb\n"),
    "delete-all": ("a\n", ""),
    "insert-into-nothing": ("", "a\nb"),
    "no-newline-before": ("a\nb", "a\nb\n"),
    "no-newline-after": ("a\nb\n", "a\nb"),
    "no-newline-both": ("a\nb", "a\nc"),
    "no-newline-in-context": ("a\nb\nc", "x\nb\nc"),
    "crlf": ("a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\n"),
    "crlf-to-lf": ("a\r\nb\r\n", "a\r\nb\n"),
    "lone-cr": ("a\rb\nc\n", "a\rb\nd\n"),
    "lone-cr-at-end": ("a\nb\r", "c\nb\r"),
    "form-feed": ("a\fb\nc\f\n\x0b\x1c\n", "a\fb\nd\f\n\x0b\x1c\n"),
    "other-separators": ("a\u2028b\x85c\nd\n", "a\u2028b\x85e\nd\n"),
    "not-utf-8": ("a\udcff\nb\n", "a\udcff\nc\n"),
    "blank-lines": ("\n\n\na\n\n\n", "\n\n\n\n\n"),
    "like-a-header": ("-- a\n++ b\nc\n", "-- b\n++ b\nc\n@@ -1 +1 @@\n"),
    "many-lines": (
        "".join(f"{at}\n" for at in range(5000)),
        "".join(f"{at}{'!' * (at % 999 == 5)}\n" for at in range(5000)),
    ),
}

each_change = pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)


def test_diff_reads_like_that_of_ruff() -> None:
    assert diff.render("app/Dockerfile", *CHANGES["plain"], color=False) == (
        "--- app/Dockerfile\n"
        "+++ app/Dockerfile\n"
        "@@ -2,4 +2,4 @@\n"
        " RUN go build -o /bin/hello .\n"
        " \n"
        " FROM scratch\n"
        "-COPY --from=0 /bin/hello /bin/hello\n"
        "+COPY --from=build /bin/hello /bin/hello\n"
    )


def test_diff_of_far_changes_has_several_hunks() -> None:
    assert diff.render("Dockerfile", *CHANGES["two-hunks"], color=False) == (
        "--- Dockerfile\n"
        "+++ Dockerfile\n"
        "@@ -1,4 +1,4 @@\n"
        "-a\n"
        "+A\n"
        " x\n"
        " x\n"
        " x\n"
        "@@ -19,4 +19,4 @@\n"
        " x\n"
        " x\n"
        " x\n"
        "-b\n"
        "+B\n"
    )


def test_diff_of_the_same_is_empty() -> None:
    assert diff.render("Dockerfile", HELLO, HELLO, color=False) == ""


def test_diff_says_where_the_last_newline_is_missing() -> None:
    assert diff.render("Dockerfile", *CHANGES["no-newline-before"], color=False) == (
        "--- Dockerfile\n"
        "+++ Dockerfile\n"
        "@@ -1,2 +1,2 @@\n"
        " a\n"
        "-b\n"
        "\\ No newline at end of file\n"
        "+b\n"
    )


def test_diff_keeps_crlf_verbatim() -> None:
    assert diff.render("Dockerfile", *CHANGES["crlf-to-lf"], color=False) == (
        "--- Dockerfile\n+++ Dockerfile\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+b\n"
    )


def test_diff_numbers_the_lines_far_into_a_file() -> None:
    before = "".join(f"{at}\n" for at in range(1, 101))

    assert diff.render("Dockerfile", before, before.replace("\n50\n", "\n"), color=False) == (
        "--- Dockerfile\n+++ Dockerfile\n@@ -47,7 +47,6 @@\n 47\n 48\n 49\n-50\n 51\n 52\n 53\n"
    )


def test_diff_shows_what_is_too_long_to_compare_as_one_block() -> None:
    before = "".join(f"{at}\n" for at in range(3000))
    after = before.replace("\n4\n", "\n").replace("\n2990\n", "\nlast\n")
    block = range(4, 2991)

    assert diff.render("Dockerfile", before, after, color=False) == (
        "--- Dockerfile\n"
        "+++ Dockerfile\n"
        "@@ -2,2993 +2,2992 @@\n"
        " 1\n 2\n 3\n"
        + "".join(f"-{at}\n" for at in block)
        + "".join(f"+{at}\n" for at in block[1:-1])
        + "+last\n 2991\n 2992\n 2993\n"
    )


@each_change
def test_diff_leads_from_one_text_to_the_other(before: str, after: str) -> None:
    assert applied(before, diff.render("Dockerfile", before, after, color=False)) == after


def test_diff_leads_from_any_text_to_any_other() -> None:
    dice = random.Random(7)
    for _ in range(500):
        one, two = ("".join(dice.choices("ab\n\n\r\f", k=dice.randrange(60))) for _ in range(2))
        shown = diff.render("Dockerfile", one, two, color=False)

        assert one == two or applied(one, shown) == two


def applied(before: str, patch: str) -> str:
    """Apply *patch* as strictly as can be: every line it mentions must be there."""
    old = re.findall(r"[^\n]*\n|[^\n]+", before)
    new: list[str] = []
    at = 0
    lines = re.sub(r"\n\\ No newline at end of file\n", "\0", patch)
    for line in re.findall(r"[^\n\0]*[\n\0]", lines)[2:]:
        hunk = re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n", line)
        if hunk:
            start = int(hunk[1]) - (hunk[2] != "0")
            new += old[at:start]
            at = start

            assert len(new) == int(hunk[3]) - (hunk[4] != "0")

            continue
        sign, content = line[0], line[1:].replace("\0", "")
        if sign in " -":
            assert old[at] == content

            at += 1
        if sign in " +":
            new.append(content)
    return "".join(new + old[at:])


def run_in(directory: Path, *command: str, patch: str) -> subprocess.CompletedProcess[bytes]:
    data = patch.encode("utf-8", "surrogateescape")
    # In a repository, git would skip files that lie outside the directory it is called in.
    environ = {**os.environ, "GIT_CEILING_DIRECTORIES": str(directory.parent)}
    return subprocess.run(
        command, cwd=directory, input=data, env=environ, capture_output=True, check=False
    )


def is_installed(name: str) -> bool:
    """Is there such a tool? The patch of BSD and macOS is another one, which unquotes no names."""
    if not shutil.which(name):
        return False
    version = subprocess.run((name, "--version"), capture_output=True, check=False).stdout
    return version.startswith((b"GNU patch", b"git version"))


#: GNU patch and git read the same text differently enough to try both.
TOOLS = {
    "patch": ("patch", "-p0", "--fuzz=0", "--binary"),
    "git": ("git", "apply", "-p0", "--whitespace=nowarn"),
}

each_tool = pytest.mark.parametrize(
    "command",
    [
        pytest.param(
            command,
            id=name,
            marks=pytest.mark.skipif(not is_installed(name), reason=f"{name} is not installed"),
        )
        for name, command in TOOLS.items()
    ],
)


def patched(directory: Path, command: tuple[str, ...], name: str, change: tuple[str, str]) -> bytes:
    """What *command* makes of the file *name*; a file it removed counts as an empty one."""
    before, after = change
    target = directory / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(before.encode("utf-8", "surrogateescape"))
    result = run_in(directory, *command, patch=diff.render(name, before, after, color=False))

    assert (result.returncode, result.stderr) == (0, b"")

    return target.read_bytes() if target.exists() else b""


@each_tool
@each_change
def test_diff_is_accepted(
    tmp_path: Path, command: tuple[str, ...], before: str, after: str
) -> None:
    found = patched(tmp_path, command, "Dockerfile", (before, after))

    assert found == after.encode("utf-8", "surrogateescape")


@each_tool
@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such names")
@pytest.mark.parametrize("name", ["a b/Dockerfile", 'q"uote', "tab\there", "back\\slash", "é"])
def test_diff_names_files_so_that_tools_find_them(
    tmp_path: Path, command: tuple[str, ...], name: str
) -> None:
    assert patched(tmp_path, command, name, ("a\n", "b\n")) == b"b\n"


def test_diff_paints_and_escapes_for_people() -> None:
    before, after = "FROM a\n\x1b[2J\nRUN x\n", "FROM a\n\x1b[2J\nRUN\t\u202ey"

    assert diff.render("a b\x07", before, after, color=True) == (
        '\x1b[1m--- "a b\\007"\x1b[0m\n'
        '\x1b[1m+++ "a b\\007"\x1b[0m\n'
        "\x1b[36m@@ -1,3 +1,3 @@\x1b[0m\n"
        " FROM a\n"
        " \\x1b[2J\n"
        "\x1b[31m-RUN x\x1b[0m\n"
        "\x1b[32m+RUN    \\u202ey\x1b[0m\n"
        "\\ No newline at end of file\n"
    )


def test_diff_can_be_escaped_without_colour() -> None:
    shown = diff.render("a b", "x\x1b\n", "y\x1b\n", color=False, escaped=True)

    assert shown == "--- a b\n+++ a b\n@@ -1 +1 @@\n-x\\x1b\n+y\\x1b\n"


def test_diff_for_people_shows_cr_only_where_it_differs() -> None:
    same = diff.render("D", "a\r\nb\r\n", "a\r\nc\r\n", color=False, escaped=True)
    other = diff.render("D", "a\r\nb\r\n", "a\r\nb\n", color=False, escaped=True)

    assert same == "--- D\n+++ D\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
    assert other == "--- D\n+++ D\n@@ -1,2 +1,2 @@\n a\\r\n-b\\r\n+b\n"


# -- terminals -----------------------------------------------------------------------------------


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("mode", "environ", "tty", "wanted"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": ""}, False, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("auto", {"CLICOLOR_FORCE": "1"}, False, True),
        ("auto", {"CLICOLOR_FORCE": "0"}, False, False),
        ("auto", {"CLICOLOR_FORCE": ""}, False, False),
        ("auto", {"CLICOLOR": "0"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
        ("never", {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}, True, False),
    ],
)
def test_color_is_a_matter_of_option_environment_and_stream(
    mode: str, environ: dict[str, str], tty: bool, wanted: bool
) -> None:
    stream = Tty() if tty else io.StringIO()

    assert terminal.wants_color(mode, stream, {"TERM": "xterm", **environ}) is wanted


def test_color_needs_a_stream_that_is_open() -> None:
    closed = io.StringIO()
    closed.close()

    assert not terminal.wants_color("auto", closed, {"TERM": "xterm"})
    assert not terminal.wants_color("auto", None, {"TERM": "xterm"})


def test_color_on_windows_needs_a_console_that_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "os", type("Windows", (), {"name": "nt"}))

    assert not terminal.wants_color("auto", Tty(), {})
    assert terminal.wants_color("auto", Tty(), {"WT_SESSION": "1"})


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("FROM é 你 😀 \\", "FROM é 你 😀 \\"),
        ("\x00\x07\x1b\x7f", r"\x00\x07\x1b\x7f"),
        ("a\r\n", r"a\r\n"),
        ("\x80\x85\x9b", r"\u0080\u0085\u009b"),
        ("\u202a\u202b\u202c\u202d\u202e", r"\u202a\u202b\u202c\u202d\u202e"),
        ("\u2066\u2067\u2068\u2069", r"\u2066\u2067\u2068\u2069"),
        (
            "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff",
            r"\u200b\u200c\u200d\u200e\u200f\u2060\ufeff",
        ),
        ("\u2028\u2029\xa0", r"\u2028\u2029\u00a0"),
        ("\U000e0041", r"\U000e0041"),
        ("\udcff\ud800", r"\xff\ud800"),
        ("\ta\tb", "    a    b"),
    ],
)
def test_escape_shows_what_could_drive_a_terminal(raw: str, shown: str) -> None:
    assert terminal.escape(raw) == shown


def test_escape_leaves_nothing_that_is_not_printable_and_never_shortens() -> None:
    for code in range(sys.maxunicode + 1):
        shown = terminal.escape(chr(code))

        assert shown.isprintable()
        assert shown


def test_style_paints_or_leaves_alone() -> None:
    style, plain = terminal.Style(True), terminal.Style(False)

    assert [style.bold("x"), style.dim("x"), style.red("x"), style.green("x"), style.cyan("x")] == [
        "\x1b[1mx\x1b[0m",
        "\x1b[2mx\x1b[0m",
        "\x1b[31mx\x1b[0m",
        "\x1b[32mx\x1b[0m",
        "\x1b[36mx\x1b[0m",
    ]
    assert style.bold("") == ""
    assert plain.severity(plain.frame(plain.bold("x")), "error") == "x"


# -- what a run imports --------------------------------------------------------------------------


def test_plain_formats_import_no_others() -> None:
    code = (
        "import sys\n"
        "from stagelint.report import concise, diff, interchange, json_format, summary, text\n"
        "heavy = {'json', 'difflib', 'dataclasses', 'pathlib', 'subprocess', 'networkx', 'logging'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    root = Path(__file__).parent.parent / "lint"
    environ = {**os.environ, "PYTHONPATH": str(root)}
    result = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environ, capture_output=True, text=True, check=False
    )

    assert (result.stdout.strip(), result.stderr) == ("[]", "")


def test_package_imports_nothing_of_its_own() -> None:
    code = (
        "import sys, stagelint.report\n"
        "print(sorted(name for name in sys.modules if name.startswith('stagelint.')))\n"
    )
    root = Path(__file__).parent.parent / "lint"
    environ = {**os.environ, "PYTHONPATH": str(root)}
    result = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environ, capture_output=True, text=True, check=False
    )

    assert (result.stdout.strip(), result.stderr) == ("['stagelint.report']", "")
