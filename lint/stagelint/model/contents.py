"""What may be in the image of a stage besides what its base brings, told by its instructions."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from stagelint.model.calls import Call
from stagelint.model.moments import Moment
from stagelint.model.packages import SYSTEM, packages

#: Folders where programs are looked for.
PATH = frozenset(
    {"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/busybox"}
)
#: What only lists, makes, moves, downloads or unpacks, and brings no program by itself but the
#: ones it names.
_PLAIN = frozenset(
    """
    adduser addgroup apt apt-get apk cat cd chgrp chmod chown cp curl date echo export find getent
    groupadd ldconfig ln ls mkdir mktemp mv printf rm rmdir sed set sleep sort stat tar test touch
    true update-ca-certificates useradd usermod wget [ npm yarn pnpm pip pip3 corepack gem bundle
    composer node python python3 ruby java id which grep tr head tail dnf yum microdnf uv poetry
    """.split()
)


def may_have(moments: Iterable[Moment], program: str, *package_names: str) -> bool:
    """May *moments* bring *program*, which the base lacks?

    *package_names* are words in the names of packages that bring it. True if it cannot be told: what
    is copied may be a folder, and a script may install anything.
    """
    wanted = {program, *package_names}
    return any(_copies(moment, program) or _runs(moment, wanted) for moment in moments)


def _copies(moment: Moment, program: str) -> bool:
    node = moment.instruction
    if node.keyword not in ("COPY", "ADD") or len(node.arguments) < 2:
        return False
    *sources, target = (each.value for each in node.arguments)
    place = moment.path(target)
    if place is None:
        return True
    folder = place.rstrip("/") or "/"
    names = [posixpath.basename(source.rstrip("/")) for source in sources]
    if folder in PATH:
        return not place.endswith("/") or any(
            name == program or _may_be_folder(source)
            for name, source in zip(names, sources, strict=True)
        )
    if posixpath.basename(folder) == program:
        return True
    return any(each.startswith(f"{folder.rstrip('/')}/") for each in PATH)


def _may_be_folder(source: str) -> bool:
    name = posixpath.basename(source)
    return name in ("", ".", "..", "bin", "sbin") or any(char in source for char in "*?[$")


def _runs(moment: Moment, wanted: set[str]) -> bool:
    if moment.instruction.keyword != "RUN":
        return False
    if not moment.is_posix or (moment.instruction.heredocs and not moment.calls):
        return True
    return any(_brings(call, wanted) for call in moment.calls)


def _brings(call: Call, wanted: set[str]) -> bool:
    for each in packages((call,)):
        if each.manager not in SYSTEM or each.is_removal:
            return False
        words = wanted if len(wanted) == 1 else {word for word in wanted if len(word) > 3}
        named = any(word in name for name in each.names for word in words)
        return not each.is_complete or named or not wanted.isdisjoint(each.names)
    if call.name not in _PLAIN:
        return True
    return any(posixpath.basename(word or "") in wanted for word in call.arguments)
