"""What a RUN does to files that COPYs have just brought, and whether these could do it themselves.

Sources: BuildKit v0.25.2 and buildah 1.28, observed. `--chown` and `--chmod` apply to all that is
copied; `--chown`, and in BuildKit `--chmod` as far as its umask lets it, to the folders that are made for
it, above the destination too. A folder that is there stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from stagelint.model import inventory
from stagelint.model.arrivals import origin
from stagelint.model.calls import Call
from stagelint.model.families import SYSTEM
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import Output, is_in, made_by_run
from stagelint.model.packages import packages
from stagelint.model.placement import (
    OF_SYSTEM,
    before,
    between,
    brings_beside,
    destination,
)
from stagelint.source import Span
from stagelint.tuples import NamedTuple

#: They look at owner, mode and place of files, or keep them in copies.
HEEDING = frozenset("cp find install ln ls mv rsync stat tar test [ [[".split())
#: What makes a folder or an empty file that can be named.
_MAKING = frozenset({"mkdir", "touch"})
#: Lines of a list of packages that have pip write where it runs, or that name another list.
_WRITES_HERE = r"(?m)^\s*(?:-e|--editable|-r|--requirement|\.|/|file:)"
#: What gives files the rights that `chown` takes away.
_PRIVILEGED = r"\bsetcap\b|\bchmod\b[^&|;\n]*(?:[ug]\+?s\b|\b0?[2-7]\d{3}\b)|-m\s*0?[2-7]\d{3}\b"


def options(call: Call) -> set[str]:
    """The options of a program of coreutils, one letter each or long."""
    words = [each for each in call.arguments if each and each.startswith("-")]
    return {
        option
        for word in words
        for option in ([word] if word.startswith("--") else [f"-{each}" for each in word[1:]])
    }


def unfit(file: File, copy: Moment) -> str:
    """Why a flag of *copy* may not be about what is done to its files; empty if it is."""
    node, dialect = copy.instruction, file.options.dialect
    if dialect.name not in ("buildkit", "buildah"):
        return f"what flags of COPY mean to {dialect.title} is not certain"
    if node.start < copy.stage.opening.start:
        return "the COPY is an ONBUILD of another stage"
    if node.flag("link") or node.flag("parents"):
        return "folders that a COPY makes with `--link` or `--parents` are not its own"
    if node.keyword == "ADD" and not _adds_folders(file, copy):
        return "what ADD unpacks is not known"
    return ""


def _adds_folders(file: File, add: Moment) -> bool:
    """Are all sources of an ADD certainly folders of the build context?"""
    if len(add.local_sources) + 1 < len(add.instruction.arguments):
        return False
    found = [file.context.match(each) if file.context else [] for each in add.local_sources]
    return all(
        not source.strip("./") or (entries and all(each.is_folder for each in entries))
        for source, entries in zip(add.local_sources, found, strict=True)
    )


class Gathered(NamedTuple):
    """What lies in a folder of a stage when a call of a RUN is about to run."""

    copies: tuple[Moment, ...]
    """The COPYs of the stage that bring something there, in order."""
    folders: tuple[str, ...]
    """The paths that these make: the destinations, and folders around them."""
    kept: tuple[str, ...]
    """Folders and empty files that something else makes, the folder itself among them if it does."""
    doubt: str
    """Why there may be more; empty if there is not."""


def gather(file: File, run: Moment, call: Call, folder: str) -> Gathered:
    """Everything in *folder*, an absolute path, before *call* of *run*."""
    found = _Gatherer(file, run, folder)
    for moment in before(file, run):
        found.take(moment)
    for output in made_by_run(run):
        if output.call is None or output.call.span.start < call.span.start:
            found.made(output)
    if any(is_in(path, folder) or is_in(folder, path) for path in run.mounted):
        found.say(f"something is mounted at `{folder}`")
    return Gathered(tuple(found.copies), tuple(found.copied), tuple(found.kept), found.doubt)


class _Gatherer:
    """Follows a stage, and the stages it is built on, as far as one folder is concerned."""

    def __init__(self, file: File, run: Moment, folder: str) -> None:
        self.file = file
        self.stage = run.stage
        self.folder = folder
        self.seen: list[Moment] = []
        self.copies: list[Moment] = []
        self.copied: dict[str, None] = {}
        self.kept: dict[str, None] = {}
        self.doubt = ""
        if inventory.is_empty(run.image, folder):
            self.kept[folder] = None
        elif not inventory.lacks(run.image, folder):
            base = file.chain(run.stage)[0].base.raw
            self.say(f"`{base}` may have files in `{folder}`")

    def say(self, reason: str) -> None:
        """The first reason counts."""
        self.doubt = self.doubt or reason

    def take(self, moment: Moment) -> None:
        node = moment.instruction
        if node.keyword == "WORKDIR":
            path = moment.path(node.rest)
            if path is None:
                self.say("which folder a WORKDIR means is not known")
            else:
                self._keep(path.rstrip("/") or "/")
        elif node.keyword in ("COPY", "ADD"):
            self._copy(moment)
        elif node.keyword == "RUN":
            for output in made_by_run(moment):
                self.made(output)
        elif node.keyword == "VOLUME" and self.file.options.dialect.name != "buildkit":
            self.say("what changes in a VOLUME may be lost")
        self.seen.append(moment)

    def _keep(self, path: str) -> None:
        if is_in(path, self.folder):
            made = (each for each in between(self.folder, path) if each not in self.copied)
            self.kept.update(dict.fromkeys(made))

    def _copy(self, copy: Moment) -> None:
        place = destination(copy)
        if place is None:
            self.say("where a COPY copies to is not known")
        elif is_in(place, self.folder):
            if copy.stage is not self.stage:
                self.say(f"stage `{copy.stage.label}` brings files to `{self.folder}`, too")
            self.copies.append(copy)
            made = (each for each in between(self.folder, place) if each not in self.kept)
            self.copied.update(dict.fromkeys(made))
        elif is_in(self.folder, place) and not brings_beside(self.file, copy, self.folder):
            self.say(f"what is copied to `{place}` may be in `{self.folder}`, too")

    def made(self, output: Output) -> None:
        """Take into account what a call of a RUN makes, or a redirection."""
        path, call = output.path, output.call
        if not is_in(path, self.folder) and not (output.is_open and is_in(self.folder, path)):
            return
        if call and call.name in OF_SYSTEM and path in SYSTEM:
            return
        if call and call.name in _MAKING and not output.is_open and not call.has("-m", "--mode"):
            self._keep(path)
        elif not (call and self._installs_packages(call)):
            name = f"`{call.name}`" if call and call.name else "a RUN"
            self.say(f"{name} may write to `{self.folder}`")

    def _installs_packages(self, call: Call) -> bool:
        """Does pip install packages alone, as the lists that it is given show?"""
        told = next(iter(packages((call,))), None)
        if told is None or told.manager != "pip" or told.sources or call.has("-t", "--target"):
            return False
        return not told.lists or self._lists_packages(call, call.option("-r", "--requirement"))

    def _lists_packages(self, call: Call, name: str | None) -> bool:
        path = absolute(name, call.directory) if name else None
        if self.file.context is None or path is None:
            return False
        inside = origin(self.file.context, self.seen, path)
        text = self.file.context.text(inside) if inside else None
        return text is not None and not re.search(_WRITES_HERE, text)


def heeded(file: File, run: Moment, call: Call, first: Moment, folder: str,
           programs: Collection[str]) -> str:  # fmt: skip
    """One of *programs* that runs after *first* and before *call* of *run*, and is told of *folder*.

    Empty if there is none.
    """
    own = file.moments(run.stage)
    for moment in own[own.index(first) : own.index(run) + 1]:
        for each in moment.calls:
            if moment is run and each.span.start >= call.span.start:
                break
            if each.name in programs and is_told(each, folder):
                return each.name
    return ""


def is_told(call: Call, folder: str) -> bool:
    """May *call* be given *folder*, something in it, or a folder around it?"""
    words = [each for each in call.arguments if each is None or not each.startswith("-")]
    if call.name in ("chmod", "chown", "chgrp"):
        words = words[1:]
    paths = [absolute(each, call.directory) if each else None for each in words]
    return any(
        path is None or is_in(path.rstrip("/"), folder) or is_in(folder, path.rstrip("/") or "/")
        for path in paths or [call.directory]
    )


def privileged(file: File, copy: Moment) -> str:
    """What *copy* may bring with rights that `chown` takes away; empty if nothing is known of it."""
    node = copy.instruction
    if node.flag("from") is None and file.context is not None:
        entries = (entry for source in copy.local_sources for entry in file.context.copied(source))
        return next(
            (each.path for each in entries if each.mode & 0o6000 and not each.is_folder), ""
        )
    for other, _, source in file.copies(copy.stage):
        texts = (str(each.instruction) for each in file.moments_behind(source))
        if other is copy and any(re.search(_PRIVILEGED, text) for text in texts):
            return source.label
    return ""


def remainder(
    file: File, call: Call, step: Span, rest: Collection[str], kept: Collection[str]
) -> str:
    """What is left of *call*, a `chown` the *step* of a RUN, that is done without.

    It stays for the paths *rest*, and without `-R` for *kept*.
    """
    written = [file.source.text[each.start : each.end] for each in call.spans]
    places = [at for at, each in enumerate(call.arguments) if each and not each.startswith("-")]
    program = file.source.text[step.start : call.name_span.end]
    words = {
        (absolute(call.arguments[at] or "", call.directory) or "").rstrip("/"): written[at]
        for at in places[1:]
    }
    told = [each for at, each in enumerate(written) if at not in places]
    parts = [[program, *told, written[places[0]], *(words[each] for each in rest)]] if rest else []
    if kept:
        parts.append([program, written[places[0]], *(words.get(each, each) for each in kept)])
    return " && ".join(map(" ".join, parts))
