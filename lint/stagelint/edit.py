"""Fixes as data: text edits against the file as it was linted, and what they promise."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from enum import StrEnum

from stagelint.source import Span
from stagelint.tuples import NamedTuple


class Guarantee(StrEnum):
    """What a fix promises of the build. `--fix` applies SAME_BUILD alone."""

    SAME_BUILD = "same-build"
    """Every target builds the same graph: same steps, same inputs, same image config."""
    SAME_IMAGE = "same-image"
    """Other steps, same file system and same config."""
    SAME_BUT_CACHES = "same-but-caches"
    """As above, save caches, lists and logs of package managers."""
    BEHAVIOUR = "behaviour"
    """Another build, meant to do what was wanted."""

    @property
    def is_safe(self) -> bool:
        return self is Guarantee.SAME_BUILD

    @property
    def is_shown_by_a_build(self) -> bool:
        """Can real builds before and after show it, so that `--fix --verify` may apply it?"""
        return self is not Guarantee.BEHAVIOUR


class Edit(NamedTuple):
    """Replace the text in *span* with *text*; an empty span inserts."""

    span: Span
    text: str = ""


class Fix(NamedTuple):
    """Edits that only make sense together; *title* says in the imperative what they do."""

    title: str
    edits: tuple[Edit, ...]
    guarantee: Guarantee = Guarantee.SAME_BUILD


class _Taken:
    """Edits kept in order, so that a clash is found by looking at the neighbours."""

    def __init__(self) -> None:
        self.edits: list[Edit] = []

    def clashes(self, edit: Edit) -> bool:
        at = bisect_left(self.edits, edit)
        return any(_overlap(edit, other) for other in self.edits[max(0, at - 1) : at + 1])

    def add(self, edit: Edit) -> None:
        insort(self.edits, edit)


def apply(text: str, fixes: Iterable[Fix]) -> tuple[str, list[Fix], list[Fix]]:
    """Apply every fix that does not overlap an earlier one.

    Edits that two fixes share are made once. Returns the new text, the fixes applied, and those
    left for another pass.
    """
    taken = _Taken()
    applied: list[Fix] = []
    left: list[Fix] = []
    known: set[Edit] = set()
    for fix in fixes:
        fresh = [edit for edit in dict.fromkeys(fix.edits) if edit not in known]
        if any(taken.clashes(edit) for edit in fresh):
            left.append(fix)
            continue
        for edit in fresh:
            taken.add(edit)
        known.update(fresh)
        applied.append(fix)
    parts: list[str] = []
    at = 0
    for edit in taken.edits:
        parts += (text[at : edit.span.start], edit.text)
        at = edit.span.end
    return "".join((*parts, text[at:])), applied, left


def _overlap(one: Edit, other: Edit) -> bool:
    return one.span.start == other.span.start or (
        one.span.start < other.span.end and other.span.start < one.span.end
    )
