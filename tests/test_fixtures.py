"""Whole files as a user meets them: `fixtures/<case>/Dockerfile` and what is said and made of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from stagelint.cli import main

FIXTURES = Path(__file__).parent.parent / "fixtures"
CASES = sorted(
    path.parent.name
    for path in FIXTURES.glob("*/Dockerfile")
    if not path.parent.name.startswith("refs-")
)

each_case = pytest.mark.parametrize("case", CASES)


pytestmark = pytest.mark.usefixtures("in_copy_of_case")


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    main([*arguments, "--project", "."])
    return capfd.readouterr().out


@each_case
def test_report(case: str, capfd: pytest.CaptureFixture[str], expected: SnapshotAssertion) -> None:
    report = run(capfd, "check", "Dockerfile")

    assert report == expected(name="report.txt")


@each_case
def test_safe_fixes(
    case: str, capfdbinary: pytest.CaptureFixture[bytes], expected: SnapshotAssertion
) -> None:
    main(["check", "--diff", "Dockerfile", "--project", "."])
    diff = capfdbinary.readouterr().out.decode("utf-8", "surrogateescape")

    assert diff == expected(name="safe.diff")


@each_case
def test_all_fixes(
    case: str, capfdbinary: pytest.CaptureFixture[bytes], expected: SnapshotAssertion
) -> None:
    main(["check", "--diff", "--unsafe-fixes", "Dockerfile", "--project", "."])
    diff = capfdbinary.readouterr().out.decode("utf-8", "surrogateescape")

    assert diff == expected(name="unsafe.diff")


@each_case
@pytest.mark.parametrize(
    ("form", "name"), [("text", "graph.txt"), ("json", "graph.json"), ("mermaid", "graph.mmd")]
)
def test_graph(
    case: str,
    form: str,
    name: str,
    capfd: pytest.CaptureFixture[str],
    expected: SnapshotAssertion,
) -> None:
    graph = run(capfd, "graph", "--format", form, "Dockerfile")

    assert graph == expected(name=name)
