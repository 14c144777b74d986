from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.labels import labels
from stagelint.model.stages import Stage
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity


class MissingLabel(Rule):
    """An image has not all labels that it must have.

    Whoever finds the image later cannot tell whose it is, which version, or built from what. It
    speaks of each image that ships, if the configuration has a `label-schema`: a table of labels
    and of what their values have to be. What the stages say that it is built on counts; what the
    base image says does not, since it would speak of another image. Stages that others only copy
    from or are built on are no images, unless they are released as well.
    """

    code = "DL3049"
    waits_for = "label_schema"
    settings = ("label-schema",)
    severity = Severity.INFO
    roles = SHIPPED
    widens = True
    examples = (
        Bad(
            """
            --- stagelint.toml
            [label-schema]
            maintainer = "text"
            "org.opencontainers.image.source" = "url"
            "org.opencontainers.image.version" = "semver"
            --- Dockerfile
            FROM debian:12 AS base
            LABEL maintainer=me
            FROM base
                 ^^^^ the image has no label `org.opencontainers.image.source`, `org.opencontainers.image.version`
            """
        ),
        Good(
            """
            --- stagelint.toml
            [label-schema]
            maintainer = "text"
            --- Dockerfile
            FROM golang:1.25 AS build
            FROM debian:12 AS base
            LABEL "maintainer"="me"
            FROM base
            """
        ),
        Good(
            """
            FROM debian:12
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        schema = file.options.label_schema
        for stage in self.stages(file) if schema else ():
            if not file.is_image(stage):
                continue
            missing = [key for key in schema if key not in _keys(file, stage)]
            if missing:
                message = f"the image has no label {', '.join(f'`{each}`' for each in missing)}"
                yield self.finding(file, stage.base.span, message, stage=stage)


def _keys(file: File, stage: Stage) -> set[str | None]:
    return {label.key for each in file.chain(stage) for label in labels(file, each)}
