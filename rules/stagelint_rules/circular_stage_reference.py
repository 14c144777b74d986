from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class CircularStageReference(Rule):
    """A stage that copies or mounts from itself, directly or through others.

    BuildKit refuses the whole file, even if nothing needs the stage.
    """

    code = "SL106"
    aliases = ("DL3023",)
    of_problems = True
    severity = Severity.ERROR
    examples = (
        Bad(
            """
            FROM alpine AS build
            COPY --from=build /a /b
                        ^^^^^ stage `build` copies from itself
            """
        ),
        Bad(
            """
            FROM alpine AS one
            COPY --from=two /a /a
                        ^^^ stage `one` needs `two`, which needs `one`
            FROM alpine AS two
            COPY --from=one /a /a
            """
        ),
        Good(
            """
            FROM alpine AS alpine
            FROM alpine AS build
            COPY --from=alpine /a /b
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for reference in file.graph.references:
            problem = reference.problem
            if not problem or problem.kind != self.name() or reference.needs is None:
                continue
            stage = file.stages[reference.stage]
            if reference.needs == reference.stage:
                does = "mounts" if reference.instruction.keyword == "RUN" else "copies from"
                message = f"stage `{stage.label}` {does} itself"
            else:
                other = file.stages[reference.needs]
                message = (
                    f"stage `{stage.label}` needs `{other.label}`, which needs `{stage.label}`"
                )
            yield self.finding(file, reference.span, message, stage=stage)
