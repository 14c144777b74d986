from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix
from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class FromAsCasing(Rule):
    """`as` and `FROM` of one line in different case.

    It reads as if it were not written by one hand. The fix writes `AS` as FROM is written. A FROM in
    mixed case is another matter (BK004). BuildKit's own check `FromAsCasing`.
    """

    code = "BK002"
    severity = Severity.STYLE
    default = False
    aliases = ("FromAsCasing",)
    examples = (
        Bad(
            """
            FROM golang as build
                        ^^ `as` and `FROM` differ in case
            """,
            fixed="""
            FROM golang AS build
            """,
        ),
        Bad(
            """
            from golang AS build
                        ^^ `AS` and `from` differ in case
            """,
            fixed="""
            from golang as build
            """,
        ),
        Good(
            """
            FROM golang AS build
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            if stage.raw_name is None:
                continue
            word, keyword = stage.opening.arguments[1], stage.opening.raw_keyword
            if word.value.casefold() != "as":  # an error, which other words may be part of
                continue
            if keyword in (keyword.lower(), keyword.upper()):
                wanted = "as" if keyword.islower() else "AS"
                if word.value != wanted:
                    span = stage.opening.logical.span(word.start, word.end)
                    fix = Fix(f"Write `{wanted}`", (Edit(span, wanted),))
                    message = f"`{word.value}` and `{keyword}` differ in case"
                    yield self.finding(file, span, message, fix=fix, stage=stage)
