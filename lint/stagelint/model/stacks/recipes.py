"""What a stack knows of a stage that is to become two."""

from __future__ import annotations

from collections.abc import Callable

from stagelint.edit import Edit
from stagelint.model.stacks.plans import Copy
from stagelint.model.stacks.started import Started
from stagelint.syntax.nodes import Instruction
from stagelint.tuples import NamedTuple

#: The certificates that programs trust in images of Debian; its slim ones have none.
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


class Recipe(NamedTuple):
    """What the final stage is to have, as far as the language of the program decides it."""

    runtime: str
    """The image that it is built on."""
    started: Started
    program: tuple[Copy, ...]
    """The program, with all that the build made for it."""
    variables: str = r"(?!)"
    """A pattern of the names of variables that only the build reads."""
    besides: tuple[Copy, ...] = ()
    """What else is copied: certificates."""
    programs: frozenset[str] = frozenset()
    """Programs that the final base has, besides those which every base has."""
    users: frozenset[str] = frozenset()
    """Users that the final base has, besides those which every base has."""
    packages: tuple[str, ...] = ()
    """Packages of its system that the program needs, though no instruction names them."""
    builds_with: frozenset[str] = frozenset()
    """Packages that only the build needs, besides those which only builds ever need."""
    ships_context: bool = True
    """May an interpreted program read what lies in the build context?"""
    moved: tuple[Instruction, ...] = ()
    """RUNs that the final stage has instead of the build stage."""
    edits: tuple[Edit, ...] = ()
    """What changes in the build stage."""
    added: tuple[str, ...] = ()
    """Instructions at the end of the build stage, besides."""
    may_leave: Callable[[str], bool] = lambda path: False
    """Is what small tools write to this absolute path for the build alone?"""
    holds: tuple[str, ...] = ()
