"""Small repositories, one for each format: `fixtures/refs-<format>/`, who asks for what in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from stagelint.cli import main
from stagelint.project.readers import READERS
from stagelint.source import Source

FIXTURES = Path(__file__).parent.parent / "fixtures"
CASES = sorted(path.name for path in FIXTURES.glob("refs-*"))
RULES = "SL101,SL103,SL111,SL112,SL113"

each_case = pytest.mark.parametrize("case", CASES)


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    main([*arguments, "--project", "."])
    return capfd.readouterr().out


@each_case
@pytest.mark.usefixtures("in_copy_of_case")
def test_refs(case: str, capfd: pytest.CaptureFixture[str], expected: SnapshotAssertion) -> None:
    assert run(capfd, "refs") == expected(name="refs.txt")


@each_case
@pytest.mark.usefixtures("in_copy_of_case")
def test_report(case: str, capfd: pytest.CaptureFixture[str], expected: SnapshotAssertion) -> None:
    assert run(capfd, "check", ".", "--select", RULES) == expected(name="report.txt")


@each_case
@pytest.mark.usefixtures("in_copy_of_case")
def test_json_places_every_reference(case: str, capfd: pytest.CaptureFixture[str]) -> None:
    """What stands in its file as it is stands just where the document says."""
    found: Any = json.loads(run(capfd, "refs", "--format", "json"))
    references: list[dict[str, Any]] = [
        each
        for dockerfile in found["dockerfiles"]
        for stage in dockerfile["stages"]
        for each in stage["references"]
        if each["what"] == "target" and each["is_written"]
    ]

    assert found["notes"] == []
    assert references
    for each in references:
        source = Source.from_bytes(each["file"], Path(each["file"]).read_bytes())
        start = source.line_span(each["line"]).start + each["column"] - 1
        assert source.text[start:].startswith(str(each["target"])), each


def test_every_format_has_a_repository() -> None:
    assert {f"refs-{reader.module.replace('_', '-')}" for reader in READERS} <= set(CASES)
