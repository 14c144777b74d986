from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.naming import valid_name
from stagelint.model.rewriting import rename
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class InvalidStageName(Rule):
    """A stage name that BuildKit does not accept.

    The build fails, whatever its target. A name starts with a letter and goes on with letters,
    digits, `.`, `_` and `-`; since a named context may replace the stage, it must also be a valid
    repository name: no separator at its end, no two dots or three underscores in a row, at most
    247 characters and not 64 hexadecimal digits.
    """

    code = "SL109"
    of_problems = True
    severity = Severity.ERROR
    examples = (
        Bad(
            """
            FROM golang AS 1build
                           ^^^^^^ `1build` is no valid stage name
            FROM scratch
            COPY --from=1build /app /app
            """,
            fixed="""
            FROM golang AS stage-1build
            FROM scratch
            COPY --from=stage-1build /app /app
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM golang AS build_
                           ^^^^^^ `build_` is no valid stage name, because it must be a repository name too
            FROM build_
            """,
            fixed="""
            FROM golang AS build
            FROM build
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM golang AS Build-1.25_linux
            COPY a /a
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        spans = {stage.name_span: stage for stage in file.stages}
        for problem in file.problems:
            stage = spans.get(problem.span) if problem.kind == self.name() else None
            if not stage:
                continue
            message = f"`{stage.raw_name}` is no valid stage name"
            if problem.message.startswith("invalid context name"):
                message += ", because it must be a repository name too"
            yield self.finding(file, problem.span, message, fix=_fix(file, stage), stage=stage)


def _fix(file: File, stage: Stage) -> Fix:
    raw = stage.raw_name or ""
    taken = {each.name for each in file.stages} - {stage.name}
    name = valid_name(raw)
    while name in taken:
        name += "-2"
    return Fix(f"Rename the stage to `{name}`", rename(file, stage, name), Guarantee.BEHAVIOUR)
