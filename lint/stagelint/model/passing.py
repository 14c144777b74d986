"""What COPYs bring for one RUN, and a RUN removes again: files that could be mounted instead."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice

from stagelint.model.calls import Call
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import is_in
from stagelint.model.unpacking import unpackings
from stagelint.source import Span
from stagelint.syntax.nodes import Argument
from stagelint.tuples import NamedTuple

_WILD = r"[*?\[]"
#: So many sources of a COPY, and removed paths of a stage, are looked at; nobody writes more.
_MOST = 100


class Brought(NamedTuple):
    """A source of a COPY or ADD, and where it is copied to."""

    copy: Moment
    source: Argument
    place: str
    """Absolute, as the instruction says it: a slash at the end says that it is a folder."""

    @property
    def name(self) -> str:
        return posixpath.basename(self.source.value.rstrip("/"))


class Passing(NamedTuple):
    """What is copied to a path, or below it, that a RUN of the same stage removes."""

    path: str
    """What is removed: absolute, and perhaps a pattern."""
    brought: tuple[Brought, ...]
    """Not empty; in order."""
    remover: Moment
    removal: Call
    """The call of `rm` in *remover*."""
    span: Span
    """Where that names it."""
    between: tuple[Moment, ...]
    """What follows the first COPY, up to *remover*."""

    @property
    def is_from_stage(self) -> bool:
        """Does some of it come from another stage or image?"""
        return any(each.copy.instruction.flag("from") for each in self.brought)


def passings(moments: Sequence[Moment]) -> Iterator[Passing]:
    """What passes through a stage whose *moments* are these, but for archives: see `unpacking`."""
    copied: dict[int, list[Brought]] = {}
    count = 0
    for at, moment in enumerate(moments):
        if moment.instruction.keyword in ("COPY", "ADD"):
            copied[at] = list(islice(_brought(moments, at), _MOST))
        removed = islice(_removed(moment) if copied else (), _MOST - count)
        for call, path, span in removed:
            count += 1
            found = {start: [e for e in row if _is_of(e, path)] for start, row in copied.items()}
            firsts = [start for start, row in found.items() if row]
            if firsts:
                brought = tuple(each for start in firsts for each in found[start])
                between = tuple(moments[firsts[0] + 1 : at + 1])
                yield Passing(path, brought, moment, call, span, between)
                for start in firsts:
                    copied[start] = [each for each in copied[start] if each not in found[start]]


def _brought(moments: Sequence[Moment], at: int) -> Iterator[Brought]:
    copy = moments[at]
    words = copy.instruction.arguments
    place = copy.path(words[-1].value) if len(words) > 1 else None
    if place is None:
        return
    archives = {found.source.start for found in unpackings(moments, at)}
    inline = {heredoc.word_start for heredoc in copy.instruction.heredocs}
    for source in words[:-1]:
        if source.start not in archives | inline:
            yield Brought(copy, source, place)


def _removed(run: Moment) -> Iterator[tuple[Call, str, Span]]:
    """What *run* removes whatever happens, as far as it says it plainly."""
    for call in run.calls:
        if call.name == "rm" and not (call.is_conditional or call.is_inner or call.wrappers):
            for word, span in zip(call.arguments, call.spans, strict=True):
                path = absolute(word, call.directory) if word and word[0] != "-" else None
                if path and path.strip("/"):
                    yield call, path.rstrip("/"), span


def _is_of(brought: Brought, path: str) -> bool:
    """Is all that is *brought* at *path*, or what that stands for, or below it?"""
    if is_in(brought.place.rstrip("/"), path):
        return True
    arrival = posixpath.join(brought.place, brought.name)
    return bool(brought.name.strip(".")) and (
        arrival == path or (bool(re.search(_WILD, path)) and fnmatchcase(arrival, path))
    )
