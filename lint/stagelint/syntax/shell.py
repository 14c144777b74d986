"""The commands of a shell script: what they are, and what joins them. Nothing is run or expanded.

Reads what bash reads, of which POSIX shells know a part; of a script that is cut off or is no shell
at all it reads what it can, and raises nothing. All offsets are into the script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from stagelint.syntax.shell_nodes import Assignment, Command, Kind, Part, Redirection, Word
from stagelint.syntax.shell_structure import BEGINNING, CONTINUING, ENDS, Structure
from stagelint.syntax.shell_words import WordReader, brackets

__all__ = ["Assignment", "Command", "Kind", "Part", "Redirection", "Word", "commands"]

_RESERVED = re.compile(
    r"(?:if|then|elif|else|fi|while|until|for|select|do|done|case|esac|function|time|\[\[|[{}!])"
    r"(?=[ \t\r\n;&|()<>]|\\\r?\n|\Z)"
)
_OPERATOR = re.compile(r"&&|\|\||\|&|;;&|;;|;&|&(?!>)|[;|()\n]")
_REDIRECTION = re.compile(
    r"(\d+|\{[A-Za-z_]\w*\})?(<<<|<<-?|<>|<&|>>|>&|>\||[<>])|(&>>?)", re.ASCII
)
_ASSIGNMENT = re.compile(
    r"([A-Za-z_]\w*(?:\[(?:[^\[\]\s;&|()<>]|\[[^\[\]\s;&|()<>]*\])*\])?)(\+?)=", re.ASCII
)
_NO_PARAMETERS = re.compile(r"[ \t]*\([ \t]*\)")
_IN_BELOW = r"\s*(?=in(?:[\s;]|\Z))"
_TEST_GOES_ON = r"\s*(?=&&|\|\||\]\])"
_TEST_SIGN = r"&&|\|\||[()<>]"


def commands(script: str) -> Iterator[Command]:
    """The simple commands of *script* in the order in which they end, those of substitutions too.

    So are those in here-documents that are expanded, but not those that a shell is given in one.
    Labels of `case` are no commands. Backticks are not read in backticks.
    """
    pairs = brackets(script) if "((" in script else {}
    reader = _Reader(script, 0, len(script), 0, pairs)
    reader.read(is_bracketed=False)
    yield from reader.commands()


class _Reader(WordReader):
    """Reads one list of commands, with the compound commands in it."""

    def __init__(
        self,
        script: str,
        at: int,
        end: int,
        nesting: int,
        pairs: Mapping[int, int],
        depth: int = 0,
    ) -> None:
        super().__init__(script, at, end, nesting, pairs)
        self.depth = depth
        self.subshell = at if depth else -1
        self.found: list[Command] = []
        self.structure = Structure()
        self.heredocs: list[tuple[int, int]] = []
        """Those whose text is next, as places in `found` and in the redirections there."""
        self._begin()

    def _begin(self) -> None:
        self.assignments: list[Assignment] = []
        self.words: list[Word] = []
        self.redirections: list[Redirection] = []
        self.nested: list[Command] = []
        self.compound = ""
        self.start = self.last = self.at

    def commands(self) -> list[Command]:
        """What was read."""
        for at in self.structure.conditional():
            self.found[at] = self.found[at]._replace(is_conditional=True)
        return self.found

    def inner(self, *, is_bracketed: bool) -> None:
        depth = self.depth + self.structure.open[")"] + 1
        reader = _Reader(self.script, self.at, self.end, self.nesting + 1, self.pairs, depth)
        reader.read(is_bracketed=is_bracketed)
        self.at = reader.at
        self.nested += reader.commands()

    def read(self, *, is_bracketed: bool) -> None:
        """Reads to the end, or to the bracket that closes the substitution this is."""
        while True:
            self.skip_blanks()
            if self.at >= self.end:
                break
            # Most of a script are arguments, and these are nothing else wherever they stand.
            plain = self.plain_word() if self.words and not self.compound else None
            if plain:
                self._add(plain)
                continue
            if is_bracketed and self.next_is(")") and self._is_outer_bracket():
                break
            if self.structure.is_label_next and not self._is_reserved("esac"):
                self._label()
            elif self._is_arithmetic():
                self._start("((")
                part = self.arithmetic(self.at, self.at)
                self._add(Word((part,), part.start, part.end))
            elif operator := _OPERATOR.match(self.script, self.at, self.end):
                self._operator(operator[0])
            else:
                self._piece()
        self._emit()

    # -- the pieces of a command -----------------------------------------------------------------

    def _is_outer_bracket(self) -> bool:
        return not (self.structure.open[")"] or self.structure.is_label_next)

    def _is_free(self) -> bool:
        """May a reserved word stand here?"""
        return not (self.words or self.assignments or (self.redirections and not self.compound))

    def _is_arithmetic(self) -> bool:
        if not self.next_is("(("):
            return False
        is_loop = self.compound == "for" and len(self.words) == 1
        return (is_loop or self._is_free()) and self.is_arithmetic(self.at)

    def _is_reserved(self, word: str) -> bool:
        found = _RESERVED.match(self.script, self.at, self.end)
        return found is not None and found[0] == word

    def _start(self, compound: str = "") -> None:
        """What is next begins a command, whatever was before."""
        if self.compound and not self.words:
            self._emit()
        if not (self.words or self.assignments or self.redirections):
            self.start = self.at
        self.compound = self.compound or compound

    def _add(self, word: Word) -> None:
        self.words.append(word)
        self.last = word.end

    def _piece(self) -> None:
        """A word, an assignment, a redirection."""
        if self._is_free():
            found = _RESERVED.match(self.script, self.at, self.end)
            if found:
                self._reserved(found[0])
                return
        if self._redirection():
            return
        self._start()
        if not self.words and self._assignment():
            return
        if self.compound in ("for", "select") and len(self.words) == 2 and self._is_reserved("do"):
            self._emit()
            return
        is_first = not self.words
        self._add(self.word(is_first=is_first))
        if self.compound == "case" and len(self.words) == 3:
            self._emit()
            self.structure.expect_label()
        elif is_first and not self.assignments and not self.redirections:
            self._function("")

    def _reserved(self, word: str) -> None:
        start = self.at
        self._start()
        self.at += len(word)
        if word in BEGINNING:
            self.structure.begin(BEGINNING[word], start, is_loop_over_words=word == "for")
            if word in ("for", "select", "case"):
                self.compound = word
                self._add(Word((Part(Kind.TEXT, word, start, self.at),), start, self.at))
        elif word in CONTINUING:
            self.structure.body(CONTINUING[word])
        elif word in ENDS:
            self._close(word)
        elif word == "[[":
            self.at = start
            self._test()
        elif word == "function":
            self.skip_blanks()
            self.start = self.at
            self._add(self.word(is_first=True))
            self._function("function")
        elif word == "time":
            self.skip_blanks()
            self.at += 2 if self.next_is("-p ") else 0

    def _function(self, keyword: str) -> None:
        """Is the word that was read the name of a function that is defined here?"""
        found = _NO_PARAMETERS.match(self.script, self.at, self.end)
        if not found and not keyword:
            return
        self.at = found.end() if found else self.at
        self.compound = "function"
        self._emit()
        self.structure.joined = ""
        self.structure.is_function = True

    def _test(self) -> None:
        """`[[ ... ]]`, whose operators are words here."""
        self._start("[[")
        before = ""
        while before != "]]":
            self.skip_blanks()
            start = self.at
            if self.next_is("\n"):
                if before in ("&&", "||", "(", "!"):
                    self.at += 1
                elif goes_on := re.compile(_TEST_GOES_ON).match(self.script, self.at, self.end):
                    self.at = goes_on.end()
                else:
                    return
                continue
            sign = None
            if before != "=~":
                sign = re.compile(_TEST_SIGN).match(self.script, self.at, self.end)
            if sign:
                self.at = sign.end()
                word = Word((Part(Kind.TEXT, sign[0], start, self.at),), start, self.at)
            else:
                word = self.word(is_regex=before == "=~")
            if self.at == start:
                return
            self._add(word)
            before = self.script[start : word.end]

    def _assignment(self) -> bool:
        found = _ASSIGNMENT.match(self.script, self.at, self.end)
        if not found:
            return False
        start, self.at = self.at, found.end()
        is_array = self.next_is("(")
        if is_array:
            self.at += 1
            words = tuple(self.words_in_brackets())
            self.last = self.at
        else:
            words = (self.word(is_first=True),)
            self.last = words[0].end
        self.assignments.append(
            Assignment(found[1], words, bool(found[2]), is_array, start, self.last)
        )
        return True

    def _redirection(self) -> bool:
        found = _REDIRECTION.match(self.script, self.at, self.end)
        if not found or self.next_is("<(") or self.next_is(">("):
            return False
        if not (self.words or self.assignments or self.redirections):
            self.start = self.at
        start, self.at = self.at, found.end()
        self.last = self.at
        self.skip_blanks()
        target = None
        if self.at < self.end and not _OPERATOR.match(self.script, self.at, self.end):
            target = self.word(is_first=True)
            self.last = max(self.last, target.end)
            target = target if target.end > target.start else None
        operator = found[2] or found[3]
        if target and operator in ("<<", "<<-"):
            self.heredocs.append((len(self.found), len(self.redirections)))
        descriptor = found[1] or ""
        self.redirections.append(Redirection(operator, descriptor, target, None, start, self.last))
        return True

    def _add_nested(self) -> None:
        self.found += self.nested
        self.nested = []
        self.structure.count = len(self.found)

    def _emit(self) -> None:
        """The command that was read, if there is one, and those of its substitutions."""
        if self.words or self.assignments or self.redirections:
            self.found.append(
                Command(
                    tuple(self.assignments),
                    tuple(self.words),
                    self.start,
                    self.last,
                    self.depth + self.structure.open[")"],
                    tuple(self.redirections),
                    self.structure.joined or "",
                    compound=self.compound,
                    subshell=(self.structure.subshells or (self.subshell,))[-1],
                )
            )
            self.structure.joined = None
            self.structure.is_function = False
        self._add_nested()
        self._begin()

    # -- what joins commands ---------------------------------------------------------------------

    def _operator(self, operator: str) -> None:
        if operator == "\n" and self._is_split_head():
            return
        is_tested = self._is_test()
        self._emit()
        self.at += len(operator)
        if operator == "(":
            self.structure.begin(")", self.at)
        elif operator == ")":
            self._close(")")
        elif operator in (";;", ";&", ";;&"):
            self.structure.join(";")
            self.structure.expect_label()
        else:
            if operator == "\n":
                self._bodies()
            self.structure.join(operator, is_tested=is_tested)

    def _is_test(self) -> bool:
        """Does the command that was read only ask something?"""
        first = self.words[0].literal if self.words and not self.compound else None
        return first in ("[", "test") or self.compound in ("[[", "((")

    def _close(self, end: str) -> None:
        if self.structure.close(end):
            self.compound = end

    def _is_split_head(self) -> bool:
        """Does `in` stand in a line below `for NAME` or `case WORD`? If so, it is next."""
        if self.compound not in ("for", "select", "case") or len(self.words) != 2:
            return False
        found = re.compile(_IN_BELOW).match(self.script, self.at, self.end)
        self.at = found.end() if found else self.at
        return found is not None

    def _label(self) -> None:
        """A piece of `a|b)`, which is in front of commands in a `case`."""
        start = self.at
        if self.script[self.at] not in "\n;&|()<>":
            self.word()
        elif self.next_is(")"):
            self._add_nested()
            self.structure.end_label()
        if self.at == start:
            self.at += 1
        if self.script[start] == "\n":
            self._bodies()

    # -- here-documents --------------------------------------------------------------------------

    def _bodies(self) -> None:
        """The texts of the here-documents that the line before asks for."""
        heredocs, self.heredocs = self.heredocs, []
        changed = {at: list(self.found[at].redirections) for at in {at for at, _ in heredocs}}
        for at, index in heredocs:
            redirection = changed[at][index]
            target = redirection.target
            start, end = self.at, self._end_of_body(redirection)
            changed[at][index] = redirection._replace(body=(start, end))
            if target and not any(part.is_quoted for part in target.parts):
                behind, self.at = self.at, start
                self.expansions(end)
                self.at = behind
        for at, redirections in changed.items():
            self.found[at] = self.found[at]._replace(redirections=tuple(redirections))
        self._add_nested()

    def _end_of_body(self, redirection: Redirection) -> int:
        """Where the line with the delimiter begins; what is read next is behind it."""
        parts = redirection.target.parts if redirection.target else ()
        name = "".join(part.text for part in parts)
        is_indented = redirection.operator == "<<-"
        while self.at < self.end:
            start = self.at
            newline = self.script.find("\n", self.at, self.end)
            line = self.script[start : self.end if newline < 0 else newline]
            self.at = self.end if newline < 0 else newline + 1
            if (line.lstrip("\t") if is_indented else line).rstrip("\r") == name:
                return start
        return self.end
