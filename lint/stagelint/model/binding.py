"""May what passes through a stage be mounted for the RUN that needs it? See `passing`.

BuildKit (v0.25.2) shows the same files with the same modes at a mount as COPY puts there, in a context
as root's; what is written to it with `rw` is gone afterwards. The mount itself can be neither removed
nor renamed, and no link made across it. What it creates to mount on, it takes away again.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from stagelint.model import inventory
from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.mounting import bars_mounts
from stagelint.model.outputs import is_in
from stagelint.model.passing import Brought, Passing
from stagelint.model.placement import before, is_file, is_there
from stagelint.model.unpacking import is_folder
from stagelint.model.users import is_root
from stagelint.model.uses import Use, is_script_apart, touches, use
from stagelint.tuples import NamedTuple

#: Folders of any image in which nothing is that somebody relies upon.
_TEMPORARY = ("/tmp/", "/var/tmp/")

#: Nobody writes as many between what is copied and what removes it.
_MOST_CALLS = 300
_UNWRITABLE = r"[*?\[\]\\,\"'\s]"


class Mount(NamedTuple):
    """A source of a COPY, and where it is to be mounted."""

    brought: Brought
    target: str


class Binding(NamedTuple):
    """How a `Passing` is mounted."""

    run: Moment
    """The RUN that needs it."""
    mounts: tuple[Mount, ...]
    is_writable: bool

    def options(self) -> Iterator[str]:
        """The options of the RUN."""
        for (copy, source, _), target in self.mounts:
            flag = copy.instruction.flag("from")
            origin = f"from={flag.value}," if flag else ""
            path = posixpath.normpath("/" + source.value).lstrip("/")
            path = f"source={'/' if flag else ''}{path}," if path else ""
            mode = ",rw" if self.is_writable else ""
            yield f"--mount=type=bind,{origin}{path}target={target}{mode}"


def bind(file: File, passing: Passing) -> Binding | str:
    """How it could be mounted; a string says why not."""
    note = _of_copies(file, passing) or _of_place(file, passing)
    run = note or _user(passing)
    return run if isinstance(run, str) else _bound(file, passing, run)


def _of_copies(file: File, passing: Passing) -> str:
    """What stands against mounting in how it is copied; empty if nothing does."""
    note = bars_mounts(file)
    if note:
        return note
    if re.search(_UNWRITABLE, passing.path):
        return "it is removed by a pattern, perhaps with other files"
    if "$" in file.source.text[passing.span.start : passing.span.end]:
        return "a variable says what is removed"
    for copy, source, place in passing.brought:
        node = copy.instruction
        origin = node.flag("from")
        if node.keyword == "ADD":
            return "ADD may fetch or unpack it"
        if node.is_json or re.search(_UNWRITABLE, source.value + place):
            return "its name is a pattern, or cannot be written in a mount"
        if any("$" in each.value for each in node.arguments):
            return "a builder may say that it is called otherwise"
        if any(node.flag(name) for name in ("chown", "chmod", "parents", "exclude")):
            return "the COPY says whose it is, or what of it is copied"
        if origin and (origin.value or "0").isdecimal():
            return "a mount needs a stage by its name"
    return ""


def _of_place(file: File, passing: Passing) -> str:
    """What may be there besides; empty if it is certain that nothing is."""
    path = passing.path
    copy = passing.brought[0].copy
    above = list(before(file, copy))
    folder = posixpath.dirname(path)
    if not (is_there(file, copy, folder) or is_folder(above, folder)):
        return f"the COPY may make the folder `{folder}`"
    if not (path.startswith(_TEMPORARY) or inventory.lacks(copy.image, path)):
        return f"the base image may have `{path}`"
    for moment in (*above, copy, *passing.between):
        if _may_bring_more(file, moment, passing):
            return f"{moment.instruction.keyword} may bring something else to `{path}`"
    name = posixpath.basename(path)
    runs = (each.instruction for each in above if each.instruction.keyword == "RUN")
    return f"a RUN above may make `{path}`, too" if any(name in str(e) for e in runs) else ""


def _may_bring_more(file: File, moment: Moment, passing: Passing) -> bool:
    """May *moment*, if it is no RUN, put something there that is no part of *passing*?"""
    node, path = moment.instruction, passing.path
    if node.keyword == "WORKDIR":
        return is_in(moment.path(node.rest) or path, path)
    if node.keyword not in ("COPY", "ADD") or not node.arguments:
        return False
    brought = [each.source for each in passing.brought if each.copy is moment]
    names = [each.value for each in node.arguments[:-1] if each not in brought]
    place = moment.path(node.arguments[-1].value) or path
    if is_in(place.rstrip("/"), path):
        return bool(names)
    return is_in(path, place) and not all(
        is_file(file, moment, name) and path != posixpath.join(place, posixpath.basename(name))
        for name in names
    )


def _user(passing: Passing) -> Moment | str:
    """The one RUN that needs it; a string says why there is none, or none that could mount it."""
    runs = [each for each in passing.between if each.instruction.keyword == "RUN"]
    if not all(each.calls for each in runs):
        return "a RUN cannot be read, and may need it"
    if sum(len(each.calls) for each in runs) > _MOST_CALLS:
        return "too many commands may need it"
    users = [each for each in runs if _needs(each, passing)]
    if len(users) != 1:
        return "more than one RUN may need it" if users else "no RUN is known to need it"
    run = users[0]
    below = passing.between[passing.between.index(run) :]
    if any(each.copy in below for each in passing.brought):
        return "some of it is copied below the RUN that needs it"
    if run.instruction.is_json or run.instruction.heredocs:
        return "what needs it is no line of commands"
    if any(is_in(passing.path, each) or is_in(each, passing.path) for each in run.mounted):
        return "something else is mounted there"
    if passing.is_from_stage and not is_root(run.user or "?"):
        return "who needs it may not be allowed to read it"
    return run


def _needs(run: Moment, passing: Passing) -> bool:
    """May *run* need it, other than to remove it?"""
    text, path = str(run.instruction), passing.path
    if run is passing.remover:
        start, end = (at - run.instruction.start for at in passing.removal.span)
        text = text[:start] + text[end:]
    others = (each for each in run.calls if each is not passing.removal)
    return posixpath.basename(path) in text or any(touches(each, path) for each in others)


def _bound(file: File, passing: Passing, run: Moment) -> Binding | str:
    """How *run*, which needs it, can mount it; a string says why it cannot."""
    targets = [_target(file, passing, run, each) for each in passing.brought]
    pairs = zip(passing.brought, targets, strict=True)
    mounts = tuple(Mount(brought, target) for brought, target in pairs if target)
    if len({each.target for each in mounts}) < len(targets):
        return "whether it is a file or a folder is not known"
    if run is passing.remover and _removes_more(passing):
        return "`rm` may remove more of it, or what is around it"
    writer = "a command" if _is_redirected_to(file, run, passing.path) else ""
    for call in run.calls:
        found = Use.NONE if call is passing.removal else use(call, passing.path)
        name = f"`{call.name}`" if call.name else "a command that a variable names"
        if found is Use.ANY and not _is_script_apart(file, passing, call):
            return f"{name} may change, move or remove it"
        if found is Use.WRITES:
            writer = name
    if writer and targets != [passing.path]:
        return f"{writer} may write beside it"
    if writer and passing.is_from_stage:
        return f"{writer} may care for whose it is"
    return Binding(run, mounts, bool(writer))


def _is_script_apart(file: File, passing: Passing, call: Call) -> bool:
    copies = [each.copy for each in passing.brought]
    return file.context is not None and is_script_apart(file.context, copies, call, passing.path)


def _removes_more(passing: Passing) -> bool:
    """May the call that removes it be told to remove something in it or around it, too?"""
    call = passing.removal
    for word, span in zip(call.arguments, call.spans, strict=True):
        if span != passing.span and not (word or "").startswith("-"):
            place = re.split(r"/?[^/]*[*?\[{]", absolute(word or "/", call.directory) or "/")[0]
            if is_in(passing.path, place or "/") or is_in(place, passing.path):
                return True
    return False


def _target(file: File, passing: Passing, run: Moment, brought: Brought) -> str | None:
    """Where *brought* is to be mounted; None if that is not known."""
    copy, source, place = brought
    bare = place.rstrip("/")
    others = (each.place for each in passing.brought if each is not brought)
    is_name = place == bare and len(copy.instruction.arguments) == 2
    if is_name and is_in(bare, passing.path) and not any(is_in(each, bare) for each in others):
        return bare  # nothing was there before, so it is called so
    path = posixpath.join(place, brought.name)
    told = (absolute(word, call.directory) for call in run.calls for word in call.words)
    if is_file(file, copy, source.value) or path in told:
        return path
    return bare if _is_folder(file, copy, source.value) else None


def _is_folder(file: File, copy: Moment, source: str) -> bool:
    """Is the *source* of a COPY certainly a folder?"""
    if source.endswith("/") or not source.strip("./"):
        return True
    if copy.instruction.flag("from"):
        path = posixpath.normpath(f"/{source}")
        return any(
            each.path.startswith(f"{path}/")
            for other, _, stage in file.copies(copy.stage)
            if other is copy
            for each in file.outputs[stage.index].found
        )
    entries = file.context.match(source) if file.context else []
    return bool(entries) and all(each.is_folder for each in entries)


def _is_redirected_to(file: File, run: Moment, path: str) -> bool:
    """Does the shell write into *path* for a command of *run*?"""
    made = file.outputs[run.stage.index].made_by(run)
    return any(each.call is None and is_in(each.path, path) for each in made)
