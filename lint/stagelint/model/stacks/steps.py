"""What the RUNs of a stage are for: to build, to install packages, or to set up what a program needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import StrEnum

from stagelint.model.calls import Call, runs_script
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import in_force, redirected
from stagelint.model.packages import manager_calls
from stagelint.model.stacks.plans import Refused
from stagelint.model.writers import targets
from stagelint.tuples import NamedTuple


class Kind(StrEnum):
    """What a RUN is for."""

    BUILD = "build"
    INSTALL = "install"
    SETUP = "setup"


#: They leave nothing behind, whatever they are given.
_IDLE = frozenset(
    """
    : [ cd echo true test set export printf pwd ls cat env id uname nproc date which command sleep
    head tail wc sort sha256sum md5sum file ldd basename dirname sync
    """.split()
)
#: They set up users and folders.
_SETUP = frozenset("useradd groupadd adduser addgroup usermod mkdir chown chmod".split())
_USERS = frozenset("useradd groupadd adduser addgroup usermod".split())
#: They take away, or change what was built.
_BUILD = frozenset("rm rmdir strip upx mkdir chmod cp mv install sed find touch".split())
#: What is cleaned up after packages.
_CLEANS = frozenset({"rm"})
_MANAGERS = frozenset({"apt", "apt-get", "apk"})
_VERBS = frozenset(
    {"update", "install", "add", "clean", "autoclean", "autoremove", "del", "purge", "remove"}
)


class Step(NamedTuple):
    """A RUN."""

    kind: Kind
    moment: Moment
    writes: tuple[str, ...]
    """The absolute paths that its small tools make, in order."""

    @property
    def makes_users(self) -> bool:
        return any(call.name in _USERS for call in self.moment.calls)

    @property
    def changes_owners(self) -> bool:
        return any(call.name == "chown" for call in self.moment.calls)


def step(moment: Moment, builds: Callable[[Call], bool], is_source: Callable[[str], bool]) -> Step:
    """What the RUN *moment* is for.

    *builds* tells the calls that only build, *is_source* the paths that only these read. Raises
    `Refused` if one of its programs is not known, or something is written that may be needed.
    """
    node = moment.instruction
    if not moment.is_posix or not moment.calls:
        raise Refused("it is not known what this runs", node)
    for target in redirected(node.script):
        if not is_source(target.word):
            raise Refused(f"`{target.word}` is written here, and the program may need it", node)
    calls = [call for call in moment.calls if call.name not in _IDLE and not runs_script(call)]
    unknown = next((call for call in calls if not _is_known(call, builds)), None)
    if unknown is not None:
        verb = next((word for word in unknown.words[:1] if re.fullmatch(r"[a-z-]+", word)), "")
        name = f"{unknown.name or '?'} {verb}".rstrip()
        raise Refused(f"it is not known what `{name}` leaves for the program", node)
    return Step(_kind(calls, builds), moment, tuple(_written(moment, calls, builds)))


def _is_known(call: Call, builds: Callable[[Call], bool]) -> bool:
    if call.name in _MANAGERS:
        verb = next((each.verb for each in manager_calls((call,))), "")
        return verb in _VERBS
    return builds(call) or call.name in _SETUP | _BUILD


def _kind(calls: list[Call], builds: Callable[[Call], bool]) -> Kind:
    names = {call.name for call in calls}
    if any(builds(call) for call in calls):
        return Kind.BUILD
    if names & _MANAGERS and names <= _MANAGERS | _CLEANS:
        return Kind.INSTALL
    return Kind.SETUP if names <= _SETUP and names else Kind.BUILD


def _written(moment: Moment, calls: list[Call], builds: Callable[[Call], bool]) -> Iterator[str]:
    for call in calls:
        if call.name in _MANAGERS or builds(call) or call.name in ("rm", "rmdir"):
            continue
        for word in _touched(moment, call):
            path = absolute(word, call.directory)
            if path is None or word.startswith("~") or re.search(r"[$`]", word):
                raise Refused(f"it is not known what `{call.name}` writes", moment.instruction)
            yield path.rstrip("/") or "/"


def _touched(moment: Moment, call: Call) -> Iterator[str]:
    if call.name in _USERS:
        return
    if call.name in ("cp", "mv", "install", "mkdir"):
        yield from (each.word for each in targets(call, in_force(moment, call)))
        return
    words = list(call.words)
    # The first word of these is no path: a mode, an owner, a script of sed.
    yield from words[1:] if call.name in ("chmod", "chown", "sed") else words
