from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.caches import YARN_CACHE, filled, spread
from stagelint.model.calls import Call
from stagelint.model.rewriting import append_command
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity
from stagelint.syntax.nodes import Instruction


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
                found = [*filled(run, YARN_CACHE)]
                fix = _fix(run.instruction, found[-1].call) if found else None
                for told in found:
                    message = "what `yarn` downloads stays in the image"
                    yield self.finding(file, told.head, message, stage=stage, fix=fix)


def _fix(run: Instruction, call: Call) -> Fix | None:
    edits = append_command(run, "yarn cache clean", call)
    return Fix("Add `yarn cache clean`", edits, Guarantee.SAME_BUT_CACHES) if edits else None
