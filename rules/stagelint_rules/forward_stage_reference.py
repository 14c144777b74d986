from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.graph import EdgeKind, Reference
from stagelint.model.images import OFFICIAL
from stagelint.rule import Bad, Finding, Good, Related, Rule, Severity
from stagelint.syntax.characters import lower


class ForwardStageReference(Rule):
    """A stage that is used above the place where it begins.

    BuildKit refuses to copy or mount from a stage that begins further down. A FROM never sees
    stages below, so it pulls an image of that name instead. Move the stage up.
    """

    code = "SL107"
    aliases = ("DL3022",)
    severity = Severity.ERROR
    examples = (
        Bad(
            """
            FROM scratch AS app
            COPY --from=build /app /app
                        ^^^^^ stage `build` begins below, and must stand above `app`
            FROM golang AS build
            FROM app
            """
        ),
        Bad(
            """
            FROM runtime
                 ^^^^^^^ stage `runtime` begins below, so an image of that name is pulled
            FROM alpine AS runtime
            FROM runtime
            """,
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
            problem = reference.problem
            if problem and problem.kind == self.name() and reference.needs is not None:
                yield self._copy(file, reference, reference.needs)
            elif reference.kind is EdgeKind.BASE and reference.image:
                yield from self._base(file, reference)

    def _copy(self, file: File, reference: Reference, needs: int) -> Finding:
        stage, later = file.stages[reference.stage], file.stages[needs]
        built = file.graph.may_need(*file.shipped, *file.asked)
        begins = f"stage `{later.label}` begins below, and must stand above"
        return self.finding(
            file,
            reference.span,
            f"{begins} `{stage.label}`",
            severity=Severity.ERROR if reference.stage in built else Severity.WARNING,
            stage=stage,
            related=(Related(file.source, later.opening.code_span, "begins here"),),
        )

    def _base(self, file: File, reference: Reference) -> Iterator[Finding]:
        name = lower(reference.raw)
        later = file.table.named(name)
        if later is None or later <= reference.stage or name in OFFICIAL:
            return
        yield self.finding(
            file,
            reference.span,
            f"stage `{name}` begins below, so an image of that name is pulled",
            severity=Severity.WARNING,
            stage=file.stages[reference.stage],
            related=(Related(file.source, file.stages[later].opening.code_span, "begins here"),),
        )
