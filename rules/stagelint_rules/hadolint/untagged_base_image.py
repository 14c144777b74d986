from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule


class UntaggedBaseImage(Rule):
    """A FROM names an image without a tag.

    What it is built on is whatever the tag `latest` means on the day of the build. A new major
    version changes the image or breaks its build with no change in the repository, and a builder
    that has an older image keeps using that one.

    It speaks of every stage, since the version of a compiler decides what ships as well. A variable
    counts as the default of its ARG. It is silent about stages, about `scratch`, about a FROM with
    a variable whose value only the build knows, and about a name that a build of the repository
    gives to a context of its own. Unlike hadolint it does take `FROM $BASE` for untagged if the
    default of BASE is, and `FROM debian$TAG` for tagged if that of TAG begins with a colon; and a
    stage may be named in another case. `latest` written out is `latest-base-image`.
    """

    code = "DL3006"
    default = False
    examples = (
        Bad(
            """
            FROM debian
                 ^^^^^^ `debian` has no tag
            """
        ),
        Bad(
            """
            ARG BASE=example.com:5000/team/base
            FROM $BASE AS build
                 ^^^^^ `example.com:5000/team/base` has no tag
            """
        ),
        Good(
            """
            ARG VARIANT=:12-slim
            ARG TAG
            ARG BASE
            FROM debian$VARIANT AS Build
            FROM build AS other
            FROM alpine:$TAG
            FROM alpine${TAG}
            FROM $BASE
            FROM example.com/base@sha256:6014c1e52b8e51a67fbf76f691ffbe20ac0204c31c2f086df3e8ef3ce134b488
            FROM scratch
            """
        ),
        Good(
            """
            --- docker-bake.hcl
            target "app" {
              contexts = {
                base = "target:base"
              }
            }
            target "base" {
              dockerfile = "base.Dockerfile"
            }
            --- Dockerfile
            FROM base
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            image = file.base_image(stage)
            if image and not (image.tag or image.digest):
                message = f"`{image}` has no tag"
                yield self.finding(file, stage.base.span, message, stage=stage)
