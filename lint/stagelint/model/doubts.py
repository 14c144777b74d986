"""What stands against a smaller base: programs that it lacks, and what may need more than is told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from stagelint.model.calls import Call
from stagelint.model.moments import Moment
from stagelint.model.packages import packages
from stagelint.tuples import NamedTuple

#: The package that brings a program, where it has another name.
_PROVIDERS: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        "gcc g++ cc c++ make cpp dpkg-buildpackage".split(),
        frozenset({"build-essential", "gcc", "g++", "make"}),
    ),
    **dict.fromkeys("ar as ld nm ranlib strip objdump".split(), frozenset({"binutils"})),
    **dict.fromkeys("ps pgrep pkill top free uptime vmstat watch".split(), frozenset({"procps"})),
    **dict.fromkeys("ssh ssh-add ssh-agent ssh-keygen ssh-keyscan scp sftp".split(),
                    frozenset({"openssh-client", "openssh-server", "ssh"})),
    **dict.fromkeys("gpg gpg-agent gpgv".split(), frozenset({"gnupg", "gnupg2", "gpg"})),
    **dict.fromkeys("xz unxz xzcat".split(), frozenset({"xz-utils"})),
    **dict.fromkeys("bunzip2 bzcat".split(), frozenset({"bzip2"})),
    **dict.fromkeys("convert identify mogrify".split(), frozenset({"imagemagick"})),
    "hg": frozenset({"mercurial"}),
    "svn": frozenset({"subversion"}),
    "pg_config": frozenset({"libpq-dev"}),
    "pkg-config": frozenset({"pkgconf"}),
    "zipinfo": frozenset({"unzip"}),
}  # fmt: skip

#: Programs that do the same in every variant and run nothing of the user's.
PLAIN = frozenset(
    """
    [ addgroup adduser apt apt-cache apt-get apt-key apt-mark basename cat cd chgrp chmod chown
    chsh corepack cp cut date deluser dirname dpkg dpkg-reconfigure echo egrep exit export false
    fc-cache fgrep find getent grep groupadd groupmod gunzip gzip head id install ldconfig ln
    locale-gen localedef ls mkdir mktemp mv passwd printf pwd read readlink realpath rm rmdir sed
    set setcap sha256sum shopt sleep sort source stat su tail tar tee test touch tr true umask uname uniq
    unset update-alternatives update-ca-certificates update-locale useradd usermod wc which xargs
    """.split()
)

#: What package managers of languages do besides installing.
_IDLE = frozenset(
    {"config", "cache", "set", "pkg", "version", "freeze", "list", "check", "enable", "disable",
     "prepare", "env"}
)  # fmt: skip
#: Modules of Python that run nothing of the user's.
_MODULES = (("venv",), ("compileall",), ("ensurepip",))
_MANAGERS = frozenset(
    "npm yarn pnpm pip pip3 gem bundle bundler mix rebar3 composer uv poetry".split()
)


class Doubt(NamedTuple):
    """A reason why the smaller base may not do."""

    reason: str
    """For a note: `it lacks `git``."""
    is_certain: bool
    """Is it known that something would be missing?"""
    moment: Moment


def doubts(moments: Iterable[Moment], lacks: Collection[str]) -> Iterator[Doubt]:
    """What may fail if the base of *moments* has the programs *lacks* no more, most certain first."""
    found = list(_doubts(moments, lacks))
    yield from sorted(found, key=lambda doubt: not doubt.is_certain)


def _doubts(moments: Iterable[Moment], lacks: Collection[str]) -> Iterator[Doubt]:
    installed: set[str] = set()
    said: set[str] = set()
    for moment in moments:
        keyword = moment.instruction.keyword
        for call in moment.calls:
            if call.name in lacks:
                if call.name not in said and not _is_there(call.name, installed):
                    yield Doubt(f"it lacks `{call.name}`", True, moment)
                said.add(call.name)
            elif lacks:
                reason = _unclear(call)
                if reason:
                    yield Doubt(reason, False, moment)
            for each in packages((call,)):
                if not each.is_removal:
                    installed.update(each.names)
        for call in moment.started:
            if call.name in lacks and not _is_there(call.name, installed):
                yield Doubt(f"it lacks `{call.name}`", True, moment)
        if lacks and keyword == "RUN" and not moment.is_posix:
            yield Doubt("a RUN is no shell script", False, moment)
        elif lacks and keyword == "COPY" and moment.instruction.flag("from"):
            yield Doubt("what is copied from elsewhere may need its libraries", False, moment)


def _is_there(program: str, installed: Collection[str]) -> bool:
    return program in installed or not _PROVIDERS.get(program, frozenset()).isdisjoint(installed)


def _unclear(call: Call) -> str:
    """Why *call* may need more than its words tell; empty if it does not."""
    for each in packages((call,)):
        if each.manager in ("pip", "npm", "gem", "bundle", "composer") and not each.is_removal:
            return f"`{_shown(call)}` may compile what it installs"
        return ""
    if call.name in PLAIN or (call.name.startswith("python") and call.words[:1] in _MODULES):
        return ""
    if call.name in _MANAGERS and (not call.words or call.words[0] in _IDLE):
        return ""
    return f"`{_shown(call)}` may need more" if call.name else "what a RUN starts is not known"


def _shown(call: Call) -> str:
    return " ".join([call.name, *call.words[:1]])
