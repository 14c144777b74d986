"""Which C library a compiled program loads when it starts, where a call shows that it loads one.

What is static, and what cannot be told without the sources, is None. Sources: the manuals of the
compilers; for Rust the platform support page (the gnu targets link glibc dynamically, the musl ones
statically unless `-C target-feature=-crt-static`); for .NET the catalogue of runtime identifiers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from stagelint.model.calls import Call
from stagelint.tuples import NamedTuple

Variable = Callable[[str], str | None]
"""The value of a variable that is in force; None if it is not set, `/` if it may be anything."""

Words = Sequence[str]


class Linking(NamedTuple):
    """A program is linked dynamically."""

    libc: str
    """`glibc` or `musl`."""
    because: str
    """What shows it, for messages."""
    is_certain: bool = True
    is_needed: bool = False
    """Does it lose something if it is linked statically?"""


class Imports(NamedTuple):
    """What is known of the imports of a program in Go."""

    cgo: str = ""
    """What uses cgo, for messages: `main.go` imports `net/http`; empty if nothing is known to."""
    is_complete: bool = False
    """Could all be read?"""
    is_c: bool = False
    """Is something imported that is no Go without cgo?"""


class Circumstances(NamedTuple):
    """What a program is compiled in, and what it is for."""

    libc: str
    """That of the image in which it is compiled; empty for none."""
    variable: Variable
    words: tuple[str, ...]
    """The arguments of the compiler as they are written."""
    imports: Callable[[], Imports] = Imports
    """What a program in Go imports."""
    has_cgo: bool = False
    """Is cgo on unless something is told?"""
    listens: bool = False
    """Is it what listens on the port of an image?"""


#: Programs in C that distributions link dynamically (Debian 12, Alpine 3.20).
DYNAMIC = frozenset(
    """
    bash clang cmake curl dig dumb-init exiftool ffmpeg ffprobe file gcc gdb git gpg htop iperf3 jq
    less lsof make mysql mysqldump nc nginx node openssl perl pg_dump pg_restore php ping ps psql
    python3 redis-cli redis-server rsync ruby scp sftp socat sqlite3 ssh ssh-keygen ssh-keyscan
    strace tar tcpdump tini unzip vim wget xz zip zstd
    """.split()
)
#: Where they lie.
_PLACES = r"(?:/usr(?:/local)?)?/s?bin/([\w.+-]+)\Z"

_LIBRARY = r"\.(?:so(?:\.\d+)*|a|o|rlib|d|wasm|h|exe|dll|dylib)\Z"
#: An argument that is not known, but no list of options for the linker.
_HARMLESS = r"-X\b|-s\b|-w\b|pkg-config|\A[\"']?[\w./:=-]"
#: A .NET program that brings its own runtime, or is one file.
_ALONE = r"(?i)--sc\b|--self-contained\b|[-/]p:(?:SelfContained|PublishAot)=true"
_NOT_ALONE = r"(?i)(?:--sc|--self-contained)[ =]false|--no-self-contained|=false"
_TRIPLE = r"\w+-[\w]+-[\w]+(?:-\w+)?\Z"


def installed(path: str, libc: str) -> Linking | None:
    """How a program of the distribution is linked."""
    found = re.match(_PLACES, path)
    if not libc or not found or found[1] not in DYNAMIC or path.startswith("/usr/local"):
        return None
    return Linking(libc, f"the distribution links `{found[1]}` dynamically")


def linked(call: Call, path: str, at: Circumstances) -> Linking | None:
    """How the program is linked that *call* writes to *path*."""
    linker = _LINKERS.get(call.name)
    if linker is None or not at.libc or re.search(_LIBRARY, path):
        return None
    words = [*_known(call, at)]
    return None if None in words else linker(call, path, [each or "" for each in words], at)


def is_static(call: Call, variable: Variable) -> bool:
    """Is it certain that the program which *call* writes loads no C library?"""
    words = [each for each in call.arguments if each]
    if call.name == "go":
        rest = " ".join((*words, *(variable(name) or "" for name in ("GOFLAGS", "CGO_LDFLAGS"))))
        return variable("CGO_ENABLED") == "0" and not re.search("buildmode|linkmode", rest)
    if call.name == "cargo":
        target = call.option("--target") or variable("CARGO_BUILD_TARGET") or ""
        flags = f"{variable('RUSTFLAGS') or ''} {' '.join(words)}"
        return re.fullmatch(r"\w+-\w+-linux-musl", target) is not None and "crt-static" not in flags
    is_c = call.name in ("gcc", "g++", "cc", "c++", "clang", "clang++")
    return is_c and "-static" in words and call.is_known


def _known(call: Call, at: Circumstances) -> Iterator[str | None]:
    """The arguments; one that is not known as it is written, None if it may be any option."""
    for argument, written in zip(call.arguments, at.words, strict=True):
        is_open = argument is None and not re.search(_HARMLESS, written)
        yield None if is_open or "FLAGS" in written else argument or written


def _mentions(words: Iterable[str | None], *parts: str) -> bool:
    return any(part in word for word in words if word for part in parts)


def _go(call: Call, path: str, words: Words, at: Circumstances) -> Linking | None:
    """With cgo, the packages `net` and `os/user` and all that import C."""
    if call.words[:1] not in (("build",), ("install",)):
        return None
    flags = [at.variable(name) or "" for name in ("GOFLAGS", "CC", "CXX", "CGO_LDFLAGS")]
    if _mentions([*words, *flags], "static", "-buildmode", "=internal", "netgo", "musl", "zig"):
        return None
    cgo, system = at.variable("CGO_ENABLED"), at.variable("GOOS")
    if "/" in flags or system not in (None, "linux") or cgo not in ("1", None):
        return None
    if cgo is None and (at.variable("GOARCH") is not None or not at.has_cgo):
        return None
    found = at.imports()
    if found.is_complete and not found.cgo:
        return None
    is_needed = found.is_c or (cgo == "1" and not found.is_complete)
    if found.cgo:
        return Linking(at.libc, f"{found.cgo}, which uses cgo", is_needed=is_needed)
    if cgo == "1":
        return Linking(at.libc, "`CGO_ENABLED=1` links the C library", is_needed=is_needed)
    if at.listens:
        because = "cgo is on unless told, and what listens on a port imports `net`, which uses it"
        return Linking(at.libc, because, is_certain=False)
    return None


def _c(call: Call, path: str, words: Words, at: Circumstances) -> Linking | None:
    others = {"-c", "-S", "-E", "-r", "-shared", "-nostdlib", "-ffreestanding", "--version"}
    if call.has(*others) or not call.option("-o"):
        return None
    if _mentions(words, "static", "-target", "@", "-Wl,-r", "musl"):
        return None
    return Linking(at.libc, f"`{call.name}` without `-static` links the C library")


def _rust(call: Call, path: str, words: Words, at: Circumstances) -> Linking | None:
    flags = [at.variable(name) for name in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS")]
    target = call.option("--target") or at.variable("CARGO_BUILD_TARGET") or ""
    *folders, name = path.split("/")
    triple = next((each for each in folders[-2:-1] if re.fullmatch(_TRIPLE, each)), target)
    is_gnu = not triple or triple.endswith("-linux-gnu")
    if at.libc != "glibc" or not is_gnu or _mentions([*flags, *words, target], "static", "musl"):
        return None
    is_program = folders[-1:] and folders[-1] in ("release", "debug", "bin")
    if not is_program or name in ("build", "deps", "examples", "incremental"):
        return None
    return Linking("glibc", f"`cargo {call.words[0]}` for a gnu target links glibc dynamically")


def _dart(call: Call, path: str, words: Words, at: Circumstances) -> Linking | None:
    if not call.starts("dart", "compile", "exe"):
        return None
    return Linking(at.libc, "`dart compile exe` links the C library")


def _swift(call: Call, path: str, words: Words, at: Circumstances) -> Linking | None:
    is_program = re.search(r"/(?:release|debug)/[\w-]+\Z", path)
    if not is_program or _mentions(words, "static-executable", "-sdk", "triple"):
        return None
    return Linking(at.libc, "`swift build` links the C library")


def _dotnet(call: Call, path: str, words: Words, at: Circumstances) -> Linking | None:
    """What brings its own runtime is made for one of the two, whatever it is compiled on."""
    if call.words[:1] != ("publish",) or _mentions(words, "Static"):
        return None
    settings = " ".join(words)
    if not re.search(_ALONE, settings) or re.search(_NOT_ALONE, settings):
        return None
    target = call.option("-r", "--runtime") or ""
    if re.fullmatch(r"linux-musl-\w+", target):
        return Linking("musl", f"`{target}` is for musl")
    if re.fullmatch(r"linux-(?:x64|x86|arm|arm64)", target):
        return Linking("glibc", f"`{target}` is for glibc")
    return None


_LINKERS: dict[str, Callable[[Call, str, Words, Circumstances], Linking | None]] = {
    "go": _go,
    **dict.fromkeys(("gcc", "g++", "cc", "c++", "clang", "clang++"), _c),
    "cargo": _rust,
    "dart": _dart,
    "swift": _swift,
    "dotnet": _dotnet,
}
