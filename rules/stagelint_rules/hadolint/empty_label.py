from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.labels import labels
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class EmptyLabel(Rule):
    """A label that an image must have is empty.

    It is there for the sake of the schema, and says nothing. It speaks of stages that ship, and of
    labels in the `label-schema` of the configuration, whatever their kind. A value with a variable
    is not spoken of: it is there to be given.
    """

    code = "DL3051"
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
            maintainer = "text"
            version = "semver"
            --- Dockerfile
            FROM debian:12
            LABEL maintainer="" version=
                  ^^^^^^^^^^^^^ label `maintainer` is empty
                                ^^^^^^^^ label `version` is empty
            """
        ),
        Good(
            """
            --- stagelint.toml
            [label-schema]
            maintainer = "text"
            --- Dockerfile
            FROM debian:12
            ARG MAINTAINER
            LABEL maintainer="$MAINTAINER" other=""
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for label in labels(file, stage):
                if label.value == "" and label.key in file.options.label_schema:
                    yield self.finding(
                        file, label.span, f"label `{label.key}` is empty", stage=stage
                    )
