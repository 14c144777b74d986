"""Expanding words: what BuildKit's lexer makes of parts and an environment (v0.25.2).

A variable is set (a string), unset (None) or not to be known here (`UNKNOWN`): a base image may
set it. What depends on something unknown is unknown, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum

from stagelint.syntax.characters import SPACE
from stagelint.syntax.words import Literal, Part, Variable, WordError, is_plain, lex
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final


class _Unknown(Enum):
    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown.UNKNOWN
Value = str | _Unknown
Lookup = Callable[[str], Value | None]

#: Beyond these a pattern is not evaluated and its result is unknown: matching could take long.
_MAX_VALUE = 4096
_MAX_ATTEMPTS = 1_000_000

#: A longer text is unknown unless it is written so: variables can double it line by line.
_MAX_TEXT = 32768


class ExpansionError(Exception):
    """The word cannot be expanded; the message is BuildKit's, without the word."""


def expand(text: str, lookup: Lookup, escape: str = "\\") -> Value:
    """*text* as one word, quotes and escapes removed. Raises `ExpansionError`."""
    if is_plain(text, escape):
        return text
    try:
        return _join(part_value(part, lookup) for part in lex(text, escape))
    except WordError as error:
        raise ExpansionError(str(error)) from None


def expand_words(text: str, lookup: Lookup, escape: str = "\\") -> list[str] | _Unknown:
    """*text* as several words: blanks of an unquoted value split it too. Raises `ExpansionError`."""
    found: list[str] = []
    word: str | None = None
    try:
        for part in lex(text, escape):
            value = part_value(part, lookup)
            if isinstance(value, _Unknown):
                return UNKNOWN
            if part.quoted:
                word = (word or "") + value
                continue
            for char in value:
                if char not in SPACE:
                    word = (word or "") + char
                elif word is not None:
                    found.append(word)
                    word = None
    except WordError as error:
        raise ExpansionError(str(error)) from None
    return found if word is None else [*found, word]


def expand_heredoc(text: str, lookup: Lookup) -> Value:
    """An unquoted heredoc's body: quotes are text, a backslash escapes whatever follows.

    Raises `ExpansionError`.
    """
    try:
        return _join(part_value(part, lookup) for part in lex(text, quotes=False))
    except WordError as error:
        raise ExpansionError(str(error)) from None


def pieces(text: str, lookup: Lookup, escape: str = "\\") -> list[Value]:
    """The value of every part of *text*, unknown ones in their place. Raises `ExpansionError`."""
    try:
        return [part_value(part, lookup) for part in lex(text, escape)]
    except WordError as error:
        raise ExpansionError(str(error)) from None


def names(parts: Iterable[Part]) -> Iterable[str]:
    """Every variable the parts look up, inner ones too."""
    for part in parts:
        if isinstance(part, Variable):
            yield part.name
            yield from names(part.word)
            yield from names(part.replacement)


def can_fail(text: str, escape: str = "\\") -> bool:
    """Could *text* fail to expand for some values of its variables? Raises `ExpansionError`."""
    if "${" not in text:
        return False
    try:
        return _can_fail(lex(text, escape))
    except WordError as error:
        raise ExpansionError(str(error)) from None


def _can_fail(parts: Iterable[Part]) -> bool:
    return any(
        part.operator[-1:] in ("?", "#", "%", "/") or _can_fail((*part.word, *part.replacement))
        for part in parts
        if isinstance(part, Variable)
    )


def _join(values: Iterable[Value]) -> Value:
    texts: list[str] = []
    unknown = False
    for value in values:  # to the end: an error further on counts though the value is unknown
        if isinstance(value, _Unknown):
            unknown = True
        else:
            texts.append(value)
    if unknown or (len(texts) > 1 and sum(map(len, texts)) > _MAX_TEXT):
        return UNKNOWN
    return "".join(texts)


