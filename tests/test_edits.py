"""Edits: what they promise, which go together, and what they make of a text."""

from __future__ import annotations

import pytest

from stagelint.edit import Edit, Fix, Guarantee, apply
from stagelint.source import Span


def fix(*edits: tuple[int, int, str]) -> Fix:
    return Fix("x", tuple(Edit(Span(start, end), text) for start, end, text in edits))


def applied(*fixes: Fix) -> tuple[str, list[int]]:
    """What becomes of `abcdefgh`, and the numbers of the fixes that were made."""
    text, made, left = apply("abcdefgh", fixes)
    assert sorted(map(id, made + left)) == sorted(map(id, fixes))
    return text, [number for number, each in enumerate(fixes) if any(each is x for x in made)]


def test_a_fix_is_safe_if_it_says_nothing_else() -> None:
    assert Fix("x", ()).guarantee is Guarantee.SAME_BUILD
    assert [each.value for each in Guarantee if each.is_safe] == ["same-build"]


def test_a_build_shows_all_but_another_behaviour() -> None:
    assert [each.value for each in Guarantee if each.is_shown_by_a_build] == [
        "same-build",
        "same-image",
        "same-but-caches",
    ]
    assert Guarantee.BEHAVIOUR.value == "behaviour"


def test_an_edit_without_a_text_removes() -> None:
    assert apply("abc", [Fix("x", (Edit(Span(1, 2)),))])[0] == "ac"


@pytest.mark.parametrize(
    ("fixes", "text", "made"),
    [
        ([], "abcdefgh", []),
        ([fix()], "abcdefgh", [0]),
        ([fix((2, 3, "X")), fix((3, 4, "Y"))], "abXYefgh", [0, 1]),
        ([fix((3, 4, "Y")), fix((2, 3, "X"))], "abXYefgh", [0, 1]),
        ([fix((2, 4, "X")), fix((3, 5, "Y"))], "abXefgh", [0]),
        ([fix((3, 5, "Y")), fix((2, 4, "X"))], "abcYfgh", [0]),
        ([fix((2, 6, "X")), fix((3, 4, "Y"))], "abXgh", [0]),
        ([fix((3, 4, "Y")), fix((2, 6, "X"))], "abcYefgh", [0]),
        ([fix((2, 2, "X")), fix((2, 2, "Y"))], "abXcdefgh", [0]),
        ([fix((2, 2, "X")), fix((2, 4, "Y"))], "abXcdefgh", [0]),
        ([fix((2, 4, "Y")), fix((2, 2, "X"))], "abYefgh", [0]),
        ([fix((2, 4, "Y")), fix((4, 4, "X"))], "abYXefgh", [0, 1]),
        ([fix((2, 4, "Y")), fix((3, 3, "X"))], "abYefgh", [0]),
        ([fix((3, 3, "X")), fix((2, 4, "Y"))], "abcXdefgh", [0]),
        ([fix((6, 7, "")), fix((0, 1, "")), fix((3, 4, ""))], "bcefh", [0, 1, 2]),
        # All or nothing of a fix, and what one that waits would have changed is free.
        ([fix((2, 3, "X")), fix((2, 3, "Y"), (5, 6, "Z")), fix((5, 6, "W"))], "abXdeWgh", [0, 2]),
        # What two say alike is said once, also within one.
        ([fix((2, 2, "X"), (4, 5, "")), fix((2, 2, "X"), (6, 7, ""))], "abXcdfh", [0, 1]),
        ([fix((2, 2, "X"), (2, 2, "X"))], "abXcdefgh", [0]),
        ([fix((2, 3, "X")), fix((2, 3, "X"), (2, 4, "Y"))], "abXdefgh", [0]),
        ([fix((0, 8, ""))], "", [0]),
    ],
)
def test_what_overlaps_waits(fixes: list[Fix], text: str, made: list[int]) -> None:
    assert applied(*fixes) == (text, made)


def test_a_long_edit_is_found_behind_short_ones() -> None:
    first = [fix((number, number + 1, "x")) for number in range(6)]

    assert applied(*first, fix((5, 8, "y"))) == ("xxxxxxgh", [0, 1, 2, 3, 4, 5])
    assert applied(*first, fix((6, 8, "y"))) == ("xxxxxxy", [0, 1, 2, 3, 4, 5, 6])
