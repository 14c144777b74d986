"""The words of a shell script, and what they are made of. Nothing is run or expanded.

`shell` reads the commands around them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from stagelint.syntax.shell_nodes import Kind, Part, Word

#: Deeper substitutions are not looked into.
DEPTH = 20
#: What may stand in front of a word; a CR belongs to the newline, as in a script from Windows.
_BLANKS = re.compile(r"(?:[ \t]+|\r(?=\n|\Z)|\\\r?\n)*(?:#[^\n]*)?")
_CONTINUED = re.compile(r"\\\r?\n")
_ENDING = frozenset(" \t\n;&|()<>")
_PLAIN = re.compile(r"[^ \t\r\n;&|()<>\"'\\$`]+")
#: A word without quotes and expansions, which most are.
_PLAIN_WORD = re.compile(r"[^ \t\r\n;&|()<>\"'\\$`]++(?=[ \t\n;&|)]|\Z)")
_IN_QUOTES = re.compile(r"[^\"\\$`]+")
_IN_BRACES = re.compile(r"[^}\"'\\$`]+")
_IN_BRACES_IN_QUOTES = re.compile(r"[^}\"\\$`]+")
_WITHOUT_EXPANSION = r"(?s)(?:[^\\$`]+|\\.?)+"
_BACKTICKED = r"(?s)(?:[^`\\]+|\\.?)*"
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?!$-]", re.ASCII)
_NAME_IN_BRACES = re.compile(r"[A-Za-z_]\w*|\d+|[@*#?!$-]", re.ASCII)
#: `${#NAME}`, `${!NAME}`; but `${#}`, `${#-word}`.
_MEASURED = re.compile(r"[#!](?=[\w@*])", re.ASCII)
_OPERATOR = re.compile(r":?[-=+?]|[%#/^,:\[@]")
_OLD_ARITHMETIC = re.compile(r"\$\[[^\[\]\n]*\]")
_ANSI = r"(?s)[^'\\]+|\\.?"
_BRACKETS = re.compile(r"\\.|[()]", re.DOTALL)
#: `?(a|b)`, where the shell is told to read it so.
_PATTERN = ("?", "*", "+", "@", "!")
_ARRAY = r"(?a)[A-Za-z_]\w*\+?="


def brackets(script: str) -> dict[int, int]:
    """Where each `(` of *script* is closed; quotes and comments are not looked at."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for match in _BRACKETS.finditer(script):
        if match[0] == "(":
            opened.append(match.start())
        elif match[0] == ")" and opened:
            found[opened.pop()] = match.start()
    return found


def _last_plain(parts: list[Part]) -> str:
    """The text without quotes that is last, if such a one is."""
    last = parts[-1] if parts else None
    return last.text if last and last.kind is Kind.TEXT and not last.is_quoted else ""


