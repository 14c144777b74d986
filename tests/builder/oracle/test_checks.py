"""`docker build --check` itself, on every Dockerfile of the rules' examples and of the fixtures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bench.check_parity import DEPENDS_ON_BASE, compare
from bench.equivalence import builders
from stagelint.catalogue import dockerfiles

FIXTURES = Path(__file__).parents[3] / "fixtures"


def test_says_what_buildkit_says(empty_docker: builders.Docker, tmp_path: Path) -> None:
    texts = dict.fromkeys(text for _, text in dockerfiles() if "ignore[" not in text)
    for number, text in enumerate(texts):
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
