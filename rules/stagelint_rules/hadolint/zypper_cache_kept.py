from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.caches import ZYPPER_CACHE, kept, saved
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity


class ZypperCacheKept(Rule):
    """The cache of `zypper` stays in a layer of an image that ships.

    Lists and packages that nobody reads again make the image larger, by dozens of megabytes.

    It speaks of what `zypper` installs or updates in a RUN that does not end with the cache
    emptied, by `zypper clean` or by `rm`; a later RUN cannot make a layer smaller. It is silent,
    where hadolint is not, about `rm -rf /var/cache/zypp`. The fix adds `zypper clean --all` at the
    end of the RUN.
    """

    code = "DL3036"
    severity = Severity.INFO
    roles = SHIPPED
    widens = True
    words = ("zypper",)
    examples = (
        Bad(
            """
            FROM opensuse/leap:15.6
            RUN zypper -n install curl=8.6.0
                ^^^^^^^^^^^^^^^^^ what `zypper install` downloads stays in the image
            """,
            fixed="""
            FROM opensuse/leap:15.6
            RUN zypper -n install curl=8.6.0 && zypper clean --all
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM opensuse/leap:15.6
            RUN zypper -n install curl=8.6.0 && zypper clean
            RUN zypper -n in git=2.43 && rm -rf /var/cache/zypp/*
            RUN --mount=type=cache,target=/var/cache/zypp zypper -n in vim=9.1
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for run in file.written(stage):
                for told, fix, note in kept(run, ZYPPER_CACHE):
                    message = f"what `{told.program} {told.verb}` downloads stays in the image"
                    yield self.finding(
                        file,
                        told.head,
                        message,
                        stage=stage,
                        fix=fix,
                        note=note,
                        gain=saved(file, stage),
                        holds=("no later step reads what is emptied",) if fix else (),
                    )
