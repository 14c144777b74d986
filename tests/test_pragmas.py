"""Comments in the language of other linters: what they silence, and what is said of the idle ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stagelint import engine
from stagelint.model import File
from stagelint.model.file import Options
from stagelint.registry import Registry, Ruleset
from stagelint.rule import Finding, Rule, Severity
from stagelint.source import Source

# Stand-ins, so that what is silenced does not hang on what real rules think of a file.


class Untagged(Rule):
    code = "DL3006"
    aliases = ("UntaggedImage",)

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            if ":" not in stage.base.raw:
                yield self.finding(file, stage.opening.code_span, "untagged")


class Maintained(Rule):
    code = "DL4009"

    def check(self, file: File) -> Iterator[Finding]:
        for _, each in file.instructions("MAINTAINER"):
            yield self.finding(file, each.code_span, "maintainer")


class Cased(Rule):
    code = "BK001"
    aliases = ("StageNameCasing",)
    severity = Severity.WARNING

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            if stage.raw_name and stage.raw_name != stage.raw_name.lower():
                yield self.finding(file, stage.opening.code_span, "casing")


class Scripted(Rule):
    """Codes of ShellCheck are aliases of what it finds."""

    code = "SH001"

    def check(self, file: File) -> Iterator[Finding]:
        for _, each in file.instructions("RUN"):
            yield self.finding(file, each.code_span, "script", aliases=("SC2086",))


RULES = (Untagged, Maintained, Cased, Scripted)


def ruleset(*codes: str, heeds: bool = True) -> Ruleset:
    registry = Registry()
    for rule in RULES:
        registry.add(rule)
    chosen = frozenset((*codes, "SL001") if codes else (*(each.code for each in RULES), "SL001"))
    return Ruleset(registry, chosen, heeds_comments=heeds)


def said(text: str, *codes: str, heeds: bool = True) -> list[str]:
    """`line code` of all findings, with the message of SL001."""
    file = File(Source("Dockerfile", text), Options())
    found: list[str] = []
    for each in engine.lint(file, ruleset(*codes, heeds=heeds)):
        line = file.source.position(each.span.start).line
        message = f": {each.message.removeprefix('unused suppression: ')}"
        found.append(f"{line} {each.code}{message if each.code == 'SL001' else ''}")
    return found


def fixed(text: str) -> str:
    return engine.fix(Source("Dockerfile", text), Options(), ruleset()).source.text


@pytest.mark.parametrize(
    "comment",
    [
        "# hadolint ignore=DL3006",
        "#hadolint ignore=DL3006",
        "#\thadolint ignore=DL3006  \t",
        "   # hadolint  ignore = DL3006",
        "# hadolint ignore=DL3006 # since it is ours",
        "# hadolint ignore=DL3006#since",
        "# hadolint ignore=DL3006\r",
        "# hadolint global ignore=DL3006",
        "# hadolint stage ignore=DL3006",
        # What hadolint passes over in silence.
        "# hadolint ignore=DL3006\n\n",
        "# hadolint ignore=DL3006\n# another comment",
    ],
)
def test_a_pragma_of_hadolint_silences(comment: str) -> None:
    assert said(f"{comment}\nFROM alpine\n") == []


def test_several_codes_and_several_pragmas() -> None:
    text = "FROM a\n# hadolint ignore=DL4009 ,SC2086 # x\n# hadolint ignore=SC2086\nMAINTAINER x\n"

    assert said(f"# hadolint ignore=DL3006\n{text}") == []
    assert said(text.replace("DL4009 ,", "")) == ["1 DL3006", "4 DL4009"]


def test_inside_a_continuation() -> None:
    assert said("FROM a:1\nRUN a && \\\n  # hadolint ignore=SC2086\n  b\n", "SH001") == []


def test_an_ignore_speaks_of_one_instruction() -> None:
    assert said("# hadolint ignore=DL3006\nFROM a\nFROM b\n") == ["3 DL3006"]


def test_a_stage_ends_where_the_next_begins() -> None:
    text = "# hadolint stage ignore=DL3006,DL4009\nFROM a\nMAINTAINER x\nFROM b\nMAINTAINER x\n"

    assert said(text) == ["4 DL3006", "5 DL4009"]


def test_a_stage_and_an_instruction_of_it() -> None:
    text = "# hadolint stage ignore=DL4009\nFROM a\n# hadolint ignore=SC2086\nRUN x\nMAINTAINER y\n"

    assert said(text, "DL4009", "SH001") == []


def test_global_reaches_what_stands_above() -> None:
    assert said("FROM a\n# hadolint global ignore=DL3006 # x\nFROM b\n") == []


def test_a_pragma_that_finds_nothing() -> None:
    text = "# hadolint ignore=DL3006,DL4009\nFROM a\n"

    assert said(text) == ["1 SL001: `DL4009` finds nothing here"]
    assert said(text, "DL3006") == []  # the other rule did not run
    assert fixed(text) == "# hadolint ignore=DL3006\nFROM a\n"


def test_codes_of_shellcheck_are_known_to_nobody_here() -> None:
    assert said("# hadolint ignore=SC9999\nFROM a:1\n", "SH001") == []


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("# hadolint ignore=DL9999", "no rule is called `DL9999`"),
        (
            "# hadolint ignore=dl3006",
            "hadolint has no rule called `dl3006`; did you mean `DL3006`?",
        ),
        ("# hadolint ignore=all", "hadolint has no rule called `all`"),
        ("# hadolint ignore=unused-stage", "hadolint has no rule called `unused-stage`"),
        ("# hadolint global ignore=DL3", "hadolint has no rule called `DL3`"),
    ],
)
def test_what_nobody_is_called(comment: str, message: str) -> None:
    assert said(f"{comment}\nFROM a\n") == [f"1 SL001: {message}", "2 DL3006"]
    assert fixed(f"{comment}\nFROM a\n") == "FROM a\n"


@pytest.mark.parametrize(
    ("comment", "right"),
    [
        ("# hadolint ignore DL3006", "# hadolint ignore=DL3006"),
        ("# hadolint ignore=DL3006 because", "# hadolint ignore=DL3006"),
        ("# hadolint ignore=DL3006 DL4009", "# hadolint ignore=DL3006,DL4009"),
        ("# hadolint ignore=DL3006,", "# hadolint ignore=DL3006"),
        ("# hadolint ignore:DL3006", "# hadolint ignore=DL3006"),
        ("# hadolint: ignore=DL3006", "# hadolint ignore=DL3006"),
        ("# Hadolint ignore=DL3006", "# hadolint ignore=DL3006"),
        ("## hadolint ignore=DL3006", "# hadolint ignore=DL3006"),
        ("# hadolint disable=DL3006", "# hadolint ignore=DL3006"),
        ("# hadolint ignore=", "# hadolint ignore=DL3006"),
        ("# hadolint global stage ignore=DL3006", "# hadolint stage ignore=DL3006"),
    ],
)
def test_what_hadolint_does_not_read(comment: str, right: str) -> None:
    message = f"hadolint does not read this; it reads `{right}`, and a reason after another `#`"

    assert said(f"{comment}\nFROM a\n") == [f"1 SL001: {message}", "2 DL3006"]
    assert fixed(f"{comment}\nFROM a\n") == f"{comment}\nFROM a\n"


@pytest.mark.parametrize(
    "comment",
    [
        "# hadolint complains about this",
        "# hadolint ignores what DL3006 is about",
        "# see hadolint ignore=DL3006",
        "# hadolint ignore these",
        "# checked with hadolint 2.12",
        "# check = all is well",
    ],
)
def test_prose_is_no_pragma(comment: str) -> None:
    assert said(f"{comment}\nFROM a\n") == ["2 DL3006"]


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\n# hadolint stage ignore=DL4009\nRUN x\nMAINTAINER x\nFROM b\nMAINTAINER y\n",
        "FROM a\nRUN x\nMAINTAINER x\n# hadolint stage ignore=DL4009\nRUN y\nFROM b\nMAINTAINER y\n",
    ],
)
def test_a_stage_pragma_speaks_of_the_stage_it_is_in(text: str) -> None:
    assert said(text, "DL4009") == [f"{text.count(chr(10))} DL4009"]


def test_a_stage_pragma_above_the_first_stage() -> None:
    assert said("# hadolint stage ignore=DL4009\nARG X\nFROM a\nMAINTAINER x\n", "DL4009") == []


def test_comments_need_not_be_heeded() -> None:
    text = "# hadolint ignore=DL3006,DL4009\n# stagelint: ignore[DL3006]\nFROM a\n"

    assert said(text, heeds=False) == ["3 DL3006"]
    assert said("# check=skip=StageNameCasing\nFROM a AS A", heeds=False) == ["2 DL3006"]


# -- check= ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", ["StageNameCasing", "FromAsCasing,StageNameCasing", "all"])
def test_skip_silences_checks_alone(names: str) -> None:
    assert said(f"# check=skip={names}\nFROM a AS A\n", "BK001", "DL3006") == ["2 DL3006"]


def test_error_makes_checks_fail() -> None:
    file = File(Source("Dockerfile", "# check=error=true\nFROM a AS A\n"))
    found = engine.lint(file, ruleset("BK001", "DL3006"))

    assert {(each.code, each.severity) for each in found} == {
        ("BK001", Severity.ERROR),
        ("DL3006", Severity.WARNING),
    }


def test_checks_that_are_off_for_nothing() -> None:
    text = "# check=skip=StageNameCasing,StageNameCasinG,CopyIgnoredFile\nFROM a\n"

    assert said(text, "BK001") == [
        "1 SL001: `StageNameCasing` finds nothing here",
        "1 SL001: BuildKit has no check called `StageNameCasinG`; did you mean `StageNameCasing`?",
    ]
    assert fixed(text) == text  # directives are part of the build


@pytest.mark.parametrize("names", ["StageNameCasing", "all // here", "A,StageNameCasing"])
def test_a_comment_speaks_of_the_instruction_below(names: str) -> None:
    text = f"FROM a:1 AS A\n# check=skip={names}\n# on purpose\nFROM b AS B\nRUN x\n"

    assert said(text, "BK001", "DL3006")[:1] == ["1 BK001"]
    assert said(text, "BK001", "DL3006")[-1] == "4 DL3006"
    assert not any("4 BK001" in each for each in said(text, "BK001"))


def test_a_comment_that_silences_no_check() -> None:
    text = "FROM a:1\n# check=skip=StageNameCasing\nFROM b AS b\n"

    assert said(text, "BK001") == ["2 SL001: `StageNameCasing` finds nothing here"]
    assert fixed(text) == "FROM a:1\nFROM b AS b\n"


def test_older_frontends_read_no_comments() -> None:
    text = "# syntax=docker/dockerfile:1.20\nFROM a:1\n# check=skip=all\nFROM b AS B\n"

    assert said(text, "BK001") == [
        "3 SL001: docker/dockerfile reads this only at the head of the file before 1.21",
        "4 BK001",
    ]


# -- shell= ----------------------------------------------------------------------------------------


def shells(text: str) -> list[str]:
    """What runs each RUN."""
    file = File(Source("Dockerfile", text))
    return [
        " ".join(moment.shell or ("?",))
        for stage in file.stages
        for moment in file.moments(stage)
        if moment.instruction.keyword == "RUN"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "FROM alpine\nRUN a\n# hadolint shell=pwsh\nRUN b\nRUN c\n",
            ["/bin/sh -c", "pwsh", "pwsh"],
        ),
        # Above the first FROM it holds for all stages, and a stage can say otherwise.
        ("# hadolint shell=pwsh # x\nFROM alpine\nRUN a\nFROM b\nRUN b\n", ["pwsh", "pwsh"]),
        (
            "# hadolint shell=bash\nFROM alpine\n# hadolint shell=pwsh\nRUN a\nFROM b\nRUN b\n",
            ["pwsh", "bash -c"],
        ),
        # SHELL comes after, and the stage it is in hands it on.
        (
            '# hadolint shell=pwsh\nFROM alpine AS a\nSHELL ["/bin/ash"]\nRUN a\nFROM a\nRUN b\nFROM b\nRUN c\n',
            ["/bin/ash", "/bin/ash", "pwsh"],
        ),
        (
            "FROM alpine AS a\n# hadolint shell=pwsh\nRUN a\nFROM a\nRUN b\nFROM alpine\nRUN c\n",
            ["pwsh", "pwsh", "/bin/sh -c"],
        ),
        # Right above a FROM it still speaks of the stage that ends there.
        ("FROM alpine\nRUN a\n# hadolint shell=pwsh\nFROM alpine\nRUN b\n", ["/bin/sh -c"] * 2),
        ("FROM alpine\nRUN a && \\\n# hadolint shell=pwsh\n b\nRUN c\n", ["/bin/sh -c"] * 2),
        (
            "FROM alpine\n# hadolint shell=/bin/bash -o pipefail -c\nRUN a\n",
            ["/bin/bash -o pipefail -c"],
        ),
    ],
)
def test_the_shell_that_hadolint_is_told(text: str, expected: list[str]) -> None:
    assert shells(text) == expected
