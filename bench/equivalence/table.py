"""What came of the pairs, in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.equivalence.judge import Judgement, Verdict

#: stagelint has to find so much of what BuildKit calls equal ...
SHARE_FOUND = 0.98

#: ... among pairs of which so many are equal, and as many different.
SHARE_EACH = 1 / 3


class Row(NamedTuple):
    """Counts of pairs."""

    kind: str
    pairs: int
    rejected: int
    unavailable: int
    different: int
    equal: int
    found: int
    missed: int
    violations: int


def row(kind: str, judgements: Sequence[Judgement]) -> Row:
    def count(*verdicts: Verdict) -> int:
        return sum(each.verdict in verdicts for each in judgements)

    missed = sum(each.is_missed for each in judgements)
    return Row(
        kind=kind,
        pairs=len(judgements),
        rejected=count(Verdict.REJECTED, Verdict.REJECTED_AFTER),
        unavailable=count(Verdict.UNAVAILABLE),
        different=count(Verdict.DIFFERENT),
        equal=count(Verdict.EQUAL),
        found=count(Verdict.EQUAL) - missed,
        missed=missed,
        violations=sum(each.is_violation for each in judgements),
    )


def rows(judgements: Iterable[Judgement]) -> list[Row]:
    """One for every kind of pair, and one for all together."""
    by_kind: dict[str, list[Judgement]] = {}
    everything: list[Judgement] = []
    for each in judgements:
        by_kind.setdefault(each.pair.kind, []).append(each)
        everything.append(each)
    found = [row(kind, some) for kind, some in sorted(by_kind.items())]
    return [*found, row("all", everything)]


def text(found: Sequence[Row]) -> str:
    """The rows as an aligned table."""
    lines = [list(Row._fields), *([str(cell) for cell in each] for each in found)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def complaints(total: Row) -> list[str]:
    """Which of the rules are broken."""
    found: list[str] = []
    if total.violations:
        found.append(f"{total.violations} pairs are called the same and are not")
    if total.found < SHARE_FOUND * total.equal:
        found.append(f"{total.missed} of {total.equal} equal pairs are not found")
    compared = total.equal + total.different
    if min(total.equal, total.different) < SHARE_EACH * compared:
        found.append(f"of {compared} pairs, {total.equal} are equal: that is out of balance")
    return found


def described(judgement: Judgement) -> str:
    """A pair in full, to be looked at."""
    pair = judgement.pair
    return (
        f"== {pair.kind}, {pair.origin}\n"
        f"BuildKit: {judgement.verdict} {judgement.reason}\n"
        f"stagelint: {judgement.objection or 'equal'}\n"
        f"-- before\n{pair.before}\n-- after\n{pair.after}\n"
    )
