"""What a shell script is read as: commands, words, and what they are made of."""

from __future__ import annotations

from enum import StrEnum

from stagelint.tuples import NamedTuple


class Kind(StrEnum):
    """What a part of a word is."""

    TEXT = "text"
    VARIABLE = "variable"
    SUBSTITUTION = "substitution"
    """`$(...)`, `<(...)` and backticks, whose text is what stands between; and what else the shell
    works something out of, whose text is all of it: `$((1 + $n))`, `${#NAME}`, or the `(some words)`
    of `declare NAME=(some words)`."""


class Part(NamedTuple):
    """A piece of a word: its *text* (of a variable, the name) stands at *start* to *end*."""

    kind: Kind
    text: str
    start: int
    end: int
    is_quoted: bool = False
    operator: str = ""
    """Of `${NAME:-word}`, what stands between name and word; of `${NAME#pattern}`, `${NAME[1]}` and
    all others whose word is no value, all that stands behind the name."""
    operand: tuple[Part, ...] = ()
    """The word of it; of a substitution that runs nothing, the parts of that."""


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
    and a later `||`, or behind `&&` in a condition, or behind a test and `&&` (`[ a ] && b; c`)
    unless the script or group ends with it; and the bodies of `if`, `while`, `until`, `select`,
    `case` and of functions."""
    compound: str = ""
    """What of a compound command it is: `for`, `select` or `case` with the words up to its body;
    `function` with the name that is defined; `[[` and `((` with all of it; or, with no words, what
    ends one whose *redirections* these are: `)`, `}`, `fi`, `done`, `esac`."""
    subshell: int = -1
    """Where the innermost subshell or substitution that it stands in begins; -1 for none."""
