from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.rewriting import rename
from stagelint.model.stages import RESERVED, Stage
from stagelint.rule import Bad, Finding, Good, Rule


class StageNamedLikeItsImage(Rule):
    """A stage that bears the name of the image it is built on.

    From there on the name means the stage, while `alpine:latest` is still the image. A later
    `FROM alpine` builds on the stage, and every `--from=alpine` copies from it. The fix renames the
    stage and what means it now, so nothing else changes; but somebody may build it by its old name.
    """

    code = "SL110"
    examples = (
        Bad(
            """
            FROM alpine AS alpine
                           ^^^^^^ `alpine` means this stage from here on, and no longer the image
            RUN apk add curl
            FROM alpine
            COPY a /a
            """,
            fixed="""
            FROM alpine AS alpine-stage
            RUN apk add curl
            FROM alpine-stage
            COPY a /a
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM alpine:3.22 AS alpine
            FROM alpine AS tools
            COPY a /a
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            name, span = stage.name, stage.name_span
            if name is None or span is None or name in RESERVED:
                continue
            if stage.base.stage is None and stage.base.text == name:
                yield self.finding(
                    file,
                    span,
                    f"`{name}` means this stage from here on, and no longer the image",
                    fix=_fix(file, stage, f"{name}-stage"),
                    stage=stage,
                )


def _fix(file: File, stage: Stage, name: str) -> Fix | None:
    if file.table.named(name) is not None or not file.table.selectable(stage):
        return None
    return Fix(f"Rename the stage to `{name}`", rename(file, stage, name), Guarantee.BEHAVIOUR)
