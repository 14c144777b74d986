from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix
from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class ExposeProtoCasing(Rule):
    """The protocol of a port in capital letters.

    Builders write it in small letters, so that nobody finds it as it stands here. The fix does so,
    too. BuildKit's own check `ExposeProtoCasing`.
    """

    code = "BK020"
    severity = Severity.STYLE
    default = False
    aliases = ("ExposeProtoCasing",)
    words = ("expose",)
    examples = (
        Bad(
            """
            FROM alpine
            EXPOSE 80/TCP 53/udp
                   ^^^^^^ the protocol of `80/TCP` is not in small letters
            """,
            fixed="""
            FROM alpine
            EXPOSE 80/tcp 53/udp
            """,
        ),
        Good(
            """
            FROM alpine
            EXPOSE 80 443/tcp
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage, moment in file.moments_of("EXPOSE"):
            node = moment.instruction
            for argument in node.arguments:
                port = moment.expand(argument.value)
                protocol = port.rpartition("/")[2] if port and "/" in port else ""
                if not port or protocol == protocol.lower():
                    continue
                span = node.logical.span(argument.start, argument.end)
                edit = Edit(span, argument.value.lower())
                is_plain = "$" not in argument.value
                yield self.finding(
                    file,
                    span,
                    f"the protocol of `{port}` is not in small letters",
                    fix=Fix(f"Write `{port.lower()}`", (edit,)) if is_plain else None,
                    stage=stage,
                )
