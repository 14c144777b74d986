from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span
from stagelint.syntax.directives import syntax


class OtherFrontend(Rule):
    """A `# syntax=` that names a frontend other than docker/dockerfile.

    Such a frontend may read the file in its own way, so stagelint says nothing else about it.
    Mirrors whose path ends in `docker/dockerfile` count as the original.
    """

    code = "SL003"
    words = ("syntax",)
    severity = Severity.INFO
    examples = (
        Bad(
            """
            # syntax=example.com/our/frontend:2
                     ^^^^^^^^^^^^^^^^^^^^^^^^^^ the frontend is not docker/dockerfile, so the file is not checked
            FROM alpine
            COPY --from=0 /a /b
            """
        ),
        Good(
            """
            # syntax=mirror.example.com/docker/dockerfile:1
            FROM alpine
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        found = syntax(file.source.text) if file.has_other_frontend else None
        if found:
            _, span = found
            message = "the frontend is not docker/dockerfile, so the file is not checked"
            yield self.finding(file, Span(*span), message)
