"""Optimized projects, by real builds: one for each guarantee; all are tried by `bench.optimizations`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.equivalence import builders
from bench.optimizations import cases
from bench.optimizations.project import Broken, Project
from stagelint.edit import Guarantee

CASES = [each for each in cases.every() if each.ci]


def test_each_guarantee_has_one() -> None:
    assert sorted(each.guarantee for each in CASES) == sorted(Guarantee)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_project_is_as_promised(
    reaching_docker: builders.Docker, case: cases.Case, tmp_path: Path
) -> None:
    Project(case, reaching_docker, tmp_path).judge()


@pytest.mark.parametrize(
    ("guarantee", "changed", "complaint"),
    [
        (Guarantee.SAME_IMAGE, {"Dockerfile": "FROM busybox\nCOPY . /data/\nENV A=1\n"}, "Env"),
        (Guarantee.SAME_IMAGE, {".dockerignore": "b\n"}, "/data/b: only before"),
        (Guarantee.BEHAVIOUR, {"Dockerfile": "FROM busybox\nRUN exit 3\n"}, "does not build"),
        (Guarantee.BEHAVIOUR, {"Dockerfile": "FROM busybox\n"}, "exits 1"),
    ],
    ids=["config", "context", "build", "smoke"],
)
def test_what_is_not_as_promised_is_told(
    reaching_docker: builders.Docker,
    tmp_path: Path,
    guarantee: Guarantee,
    changed: dict[str, str],
    complaint: str,
) -> None:
    before = {"Dockerfile": "FROM busybox\nCOPY . /data/\n", "a": "a", "b": "b"}
    for folder, files in (("project", before), ("expected", changed)):
        (tmp_path / "case" / folder).mkdir(parents=True)
        for name, text in files.items():
            (tmp_path / "case" / folder / name).write_text(text)
    case = cases.Case(tmp_path / "case", (), guarantee, smoke=("cat", "/data/a"))

    with pytest.raises(Broken, match=complaint):
        Project(case, reaching_docker, tmp_path).judge()
