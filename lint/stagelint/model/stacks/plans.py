"""How one stage that builds and ships becomes two: what a stack says of it, and what is written."""

from __future__ import annotations

from stagelint.edit import Edit
from stagelint.source import Span
from stagelint.syntax.nodes import Instruction
from stagelint.tuples import NamedTuple


class Copy(NamedTuple):
    """What the final stage copies from the build stage."""

    sources: tuple[str, ...]
    """Absolute paths in the build stage; may be patterns of COPY."""
    target: str
    """Where they go; with a slash at the end if that is a folder with what *sources* select."""
    flags: str = ""
    """Flags of COPY besides `--from`: `--chown=app`."""


class Line(NamedTuple):
    """An instruction of the final stage that stands above what it copies."""

    text: str
    """As it is written, without a newline at the end."""
    instruction: Instruction | None = None
    """That of the stage as it was which it is made of, if it is of one."""
    is_moved: bool = False
    """Does the build stage have it no more?"""


class Plan(NamedTuple):
    """Everything that decides the text of the two stages.

    The build stage is the stage as it was, up to and with *last*, but for the lines that are moved.
    The final stage is `FROM runtime`, the *lines*, the *copies*, and what stood behind *last* as it
    was, but for what is *dropped*.
    """

    runtime: str
    """The image that the final stage is built on."""
    last: Instruction
    """The last one of the build stage."""
    copies: tuple[Copy, ...]
    lines: tuple[Line, ...] = ()
    dropped: tuple[Instruction, ...] = ()
    """What stands behind *last* that the final stage does without."""
    edits: tuple[Edit, ...] = ()
    """What else changes in the build stage."""
    added: tuple[str, ...] = ()
    """What the build stage does besides, behind *last*: lines as they are written."""
    holds: tuple[str, ...] = ()
    """What the plan rests on, for people."""


class Refusal(NamedTuple):
    """The stage builds and ships, and it is not known to work in two."""

    reason: str
    """For a note: `what \\`make install\\` writes is not known`."""
    at: Instruction | None = None
    """The instruction that stands against it."""


class Refused(Exception):
    """Raised where something is not known that a plan needs; it becomes a `Refusal`."""

    def __init__(self, reason: str, at: Instruction | None = None) -> None:
        super().__init__(reason)
        self.refusal = Refusal(reason, at)


class Found(NamedTuple):
    """What a stack makes of a stage."""

    ships: str
    """That something ships though only the build needs it, for messages: `the JDK ships`."""
    span: Span
    """Where that comes from: the image that FROM names, or packages."""
    answer: Plan | Refusal
    aliases: tuple[str, ...] = ()
    """Codes of the rules that say the same of *span*."""
    with_sources: bool = True
    """Do the sources of the program ship in vain, too?"""
