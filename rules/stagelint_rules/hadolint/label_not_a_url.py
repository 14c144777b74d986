from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.labels import wrong
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class LabelNotAUrl(Rule):
    """A label that has to be a URL is none.

    Whoever follows it, a person or a program, comes nowhere. It speaks of stages that ship, and of
    labels that `label-schema` of the configuration calls `url`. A URL is absolute: it has a scheme,
    as `https://example.com/app` has. Unlike hadolint it does not speak of a value with a variable.
    """

    code = "DL3052"
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
            "org.opencontainers.image.source" = "url"
            --- Dockerfile
            FROM debian:12
            LABEL org.opencontainers.image.source=example.com/app
                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the value of label `org.opencontainers.image.source` is no absolute URL
            """
        ),
        Good(
            """
            --- stagelint.toml
            [label-schema]
            "org.opencontainers.image.source" = "url"
            --- Dockerfile
            FROM debian:12
            ARG VALUE=none
            LABEL org.opencontainers.image.source="https://example.com/app" other=example.com/app
            LABEL org.opencontainers.image.source=$VALUE
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for span, message in wrong(file, stage, "url"):
                yield self.finding(file, span, message, stage=stage)
