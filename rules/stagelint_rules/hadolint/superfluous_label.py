from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.labels import labels
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity


class SuperfluousLabel(Rule):
    """A label that the schema of the configuration does not have.

    Where labels have to be those that were agreed on, one more is a misspelt one, or nobody reads
    it. It speaks of stages that ship, if the configuration has `strict-labels = true`: then a label
    must be one of its `label-schema`. A key with a variable that only the build knows is not spoken
    of.
    """

    code = "DL3050"
    waits_for = "strict_labels"
    settings = ("label-schema", "strict-labels")
    severity = Severity.INFO
    roles = SHIPPED
    widens = True
    words = ("label",)
    examples = (
        Bad(
            """
            --- stagelint.toml
            strict-labels = true
            [label-schema]
            maintainer = "text"
            --- Dockerfile
            FROM debian:12
            LABEL maintainer=me maintaner=you
                                ^^^^^^^^^^^^^ label `maintaner` is not in the schema
            """
        ),
        Good(
            """
            --- stagelint.toml
            [label-schema]
            maintainer = "text"
            --- Dockerfile
            FROM debian:12
            LABEL maintainer=me other=you
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file) if file.options.strict_labels else ():
            for label in labels(file, stage):
                if label.key is not None and label.key not in file.options.label_schema:
                    message = f"label `{label.key}` is not in the schema"
                    yield self.finding(file, label.span, message, stage=stage)
