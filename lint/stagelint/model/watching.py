"""What may look at a file of an image, or change it, between two instructions of a stage."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model.calls import Call, runs_script
from stagelint.model.contents import PATH
from stagelint.model.doubts import PLAIN
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import is_in, redirected
from stagelint.model.packages import manager_calls
from stagelint.model.placement import OF_PACKAGES, OF_SYSTEM

#: They look at what they are told, and at nothing else.
_TOLD = (PLAIN - {"find", "ls", "source", "su", "xargs"}) | {"curl", "gpg", "tar", "unzip", "wget"}
#: They make what is not there, and look at nothing that is.
_BLIND = frozenset({":", "cd", "echo", "export", "mkdir", "printf", "set", "true"})
_WILD = r"[*?\[{]"


def watcher(file: File, copy: Moment, run: Moment, call: Call, path: str) -> str:
    """What may look at the absolute *path*, or change it, after *copy* and before *call* of *run*.

    A name for messages, with backticks if it is that of a program; empty if nothing does.
    """
    own = file.moments(run.stage)
    for moment in own[own.index(copy) + 1 : own.index(run) + 1]:
        if moment.instruction.keyword != "RUN":
            continue
        if any(is_in(path, each) or is_in(each, path) for each in moment.mounted):
            return "a mount"
        earlier = _before(moment, call) if moment is run else moment.calls
        found = next((each for each in earlier if _may_look(each, path)), None)
        if found is not None:
            return f"`{found.name}`" if found.name else "a RUN"
        if moment is not run and not _is_read(moment):
            return "a RUN"
        if is_written(moment, path):
            return "a RUN"
    return ""


def _before(run: Moment, call: Call) -> Iterator[Call]:
    return (each for each in run.calls if each.span.start < call.span.start)


def _is_read(run: Moment) -> bool:
    """Is it known which programs *run* starts?"""
    node = run.instruction
    return run.is_posix and bool(run.calls) and (not node.heredocs or node.whole_script is not None)


def is_written(run: Moment, path: str) -> bool:
    """May a redirection of *run* write to *path*?"""
    directories = {run.directory, *(call.directory for call in run.calls)}
    places = (
        absolute(each.word, directory)
        for each in redirected(run.instruction.script)
        for directory in directories
    )
    return any(each is None or is_in(each.rstrip("/"), path) for each in places)


def _may_look(call: Call, path: str) -> bool:
    if call.name in _BLIND:
        return False
    if call.name == "touch" and call.is_known:
        return path in (absolute(each, call.directory) for each in call.words)
    if call.name in OF_SYSTEM:
        return is_told_of(call, path) or re.match(OF_PACKAGES, path) is not None
    if call.name in _TOLD or runs_script(call):
        return is_told_of(call, path)
    if not any(manager_calls((call,))) or call.directory is None:
        return True
    is_around = is_in(path, call.directory) or is_in(call.directory, path)
    return is_around or path.rpartition("/")[0] in PATH or is_told_of(call, path)


def is_told_of(call: Call, path: str, *, as_a_whole: bool = False) -> bool:
    """May an argument of *call* mean the absolute *path*, a folder around it, or something in it?

    The last does not count if it is to be the *path* *as_a_whole*.
    """
    for word in call.arguments:
        if word is None:
            return True
        value = word.partition("=")[2] if word.startswith("-") else word
        wild = re.search(_WILD, value)
        if wild:
            value = value[: wild.start()].rpartition("/")[0] or "."
        place = absolute(value, call.directory) if value else "-"
        if place is None:
            return True
        place = place.rstrip("/") or "/"
        if is_in(path, place) or (is_in(place, path) and not as_a_whole):
            return True
    return False
