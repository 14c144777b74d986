"""Globs of the configuration: which paths they match."""

from __future__ import annotations

import re
from functools import cache


def matches(glob: str, path: str, *, above: bool = True) -> bool:
    """Does *glob* match *path* (relative, `/` between names), or if *above* a folder it lies in?

    A glob without `/` matches any name on the path, another one starts at the root. `*` and `?`
    stay within a name, `**` stands for any number of names.
    """
    regex = _regex(glob)
    return bool(regex.match(f"{path}/") if above else regex.fullmatch(f"{path}/"))


@cache
def _regex(glob: str) -> re.Pattern[str]:
    """For paths that end in `/`. Atomic groups, so that no glob takes long.

    They lose nothing: the first place where what stands between two stars fits leaves most.
    """
    if not glob:
        return re.compile(r"(?!)")
    parts = [part for part in glob.split("/") if part not in ("", ".")] or ["**"]
    if "/" not in glob.rstrip("/"):
        parts.insert(0, "**")
    runs = [""]
    for part in parts:
        if part == "**":
            runs.append("")
        else:
            runs[-1] += _name_regex(part) + "/"
    regex = runs[0] + "".join(f"(?>(?:[^/]+/)*?{run})" for run in runs[1:-1])
    if len(runs) > 1:
        regex += f"(?:[^/]+/)*{runs[-1]}" if runs[-1] else "(?:[^/]+/)+"
    try:
        return re.compile(regex)
    except re.error:  # a range that is the wrong way round
        return re.compile(re.escape(glob) + "/")


def _name_regex(glob: str) -> str:
    runs = [""]
    for token in re.findall(r"\*+|\?|\[[!^]?(?:\][^\]]*|[^\]]+)\]|.", glob, re.DOTALL):
        if token[0] == "*":
            runs.append("")
        elif token == "?":
            runs[-1] += "[^/]"
        elif len(token) == 1:
            runs[-1] += re.escape(token)
        else:
            inverted = token[1] in "!^" and len(token) > 3
            body = re.escape(token[2:-1] if inverted else token[1:-1])
            body = re.sub(r"(?<=\w)\\-(?=\w)", "-", body)
            runs[-1] += f"(?!/)[{'^' if inverted else ''}{body}]"
    if len(runs) == 1:
        return runs[0]
    return runs[0] + "".join(f"(?>[^/]*?{run})" for run in runs[1:-1]) + f"[^/]*{runs[-1]}"
