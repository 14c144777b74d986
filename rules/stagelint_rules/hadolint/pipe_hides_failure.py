from __future__ import annotations

import posixpath
from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.calls import Call
from stagelint.model.moments import Moment
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span

#: Programs that only write what they are given, and do not fail.
_NEVER_FAIL = frozenset({"echo", "printf", "yes", "true", ":"})
#: Programs that fail now and then, whatever the Dockerfile says.
_FETCH = frozenset({"curl", "wget"})
#: Programs that do not miss what a download has not brought.
_TIDY = frozenset({"rm", "echo", "printf", "true", ":"})
_TIDYING = frozenset({"clean", "autoclean", "autoremove"})
#: What else writes nothing, or less, as soon as it fails.
_PASS_ON = frozenset("gzip gunzip zcat bzip2 bunzip2 bzcat xz unxz xzcat zstd unzstd".split())
#: Programs that fail themselves when they read nothing, or what is broken off: GNU tar 1.35, GnuPG
#: 2.2, gzip 1.12, bzip2 1.0.8, XZ 5.4 and BusyBox 1.35 do.
_NOTICE = frozenset("tar gpg apt-key gunzip zcat bunzip2 bzcat unxz xzcat unzstd".split())

_NOTE = 'with bash in the image, `SHELL ["/bin/bash", "-o", "pipefail", "-c"]` sets it'


class PipeHidesFailure(Rule):
    """A RUN has a pipe, and goes on though what stands in front of it fails.

    A shell only looks at the last program of a pipe: `curl ... | sh` of nothing succeeds. The build
    then does as well, with an image that lacks something. With `pipefail` the RUN fails:
    `SHELL ["/bin/bash", "-o", "pipefail", "-c"]` sets it for all RUNs that follow, `set -o
    pipefail` for one. The `sh` of Debian and Ubuntu does not know it, those of alpine and busybox
    do.

    It is a warning if a download stands in front, which fails with the network, and nothing but tidying
    up follows in the RUN: its layer is then kept in the cache as if all was well. Else it is
    information.
    It speaks of all stages, of scripts in `sh -c '...'` and in heredocs as well. Unlike hadolint it
    knows `set -o pipefail` in the RUN, the SHELL of the stage that this one is built on, programs in
    front that cannot fail, such as `echo`, and those behind that fail if a download has: `tar` and
    `gpg` read no half of a file. It is silent about PowerShell and `cmd`.

    The fix sets it for the RUN, where the shell is known to have it. It is not safe: a build that
    hid a failure fails then.
    """

    code = "DL4006"
    words = ("|",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN curl -fsSL https://example.com/install | sh
                                                         ^^ the RUN goes on even if `curl` fails: its shell has no `pipefail`
            RUN wget -qO- https://example.com/key | gpg --dearmor | tee /etc/apt/keyrings/key.gpg
                                                    ^^^ the RUN goes on even if `wget` fails: its shell has no `pipefail`
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
        Bad(
            """
            FROM alpine:3.22
            RUN make; \\
                wget -O- https://example.com/install | sh
                                                       ^^ the RUN goes on even if `wget` fails: its shell has no `pipefail`
            RUN sh -c 'make | sh'
                      ^^^^^^^^^^^ the RUN goes on even if `make` fails: its shell has no `pipefail`
            SHELL ["/bin/bash", "-c"]
            ONBUILD RUN sort a | tee b
                                 ^^^ the RUN goes on even if `sort` fails: its shell has no `pipefail`
            """,
            fixed="""
            FROM alpine:3.22
            RUN set -o pipefail; make; \\
                wget -O- https://example.com/install | sh
            RUN sh -c 'make | sh'
            SHELL ["/bin/bash", "-c"]
            ONBUILD RUN set -o pipefail; sort a | tee b
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM debian:12 AS base
            SHELL ["/bin/bash", "-eo", "pipefail", "-c"]
            FROM base
            RUN curl -fsSL https://example.com/install | sh
            """
        ),
        Good(
            """
            FROM debian:12
            RUN curl -fsSL https://example.com/a.tgz | tar xz
            RUN curl -fsSL https://example.com/a.tar.xz | xz -d | tar x
            RUN wget -qO- https://example.com/key | gpg --dearmor -o /etc/apt/keyrings/key.gpg
            """
        ),
        Good(
            """
            FROM alpine:3.22
            RUN set -o pipefail && wget -O- https://example.com/install | sh
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
                    is_download = call.unheard in _FETCH and _is_last(moment, call)
                    severity = None if is_download else Severity.INFO
                    span = call.name_span
                    fix = _fix(moment) if not call.is_nested and _knows_it(file, moment) else None
                    note = "" if fix else _NOTE
                    yield self.finding(
                        file, span, message, severity=severity, fix=fix, note=note, stage=stage
                    )


def _knows_it(file: File, moment: Moment) -> bool:
    """Is the shell known to have `pipefail`?"""
    image = file.histories[moment.stage.index].image
    has_busybox = image is not None and image.os in ("alpine", "busybox")
    name = posixpath.basename(moment.shell[0]) if moment.shell else ""
    return name in ("bash", "zsh", "ksh", "ash") or (has_busybox and name == "sh")


def _fix(moment: Moment) -> Fix | None:
    node = moment.instruction
    if node.is_json or node.heredocs:
        return None
    at = node.logical.offset(node.rest_start)
    edit = Edit(Span(at, at), "set -o pipefail; ")
    return Fix("set `pipefail` for this RUN", (edit,), Guarantee.BEHAVIOUR)


def _first(moment: Moment) -> Call | None:
    """The first program of a RUN that a failure is hidden by, of a download if there is one."""
    found: list[Call] = []
    after, is_heard = None, True
    for call in reversed(moment.calls if "|" in moment.instruction.script else ()):
        feeds = after is not None and after.unheard == call.name
        is_heard = not feeds or (is_heard and after is not None and _fails_with(after))
        if call.unheard not in (None, *_NEVER_FAIL) and not (is_heard and _fails_with(call)):
            found.insert(0, call)
        after = call
    return next((each for each in found if each.unheard in _FETCH), found[0] if found else None)


def _is_last(moment: Moment, call: Call) -> bool:
    """Does nothing follow *call* that may miss what a download should have brought?"""
    following = (each for each in moment.calls if each.span.start > call.span.start)
    return all(
        each.name in _TIDY or each.unheard is not None or not _TIDYING.isdisjoint(each.words)
        for each in following
    )


def _fails_with(call: Call) -> bool:
    """Does it fail as well if what feeds it has?"""
    decompresses = call.name in _PASS_ON and any(
        each and each[0] == "-" and "d" in each for each in call.arguments
    )
    return (call.name in _NOTICE or decompresses) and call.unheard in _FETCH | _PASS_ON
