"""What `stagelint rule SC2086` says: how ShellCheck is used, and where its check is explained."""

from __future__ import annotations

import re

from stagelint.shellcheck import find

#: The name of all its checks, which selects and silences them together.
NAME = "shellcheck"

WIKI = "https://www.shellcheck.net/wiki/"

_PAGE = """\
{head}

What ShellCheck says of the scripts of RUN, in shell form and in heredocs, also those of ONBUILD: in
the shell that is in force there, with the variables of the build. It is explained at
{url}

Off unless selected: by a code such as SC2086, by SC or by shellcheck. Speaks of shipped stages. Its
fixes are those that ShellCheck proposes; --unsafe-fixes applies them.

{state}
"""


def page(selector: str, *, markdown: bool = False) -> str:
    """What is known of the checks that *selector* stands for."""
    program = find()
    record = document(selector)
    head = f"{record['code']} {NAME}"
    state = f"{program} is asked." if program else "There is no shellcheck; the extra brings it."
    return _PAGE.format(head=f"## {head}" if markdown else head, url=record["url"], state=state)


def document(selector: str) -> dict[str, object]:
    """The same for programs."""
    is_whole = re.fullmatch("SC[0-9]{4}", selector) is not None
    code = selector if is_whole else "SC"
    return {"code": code, "name": NAME, "default": False, "url": WIKI + code if is_whole else WIKI}
