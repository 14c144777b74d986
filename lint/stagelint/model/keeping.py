"""Whether a RUN could keep for the next build what it fetches, and what stands against that."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from stagelint.model.cache_mounts import MANAGERS, Manager, Place
from stagelint.model.caches import are_lists_read, covers
from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.packages import manager_calls
from stagelint.model.stages import Stage
from stagelint.model.users import is_root
from stagelint.syntax.nodes import Instruction
from stagelint.tuples import NamedTuple

_BY_PROGRAM: dict[str, list[Manager]] = {}
for _manager in MANAGERS:
    for _program in _manager.programs:
        _BY_PROGRAM.setdefault(_program, []).append(_manager)

#: Questions about a program itself.
_ASKING = ("--version", "-v", "-version", "--help", "-h")
#: They change or take all that is in a folder; of others only what they name counts.
_WHOLE = frozenset("rm find mv cp chown chmod chgrp tar rsync ln".split())
_QUIET = frozenset("cd mkdir ls test [ echo printf export set du true : cat".split())
#: What a script does cannot be read; these come from elsewhere, or only compile.
_KNOWN_SCRIPTS = frozenset("configure mvnw gradlew make".split())


class Told(NamedTuple):
    """A call of a manager."""

    call: Call
    program: str
    verb: str
    at: int
    """Index of the verb among the arguments; -1 if there is none."""


class Keeping(NamedTuple):
    """The calls of one RUN by which a manager could use what an earlier build has left."""

    manager: Manager
    calls: tuple[Told, ...]
    places: tuple[Place, ...]


def keepings(file: File, run: Moment) -> Iterator[Keeping]:
    """What *run* could keep for the next build, by manager; not where a folder is mounted already.

    Without what it empties itself, and what other instructions need.
    """
    found: dict[str, tuple[Manager, list[Told]]] = {}
    for call in run.calls:
        program, verb, at = _told(call)
        for manager in _BY_PROGRAM.get(program, ()):
            is_right = not manager.suits or not run.image or manager.suits(run.image)
            if is_right and _fills(manager, call, verb):
                found.setdefault(manager.name, (manager, []))[1].append(
                    Told(call, program, verb, at)
                )
    for manager, calls in found.values():
        verbs = {each.verb for each in calls}
        places = tuple(
            each
            for each in manager.places
            if (each.verbs is None or each.verbs & verbs)
            and not _is_needed(file, run, manager, each)
        )
        if places and not any(_is_mounted(each.folder, run) for each in manager.places):
            yield Keeping(manager, tuple(calls), places)


def kept(run: Moment, keeping: Keeping) -> Keeping:
    """*keeping* without the folders that *run* itself changes besides, such as those it empties."""
    others = [each for each in run.calls if not uses(keeping.manager, each)]
    left = [each for each in keeping.places if not any(_changes(call, each) for call in others)]
    return keeping._replace(places=tuple(left))


def objection(run: Moment, keeping: Keeping) -> str:
    """What stands against mounting caches for *run*; empty if nothing does."""
    manager = keeping.manager
    for told in keeping.calls:
        for word in told.call.arguments:
            if word and re.fullmatch(manager.off, word):
                return f"`{word}` says that nothing is kept, or where"
        if told.call.wrappers and told.call.wrappers[-1][0] == "sudo":
            return "`sudo` decides where the cache lies"
    for call in run.calls:
        if any(call.starts(*words) for words in manager.spoils):
            return f"`{_shown(call)}` in the same RUN empties the cache, or keeps more in it"
        if _is_script(call) and not uses(manager, call):
            return f"what `{_shown(call)}` does to the cache is not known"
    if not kept(run, keeping).places:
        return "the same RUN empties the folder, or changes it"
    return _homeless(run, manager)


def _homeless(run: Moment, manager: Manager) -> str:
    """Why it is not known where the folders lie; empty if it is."""
    if manager.suits and run.image is None:
        return "where it keeps things in this base image is not known"
    if manager.is_system:
        return ""
    if run.user not in (None, "dropped") and not is_root(run.user or ""):
        return "it is not root who runs it, and a cache is mounted as root's"
    if run.image is None or run.user is None:
        return "who runs it in this base image, and so where it keeps things, is not known"
    return "`HOME` says where it keeps things" if run.declares("HOME") else ""


def moving(file: File, manager: Manager) -> Instruction | None:
    """The first instruction that moves the caches of *manager*, or uses them for something else."""
    for each in file.tree.instructions:
        text = each.script if each.keyword == "RUN" else each.logical.text
        if each.keyword != "FROM" and re.search(manager.moved, text):
            return each
    return None


def copied(file: File, stage: Stage, place: Place) -> Instruction | None:
    """The COPY that puts something into the folder in *stage*, or takes it from there."""
    for each in file.chain(stage):
        for moment in file.moments(each):
            if moment.instruction.keyword in ("COPY", "ADD") and moment.instruction.arguments:
                target = moment.path(moment.instruction.arguments[-1].value)
                if target and _is_around(target, place.folder) and not _are_files(moment):
                    return moment.instruction
    heirs = _heirs(file, stage)
    for user in file.stages:
        for moment, _, source in file.copies(user):
            for argument in moment.instruction.arguments[:-1] if source.index in heirs else ():
                path = moment.path(argument.value, "/")
                if path is None or _is_around(path, place.folder):
                    return moment.instruction
    return None


def _is_around(path: str, folder: str) -> bool:
    """Is *path* the *folder*, in it, or around it? The root of all is not."""
    path = path.rstrip("/")
    return bool(path) and covers(path, (folder,))


def _are_files(moment: Moment) -> bool:
    """Do the names of what is copied look like those of files?"""
    names = [posixpath.basename(each.rstrip("/")) for each in moment.local_sources]
    return bool(names) and all(re.search(r"\w\.\w+\Z", name) for name in names)


def _told(call: Call) -> tuple[str, str, int]:
    """The program of *call*, what it is told to do, and the index of that among the arguments."""
    known = next(manager_calls((call,)), None)
    if known is not None:
        return known.program, known.verb, known.at
    for at, word in enumerate(call.arguments):
        if word and not word.startswith(("-", "+")):
            return call.name, word, at
    return call.name, "", -1


def uses(manager: Manager, call: Call) -> bool:
    """Does *call* fetch, compile or run something by way of *manager*?"""
    program, verb, _ = _told(call)
    return program in manager.programs and _fills(manager, call, verb)


def _fills(manager: Manager, call: Call, verb: str) -> bool:
    if not verb and call.has(*_ASKING):
        return False
    return not manager.verbs or verb in manager.verbs


def _is_mounted(folder: str, run: Moment) -> bool:
    return any(f"{folder}/".startswith(f"{each}/") or f"{each}/".startswith(f"{folder}/")
               for each in run.mounted)  # fmt: skip


def _is_needed(file: File, run: Moment, manager: Manager, place: Place) -> bool:
    """Do other steps need what *run* leaves in *place*, or it what they have left?"""
    if place.has_lists:
        first = next(each for each in run.calls if each.name.startswith(manager.name))
        reads_older = "update" in (place.verbs or ()) and not first.has("update")
        return reads_older or are_lists_read(file, run, manager.programs)
    if not place.is_library:
        return False
    heirs = _heirs(file, run.stage)
    if any(file.is_image(file.stages[index]) for index in heirs):
        return True
    related = [*file.chain(run.stage)[:-1], *(file.stages[index] for index in sorted(heirs))]
    return any(
        _may_use(manager, moment)
        for stage in related
        for moment in file.moments(stage)
        if moment.instruction is not run.instruction
    )


def _may_use(manager: Manager, moment: Moment) -> bool:
    if moment.instruction.keyword != "RUN":
        return False
    return not moment.calls or any(
        _told(call)[0] in manager.programs or _is_script(call) or call.name == "make"
        for call in moment.calls
    )


def _heirs(file: File, stage: Stage) -> set[int]:
    """*stage* and those that are built on it."""
    found = {stage.index}
    for each in file.stages[stage.index :]:
        if each.base.stage in found:
            found.add(each.index)
    return found


def _is_script(call: Call) -> bool:
    """Is it a script, or something else, of which nothing is known?"""
    if call.name in _KNOWN_SCRIPTS:
        return False
    if call.name in ("sh", "bash", "dash", "ash", ".", "source"):
        return bool(call.words) and not any(
            re.fullmatch(r"-\w*c", each or "") for each in call.arguments
        )
    is_elsewhere = "/" in call.path and not call.path.startswith(
        ("/bin/", "/sbin/", "/usr/", "/opt/")
    )
    return not call.name or is_elsewhere or call.name.endswith(".sh")


def _changes(call: Call, place: Place) -> bool:
    """May *call* change the folder, or all that is in it?"""
    if call.name in _QUIET:
        return False
    if not call.is_known and call.name in _WHOLE:
        return True
    for word in call.arguments:
        path = absolute((word or "").rpartition("=")[2], call.directory) if word else None
        if word and word.startswith("~"):
            path = word
        if path and (path != "/" or call.name in _WHOLE) and covers(path, (place.folder,)):
            return True
    return False


def _shown(call: Call) -> str:
    return " ".join([call.path or call.name or "it", *call.words[:1]])
