"""Where programs write: the paths that a call is told, or all there are if that cannot be told.

Sources: the manuals of coreutils, tar, curl, wget, git, and of the compilers.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from stagelint.model.calls import Call
from stagelint.model.families import SYSTEM
from stagelint.tuples import NamedTuple


class Target(NamedTuple):
    """A path that a call may write, as it is written: from where it runs if it is relative."""

    word: str
    is_open: bool = True
    """May it be a folder with anything in it? If not, it is one file or an empty folder."""
    source: str = ""
    """The path that it is a copy of."""


Variable = Callable[[str], str | None]
"""The value of a variable that is in force; `/` if it may be anything."""

#: Anything may be anywhere.
ANYWHERE = Target("/")
_HERE = Target(".")

Found = list[Target] | None
"""None if it may be anywhere."""

#: They write nothing, or change what is there.
_QUIET = frozenset(
    """
    : [ awk basename cat cd chgrp chmod chown chrpath cmp cut date df diff dirname do done du echo egrep
    else env esac exit export expr false fgrep fi file gawk getconf getent grep groups head hostname id
    ldconfig ldd ls md5sum nproc pipefail printf pwd read readelf readlink realpath rm rmdir sed set
    sha1sum sha256sum sha384sum sha512sum shopt sleep stat sync tail test then tr true
    ulimit umask uname uniq unset update-ca-certificates wc whereis which whoami xx-info xx-verify
    """.split()
)

#: They write to the folders of the system, and to what they are told by an absolute path.
_SYSTEM = frozenset(
    """
    addgroup adduser apk apt apt-get apt-key aptitude bundle composer corepack deluser dnf
    dpkg gem groupadd gpg microdnf pacman pip pip2 pip3 rpm rustup tdnf update-alternatives useradd
    usermod yum zypper
    """.split()
)

#: They write to where they run as well.
_PROJECT = frozenset({"bundle", "composer", "gem", "pip", "pip2", "pip3"})

#: A package that is no distribution's may have files anywhere.
_PACKAGE = r"\.(?:deb|rpm|apk)\Z"
_INSTALLS = r"(?:\A| )(?:-[A-Za-z]*[iU]|--(?:install|upgrade|unpack)\b)"

#: Options of `git clone` with a value as the next word.
_GIT_VALUED = frozenset(
    """
    -b --branch --bundle-uri -c -C --config --depth --filter -j --jobs -o --origin --ref-format
    --reference --reference-if-able --separate-git-dir --server-option --shallow-exclude
    --shallow-since --template -u --upload-pack
    """.split()
)

#: Subcommands of git that write elsewhere than to the folder they run in.
_GIT_ELSEWHERE = ("archive", "bundle", "worktree")

#: Variables that name folders to write to.
_PLACES = {
    **dict.fromkeys(("go", "xx-go"), ("GOBIN", "GOPATH", "GOCACHE", "GOMODCACHE")),
    "cargo": ("CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_HOME", "CARGO_INSTALL_ROOT"),
    **dict.fromkeys(("pip", "pip3"), ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONUSERBASE")),
    **dict.fromkeys(("bundle", "bundler"), ("BUNDLE_PATH", "GEM_HOME", "BUNDLE_APP_CONFIG")),
    "gem": ("GEM_HOME",),
    **dict.fromkeys(("rustup", "rustup-init"), ("RUSTUP_HOME", "CARGO_HOME")),
    **dict.fromkeys(
        ("npm", "yarn", "pnpm"), ("NPM_CONFIG_PREFIX", "npm_config_prefix", "PNPM_HOME")
    ),
    "corepack": ("COREPACK_HOME",),
    "uv": ("UV_PROJECT_ENVIRONMENT", "UV_TOOL_DIR", "UV_TOOL_BIN_DIR", "UV_PYTHON_INSTALL_DIR"),
    "poetry": ("POETRY_HOME", "POETRY_VIRTUALENVS_PATH"),
}

#: The last word, or the value of an option, is where what the others name goes.
_COPIES = {
    "cp": frozenset({"-t", "--target-directory", "-S", "--suffix"}),
    "mv": frozenset({"-t", "--target-directory", "-S", "--suffix"}),
    "ln": frozenset({"-t", "--target-directory", "-S", "--suffix"}),
    "install": frozenset(
        {"-t", "--target-directory", "-m", "--mode", "-o", "--owner", "-g", "--group"}
    ),
}

_INTO = ("-t", "--target-directory")
#: What a package manager may write.
_OF_SYSTEM = tuple(map(Target, SYSTEM))
_WILD = re.compile(r"[*?\[{]")


def targets(call: Call, variable: Variable) -> Iterator[Target]:
    """Where *call* may write."""
    writer = _WRITERS.get(call.name)
    found = writer(call) if writer else None
    if found is None:
        yield ANYWHERE
        return
    yield from map(_plain, found)
    for name in _PLACES.get(call.name, ()):
        value = variable(name)
        if value:
            yield Target(value)


def _plain(target: Target) -> Target:
    """One whose word the shell still expands is anything in the folder it stands in."""
    wild = _WILD.search(target.word)
    if target.word.startswith("~"):
        return ANYWHERE
    if not wild:
        return target
    folder = target.word[: wild.start()].rpartition("/")
    return Target(folder[0] + folder[1] or ".")


def _quiet(call: Call) -> Found:
    return []


def _system(call: Call) -> Found:
    if not call.is_known or call.has("-x", "-X", "--extract"):
        return None
    if any(re.search(_PACKAGE, argument or "") for argument in call.arguments):
        return None
    if call.name in ("dpkg", "rpm") and re.search(
        _INSTALLS, " ".join(filter(None, call.arguments))
    ):
        return None
    texts = [(argument or "").rpartition("=")[2] for argument in call.arguments]
    told = [Target(value) for value in texts if value.startswith("/")]
    is_here = call.name in _PROJECT or call.words[:1] in (("download",), ("source",))
    here = [_HERE] if is_here else []
    roots = values(call, "-p", "--root", "--installroot") or ()
    return [*_OF_SYSTEM, *told, *here, *roots]


def values(call: Call, *options: str) -> Found:
    """What the value of one of *options* names; None if it cannot be known."""
    found: list[Target] = []
    for at, argument in enumerate(call.arguments):
        if argument is None:
            continue
        for option in options:
            value: str | None = ""
            if argument == option:
                value = call.arguments[at + 1] if at + 1 < len(call.arguments) else ""
            elif option.startswith("--") and argument.startswith(f"{option}="):
                value = argument[len(option) + 1 :]
            elif re.fullmatch(rf"-[A-Za-z]*{option[-1]}", argument) and option[1] != "-":
                value = call.arguments[at + 1] if at + 1 < len(call.arguments) else ""
            elif argument.startswith(option) and option[1] != "-":
                value = argument[2:]
            if value is None:
                return None
            if value:
                found.append(Target(value))
    return found


def _words(call: Call, valued: frozenset[str] = frozenset()) -> list[str] | None:
    """The arguments that are neither options nor values of *valued* ones; None if not known."""
    found: list[str] = []
    skip = False
    for argument in call.arguments:
        if argument is None:
            return None
        if skip or (argument.startswith("-") and len(argument) > 1):
            skip = not skip and argument in valued
        else:
            found.append(argument)
    return found


def _copy(call: Call) -> Found:
    words = _words(call, _COPIES[call.name])
    if not words:
        return None
    if call.name == "install" and call.has("-d", "--directory"):
        return [Target(word, is_open=False) for word in words]
    told = values(call, *_INTO)
    if told is None or told:
        return told
    if len(words) == 1:
        return [_HERE]
    *sources, place = words
    if any(_WILD.search(word) for word in sources):
        return [Target(place)]
    inside = [
        Target(posixpath.join(place, posixpath.basename(source.rstrip("/"))), source=source)
        for source in sources
        if posixpath.basename(source.rstrip("/")) not in ("", ".", "..")
    ]
    return [Target(place, source=sources[0] if len(sources) == 1 else ""), *inside]


def _made(valued: str = "", *, is_open: bool = False) -> Callable[[Call], Found]:
    """Each of its words."""

    def writer(call: Call) -> Found:
        words = _words(call, frozenset(valued.split()))
        return None if words is None else [Target(word, is_open) for word in words]

    return writer


def _told(*options: str, here: bool = True, is_open: bool = True) -> Callable[[Call], Found]:
    """The value of one of *options*, else where it runs."""

    def writer(call: Call) -> Found:
        found = values(call, *options)
        if found is None or (not found and not call.is_known):
            return None
        if not found:
            return [_HERE] if here else []
        return [target._replace(is_open=is_open) for target in found]

    return writer


def _curl(call: Call) -> Found:
    if any(
        argument and re.match(r"-[A-Za-z]*[OJ]|--remote", argument) for argument in call.arguments
    ):
        told = values(call, "-o", "--output", "--output-dir")
        return None if told is None else [_HERE, *told]
    if "-K" in call.arguments or "--config" in call.arguments:
        return None
    return _told("-o", "--output", here=False, is_open=False)(call)


def _tar(call: Call) -> Found:
    if not call.is_known or call.has("-P", "--absolute-names"):
        return None
    mode = next((each for each in call.arguments if each and not each.startswith("--")), "") or ""
    file = values(call, "-f", "--file") or []
    if call.has("--create", "-c") or (re.fullmatch(r"-?[A-Za-z]+", mode) and "c" in mode):
        return [*file, _HERE, *(values(call, "-C", "--directory") or ())]
    return values(call, "-C", "--directory", "--one-top-level") or [_HERE]


def _git(call: Call) -> Found:
    if not call.is_known:
        return None
    words = _words(call, _GIT_VALUED)
    assert words is not None
    verb = words[0] if words else ""
    if call.has("-C", "--separate-git-dir") or verb in _GIT_ELSEWHERE:
        return None
    if verb == "init" and len(words) == 2:
        return [Target(words[1])]
    if verb == "config":
        return []
    if verb == "clone" and len(words) == 3:
        return [Target(words[2])]
    if verb == "clone" and len(words) == 2:
        return [Target(re.split("[/:]", words[1].rstrip("/"))[-1].removesuffix(".git"))]
    return [_HERE] if verb else []


def _go(call: Call) -> Found:
    verb = call.words[0] if call.words else ""
    if call.has("-C"):
        return None
    if verb == "build" and not _has(call, "-o"):
        return [_HERE]
    if verb == "build":
        value = call.option("-o")
        is_open = any(each.endswith("...") for each in call.words)
        return None if value is None else [Target(value, is_open or value.endswith(("/", ".")))]
    if verb == "get":  # without modules it puts the sources in `/go/src`
        return [*_OF_SYSTEM, _HERE, Target("/go")]
    if verb == "env" and call.has("-w"):
        return None
    if verb in ("install", "mod", "work", "fmt"):
        return [*_OF_SYSTEM, _HERE, Target("/go/bin"), Target("/go/pkg")]
    return [] if verb in ("version", "env", "vet", "list", "clean") else None


def _has(call: Call, option: str) -> bool:
    return any(
        each and (each == option or each.startswith(f"{option}=")) for each in call.arguments
    )


def _c(call: Call) -> Found:
    if any(
        each and each.startswith(("@", "-save-temps", "--save", "-MF", "-Wl,-Map"))
        for each in call.arguments
    ):
        return None
    if call.option("-o") is not None:
        return [Target(call.option("-o") or "", is_open=False)]
    return [_HERE] if call.is_known else None


def _cargo(call: Call) -> Found:
    verb = next((word for word in call.words if not word.startswith("+")), "")
    if verb in ("build", "b"):
        told = ("--target-dir", "--artifact-dir", "--out-dir", "--manifest-path", "-Z", "--config")
        if any(_has(call, each) for each in told):
            return None
        return [Target("target"), _HERE, *_OF_SYSTEM]
    if verb == "install":
        root = values(call, "--root")
        if root is None or _has(call, "--config"):
            return None
        bins = [Target(posixpath.join(each.word, "bin")) for each in root]
        return [*(bins or [Target("/usr/local/cargo/bin")]), _HERE, *_OF_SYSTEM]
    if verb in ("fetch", "init", "new", "vendor", "update", "generate-lockfile"):
        return [_HERE, *_OF_SYSTEM]
    return None


def _swift(call: Call) -> Found:
    verb = call.words[0] if call.words else ""
    told = ("--scratch-path", "--build-path", "--package-path")
    if verb not in ("build", "package") or any(_has(call, each) for each in told):
        return None
    return [Target(".build"), _HERE, *_OF_SYSTEM]


def _dart(call: Call) -> Found:
    if call.starts("dart", "compile"):
        return _c(call)
    return [_HERE, *_OF_SYSTEM] if call.words[:1] == ("pub",) else None


def _dotnet(call: Call) -> Found:
    verb = call.words[0] if call.words else ""
    projects = [word for word in call.words[1:] if word.endswith(("proj", ".sln", ".slnx"))]
    beside = [_HERE, *(Target(posixpath.dirname(word) or ".") for word in projects)]
    if not call.is_known:
        return None
    if verb == "restore":
        return [*beside, *_OF_SYSTEM]
    if verb == "publish":
        found = values(call, "-o", "--output")
        return [*found, *beside] if found else None
    return None


def _find(call: Call) -> Found:
    does = {"-exec", "-execdir", "-ok", "-okdir", "-fprint", "-fprintf", "-fls"}
    return None if does & {*call.arguments} or not call.is_known else []


def _shell(call: Call) -> Found:
    """What `-c` runs are calls of their own."""
    given = [each for each in call.arguments if each is None or not each.startswith("-")]
    has_script = any(re.fullmatch(r"-[a-z]*c", each or "") for each in call.arguments)
    return [] if has_script and len(given) == 1 and given[0] is not None else None


_WRITERS: dict[str, Callable[[Call], Found]] = {
    **dict.fromkeys(_QUIET, _quiet),
    **dict.fromkeys(_SYSTEM, _system),
    **dict.fromkeys(_COPIES, _copy),
    "mkdir": _made("-m --mode"),
    "touch": _made("-d --date -r --reference -t"),
    "tee": _made(),
    "sort": _told("-o", "--output", here=False, is_open=False),
    **dict.fromkeys(("strip", "upx"), _told("-o", here=False)),
    "curl": _curl,
    "wget": _told("-O", "--output-document", "-P", "--directory-prefix"),
    "tar": _tar,
    "bsdtar": _tar,
    "unzip": _told("-d"),
    "git": _git,
    "find": _find,
    "go": _go,
    "xx-go": _go,
    **dict.fromkeys(("gcc", "g++", "cc", "c++", "clang", "clang++", "xx-clang"), _c),
    "cargo": _cargo,
    "swift": _swift,
    "dart": _dart,
    "dotnet": _dotnet,
    **dict.fromkeys(("sh", "bash", "ash", "dash"), _shell),
}
