from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.consent import ZYPPER_ASKS, answer, asked
from stagelint.rule import Bad, Finding, Good, Rule


class InteractiveZypper(Rule):
    """A call of `zypper` that asks for consent, which nobody gives in a build.

    It aborts the build as soon as there is anything to install or to remove.

    It speaks of all commands that ask, such as `install`, `remove`, `update` and `patch`, without
    `--non-interactive`, `-n`, `-y` or `--no-confirm`. It is silent, where hadolint is not, about
    calls that are fed by a pipe, as in `yes | zypper install`. The fix adds `--non-interactive`.
    """

    code = "DL3034"
    words = ("zypper",)
    examples = (
        Bad(
            """
            FROM opensuse/leap:15.6
            RUN zypper install curl=8.6.0 && zypper clean
                ^^^^^^^^^^^^^^ `zypper install` asks for consent, and nobody answers
            """,
            fixed="""
            FROM opensuse/leap:15.6
            RUN zypper --non-interactive install curl=8.6.0 && zypper clean
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM opensuse/leap:15.6
            RUN zypper -n install curl=8.6.0 && zypper install -y git=2.43 && zypper clean && zypper refresh
            RUN yes | zypper install vim=9.1
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for run, told in asked(file, stage, ZYPPER_ASKS):
                yield self.finding(
                    file,
                    told.head,
                    f"`{told.program} {told.verb}` asks for consent, and nobody answers",
                    stage=stage,
                    fix=answer(run, told, ZYPPER_ASKS),
                )
