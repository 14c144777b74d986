"""Which programs compile, in what language, and what they are told to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from stagelint.model.calls import Call
from stagelint.tuples import NamedTuple


class Compilation(NamedTuple):
    """A call that makes programs or libraries from sources."""

    language: str
    """`go`, `rust`, `c`, `java`, `dotnet`, `node`, `python`, `haskell`, `swift`, `zig` ..."""
    call: Call


def _verbs(language: str, *verbs: str) -> Callable[[Call], str]:
    return lambda call: language if call.words[:1] and call.words[0] in verbs else ""


def _always(language: str) -> Callable[[Call], str]:
    """But for questions about the program itself."""
    return lambda call: "" if call.has("--version", "-version", "--help") else language


def _cargo(call: Call) -> str:
    verb = next((word for word in call.words if not word.startswith("+")), "")
    return "rust" if verb in ("build", "b", "install", "rustc", "auditable", "leptos") else ""


def _maven(call: Call) -> str:
    goals = {"compile", "package", "install", "verify", "deploy", "assembly:single"}
    return "java" if goals & {*call.words} else ""


def _gradle(call: Call) -> str:
    tasks = re.compile(
        r":?(?:[\w-]+:)*(?:build|assemble|jar|bootJar|shadowJar|installDist|war|bootWar|quarkusBuild)\Z"
    )
    return "java" if any(tasks.match(word) for word in call.words) else ""


def _make(call: Call) -> str:
    """Make is told what: cleaning, testing and formatting compile nothing that stays."""
    idle = {"clean", "test", "check", "lint", "fmt", "help", "distclean", "deps", "vendor"}
    words = {word for word in call.words if "=" not in word}
    return "" if (words and words <= idle) or call.has("--version") else "make"


_COMPILERS: dict[str, Callable[[Call], str]] = {
    "go": _verbs("go", "build", "install"),
    "xx-go": _verbs("go", "build", "install"),
    "garble": _verbs("go", "build"),
    "cargo": _cargo,
    "xx-cargo": _cargo,
    "rustc": _always("rust"),
    **dict.fromkeys(("gcc", "cc", "clang", "xx-clang", "musl-gcc"), _always("c")),
    **dict.fromkeys(("g++", "c++", "clang++", "xx-clang++"), _always("c")),
    "make": _make,
    "gmake": _make,
    "ninja": _always("make"),
    "meson": _verbs("make", "compile", "install"),
    "cmake": lambda call: "make" if call.has("--build", "--install") else "",
    **dict.fromkeys(("mvn", "mvnw"), _maven),
    **dict.fromkeys(("gradle", "gradlew"), _gradle),
    "javac": _always("java"),
    "sbt": _always("java"),
    "lein": _verbs("java", "uberjar"),
    "dotnet": _verbs("dotnet", "build", "publish", "pack"),
    "ghc": _always("haskell"),
    "stack": _verbs("haskell", "build", "install"),
    "cabal": _verbs("haskell", "build", "install", "v2-build", "v2-install"),
    "swift": _verbs("swift", "build"),
    "zig": _verbs("zig", "build", "build-exe", "build-lib"),
    "mix": _verbs("elixir", "release", "compile"),
    "dart": _verbs("dart", "compile"),
    "nim": _verbs("nim", "c", "compile"),
    "crystal": _verbs("crystal", "build"),
    "shards": _verbs("crystal", "build"),
    "nvcc": _always("cuda"),
}


def compilations(calls: Iterable[Call]) -> Iterator[Compilation]:
    """Those among *calls* that compile, in order."""
    for call in calls:
        compiler = _COMPILERS.get(call.name)
        language = compiler(call) if compiler else ""
        if language:
            yield Compilation(language, call)
