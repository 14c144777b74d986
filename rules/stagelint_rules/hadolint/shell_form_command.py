from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class ShellFormCommand(Rule):
    """A CMD or ENTRYPOINT in shell form, whatever the base image.

    The program runs below a shell, which does not pass on the signal that stops a container. BK013
    says the same, with a fix, where it is known that the base image sets no SHELL; this rule speaks
    where that is not known, as hadolint does. It is silent where the file has a SHELL, which
    somebody wanted.
    """

    code = "DL3025"
    severity = Severity.INFO
    default = False
    words = ("cmd", "entrypoint")
    examples = (
        Bad(
            """
            FROM somebody/image
            CMD app --port 80
            ^^^^^^^^^^^^^^^^^ the shell that runs this `CMD` does not pass on signals
            """
        ),
        Good(
            """
            FROM somebody/image AS base
            SHELL ["/bin/bash", "-c"]
            CMD app
            FROM base
            ENTRYPOINT app
            FROM somebody/image
            CMD ["app"]
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for each in stage.by_keyword("CMD", "ENTRYPOINT"):
                if not each.is_json and not file.says_above(stage, "SHELL", each):
                    message = f"the shell that runs this `{each.keyword}` does not pass on signals"
                    yield self.finding(file, each.code_span, message, stage=stage)
