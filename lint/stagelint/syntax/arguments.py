"""How the text after the flags is split: words, quoted words, key=value pairs, JSON arrays."""

from __future__ import annotations

import re
from functools import lru_cache

from stagelint.syntax.characters import BLANKS, SPACE, WORD, quoted
from stagelint.syntax.nodes import Argument, Flag, Pair


class SplitError(Exception):
    """The arguments break BuildKit's line parser; the message is its own."""


def flags(text: str, at: int, escape: str) -> tuple[tuple[Flag, ...], int]:
    """The flags from *at* on, and where the arguments after them start."""
    found: list[Flag] = []
    end = len(text)
    while True:
        while at < end and text[at] in SPACE:
            at += 1
        if not text.startswith("--", at):
            return tuple(found), at
        start, word = at, list[str]()
        value_start, quote = 0, ""
        while at < end and (quote or text[at] not in SPACE):
            char = text[at]
            if char == escape:
                at += 1
                word.append(text[at : at + 1])
            elif char == quote:
                quote = ""
            elif not quote and char in "'\"":
                quote = char
            else:
                word.append(char)
                if char == "=" and not value_start:
                    value_start = at + 1
            at += 1
        at = min(at, end)
        cooked = "".join(word)
        if cooked == "--":
            while at < end and text[at] in SPACE:
                at += 1
            return tuple(found), at
        name, equals, value = cooked[2:].partition("=")
        found.append(Flag(name, value if equals else None, start, at, value_start or at))


def split_words(text: str, at: int) -> tuple[Argument, ...]:
    """Words between ASCII blanks from *at* on; quotes and escapes group nothing."""
    return tuple([Argument(word[0], *word.span()) for word in WORD.finditer(text, at)])


_STRING = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
_STRINGS = re.compile(
    rf"\[[ \t\r\n]*(?:{_STRING}[ \t\r\n]*(?:,[ \t\r\n]*{_STRING}[ \t\r\n]*)*)?\]\Z"
)
_EACH_STRING = re.compile(_STRING)


def split_json(text: str, at: int) -> tuple[Argument, ...] | None:
    """The strings of a JSON array that is all of the text from *at* on; None if it is not one.

    Raises `SplitError` for an array that holds anything but strings.
    """
    if not text.startswith("[", at):
        return None
    if _STRINGS.match(text, at):
        return tuple(
            Argument(_decode(word[0]), *word.span()) for word in _EACH_STRING.finditer(text, at)
        )
    if _is_json_array(text[at:]):
        raise SplitError("when using JSON array syntax, arrays must be comprised of strings only")
    return None


def _decode(string: str) -> str:
    """A JSON string as Go decodes it: what is not Unicode becomes U+FFFD."""
    if "\\" in string:
        import json

        value: str = json.loads(string)
    else:
        value = string[1:-1]
    if value.isascii():
        return value
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in value)


def _is_json_array(text: str) -> bool:
    import json

    def number(digits: str) -> float:
        value = float(digits)
        if value in (float("inf"), float("-inf")):
            raise ValueError(digits)
        return value

    def constant(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(text, parse_int=number, parse_float=number, parse_constant=constant)
    except (ValueError, RecursionError):
        return False
    return True


@lru_cache(maxsize=4)
def _quoted_words(escape: str) -> re.Pattern[str]:
    e = re.escape(escape)
    space = re.escape(SPACE)
    return re.compile(
        rf"""(?:{e}[\s\S]|'[^']*(?:'|\Z)|"(?:{e}[\s\S]|[^"{e}])*(?:"|{e}?\Z)|[^{space}{e}'"]+)+"""
    )


def split_quoted(text: str, at: int, escape: str) -> tuple[Argument, ...]:
    """Words between blanks, where quotes and escapes group; both are kept in the word."""
    return tuple(
        [Argument(word[0], *word.span()) for word in _quoted_words(escape).finditer(text, at)]
    )


def pairs(keyword: str, text: str, at: int, escape: str) -> tuple[Pair, ...]:
    """The pairs of ENV and LABEL, in the old form (`ENV key value`) or the new.

    Raises `SplitError`.
    """
    found = split_quoted(text, at, escape)
    if found and "=" not in found[0].value:
        blanks = BLANKS.search(text, at)
        if not blanks:
            raise SplitError(f"{keyword} must have two arguments")
        return (Pair(text[at : blanks.start()], text[blanks.end() :], at, len(text)),)
    for word in found:
        if "=" not in word.value:
            raise SplitError(
                f"Syntax error - can't find = in {quoted(word.value)}."
                " Must be of the form: name=value"
            )
    return tuple(_pair(word) for word in found)


def names(text: str, at: int, escape: str) -> tuple[Pair, ...]:
    """The `name` and `name=value` words of ARG."""
    return tuple(_pair(word) for word in split_quoted(text, at, escape))


def _pair(word: Argument) -> Pair:
    key, equals, value = word.value.partition("=")
    return Pair(key, value if equals else None, word.start, word.end)
