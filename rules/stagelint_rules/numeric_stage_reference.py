from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.graph import EdgeKind, Reference
from stagelint.model.rewriting import by_name
from stagelint.rule import Bad, Finding, Good, Rule


class NumericStageReference(Rule):
    """A stage referred to by its number.

    The number means another stage as soon as one is added or removed above. A name says what is
    meant, and can be built with `--target`. The fix names the stage after what it does, `build`,
    `deps` or `test`, else `stage-0`, and changes every reference to it.

    The fix is not safe where a later `FROM $ARG` could be made to mean the new name.
    """

    code = "SL102"
    examples = (
        Bad(
            """
            FROM golang
            RUN go build -o /app
            FROM scratch
            COPY --from=0 /app /app
                        ^ stage 0 is referred to by its number
            """,
            fixed="""
            FROM golang AS build
            RUN go build -o /app
            FROM scratch
            COPY --from=build /app /app
            """,
        ),
        Bad(
            """
            FROM golang AS compile
            FROM scratch
            COPY --from=0 /app /app
                        ^ stage `compile` is referred to by its number
            """,
            fixed="""
            FROM golang AS compile
            FROM scratch
            COPY --from=compile /app /app
            """,
        ),
        Bad(
            """
            ARG BASE
            FROM golang
            FROM ${BASE}
            COPY --from=0 /app /app
                        ^ stage 0 is referred to by its number
            """,
            fixed="""
            ARG BASE
            FROM golang AS stage-0
            FROM ${BASE}
            COPY --from=stage-0 /app /app
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM golang AS build
            FROM scratch
            COPY --from=build /app /app
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for reference in file.graph.references:
            if reference.is_index and reference.needs is not None and reference.problem is None:
                yield self._numeric(file, reference, reference.needs)

    def _numeric(self, file: File, reference: Reference, needs: int) -> Finding:
        stage = file.stages[needs]
        known = f"stage `{stage.name}`" if stage.name else f"stage {needs}"
        message = f"{known} is referred to by its number"
        fix, note = None, ""
        edits = by_name(file, file.graph.by_index[needs])
        if isinstance(edits, str):
            note = f"not fixed: {edits}"
        elif reference.kind is not EdgeKind.ONBUILD:
            name = stage.raw_name or file.naming[needs]
            does = "Refer to the stage as" if stage.raw_name else "Name the stage"
            fix = Fix(f"{does} `{name}`", edits)
            capturing = None if stage.raw_name else file.naming.captured_by(stage)
            if capturing:
                fix = fix._replace(guarantee=Guarantee.BEHAVIOUR)
                note = f"not safe: `FROM {capturing.base.raw}` could be made to mean `{name}`"
        return self.finding(
            file,
            reference.span,
            message,
            fix=fix,
            note=note,
            stage=file.stages[reference.stage],
        )
