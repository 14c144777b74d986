from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix
from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.syntax.nodes import Instruction, Pair

#: A value that needs no quotes, besides letters and digits.
_PLAIN = frozenset("-_./:@%+,=$~{}*?")


class LegacyKeyValueFormat(Rule):
    """An ENV or LABEL without `=`.

    The old form takes all of the line for one value, which surprises who expects two. The fix writes
    `key=value`, with quotes where they are needed, so that the value stays the same. BuildKit's own
    check `LegacyKeyValueFormat`.
    """

    code = "BK015"
    severity = Severity.INFO
    aliases = ("LegacyKeyValueFormat",)
    words = ("env", "label")
    examples = (
        Bad(
            """
            FROM alpine
            ENV PATH /app:$PATH
            ^^^^^^^^^^^^^^^^^^^ `ENV key value` is the old form of `ENV key=value`
            LABEL about our app
            ^^^^^^^^^^^^^^^^^^^ `LABEL key value` is the old form of `LABEL key=value`
            """,
            fixed="""
            FROM alpine
            ENV PATH=/app:$PATH
            LABEL about="our app"
            """,
        ),
        Good(
            """
            FROM alpine
            ENV PATH=/app:$PATH A="b c"
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage, each in file.instructions("ENV", "LABEL"):
            pair = each.pairs[0] if len(each.pairs) == 1 else None
            if pair and each.logical.text[pair.start + len(pair.key)] != "=":
                yield self.finding(
                    file,
                    each.code_span,
                    f"`{each.keyword} key value` is the old form of `{each.keyword} key=value`",
                    fix=_fix(each, pair),
                    stage=stage,
                )


def _fix(node: Instruction, pair: Pair) -> Fix | None:
    value = pair.value or ""
    start = pair.start + len(pair.key)
    if not node.logical.contiguous(start, pair.end):
        return None
    if not all(char.isalnum() or char in _PLAIN for char in value):
        if any(char in value for char in ("'", node.escape)) or value.count('"') % 2:
            return None
        is_quoted = value[:1] == value[-1:] == '"' and '"' not in value[1:-1]
        if '"' in value and not is_quoted:
            return None
        value = value if is_quoted else f'"{value}"'
    return Fix("Write `key=value`", (Edit(node.logical.span(start, pair.end), f"={value}"),))
