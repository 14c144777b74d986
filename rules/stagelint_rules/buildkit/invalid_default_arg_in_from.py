from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.expansion import ExpansionError, expand
from stagelint.model.images import problem
from stagelint.model.scope import LINUX_AMD64, Globals
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class InvalidDefaultArgInFrom(Rule):
    """A FROM that names no image unless somebody gives a build argument.

    Who builds the file without that argument gets an error that does not name it. It speaks of every
    FROM whose text, with the defaults of the ARGs alone, is empty or no reference of an image. Where
    the argument is meant to be required, `${BASE:?name the base image}` says so in the error.
    BuildKit's own check `InvalidDefaultArgInFrom`.
    """

    code = "BK009"
    severity = Severity.INFO
    aliases = ("InvalidDefaultArgInFrom",)
    examples = (
        Bad(
            """
            ARG VERSION
            FROM alpine:$VERSION
                 ^^^^^^^^^^^^^^^ without build arguments `alpine:$VERSION` is no image
            """
        ),
        Good(
            """
            ARG VERSION=3.22
            FROM alpine:$VERSION
            FROM debian:${RELEASE:-trixie}-slim
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        # Any platform would do: it decides nothing here.
        outer = Globals(file.globals.instructions, {}, {**LINUX_AMD64, "TARGETSTAGE": "default"})
        for stage in file.stages:
            try:
                text = expand(stage.base.raw, outer.lookup, stage.opening.escape)
            except ExpansionError:
                continue
            if isinstance(text, str) and (not text or problem(text)):
                message = f"without build arguments `{stage.base.raw}` is no image"
                yield self.finding(file, stage.base.span, message, stage=stage)
