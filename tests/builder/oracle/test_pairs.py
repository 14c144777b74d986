"""The pairs that BuildKit is asked about: reproducible, of every kind, and what they say they are."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, TypeVar

import pytest

from bench.equivalence.assignments import one_by_one
from bench.equivalence.mutations import MUTATIONS, mutate
from bench.equivalence.pairs import mutated_pairs
from bench.equivalence.reading import file_of
from bench.equivalence.texts import comparable, texts

if TYPE_CHECKING:
    from _typeshed import SupportsLenAndGetItem

Thing = TypeVar("Thing")

FILE = "FROM a AS x\nARG A=1\nRUN y $A\nFROM b\nCOPY --from=0 / /\nENV B=1 C=2\n"

EXPECTED = {
    "stage-renamed": "FROM a AS x0\nARG A=1\nRUN y $A\nFROM b\nCOPY --from=0 / /\nENV B=1 C=2\n",
    "number-becomes-name": FILE.replace("=0", "=x"),
    "stages-swapped": "FROM b\nCOPY --from=1 / /\nENV B=1 C=2\nFROM a AS x\nARG A=1\nRUN y $A\n",
    "pairs-split": FILE.replace("ENV B=1 C=2\n", "ENV B=1\nENV C=2\n"),
    "pairs-reordered": FILE.replace("B=1 C=2", "C=2 B=1"),
    "alias-inserted": FILE.replace("FROM b", "FROM x AS x0\nFROM b").replace("=0", "=x0"),
    "braces-changed": FILE.replace("$A", "${A}"),
    "variable-replaced-by-default": FILE.replace("$A", "1"),
    "final-newline-changed": FILE[:-1],
    "stage-loses-its-name": FILE.replace(" AS x", ""),
}


class First(Random):
    """Chooses the first, always."""

    def choice(self, seq: SupportsLenAndGetItem[Thing]) -> Thing:
        return seq[0]


@pytest.mark.parametrize("name", EXPECTED)
def test_changes_what_it_is_called_after(name: str) -> None:
    after = mutate(FILE, MUTATIONS[name], First())

    assert after == EXPECTED[name]


def test_the_same_seed_gives_the_same_pairs() -> None:
    sources = texts()

    assert list(mutated_pairs(7, 60, sources)) == list(mutated_pairs(7, 60, sources))
    assert list(mutated_pairs(7, 60, sources)) != list(mutated_pairs(8, 60, sources))


def test_every_mutation_finds_something_to_change() -> None:
    pairs = list(mutated_pairs(7, 2 * len(MUTATIONS), texts()))

    assert {pair.kind for pair in pairs} >= set(MUTATIONS)
    assert all(pair.before != pair.after for pair in pairs)


def test_tries_first_what_names_a_stage_of_one_file_alone() -> None:
    before = file_of("ARG A=x\nFROM a AS x\nFROM $A\n")
    after = file_of("ARG A=x\nFROM a AS x\nFROM a AS other\nFROM $A\n")

    assert one_by_one(before, after, Random(7), 3)[0] == (("A", "other"),)
    assert len(one_by_one(before, after, Random(7), 3)) == 3


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"# syntax=docker/dockerfile:1\nFROM a\n", "FROM a\n"),
        (b"# check=error=true\nFROM a\n", "FROM a\n"),
        (b"# escape=`\n# syntax=docker/dockerfile:1\nFROM a\n", "# escape=`\nFROM a\n"),
        (b"FROM a:1@sha256:" + b"0" * 64 + b" AS x\n", "FROM a:1 AS x\n"),
        (b"# syntax=somebody/else\nFROM a\n", None),
        (b"FROM a\nRUN \xff\n", None),
    ],
)
def test_is_made_comparable(data: bytes, text: str | None) -> None:
    assert comparable(data) == text
