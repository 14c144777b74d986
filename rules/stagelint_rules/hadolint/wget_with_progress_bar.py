from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.calls import Call
from stagelint.model.moments import Moment
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span

#: Options by which nothing is said of the progress, or not in the log of the build.
_QUIET = (
    r"--(?:quiet|no-verbose|progress|output-file|append-output|version|help|spider|background)(?:=|\Z)"
    r"|-[A-Za-z]*q|-nv|-[oabVh]"
)


class WgetWithProgressBar(Rule):
    """A `wget` that writes its progress into the log of the build.

    Where no terminal is, `wget` writes a line for every 50 kB: thousands for one large file. Among
    them, what else the build says is hard to find. `-nv` says a line, `-q` none, and
    `--progress=dot:giga` one for 32 MB.

    It is off by default, since nothing but the log is concerned. Unlike hadolint it is silent about
    the `wget` of busybox in images of alpine that have no other, which knows none of these options
    but `-q`; and about calls that get no file, such as `wget --version`. The fix adds
    `--progress=dot:giga`: the image is the same.
    """

    code = "DL3047"
    severity = Severity.INFO
    default = False
    words = ("wget",)
    examples = (
        Bad(
            """
            FROM debian:12
            RUN wget https://example.com/a.tgz
                ^^^^ `wget` writes its progress into the log of the build
            ONBUILD RUN wget -O b.tgz https://example.com/b.tgz
                        ^^^^ `wget` writes its progress into the log of the build
            """,
            fixed="""
            FROM debian:12
            RUN wget --progress=dot:giga https://example.com/a.tgz
            ONBUILD RUN wget --progress=dot:giga -O b.tgz https://example.com/b.tgz
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM debian:12
            RUN wget -q https://example.com/a && wget -nv https://example.com/a
            RUN wget --progress=dot:giga https://example.com/a && wget -qO- https://example.com/a
            RUN wget --version && wget -o log https://example.com/a && command -v wget
            """
        ),
        Good(
            """
            FROM alpine:3.22
            RUN wget https://example.com/a
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        message = "`wget` writes its progress into the log of the build"
        for stage in file.stages:
            found = [
                (moment, call)
                for moment in file.written(stage)
                for call in moment.calls
                if call.name == "wget" and not _is_quiet(call)
            ]
            if found and not _has_busybox(file, file.moments_behind(stage)):
                for moment, call in found:
                    fix = None if moment.instruction.is_json else _fix(call)
                    yield self.finding(file, call.name_span, message, fix=fix, stage=stage)


def _is_quiet(call: Call) -> bool:
    return any(each and re.match(_QUIET, each) for each in call.arguments)


def _has_busybox(file: File, moments: list[Moment]) -> bool:
    """Is `wget` that of busybox?"""
    image = file.histories[moments[0].stage.index].image if moments else None
    return (
        image is not None
        and image.os in ("alpine", "busybox")
        and not any("wget" in call.words for each in moments for call in each.calls)
    )


def _fix(call: Call) -> Fix | None:
    if call.is_nested:
        return None
    at = call.name_span.end
    edit = Edit(Span(at, at), " --progress=dot:giga")
    return Fix("say less of the progress", (edit,), Guarantee.SAME_IMAGE)
