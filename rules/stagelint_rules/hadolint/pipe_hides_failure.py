from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.calls import Call
from stagelint.model.moments import Moment
from stagelint.rule import Bad, Finding, Good, Rule

#: Programs that only write what they are given, and do not fail.
_NEVER_FAIL = frozenset({"echo", "printf", "yes", "true", ":"})


class PipeHidesFailure(Rule):
    """A RUN has a pipe, and goes on though what stands in front of it fails.

    A shell only looks at the last program of a pipe: `curl ... | tar x` of nothing may succeed.
    The build then does as well, with an image that lacks something. With `pipefail` the RUN fails:
    `SHELL ["/bin/bash", "-o", "pipefail", "-c"]` sets it for all RUNs that follow, `set -o pipefail`
    for one. The `sh` of Debian and Ubuntu does not know it, those of alpine and busybox do.

    It speaks of all stages, of scripts in `sh -c '...'` and in heredocs as well. Unlike hadolint it
    knows `set -o pipefail` in the RUN, the SHELL of the stage that this one is built on, and programs
    in front that cannot fail, such as `echo`; and it is silent about conditions, where failure is
    asked for, about `|| true`, and about PowerShell and `cmd`.
    """

    code = "DL4006"
    words = ("|",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN curl -fsSL https://example.com/a.tgz | tar xz
                                                       ^^^ the RUN goes on even if `curl` fails: its shell has no `pipefail`
            RUN ["sh", "-c", "make | tee log"]
                             ^^^^^^^^^^^^^^^^ the RUN goes on even if `make` fails: its shell has no `pipefail`
            """
        ),
        Bad(
            """
            FROM debian:12
            RUN <<EOF
            { curl https://example.com/a; cat b; } | while read line; do echo "$line"; done
                                                           ^^^^ the RUN goes on even if `cat` fails: its shell has no `pipefail`
            EOF
            """
        ),
        Good(
            """
            FROM debian:12 AS base
            SHELL ["/bin/bash", "-eo", "pipefail", "-c"]
            FROM base
            RUN curl -fsSL https://example.com/a.tgz | tar xz
            """
        ),
        Good(
            """
            FROM alpine:3.22
            RUN set -o pipefail && wget -O- https://example.com/a.tgz | tar xz
            RUN echo yes | ./install && yes | ./setup && sh -eo pipefail -c 'make | tee log'
            RUN a || b
            """
        ),
        Good(
            """
            FROM example.com/windows/servercore:ltsc2025
            SHELL ["powershell", "-Command"]
            RUN Get-Process | Stop-Process
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for moment in file.written(stage):
                call = _first(moment)
                if call:
                    what = f"`{call.unheard}` fails" if call.unheard else "what is in front fails"
                    message = f"the RUN goes on even if {what}: its shell has no `pipefail`"
                    yield self.finding(file, call.name_span, message, stage=stage)


def _first(moment: Moment) -> Call | None:
    for call in moment.calls if "|" in moment.instruction.script else ():
        if call.unheard is not None and call.unheard not in _NEVER_FAIL:
            return call
    return None
