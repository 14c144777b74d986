"""What BuildKit refuses in the options of a `RUN --mount` (v0.25.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from stagelint.syntax.characters import quoted

_SWITCHES = frozenset({"readonly", "ro", "readwrite", "rw", "required"})
_KEYS = _SWITCHES | frozenset(
    "type from source src target dst destination id sharing size mode uid gid env".split()
)

#: Keys that only mounts of these types have; the type must stand before them.
_ONLY_FOR = {"required": ("secret", "ssh"), "size": ("tmpfs",)}

_BOOLEAN = r"(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)\Z"
_VALUES = {
    **dict.fromkeys(_SWITCHES, _BOOLEAN),
    "type": r"(?i)(?:bind|cache|tmpfs|secret|ssh)\Z",
    "sharing": r"(?i)(?:shared|private|locked)\Z",
    "mode": r"[0-7]+\Z",
    "uid": r"[0-9]+\Z",
    "gid": r"[0-9]+\Z",
}


def problem(fields: Iterable[tuple[str, str | None]]) -> str | None:
    """The first thing refused in *fields*, which are taken in order; None if all is well.

    Keys are in lower case; a value with a variable may be anything.
    """
    kind = "bind"
    used: dict[str, str] = {}
    for key, setting in fields:
        if setting is None and key not in _SWITCHES:
            return f"invalid field '{key}' must be a key=value pair"
        if key not in _KEYS:
            return f"unexpected key '{key}' in '{key}={setting}'"
        word = "true" if setting is None else setting
        if key in _ONLY_FOR and kind not in _ONLY_FOR[key]:
            return f"unexpected key '{key}' for mount type '{kind}'"
        if "$" not in word and not re.match(_VALUES.get(key, ""), word):
            return _invalid_value(key, word)
        if key == "type":
            if "$" in word:
                return None
            kind = word.lower()
        used[key] = word
    for key in ("mode", "uid", "gid"):
        if key in used and kind in ("bind", "tmpfs"):
            return f'{key} not allowed for "{kind}" type mounts'
    return _secret_problem(used) if kind == "secret" else _sharing_problem(kind, used)


def _invalid_value(key: str, value: str) -> str:
    if key in ("uid", "gid", "mode"):
        return f"invalid value {value} for {key}"
    if key in _SWITCHES:
        return f"invalid value for {key}: {value}"
    return f"unsupported {'mount type' if key == 'type' else 'sharing value'} {quoted(value)}"


def _secret_problem(used: Mapping[str, str]) -> str | None:
    given = {key for key, value in used.items() if value}
    if "from" in given:
        return "secret mount should not have a from"
    if "sharing" in given:
        return "secret mount should not define sharing"
    if given.isdisjoint({"source", "src", "target", "dst", "destination", "id"}):
        return "invalid secret mount. one of source, target required"
    if "id" in given and not given.isdisjoint({"source", "src"}):
        return "both source and id can't be set"
    return None


def _sharing_problem(kind: str, used: Mapping[str, str]) -> str | None:
    if used.get("sharing") and kind != "cache":
        return f"invalid cache sharing set for {kind} mount"
    return None
