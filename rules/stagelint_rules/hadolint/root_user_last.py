from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.moments import Moment
from stagelint.model.starting import start
from stagelint.model.users import is_root, last_user, named
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity


class RootUserLast(Rule):
    """The last USER of an image is root.

    Whoever takes over a process of root owns all that it can reach, and is root on the host once
    out.

    It is a warning where another USER was there before, to which nobody went back, and a CMD or
    ENTRYPOINT says what starts; else information, since some programs need root, and so do those who
    build upon an image that starts nothing. It speaks of stages that ship and whose last USER is
    `root` or `0`, with or without a group. A variable counts as the default it has. Unlike hadolint
    it is silent about builders, whose user starts nothing that ships, and about a stage that only
    serves as a base for others of the file which all have a USER of their own. An image without
    USER is another matter: see `missing-non-root-user`.
    """

    code = "DL3002"
    roles = SHIPPED
    widens = True
    words = ("user",)
    examples = (
        Bad(
            """
            FROM debian:12
            USER app
            RUN make
            USER root
                 ^^^^ the image starts as root
            CMD ["app"]
            """
        ),
        Bad(
            """
            FROM debian:12
            ARG RUN_AS=0
            USER $RUN_AS:app
                 ^^^^^^^^^^^ the image starts as root
            """
        ),
        Bad(
            """
            FROM golang:1.25 AS build
            USER root
                 ^^^^ the stage ends as root
            FROM scratch
            COPY --from=build /app /app
            """,
            arguments="--builder-stages all",
        ),
        Good(
            """
            FROM golang:1.25 AS build
            USER root
            FROM debian:12 AS base
            USER root
            RUN apt-get update
            FROM base
            USER $UNKNOWN
            """
        ),
        Good(
            """
            FROM debian:12
            USER root
            RUN make install
            USER app
            ONBUILD USER root
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            last = last_user(file, stage)
            name, span = named(last) if last else ("", None)
            if span and name in ("root", "0"):
                what = "image starts" if stage.index in file.ships else "stage ends"
                severity = None if _is_left_over(file.moments_behind(stage)) else Severity.INFO
                message = f"the {what} as root"
                yield self.finding(file, span, message, severity=severity, stage=stage)


def _is_left_over(moments: list[Moment]) -> bool:
    """Does a USER name another user than root, and does the file say what is started?"""
    users = [each for each in moments if each.instruction.keyword == "USER"]
    had_another = any(name is not None and not is_root(name) for name, _ in map(named, users))
    return had_another and start(moments).first is not None
