"""A stage read in order: what is in force at each of its instructions.

Values are those of a build with the given `--build-arg`s, as in `scope`.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

from stagelint.model.base_images import describe
from stagelint.model.calls import Call, calls, started
from stagelint.model.dispatch import REMOTE
from stagelint.model.expansion import UNKNOWN, ExpansionError, Value, expand
from stagelint.model.packages import Packages, packages
from stagelint.model.scope import Scope
from stagelint.model.stages import Stage
from stagelint.syntax.nodes import Instruction
from stagelint.syntax.validate import mounts
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.model.base_images import Description
    from stagelint.model.file import File

#: In the names of images that run on Windows.
_WINDOWS = "(?i)windows|nanoserver|servercore"

#: Instructions that say what a container starts.
_COMMANDS = frozenset({"CMD", "ENTRYPOINT", "HEALTHCHECK"})


class Moment:
    """An instruction of a stage, just before it runs."""

    def __init__(self, history: History, at: int, instruction: Instruction) -> None:
        self.stage = history.stage
        self.instruction = instruction
        self._history = history
        self._at = at
        self.directory: str | None = history.directory
        """The working directory; None if it is not known."""
        self.user: str | None = history.user
        """As USER says it; None if the base image says it and is not known."""
        self.shell: tuple[str, ...] | None = history.shell
        """What runs the shell form; None if it is not known.

        A comment `# hadolint shell=` says what the base image brings, and counts like a SHELL.
        """

    @property
    def image(self) -> Description | None:
        """The image at the bottom of the FROM chain, if it is of a known family."""
        return self._history.image

    def variable(self, name: str) -> Value | None:
        """What `$name` is here: of an ARG its default, unless the run gives another."""
        return self._history.lookup(name, self._at)

    def declares(self, name: str) -> bool:
        """Does an instruction before this one say what `$name` is, or that it may be given?"""
        return self._history.declares(name, self._at)

    def expand(self, word: str) -> str | None:
        """*word* of the instruction with its variables replaced; None if that is not known."""
        try:
            value = expand(word, self.variable, self.instruction.escape)
        except ExpansionError:
            return None
        return value if isinstance(value, str) else None

    def path(self, word: str, directory: str | None = None) -> str | None:
        """The absolute path that *word* of the instruction means; None if that is not known.

        A slash at the end is kept. *directory* is taken for the working directory if given.
        """
        value = self.expand(word)
        return None if value is None else absolute(value, directory or self.directory)

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The programs that a RUN starts, in order, as far as they can be read."""
        if self.instruction.keyword != "RUN" or not self.is_posix:
            return ()
        return tuple(calls(self.instruction, self.variable, self.directory, self.shell or ()))

    @cached_property
    def packages(self) -> tuple[Packages, ...]:
        """What these install and remove, in order."""
        return tuple(packages(self.calls))

    @cached_property
    def started(self) -> tuple[Call, ...]:
        """The programs that a container starts for a CMD, ENTRYPOINT or HEALTHCHECK, likewise."""
        if self.instruction.keyword not in _COMMANDS or not self.is_posix:
            return ()
        return tuple(started(self.instruction, self.variable, self.directory))

    @cached_property
    def mounted(self) -> tuple[str, ...]:
        """Where a RUN mounts something that does not stay, without slashes at the end."""
        found: list[str] = []
        for fields in mounts(self.instruction):
            word = fields.get("target") or fields.get("dst") or fields.get("destination")
            path = self.path(word) if word else None
            if path and path != "/" and fields.get("type", "bind") != "secret":
                found.append(path.rstrip("/"))
        return tuple(found)

    @cached_property
    def local_sources(self) -> tuple[str, ...]:
        """The sources of a COPY or ADD that lie in the build context, or in a stage with `--from`.

        No address, no inline file, and none that only a build knows.
        """
        inline = {heredoc.word_start for heredoc in self.instruction.heredocs}
        words = [each for each in self.instruction.arguments[:-1] if each.start not in inline]
        paths = [self.expand(each.value) for each in words]
        return tuple(each for each in paths if each and not re.match(REMOTE, each))

    @property
    def is_posix(self) -> bool:
        """Is a RUN read by a shell of POSIX, or by none?"""
        if self.instruction.is_json:
            return True
        program = (self.shell or ("",))[0].lower().replace("\\", "/").rpartition("/")[2]
        return program in ("sh", "bash", "ash", "dash", "zsh", "ksh", "busybox")


