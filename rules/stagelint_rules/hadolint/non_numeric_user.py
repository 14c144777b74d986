from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.users import last_user, named
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity


class NonNumericUser(Rule):
    """The user of an image has a name instead of a number.

    Kubernetes cannot tell whether `app` is root, and refuses it where `runAsNonRoot` is asked for.
    The name is only found in the `/etc/passwd` of the image. It is off by default: where nothing
    asks for that, a name reads better.

    It speaks of stages that ship, and of their last USER: unlike hadolint, not of those before,
    which only the build needs; nor of variables that are a number by default or only known to the
    build, of Windows, which has no numbers, and of `root`, for which a number is no help.
    """

    code = "DL3066"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    widens = True
    words = ("user",)
    examples = (
        Bad(
            """
            FROM debian:12
            USER root
            RUN useradd --uid 1000 app
            USER app
                 ^^^ `app` is a name, which only the image can tell the number of
            """
        ),
        Bad(
            """
            FROM debian:12
            ENV APP_USER=app
            USER $APP_USER:1000
                 ^^^^^^^^^^^^^^ `app` is a name, which only the image can tell the number of
            """
        ),
        Good(
            """
            FROM debian:12
            ARG ID=1000
            USER ${ID}:app
            """
        ),
        Good(
            """
            FROM debian:12 AS base
            USER app
            FROM base
            USER 1000
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            last = last_user(file, stage)
            name, span = named(last) if last and last.shell else (None, None)
            if name and span and not name.isdigit() and name != "root":
                message = f"`{name}` is a name, which only the image can tell the number of"
                yield self.finding(file, span, message, stage=stage)
