from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule


class LatestBaseImage(Rule):
    """A FROM names an image by the tag `latest`.

    That tag moves to the next major version on the day there is one, and the build with it. A
    builder that has an older image keeps using that one, so that two machines build two things.

    It speaks of every stage, since the version of a compiler decides what ships as well, and of the
    tag `latest` alone: variants like `latest-slim` are not spoken of. A variable counts as the
    default of its ARG, which hadolint does not look at; an image with a digest is that image
    whatever its tag says.
    """

    code = "DL3007"
    default = False
    examples = (
        Bad(
            """
            FROM debian:latest
                 ^^^^^^^^^^^^^ the tag `latest` of `debian` is another image tomorrow
            """
        ),
        Bad(
            """
            ARG TAG=latest
            FROM example.com/tool:$TAG AS tool
                 ^^^^^^^^^^^^^^^^^^^^^ the tag `latest` of `example.com/tool` is another image tomorrow
            """
        ),
        Bad(
            """
            ARG PROJECT
            FROM example.com/$PROJECT/tool:latest
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the tag `latest` of `example.com/$PROJECT/tool` is another image tomorrow
            """
        ),
        Good(
            """
            ARG TAG
            FROM debian:12
            FROM debian:${TAG:-latest}
            FROM debian:latest@sha256:6014c1e52b8e51a67fbf76f691ffbe20ac0204c31c2f086df3e8ef3ce134b488
            """,
            arguments="--build-arg TAG=12",
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            image = file.base_image(stage)
            raw = stage.base.raw
            if image and image.tag == "latest" and not image.digest:
                name = image.short_name
            elif not image and "$" in raw and raw.endswith(":latest"):
                name = raw.removesuffix(":latest")  # whatever the variables in front of it are
            else:
                continue
            if stage.base.stage is None:
                message = f"the tag `latest` of `{name}` is another image tomorrow"
                yield self.finding(file, stage.base.span, message, stage=stage)
