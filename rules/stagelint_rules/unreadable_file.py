from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Finding, Good, Rule, Severity
from stagelint.source import Span


class UnreadableFile(Rule):
    """A file that cannot be read, or that is no text.

    Nothing is known about it, so nothing else is said about it. Other files are still checked.
    """

    code = "SL002"
    severity = Severity.ERROR
    examples = (
        Good(
            """
            FROM alpine
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        if file.source.error:
            yield self.finding(file, Span(0, 0), file.source.error)
