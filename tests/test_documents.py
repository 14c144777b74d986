"""What the documents say is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stagelint import catalogue
from stagelint.config import FORMATS
from stagelint.registry import rules_of

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["report.txt", "safe.diff"])
def test_the_example_is_what_the_command_prints(name: str) -> None:
    printed = (ROOT / "fixtures" / "seed" / "expected" / name).read_text("utf-8")

    assert printed.strip("\n") in README


def test_every_rule_of_our_own_is_listed_as_it_is() -> None:
    rows = [
        f"| `{rule.code}` {rule.name()} | {catalogue.summary(rule)} | {catalogue.fixability(rule)} |"
        for rule in rules_of("stagelint_rules")
        if rule.code.startswith("SL")
    ]

    assert [line for line in README.splitlines() if line.startswith("| `SL")] == rows


def test_every_format_is_listed_as_it_is() -> None:
    _, table = README.split("| format | for |\n|---|---|\n")

    assert table.split("\n\n")[0].splitlines() == [
        f"| `{form}` | {use} |" for form, use in FORMATS.items()
    ]


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "lint/README.md"])
def test_every_file_that_is_named_exists(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    named = set(re.findall(r"\]\(([\w./-]+)\)|`((?:tests|rules|fixtures|lint)/[\w./-]+)`", text))

    missing = [path or code for path, code in named if not (ROOT / (path or code)).exists()]
    assert missing == []


@pytest.mark.parametrize("target", ["try", "test", "fast", "check", "rules"])
def test_make_knows_what_the_documents_call(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_the_demo_shows_at_least_six_rules_and_a_fix() -> None:
    folder = ROOT / "fixtures" / "demo" / "expected"

    codes = re.findall(r" (SL\d+) ", (folder / "report.txt").read_text("utf-8"))
    assert len(set(codes)) >= 6
    assert "+COPY --from=build" in (folder / "safe.diff").read_text("utf-8")
