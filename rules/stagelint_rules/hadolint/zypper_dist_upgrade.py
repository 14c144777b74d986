from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.packages import manager_calls
from stagelint.rule import Bad, Finding, Good, Rule


class ZypperDistUpgrade(Rule):
    """`zypper` upgrades the whole distribution.

    It leaves the release that FROM names, so that the image is no longer what it says it is built
    on.

    It speaks of `zypper dist-upgrade` and `zypper dup`. A newer tag in FROM is what is meant, so
    there is no fix.
    """

    code = "DL3035"
    words = ("zypper",)
    examples = (
        Bad(
            """
            FROM opensuse/leap:15.6
            RUN zypper -n dup
                ^^^^^^^^^^^^^ `zypper dup` leaves the release that FROM names
            """
        ),
        Good(
            """
            FROM opensuse/leap:15.6
            RUN zypper -n update && zypper -n patch
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for run in file.written(stage):
                for told in manager_calls(run.calls):
                    if told.program == "zypper" and told.verb in ("dist-upgrade", "dup"):
                        message = f"`zypper {told.verb}` leaves the release that FROM names"
                        yield self.finding(file, told.head, message, stage=stage)
