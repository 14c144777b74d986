"""Programs in Rust: `cargo build` and `cargo install --path`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import in_force
from stagelint.model.stacks import runtimes
from stagelint.model.stacks.artifacts import built, calls
from stagelint.model.stacks.brought import toolchain
from stagelint.model.stacks.division import Division
from stagelint.model.stacks.plans import Copy, Found, Plan, Refused
from stagelint.model.stacks.recipes import CERTIFICATES, Recipe
from stagelint.model.stacks.sources import Sources
from stagelint.model.stacks.started import Started, started
from stagelint.model.stages import Stage

#: Subcommands of `cargo` after which nothing stays but programs and caches.
_VERBS = frozenset(
    "b build install fetch test t check c clippy fmt vendor update generate-lockfile clean".split()
)
#: What only `cargo`, `rustc` and `rustup` read.
_VARIABLES = (
    r"CARGO_\w+|RUSTFLAGS|RUSTDOCFLAGS|RUSTC\w*|RUSTUP_\w+|RUST_VERSION|SQLX_OFFLINE|PKG_CONFIG\w*"
)
_SOURCE = r"(?:.*/)?(?:[^/]+\.rs|Cargo\.(?:toml|lock)|(?:rust-toolchain|rustfmt|clippy|deny)(?:\.toml)?|\.cargo/.*|target/.*)"
_VENDORED = r"(?:.*/)?vendor/.*"

#: A program that starts others, or loads libraries.
_STARTS_OTHERS = r"\bCommand::new\(|\bLibrary::new\(|\bdlopen\(|\bexecvp?e?\("
_LINKED_LIBRARY = r"#\[link\(name|cargo:{1,2}rustc-link-\w+|\bpkg_config::"
#: Crates for libraries of C that are always compiled with them, or are none of Linux.
_BUNDLED = (
    r"(?:linux-raw|windows|js|web|core-foundation|security-framework|objc|fsevent|mach|"
    r"wasi|hermit|redox|zstd|lz4|aws-lc|aws-lc-fips|tikv-jemalloc|jemalloc|libmimalloc|ring-core|"
    r"blst|secp256k1|tree-sitter|inotify|dirs|io-kit|clang)-sys"
)
#: Those of libraries that every image of Debian has.
_OF_DEBIAN = r"(?:libz|bzip2|lzma)-sys"
#: A table of dependencies with one in it, or the table of one.
_DEPENDENCIES = r"(?m)^\[[^\]\n]*dependencies(?:\.|\]\s*^[^\[\s])"
_TRUSTS_THE_BASE = r"^name = \"(?:rustls-native-certs|openssl-probe|rustls-platform-verifier)\""


def recognise(file: File, stage: Stage) -> Found | None:
    """See `stacks`."""
    brought = toolchain(file, stage, ("rust",))
    return brought.found(lambda: _plan(file, stage)) if brought else None


def _plan(file: File, stage: Stage) -> Plan:
    image = runtimes.base(file, stage)
    division = Division(file, stage, _builds, is_source)
    sources, run = division.sources, started(file, stage)
    program = _program(division.above, sources, run)
    sources.refuse(_STARTS_OTHERS, "the program starts others")
    sources.refuse(_LINKED_LIBRARY, "the program is linked with a library")
    runtime = runtimes.small(file, image, is_static=False)
    bundled = f"{_BUNDLED}|{_OF_DEBIAN}" if runtime.os == "debian" else _BUNDLED
    locked = _locked(sources, run, bundled)
    is_of_rust = image.family.language == "rust" and runtime.os == "debian"
    trusts = bool(is_of_rust and re.search(_TRUSTS_THE_BASE, locked, re.MULTILINE))
    holds = (
        *runtime.holds,
        "no crate that it uses starts a program of the base",
        *([f"the certificates that it trusts are those of `{image.reference}`"] if trusts else []),
    )
    recipe = Recipe(
        runtime.reference,
        run,
        (program,),
        _VARIABLES,
        (Copy((CERTIFICATES,), CERTIFICATES),) if trusts else (),
        holds=holds,
    )
    return division.plan(recipe)


def _builds(call: Call) -> bool:
    verb = next((word for word in call.words if not word.startswith("+")), "")
    return call.name == "rustup" or (call.name == "cargo" and verb in _VERBS)


def is_source(path: str) -> bool:
    """Is *path* of the build context read by the compiler alone?"""
    return re.fullmatch(f"{_SOURCE}|{_VENDORED}", path) is not None


def _locked(sources: Sources, run: Started, bundled: str) -> str:
    """What `Cargo.lock` says; no crate but those *bundled* may be linked with a library of the base."""
    node = run.moment.instruction
    manifests = [_said(sources, each) for each in _manifests(sources, "/")]
    locks = sources.named("Cargo.lock")
    if not locks and any(re.search(_DEPENDENCIES, each) for each in manifests):
        raise Refused("there is no `Cargo.lock` that says which crates it uses", node)
    text = "\n".join(sources.text(each) or "" for each in locks)
    for name in re.findall(r"(?m)^name = \"([\w-]+-sys)\"", text):
        if not re.fullmatch(bundled, name):
            raise Refused(f"`{name}` may link it with a library of the base", node)
    return text


# -- the program -----------------------------------------------------------------------------------


def _program(moments: Sequence[Moment], sources: Sources, run: Started) -> Copy:
    made = (path for moment, call in calls(moments) for path in _made(moment, call, sources))
    return built(made, moments, run, ("/usr/local/cargo/bin", "/root/.cargo/bin"))


def _made(moment: Moment, call: Call, sources: Sources) -> Iterator[str]:
    """The programs of this project that a call of `cargo` makes. Raises `Refused`."""
    words = [word for word in call.words if not word.startswith("+")]
    verb = words[0] if call.name == "cargo" and words else ""
    if verb not in ("b", "build", "install") or (verb == "install" and not call.option("--path")):
        return
    told = (
        "--manifest-path",
        "--artifact-dir",
        "--out-dir",
        "-Z",
        "--config",
        "--profile",
        "--example",
    )
    if call.directory is None or any(_has(call, each) for each in told) or not call.is_known:
        raise Refused("it is not known where the program goes", moment.instruction)
    if verb == "install":
        folder = absolute(call.option("--path") or ".", call.directory) or "/"
        yield from (
            f"{_installs_to(moment, call)}/{name}" for name in _names(call, sources, folder)
        )
        return
    target = call.option("--target") or in_force(moment, call)("CARGO_BUILD_TARGET") or ""
    top = call.option("--target-dir") or in_force(moment, call)("CARGO_TARGET_DIR") or "target"
    kind = "release" if call.has("--release", "-r") else "debug"
    if "/" in (target, top):
        raise Refused("it is not known where the program goes", moment.instruction)
    for name in _names(call, sources, call.directory):
        yield posixpath.normpath(posixpath.join(call.directory, top, target, kind, name))


def _has(call: Call, option: str) -> bool:
    return any(each and re.match(rf"{option}(?:=|\Z)", each) for each in call.arguments)


def _installs_to(moment: Moment, call: Call) -> str:
    root = call.option("--root")
    if root:
        return posixpath.join(absolute(root, call.directory) or "/", "bin")
    is_of_rust = moment.image is not None and moment.image.family.language == "rust"
    variable = in_force(moment, call)
    told = variable("CARGO_INSTALL_ROOT") or variable("CARGO_HOME")
    if told == "/":
        raise Refused("it is not known where the program goes", moment.instruction)
    return f"{told or ('/usr/local/cargo' if is_of_rust else '/root/.cargo')}/bin"


def _names(call: Call, sources: Sources, folder: str) -> list[str]:
    """The programs that `cargo` compiles in *folder*, or those that it is told."""
    told = [
        after
        for option, after in zip(call.arguments, call.arguments[1:], strict=False)
        if option == "--bin" and after
    ]
    every = {
        name: path for path in _manifests(sources, folder) for name in _programs(sources, path)
    }
    return [name for name in told if name in every] if told else [*every]


def _manifests(sources: Sources, folder: str) -> list[str]:
    """The `Cargo.toml` at or below the absolute *folder*, without those of vendored crates."""
    top = folder.rstrip("/")
    found = [each for each in sources.named("Cargo.toml") if each.startswith(f"{top}/")]
    return [each for each in found if not re.fullmatch(_VENDORED, each)]


def _said(sources: Sources, manifest: str) -> str:
    """The lines of a `Cargo.toml`, without comments and the white space around them."""
    text = re.sub(r"(?m)(?:^|\s)#.*$", "", sources.text(manifest) or "")
    return "\n".join(line.strip() for line in text.splitlines())


def _programs(sources: Sources, manifest: str) -> Iterator[str]:
    """The names of the programs of a package (The Cargo Book, "Target auto-discovery")."""
    text = _said(sources, manifest)
    folder = posixpath.dirname(manifest).rstrip("/")
    named = re.search(r"(?m)^\[package\]$[^\[]*?^name *= *[\"']([\w-]+)[\"']", text)
    yield from re.findall(r"(?m)^\[\[bin\]\]$[^\[]*?^name *= *[\"']([\w-]+)[\"']", text)
    is_named = re.search(r"(?m)^path *= *[\"'](?:\./)?src/main\.rs[\"']", text)
    if named and sources.at(f"{folder}/src/main.rs") and not is_named:
        yield named[1]
    for each in sources.below(f"{folder}/src/bin"):
        name = re.fullmatch(r"([\w-]+)(?:\.rs|/main\.rs)", each)
        if name:
            yield name[1]
