from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.labels import wrong
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class LabelNotATime(Rule):
    """A label that has to be a time of RFC 3339 is none.

    Programs that sort or clean up images by their labels cannot read it. It speaks of stages that
    ship, and of labels that `label-schema` of the configuration calls `rfc3339`. Such a time has a
    date, a `T`, hours, minutes and seconds, and its zone: `2026-11-26T10:15:00Z`. Unlike hadolint
    it does not speak of a value with a variable.
    """

    code = "DL3053"
    waits_for = "label_schema"
    settings = ("label-schema",)
    roles = SHIPPED
    widens = True
    words = ("label",)
    examples = (
        Bad(
            """
            --- stagelint.toml
            [label-schema]
            "org.opencontainers.image.created" = "rfc3339"
            --- Dockerfile
            FROM debian:12
            LABEL org.opencontainers.image.created=2026-11-26
                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the value of label `org.opencontainers.image.created` is no time of RFC 3339
            """
        ),
        Good(
            """
            --- stagelint.toml
            [label-schema]
            "org.opencontainers.image.created" = "rfc3339"
            --- Dockerfile
            FROM debian:12
            ARG VALUE=none
            LABEL org.opencontainers.image.created="2026-11-26T10:15:00+01:00" other=2026-11-26
            LABEL org.opencontainers.image.created=$VALUE
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for span, message in wrong(file, stage, "rfc3339"):
                yield self.finding(file, span, message, stage=stage)
