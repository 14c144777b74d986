from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.graph import OUT_OF_RANGE
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class StageIndexOutOfRange(Rule):
    """A number in `COPY --from` that no stage has.

    BuildKit refuses the file, even if nothing needs the stage; stages are counted from 0. By a
    quirk (BuildKit v0.25.2) the number may instead mean an image that was copied from above.
    """

    code = "SL115"
    aliases = ("DL3022",)
    of_problems = True
    severity = Severity.ERROR
    examples = (
        Bad(
            """
            FROM golang AS build
            FROM scratch
            COPY --from=2 /app /app
                        ^ there is no stage 2; the last one is stage 1
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
        last = len(file.stages) - 1
        for reference in file.graph.references:
            if reference.problem and reference.problem.kind == OUT_OF_RANGE:
                yield self.finding(
                    file,
                    reference.span,
                    f"there is no stage {int(reference.raw)}; the last one is stage {last}",
                    stage=file.stages[reference.stage],
                )
