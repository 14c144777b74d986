from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.lookups import in_flag
from stagelint.rule import Bad, Finding, Good, Rule


class InvalidBaseImagePlatform(Rule):
    """A base image of another system than its FROM asks for.

    The build ends with an image that does not run where it is meant to, or does not even find the
    base. BuildKit compares what it pulled; without pulling, only the system of images of known
    families is known: `windows` or `linux`, against a fixed `--platform`. BuildKit's own check
    `InvalidBaseImagePlatform`.
    """

    code = "BK022"
    aliases = ("InvalidBaseImagePlatform",)
    words = ("--platform",)
    examples = (
        Bad(
            """
            FROM --platform=windows/amd64 alpine AS windows
                 ^^^^^^^^^^^^^^^^^^^^^^^^ `alpine` is an image for linux
            """
        ),
        Good(
            """
            FROM --platform=linux/arm64 alpine AS arm64
            FROM --platform=$BUILDPLATFORM alpine
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            flag, image = stage.platform, file.histories[stage.index].image
            if not flag or not flag.value or image is None or stage.base.image is None:
                continue
            system = "windows" if image.os == "windows" else "linux"
            wanted = flag.value.lower().partition("/")[0]
            if wanted in ("linux", "windows") and wanted != system:
                if any(in_flag(stage.opening, "platform")):
                    continue
                span = stage.opening.logical.span(flag.start, flag.end)
                message = f"`{stage.base.image}` is an image for {system}"
                yield self.finding(file, span, message, stage=stage)
