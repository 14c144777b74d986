from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.moments import Moment
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity


class ConsecutiveRuns(Rule):
    """A RUN of one command follows another one.

    Each RUN is a layer of its own, with a cost where it is pulled, and keeps what a later one
    removes. It is off by default: two layers are cached apart, which is often meant, and their
    number hardly matters to BuildKit.

    It speaks of stages that ship, and of RUNs of one command with the same mounts and options, with
    nothing but comments in between. Unlike hadolint it takes a heredoc for the commands in it.
    """

    code = "DL3059"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    widens = True
    words = ("run",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN useradd app
            # for the log
            RUN mkdir /log
            ^^^ this could be one RUN with the one in line 2
            RUN --network=none make
            """
        ),
        Good(
            """
            FROM debian:12
            RUN useradd app
            ENV A=1
            RUN mkdir /log
            RUN make && make install
            RUN make clean
            RUN --mount=type=cache,target=/root/.cache make
            ONBUILD RUN a
            ONBUILD RUN b
            """
        ),
        Good(
            """
            FROM golang:1.25 AS build
            RUN go mod download
            RUN go build
            FROM scratch
            COPY --from=build /app /app
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            before: Moment | None = None
            for moment in file.histories[stage.index].own:
                node = moment.instruction
                is_alone = _is_alone(moment)
                if is_alone and before and _options(before) == _options(moment):
                    line = file.source.position(before.instruction.code_start).line
                    message = f"this could be one RUN with the one in line {line}"
                    yield self.finding(file, node.keyword_span, message, stage=stage)
                before = moment if is_alone else None


def _is_alone(moment: Moment) -> bool:
    """Is it a RUN of one command?"""
    if moment.instruction.keyword != "RUN":
        return False
    calls = [each for each in moment.calls if not each.is_inner]
    return len(calls) == 1 and not calls[0].is_conditional


def _options(moment: Moment) -> list[tuple[str, str | None]]:
    return sorted((each.name, each.value) for each in moment.instruction.flags)
