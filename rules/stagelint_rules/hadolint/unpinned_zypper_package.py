from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.pins import unpinned
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class UnpinnedZypperPackage(Rule):
    """Packages that `zypper` installs in whatever version there is.

    Such a step gives another image on another day, and a new version may break it. It is off by
    default: repositories drop a version when the next one comes, so that a pinned build fails
    instead.

    It speaks of what `zypper install` names without `=`, `<`, `>` or a version behind `-`, once for
    each call. It is silent where hadolint is not: about `curl-8.6.0`, about patterns and products,
    which `--type` says, and about a word that holds a variable without a known value.
    """

    code = "DL3037"
    default = False
    roles = SHIPPED
    widens = True
    words = ("zypper",)
    examples = (
        Bad(
            """
            FROM opensuse/leap:15.6
            RUN zypper --non-interactive install curl "git>=2.43"
                                                 ^^^^ `curl` has no version
            """
        ),
        Good(
            """
            FROM opensuse/leap:15.6
            ARG PACKAGES
            RUN zypper install -y curl=8.6.0 git-2.43.0 tool.rpm $PACKAGES
            RUN zypper in -y -t pattern devel_basis
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for each in unpinned(file.written(stage), "zypper"):
                yield self.finding(file, each.span, each.message, stage=stage)
