from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.labels import wrong
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class LabelNotAnEmailAddress(Rule):
    """A label that has to be an address of e-mail is none.

    Whoever has to do with a broken image writes to nobody. It speaks of stages that ship, and of
    labels that `label-schema` of the configuration calls `email`. It is the address alone, without
    the name of its owner. Unlike hadolint it does not speak of a value with a variable.
    """

    code = "DL3058"
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
            "contact" = "email"
            --- Dockerfile
            FROM debian:12
            LABEL contact="Ann (example.com)"
                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^ the value of label `contact` is no address of e-mail
            """
        ),
        Good(
            """
            --- stagelint.toml
            [label-schema]
            "contact" = "email"
            --- Dockerfile
            FROM debian:12
            ARG VALUE=none
            LABEL contact="ann@example.com" other="Ann (example.com)"
            LABEL contact=$VALUE
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for span, message in wrong(file, stage, "email"):
                yield self.finding(file, span, message, stage=stage)
