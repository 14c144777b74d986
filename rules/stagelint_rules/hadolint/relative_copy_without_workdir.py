from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.moments import Moment
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Rule


class RelativeCopyWithoutWorkdir(Rule):
    """A COPY to a relative path, in a stage that has no WORKDIR.

    Where it goes is for the base image to say: into the root folder, if that says nothing.
    Another base image, or another version of it, and the files lie somewhere else.

    It speaks of a COPY whose target is relative, if neither the stage nor those that it is built on
    have a WORKDIR before. Unlike hadolint it is silent about images that are known to have a working
    directory, like `php` and `composer`; and it remembers each stage by itself, not by its image. A
    target with a variable is what the default makes of it.
    """

    code = "DL3045"
    words = ("copy",)
    examples = (
        Bad(
            """
            FROM node:22
            COPY package.json ./
                              ^^ without a WORKDIR, the base image decides where `./` is
            COPY --from=build ["/app dir", "app"]
                                           ^^^^^ without a WORKDIR, the base image decides where `app` is
            """
        ),
        Bad(
            """
            FROM scratch
            COPY app app
                     ^^^ without a WORKDIR, `app` is `/app`
            WORKDIR /srv
            COPY conf conf
            """
        ),
        Good(
            """
            FROM debian:12 AS base
            WORKDIR /srv
            FROM base
            COPY app ./
            FROM php:8.4-apache
            COPY . .
            FROM debian:12
            ARG WHERE
            COPY a /a
            COPY b $WHERE
            COPY c C:/c
            COPY d "/d"
            ONBUILD COPY . .
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            if _has_home(file, stage):
                continue
            for moment in file.moments(stage):
                node = moment.instruction
                if node.keyword == "WORKDIR":
                    break
                if node.keyword != "COPY" or node not in stage.instructions:
                    continue
                target = _target(moment)
                if target is not None and not re.match(r"/|\\|[A-Za-z]:|\Z", target):
                    yield self._finding(file, stage, moment, target)

    def _finding(self, file: File, stage: Stage, moment: Moment, target: str) -> Finding:
        node = moment.instruction
        last = node.arguments[-1]
        path = moment.path(last.value) if stage.base.is_scratch else None
        where = f"`{target}` is `{path}`" if path else f"the base image decides where `{target}` is"
        span = node.logical.span(last.start, last.end)
        return self.finding(file, span, f"without a WORKDIR, {where}", stage=stage)


def _has_home(file: File, stage: Stage) -> bool:
    """Does a stage below have a WORKDIR, or is its image known to have one?"""
    chain = file.chain(stage)
    if any(any(each.by_keyword("WORKDIR")) for each in chain[:-1]):
        return True
    image = file.histories[chain[0].index].image
    return image is not None and image.family.directory != "/"


def _target(moment: Moment) -> str | None:
    arguments = moment.instruction.arguments
    return moment.expand(arguments[-1].value) if len(arguments) > 1 else None
