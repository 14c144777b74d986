"""The programs that instructions start: names, arguments, and what is in force for them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from stagelint.model.expansion import Value
from stagelint.source import Span
from stagelint.syntax import shell
from stagelint.syntax.nodes import Argument, Heredoc, Instruction
from stagelint.tuples import NamedTuple

Lookup = Callable[[str], Value | None]

#: Programs that only start another, with how many of their own words stand before it.
_WRAPPERS = frozenset(
    """
    sudo env exec command nohup time eatmydata nice setsid builtin
    tini dumb-init docker-init catatonit
    """.split()
)

#: Their options whose value is the next word.
_VALUED = {
    "sudo": frozenset("-u -g -h -p -C -D -R -T -U -r -t --user --group --chdir".split()),
    "env": frozenset({"-u", "-C", "--unset", "--chdir"}),
    "nice": frozenset({"-n"}),
    "exec": frozenset({"-a"}),
}

#: Shells that images have as `sh`.
SHELLS = frozenset("sh bash ash dash".split())
#: Shells whose `-c` is read as well.
_SHELLS = SHELLS | {"zsh", "ksh"}

#: Scripts in scripts are read so deep.
_DEPTH = 3


class Call(NamedTuple):
    """One program that is started."""

    name: str
    """Without its folder: `go`; empty if it is not known."""
    arguments: tuple[str | None, ...]
    """What follows the name, quotes removed; None for a word that cannot be known."""
    settings: dict[str, str | None]
    """The variables set in the script so far, None for one that cannot be known."""
    directory: str | None
    """Where it runs; None if that is not known."""
    span: Span
    """In the file, from its first word to its last."""
    spans: tuple[Span, ...]
    """Those of the arguments; all alike where a word stands within another."""
    is_conditional: bool = False
    """May it be left out, depending on what runs before?"""
    path: str = ""
    """The name as written: `./app`, `/usr/bin/java`; empty if it is not known."""
    name_span: Span = Span(0, 0)
    wrappers: tuple[tuple[str, Span], ...] = ()
    """The programs in front that only start it: `sudo` of `sudo make`."""
    unheard: str | None = None
    """The program that a pipe leads here from and whose failure nobody notices, since the shell has
    no `pipefail`; empty if it is not known which, None if there is none."""
    is_inner: bool = False
    """Does it stand in a subshell, in a substitution, or in a script within a script?"""
    is_fed: bool = False
    """Does it read what another program writes, by a pipe?"""
    is_nested: bool = False
    """Does it stand within a single word of the file, as in `sh -c '...'`?"""

    @property
    def starting(self) -> tuple[tuple[str, Span], ...]:
        """The programs in front and itself, with their places."""
        return (*self.wrappers, (self.name, self.name_span))

    @property
    def words(self) -> tuple[str, ...]:
        """The arguments that are no options and are known."""
        return tuple(each for each in self.arguments if each and not each.startswith("-"))

    @property
    def is_known(self) -> bool:
        """Are all arguments known?"""
        return None not in self.arguments

    def starts(self, *words: str) -> bool:
        """Is it `words[0]` with the other *words* as its first that are no options?"""
        return self.name == words[0] and self.words[: len(words) - 1] == words[1:]

    def option(self, *names: str) -> str | None:
        """The value of the last option of *names*: `-o x`, `-ox`, `--out x`, `--out=x`."""
        found: str | None = None
        for at, argument in enumerate(self.arguments):
            for name in names if argument else ():
                assert argument is not None
                if argument == name and at + 1 < len(self.arguments):
                    found = self.arguments[at + 1]
                elif argument.startswith(f"{name}=") and len(name) > 1:
                    found = argument[len(name) + 1 :]
                elif len(name) == 2 and argument.startswith(name) and len(argument) > 2:
                    found = argument[2:]
        return found

    def has(self, *options: str) -> bool:
        """Is one of *options* among its arguments?"""
        return not frozenset(options).isdisjoint(self.arguments)


def runs_script(call: Call) -> bool:
    """Is it `sh -c`, whose script is read as calls of its own?"""
    return call.name in SHELLS and any(
        re.fullmatch(r"-[a-z]*c", each or "") for each in call.arguments
    )


def calls(
    run: Instruction, lookup: Lookup, directory: str | None, shell: Sequence[str] = ()
) -> Iterator[Call]:
    """The programs that *run* starts. *lookup*, *directory* and *shell* are in force before it."""
    if run.is_json:
        yield from _of_words(run, run.arguments, lookup, directory)
        return
    heredoc = run.whole_script
    if heredoc:
        script = run.text[heredoc.body.start : heredoc.body.end]
        if script.lstrip("\t").startswith("#!") and "sh" not in script.partition("\n")[0]:
            return
        given = () if script.lstrip("\t").startswith("#!") else shell
        yield from _Reader(lookup, directory, given).script(script, _of_body(heredoc))
        return

    yield from _of_script(run, run.rest_start, lookup, directory, shell)


def started(command: Instruction, lookup: Lookup, directory: str | None) -> Iterator[Call]:
    """The programs that a container starts for *command*, a CMD, ENTRYPOINT or HEALTHCHECK."""
    arguments = command.arguments[1:] if command.keyword == "HEALTHCHECK" else command.arguments
    if command.is_json:
        yield from _of_words(command, arguments, lookup, directory)
    elif arguments:
        yield from _of_script(command, arguments[0].start, lookup, directory)


def _of_words(
    node: Instruction, words: Sequence[Argument], lookup: Lookup, directory: str | None
) -> Iterator[Call]:
    placed = [(each.value, node.logical.span(each.start, each.end)) for each in words]
    yield from _Reader(lookup, directory).call([*placed], {}, is_conditional=False, depth=0)


def _of_script(
    node: Instruction,
    begin: int,
    lookup: Lookup,
    directory: str | None,
    shell: Sequence[str] = (),
) -> Iterator[Call]:
    def place(start: int, end: int) -> Span:
        return node.logical.span(begin + start, begin + end)

    yield from _Reader(lookup, directory, shell).script(node.logical.text[begin:], place)


def _all_at(span: Span) -> Callable[[int, int], Span]:
    return lambda start, end: span


def _of_body(heredoc: Heredoc) -> Callable[[int, int], Span]:
    return lambda start, end: Span(heredoc.body.start + start, heredoc.body.start + end)


class _Around(NamedTuple):
    """What is in force around a subshell, which cannot change it."""

    depth: int
    subshell: int
    directory: str | None
    settings: dict[str, str | None]
    has_pipefail: bool


class _Reader:
    """Follows the variables, the directory and the `pipefail` of a script."""

    def __init__(
        self, lookup: Lookup, directory: str | None, shell: Sequence[str | None] = ()
    ) -> None:
        self.lookup = lookup
        self.directory = directory
        self.settings: dict[str, str | None] = {}
        self.has_pipefail = _pipefail(shell)

    def script(
        self,
        text: str,
        place: Callable[[int, int], Span],
        *,
        is_conditional: bool = False,
        is_fed: bool = False,
        depth: int = 0,
    ) -> Iterator[Call]:
        """The calls of a script; *place* tells where a part of it stands in the file."""
        around: list[_Around] = []
        commands = list(shell.commands(text))
        for at, command in enumerate(commands):
            self._enter(around, command)
            may_not_run = is_conditional or command.is_conditional
            given = {
                each.name: None if each.is_array or each.is_added else self.value(each.words[0])
                for each in command.assignments
            }
            if not command.words:
                known = dict.fromkeys(given) if command.is_conditional else given
                self.settings = {**self.settings, **known}
                continue
            words = [
                (value, place(word.start, word.end))
                for word in command.words
                for value in self.values(word)
            ]
            if command.compound:
                if command.compound in ("for", "select") and len(words) > 1:
                    self.settings = {**self.settings, words[1][0] or "": None}
                continue
            is_unheard = command.joined in ("|", "|&") and not self.has_pipefail
            unheard = self._fed_by(commands, at) if is_unheard else None
            yield from self.call(
                words,
                given,
                is_conditional=may_not_run,
                is_fed=is_fed or command.joined in ("|", "|&"),
                depth=depth,
                unheard=unheard,
                is_inner=bool(depth or command.depth),
            )
        if around:
            self._leave(around[0])

    def _enter(self, around: list[_Around], command: shell.Command) -> None:
        """Leave the subshells that *command* does not stand in, and enter the one that it does."""
        while around and (around[-1].depth, around[-1].subshell) != (
            command.depth,
            command.subshell,
        ):
            if around[-1].depth < command.depth:
                break
            self._leave(around.pop())
        if command.depth > (around[-1].depth if around else 0):
            state = self.directory, self.settings, self.has_pipefail
            around.append(_Around(command.depth, command.subshell, *state))

    def _leave(self, around: _Around) -> None:
        self.directory, self.settings = around.directory, around.settings
        self.has_pipefail = around.has_pipefail

    def _fed_by(self, commands: Sequence[shell.Command], at: int) -> str:
        """The program whose output `commands[at]` reads; empty if that cannot be told."""
        inner, command = commands[at - 1], commands[at]
        for before in range(at - 1, -1, -1):
            each = commands[before]
            if each.depth <= command.depth:
                is_it = (
                    each is inner or inner.start < each.end
                )  # what is deeper may be a part of it
                name = self.value(each.words[0]) if is_it and each.words else None
                return posixpath.basename(name or "")
        return ""

    def values(self, word: shell.Word) -> list[str | None]:
        """What *word* is to the program: a variable alone and without quotes is split into words."""
        part = word.parts[0] if len(word.parts) == 1 else None
        if part and part.kind is shell.Kind.TEXT:
            return [part.text]
        if part and part.kind is shell.Kind.VARIABLE and not part.is_quoted:
            value = self._variable(part)
            if value is not None:
                return [*value.split()]
        return [self.value(word)]

    def value(self, word: shell.Word) -> str | None:
        """The text of *word*; None if it cannot be known."""
        found: list[str] = []
        for part in word.parts:
            if part.kind is shell.Kind.TEXT:
                found.append(part.text)
                continue
            value = self._variable(part) if part.kind is shell.Kind.VARIABLE else None
            if value is None or (not part.is_quoted and any(char.isspace() for char in value)):
                return None
            found.append(value)
        return "".join(found)

    def _variable(self, part: shell.Part) -> str | None:
        if part.operator and part.operator not in (":-", "-"):
            return None
        if part.text in self.settings:
            value: object = self.settings[part.text]
        else:
            value = self.lookup(part.text)
        if isinstance(value, str) and (value or part.operator != ":-"):
            return value
        if value is None and part.operator and part.text not in self.settings:
            texts = [each.text for each in part.operand if each.kind is shell.Kind.TEXT]
            return "".join(texts) if len(texts) == len(part.operand) else None
        return None

    def call(
        self,
        words: Sequence[tuple[str | None, Span]],
        given: dict[str, str | None],
        *,
        is_conditional: bool,
        is_fed: bool = False,
        depth: int,
        unheard: str | None = None,
        is_inner: bool = False,
    ) -> Iterator[Call]:
        """The call that *words* are, and those within it; the first is the program."""
        wrappers: list[tuple[str, Span]] = []
        words = _unwrapped(words, given, wrappers)
        name = posixpath.basename(words[0][0] or "") if words else ""
        if not words:
            return
        arguments = tuple(value for value, _ in words[1:])
        settings = {**self.settings, **given} if given else self.settings
        span = Span(words[0][1].start, max(words[-1][1].end, words[0][1].end))
        spans = tuple(each for _, each in words[1:])
        path = words[0][0] or ""
        yield Call(
            name,
            arguments,
            settings,
            self.directory,
            span,
            spans,
            is_conditional,
            path,
            words[0][1],
            tuple(wrappers),
            unheard,
            is_inner,
            is_fed,
            is_nested=bool(depth) or spans[:1] == (span,),
        )
        if name in _SHELLS and depth < _DEPTH:
            yield from self._inner(words, is_conditional=is_conditional, is_fed=is_fed, depth=depth)
        elif name == "cd":
            target = arguments[0] if arguments else None
            self.directory = None if is_conditional else _joined(self.directory, target)
        elif name == "export":
            for argument in arguments:
                key, equals, value = (argument or "").partition("=")
                if equals:
                    self.settings = {**self.settings, key: value}
        elif name == "set":
            self.has_pipefail = _pipefail(arguments, otherwise=self.has_pipefail)

    def _inner(
        self,
        words: Sequence[tuple[str | None, Span]],
        *,
        is_conditional: bool,
        is_fed: bool,
        depth: int,
    ) -> Iterator[Call]:
        for at, (word, _) in enumerate(words[1:-1], 1):
            if word and word.startswith("-") and not word.startswith("--") and word.endswith("c"):
                script, span = words[at + 1]
                if script is not None:
                    around = _Around(0, 0, self.directory, self.settings, self.has_pipefail)
                    self.has_pipefail = _pipefail([value for value, _ in words[: at + 1]])
                    yield from self.script(
                        script,
                        _all_at(span),
                        is_conditional=is_conditional,
                        is_fed=is_fed,
                        depth=depth + 1,
                    )
                    self._leave(around)
                return


def _joined(directory: str | None, target: str | None) -> str | None:
    if target is None or target in ("-", "~"):
        return None
    if target.startswith("/"):
        return posixpath.normpath(target)
    return None if directory is None else posixpath.normpath(posixpath.join(directory, target))


def _pipefail(words: Sequence[str | None], *, otherwise: bool = False) -> bool:
    """Is `pipefail` set by the options *words* of a shell or of `set`?"""
    for option, word in pairwise(words):
        if word == "pipefail" and option and option[0] in "+-" and option.endswith("o"):
            return option[0] == "-"
    return otherwise


def _unwrapped(
    words: Sequence[tuple[str | None, Span]],
    given: dict[str, str | None],
    wrappers: list[tuple[str, Span]],
) -> Sequence[tuple[str | None, Span]]:
    """*words* from the program that is really run on; what `env` sets goes to *given*.

    The programs in front go to *wrappers*.
    """
    while len(words) > 1 and posixpath.basename(words[0][0] or "") in _WRAPPERS:
        name = posixpath.basename(words[0][0] or "")
        if name == "command" and words[1][0] in ("-v", "-V"):
            break  # it only looks for the program
        wrappers.append((name, words[0][1]))
        words = words[1:]
        while words and words[0][0] is not None:
            word = words[0][0]
            key, equals, value = word.partition("=")
            if equals and key.isidentifier():
                given[key] = value
            elif not word.startswith("-"):
                break
            words = words[2:] if word in _VALUED.get(name, ()) else words[1:]
    return words
