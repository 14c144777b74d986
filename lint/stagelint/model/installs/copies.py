"""COPYs of whole folders, the installs below that read what they bring, and what these need of it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from stagelint.edit import Guarantee
from stagelint.model.calls import Call
from stagelint.model.context import Context, clean
from stagelint.model.families import SYSTEM
from stagelint.model.file import File
from stagelint.model.installs import Folder, Install, Needs, Unclear, install_of
from stagelint.model.moments import Moment
from stagelint.model.run_steps import is_apart, steps
from stagelint.model.stages import Stage
from stagelint.syntax.nodes import Instruction
from stagelint.syntax.validate import mounts
from stagelint.tuples import NamedTuple

#: Flags of the COPY that the one of the manifests gets as well.
_FLAGS = frozenset({"chown", "chmod", "link"})
#: Instructions that a COPY may move below of.
_PASSED = frozenset("CMD ENTRYPOINT EXPOSE HEALTHCHECK LABEL SHELL STOPSIGNAL USER".split())
#: Folders in which programs look for what has nothing to do with a project.
_OF_SYSTEM = {*SYSTEM, "/usr/local"} - {"/home", "/media", "/mnt", "/opt", "/srv", "/tmp"}
#: So many installs in one RUN are looked at.
_MOST = 20


class Copy(NamedTuple):
    """A COPY of all that is in a folder of the build context."""

    moment: Moment
    source: str
    """The folder in the context, clean."""
    target: str
    """Where its files come to lie, without a slash at the end."""


class Below(NamedTuple):
    """The installs of a RUN below a COPY, of what that brought."""

    run: Moment
    installs: Sequence[tuple[Call, Install]]
    passed: Sequence[Instruction]
    """RUNs in between that have nothing to do with it."""
    obstacle: str
    """What in between may have; empty if nothing."""

    @property
    def title(self) -> str:
        return self.installs[0][1].title


def sources_first(file: File, stage: Stage) -> Iterator[tuple[Copy, Below]]:
    """Each COPY of a folder, with the next install in *stage* that runs in what it brought."""
    moments = file.histories[stage.index].own
    found = [_installs(each) for each in moments]
    for at, moment in enumerate(moments) if any(found) else ():
        copy = _broad(file, moment)
        below = _next_install(moments, found, at, copy) if copy else None
        if copy and below:
            yield copy, below


def has_installed(file: File, stage: Stage, copy: Copy, below: Below) -> bool:
    """Has the same manager installed in the same folder before the COPY?"""
    for moment in file.moments_behind(stage):
        if moment is copy.moment:
            return False
        for call, install in _installs(moment):
            if any(
                install.manager == other.manager and call.directory == its.directory
                for its, other in below.installs
            ):
                return True
    return False


def needs(context: Context, copy: Copy, below: Below) -> Needs:
    """What the installs need, by names from the folder that is copied. Raises `Unclear`."""
    mounted = mounts(below.run.instruction)
    if any(fields.get("type", "bind") == "bind" for fields in mounted):
        raise Unclear("what it has mounted is not known")
    if len(below.installs) > _MOST:
        raise Unclear("it installs too often to look up what for")
    inside = (each[1:] for each in SYSTEM) if copy.target == "/" else ()
    if any(context.find(posixpath.join(copy.source, each)) for each in inside) or (
        copy.target in _OF_SYSTEM
    ):
        raise Unclear(f"what is copied to `{copy.target}` may be read by any program")
    found = [_needs_of(context, copy, call, install) for call, install in below.installs]
    files = dict.fromkeys(name for each in found for name in each.files)
    folders = dict.fromkeys(name for each in found for name in each.folders)
    holds = dict.fromkeys(phrase for each in found for phrase in each.holds)
    promise = max((each.promise for each in found), key=[*Guarantee].index)
    return Needs(tuple(files), tuple(folders), holds=tuple(holds), promise=promise)


def _broad(file: File, moment: Moment) -> Copy | None:
    node = moment.instruction
    if node.keyword not in ("COPY", "ADD") or node.is_json or len(node.arguments) != 2:
        return None
    target = moment.path(node.arguments[1].value)
    if node.heredocs or not _FLAGS.issuperset(each.name for each in node.flags) or not target:
        return None
    for source in map(clean, moment.local_sources):
        found = file.context.find(source) if file.context else None
        if source == "." or (found and found.is_folder):
            return Copy(moment, source, target.rstrip("/") or "/")
    return None


_Installs = Sequence[tuple[Call, Install]]


def _installs(run: Moment) -> _Installs:
    found = ((call, install_of(call)) for call in run.calls)
    return [(call, install) for call, install in found if install]


def _next_install(
    moments: Sequence[Moment], installs: Sequence[_Installs], at: int, copy: Copy
) -> Below | None:
    for end in range(at + 1, len(moments)):
        inside = [each for each in installs[end] if _below(each[0].directory, copy.target)]
        if inside:
            between = moments[at + 1 : end]
            obstacles = (_obstacle(each, copy) for each in between)
            nodes = [each.instruction for each in between]
            passed = [each for each in nodes if each.keyword == "RUN"]
            return Below(moments[end], inside, passed, next(filter(None, obstacles), ""))
    return None


def _below(path: str | None, folder: str) -> str | None:
    """*path* from *folder*, which it lies in; None if it does not."""
    if path is None:
        return None
    found = posixpath.relpath(path, folder)
    return None if found.startswith("..") else found


def _obstacle(moment: Moment, copy: Copy) -> str:
    """Why *copy* cannot move below *moment*; empty if it can."""
    keyword, node = moment.instruction.keyword, copy.moment.instruction
    if keyword == "RUN":
        found = steps(moment)
        is_passed = found is not None and all(is_apart(each, copy.target) for each in found)
    elif keyword == "WORKDIR":
        is_passed = node.arguments[1].value.startswith("/")
    elif keyword in ("ARG", "ENV"):
        is_passed = "$" not in node.rest
    else:
        is_passed = keyword in _PASSED
    return "" if is_passed else f"the {keyword} in between may have to do with the sources"


def _needs_of(context: Context, copy: Copy, call: Call, install: Install) -> Needs:
    inside = _below(call.directory, copy.target) or "."
    if call.is_conditional or call.is_inner:
        raise Unclear("it may be left out")
    found = install.needs(Folder(context, posixpath.join(copy.source, inside)), call)
    is_of_project = "/" in call.path and not call.path.startswith("/")
    if is_of_project and posixpath.normpath(call.path) not in found.files:
        raise Unclear(f"`{call.path}` is a program of the project")

    def moved(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(posixpath.normpath(posixpath.join(inside, each)) for each in names)

    for name in moved(found.writes):
        if context.find(posixpath.join(copy.source, name)):
            raise Unclear(
                f"`{name}` of the build context would lie over what is installed:"
                " let `.dockerignore` leave it out"
            )
    return found._replace(files=moved(found.files), folders=moved(found.folders))
