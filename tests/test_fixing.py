"""Fixing settles, loses nothing, and accepts nothing that is not proven."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stagelint.edit import Edit, Fix, Guarantee, apply
from stagelint.engine import fix, lint, prove
from stagelint.model import File, Options
from stagelint.registry import Registry, Ruleset, rules_of
from stagelint.rule import Bad, Finding, Rule
from stagelint.source import Source, Span

REGISTRY = Registry()
RULESET = Ruleset(REGISTRY, REGISTRY.defaults)
FIXTURES = Path(__file__).parent.parent / "fixtures"

TEXTS = {
    **{path.parent.name: path.read_bytes() for path in FIXTURES.glob("*/Dockerfile")},
    **{
        f"{rule.name()}-{number}": dedent(example.text).encode()
        for rule in rules_of("stagelint_rules")
        for number, example in enumerate(rule.examples)
    },
}


def safe(guarantee: Guarantee) -> bool:
    return guarantee.is_safe


def everything(_guarantee: Guarantee) -> bool:
    return True


@pytest.mark.parametrize("accepts", [safe, everything])
@pytest.mark.parametrize("name", TEXTS)
def test_settles_and_withholds_nothing(name: str, accepts: object) -> None:
    source = Source.from_bytes("Dockerfile", TEXTS[name])
    accepted = safe if accepts is safe else everything

    once = fix(source, Options(), RULESET, accepted)
    twice = fix(once.source, Options(), RULESET, accepted)

    assert once.withheld == []
    assert twice.source.text == once.source.text


LINES = st.sampled_from(
    [
        *"FROM alpine|FROM golang AS build|FROM build|FROM build AS Other|from other as b|FROM $X".split(
            "|"
        ),
        *"FROM alpine AS alpine|FROM alpine AS build|ARG X=build|ARG TARGETSTAGE|ENV a=b".split(
            "|"
        ),
        *"COPY --from=0 a b|COPY --from=1 a b|COPY --from=build a b|COPY --from=biuld a b".split(
            "|"
        ),
        *"RUN --mount=from=0 a|RUN --mount=from=build,target=/b a|RUN make|COPY a b|CMD a".split(
            "|"
        ),
        *"ONBUILD COPY --from=0 a b|ONBUILD COPY --from=build a b|RUN <<E\nFROM x\nE|RUN a \\\n # c".split(
            "|"
        ),
        *"|# comment|# escape=`|# stagelint: ignore[SL102]|# stagelint: target|LABEL a=$X".split(
            "|"
        ),
    ]
)


@given(st.lists(LINES, max_size=25).map("\n".join))
@settings(max_examples=400, deadline=None)
def test_any_file_settles_without_new_errors(text: str) -> None:
    source = Source("Dockerfile", text)
    before = {problem.kind for problem in File(source).problems}

    for accepts in (safe, everything):
        fixed = fix(source, Options(), RULESET, accepts)
        again = fix(fixed.source, Options(), RULESET, accepts)

        assert {problem.kind for problem in File(fixed.source).problems} <= before
        assert again.source.text == fixed.source.text


@given(st.lists(LINES, max_size=25).map("\n".join))
@settings(max_examples=300, deadline=None)
def test_a_safe_fix_keeps_every_target(text: str) -> None:
    source = Source("Dockerfile", text)
    fixed = fix(source, Options(), RULESET)
    before, after = File(source), File(fixed.source)
    if fixed.source is source:
        return

    assert _build(before, len(before.stages) - 1) == _build(after, len(after.stages) - 1)
    for stage in before.stages:
        if before.table.selectable(stage):
            target = after.find_target(stage.name or "")
            assert target is not None
            assert _build(before, stage.index) == _build(after, target)


Step = tuple[object, ...]


def _build(file: File, target: int, depth: int = 0) -> object:
    """All that a target is built from, stages spelled out; written anew on purpose."""
    return _that_count(_steps(file, target, depth), is_image=depth == 0)


def _steps(file: File, target: int, depth: int) -> list[Step]:
    if depth > 12:
        return [("deep", "")]
    stage = file.stages[target]
    base = stage.base
    steps: list[Step] = [("FROM", base.raw)]
    if base.stage is not None:
        steps = _steps(file, base.stage, depth + 1)
    needs = {
        id(reference.instruction): reference.needs
        for reference in file.graph.of(target)
        if reference.needs is not None and reference.kind != "base"
    }
    for instruction in stage.instructions:
        needed = needs.get(id(instruction))
        text = instruction.rest if instruction.keyword in ("COPY", "RUN") else str(instruction)
        text = text.replace(instruction.raw_keyword, instruction.keyword, 1)  # `env` is ENV
        steps.append((instruction.keyword, text.strip()))
        if needed is not None:
            steps.append(("needs", "", _build(file, needed, depth + 1)))
    return steps


def _that_count(steps: list[Step], *, is_image: bool) -> list[Step]:
    """Those that something below, or the config if it is asked for, has a use for."""
    kept: list[Step] = []
    for step in reversed(steps):
        keyword = step[0]
        name = re.split("[ =]", f"{step[1]} ")[1]
        is_read = any(each[0] == "RUN" or f"${name}" in str(each[1]) for each in kept)
        if keyword == "CMD":
            counts = is_image and all(each[0] != "CMD" for each in kept)
        elif keyword in ("ARG", "ENV"):
            counts = is_read or (keyword == "ENV" and is_image)
        else:
            counts = keyword != "LABEL" or is_image
        if counts:
            kept.append(step)
    return kept


# -- a rule that lies ------------------------------------------------------------------------------

TEXT = """\
ARG X
FROM golang AS build
RUN make
FROM alpine
RUN unused
FROM scratch AS app
COPY --from=build /a /b
COPY --from=0 /c /d
"""


#: How a difference of the last stage begins.
APP = "target `app` would differ from line"


class Liar(Rule):
    """A rule whose fix is not what it says.

    It exists to be caught.
    """

    code = "SL999"
    examples = ()
    old = ""
    new = ""

    def check(self, file: File) -> Iterator[Finding]:
        at = file.source.text.find(self.old)
        if at >= 0:
            span = Span(at, at + len(self.old))
            yield self.finding(file, span, "a lie", fix=Fix("Lie", (Edit(span, self.new),)))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("RUN make\n", "", "target `build` would differ from line 3 on: `RUN make`"),
        ("RUN make", "RUN make all", "target `build` would differ from line 3 on: `RUN make`"),
        (
            "golang",
            "golang:1",
            "target `build` would differ from line 2 on: `FROM golang AS build`",
        ),
        ("AS app", "AS apple", "there is no target `app` any more"),
        ("AS app", "", "there is no target `app` any more"),
        ("--from=0", "--from=1", f"{APP} 8 on: `COPY --from=0 /c /d`"),
        ("--from=build", "--from=alpine", f"{APP} 7 on: `COPY --from=build /a /b`"),
        (
            "FROM alpine\n",
            "FROM alpine AS build\n",
            "target `build` would differ from line 2 on: `FROM golang AS build`",
        ),
        ("FROM alpine\n", "FROM alpine AS 1\n", "it would add an error (invalid-stage-name)"),
        ("RUN unused", "RUN <<EOF", "it would add an error (invalid-syntax)"),
        ("FROM scratch AS app\n", "", "there is no target `app` any more"),
        ("FROM golang AS build\nRUN make\n", "", "there is no target `build` any more"),
        ("ARG X", "# check=skip=all\nARG X", "the parser directives differ"),
        ("/a /b", "/a /b --link", f"{APP} 7 on: `COPY --from=build /a /b`"),
        ("COPY --from=build", "COPY --link --from=build", f"{APP} 7 on: `COPY --from=build /a /b`"),
        ("/c /d\n", "/c /d\nCMD /d\n", "the config of target `app` would differ in Cmd"),
        ("/c /d\n", "/c /d\nWORKDIR /d\n", "target `app` would have another step: `WORKDIR /d`"),
        ("--from=0", "--from=scratch", f"{APP} 8 on: `COPY --from=0 /c /d`"),
    ],
)
def test_a_fix_that_changes_the_build_is_withheld(old: str, new: str, reason: str) -> None:
    rule = type("Liar", (Liar,), {"old": old, "new": new, "__doc__": Liar.__doc__})
    source = Source("Dockerfile", TEXT)

    fixed = fix(source, Options(), Ruleset.of([rule]))
    file = File(source)
    [finding] = prove(file, lint(file, Ruleset.of([rule])))

    assert fixed.source.text == TEXT
    assert [withheld.reason for withheld in fixed.withheld] == [reason]
    assert finding.fix
    assert not finding.fix.guarantee.is_safe


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("FROM alpine\nRUN unused\n", ""),
        ("RUN make\n", "run make\n"),
        ("ARG X\n", ""),
        ("FROM golang AS", "FROM golang:latest AS"),
        ("\nFROM alpine", "\n\n# comment\nfrom alpine"),
        ("--from=build", "--from=Build"),
        ("--from=build", "--from=0"),
        ("FROM alpine\n", "FROM alpine AS other\n"),
    ],
)
def test_a_fix_that_keeps_the_build_is_made(old: str, new: str) -> None:
    rule = type("Liar", (Liar,), {"old": old, "new": new, "__doc__": Liar.__doc__})

    fixed = fix(Source("Dockerfile", TEXT), Options(), Ruleset.of([rule]))

    assert fixed.withheld == []
    assert fixed.source.text == TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("reader", "old", "new"),
    [
        ("ARG TARGETSTAGE", "FROM scratch\n", "FROM scratch AS x\n"),
        ("ARG BUILDKIT_SBOM_SCAN_STAGE=x", "FROM alpine\n", "FROM alpine AS x\n"),
    ],
)
def test_a_name_is_not_harmless_where_the_build_reads_it(reader: str, old: str, new: str) -> None:
    text = TEXT.replace("RUN unused", reader).replace(" AS app", "")
    rule = type("Liar", (Liar,), {"old": old, "new": new, "__doc__": Liar.__doc__})

    fixed = fix(Source("Dockerfile", text), Options(), Ruleset.of([rule]))

    assert fixed.source.text == text


# -- edits -----------------------------------------------------------------------------------------


def test_shared_edits_are_made_once_and_overlapping_fixes_wait() -> None:
    name = Edit(Span(1, 1), "!")
    one = Fix("one", (name, Edit(Span(2, 3), "C")))
    two = Fix("two", (name, Edit(Span(4, 5), "E")))
    three = Fix("three", (Edit(Span(2, 5), ""),))

    text, applied, left = apply("abcde", [one, two, three])

    assert text == "a!bCdE"
    assert applied == [one, two]
    assert left == [three]


@given(
    st.text(max_size=30),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.text(max_size=3)), max_size=8),
)
def test_applying_edits_is_replacing_them_one_by_one(
    text: str, places: list[tuple[int, int, str]]
) -> None:
    fixes = [
        Fix("x", (Edit(Span(min(a, b, len(text)), min(max(a, b), len(text))), new),))
        for a, b, new in places
    ]

    result, applied, _ = apply(text, fixes)

    expected = text
    for edit in sorted({edit for each in applied for edit in each.edits}, reverse=True):
        expected = expected[: edit.span.start] + edit.text + expected[edit.span.end :]
    assert result == expected


def test_examples_are_at_hand() -> None:
    assert any(
        isinstance(each, Bad) for rule in rules_of("stagelint_rules") for each in rule.examples
    )
