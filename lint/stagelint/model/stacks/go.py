"""Programs in Go: `go build` and `go install`, with modules, from their own sources and vendored ones."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.model.base_images import Description
from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import in_force
from stagelint.model.stacks import runtimes
from stagelint.model.stacks.artifacts import built, calls, words
from stagelint.model.stacks.brought import toolchain
from stagelint.model.stacks.division import Division
from stagelint.model.stacks.plans import Copy, Found, Plan, Refused
from stagelint.model.stacks.recipes import CERTIFICATES, Recipe
from stagelint.model.stacks.sources import Sources
from stagelint.model.stacks.started import Started, started
from stagelint.model.stages import Stage

#: Subcommands of `go` after which nothing stays but programs and caches.
_VERBS = frozenset(
    "build install mod get vet test version env fmt list clean work generate".split()
)
#: What only `go` reads (cmd/go, "Environment variables").
_VARIABLES = (
    r"CGO_\w+|GO(?:111MODULE|OS|ARCH|ARM|AMD64|FLAGS|PROXY|SUMDB|NOSUMDB|PRIVATE|NOPROXY|INSECURE|CACHE"
    r"|MODCACHE|TOOLCHAIN|ROOT|PATH|BIN|TMPDIR)"
)
#: Files of Go and of what cgo compiles.
_SOURCE = (
    r"(?:.*/)?(?:[^/]+\.(?:go|s|S|c|cc|cpp|cxx|h|hh|hpp|hxx|m|syso|qtpl)|go\.(?:mod|sum|work|work\.sum)"
    r"|Gopkg\.(?:toml|lock)|glide\.(?:yaml|lock))"
)
_VENDORED = r"(?:.*/)?vendor/.*"
_MODULE = r"(?m)^module\s+\"?([^\s\"]+)"
#: Options with which something else than a program comes out, or from elsewhere.
_OTHER_MODES = r"-(?:buildmode|linkshared|toolexec|overlay|modfile|C)(?:=|\Z)"
#: Options of `go build` whose value may be the next word.
_VALUED = frozenset(
    """
    -o -p -asmflags -buildmode -buildvcs -compiler -covermode -coverpkg -gccgoflags -gcflags
    -installsuffix -ldflags -mod -modfile -overlay -pgo -pkgdir -tags -toolexec
    """.split()
)
#: A program that starts others, or loads plugins.
_STARTS_OTHERS = (
    r"\bexec\.(?:Command\((?!os\.Args\[0\])|CommandContext\(|LookPath\()|\bos\.StartProcess\("
    r"|\bsyscall\.(?:Exec|ForkExec)\(|\bplugin\.Open\("
)
#: Generators of other sources in Go than these may write what the program reads.
_GENERATES = (
    r"//go:generate (?!(?:go run )?(?:[\w./-]*/)?(?:qtc|easyjson(?:/\.\.\.)?|stringer|enumer|mockgen)"
    r"(?:@\S+)?(?:\s|$))[^\n]*"
)
_LINKED_LIBRARY = r"#cgo\s[^\n]{0,300}(?:LDFLAGS|pkg-config)[^\n]*"
#: What is imported by whoever checks certificates; a module from elsewhere may, too.
_TLS = r"\"(crypto/tls|crypto/x509|net/http|net/smtp|[\w-]+\.[\w.-]+/[^\"\n]+)\""
#: What looks for the type of a file in `/etc/mime.types`, which Go's images have (package `mime`).
_TYPES = r"\bhttp\.(?:FileServer|ServeFile|ServeContent|ServeFileFS)\b|\bmime\.\w+ByExtension\("
_MIME_TYPES = "/etc/mime.types*"
#: Go brings time zones along; Alpine Linux has none.
_ZONES = r"\btime\.LoadLocation\("


def recognise(file: File, stage: Stage) -> Found | None:
    """See `stacks`."""
    brought = toolchain(file, stage, ("go",))
    return brought.found(lambda: _plan(file, stage)) if brought else None


def _plan(file: File, stage: Stage) -> Plan:
    image = runtimes.base(file, stage)
    division = Division(file, stage, _builds, is_source)
    sources = division.sources
    run = started(file, stage)
    program = _program(division.above, sources, run)
    sources.refuse(_STARTS_OTHERS, "the program starts others")
    sources.refuse(_LINKED_LIBRARY, "the program is linked with a library")
    if any(call.starts("go", "generate") for _, call in calls(division.above)):
        sources.refuse(_GENERATES, "what the program reads may be generated")
    runtime = runtimes.small(file, image, is_static=_is_static(division.above, image))
    if runtime.os == "alpine":
        sources.refuse(_ZONES, f"`{runtime.reference}` has no time zones")
    is_of_go = image.family.language == "go" and runtime.os == "debian"
    besides = tuple(_besides(sources)) if is_of_go else ()
    trusts = any(CERTIFICATES in each.sources for each in besides)
    holds = (
        *runtime.holds,
        "no module of others that it uses starts a program of the base",
        *([f"the certificates that it trusts are those of `{image.reference}`"] if trusts else []),
    )
    recipe = Recipe(runtime.reference, run, (program,), _VARIABLES, besides, holds=holds)
    return division.plan(recipe)


def _builds(call: Call) -> bool:
    return call.name == "go" and bool(call.words) and call.words[0] in _VERBS


def is_source(path: str) -> bool:
    """Is *path* of the build context read by the compiler alone?"""
    return re.fullmatch(_SOURCE, path) is not None or re.fullmatch(_VENDORED, path) is not None


def _besides(sources: Sources) -> Iterator[Copy]:
    """What the program may need of the base of the build."""
    modules = [sources.text(each) or "" for each in sources.named("go.mod")]
    own = [name for text in modules for name in re.findall(_MODULE, text)]
    imported = {name for _, text in sources.code for name in re.findall(_TLS, text)}
    if any(not name.startswith(tuple(f"{each}/" for each in own)) for name in imported):
        yield Copy((CERTIFICATES,), CERTIFICATES)
    if any(re.search(_TYPES, text) for _, text in sources.code):
        yield Copy((_MIME_TYPES,), "/etc/")


def _is_static(moments: Sequence[Moment], image: Description) -> bool:
    """Is it told to do without cgo, or is there no compiler of C?"""
    if image.os == "alpine" and image.family.language == "go" and image.version >= (1, 20):
        return not any(each.names for moment in moments for each in moment.packages)
    found = [in_force(m, call)("CGO_ENABLED") for m, call in calls(moments) if call.name == "go"]
    return bool(found) and all(each == "0" for each in found)


# -- the program -----------------------------------------------------------------------------------


def _program(moments: Sequence[Moment], sources: Sources, run: Started) -> Copy:
    made = (path for moment, call in calls(moments) for path in _made(moment, call, sources))
    return built(made, moments, run, ("/go/bin", "/root/go/bin"))


def _made(moment: Moment, call: Call, sources: Sources) -> Iterator[str]:
    """The programs that a call of `go` makes. Raises `Refused`."""
    verb = call.words[0] if call.name == "go" and call.words else ""
    if verb not in ("build", "install") or any("@" in each for each in call.words):
        return
    packages = words(call, _VALUED)
    is_other = any(re.match(_OTHER_MODES, each or "") for each in call.arguments)
    if packages is None or is_other or call.directory is None:
        raise Refused("it is not known what this compiles", moment.instruction)
    output = call.option("-o") if verb == "build" else _folder_of_programs(moment, call)
    if any("..." in each for each in packages):
        if output is None:
            return  # of several packages it keeps none
        raise Refused("it is not known how many programs this compiles", moment.instruction)
    path = absolute(output, call.directory) if output else f"{call.directory}/"
    if path is None:
        raise Refused("it is not known where the program goes", moment.instruction)
    is_folder = path.endswith("/") or path in sources.roots
    name = _name(moment, call.directory, packages, sources)
    yield posixpath.join(path, name) if is_folder else path


def _folder_of_programs(moment: Moment, call: Call) -> str:
    """Where `go install` puts them (`go help install`); the images of Go set GOPATH."""
    variable = in_force(moment, call)
    binaries, path = variable("GOBIN"), variable("GOPATH")
    if "/" in (binaries, path):
        raise Refused("it is not known where the program goes", moment.instruction)
    is_of_go = moment.image is not None and moment.image.family.language == "go"
    default = "/go" if is_of_go else "/root/go"
    return f"{binaries or posixpath.join(path or default, 'bin')}/"


def _name(moment: Moment, directory: str, packages: Sequence[str], sources: Sources) -> str:
    """Of the program, as `go` gives it; the package must be there."""
    files = [each for each in packages if each.endswith(".go")]
    if files:
        return posixpath.basename(files[0]).removesuffix(".go")
    place = packages[0] if packages else "."
    if len(packages) > 1 or not place.startswith((".", "/")):
        raise Refused("it is not known in which folder its sources lie", moment.instruction)
    folder = absolute(place, directory) or directory
    folder = folder.rstrip("/") or "/"
    module = sources.text(posixpath.join(folder, "go.mod"))
    declared = re.search(_MODULE, module or "")
    path = declared[1] if declared else folder
    head, _, last = path.rpartition("/")
    is_version = re.fullmatch(r"v\d+", last) is not None and declared is not None
    if not sources.files_in(folder, r".*\.go", r"(?m)^package main\b"):
        raise Refused(f"no program lies in `{folder}`, as far as is known", moment.instruction)
    return posixpath.basename(head) if is_version else last
