"""How messages put things, where several rules say them alike."""

from __future__ import annotations

from collections.abc import Sequence


def listed(names: Sequence[str], most: int) -> str:
    """`` `a`, `b` and 3 more ``: the first *most* of one or more names; a single one is not left out."""
    shown = [f"`{name}`" for name in names]
    if len(shown) > most + 1:
        shown[most:] = [f"{len(shown) - most} more"]
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
