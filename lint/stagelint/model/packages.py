"""What package managers are told to install, and to remove again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from stagelint.model.calls import Call
from stagelint.source import Span
from stagelint.tuples import NamedTuple


class Packages(NamedTuple):
    """One call of a package manager that installs or removes."""

    manager: str
    """`apt`, `apk`, `dnf`, `zypper`, `pacman`, `pip`, `npm`, `gem`, `bundle`, `composer` ..."""
    names: tuple[str, ...]
    """Of the packages, without versions; those that are known."""
    spans: tuple[Span, ...]
    """Where the names stand."""
    is_complete: bool
    """Are these all? Not if a name cannot be known or a file lists more."""
    call: Call
    is_removal: bool = False
    group: str = ""
    """The name of `apk add --virtual NAME`."""


#: Managers of an operating system; the others are those of languages.
SYSTEM = frozenset({"apt", "apk", "dnf", "zypper", "pacman"})


class _Manager(NamedTuple):
    name: str
    install: frozenset[str]
    remove: frozenset[str] = frozenset()
    valued: frozenset[str] = frozenset()
    """Options whose value is the next word."""
    lists: frozenset[str] = frozenset()
    """Options that name a file with more packages."""
    implicit: bool = False
    """Does a call without names install what a file of the project lists?"""


_INSTALL = frozenset({"install"})
_APT = _Manager(
    "apt",
    _INSTALL,
    frozenset({"remove", "purge", "autoremove"}),
    frozenset({"-t", "--target-release", "-o", "--option", "-c", "--config-file"}),
)
_DNF = _Manager(
    "dnf",
    frozenset({"install", "groupinstall", "localinstall", "reinstall"}),
    frozenset({"remove", "erase", "autoremove"}),
    frozenset({"-c", "--config", "--releasever", "--installroot", "--enablerepo", "--disablerepo"}),
)
_NODE_INSTALL = frozenset({"install", "i", "ci", "add", "clean-install"})
_MANAGERS = {
    **dict.fromkeys(("apt-get", "apt", "aptitude"), _APT),
    "apk": _Manager(
        "apk",
        frozenset({"add"}),
        frozenset({"del"}),
        frozenset({"-t", "--virtual", "-X", "--repository", "-p", "--root", "--keys-dir"}),
    ),
    **dict.fromkeys(("dnf", "yum", "microdnf", "tdnf", "dnf5"), _DNF),
    "zypper": _Manager("zypper", frozenset({"install", "in"}), frozenset({"remove", "rm"})),
    **dict.fromkeys(
        ("pip", "pip3", "pip2", "uv pip"),
        _Manager(
            "pip",
            _INSTALL,
            frozenset({"uninstall"}),
            frozenset(
                "-i --index-url --extra-index-url -t --target -f --find-links --prefix --root"
                " --trusted-host --timeout --cache-dir --python --platform --src --proxy"
                " --python-version --retries --progress-bar --only-binary --no-binary".split()
            ),
            frozenset({"-r", "--requirement", "-c", "--constraint", "-e", "--editable"}),
        ),
    ),
    "npm": _Manager("npm", _NODE_INSTALL, frozenset({"uninstall", "remove"}), implicit=True),
    "pnpm": _Manager("npm", _NODE_INSTALL | {"fetch"}, frozenset({"remove"}), implicit=True),
    "yarn": _Manager("npm", frozenset({"install", "add"}), frozenset({"remove"}), implicit=True),
    "bun": _Manager("npm", frozenset({"install", "add"}), frozenset({"remove"}), implicit=True),
    "gem": _Manager("gem", _INSTALL, frozenset({"uninstall"}), frozenset({"-v", "--version"})),
    "bundle": _Manager("bundle", _INSTALL, implicit=True),
    "composer": _Manager("composer", frozenset({"install", "require"}), implicit=True),
    "poetry": _Manager("pip", _INSTALL, implicit=True),
    "pipenv": _Manager("pip", frozenset({"install", "sync"}), implicit=True),
    "uv": _Manager("pip", frozenset({"sync"}), implicit=True),
}
_PACMAN = r"-S\w*\Z|--sync\Z"
_PACMAN_REMOVES = r"-R\w*\Z|--remove\Z"
#: A package's name, in front of its version, release, extras or architecture.
_NAME = r"[@.]?[A-Za-z0-9][\w.+-]*(?:/[\w.+-]+)?"


def packages(calls: Iterable[Call]) -> Iterator[Packages]:
    """What *calls* install and remove, in order."""
    for call in calls:
        found = _packages(call)
        if found:
            yield found


def _packages(call: Call) -> Packages | None:
    name, arguments, spans = call.name, call.arguments, call.spans
    if re.fullmatch(r"python[\d.]*", name) and arguments[:2] == ("-m", "pip"):
        name, arguments, spans = "pip", arguments[2:], spans[2:]
    if name == "uv" and arguments[:1] == ("pip",):
        name, arguments, spans = "uv pip", arguments[1:], spans[1:]
    if re.fullmatch(r"pip3\.\d+", name):
        name = "pip"
    if name == "pacman":
        return _pacman(call)
    manager = _MANAGERS.get(name)
    if manager is None:
        return None
    verb = _verb(manager, arguments, is_yarn=name == "yarn")
    if verb is None:
        return None
    at, is_removal = verb
    return _read(manager, call, arguments, spans, at, is_removal=is_removal)


def _verb(
    manager: _Manager, arguments: tuple[str | None, ...], *, is_yarn: bool
) -> tuple[int, bool] | None:
    """Where the names begin, and whether it removes; None if it does neither."""
    skip = False
    for at, word in enumerate(arguments):
        if skip or word is None or word.startswith("-"):
            skip = not skip and word in manager.valued
            continue
        if word in manager.install:
            return at + 1, False
        return (at + 1, True) if word in manager.remove else None
    return (len(arguments), False) if is_yarn else None


def _read(
    manager: _Manager,
    call: Call,
    arguments: tuple[str | None, ...],
    spans: tuple[Span, ...],
    start: int,
    *,
    is_removal: bool,
) -> Packages:
    names: list[str] = []
    places: list[Span] = []
    group, is_complete, skip = "", True, ""
    for at, (word, span) in enumerate(zip(arguments, spans, strict=True)):
        if skip:
            group = word or "" if skip in ("-t", "--virtual") and manager.name == "apk" else group
            is_complete = is_complete and skip not in manager.lists
            skip = ""
        elif word is None:
            is_complete = is_complete and at < start
        elif word.startswith("-") and len(word) > 1:
            option, equals, value = word.partition("=")
            is_listed = any(word.startswith(each) for each in manager.lists)
            is_complete = is_complete and not is_listed
            if equals and option == "--virtual":
                group = value
            elif not equals and (word in manager.valued or word in manager.lists):
                skip = word
        elif at >= start:
            name = re.match(_NAME, word)
            if name and "://" not in word and not word.startswith(("./", "../")):
                names.append(name[0])
                places.append(span)
            else:
                is_complete = False
    if manager.implicit and not names:
        is_complete = False
    return Packages(manager.name, tuple(names), tuple(places), is_complete, call, is_removal, group)


def _pacman(call: Call) -> Packages | None:
    words = [(word, span) for word, span in zip(call.arguments, call.spans, strict=True)]
    flags = [word for word, _ in words if word and word.startswith("-")]
    is_removal = any(re.match(_PACMAN_REMOVES, flag) for flag in flags)
    if not is_removal and not any(re.match(_PACMAN, flag) for flag in flags):
        return None
    named = [(word, span) for word, span in words if word and not word.startswith("-")]
    names, spans = tuple(word for word, _ in named), tuple(span for _, span in named)
    return Packages("pacman", names, spans, call.is_known, call, is_removal)
