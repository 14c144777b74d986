"""What holds for the tree of any text whatever."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stagelint.dialect import DIALECTS
from stagelint.engine import lint
from stagelint.model import File, Options
from stagelint.registry import Registry, Ruleset
from stagelint.source import Source
from stagelint.syntax import parse
from stagelint.syntax.nodes import Comment, Instruction, Piece, PieceKind

REGISTRY = Registry()
RULESET = Ruleset(REGISTRY, REGISTRY.defaults)

PIECES = st.sampled_from(
    [
        *"FROM|from|AS|as|COPY|ADD|RUN|ENV|ARG|LABEL|ONBUILD|HEALTHCHECK|SHELL|CMD|EXPOSE".split(
            "|"
        ),
        *" |  |\t|\n|\n\n|\r\n|\r|\\\n|\\ \n|`\n|\\|#|# c\n|  # c \\\n|\ufeff|\0|\x0b|\x85|\u2028".split(
            "|"
        ),
        *"alpine|scratch|build|0|1|$X|${X:-a}|${X#*.}|${|}|$|'|\"|=|a=b|--from=0|--from=build".split(
            "|"
        ),
        *"--mount=from=a,|--platform=|--|<<EOF|<<-'E'|EOF|E|[\"a\"]|[1]|[|,".split("|"),
        *"# syntax=docker/dockerfile:1\n|# escape=`\n|# check=skip=all\n|# stagelint: ignore[SL101]\n|\udcff|é|İ|K".split(
            "|"
        ),
    ]
)
GRAMMAR = st.lists(PIECES, max_size=60).map("".join)
TEXTS = st.one_of(st.text(st.characters(exclude_categories=()), max_size=300), GRAMMAR)


@given(TEXTS, st.sampled_from(list(DIALECTS.values())))
@settings(max_examples=400, deadline=None)
@example("", DIALECTS["buildkit"])
@example("\ufeffFROM a\r\n", DIALECTS["buildkit"])
@example("FROM a\nRUN x \\\n\n# c\n y", DIALECTS["buildah"])
def test_every_character_belongs_to_one_piece(text: str, dialect: Any) -> None:
    tree = parse(text, dialect=dialect)

    assert str(tree) == text
    end = 0
    for item in tree.items:
        assert item.start == end
        assert item.end > item.start
        end = item.end
        if isinstance(item, Instruction):
            at = item.start
            for piece in item.pieces:
                assert piece.start == at
                assert piece.end >= at
                at = piece.end
            assert at == item.end
    assert end == len(text)


@given(GRAMMAR)
@settings(max_examples=400, deadline=None)
def test_the_logical_text_leads_back_to_the_file(text: str) -> None:
    for instruction in parse(text).instructions:
        logical = instruction.logical
        for at, char in enumerate(logical.text):
            assert text[logical.offset(at)] == char


@given(TEXTS, st.sampled_from(list(DIALECTS.values())))
@settings(max_examples=300, deadline=None)
def test_no_text_makes_a_rule_fail(text: str, dialect: Any) -> None:
    file = File(Source("Dockerfile", text), Options(dialect=dialect))

    for finding in lint(file, RULESET):
        assert 0 <= finding.span.start <= finding.span.end <= max(1, len(text))


@given(st.binary(max_size=300))
def test_bytes_survive(data: bytes) -> None:
    assert Source.from_bytes("Dockerfile", data).to_bytes() == data


def test_names_the_pieces_of_a_continued_instruction() -> None:
    text = "FROM a\n# above\nRUN x \\\n  # inside\n\n  y <<E \\\n z\nbody\nE\n"

    tree = parse(text)
    run = tree.instructions[1]

    assert [type(item) for item in tree.items] == [Instruction, Comment, Instruction]
    assert [(piece.kind.value, text[piece.start : piece.end]) for piece in run.pieces] == [
        ("code", "RUN x "),
        ("continuation", "\\\n"),
        ("comment", "  # inside\n"),
        ("blank", "\n"),
        ("code", "  y <<E "),
        ("continuation", "\\\n"),
        ("code", " z"),
        ("newline", "\n"),
        ("body", "body\n"),
        ("terminator", "E\n"),
    ]
    assert run.logical.text == "RUN x   y <<E  z"
    assert [heredoc.delimiter for heredoc in run.heredocs] == ["E"]


def test_finds_every_variable_with_its_place() -> None:
    text = "FROM a\nCOPY $A ${B:-x$C} /d/${E%.*}\n"

    copy = parse(text).instructions[1]

    assert [
        (variable.name, text[span.start : span.end])
        for argument in copy.arguments
        for variable, span in copy.variables(argument)
    ] == [("A", "$A"), ("B", "${B:-x$C}"), ("C", "$C"), ("E", "${E%.*}")]


def test_an_error_does_not_hide_the_rest() -> None:
    tree = parse("FROM a\nFOO x\nCOPY a\nRUN --mout=x y\nENV a\nCMD [1]\nUSER u\n")

    assert [problem.message for problem in tree.problems] == [
        "ENV must have two arguments",
        "when using JSON array syntax, arrays must be comprised of strings only",
        "unknown instruction: FOO",
        (
            "COPY requires at least two arguments, but only one was provided."
            " Destination could not be determined"
        ),
        "unknown flag: --mout",
    ]
    assert tree.instructions[-1].arguments[0].value == "u"


BIG: dict[str, Callable[[int], str]] = {
    "instructions": lambda n: "FROM a\n" + 'RUN b && c\nENV a=b c="d"\nCOPY --from=x a b\n' * n,
    "continuations": lambda n: "FROM a\nRUN x" + " \\\n y" * n,
    "stages": lambda n: "".join(f"FROM a AS s{i}\nCOPY --from={i} /a /b\n" for i in range(n)),
    "variables": lambda n: "FROM a\nENV x=" + "${a:-$b}" * n,
    "nesting": lambda n: "FROM a\nENV x=" + "${a:-" * n,
    "heredocs": lambda n: "FROM a\n" + "RUN <<A\nx\nA\n" * n,
    "open heredocs": lambda n: "FROM a\n" + "RUN <<A\n" * n,
    "quotes": lambda n: "FROM a\nENV x=" + "\"a'b" * n,
    "flags": lambda n: "FROM a\nRUN " + "--mount=from=a " * n,
    "errors": lambda n: "FOO\n" * n,
    "words": lambda n: "FROM a\nRUN " + "<< " * n,
    "comments": lambda n: "FROM a\n" + "# c\n\n" * n,
    "brackets": lambda n: "FROM a\nCMD " + "[" * n,
    "strings": lambda n: "FROM a\nCMD [" + '"a\\n",' * n,
}


def count_lines(function: Callable[[], object]) -> int:
    """How many lines of Python run, calls into C counted once: no clock, no noise."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("shape", BIG)
def test_twice_the_text_is_about_twice_the_work(shape: str) -> None:
    once, twice = BIG[shape](300), BIG[shape](600)

    assert count_lines(lambda: parse(twice)) <= 2.2 * count_lines(lambda: parse(once)) + 200


@pytest.mark.slow
@pytest.mark.parametrize("shape", BIG)
def test_large_files_take_seconds(shape: str) -> None:
    import time

    number = {"stages": 10_000, "instructions": 30_000}.get(shape, 100_000)
    file = File(Source("Dockerfile", BIG[shape](number)))

    start = time.process_time()
    lint(file, RULESET)

    assert time.process_time() - start < 60


def test_a_piece_is_a_place() -> None:
    tree = parse("FROM a\n")

    assert tree.instructions[0].pieces == [
        Piece(PieceKind.CODE, 0, 6),
        Piece(PieceKind.NEWLINE, 6, 7),
    ]
