"""The commands of a shell script: words, and what they are made of. Nothing is run or expanded.

Reads what POSIX shells and bash have in common with arrays on top; of a script that is cut off or
is no shell at all it reads what it can, and raises nothing. All offsets are into the script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a part of a word is."""

    TEXT = "text"
    VARIABLE = "variable"
    SUBSTITUTION = "substitution"
    """`$(...)`, backticks or arithmetic; its text is what stands between."""


class Part(NamedTuple):
    """A piece of a word: its *text* (of a variable, the name) stands at *start* to *end*."""

    kind: Kind
    text: str
    start: int
    end: int
    is_quoted: bool = False
    operator: str = ""
    """Of `${NAME:-word}`, what stands between name and word."""
    operand: tuple[Part, ...] = ()
    """The word of it."""


class Word(NamedTuple):
    """A word of a command, without its quotes."""

    parts: tuple[Part, ...]
    start: int
    end: int

    @property
    def literal(self) -> str | None:
        """Its text, if nothing in it is to be expanded."""
        if all(part.kind is Kind.TEXT for part in self.parts):
            return "".join(part.text for part in self.parts)
        return None


class Assignment(NamedTuple):
    """`NAME=value`, `NAME+=value`, `NAME=(several words)`."""

    name: str
    words: tuple[Word, ...]
    is_added: bool = False
    is_array: bool = False


class Command(NamedTuple):
    """A simple command; one that only assigns has no words."""

    assignments: tuple[Assignment, ...]
    words: tuple[Word, ...]
    start: int
    end: int
    depth: int = 0
    """How many subshells or substitutions it stands in."""


#: Words that a command may follow.
_KEYWORDS = frozenset(("if", "then", "else", "elif", "do", "while", "until", "!", "{", "}", "time"))
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?)=")
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?!$-]")
_REDIRECTION = re.compile(r"\d*(?:<<<|<<-?|<>|>>|>\||[<>]&|&>>?|[<>])")
_PLAIN = re.compile(r"[^\s\"'\\$`;&|()<>#]+")
_IN_QUOTES = re.compile(r"[^\"\\$`]+")
#: Deeper substitutions are not looked into.
_DEPTH = 20


def commands(script: str) -> Iterator[Command]:
    """The simple commands of *script* in the order in which they end, those of substitutions too."""
    yield from _Reader(script, 0, len(script), 0).commands()


