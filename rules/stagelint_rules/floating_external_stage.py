from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File, images
from stagelint.model.graph import EdgeKind, Reference
from stagelint.model.images import OFFICIAL
from stagelint.model.roles import Role
from stagelint.rule import Bad, Finding, Good, Rule


class FloatingExternalStage(Rule):
    """Something is copied or mounted from an image without a version.

    What `COPY --from=composer` brings is whatever the tag `latest` means on the day of the build.
    A new major version changes the image or breaks its build with no change in the repository, and
    a builder that has an older image keeps using that one. `COPY --from=composer:2` stays within a
    major version, a digest stays the same.

    It speaks of images without tag and digest, and of the tag `latest` and its variants like
    `latest-bin`. A name of one word that is no official image of Docker is taken for a named build
    context, and so is every name that a build of the repository gives to one. Which version is
    meant only you know, so there is no fix.
    """

    code = "SL212"
    roles = frozenset(Role) - {Role.UNUSED}
    examples = (
        Bad(
            """
            FROM php:8.4-apache
            COPY --from=composer /usr/bin/composer /usr/bin/composer
                        ^^^^^^^^ `composer` has no version: what it brings changes with the tag `latest`
            """
        ),
        Bad(
            """
            FROM python:3.13-slim
            RUN --mount=from=example.com/astral/uv:latest,source=/uv,target=/bin/uv uv sync
                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `example.com/astral/uv:latest` has no version: what it brings changes with the tag `latest`
            """
        ),
        Bad(
            """
            FROM php:8.4-cli AS vendor
            COPY --from=composer/composer:latest-bin /composer /usr/bin/composer
                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `composer/composer:latest-bin` has no version: what it brings changes with the tag `latest-bin`
            RUN composer install
            FROM php:8.4-apache
            COPY --from=vendor /app/vendor /app/vendor
            """
        ),
        Good(
            """
            FROM php:8.4-apache AS build
            COPY --from=composer:2 /usr/bin/composer /usr/bin/composer
            COPY --from=assets /logo.svg /logo.svg
            FROM nginx
            COPY --from=build /logo.svg /logo.svg
            COPY --from=example.com/tool@sha256:6014c1e52b8e51a67fbf76f691ffbe20ac0204c31c2f086df3e8ef3ce134b488 /tool /tool
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for reference in file.graph.references:
            tag = _floating(reference)
            if tag is None or file.is_context(reference.raw):
                continue
            stage = file.stages[reference.stage]
            if file.role_of(stage) in self.roles:
                message = (
                    f"`{reference.raw}` has no version: what it brings changes with the tag `{tag}`"
                )
                yield self.finding(file, reference.span, message, stage=stage)


def _floating(reference: Reference) -> str | None:
    """The tag by which an image other than a base is taken, if it names no version."""
    if reference.image is None or reference.problem or reference.kind is EdgeKind.BASE:
        return None
    if reference.raw.isascii() and reference.raw.isdigit():
        return None  # a number of a stage is meant
    image = images.parse(reference.image)
    is_word = not any(char in reference.raw for char in "/:.@")
    if image.digest or (is_word and reference.raw not in OFFICIAL):
        return None
    tag = image.tag or "latest"
    return tag if "latest" in tag.split("-") else None
