"""Requirements of Python packages, as pip reads them (pip.pypa.io, "Requirements File Format")."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

from stagelint.tuples import NamedTuple

#: Files that name each other are read so far.
_MOST_FILES = 20
#: At the head of a requirement: its name (PEP 508), and extras.
_NAME = r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*(?=[<>=!~;@(\s]|\Z)"
#: Options that stand alone on a line, and name no package.
_SETTINGS = (
    r"(?:--(?:index-url|extra-index-url|trusted-host|find-links|prefer-binary|pre|require-hashes|no-index)|-[if])"
    r"(?:[= ].*)?"
)


class Requirements(NamedTuple):
    """What is asked for."""

    names: frozenset[str] = frozenset()
    """Normalized (PEP 503), `name[extra]` for each extra besides."""
    pinned: Mapping[str, tuple[int, ...]] = {}
    """Versions of those that must have one version, as far as they are numbers."""
    unknown: str = ""
    """A line that says of no package which it is; empty if all do."""

    def joined(self, other: Requirements) -> Requirements:
        """With what *other* asks for."""
        pinned = {**self.pinned, **other.pinned}
        return Requirements(self.names | other.names, pinned, self.unknown or other.unknown)


def normalized(name: str) -> str:
    """*name* as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement(line: str) -> Requirements:
    """What one requirement asks for: `Flask>=2`, `psycopg[c]`, `x @ https://...`."""
    found = re.match(_NAME, line)
    if found is None or "://" in line or line.startswith((".", "/")):
        return Requirements(unknown=line)
    name = normalized(found[1])
    extras = (each.strip() for each in (found[2] or "").split(","))
    names = frozenset({name, *(f"{name}[{normalized(each)}]" for each in extras if each)})
    version = re.match(r"\s*={2,3}\s*(\d+(?:\.\d+)*)", line[found.end() :])
    pinned = {name: tuple(int(e[:9]) for e in version[1].split("."))} if version else {}
    return Requirements(names, pinned)


def read(path: str, text: Callable[[str], str | None]) -> Requirements | None:
    """What the file at *path* asks for, and those that it names; *text* reads one by its path.

    None if one of them is not known.
    """
    found = Requirements()
    pending, seen = [path], {path}
    while pending:
        at = pending.pop()
        content = text(at)
        if content is None or len(seen) > _MOST_FILES:
            return None
        for line in _lines(content):
            other = re.fullmatch(r"(?:-r|--requirement)[= ]*(\S+)", line)
            if other:
                name = posixpath.normpath(posixpath.join(posixpath.dirname(at), other[1]))
                pending += [name] if name not in seen else []
                seen.add(name)
            elif not re.fullmatch(rf"{_SETTINGS}|(?:-c|--constraint)[= ].*", line):
                found = found.joined(requirement(line))
    return found


def _lines(text: str) -> list[str]:
    """Without comments, and with those joined that a backslash joins."""
    joined = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\\\n", " ")
    lines = (re.sub(r"(?:\A|\s)#.*", "", line).strip() for line in joined.split("\n"))
    return [line for line in lines if line]
