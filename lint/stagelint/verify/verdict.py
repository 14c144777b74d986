"""What a verification comes to. Values only: the report prints them, nobody else."""

from __future__ import annotations

from enum import StrEnum

from stagelint.tuples import NamedTuple


class Outcome(StrEnum):
    """Do the two files build the same?"""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


class Target(NamedTuple):
    """A target to build: *name* as `--target` takes it, empty for the last stage."""

    name: str
    label: str
    """What to call the stage, which may have no name."""


class Entry(NamedTuple):
    """A file of an image, whatever its kind. Times are left out: they differ in every build."""

    kind: str
    mode: int
    owner: tuple[int, int]
    """Numbers of user and group."""
    xattrs: tuple[tuple[str, str], ...] = ()
    target: str = ""
    """Where a symbolic link leads, or the numbers of a device."""
    size: int = 0
    """In bytes."""
    content: bytes = b""
    """The SHA-256 digest of what is in it."""


class Difference(NamedTuple):
    """A path at which two images differ; None where there is nothing."""

    path: str
    aspects: frozenset[str]
    """What differs: fields of `Entry`, or `only before` or `only after` alone."""
    before: Entry | None
    after: Entry | None

    @property
    def size(self) -> int:
        """Of the larger of the two, in bytes."""
        return max(each.size for each in (self.before, self.after) if each)


class Setting(NamedTuple):
    """A field of the image config that differs, its values as JSON."""

    name: str
    before: str
    after: str


class Size(NamedTuple):
    """Layers of an image, and their bytes uncompressed."""

    layers: int
    bytes: int


class Cost(NamedTuple):
    """One build of one target on this machine."""

    steps: int
    cached: int
    """Steps whose result was at hand already."""
    seconds: float


class Part(NamedTuple):
    """What came of one target."""

    target: Target
    shared: int
    """Steps that are the same in both builds, or layers if the builder has no graph of steps."""
    total: int
    """All steps or layers of both."""
    unit: str
    costs: tuple[Cost, Cost]
    is_identical: bool = False
    """Same steps, same inputs and same config: there was nothing to compare."""
    files: int = 0
    """Files compared."""
    sizes: tuple[Size, Size] | None = None
    settings: tuple[Setting, ...] = ()
    differences: tuple[Difference, ...] = ()
    caches: tuple[Difference, ...] = ()
    """Differences in caches and logs, where those may differ."""
    unstable: tuple[Difference, ...] = ()
    """Differences just as two builds of the old file have them."""

    @property
    def is_same(self) -> bool:
        return not self.settings and not self.differences


class Verdict(NamedTuple):
    """What came of two files. *reason* and *lines* are for what ended before the comparison."""

    path: str
    outcome: Outcome
    builder: str = ""
    parts: tuple[Part, ...] = ()
    reason: str = ""
    lines: tuple[str, ...] = ()
    """The last lines of the builder, as it wrote them."""
