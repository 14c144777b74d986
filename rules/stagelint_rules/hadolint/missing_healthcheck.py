from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity


class MissingHealthcheck(Rule):
    """An image has no HEALTHCHECK.

    An engine takes a container for well as long as its process runs, whatever that does. It speaks
    of images that ship, if neither they nor the stages they are built on have a HEALTHCHECK;
    `HEALTHCHECK NONE` is one. Unlike hadolint it is silent about stages that others only copy from
    or are built on. It is off by default: Kubernetes does not read it, and many images hold
    programs that run once.
    """

    code = "DL3057"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    widens = True
    examples = (
        Bad(
            """
            FROM golang:1.25 AS build
            FROM debian:12
                 ^^^^^^^^^ the image has no HEALTHCHECK
            COPY --from=build /app /app
            """
        ),
        Good(
            """
            FROM debian:12 AS base
            HEALTHCHECK CMD ["/app", "health"]
            FROM base
            COPY app /app
            """
        ),
        Good(
            """
            FROM debian:12
            HEALTHCHECK NONE
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            if not file.is_image(stage):
                continue
            keywords = {each.instruction.keyword for each in file.moments_behind(stage)}
            if "HEALTHCHECK" not in keywords:
                message = "the image has no HEALTHCHECK"
                yield self.finding(file, stage.base.span, message, stage=stage)
