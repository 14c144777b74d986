"""What a `.dockerignore` leaves out of the build context, as BuildKit matches it (moby/patternmatcher)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import cached_property

from stagelint.source import Source

#: A longer pattern is none that anybody wrote, and is not matched.
_LONGEST = 1000
#: Two stars and more make a pattern slow; with so many it is not matched.
_MOST_STARS = 8


class DockerIgnore:
    """The patterns of one file."""

    def __init__(self, source: Source) -> None:
        self.source = source

    @cached_property
    def patterns(self) -> list[str]:
        """Clean, in order; those that take files back in begin with `!`."""
        return list(_patterns(self.source.text))

    @property
    def has_exceptions(self) -> bool:
        return any(pattern.startswith("!") for pattern in self.patterns)

    def leaves_out(self, path: str) -> bool:
        """Is *path*, relative to the context, or a folder that it lies in, left out?"""
        parts = posixpath.normpath(path).split("/")
        paths = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        is_left_out = False
        for pattern, regex in self._compiled:
            if any(regex.match(each) for each in paths):
                is_left_out = not pattern.startswith("!")
        return is_left_out

    @cached_property
    def _compiled(self) -> list[tuple[str, re.Pattern[str]]]:
        found: list[tuple[str, re.Pattern[str]]] = []
        for pattern in self.patterns:
            regex = matcher(pattern.removeprefix("!"))
            if regex:
                found.append((pattern, regex))
        return found


def _patterns(text: str) -> Iterator[str]:
    for line in text.removeprefix("\ufeff").split("\n"):
        if line.startswith("#"):
            continue
        pattern = line.strip()
        mark = "!" if pattern.startswith("!") else ""
        pattern = pattern.removeprefix("!").strip()
        if pattern:
            pattern = posixpath.normpath(pattern)
            pattern = pattern[1:] if len(pattern) > 1 and pattern.startswith("/") else pattern
            yield mark + pattern


def matcher(pattern: str) -> re.Pattern[str] | None:
    """What matches a whole path as *pattern* does; None if that is none, or takes too long."""
    if len(pattern) > _LONGEST or pattern.count("*") > _MOST_STARS:
        return None
    try:
        return re.compile(_regex(pattern))
    except re.error:
        return None


def _regex(pattern: str) -> str:
    tokens = re.compile(r"\*\*/?|\*|\?|\\.|\[\^?[^\]]*\]|.", re.DOTALL)
    regex = ""
    for token in tokens.finditer(pattern):
        match token[0]:
            case "**/" | "**":
                regex += ".*" if token.end() == len(pattern) else "(?:.*/)?"
            case "*":
                regex += "[^/]*"
            case "?":
                regex += "[^/]"
            case text if len(text) > 1 and text[0] == "\\":
                regex += re.escape(text[1])
            case text if len(text) > 1:  # Python warns of signs that may once be operators
                regex += "[" + re.sub(r"[\[&~|]|(?<=-)-", r"\\\g<0>", text[1:])
            case text:
                regex += re.escape(text)
    return regex + r"\Z"
