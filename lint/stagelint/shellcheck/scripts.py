"""The scripts of a Dockerfile that ShellCheck can read, and where each character of them stands.

What the shell of a RUN gets is BuildKit's doing (v0.25.2): the joined lines without comments; of a
lone heredoc its body; with more on the line, line and bodies together. ShellCheck gets that text
behind a prelude of two lines, which names the shell and what is known about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stagelint.model.families import SH
from stagelint.model.file import File
from stagelint.model.moments import History, Moment
from stagelint.model.stages import Stage
from stagelint.source import Span
from stagelint.syntax.nodes import Heredoc, Instruction, Logical
from stagelint.tuples import NamedTuple

#: ShellCheck's time grows with the square of a script's length: 5 s for so many characters. The
#: longest of 11,000 real ones has 4,000.
MAX_LENGTH = 12_000

#: Lines before the script.
PRELUDE_LINES = 2

#: The first line by which ShellCheck, of any version, knows a shell.
_SHEBANGS = {
    "sh": "#!/bin/sh",
    "dash": "#!/bin/dash",
    "ash": "#!/bin/busybox sh",
    "busybox": "#!/bin/busybox sh",
    "bash": "#!/bin/bash",
    "ksh": "#!/bin/ksh",
}

#: What a build is given without an ARG, in the case in which ShellCheck asks for an assignment.
_GIVEN = frozenset({"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"})

#: A directive that may stay: it can but silence, and reads nothing.
_HARMLESS = r"#[ \t]*shellcheck[ \t]+disable=[A-Za-z0-9,-]+[ \t]*(?:#.*)?\r?$"


#: A path, a variable or a program of Windows.
_OF_WINDOWS = r"""(?:^|[\s"'=])[cC]:\\[a-zA-Z]|%[a-zA-Z]{3,}%|\bpowershell\b"""


class Shell(NamedTuple):
    """What reads a script."""

    name: str
    """`sh` if it is not known which one that is."""
    options: frozenset[str] = frozenset()
    """Those that change what is a mistake: `errexit`, `pipefail`."""


class Script(NamedTuple):
    """A script of an instruction."""

    text: Logical
    shell: Shell
    prelude: str
    stage: Stage
    instruction: Instruction

    @property
    def document(self) -> str:
        """What ShellCheck reads. The text keeps its length, but no directive can name a file."""
        return self.prelude + _disarmed(self.text.text)

    def offset(self, line: int, column: int) -> int:
        """Where in the text line and column of the document are, both 1-based, a tab being one
        column; a place outside of the text becomes its end."""
        at = 0
        for _ in range(line - 1 - PRELUDE_LINES):
            at = self.text.text.find("\n", at) + 1 or len(self.text.text)
        return min(at + column - 1, len(self.text.text))

    def span(self, start: int, end: int) -> Span:
        """Where [start, end) of the text stands in the file; where it is empty, one character."""
        start = min(start, max(0, len(self.text.text) - 1))
        return self.text.span(start, max(end, start + 1))


def speaks_of(file: File, stage: Stage) -> bool:
    """Are the scripts of *stage* checked? What does not ship is spoken of if that is asked for."""
    return file.options.builders_too or stage.index in file.ships


def scripts(file: File) -> Iterator[Script]:
    """Every script of *file* in a shell that ShellCheck knows, in the stages to speak of."""
    if not file.is_read or file.is_huge or "RUN" not in file.source.text.upper():
        return
    for history in file.histories:
        if speaks_of(file, history.stage):
            for moment in _runs(history):
                yield from _of_run(moment)


def _runs(history: History) -> Iterator[Moment]:
    """The RUNs that are written in a stage; those of ONBUILD at its end, where they are run."""
    own = {id(each) for each in history.stage.instructions}
    for moment in history.moments:
        instruction = moment.instruction
        if id(instruction) not in own or instruction.problems:
            continue
        if instruction.inner:
            moment = Moment(history, len(history.moments), instruction.inner)
        if moment.instruction.keyword == "RUN" and not moment.instruction.is_json:
            yield moment


def _of_run(moment: Moment) -> Iterator[Script]:
    for command, text in texts(moment.instruction):
        shell = shell_of(command) if command else _shell_in_force(moment)
        if shell and text.text.strip() and len(text.text) <= MAX_LENGTH:
            shell = _named(shell, moment)
            prelude = _prelude(shell, moment, text.text)
            yield Script(text, shell, prelude, moment.stage, moment.instruction)


def texts(run: Instruction) -> Iterator[tuple[Sequence[str], Logical]]:
    """Each script of a RUN in shell form, behind the words of the command that reads it, which are
    none for the shell in force."""
    heredoc = run.heredocs[0] if len(run.heredocs) == 1 else None
    others = _without(run, heredoc) if heredoc else ""
    if heredoc and not others:
        body = _body(run, heredoc)
        is_program = run.text.startswith("#!", heredoc.body.start)
        yield body.text.partition("\n")[0][2:].split() if is_program else (), body
        return
    parts = [part for each in run.heredocs for part in _as_written(run, each)]
    yield (), run.logical.after(run.rest_start).followed_by(parts)
    if heredoc and _reads_stdin(others.split()) and _is_as_it_stands(run, heredoc):
        yield others.split(), _body(run, heredoc)


# -- text ------------------------------------------------------------------------------------------


def _without(run: Instruction, heredoc: Heredoc) -> str:
    """The command of *run* without the word of its heredoc."""
    line = run.logical.text
    return (line[run.rest_start : heredoc.word_start] + line[heredoc.word_end :]).strip()


def _body(run: Instruction, heredoc: Heredoc) -> Logical:
    """The lines of *heredoc*; of `<<-` without the tabs before them."""
    start, end = heredoc.body
    text = run.text[start:end]
    if not heredoc.chomp:
        return Logical(text, (0,), (start,))
    lines = [(each[1], start + each.start(1)) for each in re.finditer(r"\t*(.*\n?)", text)]
    return Logical("", (), ()).followed_by(lines)


def _as_written(run: Instruction, heredoc: Heredoc) -> Iterator[tuple[str, int]]:
    """A newline, the body and the delimiter behind it, as BuildKit puts them behind the line."""
    start, end = heredoc.body
    yield "\n", start - 1
    yield run.text[start:end], start
    yield heredoc.delimiter, run.text.find(heredoc.delimiter, end)


def _is_as_it_stands(run: Instruction, heredoc: Heredoc) -> bool:
    """Does what reads the heredoc get it as it is written?"""
    body = run.text[heredoc.body.start : heredoc.body.end]
    return not heredoc.expand or not any(sign in body for sign in "$`\\")


def _disarmed(text: str) -> str:
    """*text*, in which no comment is a directive, but for those that only silence.

    ShellCheck reads a file that `source=` names, if it is one of those it is to check. Bytes that
    are no UTF-8 are characters here, so they are there.
    """

    def replaced(match: re.Match[str]) -> str:
        return match[0] if match[0][0] == "#" else "shellchecK"

    if "shellcheck" in text:
        text = re.sub(f"{_HARMLESS}|shellcheck", replaced, text, flags=re.MULTILINE)
    return text if text.isascii() else re.sub("[\ud800-\udfff]", "\ufffd", text)


# -- shells ----------------------------------------------------------------------------------------


def shell_of(words: Sequence[str]) -> Shell | None:
    """The shell that a command or a `#!` line starts, perhaps through another program."""
    for at, word in enumerate(words):
        name = word.replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
        if name in _SHEBANGS:
            return Shell(name, frozenset(_options(words[at + 1 :])))
    return None


def _reads_stdin(words: Sequence[str]) -> bool:
    """Is it a shell, with nothing but options behind it?"""
    options = [each for each in words[1:] if each not in ("pipefail", "errexit")]
    is_shell = shell_of(words[:1]) is not None
    return is_shell and all(re.match("-[a-zA-Z]*[abd-zA-Z]$", each) for each in options)


def _options(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        if word in ("errexit", "pipefail"):
            yield word
        elif re.match("-[a-zA-Z]*e", word):
            yield "errexit"


def _shell_in_force(moment: Moment) -> Shell | None:
    """The shell that a RUN is given to, if it is one that takes a script by `-c`."""
    words = moment.shell or ()
    if words == ("/bin/sh", "-c") and not moment.image and _looks_like_windows(moment):
        return None
    return shell_of(words) if words and re.match("-[a-zA-Z]*c$", words[-1]) else None


def _looks_like_windows(moment: Moment) -> bool:
    """May an image that is not known be one of Windows, whose shell is cmd?"""
    run = moment.instruction
    if run.escape == "`" or re.search(
        "windows|nanoserver", str(moment.stage.opening), re.IGNORECASE
    ):
        return True
    return re.search(_OF_WINDOWS, run.rest) is not None


def _named(shell: Shell, moment: Moment) -> Shell:
    """*shell*, where `sh` is the one that the base image has."""
    if shell.name != "sh" or not moment.image:
        return shell
    return shell._replace(name=SH.get(moment.image.os, "sh"))


def _prelude(shell: Shell, moment: Moment, text: str) -> str:
    """Two lines: the shell; its options, and the variables of *text* that the build gives it.

    Findings in them are dropped. That a variable has a value is told, not which: what an ARG or an
    ENV holds is not split by accident.
    """
    commands = [f"set -o {option}" for option in sorted(shell.options)]
    names = sorted(
        name
        for name in set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text))
        if name in _GIVEN or moment.declares(name)
    )
    commands += ["export " + " ".join(f"{name}=1" for name in names)] if names else []
    return f"{_SHEBANGS[shell.name]}\n{'; '.join(commands)}\n"
