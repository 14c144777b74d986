from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.caches import DNF_CACHE, kept, saved
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity


class DnfCacheKept(Rule):
    """The cache of `dnf` stays in a layer of an image that ships.

    Lists and packages that nobody reads again make the image larger, by dozens of megabytes.

    It speaks of what `dnf`, `dnf5`, `microdnf` and `tdnf` install or upgrade in a RUN that does not
    end with the cache emptied, by `clean all` or by `rm`; a later RUN cannot make a layer smaller.
    It is silent where hadolint is not: where a cache is mounted at `/var/cache`, `/var/cache/dnf`
    or `/var/cache/yum`, and where another program of the family cleans up. The fix adds
    `dnf clean all` at the end of the RUN.
    """

    code = "DL3040"
    severity = Severity.INFO
    roles = SHIPPED
    widens = True
    words = ("dnf",)
    examples = (
        Bad(
            """
            FROM example.com/linux:9
            RUN dnf install -y curl-8.2
                ^^^^^^^^^^^ what `dnf install` downloads stays in the image
            """,
            fixed="""
            FROM example.com/linux:9
            RUN dnf install -y curl-8.2 && dnf clean all
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM example.com/linux:9
            RUN dnf -y install \\
                ^^^^^^^^^^^^^^ what `dnf install` downloads stays in the image
                  curl-8.2 \\
                  # for the build
                  git-2.43
            RUN dnf clean all
            """,
            fixed="""
            FROM example.com/linux:9
            RUN dnf -y install \\
                  curl-8.2 \\
                  # for the build
                  git-2.43 \\
                  && dnf clean all
            RUN dnf clean all
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM example.com/linux:9
            USER app
            RUN sudo dnf install -y curl-8.2
                     ^^^^^^^^^^^ what `dnf install` downloads stays in the image
            """,
            fixed="""
            FROM example.com/linux:9
            USER app
            RUN sudo dnf install -y curl-8.2 && sudo dnf clean all
            """,
            unsafe=True,
        ),
        Bad(
            """
            # it ends with a comment
            FROM example.com/linux:9
            RUN microdnf install findutils # for xargs
                ^^^^^^^^^^^^^^^^ what `microdnf install` downloads stays in the image
            """
        ),
        Good(
            """
            FROM example.com/linux:9
            RUN dnf install -y curl-8.2 && dnf clean all
            RUN dnf install -y git-2.43 && rm -rf /var/cache/*
            RUN --mount=type=cache,target=/var/cache/dnf dnf install -y vim-9.1
            RUN dnf makecache
            FROM example.com/linux:9 AS other
            RUN dnf install -y tmux-3.3 && rm -rf /var/cache/{dnf,yum}
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for run in file.written(stage):
                for told, fix, note in kept(run, DNF_CACHE):
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
