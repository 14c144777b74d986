from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule


class ExposeInvalidFormat(Rule):
    """An EXPOSE with an address or a port of the host.

    It says which ports a container listens on; where they are published is for `docker run -p`. Builders
    ignore all but the port of the container; the fix leaves that alone. BuildKit's own check
    `ExposeInvalidFormat`.
    """

    code = "BK021"
    aliases = ("ExposeInvalidFormat",)
    words = ("expose",)
    examples = (
        Bad(
            """
            FROM alpine
            EXPOSE 127.0.0.1:8080:80/tcp 443
                   ^^^^^^^^^^^^^^^^^^^^^ `127.0.0.1:8080:80/tcp` names more than a port of the container
            """,
            fixed="""
            FROM alpine
            EXPOSE 80/tcp 443
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM alpine
            EXPOSE 80/tcp 8000-8010
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage, moment in file.moments_of("EXPOSE"):
            node = moment.instruction
            for argument in node.arguments:
                port = moment.expand(argument.value)
                if not port or ":" not in port:
                    continue
                inner = port.rpartition(":")[2]
                span = node.logical.span(argument.start, argument.end)
                fix = Fix(f"Write `{inner}`", (Edit(span, inner),), Guarantee.SAME_IMAGE)
                is_plain = port == argument.value and inner.partition("/")[0]
                yield self.finding(
                    file,
                    span,
                    f"`{port}` names more than a port of the container",
                    fix=fix if is_plain else None,
                    stage=stage,
                )
