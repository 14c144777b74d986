from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.caches import APT_LISTS, are_lists_read, filled, saved, spread
from stagelint.model.calls import Call
from stagelint.model.moments import Moment
from stagelint.model.rewriting import append_command
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity


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
        Bad(
            """
            # more is installed where a container starts
            FROM debian:12
            RUN apt-get update
                ^^^^^^^^^^^^^^ the lists that `apt-get update` fetches stay in the image
            CMD ["sh", "-c", "apt-get install -y curl"]
            """
        ),
        Bad(
            """
            # more is installed in images that are built upon this one
            FROM debian:12
            RUN apt-get update
                ^^^^^^^^^^^^^^ the lists that `apt-get update` fetches stay in the image
            ONBUILD RUN xargs apt-get install -y < packages.txt
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
                found = [*filled(run, APT_LISTS)]
                fix, note = _fix(file, run, found[-1].call) if found else (None, "")
                for told in found:
                    message = f"the lists that `{told.program} update` fetches stay in the image"
                    yield self.finding(
                        file,
                        told.head,
                        message,
                        stage=stage,
                        fix=fix,
                        note=note,
                        gain=saved(file, stage),
                        holds=("no later step reads the lists",) if fix else (),
                    )


def _fix(file: File, run: Moment, call: Call) -> tuple[Fix | None, str]:
    """A fix, or why there is none."""
    if are_lists_read(file, run):
        return None, "a later RUN may read them: fetch them there as well, and remove them in both"
    edits = append_command(run.instruction, "rm -rf /var/lib/apt/lists/*", call)
    if not edits:
        return None, "remove `/var/lib/apt/lists` at the end of this RUN"
    return Fix("Remove them in the same RUN", edits, Guarantee.SAME_BUT_CACHES), ""
