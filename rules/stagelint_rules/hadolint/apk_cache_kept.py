from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.caches import APK_CACHE, filled, saved
from stagelint.model.calls import Call
from stagelint.model.moments import Moment
from stagelint.model.packages import ManagerCall
from stagelint.model.rewriting import add_option
from stagelint.model.stages import Stage
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity

_OPTION = "--no-cache"
#: Options that it makes needless: they fetch the index anew.
_FETCHING = frozenset({"-U", "--update", "--update-cache"})
#: All that fetches the index, and leaves it.
_INDEX = APK_CACHE._replace(verbs=APK_CACHE.verbs | {"update", "upgrade"})
#: More are left to a person.
_MOST_EDITS = 200


class ApkCacheKept(Rule):
    """The index of `apk` stays in a layer of an image that ships.

    It makes the image larger, by some megabytes, and is too old when it is read again.

    It speaks of `apk add` without `--no-cache`, once for each call. It is silent where hadolint is
    not: where the same RUN removes `/var/cache/apk`, and where a cache is mounted at
    `/etc/apk/cache` or above. The fix adds `--no-cache` to all such calls in the layers that ship
    and in the stages built upon them, since one may read what another has left, or puts it in the
    place of `--update`. So it does to `apk update` and `apk upgrade`, which leave the index as well.
    """

    code = "DL3019"
    severity = Severity.INFO
    roles = SHIPPED
    widens = True
    words = ("apk",)
    examples = (
        Bad(
            """
            FROM alpine:3.20
            RUN apk add --update curl && apk -q add git
                ^^^^^^^ the index that `apk` fetches stays in the image
                                         ^^^^^^^^^^ the index that `apk` fetches stays in the image
            """,
            fixed="""
            FROM alpine:3.20
            RUN apk add --no-cache curl && apk -q add --no-cache git
            """,
            unsafe=True,
        ),
        Bad(
            """
            # what fetches the index before, and what is built upon it
            FROM alpine:3.20 AS other
            RUN apk add make

            FROM alpine:3.20 AS base
            RUN apk update && apk upgrade -a && apk add curl
                                                ^^^^^^^ the index that `apk` fetches stays in the image

            FROM base AS build
            RUN apk add gcc
            RUN gcc -o /app app.c

            FROM base
            COPY --from=build /app /app
            COPY --from=other /usr/bin/make /usr/bin/
            """,
            fixed="""
            # what fetches the index before, and what is built upon it
            FROM alpine:3.20 AS other
            RUN apk add make

            FROM alpine:3.20 AS base
            RUN apk update --no-cache && apk upgrade --no-cache -a && apk add --no-cache curl

            FROM base AS build
            RUN apk add --no-cache gcc
            RUN gcc -o /app app.c

            FROM base
            COPY --from=build /app /app
            COPY --from=other /usr/bin/make /usr/bin/
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM alpine:3.20
            RUN apk add --no-cache curl && apk --no-cache add git
            RUN apk update && apk add vim && rm -rf /var/cache/apk/*
            RUN --mount=type=cache,target=/var/cache/apk apk add tmux
            RUN --mount=type=cache,target=/etc/apk/cache apk add nano
            RUN apk del curl && apk upgrade
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        spoken = {stage.index for stage in self.stages(file)}
        found = [
            (stage, run, told)
            for stage in file.stages
            if not spoken.isdisjoint(part.index for part in file.chain(stage))
            for run in file.written(stage)
            for told in filled(run, _INDEX)
        ]
        fix = _fix(found)
        for stage, _, told in found:
            if stage.index in spoken and told.verb in APK_CACHE.verbs:
                yield self.finding(
                    file,
                    told.head,
                    "the index that `apk` fetches stays in the image",
                    stage=stage,
                    fix=fix,
                    note="" if fix else "not fixed: not all of these calls are written plainly",
                    gain=saved(file, stage),
                    holds=("every later `apk add` fetches the index anew",) if fix else (),
                )


def _fix(found: list[tuple[Stage, Moment, ManagerCall]]) -> Fix | None:
    """One for all, since a call may read what another has left."""
    edits: list[Edit] = []
    for _, run, told in found[:_MOST_EDITS]:
        edits += _replace(told.call) or add_option(run.instruction, told.call, told.at, _OPTION)
    if len(edits) < len(found):
        return None
    return Fix(f"Add `{_OPTION}`", tuple(edits), Guarantee.SAME_BUT_CACHES)


def _replace(call: Call) -> tuple[Edit, ...]:
    """Write the option in the place of the one that it makes needless, if that is plainly written."""
    for word, span in zip(call.arguments, call.spans, strict=True):
        if word in _FETCHING and span.end - span.start == len(word) and not call.is_nested:
            return (Edit(span, _OPTION),)
    return ()
