from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.pins import unpinned
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class UnpinnedDnfPackage(Rule):
    """Packages that `dnf` installs in whatever version there is.

    Such a step gives another image on another day, and a new version may break it. It is off by
    default: repositories drop a version when the next one comes, so that a pinned build fails
    instead.

    It speaks of what `dnf`, `dnf5`, `microdnf` and `tdnf` install without a version, once for each
    call. Versions begin with `-` and a digit; since names may hold one too, it is silent about
    `java-17-openjdk`. It is silent where hadolint is not: about files and addresses of packages,
    about groups such as `@development-tools` and what else has no version, and about a word that
    holds a variable without a known value, such as `tool-$VERSION`.
    """

    code = "DL3041"
    default = False
    roles = SHIPPED
    widens = True
    words = ("dnf",)
    examples = (
        Bad(
            """
            FROM example.com/linux:9
            RUN dnf install -y curl git-2.43.5-1.el9
                               ^^^^ `curl` has no version
            """
        ),
        Good(
            """
            FROM example.com/linux:9
            ARG VERSION
            RUN dnf install -y git-2.43.5-1.el9 java-17-openjdk tool-$VERSION @development-tools
            RUN dnf install -y /tmp/tool.rpm https://example.com/release-latest.noarch.rpm other.rpm
            RUN dnf groupinstall -y "Development Tools" && dnf install -y --enablerepo crb tool-1.2
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for each in unpinned(file.written(stage), "dnf", "dnf5", "microdnf", "tdnf"):
                yield self.finding(file, each.span, each.message, stage=stage)
