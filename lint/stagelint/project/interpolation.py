"""`$NAME` and `${NAME:-default}` as Compose and its like write them in their files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from stagelint.project.text import Text, expand

_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<name>[A-Za-z_]\w*)"
    r"|\{(?P<braced>[A-Za-z_]\w*)(?:(?P<operator>:?[-?+])(?P<operand>(?:[^{}]|\$\{[^{}]*\})*))?\})"
)


def alternatives(text: Text, known: Mapping[str, Text] | None = None) -> list[Text]:
    """What *text* may be; *known* are the values of a file such as `.env`, which may be set anew."""

    def value(match: re.Match[str], whole: Text) -> Sequence[Text]:
        if match["escaped"]:
            return [whole[1:2]]
        found = (known or {}).get(match["name"] or match["braced"])
        if found is not None:
            return [found.as_default()]
        if match["operator"] in (":-", "-"):
            start, end = match.span("operand")
            operand = whole[start - match.start() : end - match.start()]
            return [each.as_default() for each in alternatives(operand, known)]
        return [whole.as_unknown()]

    found = expand(text, _VARIABLE, value)
    if any("${" in each.text for each in found):  # a form that is not read
        return [text.as_unknown()]
    return found
