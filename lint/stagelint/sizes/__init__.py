"""Sizes of base images: the dated catalogue of this package, and what the user adds to it.

`files` reads and writes the user's own, `engines` asks a builder of this machine for the images it
has, `registry` asks registries. Each is imported when it is asked for; the last alone reaches a
network, for `stagelint catalog update`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import cast

from stagelint.model.base_images import BaseImage
from stagelint.sizes.files import merged, read

__all__ = ["known", "merged", "read", "shipped"]


def known(path: str | None = None) -> list[BaseImage]:
    """The catalogue that comes with stagelint, then the file *path*, see `merged`.

    Raises `ConfigError` for the file.
    """
    return merged(shipped(), read(path) if path is not None else ())


def shipped() -> list[BaseImage]:
    """The catalogue that comes with stagelint."""
    import json  # only a finding that speaks of sizes needs it

    text = resources.files(__name__).joinpath("base-images.json").read_text("utf-8")
    return [_row(each) for each in json.loads(text)["images"]]


def _row(values: Mapping[str, object]) -> BaseImage:
    return BaseImage(
        str(values["name"]),
        str(values["tag"]),
        cast("int | None", values.get("compressed_bytes")),
        cast("int | None", values.get("unpacked_bytes")),
        str(values.get("as_of") or ""),
        str(values.get("source") or ""),
        str(values.get("platform") or "linux/amd64"),
        bool(values.get("approximate")),
        str(values.get("os") or ""),
        str(values.get("os_release") or ""),
    )
