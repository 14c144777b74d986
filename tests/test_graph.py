"""Who needs whom, by the rules of each builder."""

from __future__ import annotations

import pytest

from stagelint.dialect import DIALECTS
from stagelint.model import File, Options
from stagelint.source import Source


def file(text: str, dialect: str = "buildkit", **build_args: str) -> File:
    options = Options(dialect=DIALECTS[dialect], build_args=build_args)
    return File(Source("Dockerfile", text), options)


def edges(of: File) -> list[tuple[str, int, int | None]]:
    return [(edge.kind.value, edge.stage, edge.needs) for edge in of.graph.edges]


DUPLICATES = "FROM a AS x\nFROM b AS x\nFROM scratch\nCOPY --from=x /a /a\n"
CASE = "FROM a AS Foo\nFROM Foo\n"
LOWER = "FROM a AS Foo\nFROM scratch\nCOPY --from=foo /a /a\n"
MOUNT = "FROM a\nFROM b\nRUN --mount=from=0 x\n"
LATER = "FROM a AS one\nCOPY --from=two /a /a\nFROM b AS two\n"


@pytest.mark.parametrize(
    ("text", "dialect", "expected"),
    [
        (DUPLICATES, "buildkit", [("copy", 2, 1)]),
        (DUPLICATES, "kaniko", [("copy", 2, 0)]),
        (DUPLICATES, "buildah", [("copy", 2, 1)]),
        (CASE, "buildkit", []),
        (CASE, "classic", [("base", 1, 0)]),
        (CASE, "kaniko", [("base", 1, 0)]),
        (CASE, "buildah", [("base", 1, 0)]),
        (LOWER, "buildkit", [("copy", 1, 0)]),
        (LOWER, "buildah", []),
        (MOUNT, "buildkit", []),
        (MOUNT, "buildah", [("mount", 1, 0)]),
        (LATER, "buildkit", [("copy", 0, 1)]),
        (LATER, "classic", []),
        ("FROM a\nFROM 0\n", "buildkit", []),
        ("FROM a\nFROM 0\n", "buildah", [("base", 1, 0)]),
    ],
)
def test_what_a_name_means(
    text: str, dialect: str, expected: list[tuple[str, int, int | None]]
) -> None:
    assert edges(file(text, dialect)) == expected


@pytest.mark.parametrize(
    ("dialect", "built"),
    [("buildkit", {0, 2}), ("buildah", {0, 2}), ("classic", {0, 1, 2}), ("kaniko", {0, 1, 2})],
)
def test_what_is_built(dialect: str, built: set[int]) -> None:
    of = file("FROM a AS x\nFROM b AS y\nFROM x\nFROM c\n", dialect)

    assert of.built(2) == built


@pytest.mark.parametrize(
    ("name", "dialect", "found"),
    [
        ("X", "buildkit", 1),
        ("x", "kaniko", 0),
        ("X", "buildah", None),
        ("0", "buildkit", None),
        ("0", "buildah", 0),
        ("stage-1", "buildkit", None),
        ("", "buildkit", 1),
    ],
)
def test_which_stage_a_target_is(name: str, dialect: str, found: int | None) -> None:
    assert file("FROM a AS x\nFROM b AS x\n", dialect).find_target(name) == found


VARIANTS = "ARG V=a\nFROM i AS b-a\nFROM i AS b-b\nFROM i AS other\nFROM b-$V\n"


def test_a_default_is_only_a_default() -> None:
    of = file(VARIANTS)

    assert of.graph.needs(3) == {0, 3}
    assert of.graph.may_need(3) == {0, 1, 3}


def test_a_build_argument_that_is_given_is_known() -> None:
    of = file(VARIANTS, V="b")

    assert of.graph.needs(3) == {1, 3}
    assert of.graph.may_need(3) == {1, 3}


@pytest.mark.parametrize("base", ["golang:$V", "$V/image", "image@$V", "${V}-x:1"])
def test_what_can_only_be_an_image_is_no_stage(base: str) -> None:
    of = file(f"ARG V\nFROM i AS golang\nFROM {base}\n")

    assert of.graph.may_need(1) == {1}


@pytest.mark.parametrize("dialect", ["buildkit", "buildah"])
def test_a_variable_may_name_any_stage_above(dialect: str) -> None:
    of = file("FROM i\nFROM i AS x\nFROM scratch\nCOPY --from=$X /a /a\nFROM i\n", dialect)

    assert of.graph.may_need(2) == {0, 1, 2}


def test_triggers_run_in_the_child_alone() -> None:
    of = file(
        "FROM i AS tools\nFROM i AS base\nONBUILD COPY --from=tools /a /a\n"
        "FROM base AS child\nFROM child\n"
    )

    assert edges(of) == [("base", 2, 1), ("base", 3, 2), ("onbuild", 2, 0)]


def test_declared_targets_are_entry_points() -> None:
    of = file("# stagelint: target for the developers\n\nFROM i AS dev\nFROM i AS other\nFROM i\n")

    assert [role.value for role in of.roles] == ["target", "unused", "shipped"]


def test_a_circle_is_found_through_many_stages() -> None:
    of = file(
        "FROM i AS entry\nCOPY --from=a / /\nFROM i AS a\nCOPY --from=b / /\n"
        "FROM i AS b\nRUN --mount=from=a x\nFROM scratch\n"
    )

    assert [(problem.kind, problem.message) for problem in of.graph.problems] == [
        (
            "forward-stage-reference",
            'cannot copy from stage "a", it needs to be defined before current stage "entry"',
        ),
        ("circular-stage-reference", "circular dependency detected on stage: entry"),
    ]
