from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.caches import APT_LISTS, are_lists_read, filled, spread
from stagelint.model.rewriting import append_command
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity

_REMOVE = "rm -rf /var/lib/apt/lists/*"


class AptListsKept(Rule):
    """The lists of `apt-get` stay in a layer of an image that ships.

    They make it larger, by 10 to 50 megabytes, and are too old when they are read again.

    It speaks of `apt-get update` and its like in a RUN that does not remove `/var/lib/apt/lists`; a
    later RUN cannot make a layer smaller. It is silent where hadolint is not: where a cache is
    mounted at `/var/lib/apt` or above, and where `apt-get dist-clean` or `find` removes them. Of
    stages that do not ship it only ever speaks if others are built upon them. The fix removes them
    at the end of the RUN, unless a later one needs them.
    """

    code = "DL3009"
    severity = Severity.INFO
    roles = SHIPPED
    widens = True
    words = ("apt",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN apt-get update && apt-get install -y curl
                ^^^^^^^^^^^^^^ the lists that `apt-get update` fetches stay in the image
            """,
            fixed="""
            FROM debian:12
            RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian:12
            RUN apt-get update \\
                ^^^^^^^^^^^^^^ the lists that `apt-get update` fetches stay in the image
             && apt-get install -y curl \\
             && apt-get clean
            RUN rm -rf /var/lib/apt/lists/*
            """,
            fixed="""
            FROM debian:12
            RUN apt-get update \\
             && apt-get install -y curl \\
             && apt-get clean \\
             && rm -rf /var/lib/apt/lists/*
            RUN rm -rf /var/lib/apt/lists/*
            """,
            unsafe=True,
        ),
        Bad(
            """
            # the lists are needed in the next RUN
            FROM debian:12
            RUN apt-get update
                ^^^^^^^^^^^^^^ the lists that `apt-get update` fetches stay in the image
            RUN apt-get install -y curl
            """
        ),
        Good(
            """
            FROM debian:12 AS build
            RUN apt-get update && apt-get install -y gcc
            FROM debian:12
            RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*
            RUN apt-get update && apt-get install -y git && rm -r /var/lib/{apt,dpkg,cache}/ && apt-get clean
            RUN apt-get update && apt-get install -y vim && cd /var/lib/apt/lists && rm -rf ./*
            RUN apt-get update && apt-get install -y nano && apt-get dist-clean
            RUN --mount=type=cache,target=/var/lib/apt,sharing=locked apt-get update && apt-get install -y tmux
            """
        ),
        Bad(
            """
            # of builders, only those that others are built upon
            FROM debian:12 AS base
            RUN apt-get update && apt-get install -y make
                ^^^^^^^^^^^^^^ the lists that `apt-get update` fetches stay in the image
            FROM base AS build
            RUN apt-get update && apt-get install -y gcc
            FROM scratch
            COPY --from=build /app /app
            """,
            fixed="""
            # of builders, only those that others are built upon
            FROM debian:12 AS base
            RUN apt-get update && apt-get install -y make && rm -rf /var/lib/apt/lists/*
            FROM base AS build
            RUN apt-get update && apt-get install -y gcc
            FROM scratch
            COPY --from=build /app /app
            """,
            arguments="--builder-stages all",
            unsafe=True,
        ),
        Bad(
            """
            # a script may install more
            FROM debian:12 AS base
            RUN apt-get update
                ^^^^^^^^^^^^^^ the lists that `apt-get update` fetches stay in the image
            RUN ./install.sh
            FROM base
            RUN if true; then apt-get update; fi
                              ^^^^^^^^^^^^^^ the lists that `apt-get update` fetches stay in the image
            """,
            arguments="--builder-stages all",
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in spread(file, self.stages(file)):
            for run in file.written(stage):
                for told in filled(run, APT_LISTS):
                    edits = append_command(run.instruction, _REMOVE)
                    if are_lists_read(file, run):
                        edits = ()
                    yield self.finding(
                        file,
                        told.head,
                        f"the lists that `{told.program} update` fetches stay in the image",
                        stage=stage,
                        fix=Fix("Remove them in the same RUN", edits, Guarantee.SAME_BUT_CACHES)
                        if edits
                        else None,
                    )