class WordReader:
    """Reads words from *at* to *end*."""

    def __init__(
        self, script: str, at: int, end: int, nesting: int, pairs: Mapping[int, int]
    ) -> None:
        """*nesting* counts the expansions around; *pairs* are the `brackets` of the script."""
        self.script = script
        self.at: int = at
        self.end: int = end
        self.nesting = nesting
        self.pairs = pairs

    def inner(self, *, is_bracketed: bool) -> None:
        """Reads the commands of a substitution, up to its bracket or to the end."""
        raise NotImplementedError

    def skip_blanks(self) -> None:
        """White space, continuations, and a comment: what is next is no part of a word before."""
        found = _BLANKS.match(self.script, self.at, self.end)
        self.at = found.end() if found else self.at

    def next_is(self, signs: str) -> bool:
        return self.script.startswith(signs, self.at, self.end)

    def plain_word(self) -> Word | None:
        """The word here, if nothing in it has a meaning and a blank or an operator is behind."""
        found = _PLAIN_WORD.match(self.script, self.at, self.end)
        if not found:
            return None
        start, self.at = self.at, found.end()
        return Word((Part(Kind.TEXT, found[0], start, self.at),), start, self.at)

    def word(self, *, is_first: bool = False, is_regex: bool = False) -> Word:
        """The word here, which is not empty unless a sign that ends words is here.

        *is_first* says that it is the name of a command, *is_regex* that it stands behind `=~`.
        """
        plain = None if is_regex else self.plain_word()
        if plain:
            return plain
        start = end = self.at
        parts: list[Part] = []
        opened = 0
        while self.at < self.end:
            char = self.script[self.at]
            if char == "\\" and self._continuation():
                continue
            if char in "<>" and self.script.startswith("(", self.at + 1, self.end):
                parts.append(self._substitution(2, is_quoted=False))
            elif char in _ENDING or (char == "\r" and self._is_end_of_line()):
                still = self._sign(parts, opened, is_first=is_first, is_regex=is_regex)
                if still is None:
                    break
                opened = still
            elif char == '"':
                self.at += 1
                self._quoted(parts)
            elif char == "'":
                self._single_quoted(parts)
            elif char == "\\":
                self._escaped(parts)
            elif char in "$`":
                self._expansion(parts)
            else:
                found = _PLAIN.match(self.script, self.at, self.end)
                self._plain(parts, found.end() if found else self.at + 1)
            end = self.at
        return Word(tuple(parts), start, end)

    def _sign(
        self, parts: list[Part], opened: int, *, is_first: bool, is_regex: bool
    ) -> int | None:
        """A sign that ends words unless it is of a pattern or array, of which brackets are *opened*.

        How many are open behind it; None if it ends the word.
        """
        char = self.script[self.at]
        before = "" if is_first else _last_plain(parts)
        if char == "(" and not opened and re.fullmatch(_ARRAY, before):
            parts.append(self._array())
            return 0
        if char == "(" and (opened or is_regex or before.endswith(_PATTERN)):
            opened += 1
        elif char == ")" and opened:
            opened -= 1
        elif char in "\r\n" or not (opened or (is_regex and char == "|")):
            return None
        self._plain(parts, self.at + 1)
        return opened

    def words_in_brackets(self) -> list[Word]:
        """The words from here to a closing bracket."""
        words: list[Word] = []
        while self.at < self.end:
            self.skip_blanks()
            if self.next_is(")"):
                self.at += 1
                break
            start = self.at
            word = self.word(is_first=True)
            if self.at > start:
                words.append(word)
            else:
                self.at = min(self.at + 1, self.end)
        return words

    def is_arithmetic(self, at: int) -> bool:
        """Is what begins with `((` at *at* arithmetic, and not a subshell in another one?"""
        close = self.pairs.get(at, self.end)
        return close < self.end and self.pairs.get(at + 1) == close - 1

    def arithmetic(self, start: int, opening: int, *, is_quoted: bool = False) -> Part:
        """What begins at *start*, and with `((` at *opening*."""
        end = self.pairs[opening] + 1
        self.at = opening + 2
        operand = self.expansions(end - 2)
        self.at = end
        text = self.script[start:end]
        return Part(Kind.SUBSTITUTION, text, start, end, is_quoted, operand=operand)

    def expansions(self, end: int) -> tuple[Part, ...]:
        """What is to be expanded in the text from here to *end*, in which quotes mean nothing."""
        parts: list[Part] = []
        end, self.end = self.end, end
        while self.nesting <= DEPTH and self.at < self.end:
            found = re.compile(_WITHOUT_EXPANSION).match(self.script, self.at, self.end)
            self.at = found.end() if found else self.at
            if self.at < self.end:
                self.nesting += 1
                self._expansion(parts, is_quoted=True)
                self.nesting -= 1
        self.at, self.end = self.end, end
        return tuple(part for part in parts if part.kind is not Kind.TEXT)

    # -- quotes ----------------------------------------------------------------------------------

    def _text(self, start: int, end: int, *, is_quoted: bool = False) -> Part:
        return Part(Kind.TEXT, self.script[start:end], start, end, is_quoted)

    def _plain(self, parts: list[Part], end: int, *, is_quoted: bool = False) -> None:
        parts.append(self._text(self.at, end, is_quoted=is_quoted))
        self.at = end

    def _is_end_of_line(self) -> bool:
        return self.at + 1 == self.end or self.script[self.at + 1] == "\n"

    def _array(self) -> Part:
        start = self.at
        self.at += 1
        operand = tuple(part for word in self.words_in_brackets() for part in word.parts)
        text = self.script[start : self.at]
        return Part(Kind.SUBSTITUTION, text, start, self.at, operand=operand)

    def _single_quoted(self, parts: list[Part]) -> None:
        end = self.script.find("'", self.at + 1, self.end)
        self.at += 1
        self._plain(parts, self.end if end < 0 else end, is_quoted=True)
        self.at = min(self.at + 1, self.end)

    def _continuation(self) -> bool:
        found = _CONTINUED.match(self.script, self.at, self.end)
        self.at = found.end() if found else self.at
        return found is not None

    def _escaped(self, parts: list[Part]) -> None:
        self.at += 1
        self._plain(parts, min(self.at + 1, self.end), is_quoted=True)

    def _quoted(self, parts: list[Part]) -> None:
        """The inside of double quotes."""
        parts.append(self._text(self.at, self.at, is_quoted=True))
        while self.at < self.end:
            char = self.script[self.at]
            if char == '"':
                self.at += 1
                return
            self._in_quotes(parts, _IN_QUOTES)

    def _in_quotes(self, parts: list[Part], plain: re.Pattern[str]) -> None:
        """What means the same in all that is quoted by double quotes."""
        char = self.script[self.at]
        if char == "\\":
            escaped = self.script[self.at + 1 : min(self.at + 2, self.end)]
            end = min(self.at + 2, self.end)
            if escaped and escaped in '"\\$`}' and (escaped != "}" or plain is not _IN_QUOTES):
                self.at += 1
            if escaped == "\n":
                self.at = end
            else:
                self._plain(parts, end, is_quoted=True)
        elif char in "$`":
            self._expansion(parts, is_quoted=True)
        else:
            found = plain.match(self.script, self.at, self.end)
            self._plain(parts, found.end() if found else self.at + 1, is_quoted=True)

    def _ansi_quoted(self, parts: list[Part]) -> None:
        r"""`$'text'`, of which signs such as `\n` are left as they are written."""
        self.at += 2
        parts.append(self._text(self.at, self.at, is_quoted=True))
        while found := re.compile(_ANSI).match(self.script, self.at, self.end):
            if found[0][1:] and found[0] in (r"\'", r"\"", "\\\\"):
                self.at += 1
            self._plain(parts, found.end(), is_quoted=True)
        self.at = min(self.at + 1, self.end)

    # -- expansions ------------------------------------------------------------------------------

    def _expansion(self, parts: list[Part], *, is_quoted: bool = False) -> None:
        """What begins with `$` or a backtick."""
        start = self.at
        if self.next_is("`"):
            parts.append(self._backticks(is_quoted))
        elif self.next_is("$((") and self.is_arithmetic(start + 1):
            parts.append(self.arithmetic(start, start + 1, is_quoted=is_quoted))
        elif self.next_is("$("):
            parts.append(self._substitution(2, is_quoted=is_quoted))
        elif found := _OLD_ARITHMETIC.match(self.script, start, self.end):
            self.at = start + 2
            operand = self.expansions(found.end() - 1)
            self.at = found.end()
            parts.append(
                Part(Kind.SUBSTITUTION, found[0], start, self.at, is_quoted, operand=operand)
            )
        elif self.next_is("${"):
            parts.append(self._braces(is_quoted))
        elif self.next_is("$'") and not is_quoted:
            self._ansi_quoted(parts)
        elif self.next_is('$"') and not is_quoted:
            self.at += 2
            self._quoted(parts)
        elif name := _NAME.match(self.script, start + 1, self.end):
            self.at = name.end()
            parts.append(Part(Kind.VARIABLE, name[0], start, self.at, is_quoted))
        else:
            self._plain(parts, start + 1, is_quoted=is_quoted)

    def _substitution(self, opening: int, *, is_quoted: bool) -> Part:
        """Commands in brackets, which open with the last of *opening* characters."""
        start = self.at
        self.at += opening
        inner = self.at
        if self.nesting < DEPTH:
            self.inner(is_bracketed=True)
            close = self.at
        else:
            close = self._closing(inner - 1, "(", ")")
        self.at = min(close + 1, self.end)
        text = self.script[inner:close]
        return Part(Kind.SUBSTITUTION, text, start, self.at, is_quoted)

    def _backticks(self, is_quoted: bool) -> Part:
        """What is escaped in them is read as if it stood outside: no substitution in another."""
        start = self.at
        found = re.compile(_BACKTICKED).match(self.script, start + 1, self.end)
        close = found.end() if found else self.end
        self.at = start + 1
        if self.nesting < DEPTH:
            end, self.end = self.end, close
            self.inner(is_bracketed=False)
            self.end = end
        self.at = min(close + 1, self.end)
        text = self.script[start + 1 : close]
        return Part(Kind.SUBSTITUTION, text, start, self.at, is_quoted)

    def _braces(self, is_quoted: bool) -> Part:
        start = self.at
        if self.nesting >= DEPTH:
            self.at = min(self._closing(start + 1, "{", "}") + 1, self.end)
            return Part(Kind.SUBSTITUTION, self.script[start : self.at], start, self.at, is_quoted)
        self.at += 2
        measured = _MEASURED.match(self.script, self.at, self.end)
        begin = measured.end() if measured else self.at
        name = _NAME_IN_BRACES.match(self.script, begin, self.end)
        self.at = name.end() if name else begin
        if self.script.startswith(("[@]", "[*]"), self.at, self.end):
            self.at += 3
        found = _OPERATOR.match(self.script, self.at, self.end)
        behind = self.at
        self.at = found.end() if found else self.at
        is_value = found is not None and found[0].lstrip(":") in ("-", "=", "+", "?")
        operand = self._operand(is_quoted, is_value)
        close = self.at
        self.at = min(close + 1, self.end)
        if not name or measured:
            if name:
                variable = Part(Kind.VARIABLE, name[0], name.start(), name.end(), is_quoted)
                operand = (variable, *operand)
            text = self.script[start : self.at]
            return Part(Kind.SUBSTITUTION, text, start, self.at, is_quoted, operand=operand)
        operator = ""
        if found:
            operator = found[0] if is_value else self.script[behind:close]
        return Part(Kind.VARIABLE, name[0], start, self.at, is_quoted, operator, operand)

    def _operand(self, is_quoted: bool, is_value: bool) -> tuple[Part, ...]:
        """The parts up to a closing brace; single quotes are text in a *value* that is quoted."""
        parts: list[Part] = []
        plain = _IN_BRACES_IN_QUOTES if is_quoted and is_value else _IN_BRACES
        self.nesting += 1
        while self.at < self.end and not self.next_is("}"):
            char = self.script[self.at]
            if char == '"':
                self.at += 1
                self._quoted(parts)
            elif char == "'" and plain is _IN_BRACES:
                self._single_quoted(parts)
            elif is_quoted:
                self._in_quotes(parts, plain)
            elif char == "\\":
                if not self._continuation():
                    self._escaped(parts)
            elif char in "$`":
                self._expansion(parts)
            else:
                found = plain.match(self.script, self.at, self.end)
                self._plain(parts, found.end() if found else self.at + 1)
        self.nesting -= 1
        return tuple(parts)

    def _closing(self, start: int, opening: str, closing: str) -> int:
        """The offset of what closes the bracket at *start*, found roughly: it is not looked into."""
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
                    return at
            at += 1
        return self.end
