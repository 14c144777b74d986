from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.caches import YARN_CACHE, kept, saved, spread
from stagelint.model.calls import Call
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity

#: Options that only Yarn 1 has.
_OF_YARN_1 = (
    r"--(?:prod|production(?:=.*)?|pure-lockfile|no-lockfile|ignore-(?:optional|platform)"
    r"|flat|har|modules-folder(?:=.*)?)"
)
#: The head of its lock file, in which it stands.
_LOCK, _HEAD = "# yarn lockfile v1", 200


class YarnCacheKept(Rule):
    """The cache of `yarn` stays in a layer of an image that ships.

    It holds every package a second time, as it was downloaded, and nobody reads it again.

    It speaks of `yarn install`, `yarn add` and `yarn` alone in a RUN that does not end with the
    cache emptied, by `yarn cache clean` or by `rm`; hadolint knows `yarn install` alone. It is
    silent, where hadolint is not, where a cache is mounted around that of `yarn`, and about another
    cache that `--cache-folder` names. Of stages that do not ship it only ever speaks if others are
    built upon them. The fix adds `yarn cache clean` at the end of the RUN, if it is known to be
    Yarn 1, by an option or by the lock file in the build context: from version 2 on the program may
    load its packages from the cache.
    """

    code = "DL3060"
    severity = Severity.INFO
    roles = SHIPPED
    widens = True
    words = ("yarn",)
    examples = (
        Bad(
            """
            --- Dockerfile
            FROM node:22-slim
            COPY . .
            RUN yarn install --frozen-lockfile
                ^^^^^^^^^^^^ what `yarn` downloads stays in the image
            --- yarn.lock
            # yarn lockfile v1
            """,
            fixed="""
            --- Dockerfile
            FROM node:22-slim
            COPY . .
            RUN yarn install --frozen-lockfile && yarn cache clean
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM node:22-slim
            COPY . .
            RUN yarn install --production
                ^^^^^^^^^^^^ what `yarn` downloads stays in the image
            """,
            fixed="""
            FROM node:22-slim
            COPY . .
            RUN yarn install --production && yarn cache clean
            """,
            unsafe=True,
        ),
        Bad(
            """
            # which Yarn it is, is not known
            FROM node:22-slim
            COPY . .
            RUN yarn install
                ^^^^^^^^^^^^ what `yarn` downloads stays in the image
            """
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
                for told, fix, note in kept(run, YARN_CACHE):
                    message = "what `yarn` downloads stays in the image"
                    if fix and not _is_first(file, told.call):
                        fix, note = None, _PERHAPS_LATER
                    yield self.finding(
                        file,
                        told.head,
                        message,
                        stage=stage,
                        fix=fix,
                        note=note,
                        gain=saved(file, stage),
                        holds=("nothing but `yarn` reads its cache",) if fix else (),
                    )


_PERHAPS_LATER = (
    "not fixed: from Yarn 2 on the program may load its packages from the cache, and which Yarn"
    " it is, is not known"
)


def _is_first(file: File, call: Call) -> bool:
    """Is it known to be Yarn 1?"""
    if any(re.fullmatch(_OF_YARN_1, word) for word in call.arguments if word):
        return True
    entries = file.context.below(".") if file.context else ()
    locks = [each.path for each in entries if f"/{each.path}".endswith("/yarn.lock")]
    texts = [file.context.text(each) or "" for each in locks] if file.context else []
    return bool(texts) and all(_LOCK in text[:_HEAD] for text in texts)
