from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.consent import APT_ASKS, answer, asked
from stagelint.rule import Bad, Finding, Good, Rule


class InteractiveApt(Rule):
    """A call of `apt-get` that asks for consent, which nobody gives in a build.

    It aborts the build as soon as it has to install or remove anything that was not named.

    It speaks of all commands that ask, such as `install`, `upgrade` and `autoremove`, without `-y`
    or another option that answers, in `apt-get` and `apt`; hadolint knows `apt-get install` alone.
    It is silent where hadolint is not: about calls that are fed by a pipe, as in
    `yes | apt-get install`, that only simulate, or that are given `APT::Get::Assume-Yes`, and where
    an instruction above writes that to a file. The fix adds `-y`.
    """

    code = "DL3014"
    words = ("apt",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN apt-get update && apt-get install curl=7.88.1 && \\
                                  ^^^^^^^^^^^^^^^ `apt-get install` may ask for consent, and nobody answers
                rm -rf /var/lib/apt/lists/*
            ONBUILD RUN ["apt-get", "-q", "upgrade"]
                         ^^^^^^^^^^^^^^^^^^^^^^^^^^ `apt-get upgrade` may ask for consent, and nobody answers
            """,
            fixed="""
            FROM debian:12
            RUN apt-get update && apt-get install -y curl=7.88.1 && \\
                rm -rf /var/lib/apt/lists/*
            ONBUILD RUN ["apt-get", "-q", "upgrade", "-y"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian:12
            RUN sh -c "apt-get install curl"
                      ^^^^^^^^^^^^^^^^^^^^^^ `apt-get install` may ask for consent, and nobody answers
            """
        ),
        Good(
            """
            FROM debian:12
            RUN yes | apt-get install curl
            RUN apt-get install -qq curl && apt-get -yq upgrade && apt-get -q -q remove vim
            RUN apt-get -o APT::Get::Assume-Yes=true install curl && apt-get install -s vim
            RUN apt-get update && apt-get clean
            ARG FLAGS
            RUN apt-get install $FLAGS curl
            RUN echo 'APT::Get::Assume-Yes "true";' > /etc/apt/apt.conf.d/90yes
            RUN apt-get install curl
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for run, told in asked(file, stage, APT_ASKS):
                yield self.finding(
                    file,
                    told.head,
                    f"`{told.program} {told.verb}` may ask for consent, and nobody answers",
                    stage=stage,
                    fix=answer(run, told, APT_ASKS),
                )
