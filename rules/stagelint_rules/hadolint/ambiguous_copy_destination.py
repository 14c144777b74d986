from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class AmbiguousCopyDestination(Rule):
    """Several sources copied to what does not look like a folder.

    Only a slash at the end says that it is one; without it, the classic builder refuses. BuildKit
    makes a folder of it. Nothing is said of `.`, `..` and what ends in them, which are folders
    anyway, as hadolint does, nor of a destination with a variable of unknown value.
    """

    code = "DL3021"
    severity = Severity.INFO
    default = False
    words = ("copy",)
    examples = (
        Bad(
            """
            FROM alpine
            COPY a.conf b.conf /etc/app
                               ^^^^^^^^ several files go to `/etc/app`, which has no `/` at its end
            """
        ),
        Good(
            """
            FROM alpine
            ARG DEST
            COPY package.json package-lock.json .
            COPY a.conf b.conf /etc/app/
            COPY a.conf /etc/app
            COPY a.conf b.conf $DEST
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage, moment in file.moments_of("COPY"):
            node = moment.instruction
            if len(node.arguments) < 3:
                continue
            last = node.arguments[-1]
            path = moment.expand(last.value)
            if not path or path.endswith(("/", "\\")):
                continue
            if path.rpartition("/")[2] not in (".", ".."):
                message = f"several files go to `{path}`, which has no `/` at its end"
                span = node.logical.span(last.start, last.end)
                yield self.finding(file, span, message, stage=stage)