def part_value(part: Part, lookup: Lookup) -> Value:
    """What one part of a word becomes. Raises `ExpansionError`."""
    if isinstance(part, Literal):
        return part.value
    value = lookup(part.name)
    if not part.operator:
        return "" if value is None else value
    word = _join(part_value(inner, lookup) for inner in part.word)
    if part.operator[-1] in "-+?":
        return _conditional(part, value, word)
    return _pattern(part, value, word, lookup)


def _conditional(part: Variable, value: Value | None, word: Value) -> Value:
    kind, null_is_unset = part.operator[-1], part.operator[0] == ":"
    if isinstance(value, _Unknown):
        return UNKNOWN
    missing = value is None or (null_is_unset and value == "")
    if kind == "-":
        return word if missing or value is None else value
    if kind == "+":
        return "" if missing else word
    if missing or value is None:
        reason = "unset" if value is None else "empty"
        raise ExpansionError(f"{part.name}: {word or f'is not allowed to be {reason}'}")
    return value


def _pattern(part: Variable, value: Value | None, word: Value, lookup: Lookup) -> Value:
    replacement = _join(part_value(inner, lookup) for inner in part.replacement)
    if isinstance(word, _Unknown):
        return UNKNOWN
    greedy = part.operator[0] == "/"
    if not greedy and word.startswith(part.operator):
        greedy, word = True, word[1:]
    try:
        pattern = _regex(word, greedy)
    except ValueError as error:
        if part.operator[0] == "/":
            raise ExpansionError(f"invalid pattern ({word}) in substitution: {error}") from None
        raise ExpansionError(str(error)) from None
    if isinstance(value, _Unknown) or isinstance(replacement, _Unknown):
        return UNKNOWN
    value = value or ""
    if len(value) + len(replacement) > _MAX_VALUE:
        return UNKNOWN
    if (len(value) + 1) ** (pattern.count(".*") + 1) > _MAX_ATTEMPTS:
        return UNKNOWN
    if "$" in replacement and not replacement.isascii():
        return UNKNOWN  # what is part of a name in it, Go and Python see differently
    if part.operator == "#":
        match = re.match(pattern, value, re.DOTALL)
        return value[match.end() :] if match else value
    if part.operator == "%":
        return _without_suffix(value, pattern, greedy)
    if part.operator == "/":
        return re.sub(pattern, lambda _: replacement, value, count=1, flags=re.DOTALL)
    return _replace_all(pattern, replacement, value)


def _replace_all(pattern: str, replacement: str, value: str) -> str:
    """As Go has it: unlike in Python, nothing empty matches right behind another match."""
    parts: list[str] = []
    at, last = 0, -1
    for match in re.finditer(pattern, value, re.DOTALL):
        if match.start() == match.end() == last:
            continue
        parts += (value[at : match.start()], _template(replacement, match))
        at = last = match.end()
    return "".join((*parts, value[at:]))


def _without_suffix(value: str, pattern: str, greedy: bool) -> str:
    whole = re.compile(f"(?:{pattern})\\Z", re.DOTALL)
    starts = range(len(value) + 1) if greedy else range(len(value), -1, -1)
    for start in starts:
        if whole.match(value, start):
            return value[:start]
    return value


def _regex(pattern: str, greedy: bool) -> str:
    """BuildKit's shell pattern as a regular expression; brackets have no meaning in it."""
    found: list[str] = []
    chars = iter(pattern)
    for char in chars:
        if char == "*":
            found.append(".*" if greedy else ".*?")
        elif char == "?":
            found.append(".")
        elif char == "\\":
            escaped = next(chars, "")
            if escaped not in ("*", "?", "\\", "}", "/") or not escaped:
                raise ValueError(f"invalid escape '\\{escaped}'")
            found.append(re.escape(escaped))
        else:
            found.append(re.escape(char))
    return "".join(found)


def _template(replacement: str, match: re.Match[str]) -> str:
    """Go's regexp template: `$0` and `${0}` are the match; other groups do not exist."""

    def group(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if found[0] == "$$":
            return "$"
        return match[0] if name == "0" else ""

    return re.sub(r"\$\$|\$(\w+)|\$\{(\w+)\}", group, replacement)
