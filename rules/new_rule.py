"""Start a rule: `python rules/new_rule.py copy-of-everything SL199`.

Writes a file whose tests are red until the rule is written; one with a code of BuildKit's or hadolint's
(BK023, DL3068), or of an optimization (SL318), in their folder.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

#: Where the rules lie that have a folder of their own, by how their codes begin.
FOLDERS = {"BK": "buildkit", "DL": "hadolint", "SL3": "optimizations"}

TEMPLATE = '''from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Rule


class {name}(Rule):
    """TODO: what is wrong, in one line.

    TODO: why it matters, in one sentence. Then what happens, and what the fix does.
    """

    code = "{code}"
    examples = (
        Bad(
            """
            FROM alpine
            ^^^^^^^^^^^ TODO: what is wrong
            """
        ),
        Good(
            """
            FROM scratch
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        yield from ()
'''


def main(arguments: list[str]) -> int:
    """Write the file of a new rule; returns the exit status."""
    if len(arguments) != 2 or not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", arguments[0]):
        print(__doc__, file=sys.stderr)
        return 2
    slug, code = arguments
    folder = (
        Path(__file__).parent
        / "stagelint_rules"
        / next((each for start, each in FOLDERS.items() if code.startswith(start)), "")
    )
    path = folder / f"{slug.replace('-', '_')}.py"
    name = "".join(part.capitalize() for part in slug.split("-"))
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(TEMPLATE.format(name=name, code=code))
    except FileExistsError:
        print(f"{path} exists", file=sys.stderr)
        return 2
    print(f"wrote {path}; write it, then `make rules test`")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
