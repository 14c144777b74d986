from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.graph import EdgeKind, Reference
from stagelint.model.rewriting import name_stage, refer
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class NumericMountSource(Rule):
    """A number in `RUN --mount=from=`.

    Other than in `COPY --from`, a number there is the name of an image, which BuildKit pulls.
    Buildah takes it for the number of a stage. The fix names the stage that is probably meant.
    """

    code = "SL114"
    severity = Severity.ERROR
    examples = (
        Bad(
            """
            FROM golang
            RUN go build -o /app
            FROM alpine
            RUN --mount=from=0,target=/build cp /build/app /app
                             ^ `0` is an image here, not the stage with that number
            """,
            fixed="""
            FROM golang AS build
            RUN go build -o /app
            FROM alpine
            RUN --mount=from=build,target=/build cp /build/app /app
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM golang AS build
            FROM alpine
            RUN --mount=from=build,target=/build cp /build/app /app
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for reference in file.graph.references:
            is_mount = reference.instruction.keyword == "RUN"
            if is_mount and reference.image and reference.raw.isascii() and reference.raw.isdigit():
                yield self.finding(
                    file,
                    reference.span,
                    f"`{reference.raw}` is an image here, not the stage with that number",
                    fix=_fix(file, reference),
                    stage=file.stages[reference.stage],
                )


def _fix(file: File, reference: Reference) -> Fix | None:
    index = int(reference.raw[:9])
    if index >= reference.stage or reference.kind is EdgeKind.ONBUILD:
        return None
    stage = file.stages[index]
    if stage.raw_name is None:
        name = file.naming[index]
        edits = [name_stage(stage, name), refer(reference, name)]
    elif file.table.selectable(stage):
        name = stage.raw_name
        edits = [refer(reference, name)]
    else:
        return None
    return Fix(f"Mount from the stage `{name}`", tuple(edits), Guarantee.BEHAVIOUR)
