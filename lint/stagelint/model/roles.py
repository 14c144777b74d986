"""What a stage is for."""

from __future__ import annotations

from enum import StrEnum

from stagelint.model.graph import StageGraph


class Role(StrEnum):
    """Of several that hold, the first in this order is a stage's role."""

    SHIPPED = "shipped"
    """On the FROM chain of the last stage or of one that is released besides it."""
    TARGET = "target"
    """On the FROM chain of another stage somebody asks for by name."""
    BUILDER = "builder"
    """Needed by one of those, but only copied from or mounted."""
    UNUSED = "unused"


def roles(graph: StageGraph, ships: set[int], targets: set[int]) -> list[Role]:
    """The role of every stage, given the stages that ship and those asked for besides."""
    found = [Role.UNUSED] * len(graph.stages)
    for index in graph.may_need(*ships, *targets):
        found[index] = Role.BUILDER
    for role, starts in ((Role.TARGET, targets), (Role.SHIPPED, ships)):
        for start in starts:
            at: int | None = start
            while at is not None and found[at] is not role:
                found[at] = role
                at = graph.stages[at].base.stage
    return found
