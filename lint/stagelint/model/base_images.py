"""What is known of base images: sizes with a date and a source each, and what a tag means."""

from __future__ import annotations

from typing import NamedTuple


class BaseImage(NamedTuple):
    """One image of the catalogue; a size that is not known is None."""

    name: str
    """With its domain and without a tag: `docker.io/library/python`; a name without a domain
    stands for the image of any registry."""
    tag: str
    compressed: int | None
    """Bytes of the layers as a registry sends them."""
    unpacked: int | None
    """Bytes of the layers on disk."""
    as_of: str
    """When it was measured: `2026-08-05`."""
    source: str
    """Where the number comes from."""
    platform: str = "linux/amd64"
    is_approximate: bool = False

    @property
    def reference(self) -> str:
        """As a user would write it: `python:3.12-slim`."""
        return f"{self.name.removeprefix('docker.io/').removeprefix('library/')}:{self.tag}"
