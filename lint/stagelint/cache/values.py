"""Findings as JSON, and back: the same findings, in the sources that they lie in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model.roles import Role
from stagelint.rule import Finding, Related, Severity
from stagelint.source import Source, Span
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from stagelint.model.gains import Gain

    Row = list[Any]


def packed(
    findings: Sequence[Finding], source: Source | None = None
) -> tuple[list[Row], list[Source]]:
    """*findings* as rows, and the sources that they lie in besides *source*."""
    numbers = {id(source): 0}
    others: list[Source] = []

    def number(of: Source) -> int:
        if id(of) not in numbers:
            others.append(of)
            numbers[id(of)] = len(others)
        return numbers[id(of)]

    return [_packed(each, number) for each in findings], others


def _packed(finding: Finding, number: Callable[[Source], int]) -> Row:
    row: Row = list(finding)
    at = finding._fields.index
    row[at("source")] = number(finding.source)
    row[at("related")] = [(number(one.source), *one[1:]) for one in finding.related]
    return row


def unpacked(rows: Sequence[Row], sources: Sequence[Source]) -> list[Finding]:
    """The findings that `packed` made *rows* of; *sources* are the one and the others. Raises `ValueError` and its like for other rows."""
    return [_unpacked(Finding(*each), sources) for each in rows]


def _unpacked(row: Any, sources: Sequence[Source]) -> Finding:
    """*row* is a finding with the values of JSON in the place of its own."""
    related = (Related(sources[at], Span(*span), said) for at, span, said in row.related)
    found: Finding = row._replace(
        severity=Severity(row.severity),
        source=sources[row.source],
        span=Span(*row.span),
        fix=_fix(*row.fix) if row.fix else None,
        role=None if row.role is None else Role(row.role),
        related=tuple(related),
        aliases=tuple(row.aliases),
        gain=_gain(row.gain) if row.gain else None,
        holds=tuple(row.holds),
    )
    return found


def _fix(title: str, edits: Sequence[Row], guarantee: str) -> Fix:
    made = tuple(Edit(Span(*span), text) for span, text in edits)
    return Fix(title, made, Guarantee(guarantee))


def _gain(row: Row) -> Gain:
    from stagelint.model.gains import Amount, Gain, Known  # few findings have one

    def amount(row: Row | None) -> Amount | None:
        return Amount(row[0], Known(row[1]), row[2]) if row else None

    gain: Any = Gain(*row)
    found: Gain = gain._replace(
        shipped=amount(gain.shipped), seconds=amount(gain.seconds), context=amount(gain.context)
    )
    return found
