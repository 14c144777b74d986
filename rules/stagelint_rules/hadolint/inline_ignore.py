from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span
from stagelint.syntax.nodes import Comment, Instruction, PieceKind

_PRAGMA = r"#[ \t]*(?:hadolint[ \t]+(?:stage[ \t]+)?ignore[ \t]*=[ \t]*[\w, \t]+|stagelint:[ \t]*ignore[ \t]*\[[^\]\r\n]*\])"


class InlineIgnore(Rule):
    """A comment silences a rule for an instruction.

    Where exceptions have to be agreed on, they stand in the configuration, for all files at once.
    It is off by default. It speaks of `# hadolint ignore=...` and of `# stagelint: ignore[...]`,
    which hadolint does not know; not of comments that speak of the whole file.
    """

    code = "DL1001"
    severity = Severity.INFO
    default = False
    words = ("hadolint", "stagelint:")
    examples = (
        Bad(
            """
            # hadolint ignore=DL3006
            ^^^^^^^^^^^^^^^^^^^^^^^^ this comment silences a rule
            FROM debian
            # stagelint: ignore[DL3003] since it is meant
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^ this comment silences a rule
            RUN cd /src
            """
        ),
        Good(
            """
            # hadolint global ignore=DL3006
            # hadolint shell=bash
            FROM debian
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for span in _comments(file):
            found = re.compile(_PRAGMA).search(file.source.text, span.start, span.end)
            if found:
                at = Span(found.start(), found.start() + len(found[0].rstrip()))
                yield self.finding(file, at, "this comment silences a rule")


def _comments(file: File) -> Iterator[Span]:
    for item in file.tree.items:
        if isinstance(item, Comment):
            yield item.span
        elif isinstance(item, Instruction):
            yield from item.spans(PieceKind.COMMENT)
