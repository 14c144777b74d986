"""The language inside a word: quotes, escapes and variable references, as BuildKit's lexer has it.

`lex` turns text into parts that know where they stand; expanding them is the business of
`stagelint.model.expansion`. Offsets are 0-based and relative to the text given.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from stagelint.syntax.characters import SPACE
from stagelint.tuples import NamedTuple


class Literal(NamedTuple):
    """Text as it will be, with its quotes and escapes gone; *quoted* text never splits a word."""

    start: int
    end: int
    value: str
    quoted: bool


class Variable(NamedTuple):
    """`$name` or `${name...}`.

    *operator* is empty or one of `:- - :+ + :? ? # % / //`; *word* is what follows it (the pattern
    of `/`), *replacement* the last part of `${name/pattern/replacement}`.
    """

    start: int
    end: int
    name: str
    quoted: bool
    operator: str = ""
    word: tuple[Part, ...] = ()
    replacement: tuple[Part, ...] = ()


Part = Literal | Variable


class WordError(Exception):
    """The text is no word; the message is BuildKit's."""


#: Deeper nesting than this is refused, so that hostile text cannot exhaust the stack.
DEPTH = 60

_SPECIAL = "@*#?-$!0"

#: One at the start of a word is dropped when the word is expanded (v0.25.2).
_BOM = "\ufeff"
_MODIFIERS = "+-?#%"

#: The parts of longer texts are not kept.
_SHORT = 256


def lex(text: str, escape: str = "\\", *, quotes: bool = True) -> tuple[Part, ...]:
    """The parts of *text*, in order; quotes are plain text unless *quotes*. Raises `WordError`."""
    if len(text) > _SHORT:
        return _Lexer(text, escape, quotes).parts()
    return _parts(text, escape, quotes)


@lru_cache(maxsize=4096)
def _parts(text: str, escape: str, quotes: bool) -> tuple[Part, ...]:
    """A word is asked about again and again: by whoever finds its errors, its value, who reads it."""
    return _Lexer(text, escape, quotes).parts()


def is_plain(text: str, escape: str = "\\") -> bool:
    """Is *text* what it means: one word without variables, quotes and escapes?"""
    return not ("$" in text or escape in text or "'" in text or '"' in text or _BOM in text)


def split(text: str) -> list[tuple[int, int]]:
    """The raw words of a whole line, as the search for heredocs sees them: (start, end) each.

    The escape character is a backslash whatever the file says. Blanks after `<<` belong to the
    word. Raises `WordError`.
    """
    words: list[tuple[int, int]] = []
    start = -1
    for part in lex(text):
        if isinstance(part, Variable) or part.quoted:
            start = part.start if start < 0 else start
            continue
        at = part.start
        while at < part.end:
            if text[at] not in SPACE:
                start = at if start < 0 else start
            elif start >= 0:
                if _ends_in_heredoc(text[max(start, part.start) : at]) and text[at] in "\t\r ":
                    while at + 1 < part.end and text[at + 1] in "\t\r ":
                        at += 1
                else:
                    words.append((start, at))
                    start = -1
            at += 1
    if start >= 0:
        words.append((start, len(text)))
    return words


def _ends_in_heredoc(text: str) -> bool:
    """Does *text* end in `<<`, where `<<<` is `<<` and a single `<`?"""
    count = len(text) - len(text.rstrip("<"))
    return count > 0 and count % 2 == 0


@cache
def _ordinary(special: str) -> re.Pattern[str]:
    """One or more of all other characters; of *special* ones there are few combinations."""
    return re.compile(f"[^{re.escape(special)}]+")


