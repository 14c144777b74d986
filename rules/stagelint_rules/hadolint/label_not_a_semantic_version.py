from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.labels import wrong
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class LabelNotASemanticVersion(Rule):
    """A label that has to be a semantic version is none.

    Programs that compare versions cannot tell which of two images is newer. It speaks of stages
    that ship, and of labels that `label-schema` of the configuration calls `semver`. Three numbers
    without leading zeros, which hadolint lets pass, and what may follow them. Unlike hadolint it
    does not speak of a value with a variable.
    """

    code = "DL3056"
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
            "org.opencontainers.image.version" = "semver"
            --- Dockerfile
            FROM debian:12
            LABEL org.opencontainers.image.version=v1.2
                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the value of label `org.opencontainers.image.version` is no version of Semantic Versioning
            """
        ),
        Good(
            """
            --- stagelint.toml
            [label-schema]
            "org.opencontainers.image.version" = "semver"
            --- Dockerfile
            FROM debian:12
            ARG VALUE=none
            LABEL org.opencontainers.image.version="1.2.0-rc.1+build.5" other=v1.2
            LABEL org.opencontainers.image.version=$VALUE
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for span, message in wrong(file, stage, "semver"):
                yield self.finding(file, span, message, stage=stage)
