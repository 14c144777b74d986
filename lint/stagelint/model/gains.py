"""What an optimization gains, each number with how it is known."""

from __future__ import annotations

from enum import StrEnum

from stagelint.tuples import NamedTuple


class Known(StrEnum):
    """Where a number comes from."""

    CATALOGUE = "catalogue"
    """The sizes of base images: compressed bytes, with a date for each."""
    CONTEXT = "context files"
    """The files of the build context on disk."""
    FILE = "Dockerfile"
    """Counted in the Dockerfile itself: layers and steps."""
    TRACE = "build trace"
    """What a build took."""


class Amount(NamedTuple):
    """A number, and how it is known."""

    value: float
    known: Known
    at_least: bool = False
    """Is there more that is not known?"""


class Gain(NamedTuple):
    """What is saved; None where nobody knows, and nothing where a field is not about it."""

    shipped: Amount | None = None
    """Bytes that an image which ships has no more."""
    ships_less: bool = False
    """Is the image smaller, even if it is not known by how much?"""
    layers: int = 0
    """Layers that it has no more."""
    steps: int = 0
    """Steps that run no more when what changes most often changes (see `when`)."""
    seconds: Amount | None = None
    """What these take."""
    faster: bool = False
    """Does a step that runs again take less time, even if it is not known how much less?"""
    context: Amount | None = None
    """Bytes that are not sent to the builder any more."""
    when: str = ""
    r"""The change after which steps are saved: `a change of \`src/main.py\``."""

    @property
    def order(self) -> tuple[float, ...]:
        """Greater for what gains more: bytes that ship first, then what runs again, then layers."""
        shipped = self.shipped.value if self.shipped else 0.0
        seconds = self.seconds.value if self.seconds else 0.0
        sent = self.context.value if self.context else 0.0
        rerun = (seconds, float(self.steps), float(self.faster))
        return (shipped, float(self.ships_less), *rerun, sent, self.layers)
