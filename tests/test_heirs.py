"""What has an effect: whose image holds what a stage says, and who can read its variables."""

from __future__ import annotations

import pytest

from stagelint.dialect import DIALECTS
from stagelint.model import File, Options
from stagelint.model.heirs import may_end_the_build, replacements
from stagelint.source import Source
from stagelint.syntax.nodes import Instruction


def file(text: str, dialect: str = "buildkit") -> File:
    return File(Source("Dockerfile", text), Options(dialect=DIALECTS[dialect]))


def first(of: File, stage: int = 0) -> Instruction:
    return of.stages[stage].instructions[0]


COPIED = "FROM a{name}\n{said}\nFROM b\nCOPY --from=0 / /\n"
#: The name of the first stage is taken by a later one.
TAKEN = "FROM a AS x\n{said}\nFROM x AS x\n{child}\nFROM b\n"


@pytest.mark.parametrize(
    ("text", "dialect", "held"),
    [
        ("FROM a\nCMD b\n", "buildkit", True),
        (COPIED.format(name="", said="CMD b"), "buildkit", False),
        (COPIED.format(name=" AS c", said="CMD b"), "buildkit", True),
        (COPIED.format(name="", said="CMD b"), "buildah", True),
        (COPIED.format(name="", said="LABEL a=b"), "classic", True),
        (COPIED.format(name="", said="ENV a=b"), "buildkit", False),
        (COPIED.format(name="", said="ENV a=b\nRUN c"), "buildkit", True),
        (TAKEN.format(said="CMD b", child=""), "buildkit", True),
        (TAKEN.format(said="CMD b", child="CMD c"), "buildkit", False),
        (TAKEN.format(said="CMD b", child="ENTRYPOINT c"), "buildkit", False),
        (TAKEN.format(said="ENTRYPOINT b", child="CMD c"), "buildkit", True),
        (TAKEN.format(said="LABEL a=b", child="LABEL a=c"), "buildkit", True),
        ("FROM a AS x\nCMD b\nFROM a AS x\nFROM $Y\nCMD c\n", "buildkit", False),
        ("ARG Y=z\nFROM a AS x\nCMD b\nFROM $Y AS d\nFROM a AS x\n", "buildkit", True),
    ],
)
def test_whose_image_holds_it(text: str, dialect: str, held: bool) -> None:
    of = file(text, dialect)

    assert of.heirs.is_held(of.stages[0], first(of)) is held


@pytest.mark.parametrize(
    ("below", "read"),
    [
        ("CMD $A", False),
        ("LABEL a=b", False),
        ("LABEL a=$AB", False),
        ("LABEL a=$A", True),
        ("LABEL a=${A:-b}", True),
        ("COPY <<E /f\n$A\nE", True),
        ("RUN b", True),
        ("ENV $B=1", True),
        ("FROM c AS d\nRUN b", False),
        ("FROM x\nRUN b", True),
        ("FROM x\nONBUILD RUN b", True),
        ("ARG A", False),
        ("ARG B=$A", True),
    ],
)
def test_who_reads_an_arg(below: str, read: bool) -> None:
    of = file(f"FROM a AS x\nARG A\n{below}\n")

    assert of.heirs.is_read(of.stages[0], first(of)) is read


def test_a_child_does_what_stands_in_an_onbuild_above() -> None:
    of = file("FROM a AS x\nONBUILD LABEL a=$A\nARG A\nFROM x\n")

    assert of.heirs.is_read(of.stages[0], of.stages[0].instructions[1])


@pytest.mark.parametrize("name", ["HTTP_PROXY", "no_proxy", "BUILDKIT_SYNTAX", "SOURCE_DATE_EPOCH"])
def test_builders_read_some(name: str) -> None:
    of = file(f"ARG {name}\nFROM a\nARG {name}\n")

    assert of.heirs.is_read(of.stages[0], first(of))
    assert of.heirs.is_taken(of.globals.instructions[0])


@pytest.mark.parametrize(
    ("below", "taken"),
    [
        ("FROM a:$A", True),
        ("FROM --platform=$A a", True),
        ("ARG B=$A\nFROM a", True),
        ("FROM a\nARG A=1", True),
        ("FROM a\nONBUILD ARG A", True),
        ("FROM a:onbuild", True),
        ("FROM a\nARG B=$A", False),
        ("FROM a\nRUN $A", False),
    ],
)
def test_who_takes_an_arg_from_before_the_first_from(below: str, taken: bool) -> None:
    of = file(f"ARG A\n{below}\n")

    assert of.heirs.is_taken(of.globals.instructions[0]) is taken


def test_what_looks_for_an_arg_in_vain() -> None:
    of = file("ARG A\nFROM a\nCMD $B\nARG B\nENTRYPOINT $B\nENV C=$A\nFROM b:$B\n")
    stage = of.stages[0]
    found = of.heirs.looks_for(stage, stage.instructions[1])
    before = of.heirs.looks_for(None, of.globals.instructions[0])

    assert found and found.keyword == "ENTRYPOINT"
    assert before and before.keyword == "ENV"


def test_the_last_one_holds() -> None:
    of = file("FROM a\nCMD b\nEXPOSE 1\nENTRYPOINT c\nCMD d\nEXPOSE 2\nCMD e\n")
    found = [(one.rest, last.rest) for one, last in replacements(of.stages[0])]

    assert found == [("b", "e"), ("d", "e")]


@pytest.mark.parametrize(
    ("said", "may_end"),
    [
        ("EXPOSE 80", False),
        ("EXPOSE $A", True),
        ("LABEL a=$A", False),
        ("LABEL a=${A:?no}", True),
        ("CMD ${A:?no}", False),
    ],
)
def test_what_may_end_the_build(said: str, may_end: bool) -> None:
    assert may_end_the_build(first(file(f"FROM a\n{said}\n"))) is may_end
