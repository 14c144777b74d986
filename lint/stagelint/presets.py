"""Sets of rules under one name, for those who come from another linter or want all there is."""

from __future__ import annotations

from stagelint.registry import Registry
from stagelint.tuples import NamedTuple


class Preset(NamedTuple):
    """What is in force unless it is said otherwise."""

    select: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    """Of these, what does not run all the same."""
    builders_too: bool = False
    """Do the rules that care for what ships alone speak of all stages?"""
    fail_level: str = "warning"

    def codes(self, registry: Registry) -> frozenset[str]:
        """Of the rules that run."""
        return registry.expand(self.select, families=True) - registry.expand(self.ignore)


#: hadolint has two rules that nobody asks for, about comments and missing health checks.
_OFF = ("DL1001", "DL3057")

PRESETS = {
    "buildkit": Preset(("BK",), builders_too=True, fail_level="style"),
    "hadolint": Preset(("DL", "SC"), _OFF, builders_too=True, fail_level="info"),
    "strict": Preset(("ALL",), _OFF, fail_level="style"),
}
