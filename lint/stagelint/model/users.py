"""Who the processes of an image are."""

from __future__ import annotations

from stagelint.model.file import File
from stagelint.model.moments import Moment
from stagelint.model.stages import Stage
from stagelint.source import Span


def last_user(file: File, stage: Stage) -> Moment | None:
    """The last USER that *stage* is written with, if that decides who anything runs as.

    It does not in a stage that only others of the file are built on which have a USER of their own.
    """
    children = file.children(stage)
    is_base = bool(children) and stage.index not in file.shipped
    if is_base and all(any(each.by_keyword("USER")) for each in children):
        return None
    own = file.histories[stage.index].own
    return next((each for each in reversed(own) if each.instruction.keyword == "USER"), None)


def named(user: Moment) -> tuple[str | None, Span]:
    """Whom a USER names, without a group, None if that is not known; and where all of it stands."""
    node = user.instruction
    word = node.rest.rstrip()
    value = user.expand(word)
    span = node.logical.span(node.rest_start, node.rest_start + len(word))
    return None if value is None else value.partition(":")[0], span


def is_root(user: str) -> bool:
    """Does *user*, as USER says it, mean root? So does none, in an image that says nothing else."""
    return user.partition(":")[0] in ("", "root", "0")
