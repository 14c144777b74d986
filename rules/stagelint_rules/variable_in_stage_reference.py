from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class VariableInStageReference(Rule):
    """A variable in `COPY --from` or `RUN --mount=from=`.

    BuildKit does not expand variables there and refuses the file, even if nothing needs the stage.
    Give the image a stage of its own, whose FROM can use global ARGs, and refer to that stage.
    Buildah does expand them in COPY.
    """

    code = "SL105"
    aliases = ("DL3022",)
    of_problems = True
    severity = Severity.ERROR
    examples = (
        Bad(
            """
            ARG TOOLS=alpine
            FROM scratch
            COPY --from=$TOOLS /bin/sh /sh
                        ^^^^^^ a variable cannot name what to copy or mount from
            """
        ),
        Bad(
            """
            FROM alpine
            RUN --mount=from=$TOOLS,target=/tools /tools/run
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ a variable cannot name what to copy or mount from
            """
        ),
        Good(
            """
            ARG TOOLS=alpine
            FROM $TOOLS AS tools
            FROM scratch
            COPY --from=tools /bin/sh /sh
            """
        ),
        Good(
            """
            ARG TOOLS=alpine
            FROM scratch
            COPY --from=$TOOLS /bin/sh /sh
            """,
            arguments="--dialect buildah",
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for problem in file.problems:
            if problem.kind == self.name():
                yield self.finding(
                    file,
                    problem.span,
                    "a variable cannot name what to copy or mount from",
                    note="write `FROM <image with the variable> AS <name>` above, and use the name",
                )
