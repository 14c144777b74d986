from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.calls import Call
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity

_PROGRAMS = ("curl", "wget")


class WgetBesideCurl(Rule):
    """A stage gets files by `curl` and by `wget`.

    Either does what the other does, and an image that has both has one too many. It speaks of
    stages that ship, once: where the second of the two is used first. That is information, since a
    base image may have both anyway. hadolint says it of each RUN that has either.
    """

    code = "DL4001"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    widens = True
    words = ("wget",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN curl -fO https://example.com/a
            RUN wget https://example.com/b
                ^^^^ line 2 uses `curl` for the same
            RUN wget https://example.com/c
            """
        ),
        Good(
            """
            FROM debian:12 AS base
            RUN apt-get update && apt-get install -y curl wget
            RUN curl -fO https://example.com/a
            FROM debian:12
            RUN wget https://example.com/b
            HEALTHCHECK CMD curl -f http://localhost/
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            first: Call | None = None
            for call in (each for moment in file.written(stage) for each in moment.calls):
                if call.name not in _PROGRAMS:
                    continue
                if first and call.name != first.name:
                    line = file.source.position(first.name_span.start).line
                    message = f"line {line} uses `{first.name}` for the same"
                    related = (Related(file.source, first.name_span, f"`{first.name}`"),)
                    span = call.name_span
                    yield self.finding(file, span, message, stage=stage, related=related)
                    break
                first = first or call
