"""The judge of pairs: BuildKit itself says what is known of it from its documentation."""

from __future__ import annotations

import pytest

from bench.equivalence import builders
from bench.equivalence.bake import Bake, Question
from bench.equivalence.images import Images
from bench.equivalence.judge import Judge, Judgement, Pair, Verdict
from bench.equivalence.reading import Args, without_steps
from stagelint import proof


@pytest.fixture(scope="module")
def images(empty_docker: builders.Docker) -> Images:
    return Images(empty_docker)


@pytest.fixture(scope="module")
def bake(empty_docker: builders.Docker, images: Images) -> Bake:
    return Bake(empty_docker, images)


@pytest.fixture(scope="module")
def judge(bake: Bake, images: Images) -> Judge:
    return Judge(bake, images)


def judgement(judge: Judge, before: str, after: str, *more: Args) -> Judgement:
    return judge.judge([Pair("by hand", "here", before, after, ((), *more))])[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM a:1 AS x\nRUN y\nFROM b\nCOPY --from=x / /\n", "FROM a:1\nRUN y\nFROM b\nCOPY --from=0 / /\n"),
        ("FROM a\nENV A=1 B=2\nRUN y\n", "FROM a\nENV A=1\nENV B=2\nRUN y\n"),
        ("FROM a\nCOPY f g\n", "# nothing\nfrom a:latest\ncopy f \\\n  g\n"),
        ("FROM scratch\nLABEL a=b\n", 'FROM scratch\nLABEL a="b"\n'),
        ("FROM scratch\n", "FROM scratch AS named\n"),
        ("FROM scratch\nRUN y\n", 'FROM scratch\nRUN ["/bin/sh", "-c", "y"]\n'),
        ("ARG A=a\nFROM $A\nRUN '${A}'\n", "ARG A=a\nFROM ${A}\nRUN '${A}'\n"),
    ],
)  # fmt: skip
def test_the_same(judge: Judge, before: str, after: str) -> None:
    if "AS x" in before:  # its name is a target, which the other does not have
        before, after = after, before
    assert judgement(judge, before, after, (("A", "b"),)).verdict is Verdict.EQUAL


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM a\nRUN y\n", "FROM a\nRUN  y z\n"),
        ("FROM a\nRUN y\n", "FROM b\nRUN y\n"),
        ("FROM a\nRUN y\n", "FROM a\nARG Z=1\nRUN y\n"),
        ("FROM a AS x\nRUN y\nFROM b\nRUN y\n", "FROM a AS x\nRUN z\nFROM b\nRUN y\n"),
        ("FROM a\nCMD x\n", "FROM a\nCMD y\n"),
        ("FROM a\nRUN y\nENV A=1 B=2\n", "FROM a\nRUN y\nENV B=2 A=1\n"),
        ("FROM a\nONBUILD RUN x\n", "FROM a\nONBUILD RUN y\n"),
        ("FROM scratch\n", "FROM a\n"),
        ("ARG A=a\nFROM $A\n", "FROM a\n"),
        ("FROM a\nRUN y\n", 'FROM a\nRUN ["/bin/sh", "-c", "y"]\n'),
    ],
)  # fmt: skip
def test_not_the_same(judge: Judge, before: str, after: str) -> None:
    assert judgement(judge, before, after, (("A", "b"),)).verdict is Verdict.DIFFERENT


def test_a_lost_target_is_a_rejection(judge: Judge) -> None:
    found = judgement(judge, "FROM a AS x\nFROM b\nRUN y\n", "FROM b\nRUN y\n")

    assert found.verdict is Verdict.REJECTED_AFTER
    assert "'x'" in found.reason


def test_what_cannot_be_built_is_not_the_same(judge: Judge) -> None:
    text = "FROM a\nFROBNICATE\n"

    assert judgement(judge, text, f"{text}\n").verdict is Verdict.REJECTED


def test_an_image_of_another_platform_is_not_at_hand(judge: Judge) -> None:
    text = "FROM --platform=linux/s390x a\nRUN y\n"

    assert judgement(judge, text, f"# nothing\n{text}").verdict is Verdict.UNAVAILABLE


def test_notices_a_proof_that_proves_too_much(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_differs(*_: object) -> None:
        pass

    monkeypatch.setattr(proof, "same_build", nothing_differs)

    assert judgement(judge, "FROM a\nRUN y\n", "FROM a\nRUN z\n").is_violation


def test_notices_a_proof_that_proves_nothing(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_differs(*_: object) -> None:
        raise proof.Difference("it may be")

    monkeypatch.setattr(proof, "same_build", all_differs)

    assert judgement(judge, "FROM a\nRUN y\n", "FROM a\n\nRUN y\n").is_missed


def test_one_that_fails_spoils_no_other_answer(bake: Bake) -> None:
    questions = {
        Question("FROM a\nRUN y\n"): "graph",
        Question("FROM scratch\nLABEL a=b\n"): "empty",
        Question("FROM a\nFROBNICATE\n"): "rejected",
        Question("FROM a\nRUN y\n", "missing"): "rejected",
        Question("FROM a AS x\nCOPY f g\n", "x", (("A", "${B}"),)): "graph",
        Question("FROM --platform=linux/s390x a\nRUN y\n"): "unavailable",
        Question("FROM a\nONBUILD COPY --from=missing / /\n"): "graph",
        Question("FROM a\nRUN z\nONBUILD COPY --from=7 / /\n"): "unavailable",
    }

    answers = bake.graphs(questions)

    assert {question: answer.kind for question, answer in answers.items()} == questions


def test_arguments_are_given_as_they_are(bake: Bake) -> None:
    text = "FROM scratch\nARG A\nLABEL a=$A\n"
    value = "${B} %{C} $${D} \"'\\"

    (answer,) = bake.configs([Question(text, args=(("A", value),))]).values()

    assert answer.kind == "config"
    assert r'"Labels": {"a": "${B} %{C} $${D} \"' in answer.value


def test_takes_the_steps_out_of_a_file() -> None:
    text = (
        "FROM a AS x\nRUN <<E\nENV not\nE\nENV A=1\nONBUILD RUN y\nONBUILD ENV C=1\n"
        "FROM x\nCOPY --from=x / /\nONBUILD ADD z /\n"
    )

    assert without_steps(text, "") == (
        "FROM a AS x\nENV A=1\nONBUILD ENV C=1\nFROM x\nONBUILD ADD z /\n"
    )
