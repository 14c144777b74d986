from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.labels import wrong
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class LabelNotACommit(Rule):
    """A label that has to be the hash of a commit is none.

    With it, the source that an image was built from can be found. It speaks of stages that ship,
    and of labels that `label-schema` of the configuration calls `hash`. A hash has 40 hexadecimal
    digits in lower case, or 64 in a repository of SHA-256. Unlike hadolint it takes any
    abbreviation of 7 and more, not of 7 alone; and it does not speak of a value with a variable.
    """

    code = "DL3055"
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
            "org.opencontainers.image.revision" = "hash"
            --- Dockerfile
            FROM debian:12
            LABEL org.opencontainers.image.revision=main
                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the value of label `org.opencontainers.image.revision` is no hash of a commit
            """
        ),
        Good(
            """
            --- stagelint.toml
            [label-schema]
            "org.opencontainers.image.revision" = "hash"
            --- Dockerfile
            FROM debian:12
            ARG VALUE=none
            LABEL org.opencontainers.image.revision="2dbfae9f7b0ac0d3a1ce7d9fe8f5e8ef2c9a2b44" other=main
            LABEL org.opencontainers.image.revision=$VALUE
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for span, message in wrong(file, stage, "hash"):
                yield self.finding(file, span, message, stage=stage)
