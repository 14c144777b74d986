"""`docker build --check` itself, on every Dockerfile of the rules' examples and of the fixtures."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from textwrap import dedent

from bench.check_parity import DEPENDS_ON_BASE, compare
from bench.equivalence import builders
from stagelint.registry import rules_of

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"

_CARETS = re.compile(r" *\^+ .*\n")


def texts() -> list[str]:
    """Those of the examples, without their marks."""
    marked = (
        dedent(each.text).lstrip("\n")
        for rule in rules_of("stagelint_rules")
        for each in rule.examples
    )
    plain = (text for text in marked if not text.startswith("--- ") and "ignore[" not in text)
    lines = (text.splitlines(True) for text in plain)
    return ["".join(x for x in each if not _CARETS.fullmatch(x)) for each in lines]


def test_says_what_buildkit_says(empty_docker: builders.Docker, tmp_path: Path) -> None:
    for number, text in enumerate(dict.fromkeys(texts())):
        (tmp_path / f"{number}.Dockerfile").write_text(text)
    paths = [*tmp_path.glob("*"), *FIXTURES.glob("*/Dockerfile")]

    counts: Counter[str] = Counter()
    unexplained: list[str] = []
    for file, answer, found in compare(empty_docker, map(str, paths)):
        counts["files"] += 1
        counts["warnings"] += len(answer.warnings)
        for each in found:
            if each.warned.check in DEPENDS_ON_BASE[each.side]:
                counts["by the base image"] += 1
            else:
                unexplained.append(f"{each.side} {each.warned}: {file.source.text}")

    assert unexplained == []
    assert counts["files"] > 200
    assert counts["warnings"] > 50
    print(dict(counts))
