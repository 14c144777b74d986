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

#: What is about the cost of an image or of its rebuilds.
_COSTS = (
    *("SL3", "SL201", "SL202", "SL203", "SL204", "SL205", "DL3010", "DL3020"),
    *("DL3009", "DL3019", "DL3032", "DL3036", "DL3040", "DL3042", "DL3060"),
)

PRESETS = {
    "buildkit": Preset(("BK",), builders_too=True, fail_level="style"),
    "hadolint": Preset(("DL", "SC"), _OFF, builders_too=True, fail_level="info"),
    "optimize": Preset(_COSTS, fail_level="none"),
    "strict": Preset(("ALL",), _OFF, fail_level="style"),
}
