from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.moments import Moment
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class RelativeCopyWithoutWorkdir(Rule):
    """A COPY to a relative path, in a stage that has no WORKDIR.

    Where it goes is for the base image to say: into the root folder, if that says nothing. Another
    base image, or another version of it, and the files lie somewhere else.

    It is information, since it may be known. It speaks of a COPY whose target is relative, if
    neither the stage nor those that it is built on have a WORKDIR before. Unlike hadolint it is
    silent about images that are known to have a working directory, like `php` and `composer`; and
    it remembers each stage by itself, not by its image. A target with a variable is what the
    default makes of it.
    """

    code = "DL3045"
    severity = Severity.INFO
    default = False
    words = ("copy",)
    examples = (
        Bad(
            """
            FROM node:22
            COPY package.json ./
                              ^^ without a WORKDIR, `./` is `/`
            COPY --from=build ["/app dir", "app"]
                                           ^^^^^ without a WORKDIR, `app` is `/app`
            """
        ),
        Bad(
            """
            FROM example.com/base:1
            COPY package.json ./
                              ^^ without a WORKDIR, the base image decides where `./` is
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
        with_home: set[int | None] = set()
        for stage in file.stages:
            image = file.histories[stage.index].image
            has_directory = image is not None and image.family.directory != "/"
            if stage.base.stage in with_home or has_directory or _sets_one(stage):
                with_home.add(stage.index)
            if stage.base.stage in with_home or has_directory:
                continue
            for moment in _before_workdir(file, stage):
                target = _target(moment)
                if target is None or re.match(r"/|\\|[A-Za-z]:|\Z", target):
                    continue
                last = moment.instruction.arguments[-1]
                path = moment.path(last.value)
                where = (
                    f"`{target}` is `{path}`"
                    if path
                    else f"the base image decides where `{target}` is"
                )
                yield self.finding(
                    file,
                    moment.instruction.logical.span(last.start, last.end),
                    f"without a WORKDIR, {where}",
                    stage=stage,
                )


def _sets_one(stage: Stage) -> bool:
    """Does *stage*, or an ONBUILD of it, have a WORKDIR?"""
    return any(
        "WORKDIR" in (each.keyword, each.inner and each.inner.keyword)
        for each in stage.instructions
    )


def _before_workdir(file: File, stage: Stage) -> Iterator[Moment]:
    """The COPYs of *stage* before its first WORKDIR."""
    for moment in file.histories[stage.index].own:
        if moment.instruction.keyword == "WORKDIR":
            return
        if moment.instruction.keyword == "COPY":
            yield moment


def _target(moment: Moment) -> str | None:
    """Where a COPY goes; None if that is not known."""
    arguments = moment.instruction.arguments
    return moment.expand(arguments[-1].value) if len(arguments) > 1 else None
