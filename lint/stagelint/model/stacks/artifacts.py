"""Where a program that a container starts lies in the build, and what made it there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

from stagelint.model.calls import Call
from stagelint.model.moments import Moment, absolute
from stagelint.model.stacks.plans import Copy, Refused
from stagelint.model.stacks.started import Started

#: Folders of PATH in every image.
_PATH = tuple(f"{top}/{name}" for top in ("/usr/local", "/usr", "") for name in ("sbin", "bin"))


def calls(moments: Iterable[Moment]) -> Iterator[tuple[Moment, Call]]:
    """Every call of the RUNs among *moments*, in order."""
    for moment in moments:
        for call in moment.calls:
            yield moment, call


def places(started: Started, moments: Sequence[Moment], besides: Sequence[str] = ()) -> list[str]:
    """The absolute paths that the program may have in the build; *besides* are folders of PATH that
    its base adds."""
    if "/" in started.path:
        return [started.absolute(started.path)]
    told = [
        folder
        for moment in moments
        for pair in moment.instruction.pairs
        if moment.instruction.keyword == "ENV" and pair.key == "PATH"
        for folder in (pair.value or "").strip("\"'").split(":")
        if folder.startswith("/")
    ]
    return [posixpath.join(folder, started.path) for folder in (*told, *besides, *_PATH)]


def origin(path: str, moments: Sequence[Moment]) -> str:
    """The path of which *path* is a copy that `cp`, `mv` or `install` made; perhaps a pattern."""
    for _, call in reversed([*calls(moments)]):
        given = words(call, ("-m", "-o", "-g", "--mode"), verbs=0)
        if call.name not in ("cp", "mv", "install") or not given or len(given) != 2:
            continue
        source, target = (absolute(each, call.directory) for each in given)
        if source is None or target is None:
            continue
        name = posixpath.basename(source)
        if path in (target, posixpath.join(target, name)):
            path = source
    return path


def shipped(path: str, started: Started) -> Copy:
    """How the program at *path* is copied, so that it is found as it was.

    A folder of the SDK's own PATH is in no other: from there it goes to `/usr/local/bin`.
    """
    is_searched = "/" not in started.path
    folder, name = posixpath.split(path)
    if is_searched and folder not in _PATH:
        return Copy((path,), f"/usr/local/bin/{name}")
    return Copy((path,), path)


def single(paths: Iterable[str], moment: Moment) -> str:
    """The only one of *paths*. Raises `Refused`."""
    found = [*dict.fromkeys(paths)]
    if len(found) > 1:
        raise Refused("more than one program is built", moment.instruction)
    if not found:
        raise Refused("it is not known which file the build makes", moment.instruction)
    return found[0]


def built(
    made: Iterable[str], moments: Sequence[Moment], run: Started, besides: Sequence[str]
) -> Copy:
    """How the only program of those *made* is copied; *besides* as in `places`. Raises `Refused`.

    It must be what is started.
    """
    program = single(made, run.moment)
    for path in places(run, moments, besides):
        if origin(path, moments) == program:
            return shipped(path, run)
    reason = f"it starts `{run.path}`, and the build makes `{program}`"
    raise Refused(reason, run.moment.instruction)


def words(call: Call, valued: Iterable[str], *, verbs: int = 1) -> list[str] | None:
    """What is no option of *call*, nor the value of one of *valued*, behind its first *verbs*.

    None if that cannot be known.
    """
    skips, found = frozenset(valued), list[str]()
    is_value = False
    for argument in call.arguments:
        if is_value:
            is_value = False
        elif argument is None:
            return None
        elif argument.startswith("-"):
            is_value = argument in skips
        else:
            found.append(argument)
    return found[verbs:]


def mentions(text: str, name: str) -> bool:
    """Is *name* a word of *text*?"""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text) is not None
