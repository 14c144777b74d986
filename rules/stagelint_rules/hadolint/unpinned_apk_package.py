from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.pins import unpinned
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class UnpinnedApkPackage(Rule):
    """Packages that `apk` installs in whatever version there is.

    Such a step gives another image on another day, and a new version may break it. It is off by
    default: the repositories of Alpine hold one version of a package only, so that a pinned build
    fails once there is another; `name~=1.2` takes any release of a version.

    It speaks of what `apk add` names without `=`, `~`, `<` or `>`, once for each call. It is silent
    where hadolint is not: about a word that holds a variable without a known value or the output of
    a command, about the value of `-p` and `--root`, and about packages that `!name` forbids.
    """

    code = "DL3018"
    default = False
    roles = SHIPPED
    widens = True
    words = ("apk",)
    examples = (
        Bad(
            """
            FROM alpine:3.20
            RUN apk add --no-cache curl git~=2.45
                                   ^^^^ `curl` has no version
            """
        ),
        Bad(
            """
            FROM alpine:3.20
            RUN apk add --virtual .deps gcc musl-dev tool@edge
                                        ^^^ `gcc`, `musl-dev` and `tool@edge` have no version
            """
        ),
        Good(
            """
            FROM alpine:3.20
            ARG PACKAGES
            RUN apk add --no-cache $PACKAGES curl=8.9.1-r1 "git>2" tool.apk !vim
            RUN apk add --root /out --initdb busybox=1.36.1-r29
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for each in unpinned(file.written(stage), "apk"):
                yield self.finding(file, each.span, each.message, stage=stage)
