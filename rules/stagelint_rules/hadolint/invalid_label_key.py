from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.labels import labels
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity

_KEY = r"[a-z](?:[a-z0-9._/-]*[a-z0-9])?"
#: Namespaces that Docker keeps to itself.
_RESERVED = ("com.docker.", "io.docker.", "org.dockerproject.")


class InvalidLabelKey(Rule):
    """A label has a key that the guidelines for labels do not allow.

    Docker keeps some namespaces to itself, and tools that select by labels expect plain keys. A key
    begins with a lower-case letter, ends with one or a digit, and has digits, dots, hyphens,
    underscores and slashes in between, but no two dots or hyphens in a row; those that begin with
    `com.docker.`, `io.docker.` or `org.dockerproject.` are Docker's own.

    It speaks of stages that ship. A key with a variable is what the default makes of it, and not
    spoken of if that is not known, unlike with hadolint.
    """

    code = "DL3048"
    severity = Severity.STYLE
    default = False
    roles = SHIPPED
    widens = True
    words = ("label",)
    examples = (
        Bad(
            """
            FROM debian:12
            LABEL version=1 Vendor=me "two words"=2
                            ^^^^^^^^^ `Vendor` is no valid key of a label
                                      ^^^^^^^^^^^^^ `two words` is no valid key of a label
            LABEL com.docker.owner=me
                  ^^^^^^^^^^^^^^^^^^^ `com.docker.owner` is in a namespace that Docker keeps to itself
            """
        ),
        Good(
            """
            FROM debian:12
            ARG KEY
            LABEL maintainer=me org.opencontainers.image.source="x" a_b/c-1=2 $KEY=x
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for label in labels(file, stage):
                key = label.key
                if key is None:
                    continue
                if not re.fullmatch(_KEY, key) or ".." in key or "--" in key:
                    message = f"`{key}` is no valid key of a label"
                elif key.startswith(_RESERVED):
                    message = f"`{key}` is in a namespace that Docker keeps to itself"
                else:
                    continue
                yield self.finding(file, label.span, message, stage=stage)