class _Reader:
    """Reads from *at* to *end*."""

    def __init__(self, script: str, at: int, end: int, depth: int) -> None:
        self.script = script
        self.at = at
        self.end = end
        self.depth = depth
        self.nested: list[tuple[int, int]] = []
        self.heredocs: list[tuple[str, bool]] = []

    def commands(self) -> Iterator[Command]:
        depth = self.depth
        assignments: list[Assignment] = []
        words: list[Word] = []
        start = self.at
        while True:
            self._skip_blanks()
            char = self.script[self.at] if self.at < self.end else ""
            if char and char not in "\n;&|()":
                if not words and not assignments:
                    start = self.at
                if self._redirection():
                    continue
                if not words and (assignment := self._assignment()):
                    assignments.append(assignment)
                    continue
                word = self._word()
                if not words and not assignments and word.literal in _KEYWORDS:
                    continue
                words.append(word)
                continue
            is_label = char == ")" and depth == self.depth  # of a case
            if (words or assignments) and not is_label:
                yield Command(tuple(assignments), tuple(words), start, self.at, depth)
            assignments, words = [], []
            yield from self._substitutions()
            if not char:
                return
            self.at += 1
            if char == "\n":
                self._skip_heredocs()
            elif char == "(":
                depth += 1
            elif char == ")":
                depth = max(self.depth, depth - 1)

    def _substitutions(self) -> Iterator[Command]:
        nested, self.nested = self.nested, []
        if self.depth < _DEPTH:
            for start, end in nested:
                yield from _Reader(self.script, start, end, self.depth + 1).commands()

    # -- what stands between words ---------------------------------------------------------------

    def _skip_blanks(self) -> None:
        script = self.script
        while self.at < self.end:
            char = script[self.at]
            if char in " \t\r\f\v":
                self.at += 1
            elif char == "\\" and script.startswith(("\\\n", "\\\r\n"), self.at):
                self.at = script.index("\n", self.at) + 1
            elif char == "#" and (self.at == 0 or script[self.at - 1] in " \t\r\n;&|()"):
                newline = script.find("\n", self.at, self.end)
                self.at = self.end if newline < 0 else newline
            else:
                return

    def _redirection(self) -> bool:
        found = _REDIRECTION.match(self.script, self.at, self.end)
        if not found:
            return False
        self.at = found.end()
        self._skip_blanks()
        if self.at < self.end and self.script[self.at] not in "\n;&|()":
            word = self._word()
            if found[0].endswith(("<<", "<<-")):
                name = "".join(part.text for part in word.parts)
                self.heredocs.append((name, found[0].endswith("-")))
        return True

    def _skip_heredocs(self) -> None:
        for name, is_indented in self.heredocs:
            while self.at < self.end:
                newline = self.script.find("\n", self.at, self.end)
                line = self.script[self.at : self.end if newline < 0 else newline]
                self.at = self.end if newline < 0 else newline + 1
                if (line.lstrip("\t") if is_indented else line).rstrip("\r") == name:
                    break
        self.heredocs = []

    # -- words -----------------------------------------------------------------------------------

    def _assignment(self) -> Assignment | None:
        found = _ASSIGNMENT.match(self.script, self.at, self.end)
        if not found:
            return None
        self.at = found.end()
        if self.script.startswith("(", self.at):
            self.at += 1
            words: list[Word] = []
            while self.at < self.end:
                self._skip_blanks()
                if self.at < self.end and self.script[self.at] == ")":
                    self.at += 1
                    break
                if self.at < self.end and self.script[self.at] in "\n;&|(<>":
                    self.at += 1
                elif self.at < self.end:
                    words.append(self._word())
            return Assignment(found[1], tuple(words), bool(found[2]), is_array=True)
        return Assignment(found[1], (self._word(),), bool(found[2]))

    def _word(self) -> Word:
        start = self.at
        parts: list[Part] = []
        while self.at < self.end:
            char = self.script[self.at]
            if char.isspace() or char in ";&|()<>":
                break
            if char == '"':
                self.at += 1
                self._quoted(parts)
            elif char == "'":
                end = self.script.find("'", self.at + 1, self.end)
                end = self.end if end < 0 else end
                parts.append(self._text(self.at + 1, end, is_quoted=True))
                self.at = min(end + 1, self.end)
            elif char == "\\":
                if self.script.startswith(("\\\n", "\\\r\n"), self.at):
                    self.at = self.script.index("\n", self.at) + 1
                    continue
                parts.append(self._text(self.at + 1, min(self.at + 2, self.end), is_quoted=True))
                self.at = min(self.at + 2, self.end)
            elif char in "$`":
                parts.append(self._expansion(is_quoted=False))
            else:
                found = _PLAIN.match(self.script, self.at, self.end)
                end = found.end() if found else self.at + 1
                parts.append(self._text(self.at, end))
                self.at = end
        return Word(tuple(parts), start, self.at)

    def _quoted(self, parts: list[Part]) -> None:
        """The inside of double quotes."""
        parts.append(self._text(self.at, self.at, is_quoted=True))
        while self.at < self.end:
            char = self.script[self.at]
            if char == '"':
                self.at += 1
                return
            if char == "\\":
                escaped = self.script[self.at + 1 : self.at + 2]
                if escaped != "\n":
                    start = self.at + (escaped in tuple('"\\$`'))
                    parts.append(self._text(start, min(self.at + 2, self.end), is_quoted=True))
                self.at = min(self.at + 2, self.end)
            elif char in "$`":
                parts.append(self._expansion(is_quoted=True))
            else:
                found = _IN_QUOTES.match(self.script, self.at, self.end)
                end = found.end() if found else self.at + 1
                parts.append(self._text(self.at, end, is_quoted=True))
                self.at = end

    def _text(self, start: int, end: int, *, is_quoted: bool = False) -> Part:
        return Part(Kind.TEXT, self.script[start:end], start, end, is_quoted)

    def _expansion(self, *, is_quoted: bool) -> Part:
        """What begins with `$` or a backtick."""
        start = self.at
        if self.script[start] == "`":
            end = self.script.find("`", start + 1, self.end)
            end = self.end if end < 0 else end
            return self._substitution(start, start + 1, end, min(end + 1, self.end), is_quoted)
        if self.script.startswith("$((", start):
            end = self._closing(start + 1, "(", ")")
            self.at = end
            text = self.script[start:end]
            return Part(Kind.SUBSTITUTION, text, start, end, is_quoted)
        if self.script.startswith("$(", start):
            end = self._closing(start + 1, "(", ")")
            return self._substitution(start, start + 2, end - 1, end, is_quoted)
        if self.script.startswith("${", start):
            return self._braces(start, is_quoted)
        name = _NAME.match(self.script, start + 1, self.end)
        if not name and not is_quoted and self.script.startswith(("'", '"'), start + 1):
            self.at = start + 1  # $'text'
            return self._text(self.at, self.at, is_quoted=True)
        if not name:
            self.at = start + 1
            return self._text(start, start + 1, is_quoted=is_quoted)
        self.at = name.end()
        return Part(Kind.VARIABLE, name[0], start, self.at, is_quoted)

    def _substitution(self, start: int, inner: int, close: int, end: int, is_quoted: bool) -> Part:
        self.nested.append((inner, max(inner, close)))
        self.at = end
        text = self.script[inner : max(inner, close)]
        return Part(Kind.SUBSTITUTION, text, start, end, is_quoted)

    def _braces(self, start: int, is_quoted: bool) -> Part:
        end = self._closing(start + 1, "{", "}")
        name = _NAME.match(self.script, start + 2, end)
        self.at = end
        if not name or self.depth > _DEPTH:  # ${#x}, ${!x}
            return Part(Kind.SUBSTITUTION, self.script[start:end], start, end, is_quoted)
        at, close = name.end(), max(name.end(), end - 1)
        if self.script.startswith(("[@]", "[*]"), at):
            at += 3
        found = re.compile(r":?[-=+?]|[%#/^,:\[@].*", re.DOTALL).match(self.script, at, close)
        operator = found[0] if found else ""
        operand: tuple[Part, ...] = ()
        if found and operator.lstrip(":") in ("-", "="):
            inner = _Reader(self.script, found.end(), close, self.depth + 1)
            while inner.at < inner.end:
                operand += inner._word().parts
                if inner.at < inner.end:  # a blank or a sign, which ends no word here
                    operand += (inner._text(inner.at, inner.at + 1),)
                    inner.at += 1
            self.nested += inner.nested
        return Part(Kind.VARIABLE, name[0], start, end, is_quoted, operator, operand)

    def _closing(self, start: int, opening: str, closing: str) -> int:
        """The offset behind what closes the bracket at *start*; quotes inside are skipped."""
        depth, at = 0, start
        while at < self.end:
            char = self.script[at]
            if char == "\\":
                at += 1
            elif char == "'" and opening == "(":
                found = self.script.find("'", at + 1, self.end)
                at = self.end if found < 0 else found
            elif char == opening:
                depth += 1
            elif char == closing:
                depth -= 1
                if not depth:
                    return at + 1
            at += 1
        return self.end
