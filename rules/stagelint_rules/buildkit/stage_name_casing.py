from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix
from stagelint.model import File
from stagelint.model.rewriting import rename
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class StageNameCasing(Rule):
    """A stage name with capital letters.

    Builders compare names in lower case, so that `Build` and `build` are the same stage to them.
    The fix writes the name and all that refers to it in lower case. BuildKit's own check
    `StageNameCasing`.
    """

    code = "BK001"
    severity = Severity.STYLE
    default = False
    aliases = ("StageNameCasing",)
    examples = (
        Bad(
            """
            FROM golang AS Build
                           ^^^^^ stage name `Build` is not in lower case
            FROM scratch
            COPY --from=Build /app /app
            """,
            fixed="""
            FROM golang AS build
            FROM scratch
            COPY --from=build /app /app
            """,
        ),
        Good(
            """
            FROM golang AS build-2
            FROM scratch
            COPY --from=build-2 /app /app
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            if stage.name and stage.name_span and stage.name != stage.raw_name:
                message = f"stage name `{stage.raw_name}` is not in lower case"
                fix = Fix(f"Call it `{stage.name}`", rename(file, stage, stage.name))
                yield self.finding(file, stage.name_span, message, fix=fix, stage=stage)