class _Lexer:
    def __init__(self, text: str, escape: str, quotes: bool) -> None:
        self.text = text
        self.quotes = "'\"" if quotes else ""
        self.escape = escape
        self.at = len(_BOM) if text.startswith(_BOM) else 0
        self.depth = 0

    def parts(self) -> tuple[Part, ...]:
        return tuple(self._until("", raw_escapes=False, quoted=False))

    def _until(self, stop: str, *, raw_escapes: bool, quoted: bool) -> list[Part]:
        """Parts up to *stop*, which is consumed; up to the end of the text if it is empty."""
        text, parts = self.text, list[Part]()
        ordinary = _ordinary("$" + self.quotes + self.escape + stop)
        while self.at < len(text):
            start, char = self.at, text[self.at]
            if char == stop:
                self.at += 1
                return parts
            if char == "$":
                parts.append(self._dollar(quoted))
            elif char in self.quotes:
                parts += [self._single()] if char == "'" else self._double(raw_escapes)
            elif char == self.escape:
                self.at += 2
                value = text[start if raw_escapes else start + 1 : self.at]
                self.at = min(self.at, len(text))
                parts.append(Literal(start, self.at, value, True))
            else:
                self.at = ordinary.match(text, start).end()  # type: ignore[union-attr]
                parts.append(Literal(start, self.at, text[start : self.at], quoted))
        if stop:
            raise WordError(f"unexpected end of statement while looking for matching {stop}")
        return parts

    def _single(self) -> Literal:
        start = self.at
        end = self.text.find("'", start + 1)
        if end < 0:
            self.at = len(self.text)
            raise WordError("unexpected end of statement while looking for matching single-quote")
        self.at = end + 1
        return Literal(start, self.at, self.text[start + 1 : end], True)

    def _double(self, raw_escapes: bool) -> list[Part]:
        text, parts, opened = self.text, list[Part](), self.at
        ordinary = _ordinary('"$' + self.escape)
        self.at += 1
        while self.at < len(text):
            start, char = self.at, text[self.at]
            if char == '"':
                self.at += 1
                return parts or [Literal(opened, self.at, "", True)]
            if char == "$":
                parts.append(self._dollar(True))
                continue
            if char == self.escape:
                following = text[start + 1 : start + 2]
                escapes = following in ('"', "$", self.escape) and following != ""
                self.at += 2 if escapes else 1
                value = following if escapes else char if following else ""
                parts.append(Literal(start, self.at, char + value if raw_escapes else value, True))
                continue
            self.at = ordinary.match(text, start).end()  # type: ignore[union-attr]
            parts.append(Literal(start, self.at, text[start : self.at], True))
        raise WordError("unexpected end of statement while looking for matching double-quote")

    def _dollar(self, quoted: bool) -> Part:
        start = self.at
        self.at += 1
        if not self.text.startswith("{", self.at):
            name = self._name()
            if not name:
                return Literal(start, self.at, "$", quoted)
            return Variable(start, self.at, name, quoted)
        self.at += 1
        if self.at >= len(self.text):
            raise WordError("syntax error: missing '}'")
        if self.text[self.at] in "{}:":
            raise WordError("syntax error: bad substitution")
        self.depth += 1
        if self.depth > DEPTH:
            raise WordError("substitutions are nested too deep")
        variable = self._braced(start, self._name(), quoted)
        self.depth -= 1
        return variable

    def _braced(self, start: int, name: str, quoted: bool) -> Variable:
        modifier = self._next()
        if modifier == "}":
            return Variable(start, self.at, name, quoted)
        if modifier == "/":
            if self.text.startswith("/", self.at):
                modifier = "//"
                self.at += 1
            pattern = self._inner("/", raw_escapes=True)
            replacement = self._inner("}", raw_escapes=True)
            return Variable(start, self.at, name, quoted, modifier, pattern, replacement)
        kind = modifier
        if modifier == ":":
            kind = self._next()
            modifier += kind
            if kind in ("#", "%"):
                raise WordError(f"unsupported modifier ({modifier}) in substitution")
        elif modifier not in _MODIFIERS:
            raise WordError(f"unsupported modifier ({modifier}) in substitution")
        word = self._inner("}", raw_escapes=kind in ("#", "%"))
        if kind not in _MODIFIERS:
            raise WordError(f"unsupported modifier ({modifier}) in substitution")
        return Variable(start, self.at, name, quoted, modifier, word)

    def _inner(self, stop: str, *, raw_escapes: bool) -> tuple[Part, ...]:
        try:
            return tuple(self._until(stop, raw_escapes=raw_escapes, quoted=False))
        except WordError:
            if self.at >= len(self.text):
                raise WordError(
                    "syntax error: missing '/' in ${}" if stop == "/" else _MISSING
                ) from None
            raise

    def _next(self) -> str:
        """The next character; U+FFFD, as Go prints the end of the text, where there is none."""
        char = self.text[self.at : self.at + 1]
        self.at += 1
        return char or "\ufffd"

    def _name(self) -> str:
        """A variable's name: digits, one special character, or letters, digits and `_`."""
        text, start = self.text, self.at
        first = text[start : start + 1]
        if first.isdecimal():
            while self.at < len(text) and text[self.at].isdecimal():
                self.at += 1
        elif first and first in _SPECIAL:
            self.at += 1
        else:
            while self.at < len(text) and (
                text[self.at] == "_" or text[self.at].isalpha() or text[self.at].isdecimal()
            ):
                self.at += 1
        return text[start : self.at]


_MISSING = "syntax error: missing '}'"
