from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix
from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class ConsistentInstructionCasing(Rule):
    """A keyword in another case than most keywords of the file.

    Keywords stand out only if all are written alike. The fix writes it as most are: in capitals,
    unless more are in small letters. ARGs before the first FROM and what stands behind ONBUILD are
    not looked at. BuildKit's own check `ConsistentInstructionCasing`.
    """

    code = "BK004"
    severity = Severity.STYLE
    default = False
    aliases = ("ConsistentInstructionCasing",)
    examples = (
        Bad(
            """
            FROM alpine
            RUN a
            cmd ["sh"]
            ^^^ `cmd` is not in capitals, as most keywords here
            """,
            fixed="""
            FROM alpine
            RUN a
            CMD ["sh"]
            """,
        ),
        Bad(
            """
            from alpine
            run a
            Cmd ["sh"]
            ^^^ `Cmd` is not in small letters, as most keywords here
            """,
            fixed="""
            from alpine
            run a
            cmd ["sh"]
            """,
        ),
        Good(
            """
            arg A=1
            FROM alpine
            ONBUILD run a
            CMD ["sh"]
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        words = [each for stage in file.stages for each in (stage.opening, *stage.instructions)]
        small = sum(each.raw_keyword.islower() for each in words)
        is_small = small > sum(each.raw_keyword.isupper() for each in words)
        for each in words:
            raw = each.raw_keyword
            wanted = raw.lower() if is_small else raw.upper()
            if raw != wanted:
                fix = Fix(f"Write `{wanted}`", (Edit(each.keyword_span, wanted),))
                how = "in small letters" if is_small else "in capitals"
                message = f"`{raw}` is not {how}, as most keywords here"
                yield self.finding(file, each.keyword_span, message, fix=fix)
