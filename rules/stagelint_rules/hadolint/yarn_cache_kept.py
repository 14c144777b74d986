from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.caches import YARN_CACHE, kept, spread
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity


class YarnCacheKept(Rule):
    """The cache of `yarn` stays in a layer of an image that ships.

    It holds every package a second time, as it was downloaded, and nobody reads it again.

    It speaks of `yarn install`, `yarn add` and `yarn` alone in a RUN that does not end with the
    cache emptied, by `yarn cache clean` or by `rm`; hadolint knows `yarn install` alone. It is
    silent, where hadolint is not, where a cache is mounted around that of `yarn`, and about another
    cache that `--cache-folder` names. Of stages that do not ship it only ever speaks if others are
    built upon them. The fix adds `yarn cache clean` at the end of the RUN.
    """

    code = "DL3060"
    severity = Severity.INFO
    roles = SHIPPED
    widens = True
    words = ("yarn",)
    examples = (
        Bad(
            """
            FROM node:22-slim
            COPY . .
            RUN yarn install --frozen-lockfile
                ^^^^^^^^^^^^ what `yarn` downloads stays in the image
            """,
            fixed="""
            FROM node:22-slim
            COPY . .
            RUN yarn install --frozen-lockfile && yarn cache clean
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM node:22-slim
            RUN yarn; \\
                ^^^^ what `yarn` downloads stays in the image
                if [ -n "$PRUNE" ]; then rm -r test; fi
            """
        ),
        Good(
            """
            FROM node:22-slim
            RUN yarn install && yarn cache clean && yarn build
            RUN yarn add left-pad && rm -rf /usr/local/share/.cache
            RUN --mount=type=cache,target=/root/.cache --mount=type=cache,target=/usr/local/share/.cache yarn
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in spread(file, self.stages(file)):
            for run in file.written(stage):
                for told, fix in kept(run, YARN_CACHE):
                    message = "what `yarn` downloads stays in the image"
                    yield self.finding(file, told.head, message, stage=stage, fix=fix)
