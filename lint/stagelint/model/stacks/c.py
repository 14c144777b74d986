"""Programs in C and C++: called compilers, make and CMake, without `install`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.model.base_images import Description
from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.stacks import runtimes
from stagelint.model.stacks.artifacts import calls, mentions, origin, places, shipped, words
from stagelint.model.stacks.brought import toolchain
from stagelint.model.stacks.division import Division
from stagelint.model.stacks.installs import HEADERS_OF
from stagelint.model.stacks.plans import Copy, Found, Plan, Refused
from stagelint.model.stacks.recipes import Recipe
from stagelint.model.stacks.sources import Sources
from stagelint.model.stacks.started import Started, started
from stagelint.model.stages import Stage

_COMPILERS = frozenset("gcc cc g++ c++ clang clang++ musl-gcc".split())
_OF_CPP = frozenset("g++ c++ clang++".split())
_DRIVERS = frozenset("make gmake cmake ninja ar ranlib as ld nasm yasm pkg-config".split())
#: Options of compilers whose value may be the next word.
_VALUED = frozenset(
    "-o -I -L -D -U -l -x -include -isystem -std -MF -MT -MQ -T -u -Xlinker".split()
)

_VARIABLES = r"CC|CXX|CPP|LD|AR|CFLAGS|CXXFLAGS|CPPFLAGS|LDFLAGS|LDLIBS|MAKEFLAGS|CMAKE_\w+"
_SOURCE = (
    r"(?:.*/)?(?:[^/]+\.(?:c|h|cc|cpp|cxx|hh|hpp|hxx|inl|ipp|tpp|inc|s|S|asm|y|yy|l|ll|in|am|ac|m4|o|a|"
    r"cmake|ninja|ld|lds|vcxproj(?:\.\w+)?|sln|pro|pri)|(?:GNU)?[Mm]akefile|CMakeLists\.txt|"
    r"CMakePresets\.json|meson\.build|meson_options\.txt|Doxyfile|configure|compile_commands\.json)"
)
_CODE = r".*\.(?:c|h|cc|cpp|cxx|hh|hpp|hxx|inl|ipp|tpp|inc)"
_MAKEFILE = r"(?:.*/)?(?:(?:GNU)?[Mm]akefile|[^/]+\.mk)"

_STARTS_OTHERS = r"\b(?:system|popen|exec[lv]p?e?|posix_spawnp?|dlopen|wordexp)\s*\("
#: What is built to load more than the C library and what every small base has.
_LOADS_MORE = (
    r"-shared\b|\.so\b|-fopenmp|-fsanitize|-fprofile|-coverage\b|-rpath|pkg-config|\bpkg_check_modules\b|"
    r"\bFetchContent\w*|\bExternalProject\w*|\bfind_library\b|\bMODULE\b"
)
_STATIC = r"(?<!\S)-static(?!\S)"
_LIBRARY = r"(?<![\w-])-l([\w+][\w+.-]*)"
#: Libraries that are parts of the C library, or linked statically.
_OF_LIBC = frozenset("c m pthread dl rt util resolv anl gcc gcc_eh".split())
#: What every image of Debian has besides.
_OF_DEBIAN = frozenset({"stdc++", "z"})
_LINKS = re.compile(
    r"(?i)\btarget_link_libraries\s*\(\s*[^\s()]{1,200}([^)]{0,2000})\)|\blink_libraries\s*\(([^)]{0,2000})\)"
)
_TOLD = frozenset(
    "PRIVATE PUBLIC INTERFACE Threads::Threads ${CMAKE_DL_LIBS} ${CMAKE_THREAD_LIBS_INIT}".split()
)


def recognise(file: File, stage: Stage) -> Found | None:
    """See `stacks`."""
    brought = toolchain(file, stage, ("c", "make"))
    return brought.found(lambda: _plan(file, stage)) if brought else None


def _plan(file: File, stage: Stage) -> Plan:
    image = runtimes.base(file, stage)
    division = Division(file, stage, _builds, is_source)
    sources, run = division.sources, started(file, stage)
    runtime = runtimes.small(file, image, is_static=False)
    program = _program(division.above, sources, run)
    sources.refuse(_STARTS_OTHERS, "the program starts or loads others")
    _check_linking(division.above, sources, image)
    holds = (*runtime.holds, f"of what is built, `{run.name}` is all that is needed to run it")
    return division.plan(Recipe(runtime.reference, run, (program,), _VARIABLES, holds=holds))


def _builds(call: Call) -> bool:
    if call.name in ("make", "gmake", "ninja", "cmake"):
        return not _installs(call)
    return call.name in _COMPILERS | _DRIVERS


def _installs(call: Call) -> bool:
    return any(re.match(r"install\b", word) for word in call.words) or call.has("--install")


def is_source(path: str) -> bool:
    """Is *path* of the build context read by the compiler alone?"""
    return re.fullmatch(_SOURCE, path) is not None


# -- the program -----------------------------------------------------------------------------------


def _program(moments: Sequence[Moment], sources: Sources, run: Started) -> Copy:
    compiled = [each for moment, call in calls(moments) for each in _compiled(moment, call)]
    if len({*compiled}) > 1:
        raise Refused("more than one program is built", run.moment.instruction)
    for path in places(run, moments):
        made = origin(path, moments)
        if sources.at(made):
            raise Refused(f"`{run.path}` is no program that is built here", run.moment.instruction)
        if made in compiled or _is_made(made, moments, sources):
            return shipped(path, run)
    raise Refused(f"it is not known how `{run.path}` is built", run.moment.instruction)


def _compiled(moment: Moment, call: Call) -> Iterator[str]:
    """The program that a call of a compiler makes."""
    others = ("-c", "-S", "-E", "-r", "-shared", "--version", "-M", "-MM")
    if call.name not in _COMPILERS or call.has(*others):
        return
    output = call.option("-o") or "a.out"
    path = absolute(output, call.directory)
    if path is None or words(call, _VALUED, verbs=0) is None:
        raise Refused("it is not known what this compiles", moment.instruction)
    yield path


def _is_made(path: str, moments: Sequence[Moment], sources: Sources) -> bool:
    """Do `make` or CMake make *path*, as their files say?"""
    name = posixpath.basename(path)
    for _, call in calls(moments):
        if call.name not in ("make", "gmake", "ninja", "cmake") or call.directory is None:
            continue
        told = call.option("-C", "--directory") or call.option("--build") or "."
        folder = absolute(told, call.directory) or "/"
        folder = folder.rstrip("/") or "/"
        if not path.startswith(f"{folder.rstrip('/')}/"):
            continue
        if call.name in ("make", "gmake"):
            told_files = [absolute(each, folder) for each in (call.option("-f", "--file"),) if each]
            makefiles = told_files or [
                f"{folder.rstrip('/')}/{each}" for each in ("GNUmakefile", "makefile", "Makefile")
            ]
            if any(mentions(sources.text(each or "") or "", name) for each in makefiles):
                return True
        if any(
            _declares(sources.text(each) or "", name) for each in sources.named("CMakeLists.txt")
        ):
            return True
    return False


def _declares(text: str, name: str) -> bool:
    """Does a file of CMake have an executable that is called *name*?"""
    project = re.search(r"(?i)^[ \t]*project\s*\(\s*\"?([\w.-]+)", text, re.MULTILINE)
    found = re.findall(r"(?i)^[ \t]*add_executable\s*\(\s*\"?([\w.${}-]+)", text, re.MULTILINE)
    names = {each.replace("${PROJECT_NAME}", project[1] if project else "") for each in found}
    return name in names


# -- what it loads ---------------------------------------------------------------------------------


def _check_linking(moments: Sequence[Moment], sources: Sources, image: Description) -> None:
    """Does it load nothing but what the final base has, or gets?"""
    texts = [*_told(moments, sources)]
    if all(re.search(_STATIC, text) for text in texts if re.search(r"\S", text)) and texts:
        return
    for text in texts:
        more = re.search(_LOADS_MORE, text)
        if more:
            raise Refused(f"the program may load what its base has: `{more[0]}`")
    is_debian = image.os in ("debian", "ubuntu")
    given: frozenset[str] = _OF_LIBC | _OF_DEBIAN if is_debian else _OF_LIBC
    installed = {e for m in moments for p in m.packages if not p.is_removal for e in p.names}
    for name in _libraries(texts):
        if name not in given and not HEADERS_OF.get(name, frozenset[str]()) & installed:
            raise Refused(f"it is not known which package brings `lib{name}` to where it runs")
    _check_cpp(moments, sources, image)


def _check_cpp(moments: Sequence[Moment], sources: Sources, image: Description) -> None:
    is_cpp = any(call.name in _OF_CPP for _, call in calls(moments)) or any(
        re.fullmatch(r".*\.(?:cc|cpp|cxx)", each.path) for each in sources.files
    )
    if is_cpp and image.family.path == "library/gcc":
        raise Refused(f"`{image.reference}` has a newer `libstdc++` than the small image")
    if is_cpp and image.os not in ("debian", "ubuntu"):
        raise Refused(f"{image.os.title()} has no `libstdc++` unless it is installed")


def _told(moments: Sequence[Moment], sources: Sources) -> Iterator[str]:
    """What tells the linker: the arguments of compilers, and the files of make and CMake."""
    for _, call in calls(moments):
        if call.name in _COMPILERS | {"make", "gmake", "cmake"}:
            yield " ".join(each or "" for each in call.arguments)
    for each in sources.files:
        if re.fullmatch(_MAKEFILE, each.path) or each.path.endswith(("CMakeLists.txt", ".cmake")):
            yield re.sub(r"(?m)(?<!\\)#.*$", "", sources.text(each.path) or "")


def _libraries(texts: Sequence[str]) -> Iterator[str]:
    own = {
        name for text in texts for name in re.findall(r"(?i)\badd_library\s*\(\s*([\w.-]+)", text)
    }
    for text in texts:
        yield from (name for name in re.findall(_LIBRARY, text) if name not in own)
        for match in re.finditer(r"(?i)\bfind_package\s*\(\s*(\w+)", text):
            if match[1] != "Threads":
                yield match[1]
        for match in _LINKS.finditer(text):
            found = (match[1] or match[2] or "").split()
            yield from (
                each for each in found if each not in _TOLD | own and not each.startswith("-l")
            )
