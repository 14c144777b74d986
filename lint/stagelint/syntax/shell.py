"""The commands of a shell script: what they are, and what joins them. Nothing is run or expanded.

Reads what bash reads, of which POSIX shells know a part; of a script that is cut off or is no shell
at all it reads what it can, and raises nothing. All offsets are into the script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from stagelint.syntax.shell_words import Kind, Part, Word, WordReader, brackets

__all__ = ["Assignment", "Command", "Kind", "Part", "Redirection", "Word", "commands"]


class Assignment(NamedTuple):
    """`NAME=value`, `NAME+=value`, `NAME=(several words)`; `NAME[1]=value` has a name like that."""

    name: str
    words: tuple[Word, ...]
    is_added: bool = False
    is_array: bool = False
    start: int = 0
    end: int = 0


class Redirection(NamedTuple):
    """`2>file` has the *descriptor* 2, `{log}>file` that of the variable, `>file` an empty one."""

    operator: str
    descriptor: str
    target: Word | None
    """What stands behind; of a here-document, the delimiter."""
    body: tuple[int, int] | None = None
    """The lines of a here-document, without that of the delimiter."""
    start: int = 0
    end: int = 0


class Command(NamedTuple):
    """A simple command, unless *compound* says otherwise; one that only assigns has no words."""

    assignments: tuple[Assignment, ...]
    words: tuple[Word, ...]
    start: int
    end: int
    depth: int = 0
    """How many subshells or substitutions it stands in."""
    redirections: tuple[Redirection, ...] = ()
    joined: str = ""
    """The operator in front of it as it is written, a newline if there is no other; empty for the
    first of a list. What is in front of a group is in front of its first command."""
    is_conditional: bool = False
    """May it be left out though nothing has failed? So is what stands behind `||`, or between `&&`
    and a later `||`; and the bodies of `if`, `while`, `until`, `select`, `case` and of functions."""
    compound: str = ""
    """What of a compound command it is: `for`, `select` or `case` with the words up to its body;
    `function` with the name that is defined; `[[` and `((` with all of it; or, with no words, what
    ends one whose *redirections* these are: `)`, `}`, `fi`, `done`, `esac`."""


#: What ends what such a word begins.
_BEGINNING = {
    "if": "fi", "while": "done", "until": "done", "for": "done", "select": "done", "case": "esac",
    "{": "}",
}  # fmt: skip
_ENDS = (")", "}", "fi", "done", "esac")
_CONTINUING = {"then": "fi", "elif": "fi", "else": "fi", "do": "done"}
_RESERVED = re.compile(
    r"(?:if|then|elif|else|fi|while|until|for|select|do|done|case|esac|function|time|\[\[|[{}!])"
    r"(?=[ \t\r\n;&|()<>]|\\\r?\n|\Z)"
)
_OPERATOR = re.compile(r"&&|\|\||\|&|;;&|;;|;&|&(?!>)|[;|()\n]")
_REDIRECTION = re.compile(
    r"(\d+|\{[A-Za-z_]\w*\})?(<<<|<<-?|<>|<&|>>|>&|>\||[<>])|(&>>?)", re.ASCII
)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*(?:\[[^\]\s;&|()<>]*\])?)(\+?)=", re.ASCII)
_NO_PARAMETERS = re.compile(r"[ \t]*\([ \t]*\)")
_IN = re.compile(r"\s*in(?=[\s;]|\Z)")
_TEST_GOES_ON = re.compile(r"\s*(?:&&|\|\||\]\])")
_TEST_SIGN = re.compile(r"&&|\|\||[()<>]")


def commands(script: str) -> Iterator[Command]:
    """The simple commands of *script* in the order in which they end, those of substitutions too.

    So are those in here-documents that are expanded, but not those that a shell is given in one.
    Labels of `case` are no commands. Backticks are not read in backticks.
    """
    pairs = brackets(script) if "((" in script else {}
    reader = _Reader(script, 0, len(script), 0, pairs)
    reader.read(is_bracketed=False)
    yield from reader.commands()


class _Frame:
    """A compound command that is open, or the whole list."""

    __slots__ = ("behind_and", "behind_or", "body", "end", "is_case", "is_loop")

    def __init__(self, end: str, *, body: int | None = None) -> None:
        self.end = end
        self.body = body
        """The first command of a part that may be left out; so for the other two."""
        self.behind_and: int | None = None
        self.behind_or: int | None = None
        self.is_case = False
        """Are labels of a `case` next?"""
        self.is_loop = False
        """Is it a `for`, which runs for every word?"""


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
        self.found: list[Command] = []
        self.conditional: list[tuple[int, int]] = []
        """The commands from one to another, as places in `found`."""
        self.frames = [_Frame("")]
        self.open: dict[str, int] = dict.fromkeys(_ENDS, 0)
        self.heredocs: list[tuple[int, int]] = []
        """Those whose text is next, as places in `found` and in the redirections there."""
        self.joined: str | None = ""
        """What joins the next command; None right behind one."""
        self.is_function = False
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
        changes = [0] * (len(self.found) + 1)
        for start, end in self.conditional:
            changes[start] += 1
            changes[end] -= 1
        count = 0
        for at, command in enumerate(self.found):
            count += changes[at]
            if count and not command.is_conditional:
                self.found[at] = command._replace(is_conditional=True)
        return self.found

    def inner(self, *, is_bracketed: bool) -> None:
        depth = self.depth + self.open[")"] + 1
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
            if is_bracketed and self.next_is(")") and not self._closes():
                break
            if self.frames[-1].is_case and not self._is_reserved("esac"):
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
        while self.frames:
            self._pop()

    # -- the pieces of a command -----------------------------------------------------------------

    def _is_free(self) -> bool:
        """May a reserved word stand here?"""
        return not (self.words or self.assignments or (self.redirections and not self.compound))

    def _is_arithmetic(self) -> bool:
        is_loop = self.compound == "for" and len(self.words) == 1
        is_free = is_loop or self._is_free()
        return is_free and self.next_is("((") and self.is_arithmetic(self.at)

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
        self.last = self.at

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
            self.frames[-1].is_case = True
        elif is_first and not self.assignments and not self.redirections:
            self._function("")

    def _reserved(self, word: str) -> None:
        start = self.at
        self._start()
        self.at += len(word)
        if word in _BEGINNING:
            self._push(_BEGINNING[word])
            if word in ("for", "select", "case"):
                self.start = start
                self.compound = word
                self.frames[-1].is_loop = word == "for"
                text = Part(Kind.TEXT, word, start, self.at)
                self._add(Word((text,), start, self.at))
        elif word in _CONTINUING:
            if self.open[_CONTINUING[word]]:
                self._body(_CONTINUING[word])
        elif word in self.open:
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
        self.joined = ""
        self.is_function = True

    def _test(self) -> None:
        """`[[ ... ]]`, whose operators are words here."""
        self._start("[[")
        before = ""
        while before != "]]":
            self.skip_blanks()
            start = self.at
            if self.next_is("\n"):
                goes_on = _TEST_GOES_ON.match(self.script, self.at, self.end)
                if not goes_on and before not in ("&&", "||", "(", "!"):
                    return
                self.at += 1
                continue
            sign = None
            if before != "=~":
                sign = _TEST_SIGN.match(self.script, self.at, self.end)
            if sign:
                self.at = sign.end()
                word = Word((Part(Kind.TEXT, sign[0], start, self.at),), start, self.at)
            else:
                word = self.word(is_regex=before == "=~")
            if self.at == start:
                return
            self._add(word)
            before = self.script[start : self.at]

    def _assignment(self) -> bool:
        found = _ASSIGNMENT.match(self.script, self.at, self.end)
        if not found:
            return False
        start, self.at = self.at, found.end()
        is_array = self.next_is("(")
        if is_array:
            self.at += 1
            words = tuple(self.words_in_brackets())
        else:
            words = (self.word(is_first=True),)
        self.last = self.at
        self.assignments.append(
            Assignment(found[1], words, bool(found[2]), is_array, start, self.last)
        )
        return True

    def _redirection(self) -> bool:
        found = _REDIRECTION.match(self.script, self.at, self.end)
        if not found or (found[2] in ("<", ">") and self.script.startswith("(", found.end())):
            return False
        if not (self.words or self.assignments or self.redirections):
            self.start = self.at
        start, self.at = self.at, found.end()
        self.last = self.at
        self.skip_blanks()
        target = None
        if self.at < self.end and not _OPERATOR.match(self.script, self.at, self.end):
            target = self.word(is_first=True)
            self.last = self.at
            target = target if self.last > target.start else None
        operator = found[2] or found[3]
        if target and operator in ("<<", "<<-"):
            self.heredocs.append((len(self.found), len(self.redirections)))
        descriptor = found[1] or ""
        self.redirections.append(Redirection(operator, descriptor, target, None, start, self.last))
        return True

    def _emit(self) -> None:
        """The command that was read, if there is one, and those of its substitutions."""
        if self.words or self.assignments or self.redirections:
            self.found.append(
                Command(
                    tuple(self.assignments),
                    tuple(self.words),
                    self.start,
                    self.last,
                    self.depth + self.open[")"],
                    tuple(self.redirections),
                    self.joined or "",
                    compound=self.compound,
                )
            )
            self.joined = None
            self.is_function = False
        self.found += self.nested
        self._begin()

    # -- what joins commands ---------------------------------------------------------------------

    def _operator(self, operator: str) -> None:
        if operator == "\n" and self._is_split_head():
            self.at += 1
            return
        self._emit()
        frame = self.frames[-1]
        self.at += len(operator)
        if operator == "(":
            self._push(")")
        elif operator == ")":
            if self._closes():
                self._close(")")
        elif operator in (";;", ";&", ";;&") and self.open["esac"]:
            self._pop_to("esac")
            self._end_body()
            self.frames[-1].is_case = True
        elif operator == "\n":
            if self.heredocs:
                self._bodies()
            if self.joined is None:
                self._end_list()
                self.joined = "\n"
        else:
            if operator in ("&&", "||"):
                self._close_range(frame.behind_or)
                frame.behind_or = None
            if operator == "&&" and frame.behind_and is None:
                frame.behind_and = len(self.found)
            elif operator == "||":
                self._close_range(frame.behind_and)
                frame.behind_and, frame.behind_or = None, len(self.found)
            elif operator in (";", "&"):
                self._end_list()
            self.joined = operator

    def _is_split_head(self) -> bool:
        """Does `in` stand in a line below `for NAME` or `case WORD`?"""
        return (
            self.compound in ("for", "select", "case")
            and len(self.words) == 2
            and bool(_IN.match(self.script, self.at, self.end))
        )

    def _close_range(self, start: int | None) -> None:
        if start is not None:
            self.conditional.append((start, len(self.found)))

    def _end_list(self) -> None:
        """The end of commands that `&&` and `||` join."""
        frame = self.frames[-1]
        self._close_range(frame.behind_or)
        frame.behind_and = frame.behind_or = None

    def _push(self, end: str) -> None:
        body = len(self.found) if self.is_function else None
        self.is_function = False
        self.frames.append(_Frame(end, body=body))
        self.open[end] += 1

    def _closes(self) -> bool:
        """Is there a subshell that a bracket closes?"""
        return bool(self.open[")"]) or self.frames[-1].is_case

    def _pop(self) -> None:
        self._end_body()
        frame = self.frames.pop()
        if frame.end:
            self.open[frame.end] -= 1

    def _pop_to(self, end: str) -> None:
        while self.frames[-1].end != end:
            self._pop()

    def _body(self, end: str) -> None:
        """The next part of the innermost compound command that *end* ends."""
        self._pop_to(end)
        self._end_body()
        if not self.frames[-1].is_loop:
            self.frames[-1].body = len(self.found)

    def _end_body(self) -> None:
        frame = self.frames[-1]
        self._end_list()
        self._close_range(frame.body)
        frame.body = None
        self.joined = ""

    def _close(self, end: str) -> None:
        if self.open[end]:
            self._pop_to(end)
            self._pop()
            self.compound = end
            self.joined = None

    def _label(self) -> None:
        """A piece of `a|b)`, which is in front of commands in a `case`."""
        frame = self.frames[-1]
        if self.next_is(")"):
            self.at += 1
            self._emit()
            frame.is_case = False
            frame.body = len(self.found)
            self.joined = ""
            return
        start = self.at
        if self.next_is("\n"):
            self.at += 1
            if self.heredocs:
                self._bodies()
        elif self.script[self.at] not in ";&|(<>":
            self.word()
        if self.at == start:
            self.at += 1

    # -- here-documents --------------------------------------------------------------------------

    def _bodies(self) -> None:
        """The texts of the here-documents that the line before asks for."""
        heredocs, self.heredocs = self.heredocs, []
        for at, index in heredocs:
            redirections = list(self.found[at].redirections)
            redirection = redirections[index]
            target = redirection.target
            start, end = self.at, self._end_of_body(redirection)
            redirections[index] = redirection._replace(body=(start, end))
            self.found[at] = self.found[at]._replace(redirections=tuple(redirections))
            if target and not any(part.is_quoted for part in target.parts):
                behind, self.at = self.at, start
                self.expansions(end)
                self.at = behind
        self.found += self.nested
        self.nested = []

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
