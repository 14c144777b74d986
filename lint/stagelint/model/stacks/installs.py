"""Which packages of a build the final stage needs as well, and how it installs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from stagelint.model.base_images import Description
from stagelint.model.moments import Moment
from stagelint.model.packages import SYSTEM, Packages
from stagelint.model.stacks.libraries import libraries
from stagelint.model.stacks.plans import Refused
from stagelint.model.toolchain import are_headers_of_library, is_for_builds

#: Packages that bring programs alone, which fetch and unpack sources.
FETCHERS = frozenset(
    """
    git git-core mercurial subversion openssh-client curl wget unzip zip xz-utils xz bzip2 gnupg
    gnupg2 dirmngr apt-transport-https software-properties-common lsb-release file patch upx upx-ucl
    binutils rsync
    """.split()
)
#: Packages with the headers of a library, by what the linker calls it.
HEADERS_OF = {
    "ssl": frozenset({"libssl-dev"}),
    "crypto": frozenset({"libssl-dev"}),
    "z": frozenset({"zlib1g-dev", "zlib-dev"}),
    "sqlite3": frozenset({"libsqlite3-dev", "sqlite-dev"}),
    "pq": frozenset({"libpq-dev"}),
    **dict.fromkeys(
        ("ncurses", "ncursesw", "tinfo", "curses", "panel", "menu", "form"),
        frozenset({"libncurses-dev", "libncurses5-dev", "libncursesw5-dev"}),
    ),
    "yaml": frozenset({"libyaml-dev"}),
    "uuid": frozenset({"uuid-dev"}),
    "jansson": frozenset({"libjansson-dev"}),
    "bz2": frozenset({"libbz2-dev"}),
    "lzma": frozenset({"liblzma-dev"}),
    "pcre2-8": frozenset({"libpcre2-dev"}),
    "cap": frozenset({"libcap-dev"}),
    "pcap": frozenset({"libpcap-dev"}),
    "curl": frozenset({"libcurl4-openssl-dev"}),
    "readline": frozenset({"libreadline-dev"}),
    "ffi": frozenset({"libffi-dev"}),
}

_OPTIONS = frozenset(
    "-y -q -qq -yq -yqq -qy -qqy --yes --assume-yes --quiet --no-cache --update".split()
)
_FEWER = "--no-install-recommends"
#: What says whether packages ask when they are installed.
_ASKS = "DEBIAN_FRONTEND"


class Installs:
    """What the RUNs of a build install."""

    def __init__(
        self, moments: Iterable[Moment], base: Description | None, is_needed: Callable[[str], bool]
    ) -> None:
        """*base* is that of the final stage; *is_needed* tells of a package with programs whether
        something there may run them."""
        self._os, self._release = (base.os, base.release) if base else ("", "")
        self._is_needed = is_needed
        self._found = [(moment, each) for moment in moments for each in moment.packages]
        self.removed = {name for _, each in self._found if each.is_removal for name in each.names}

    def of(self, moment: Moment, more: Iterable[str] = ()) -> str:
        """The RUN that installs in the final stage what *moment* does, and the packages *more*.

        Empty if it needs nothing. Raises `Refused`.
        """
        installed = [
            each
            for at, each in self._found
            if at is moment and each.manager in SYSTEM and not each.is_removal
        ]
        names: list[str] = []
        for each in installed:
            if each.manager not in ("apt", "apk") or not each.is_complete or each.sources:
                raise Refused("it is not known what this installs", moment.instruction)
            names += self._needed(moment, each)
        names += more
        if not names:
            return ""
        return self._written(moment, installed, [*dict.fromkeys(names)])

    def _needed(self, moment: Moment, each: Packages) -> Iterator[str]:
        for name, word in zip(each.names, each.words, strict=True):
            if name in self.removed or each.group in self.removed - {""}:
                continue
            if are_headers_of_library(name):
                yield from self._library(moment, name)
            elif not is_for_builds(name) and self._is_needed(name):
                yield word

    def _library(self, moment: Moment, name: str) -> Sequence[str]:
        found = libraries(name, self._os, self._release)
        if not found:
            reason = f"the program may load the library of `{name}`, whose package is not known"
            raise Refused(reason, moment.instruction)
        return found

    def _written(self, moment: Moment, installed: list[Packages], names: list[str]) -> str:
        """Of an `apt-get`, on lines of its own."""
        options = {e for each in installed for e in each.call.arguments if e and e.startswith("-")}
        unknown = options - _OPTIONS - {_FEWER} - _virtual(installed)
        if unknown:
            reason = f"`{min(unknown)}` may be needed where the program runs, too"
            raise Refused(reason, moment.instruction)
        if self._os == "alpine":
            return f"RUN apk add --no-cache {' '.join(names)}"
        fewer = f" {_FEWER}" if all(each.call.has(_FEWER) for each in installed) else ""
        told = [value for each in installed if (value := each.call.settings.get(_ASKS))]
        setting = f"{_ASKS}={told[0]} " if told and re.fullmatch(r"\w+", told[0]) else ""
        return _apt(f"{setting}apt-get install -y{fewer} {' '.join(names)}")


def install(names: Iterable[str]) -> str:
    """The RUN that installs packages of Debian."""
    return _apt(f"apt-get install -y {_FEWER} {' '.join(names)}")


def _apt(command: str) -> str:
    return f"RUN apt-get update \\\n    && {command} \\\n    && rm -rf /var/lib/apt/lists/*"


def _virtual(installed: Iterable[Packages]) -> set[str]:
    """The options that name a group of packages."""
    return {
        argument
        for each in installed
        for argument in each.call.arguments
        if argument and re.match(r"-t\Z|--virtual\b", argument)
    }


def is_of_build(moment: Moment) -> bool:
    """Does the RUN install what only a build needs?"""
    return any(
        is_for_builds(name) and not each.is_removal
        for each in moment.packages
        for name in each.names
    )
