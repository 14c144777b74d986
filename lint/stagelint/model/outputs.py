"""What a stage can have at a path: what its steps make there, and where anything may be.

Errs on the side of having it: a program that is not known may write anywhere, and a folder that
something was copied to may hold anything. What a step takes away again counts as there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Container, Iterator, Sequence
from functools import cache, cached_property
from itertools import islice

from stagelint.model.calls import Call
from stagelint.model.families import EMPTY, SYSTEM
from stagelint.model.graph import EdgeKind
from stagelint.model.moments import Moment, absolute
from stagelint.model.writers import ANYWHERE, Target, targets
from stagelint.source import Span
from stagelint.tuples import NamedTuple
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.model.base_images import Description
    from stagelint.model.file import File
    from stagelint.model.graph import Reference

_WILD = r"[*?\[]"
_REDIRECTION = re.compile(r">{1,2}\|?\s*\"?'?([^\s;&|<>()\"'`]+)")
#: The directory that these change is not followed.
_ELSEWHERE = r"\([^)]*\bcd\s|\bpushd\b|\bchroot\b"

#: Of a stage with more, which nobody writes, nothing is known. The most in 3,000 real files is 177.
_MOST = 500


class Output(NamedTuple):
    """A path that a step of a stage makes, or may make."""

    path: str
    """Absolute, without a slash at the end."""
    is_open: bool
    """May it be a folder with anything in it?"""
    moment: Moment | None = None
    """None for what the base image brings."""
    span: Span = Span(0, 0)
    call: Call | None = None
    """The program of a RUN that makes it."""
    source: str = ""
    """The absolute path that it is a copy of, in the same stage or in *stage*."""
    stage: int | None = None
    """Index of the other stage that it is copied from."""
    hidden: tuple[str, ...] = ()
    """Folders below which nothing of it stays, since a cache or something else is mounted there."""

    def may_be(self, path: str) -> bool:
        """May *path*, which has no slash at the end, be there because of this?"""
        place = path
        wild = re.search(_WILD, path)
        if wild:
            place = posixpath.dirname(path[: wild.start()] + "x")
        if not (is_in(self.path, place) or (self.is_open and is_in(place, self.path))):
            return False
        return not any(is_in(path, folder) for folder in self.hidden)


def is_in(path: str, folder: str) -> bool:
    """Is *path* the *folder* or below it?"""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


class Outputs:
    """What is known of the files of one stage."""

    def __init__(self, file: File, stage: int, done: Sequence[Outputs]) -> None:
        """*done* are those of the stages above it."""
        base = file.stages[stage].base
        self._done = done
        self.stage = stage
        self.found: list[Output] = []
        """In the order in which they are made, those of the stages it is built on first."""
        self._system: set[tuple[str, tuple[str, ...]]] = set()
        if file.stages[stage].name in file.options.contexts:
            self.found.append(Output("/", is_open=True))
            return
        if "$" in base.raw.partition(":")[0]:  # the tag of an image may vary, not what it is
            self.found.append(Output("/", is_open=True))
        elif base.stage is not None:
            self.found += done[base.stage].found
        elif not base.is_scratch:
            self.found += _brought(file.histories[stage].image)
        copies = {
            id(each.instruction): each
            for each in file.graph.of(stage)
            if each.kind in (EdgeKind.COPY, EdgeKind.ONBUILD) and each.needs is not None
        }
        for moment in file.moments(file.stages[stage]):
            for output in self._of(moment, copies.get(id(moment.instruction))):
                self._add(output)
            if len(self.found) > _MOST:
                self.found = [Output("/", is_open=True)]
                return

    def _of(self, moment: Moment, reference: Reference | None) -> Iterator[Output]:
        """What *moment* makes; *reference* is that of a COPY from another stage."""
        keyword = moment.instruction.keyword
        if keyword == "RUN":
            yield from islice(made_by_run(moment, self._system), _MOST)
        elif keyword in ("COPY", "ADD"):
            yield from islice(self._copy(moment, reference), _MOST)
        elif keyword == "WORKDIR":
            path = moment.path(moment.instruction.rest)
            yield _output(moment, path, moment.instruction.code_span)

    def _add(self, output: Output) -> None:
        """What package managers write is the same each time; `go build` may mean a folder."""
        if output.is_open and output.path in SYSTEM:
            self._system.add((output.path, output.hidden))
        is_go = output.call is not None and output.call.name in ("go", "xx-go")
        is_open = output.is_open or (is_go and self._is_folder(output.path))
        self.found.append(output._replace(is_open=is_open))

    def made_by(self, moment: Moment) -> Sequence[Output]:
        """What *moment* makes or may make, of what is found."""
        return self._by_moment.get(id(moment), ())

    @cached_property
    def _by_moment(self) -> dict[int, list[Output]]:
        made: dict[int, list[Output]] = {}
        for each in self.found:
            if each.moment:
                made.setdefault(id(each.moment), []).append(each)
        return made

    def may_have(self, path: str) -> bool:
        """May the absolute *path*, in which `*` is a wildcard, be there at the end of the stage?"""
        path = path.rstrip("/")
        return not path or any(each.may_be(path) for each in self.found)

    def swallows(self, path: str) -> str | None:
        """The folder with *path* that was mounted while something wrote there, so it is not kept."""
        for output in self.found:
            for folder in output.hidden:
                if output.moment and is_in(path, folder) and is_in(folder, output.path):
                    return folder
        return None

    def known(self) -> list[Output]:
        """The files and folders that are meant to be there, each once."""
        made = {each.path: each for each in self.found if each.moment and each.path != "/"}
        return [each for each in made.values() if not each.is_open or each.source]

    def maker(self, path: str) -> tuple[Output, int] | None:
        """The step that *path* is from, and the stage that is in: copies are followed.

        Of several the one whose path is nearest counts, then the last.
        """
        return self._maker(path.rstrip("/"), len(self.found))

    def _maker(self, path: str, end: int) -> tuple[Output, int] | None:
        """As `maker`, but of the first *end* outputs."""
        covering = [each for each in self.found[:end] if _covers(each, path)]
        if not covering or re.search(_WILD, path):
            return None
        nearest = max(len(each.path) for each in covering)
        output = [each for each in covering if len(each.path) == nearest][-1]
        if not output.source:
            return output, self.stage
        inside = output.source + path[len(output.path) :]
        if output.stage is None:
            return self._maker(inside.rstrip("/"), self.found.index(output))
        return self._done[output.stage].maker(inside)

    def _copy(self, moment: Moment, reference: Reference | None) -> Iterator[Output]:
        instruction = moment.instruction
        if len(instruction.arguments) < 2:
            return  # BuildKit refuses it
        *sources, last = instruction.arguments
        span = instruction.code_span
        place = moment.path(last.value)
        if place is None:
            yield _output(moment, None, span)
            return
        heredocs = {each.word_start: each.delimiter for each in instruction.heredocs}
        for source in sources:
            if source.start in heredocs:
                path = place + heredocs[source.start] if place.endswith("/") else place
                yield Output(path, is_open=False, moment=moment, span=span)
            else:
                yield from self._copied(moment, source.value, place, reference)

    def _copied(
        self, moment: Moment, word: str, place: str, reference: Reference | None
    ) -> Iterator[Output]:
        span = moment.instruction.code_span
        copied = moment.path(word, "/") if reference else None
        bare = place.rstrip("/") or "/"
        if (
            copied is None
            or reference is None
            or reference.needs is None
            or re.search(_WILD, copied)
        ):
            yield Output(bare, is_open=True, moment=moment, span=span)
            return
        if reference.needs >= len(self._done) or moment.instruction.flag("parents"):
            yield Output(bare, is_open=True, moment=moment, span=span)
            return
        copied = copied.rstrip("/") or "/"
        output = Output(
            bare, is_open=True, moment=moment, span=span, source=copied, stage=reference.needs
        )
        is_file = any(
            each.path == copied and not each.is_open and each.call and each.call.name != "mkdir"
            for each in self._done[reference.needs].found
        )
        name = posixpath.join(bare, posixpath.basename(copied))
        if is_file and (place.endswith("/") or self._is_folder(bare)):
            yield output._replace(path=name, is_open=False)
        else:
            yield output._replace(is_open=not is_file)

    def _is_folder(self, path: str) -> bool:
        return path == "/" or any(
            is_in(each.path, path) and (each.path != path or _makes_folder(each))
            for each in self.found
        )


def _makes_folder(output: Output) -> bool:
    if output.moment is None:
        return True
    is_workdir = output.moment.instruction.keyword == "WORKDIR"
    return is_workdir or output.is_open or (output.call is not None and output.call.name == "mkdir")


def _covers(output: Output, path: str) -> bool:
    return output.path == path or (
        output.is_open and output.may_be(path) and is_in(path, output.path)
    )


def _brought(image: Description | None) -> tuple[Output, ...]:
    """What the base image may have."""
    is_known = image is not None and image.os != "windows" and image.family.path in EMPTY
    if image is None or not is_known or "onbuild" in (image.reference.tag or ""):
        return (Output("/", is_open=True),)
    return _system(image.family.path)


@cache
def _system(family: str) -> tuple[Output, ...]:
    empty = EMPTY[family]
    return (
        *(Output(folder, is_open=True, hidden=empty) for folder in SYSTEM),
        *(Output(folder, is_open=False) for folder in empty),
    )


def _output(moment: Moment, path: str | None, span: Span) -> Output:
    """A file or an empty folder; where the path is not known, anything anywhere."""
    if path is None:
        return Output("/", is_open=True, moment=moment, span=span)
    return Output(path.rstrip("/") or "/", is_open=False, moment=moment, span=span)


def made_by_run(
    moment: Moment, known: Container[tuple[str, tuple[str, ...]]] = ()
) -> Iterator[Output]:
    """What a RUN makes, but for the folders of the system in *known*, with what is hidden there."""
    instruction = moment.instruction
    hidden = moment.mounted
    script = instruction.script
    span = instruction.code_span
    is_read = moment.is_posix and (moment.calls or not script.strip())
    if not is_read or re.search(_ELSEWHERE, script) or len(instruction.heredocs) > 1:
        yield Output("/", is_open=True, moment=moment, span=span, hidden=hidden)
        return
    directories = {moment.directory, *(call.directory for call in moment.calls)}
    for target in redirected(script):
        for directory in directories:
            yield from _placed(moment, target, directory, span, None, hidden)
    for call in moment.calls:
        for target in targets(call, in_force(moment, call)):
            if target.is_open and not target.source and (target.word, hidden) in known:
                continue
            yield from _placed(moment, target, call.directory, call.span, call, hidden)


def in_force(moment: Moment, call: Call) -> Callable[[str], str | None]:
    """The values of variables for *call*: None for one that is not set, `/` if it may be any."""

    def variable(name: str) -> str | None:
        if name in call.settings:
            value = call.settings[name]
            return "/" if value is None else value
        found = moment.variable(name)
        if isinstance(found, str):
            return found
        return "/" if moment.declares(name) else None

    return variable


def redirected(script: str) -> Iterator[Target]:
    """The files that *script* has the shell write, but for devices."""
    for match in _REDIRECTION.finditer(script):
        word = match[1]
        if word.startswith("/dev/"):
            continue
        variable = re.search(r"[$*?\[{~]", word)
        if variable:
            yield Target(word[: variable.start()].rpartition("/")[0] or "/")
        else:
            yield Target(word, is_open=False)


def _placed(
    moment: Moment,
    target: Target,
    directory: str | None,
    span: Span,
    call: Call | None,
    hidden: tuple[str, ...],
) -> Iterator[Output]:
    path = absolute(target.word, directory)
    if path is None:
        path, target = "/", ANYWHERE
    source = absolute(target.source, directory) if target.source else ""
    path = path.rstrip("/") or "/"
    if not any(is_in(path, folder) for folder in hidden):
        source = (source or "").rstrip("/")
        yield Output(path, target.is_open, moment, span, call, source, None, hidden)
