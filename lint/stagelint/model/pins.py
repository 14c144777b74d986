"""Which packages are installed in whatever version there is on the day of the build.

What a manager takes for a version is in its manual: apt-get(8), apk-add(8), dnf(8), zypper(8), PEP
440 and 508 for pip, `npm help install`, `gem help install`, `go help modules`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from stagelint.model.calls import Call
from stagelint.model.moments import Moment
from stagelint.model.packages import ManagerCall, Packages
from stagelint.model.wording import listed
from stagelint.source import Span
from stagelint.tuples import NamedTuple

#: So many packages are named.
_MOST = 4

#: What of a word makes it more than a bare name, by program: a version, a file, an address.
_VERSIONED = {
    **dict.fromkeys(("apt-get", "apt"), r"=|/|\.deb\Z|-\Z"),
    "apk": r"[=<>~]|\.apk\Z",
    # A version is told from a name by its first digit alone: `java-1.8.0-openjdk` may be either.
    **dict.fromkeys(("yum", "dnf", "microdnf", "dnf5", "tdnf"), r"-\d|[(=<>:]|\.rpm\Z|\A@"),
    "zypper": r"[=<>]|-\d|\.rpm\Z",
    **dict.fromkeys(
        ("pip", "uv pip", "pipx"), r"[=<>~!@/]|\.(?:whl|zip|tar\.\w+|tgz)(?:\[.*)?\Z|\A\."
    ),
    "npm": r"(?!\A)@.|#|\.(?:tgz|tar|tar\.gz)\Z|\A(?:true|false)\Z",
    "gem": r":.|\.gem\Z",
}

#: What only says where to take it from, and which branch is newest there.
_FLOATING = frozenset({"latest", "upgrade", "patch", "HEAD", "main", "master"})


class Unpinned(NamedTuple):
    """What one call installs in any version."""

    names: tuple[str, ...]
    """As they are written."""
    span: Span
    """Of the first."""
    call: Call

    @property
    def message(self) -> str:
        names = list(dict.fromkeys(self.names))
        has = "has" if len(names) == 1 else "have"
        return f"{listed(names, _MOST)} {has} no version"


def unpinned(runs: Iterable[Moment], *programs: str) -> Iterator[Unpinned]:
    """What *programs*, keys of the table above, install in *runs* in any version.

    A word that cannot be known is not among them, nor is one of which a file may say the version.
    """
    for run in runs:
        for installed in run.packages:
            told = installed.told
            if told is None or told.program not in programs or installed.is_removal:
                continue
            found = [*_unpinned(installed, told)]
            if found:
                names, spans = zip(*found, strict=True)
                yield Unpinned(names, spans[0], installed.call)


def _unpinned(installed: Packages, told: ManagerCall) -> Iterator[tuple[str, Span]]:
    versioned = _VERSIONED[told.program]
    if installed.lists or told.verb in _WITHOUT_VERSIONS or _has_version(told):
        return
    for word, span in zip(installed.words, installed.spans, strict=True):
        requirement = word.partition(";")[0]
        if not re.search(versioned, requirement) or requirement.endswith("@latest"):
            yield word, span
    for word, span in installed.sources:
        if re.match(_REPOSITORY, word) and not _names_commit(told.program, word):
            yield word, span


#: The address of a repository, as pip and npm know it.
_REPOSITORY = r"(?:git|hg|svn|bzr)(?:\+\w+)?://"


def _names_commit(program: str, address: str) -> bool:
    path, sharp, _ = address.partition("#")
    return bool(sharp) if program == "npm" else "@" in path.rpartition("/")[2]


#: They install what has no version, or what a file of the project says.
_WITHOUT_VERSIONS = frozenset(
    {"groupinstall", "group install", "localinstall", "reinstall", "ci", "clean-install"}
)


def _has_version(told: ManagerCall) -> bool:
    """Does an option say the version, or that no package is meant?"""
    if told.program == "gem":
        return told.call.option("-v", "--version") is not None
    kind = told.call.option("-t", "--type") if told.program == "zypper" else None
    return kind not in (None, "package")


def unpinned_modules(runs: Iterable[Moment]) -> Iterator[Unpinned]:
    """What `go install`, `go get` and `go run` take from the network in any version."""
    for run in runs:
        for call in run.calls:
            verb = next(iter(call.words), "")
            if call.name != "go" or verb not in ("install", "get", "run"):
                continue
            for word, span in zip(call.arguments, call.spans, strict=True):
                if word and _is_floating(word, verb):
                    yield Unpinned((word,), span, call)
                    break


def _is_floating(word: str, verb: str) -> bool:
    path, at, version = word.partition("@")
    is_remote = re.match(r"[\w-]+(?:\.[\w-]+)+/", path) is not None
    # Without a version, `go install` and `go run` take that of the module they run in.
    return is_remote and (version in _FLOATING if at else verb == "get")
