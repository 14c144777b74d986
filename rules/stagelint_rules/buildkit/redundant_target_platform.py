from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.expansion import ExpansionError, expand
from stagelint.model.lookups import in_flag
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span

_PLATFORM = "linux/amd64"


class RedundantTargetPlatform(Rule):
    """A FROM for `$TARGETPLATFORM`.

    That is the platform a stage is built for anyway, so the flag only suggests that it matters. The
    fix removes it: what is built stays the same. BuildKit's own check `RedundantTargetPlatform`.
    """

    code = "BK011"
    severity = Severity.STYLE
    default = False
    aliases = ("RedundantTargetPlatform", "DL3065")
    words = ("targetplatform",)
    examples = (
        Bad(
            """
            FROM --platform=$TARGETPLATFORM alpine
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^ stages are built for `$TARGETPLATFORM` anyway
            """,
            fixed="""
            FROM alpine
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM --platform=$BUILDPLATFORM alpine
            FROM --platform=${TARGETPLATFORM%/*} alpine
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            flag = stage.platform
            names = [each.name for each in in_flag(stage.opening, "platform")]
            if not flag or names != ["TARGETPLATFORM"]:
                continue
            try:
                value = expand(flag.value or "", lambda _: _PLATFORM, stage.opening.escape)
            except ExpansionError:
                continue
            if value == _PLATFORM:
                logical = stage.opening.logical
                span = logical.span(flag.start, flag.end)
                fix = None
                if logical.contiguous(flag.start, stage.opening.rest_start):
                    gap = Span(span.start, logical.offset(stage.opening.rest_start))
                    fix = Fix("Remove the flag", (Edit(gap),), Guarantee.SAME_IMAGE)
                message = "stages are built for `$TARGETPLATFORM` anyway"
                yield self.finding(file, span, message, fix=fix, stage=stage)