class History:
    """The moments of one stage, after those of the stage it is built on."""

    def __init__(self, file: File, stage: Stage, parent: History | None) -> None:
        self.stage = stage
        self.parent = parent
        self.image: Description | None = parent.image if parent else _image(file, stage)
        """The image at the bottom of its FROM chain, if it is of a known family."""
        is_scratch = stage.base.is_scratch
        self.scope: Scope = Scope(
            file.globals, parent.scope if parent else None, is_scratch=is_scratch
        )
        self._changes: dict[str, tuple[list[int], list[Value | None]]] = {}
        self._inherited: dict[str, tuple[History, int]] = {}
        is_windows = _is_windows(stage, self.image) or (
            file.tree.escape == "`" and self.image is None and not is_scratch
        )
        start = _start(parent, self.image, is_scratch=is_scratch, is_windows=is_windows)
        self.directory: str | None = start[0]
        self.user: str | None = start[1]
        said = file.comments
        by_default = None if parent else said.shell
        self.shell: tuple[str, ...] | None = by_default or start[2]
        self._said: dict[str, int | None] = {}
        self.moments: list[Moment] = []
        triggers = tuple(parent.stage.triggers) if parent else ()
        for at, instruction in enumerate((*triggers, *stage.instructions)):
            if at >= len(triggers):
                self.shell = said.shells.get(instruction.start, self.shell)
            self.moments.append(Moment(self, at, instruction))
            self._enter(at, instruction)

    @property
    def own(self) -> list[Moment]:
        """Those of the instructions that the stage is written with, in order."""
        return self.moments[len(self.moments) - len(self.stage.instructions) :]

    @cached_property
    def written(self) -> list[Moment]:
        """The same, but of an ONBUILD what it has a child do.

        That is taken at the end of the stage, where a child has it done.
        """
        return [
            Moment(self, len(self.moments), inner) if (inner := each.instruction.inner) else each
            for each in self.own
        ]

    def first_saying(self, pattern: str) -> int | None:
        """Where the first instruction begins, here or in a stage below, whose text has *pattern*."""
        unread: list[History] = []
        at: History | None = self
        while at is not None and pattern not in at._said:
            unread.append(at)
            at = at.parent
        found = at._said[pattern] if at is not None else None
        for history in reversed(unread):
            texts = ((each.instruction.start, str(each.instruction)) for each in history.moments)
            if found is None:
                found = next((start for start, text in texts if re.search(pattern, text)), None)
            history._said[pattern] = found
        return found

    def lookup(self, name: str, at: int) -> Value | None:
        """The variable *name* before the instruction with that index."""
        history, count = self._last_change(name, at)
        if count:
            return history._changes[name][1][count - 1]
        return None if history.stage.base.is_scratch and name != "PATH" else UNKNOWN

    def declares(self, name: str, at: int) -> bool:
        """Do ENV or ARG name it before the instruction with that index?"""
        _, count = self._last_change(name, at)
        return count > 0

    def _last_change(self, name: str, at: int) -> tuple[History, int]:
        """Which stage sets *name* last before that, this one or one below, and how often until then.

        If none does, the lowest.
        """
        count = bisect_right(self._changes.get(name, ((), ()))[0], at)
        if count or self.parent is None:
            return self, count
        if name not in self._inherited:
            self._inherited[name] = self.parent._last_of_all(name)
        return self._inherited[name]

    def _last_of_all(self, name: str) -> tuple[History, int]:
        """The same, behind the last instruction."""
        history = self
        while name not in history._changes and history.parent is not None:
            if name in history._inherited:
                return history._inherited[name]
            history = history.parent
        return history, len(history._changes.get(name, ((), ()))[0])

    def _enter(self, at: int, instruction: Instruction) -> None:
        moment = self.moments[-1]
        if instruction.keyword in ("ENV", "ARG"):
            for _ in self.scope.enter(instruction):
                pass  # what cannot be expanded is another rule's business
            for pair in instruction.pairs:
                positions, values = self._changes.setdefault(pair.key, ([], []))
                positions.append(at + 1)
                value = self.scope.variables.get(pair.key)
                # An ARG without a default is there to be given.
                is_open = value is None and instruction.keyword == "ARG"
                values.append(UNKNOWN if is_open else value)
        elif instruction.keyword == "WORKDIR":
            self.directory = moment.path(instruction.rest)
        elif instruction.keyword == "USER":
            self.user = moment.expand(instruction.rest)
        elif instruction.keyword == "SHELL":
            self.shell = tuple(argument.value for argument in instruction.arguments)


def _image(file: File, stage: Stage) -> Description | None:
    reference = stage.base.image
    return describe(reference, file.options.mirrors) if reference else None


def _is_windows(stage: Stage, image: Description | None) -> bool:
    name = stage.base.image or ""
    return (image is not None and image.os == "windows") or bool(re.search(_WINDOWS, name))


def _start(
    parent: History | None, image: Description | None, *, is_scratch: bool, is_windows: bool
) -> tuple[str | None, str | None, tuple[str, ...] | None]:
    """Directory, user and shell at the beginning of a stage."""
    if parent is not None:
        return parent.directory, parent.user, parent.shell
    if is_scratch:
        return "/", "", ("/bin/sh", "-c")
    if is_windows:
        return None, None, None
    if image is None:
        return None, None, ("/bin/sh", "-c")
    return image.family.directory, image.user or None, ("/bin/sh", "-c")


def absolute(path: str, directory: str | None) -> str | None:
    """*path* taken from *directory*, without `.` and `..`; a slash at the end is kept."""
    if not path.startswith("/"):
        if directory is None:
            return None
        path = posixpath.join(directory, path)
    clean = posixpath.normpath(path)
    clean = clean[1:] if clean.startswith("//") else clean
    return clean + "/" if path.endswith(("/", "/.")) and clean != "/" else clean


def histories(file: File) -> Iterator[History]:
    """That of every stage, in order."""
    done: list[History] = []
    for stage in file.stages:
        parent = None if stage.base.stage is None else done[stage.base.stage]
        done.append(History(file, stage, parent))
        yield done[-1]
