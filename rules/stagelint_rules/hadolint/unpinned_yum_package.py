from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.pins import unpinned
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class UnpinnedYumPackage(Rule):
    """Packages that `yum` installs in whatever version there is.

    Such a step gives another image on another day, and a new version may break it. It is off by
    default: repositories drop a version when the next one comes, so that a pinned build fails
    instead.

    It speaks of what `yum` installs without a version, once for each call. Versions begin with `-`
    and a digit; since names may hold one too, it is silent about `java-17-openjdk`. It is silent
    where hadolint is not: about files and addresses of packages, about groups such as
    `@development-tools` and what else has no version, and about a word that holds a variable
    without a known value, such as `tool-$VERSION`.
    """

    code = "DL3033"
    default = False
    roles = SHIPPED
    widens = True
    words = ("yum",)
    examples = (
        Bad(
            """
            FROM example.com/linux:9
            RUN yum install -y curl git-2.43.5-1.el9
                               ^^^^ `curl` has no version
            """
        ),
        Good(
            """
            FROM example.com/linux:9
            ARG VERSION
            RUN yum install -y git-2.43.5-1.el9 java-17-openjdk tool-$VERSION @development-tools
            RUN yum install -y /tmp/tool.rpm https://example.com/release-latest.noarch.rpm other.rpm
            RUN yum groupinstall -y "Development Tools" && yum install -y --enablerepo crb tool-1.2
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for each in unpinned(file.written(stage), "yum"):
                yield self.finding(file, each.span, each.message, stage=stage)
