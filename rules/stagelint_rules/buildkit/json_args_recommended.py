from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span
from stagelint.syntax.nodes import Instruction

#: What a shell would do something with.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_./:,@+")


class JsonArgsRecommended(Rule):
    """A CMD or ENTRYPOINT in shell form.

    The program then runs below a shell, which does not pass on the signal that stops a container. It
    is silent where a SHELL is in force, which somebody wanted to be used, and where the base image
    may have set one: where it is of no known family. Where the command needs a shell, since it has
    variables or more than one command, the finding is information: `exec` in front of the last
    command lets it get the signals.

    The fix writes the words as JSON if they need no shell: another process starts, and what an
    ENTRYPOINT makes of a CMD changes, so it is not safe. BuildKit's own check `JSONArgsRecommended`.
    """

    code = "BK013"
    aliases = ("JSONArgsRecommended",)
    examples = (
        Bad(
            """
            FROM debian
            ENTRYPOINT /app --port 80
            ^^^^^^^^^^^^^^^^^^^^^^^^^ the shell that runs this `ENTRYPOINT` does not pass on signals
            """,
            fixed="""
            FROM debian
            ENTRYPOINT ["/app", "--port", "80"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian
            CMD app --port $PORT
            ^^^^^^^^^^^^^^^^^^^^ the shell that runs this `CMD` does not pass on signals
            """
        ),
        Good(
            """
            FROM debian AS base
            SHELL ["/bin/bash", "-c"]
            CMD app
            FROM base
            CMD app
            FROM somebody/image
            CMD app
            FROM debian
            CMD ["app"]
            HEALTHCHECK CMD app --check
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for each in stage.by_keyword("CMD", "ENTRYPOINT"):
                if not each.is_json and _has_default_shell(file, stage, each):
                    needs_shell = not _PLAIN.issuperset(each.rest) or bool(each.heredocs)
                    yield self.finding(
                        file,
                        each.code_span,
                        f"the shell that runs this `{each.keyword}` does not pass on signals",
                        severity=Severity.INFO if needs_shell else None,
                        fix=None if needs_shell else _fix(each),
                        stage=stage,
                        aliases=("DL3025",),
                    )


def _has_default_shell(file: File, stage: Stage, instruction: Instruction) -> bool:
    bottom = file.chain(stage)[0]
    image = file.histories[bottom.index].image
    if not bottom.base.is_scratch and (image is None or image.os == "windows"):
        return False
    return not any(
        each.keyword == "SHELL" and (link is not stage or each.start < instruction.start)
        for link in file.chain(stage)
        for each in link.instructions
    )


def _fix(instruction: Instruction) -> Fix | None:
    words = instruction.rest.split()
    start, end = instruction.rest_start, len(instruction.logical.text.rstrip())
    if not words or not instruction.logical.contiguous(start, end):
        return None
    quoted = ", ".join(f'"{word}"' for word in words)
    span: Span = instruction.logical.span(start, end)
    return Fix("Write it as JSON", (Edit(span, f"[{quoted}]"),), Guarantee.BEHAVIOUR)
