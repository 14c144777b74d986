from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.labels import wrong
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class LabelNotAnSpdxLicense(Rule):
    """A label that has to be a licence of SPDX is none.

    Programs that check the licences of what is deployed do not know it. It speaks of stages that
    ship, and of labels that `label-schema` of the configuration calls `spdx`. Unlike hadolint it
    takes the expressions that the specification of OCI asks for, such as `Apache-2.0 OR MIT`,
    `GPL-2.0-or-later WITH Classpath-exception-2.0` and `LicenseRef-Own`, in whatever case; and it
    does not speak of a value with a variable.
    """

    code = "DL3054"
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
            "org.opencontainers.image.licenses" = "spdx"
            --- Dockerfile
            FROM debian:12
            LABEL org.opencontainers.image.licenses="Apache License 2.0"
                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the value of label `org.opencontainers.image.licenses` is no licence expression of SPDX
            """
        ),
        Good(
            """
            --- stagelint.toml
            [label-schema]
            "org.opencontainers.image.licenses" = "spdx"
            --- Dockerfile
            FROM debian:12
            ARG VALUE=none
            LABEL org.opencontainers.image.licenses="Apache-2.0 OR MIT" other="Apache License 2.0"
            LABEL org.opencontainers.image.licenses=$VALUE
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for span, message in wrong(file, stage, "spdx"):
                yield self.finding(file, span, message, stage=stage)
