from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class InvalidSyntax(Rule):
    """Something BuildKit does not accept.

    The build fails before it starts, whatever the target. The rest of the file is still checked,
    but no fix of such a file is called safe. Errors that have a rule of their own, such as an
    invalid stage name, are reported by that rule alone. What other `--build-arg`s could mend is
    not reported.
    """

    code = "SL000"
    aliases = ("DL1000", "DL3011", "DL3043", "DL3061")
    of_problems = True
    severity = Severity.ERROR
    examples = (
        Bad(
            """
            FROM alpine
            RUNN apk add curl
            ^^^^ unknown instruction: RUNN (did you mean RUN?)
            """
        ),
        Bad(
            """
            FROM alpine
            COPY --form=build /app /app
                 ^^^^^^^^^^^^ unknown flag: --form (did you mean --from?)
            """
        ),
        Bad(
            """
            # syntax=docker/dockerfile:1.3
            FROM alpine
            COPY --link app /app
                 ^^^^^^ unknown flag: --link (COPY --link needs docker/dockerfile:1.4, this file is read by 1.3)
            """
        ),
        Bad(
            """
            FROM alpine
            RUN cat <<EOF > /greeting
                    ^^^^^ unterminated heredoc (no line is "EOF")
            hello
            """
        ),
        Good(
            """
            FROM alpine
            RUN cat <<EOF > /greeting
            hello
            EOF
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        bases = {stage.base.span for stage in file.stages}
        for problem in file.problems:
            if problem.kind == self.name() and not problem.conditional:
                hint = f" ({problem.hint})" if problem.hint else ""
                of_base = ("BK009", "BK010") if problem.span in bases else ()
                yield self.finding(file, problem.span, problem.message + hint, aliases=of_base)
