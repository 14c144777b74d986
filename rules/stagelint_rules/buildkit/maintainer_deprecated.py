from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule
from stagelint.source import Span
from stagelint.syntax.nodes import PieceKind


class MaintainerDeprecated(Rule):
    """A MAINTAINER.

    It is deprecated since Docker 1.13 (2017); a label says the same and can be asked for. The fix
    makes it `LABEL maintainer="..."`, which is what readers of the field look for; the config of the
    image changes. BuildKit's own check `MaintainerDeprecated`.
    """

    code = "BK007"
    aliases = ("MaintainerDeprecated", "DL4000")
    words = ("maintainer",)
    examples = (
        Bad(
            """
            FROM alpine
            MAINTAINER "Ann" <ann@example.com>
            ^^^^^^^^^^ `MAINTAINER` is deprecated: a label says it as well
            """,
            fixed="""
            FROM alpine
            LABEL maintainer="\\"Ann\\" <ann@example.com>"
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM alpine
            LABEL maintainer="ann@example.com"
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage, each in file.instructions("MAINTAINER"):
            span, fix = each.keyword_span, None
            if all(piece.kind in (PieceKind.CODE, PieceKind.NEWLINE) for piece in each.pieces):
                keyword = "label" if each.raw_keyword.islower() else "LABEL"
                value = each.rest.replace(each.escape, each.escape * 2)
                for char in '"$':
                    value = value.replace(char, each.escape + char)
                rest = Span(span.start, each.code_span.end)
                edit = Edit(rest, f'{keyword} maintainer="{value}"')
                fix = Fix("Make it a label", (edit,), Guarantee.BEHAVIOUR)
            message = "`MAINTAINER` is deprecated: a label says it as well"
            yield self.finding(file, span, message, fix=fix, stage=stage)
