from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule, Severity

_SECRET = (
    r"(?i)(?:.*_)?(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_.*)?\Z"
)
_HARMLESS = r"(?i)(?:.*_)?{}(?:_.*)?\Z"


class SecretsUsedInArgOrEnv(Rule):
    """An ARG or ENV that is called like a secret.

    Build arguments and variables stay in the image, where everybody can read them. `RUN
    --mount=type=secret` gives a secret to one step alone. It goes by the name: one with a part like
    `PASSWORD`, `TOKEN` or `KEY`, and none like `PUBLIC`, `FILE` or `VERSION`. What shows that a
    secret is in an image is SL213. BuildKit's own check `SecretsUsedInArgOrEnv`.
    """

    code = "BK018"
    security_severity = "5.5"
    severity = Severity.INFO
    aliases = ("SecretsUsedInArgOrEnv", "DL3064")
    words = ("auth", "credential", "key", "password", "pword", "passwd", "secret", "token")
    examples = (
        Bad(
            """
            FROM alpine
            ARG API_KEY
                ^^^^^^^ `API_KEY` is called like a secret, and an ARG is no place for one
            ENV DB_PASSWORD=x PORT=1
                ^^^^^^^^^^^ `DB_PASSWORD` is called like a secret, and an ENV is no place for one
            """
        ),
        Good(
            """
            ARG TOKEN
            FROM alpine
            ENV PUBLIC_KEY=x TOKENIZER=y MONKEY=z TOKEN_FILE=/run/secrets/token
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        is_new = file.tree.frontend.version >= (1, 22)
        harmless = _HARMLESS.format("(?:public|file|version)" if is_new else "public")
        for stage, each in file.instructions("ARG", "ENV"):
            for pair in each.pairs:
                if re.match(_SECRET, pair.key) and not re.match(harmless, pair.key):
                    span = each.logical.span(pair.start, pair.start + len(pair.key))
                    message = (
                        f"`{pair.key}` is called like a secret,"
                        f" and an {each.keyword} is no place for one"
                    )
                    yield self.finding(file, span, message, stage=stage)
