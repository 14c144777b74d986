"""Projects as `stagelint optimize` makes them; `tests/builder` and `bench.optimizations` build them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.optimizations import cases
from stagelint.cli import main


@pytest.mark.parametrize("case", cases.every(), ids=lambda case: case.name)
def test_the_fixes_are_those_expected(
    case: cases.Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed, wanted = tmp_path / "before", tmp_path / "after"
    case.write(fixed, wanted)
    monkeypatch.chdir(fixed)

    options = ("--isolated", "--project", ".", "--select", ",".join(case.rules))
    main(["optimize", "--fix", "--unsafe-fixes", *options, "Dockerfile"])

    assert files(fixed) == files(wanted)


def files(folder: Path) -> dict[str, bytes]:
    """The bytes of every file, by its path in the folder."""
    return {
        str(each.relative_to(folder)): each.read_bytes()
        for each in sorted(folder.rglob("*"))
        if each.is_file()
    }
