"""What stagelint foresees of rebuilds is what BuildKit does; `python -m bench.impact` tries more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.equivalence.builders import Docker
from bench.impact import PROJECTS, Project, Result, told, try_out

EDITS = 30


@pytest.fixture(scope="module")
def results(merging_docker: Docker) -> Iterator[list[Result]]:
    projects = [Project(each.parent) for each in sorted(PROJECTS.glob("*/Dockerfile"))]
    yield try_out(merging_docker, projects, EDITS, seed=3)


def test_nothing_is_foreseen_wrongly(results: list[Result]) -> None:
    assert len(results) == EDITS
    assert [line for each in results if each.is_wrong for line in told(each)] == []


def test_the_sample_has_enough_of_both(results: list[Result]) -> None:
    assert sum(bool(each.ran) for each in results) >= EDITS / 3
    assert sum(not each.ran for each in results) >= EDITS / 6
    assert sum(len(each.runs) for each in results) >= EDITS
