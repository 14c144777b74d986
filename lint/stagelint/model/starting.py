"""What a container of a stage starts: the CMD, ENTRYPOINT and HEALTHCHECK in force at its end."""

from __future__ import annotations

from collections.abc import Iterable

from stagelint.model.moments import Moment
from stagelint.tuples import NamedTuple


class Start(NamedTuple):
    """Each is None if there is none, or if the base image brings it."""

    entrypoint: Moment | None = None
    command: Moment | None = None
    healthcheck: Moment | None = None

    @property
    def first(self) -> Moment | None:
        """What says which program is started first."""
        return self.entrypoint or self.command


def program(moments: Iterable[Moment]) -> str | None:
    """The absolute path of what is started after *moments*, without a shell; None if it is another.

    A HEALTHCHECK starts one more.
    """
    found = start(moments)
    first = found.first
    if first is None or found.healthcheck or not first.instruction.is_json:
        return None
    if found.command and not found.command.instruction.is_json:
        return None
    path = first.expand(first.instruction.arguments[0].value)
    if path and path.startswith("./"):
        path = first.path(path)
    return path if path and path.startswith("/") else None


def start(moments: Iterable[Moment]) -> Start:
    """What is in force after *moments*, those of a stage and before them those it is built on.

    An ENTRYPOINT takes away the CMD of a stage below, as BuildKit does (dispatchEntrypoint).
    """
    found = Start()
    for moment in moments:
        node = moment.instruction
        is_set = bool(node.arguments)
        if node.keyword == "CMD":
            found = found._replace(command=moment if is_set else None)
        elif node.keyword == "ENTRYPOINT":
            command = found.command
            if command and command.stage is not moment.stage:
                command = None
            found = found._replace(entrypoint=moment if is_set else None, command=command)
        elif node.keyword == "HEALTHCHECK":
            is_none = len(node.arguments) < 2 and not node.is_json
            found = found._replace(healthcheck=None if is_none else moment)
    return found
