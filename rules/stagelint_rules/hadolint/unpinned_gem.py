from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.pins import unpinned
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class UnpinnedGem(Rule):
    """Gems that are installed in whatever version there is.

    Such a step gives another image on another day, and a new version may break it. Those of a
    project belong into its `Gemfile`, whose lock file says all versions.

    It speaks of what `gem install` names without `:version`, unless `-v` or `--version` says it,
    once for each call. It is silent where hadolint is not: about files, about `-v2` and `-v=2`, and
    about a word that holds a variable without a known value. Behind options it sees names that
    hadolint does not, as in `gem install --no-document bundler`.
    """

    code = "DL3028"
    default = False
    roles = SHIPPED
    widens = True
    words = ("gem",)
    examples = (
        Bad(
            """
            FROM ruby:3.3-slim
            RUN gem install --no-document bundler rake:13.2.1
                                          ^^^^^^^ `bundler` has no version
            """
        ),
        Good(
            """
            FROM ruby:3.3-slim
            ARG GEM
            RUN gem install bundler:2.5.17 && gem install rake -v 13.2.1 && gem install rack -v3.1
            RUN gem install ./tool.gem tool.gem $GEM --source https://example.com
            RUN gem install pg:1.5.7 -- --with-pg-config /usr/bin/pg_config && gem install -g Gemfile
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for each in unpinned(file.written(stage), "gem"):
                yield self.finding(file, each.span, each.message, stage=stage)
