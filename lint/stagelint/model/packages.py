"""What package managers are told to install, and to remove again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from stagelint.model.calls import Call
from stagelint.source import Span
from stagelint.tuples import NamedTuple


class ManagerCall(NamedTuple):
    """A call of a package manager, and what it is told to do."""

    program: str
    """`apt-get`, `yum`; `pip` for `pip3` and `python3 -m pip`, too; `uv pip`."""
    verb: str
    """`install`, `add`, `update`; empty if it is told nothing, or nothing that is known."""
    at: int
    """Index of the verb among the arguments of *call*, or of the last if there is none."""
    call: Call

    @property
    def head(self) -> Span:
        """From the program to the verb."""
        if self.call.is_nested or self.at < 0:
            return self.call.span
        return Span(self.call.span.start, self.call.spans[self.at].end)


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
    told: ManagerCall | None = None
    words: tuple[str, ...] = ()
    """The names as they are written, with their versions: `curl=8.5.0-2`."""
    sources: tuple[tuple[str, Span], ...] = ()
    """What else is installed: paths, addresses, and where they stand."""
    lists: bool = False
    """Does a file that is named list more, or say of which versions?"""


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
    sources: frozenset[str] = frozenset()
    """Options that name a folder or an address to install."""
    prefixes: frozenset[str] = frozenset()
    """First words of verbs that are two."""
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
    frozenset(
        {"install", "groupinstall", "localinstall", "reinstall", "group install", "module install"}
    ),
    frozenset({"remove", "erase", "autoremove", "group remove", "module remove"}),
    frozenset(
        "-c --config --releasever --installroot --enablerepo --disablerepo --repo --repoid"
        " --repofrompath --setopt -x --exclude --excludepkgs --enableplugin --disableplugin"
        " --forcearch -e --errorlevel -d --debuglevel -R --randomwait".split()
    ),
    prefixes=frozenset({"group", "module"}),
)
_NODE_INSTALL = frozenset({"install", "i", "ci", "add", "clean-install"})
_NODE_VALUED = frozenset(
    "--registry --prefix --loglevel --omit --include --cache --tag -w --workspace --only --cwd"
    " --network-timeout --cache-folder --modules-folder --mutex --network-concurrency --filter"
    " --dir -C --store-dir --fetch-retries --fetch-timeout --maxsockets --scope --userconfig"
    " --global-folder --prefer".split()
)
_MANAGERS = {
    **dict.fromkeys(("apt-get", "apt", "aptitude"), _APT),
    "apk": _Manager(
        "apk",
        frozenset({"add"}),
        frozenset({"del"}),
        frozenset({"-t", "--virtual", "-X", "--repository", "-p", "--root", "--keys-dir"}),
    ),
    **dict.fromkeys(("dnf", "yum", "microdnf", "tdnf", "dnf5"), _DNF),
    "zypper": _Manager(
        "zypper",
        frozenset({"install", "in"}),
        frozenset({"remove", "rm"}),
        frozenset("-t --type -r --repo --from -R --root -c --config --releasever".split()),
    ),
    **dict.fromkeys(
        ("pip", "uv pip"),
        _Manager(
            "pip",
            _INSTALL,
            frozenset({"uninstall"}),
            frozenset(
                "-i --index-url --extra-index-url -t --target -f --find-links --prefix --root"
                " --trusted-host --timeout --cache-dir --python --platform --src --proxy"
                " --python-version --retries --progress-bar --only-binary --no-binary --group"
                " --global-option --install-option --config-settings -C --abi --implementation"
                " --upgrade-strategy --report --use-feature --root-user-action --log --cert -b"
                " --build --exists-action --use-deprecated".split()
            ),
            frozenset({"-r", "--requirement", "-c", "--constraint"}),
            sources=frozenset({"-e", "--editable"}),
        ),
    ),
    "pipx": _Manager(
        "pipx",
        _INSTALL,
        frozenset({"uninstall"}),
        frozenset("--python --index-url -i --pip-args --suffix --preinstall --backend".split()),
    ),
    "npm": _Manager(
        "npm", _NODE_INSTALL, frozenset({"uninstall", "remove"}), _NODE_VALUED, implicit=True
    ),
    "pnpm": _Manager(
        "npm", _NODE_INSTALL | {"fetch"}, frozenset({"remove"}), _NODE_VALUED, implicit=True
    ),
    "yarn": _Manager(
        "npm", frozenset({"install", "add"}), frozenset({"remove"}), _NODE_VALUED, implicit=True
    ),
    "bun": _Manager("npm", frozenset({"install", "add"}), frozenset({"remove"}), implicit=True),
    "gem": _Manager(
        "gem",
        frozenset({"install", "i"}),
        frozenset({"uninstall"}),
        frozenset(
            "-v --version -s --source --bindir -n -i --install-dir --platform -P --trust-policy"
            " -p --http-proxy --build-root -E -B --bulk-threshold".split()
        ),
        frozenset({"-g", "--file"}),
    ),
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


def manager_calls(calls: Iterable[Call]) -> Iterator[ManagerCall]:
    """Those of *calls* that run a package manager, but for `pacman`, which knows no verbs."""
    for call in calls:
        name, first = call.name, 0
        is_python = name.startswith("python") and re.fullmatch(r"python[\d.]*", name)
        module = _module(call) if is_python else None
        if module is not None and call.arguments[module] in ("pip", "pipx"):
            name, first = call.arguments[module] or "", module + 1
        elif name == "uv" and call.arguments[:1] == ("pip",):
            name, first = "uv pip", 1
        elif name.startswith("pip") and re.fullmatch(r"pip[23](?:\.\d+)?", name):
            name = "pip"
        manager = _MANAGERS.get(name)
        if manager:
            yield ManagerCall(name, *_verb(manager, call.arguments, first), call)


def _module(call: Call) -> int | None:
    """Index of the module that `python -m` runs."""
    for at, word in enumerate(call.arguments[:-1]):
        if word == "-m":
            return at + 1
        if word is None or not word.startswith("-"):
            return None
    return None


def _verb(manager: _Manager, arguments: tuple[str | None, ...], first: int) -> tuple[str, int]:
    """The first of *arguments* that is no option and no value of one, and its index.

    Of a verb that is two words, both, and the index of the second.
    """
    skip, prefix = False, ""
    for at, word in enumerate(arguments[first:], first):
        if skip or word is None or word.startswith("-"):
            skip = not skip and word in manager.valued
        elif not prefix and word in manager.prefixes:
            prefix = f"{word} "
        else:
            return prefix + word, at
    return "", len(arguments) - 1


def _packages(call: Call) -> Packages | None:
    if call.name == "pacman":
        return _pacman(call)
    told = next(manager_calls((call,)), None)
    if told is None:
        return None
    manager, start = _MANAGERS[told.program], told.at + 1
    is_removal = told.verb in manager.remove
    is_yarn = told.program == "yarn" and not told.verb
    if not (is_removal or told.verb in manager.install or is_yarn):
        return None
    return _read(manager, Packages(manager.name, (), (), True, call, is_removal, told=told), start)


def _read(manager: _Manager, installed: Packages, start: int) -> Packages:
    """*installed* with what stands behind the verb at *start*, and the options before it."""
    named: list[tuple[str, str, Span]] = []
    sources: list[tuple[str, Span]] = []
    group, is_complete, lists, skip = "", True, False, ""
    call = installed.call
    for at, (word, span) in enumerate(zip(call.arguments, call.spans, strict=True)):
        if skip:
            group = word or "" if skip in ("-t", "--virtual") and manager.name == "apk" else group
            lists = lists or skip in manager.lists
            sources += [(word or "", span)] if skip in manager.sources else []
            skip = ""
        elif word is None:
            is_complete = is_complete and at < start
        elif word == "--" and manager.name == "gem":
            break  # the rest is for what compiles it
        elif word.startswith("-") and len(word) > 1:
            option, equals, value = word.partition("=")
            if equals and option == "--virtual":
                group = value
            elif not equals and word in manager.valued | manager.lists | manager.sources:
                skip = word
            elif equals and option in manager.sources:
                sources.append((value, span))
            lists = lists or any(word.startswith(each) for each in manager.lists)
        elif at >= start:
            name = re.match(_NAME, word)
            if name and "://" not in word and not word.startswith(("./", "../")):
                named.append((name[0], word, span))
            else:
                sources.append((word, span))
    is_complete = is_complete and not lists and not sources
    return installed._replace(
        names=tuple(name for name, _, _ in named),
        words=tuple(word for _, word, _ in named),
        spans=tuple(span for _, _, span in named),
        is_complete=is_complete and not (manager.implicit and not named),
        group=group,
        sources=tuple(sources),
        lists=lists,
    )


def _pacman(call: Call) -> Packages | None:
    words = [(word, span) for word, span in zip(call.arguments, call.spans, strict=True)]
    flags = [word for word, _ in words if word and word.startswith("-")]
    is_removal = any(re.match(_PACMAN_REMOVES, flag) for flag in flags)
    if not is_removal and not any(re.match(_PACMAN, flag) for flag in flags):
        return None
    named = [(word, span) for word, span in words if word and not word.startswith("-")]
    names, spans = tuple(word for word, _ in named), tuple(span for _, span in named)
    return Packages("pacman", names, spans, call.is_known, call, is_removal)
