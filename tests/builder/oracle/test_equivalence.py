"""What stagelint proves to be the same build is the same to BuildKit, on a sample of pairs.

`python -m bench.equivalence` tries thousands.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from bench.equivalence import builders, table
from bench.equivalence.__main__ import judged
from bench.equivalence.judge import Judgement, Verdict
from bench.equivalence.pairs import FIXED, fixed_pairs, mutated_pairs
from bench.equivalence.texts import texts

#: So many mutations take about three minutes.
SAMPLE = 250

#: Chosen so that every sample is another one than the full run begins with, and always the same.
SEED = 20


@pytest.fixture(scope="module")
def judgements(empty_docker: builders.Docker) -> list[Judgement]:
    sources = texts()
    pairs = itertools.chain(fixed_pairs(SEED, sources), mutated_pairs(SEED, SAMPLE, sources))
    return list(judged(empty_docker, pairs))


def shown(judgements: Iterator[Judgement]) -> str:
    return "\n".join(map(table.described, judgements))


def test_nothing_is_called_the_same_that_is_not(judgements: list[Judgement]) -> None:
    assert not shown(each for each in judgements if each.is_violation)


def test_most_that_is_the_same_is_found(judgements: list[Judgement]) -> None:
    total = table.row("all", judgements)

    assert total.found >= table.SHARE_FOUND * total.equal, shown(
        each for each in judgements if each.is_missed
    )


def test_the_sample_has_enough_of_both(judgements: list[Judgement]) -> None:
    total = table.row("all", judgements)
    mutated = table.row("mutated", [each for each in judgements if each.pair.kind != FIXED])
    compared = mutated.equal + mutated.different  # what fixes make is always the same

    assert total.equal + total.different >= 0.8 * len(judgements)
    assert mutated.equal >= table.SHARE_EACH * compared
    assert mutated.different >= table.SHARE_EACH * compared


def test_what_fix_makes_of_a_file_is_the_same(judgements: list[Judgement]) -> None:
    fixed = [each for each in judgements if each.pair.kind == FIXED]

    assert len(fixed) >= 10
    assert not shown(each for each in fixed if each.verdict is not Verdict.EQUAL)
