from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.caches import YUM_CACHE, kept, saved
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity


class YumCacheKept(Rule):
    """The cache of `yum` stays in a layer of an image that ships.

    Lists and packages that nobody reads again make the image larger, by dozens of megabytes.

    It speaks of what `yum` installs or upgrades in a RUN that does not end with the cache emptied,
    by `clean all` or by `rm`; a later RUN cannot make a layer smaller. It is silent where hadolint
    is not: where a cache is mounted at `/var/cache`, `/var/cache/dnf` or `/var/cache/yum`, and
    where another program of the family cleans up. The fix adds `yum clean all` at the end of the
    RUN.
    """

    code = "DL3032"
    severity = Severity.INFO
    roles = SHIPPED
    widens = True
    words = ("yum",)
    examples = (
        Bad(
            """
            FROM example.com/linux:9
            RUN yum install -y curl-8.2
                ^^^^^^^^^^^ what `yum install` downloads stays in the image
            """,
            fixed="""
            FROM example.com/linux:9
            RUN yum install -y curl-8.2 && yum clean all
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM example.com/linux:9
            RUN yum -y install \\
                ^^^^^^^^^^^^^^ what `yum install` downloads stays in the image
                  curl-8.2 \\
                  # for the build
                  git-2.43
            RUN yum clean all
            """,
            fixed="""
            FROM example.com/linux:9
            RUN yum -y install \\
                  curl-8.2 \\
                  # for the build
                  git-2.43 \\
                  && yum clean all
            RUN yum clean all
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM example.com/linux:9
            RUN yum install -y curl-8.2 && yum clean all
            RUN yum install -y git-2.43 && rm -rf /var/cache/*
            RUN --mount=type=cache,target=/var/cache/yum yum install -y vim-9.1
            RUN yum makecache
            FROM example.com/linux:9 AS other
            RUN yum install -y tmux-3.3 && rm -rf /var/cache/{dnf,yum}
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for run in file.written(stage):
                for told, fix, note in kept(run, YUM_CACHE):
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
