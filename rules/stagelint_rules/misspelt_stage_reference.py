from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.graph import EdgeKind, Reference
from stagelint.model.images import OFFICIAL
from stagelint.model.rewriting import refer
from stagelint.rule import Bad, Finding, Good, Rule
from stagelint.syntax.characters import lower, nearest


class MisspeltStageReference(Rule):
    """A name that is no stage, but nearly one.

    The build would pull an image of that name from a registry, and whoever owns it decides what
    is copied or built on. Names of Docker's official images and of the images that the file is
    built on are taken as meant, and so is what differs in digits alone.
    """

    code = "SL104"
    aliases = ("DL3022",)
    examples = (
        Bad(
            """
            FROM golang AS build
            FROM scratch
            COPY --from=biuld /app /app
                        ^^^^^ image `biuld` would be pulled; stage `build` is meant?
            """,
            fixed="""
            FROM golang AS build
            FROM scratch
            COPY --from=build /app /app
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM golang AS builder
            FROM bulder AS test
                 ^^^^^^ image `bulder` would be pulled; stage `builder` is meant?
            RUN go test
            """,
            fixed="""
            FROM golang AS builder
            FROM builder AS test
            RUN go test
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM python AS python3
            FROM scratch
            COPY --from=python3 /a /a
            COPY --from=nginx /b /b
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        if file.is_huge:
            return
        bases = {stage.base.image for stage in file.stages if stage.base.stage is None}
        for reference in file.graph.references:
            if reference.image is None or not reference.raw.isascii():
                continue
            is_base = reference.kind is EdgeKind.BASE
            if not is_base and reference.image in bases:
                continue
            meant = self._meant(file, reference, is_base)
            if meant:
                yield self.finding(
                    file,
                    reference.span,
                    f"image `{reference.raw}` would be pulled; stage `{meant}` is meant?",
                    fix=Fix(
                        f"Refer to the stage `{meant}`",
                        (refer(reference, meant),),
                        Guarantee.BEHAVIOUR,
                    ),
                    stage=file.stages[reference.stage],
                )

    def _meant(self, file: File, reference: Reference, is_base: bool) -> str | None:
        """The stage above that is one or two edits away, if the name can be a mistake for one."""
        word = lower(reference.raw)
        if len(word) < 4 or word in OFFICIAL or any(char in word for char in "$/:@."):
            return None
        names = [
            stage.name
            for stage in file.stages[: reference.stage]
            if stage.name and len(stage.name) > 3 and _letters(stage.name) != _letters(word)
        ]
        if is_base and file.table.named(word) is not None:
            return None  # a stage below, which is another mistake
        near = nearest(word, names, 1 if len(word) < 5 else 2)
        return near[0] if near else None


def _letters(name: str) -> str:
    return name.rstrip("0123456789")
