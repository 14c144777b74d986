"""A change costs no more work than it has to, counted in instructions."""

from __future__ import annotations

import pytest

from bench.speed import guard


@pytest.mark.slow
@pytest.mark.skipif(not guard.is_possible(), reason="no valgrind, or another Python")
def test_start_parse_and_lint_cost_what_they_did() -> None:
    wanted = guard.baseline()
    off = {name: units / wanted[name] - 1 for name, units in guard.counts()}
    print(off)

    assert off.keys() == wanted.keys()
    assert max(map(abs, off.values())) <= guard.TOLERANCE, (
        "`python -m bench.speed.guard` shows more; if it is worth it, --write"
    )
