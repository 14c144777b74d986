from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.consent import installs_recommended
from stagelint.model.rewriting import add_option
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity

_OPTION = "--no-install-recommends"


class AptRecommendsInstalled(Rule):
    """Packages that are only recommended are installed into an image that ships.

    They make the image larger, and every later scan of it reports their vulnerabilities.

    It speaks of `apt-get install` and `apt install` without `--no-install-recommends`, once for
    each call; hadolint does not know `apt`. It is silent where hadolint is not: where
    `APT::Install-Recommends` is false, as an option or in a file that an instruction above writes,
    and where nothing is named to install. The fix adds the option; what was recommended and is
    needed after all, such as `ca-certificates` for `curl`, has to be named then.
    """

    code = "DL3015"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    widens = True
    words = ("apt",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN apt-get update && apt-get -y install curl && rm -rf /var/lib/apt/lists/*
                                  ^^^^^^^^^^^^^^^^^^ `apt-get install` installs what is only recommended, too
            """,
            fixed="""
            FROM debian:12
            RUN apt-get update && apt-get -y install --no-install-recommends curl && rm -rf /var/lib/apt/lists/*
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM debian:12 AS build
            RUN apt-get install -y gcc
            FROM debian:12
            RUN apt-get install -y --no-install-recommends curl && apt-get -f install -y
            RUN apt-get -o APT::Install-Recommends=0 install -y git
            RUN apt-get install -y -o "APT::Install-Recommends=false" vim
            RUN echo 'APT::Install-Recommends "0";' > /etc/apt/apt.conf.d/01norecommend
            RUN apt-get install -y nano
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for run, told in installs_recommended(file, stage):
                edits = add_option(run.instruction, told.call, told.at, _OPTION)
                yield self.finding(
                    file,
                    told.head,
                    f"`{told.program} install` installs what is only recommended, too",
                    stage=stage,
                    fix=Fix(f"Add `{_OPTION}`", edits, Guarantee.BEHAVIOUR) if edits else None,
                )
