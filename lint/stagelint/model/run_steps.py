"""The script of a RUN as the steps that it takes, where it is one plain list, and what they touch."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

from stagelint.model.calls import Call
from stagelint.model.moments import Moment
from stagelint.model.packages import SYSTEM, manager_calls, packages
from stagelint.source import Span
from stagelint.syntax import shell
from stagelint.tuples import NamedTuple


class Step(NamedTuple):
    """A simple command of a script."""

    command: shell.Command
    span: Span
    """In the file, redirections included."""
    calls: Sequence[Call]


@lru_cache(maxsize=4)  # each of many calls of a RUN asks for those of all
def steps(run: Moment) -> Sequence[Step] | None:
    """Those of a script that is nothing but `a && b && c`; None of any other."""
    node = run.instruction
    if node.is_json or node.heredocs or not run.is_posix:
        return None
    found: list[Step] = []
    calls = sorted(run.calls, key=_start)
    for each in shell.commands(node.rest):
        is_plain = each.joined in ("", "&&") and not (each.depth or each.compound)
        if not is_plain or each.is_conditional or not each.words:
            return None
        start, end = node.rest_start + each.start, node.rest_start + each.end
        span = node.logical.span(start, end)
        first = bisect_left(calls, span.start, key=_start)
        found.append(Step(each, span, calls[first : bisect_left(calls, span.end, key=_start)]))
    return found if all(each.calls for each in found) else None


def _start(call: Call) -> int:
    return call.span.start


#: They do nothing that anything after a RUN could see.
_PASSING = frozenset({":", "cd", "echo", "set", "true"})


def is_idle(step: Step) -> bool:
    """Does *step* leave nothing behind?"""
    return not step.command.redirections and all(each.name in _PASSING for each in step.calls)


#: Programs that change nothing, or only settings of the system and accounts.
_ASIDE = frozenset(
    """
    : addgroup adduser cd chsh corepack echo getent groupadd id ldconfig locale-gen printf rustup set
    true update-alternatives update-ca-certificates useradd usermod which
    """.split()
)
#: Programs that touch the paths that they are told, and nothing else: behind so many other words.
_TOLD = dict.fromkeys(("chgrp", "chmod", "chown"), 1) | dict.fromkeys(
    ("ln", "mkdir", "rm", "rmdir", "touch"), 0
)
#: What package managers do that has nothing to do with a project.
_OF_MANAGERS = (
    *(("npm", verb) for verb in ("config", "set", "cache", "root")),
    *(("yarn", verb) for verb in ("config", "cache", "global", "set")),
    *(("pnpm", verb) for verb in ("config", "store", "setup")),
    *(("pip", verb) for verb in ("config", "cache")),
    *(("pip3", verb) for verb in ("config", "cache")),
    *(("uv", verb) for verb in ("cache", "python", "tool")),
    *(("poetry", verb) for verb in ("config", "cache", "self")),
    ("bundle", "config"),
    ("gem", "update"),
    ("go", "env"),
    ("composer", "global"),
    ("composer", "self-update"),
)
_BY_NAME = frozenset({"pip", "gem", "npm"})


def is_apart(step: Step, folder: str) -> bool:
    """Is it sure that *step* neither reads nor writes anything in the absolute *folder*?"""
    return is_led_elsewhere(step, folder) and all(_is_apart(call, folder) for call in step.calls)


def is_led_elsewhere(step: Step, folder: str) -> bool:
    """Do the redirections of *step* lead to nothing in the absolute *folder*?"""
    words = (each.target.literal if each.target else "" for each in step.command.redirections)
    return all(
        word is not None and (re.fullmatch(r"\d*|-", word) or _is_elsewhere(word, folder))
        for word in words
    )


def _is_apart(call: Call, folder: str) -> bool:
    words = [each for each in call.arguments if each is not None]
    is_of_project = "/" in call.path and not call.path.startswith("/")
    if is_of_project or not call.is_known:
        return False
    if any(_may_be_in(each, folder) for each in words):
        return False
    if call.name in _ASIDE:
        return True
    if call.name in _TOLD:
        paths = [each for each in words if not each.startswith("-")][_TOLD[call.name] :]
        return all(_is_elsewhere(each, folder) for each in paths)
    if words[:2] == ["-m", "venv"] and re.fullmatch(r"python[\d.]*", call.name):
        return all(_is_elsewhere(each, folder) for each in words[2:] if not each.startswith("-"))
    if any(call.starts(*each) for each in _OF_MANAGERS):
        return not call.has("--local", "--location=project")
    return _installs_by_name(call)


def _installs_by_name(call: Call) -> bool:
    """Does it install packages of the system, or others by their names for all to use?"""
    found = next(packages((call,)), None)
    if found is None:
        told = next(manager_calls((call,)), None)
        system = ("apt-get", "apt", "aptitude", "apk", "dnf", "yum", "microdnf", "tdnf", "zypper")
        return told is not None and told.program in system
    if found.sources or found.lists:
        return False
    if found.manager in SYSTEM:
        return True
    is_global = found.manager != "npm" or call.has("-g", "--global")
    is_by_name = found.manager in _BY_NAME and bool(found.names) and is_global
    return is_by_name and not found.is_removal


def _is_elsewhere(path: str, folder: str) -> bool:
    """Is *path* absolute, and neither in *folder* nor above it?"""
    if path.startswith("~"):
        return True
    clean = posixpath.normpath(path)
    return path.startswith("/") and not _meet(clean, folder)


def _may_be_in(word: str, folder: str) -> bool:
    path = word.partition("=")[2] or word
    return path.startswith("/") and _meet(posixpath.normpath(path), folder)


def _meet(one: str, other: str) -> bool:
    """Does one lie in the other? Everything lies in `/`, but for itself nobody names that."""
    one, other = f"{one.rstrip('/')}/", f"{other.rstrip('/')}/"
    return one.startswith(other) or other.startswith(one)
