from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.pins import unpinned
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class UnpinnedAptPackage(Rule):
    """Packages that `apt-get` installs in whatever version there is.

    Such a step gives another image on another day, and a new version may break it. It is off by
    default: the archives of Debian and Ubuntu drop a version when the next one comes, so that a
    pinned build fails instead; an image that must stay the same takes a snapshot of the archive.

    It speaks of what `apt-get install` and `apt install` name without `=version` or `/release`,
    once for each call. It is silent where hadolint is not: about a word that holds a variable
    without a known value or the output of a command, since the version may be in there, and about
    packages that `name-` removes. It sees calls in `sh -c`, behind `sudo` and `env`, and of `apt`,
    which hadolint does not.
    """

    code = "DL3008"
    default = False
    roles = SHIPPED
    widens = True
    words = ("apt",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN apt-get update && apt-get install -y curl git=1:2.39.5-0+deb12u2
                                                     ^^^^ `curl` has no version
            """
        ),
        Bad(
            """
            FROM debian:12
            RUN sudo apt-get install -y -t bookworm-backports curl git && sh -c "apt install -y vim"
                                                              ^^^^ `curl` and `git` have no version
                                                                                ^^^^^^^^^^^^^^^^^^^^ `vim` has no version
            """
        ),
        Bad(
            """
            FROM debian:12
            ENV PACKAGES="curl=7.88.1 git"
            RUN apt-get install -y $PACKAGES
                                   ^^^^^^^^^ `git` has no version
            """
        ),
        Good(
            """
            FROM debian:12
            ARG PACKAGES
            ARG MORE="curl=7.88.1 git=1:2.39.5"
            RUN apt-get install -y $PACKAGES $MORE "linux-headers-$(uname -r)" vim=2:9.0.1378-2 tmux/bookworm
            COPY tool.deb /tmp/
            RUN apt-get install -y /tmp/tool.deb ./other.deb nano-
            """
        ),
        Good(
            """
            # builders do not ship
            FROM debian:12 AS build
            RUN apt-get install -y curl
            FROM scratch
            COPY --from=build /usr/bin/curl /curl
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for each in unpinned(file.written(stage), "apt-get", "apt"):
                yield self.finding(file, each.span, each.message, stage=stage)
