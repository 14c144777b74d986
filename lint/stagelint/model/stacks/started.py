"""The one program that the container of a stage starts."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.model.calls import runs_script
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.stacks.plans import Refused
from stagelint.model.stages import Stage
from stagelint.model.starting import start
from stagelint.tuples import NamedTuple

#: Programs that only start another, and are in every image with a shell.
_WRAPPERS = frozenset({"exec", "env", "nice", "nohup", "command"})


class Started(NamedTuple):
    """A program, as ENTRYPOINT and CMD start it."""

    name: str
    path: str
    """As it is written: `./app`, `/usr/bin/java`, `app`."""
    arguments: tuple[str | None, ...]
    """None for a word that cannot be known."""
    directory: str
    """Where it runs."""
    moment: Moment
    words: tuple[str, ...]
    """All words of ENTRYPOINT and CMD that are known."""

    def absolute(self, path: str) -> str:
        """*path* taken from where it runs."""
        return absolute(path, self.directory) or path


def started(file: File, stage: Stage) -> Started:
    """Raises `Refused` if it is not known which program it is, or if it is no single one."""
    found = start(file.moments_behind(stage))
    first = found.first
    directory = file.histories[stage.index].directory
    if first is None or directory is None:
        raise Refused("it is not known what the image starts")
    calls = [each for each in first.started if not runs_script(each)]
    if len(calls) != 1 or not calls[0].path or calls[0].is_conditional:
        raise Refused("it starts more than one program", first.instruction)
    call = calls[0]
    wrapper = next((name for name, _ in call.wrappers if name not in _WRAPPERS), None)
    if wrapper:
        raise Refused(f"`{wrapper}` starts the program", first.instruction)
    more: tuple[str | None, ...] = ()
    command = found.command
    if command and command is not first and first.instruction.is_json:
        more = tuple(_given(command))
    arguments = (*call.arguments, *more)
    words = tuple(each for each in (call.path, *arguments) if each)
    return Started(call.name, call.path, arguments, directory, first, words)


def _given(command: Moment) -> Iterator[str | None]:
    """What CMD gives to ENTRYPOINT."""
    for each in command.started[:1]:
        yield each.path or None
        yield from each.arguments
