from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix
from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule
from stagelint.syntax.nodes import PieceKind


class NoEmptyContinuation(Rule):
    """An empty line within an instruction that goes on behind it.

    Builders still skip it, but have said for years that this will become an error. The fix removes
    the empty lines; comments within an instruction may stay. BuildKit's own check
    `NoEmptyContinuation`.
    """

    code = "BK003"
    aliases = ("NoEmptyContinuation",)
    examples = (
        Bad(
            """
            FROM alpine
            RUN apk add \\
                curl \\

            ^ empty line within the `RUN`

                git
            """,
            fixed="""
            FROM alpine
            RUN apk add \\
                curl \\
                git
            """,
        ),
        Good(
            """
            FROM alpine
            RUN apk add \\
                # for downloads
                curl

            CMD ["sh"]
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for each in file.tree.instructions if file.is_read else ():
            blanks = each.spans(PieceKind.BLANK)
            if blanks:
                fix = Fix("Remove the empty lines", tuple(Edit(blank) for blank in blanks))
                message = f"empty line within the `{each.keyword}`"
                yield self.finding(file, blanks[0], message, fix=fix)
