"""The Dockerfile frontend a file asks for with `# syntax=`, and which features it knows."""

from __future__ import annotations

import re

from stagelint.tuples import NamedTuple


class Frontend(NamedTuple):
    """A release of docker/dockerfile; *known* is false for somebody else's frontend."""

    version: tuple[int, int]
    labs: bool = False
    known: bool = True

    def has(self, feature: str) -> bool:
        """Does it know the feature? One that is no key of `SINCE` was always there."""
        since, since_labs = SINCE.get(feature, _ALWAYS)
        return self.version >= (since_labs if self.labs else since)

    def needs(self, feature: str) -> str:
        """Says which release has a feature that this one lacks."""
        stable, labs = SINCE[feature]
        since = _dotted(stable) if stable != _NEVER else f"{_dotted(labs)}-labs"
        return f"{feature} needs docker/dockerfile:{since}, this file is read by {_dotted(self.version)}"


#: The newest release stagelint was written for; a file without `# syntax=` is read with it.
LATEST = Frontend((1, 26))
_NEVER = (99, 0)
_ALWAYS = ((0, 0), (0, 0))

#: Feature -> the release that has it, and the one whose labs channel has it.
#: From BuildKit's history; where the record is unclear, the earlier release.
SINCE: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "heredocs": ((1, 4), (1, 3)),
    "a blank after <<": ((1, 16), (1, 16)),
    "${name#pattern}": ((1, 7), (1, 7)),
    "COPY --chmod": ((1, 2), (1, 2)),
    "COPY --link": ((1, 4), (1, 4)),
    "COPY --exclude": ((1, 19), (1, 7)),
    "COPY --parents": ((1, 20), (1, 7)),
    "ADD --chmod": ((1, 2), (1, 2)),
    "ADD --link": ((1, 4), (1, 4)),
    "ADD --checksum": ((1, 5), (1, 5)),
    "ADD --unpack": ((1, 17), (1, 17)),
    "ADD --exclude": ((1, 19), (1, 7)),
    "RUN --mount": ((1, 2), (1, 0)),
    "RUN --device": (_NEVER, (1, 14)),
    "RUN --security": ((1, 20), (1, 0)),
    "HEALTHCHECK --start-interval": ((1, 6), (1, 6)),
}


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


_VERSION = r"(\d+)(?:\.(\d+))?(?:\.\d+)*(?:-(.*))?\Z"
_FAMILY = r"(?:.*/)?docker/dockerfile(-upstream)?(?::([^@]*))?(?:@.*)?\Z"


def frontend(reference: str) -> Frontend:
    """The frontend an image reference names; mirrors of docker/dockerfile count as it."""
    family = re.fullmatch(_FAMILY, reference)
    if not family:
        return LATEST._replace(known=False)
    upstream, tag = family.groups()
    version = re.match(_VERSION, tag or "")
    if upstream or not version:
        return LATEST._replace(labs="labs" in (tag or "") or bool(upstream))
    major, minor, channel = version.groups()
    labs = channel is not None and ("labs" in channel or "experimental" in channel)
    if minor is None:
        return LATEST._replace(labs=labs)
    return Frontend((int(major), int(minor)), labs)
