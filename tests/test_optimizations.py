"""Whole projects: `fixtures/optimizations/<case>/project`, and what is made of it in `expected`."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from stagelint.cli import main

CASES = Path(__file__).parent.parent / "fixtures" / "optimizations"


@pytest.mark.parametrize("case", sorted(each.parent.name for each in CASES.glob("*/case.toml")))
def test_what_is_made_of_a_project(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = tomllib.loads((CASES / case / "case.toml").read_text())["rules"]
    shutil.copytree(CASES / case / "project", tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")

    options = ("--fix-only", "--unsafe-fixes", "--isolated", "--select", ",".join(rules))
    assert main(["optimize", *options]) == 0

    for expected in (CASES / case / "expected").iterdir():
        assert Path(expected.name).read_text() == expected.read_text()
