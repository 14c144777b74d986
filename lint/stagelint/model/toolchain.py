"""What reaches a released image though only its build needs it: compilers and what goes with them.

Every cause has one name: the image at the bottom, or a stage that compiles and is built upon, or
packages. `cause` tells the first two; `build_packages` are the third, where there is neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from stagelint.model.base_images import Description
from stagelint.model.calls import Call
from stagelint.model.compiling import Compilation, compilations
from stagelint.model.families import RUNTIMES, Kind
from stagelint.model.file import File
from stagelint.model.moments import Moment
from stagelint.model.packages import SYSTEM, Packages, packages
from stagelint.model.purpose import are_scripts, is_application, is_interpreter
from stagelint.model.stages import Stage
from stagelint.source import Span
from stagelint.tuples import NamedTuple


class Cause(NamedTuple):
    """Why a toolchain reaches an image: the FROM of *stage* brings it."""

    stage: Stage
    image: Description | None
    """The SDK that this FROM names; None if it names *builder*."""
    builder: Stage | None
    """The stage of this file that compiles, and that this FROM names."""
    evidence: Call | None
    """What compiles in a layer that ships."""
    programs: list[Call]
    """What the image starts."""

    @property
    def is_shown(self) -> bool:
        """Is it known what the image runs? Of scripts it is not."""
        is_native = self.image is not None and self.image.family.language in ("go", "rust", "c")
        # Compiled in another stage, and put beside a fresh compiler: perhaps that is meant.
        is_beside = is_native and self.evidence is None
        return not is_beside and not are_scripts(self.programs)


def causes(file: File) -> Iterator[tuple[Stage, Cause]]:
    """The causes for all images that are released, one for each FROM, and the first such image."""
    said: set[int] = set()
    for index, each in file.causes.items():
        if each.stage.index not in said:
            said.add(each.stage.index)
            yield file.stages[index], each


def cause(file: File, target: Stage) -> Cause | None:
    """Why a toolchain reaches the image of *target*, a stage that is released; None if none does,
    if the image is made to have one, or if that cannot be told."""
    started = file.programs(target)
    if not started or not is_application(file, target):
        return None
    chain = file.chain(target)
    for child, stage in zip(reversed(chain[1:]), reversed(chain[:-1]), strict=True):
        found = _compiles(file, stage)
        if found and _is_builder(file, stage, found) and not _compiles_kernels(file, target):
            return Cause(child, None, stage, found.call, started)
    image = file.histories[target.index].image
    if image is None or image.kind is not Kind.SDK or image.family.language not in RUNTIMES:
        return None
    compiled = next(filter(None, (_compiles(file, stage) for stage in chain)), None)
    if not _is_of_application(file, target, image, started, compiled):
        return None
    return Cause(chain[0], image, None, compiled.call if compiled else None, started)


def _compiles(file: File, stage: Stage) -> Compilation | None:
    """The last compilation in the layers of *stage* itself."""
    found = [each for moment in file.moments(stage) for each in compilations(moment.calls)]
    return found[-1] if found else None


def _is_builder(file: File, stage: Stage, last: Compilation) -> bool:
    """Is *stage* there to compile, as it does *last*, or does it leave a compiler behind?"""
    image = file.histories[stage.index].image
    # In an image of a known family, such as `node`, make may only bundle.
    is_bundling = last.language == "make" and image is not None
    if re.search(r"build|compile", stage.name or "") and not is_bundling:
        return True
    if image is not None and image.kind is Kind.SDK:
        return True
    return any(each.compiles for each in build_packages(file, stage))


def _is_of_application(
    file: File,
    target: Stage,
    image: Description,
    started: list[Call],
    compiled: Compilation | None,
) -> bool:
    """Is the SDK *image* below a program that was compiled, and does not need it to run?"""
    language = image.family.language
    names = {call.name for call in started}
    patterns = (_CALL_COMPILERS, _COMPILE_FOR_THE_JVM)
    if any(is_interpreter(call) or _compiles_itself(call, patterns) for call in started):
        return False
    if language == "java" and "java" in names:
        words = [word for call in started for word in call.arguments if word]
        return not any(re.search(_NEEDS_JDK, word) for word in words)
    if language == "dotnet" and "dotnet" in names:
        return True
    copied = [*_copied(file, target)]
    if (not compiled and not copied) or (language == "cuda" and are_scripts(started)):
        return False
    arguments = compiled.call.arguments if compiled else ()
    made = " ".join((*copied, *(word for word in arguments if word)))
    return any(
        "/" in call.path or re.search(rf"\b{re.escape(call.name)}\b", made) for call in started
    )


#: What is given to programs that call a compiler when they run; those of the JVM bring their own.
_CALL_COMPILERS = r"\b(?:g\+\+|gcc|clang|rustc|nvcc)"
_COMPILE_FOR_THE_JVM = r"resin|jasper|arthas|javac|(?:jdk|java)\.compiler|\b(?:gradle|maven)"


#: What `java` is given if it needs a JDK: sources to compile, and modules of its tools.
_NEEDS_JDK = r"\.java\Z|tools\.jar|\bjdk\.(?:jshell|compiler|javadoc|jartool|jlink|jdeps|attach)"


def _compiles_itself(call: Call, patterns: Iterable[str]) -> bool:
    words = [word for word in call.arguments if word]
    return any(re.search(pattern, word) for pattern in patterns for word in words)


def _copied(file: File, target: Stage) -> Iterator[str]:
    """What the stages of *target* copy from a stage that compiles."""
    for stage in file.chain(target):
        for moment, _, source in file.copies(stage):
            if any(_compiles(file, each) for each in file.chain(source)):
                yield " ".join(each.value for each in moment.instruction.arguments)


# -- packages --------------------------------------------------------------------------------------


class BuildPackages(NamedTuple):
    """What one call of a package manager installs though only a build needs it."""

    moment: Moment
    installed: Packages
    names: tuple[str, ...]
    """Those of its packages that only a build needs."""
    spans: tuple[Span, ...]
    """Where they stand."""
    builds: Call | None
    """The first call after it that needs them."""
    is_shown: bool = False
    """Is it as good as certain that what the image runs does without them?"""

    @property
    def span(self) -> Span:
        return self.spans[0]

    @property
    def compiles(self) -> bool:
        """Is a compiler among them?"""
        return any(re.fullmatch(_COMPILERS, name) for name in self.names)

    @property
    def are_headers(self) -> bool:
        """Are they all headers and static libraries?"""
        return all(re.fullmatch(_HEADERS, name) for name in self.names)

    @property
    def headers(self) -> tuple[str, ...]:
        """Those that are headers of a library, which they bring along."""
        return tuple(filter(are_headers_of_library, self.names))


#: Compilers, by any of these managers.
_COMPILERS = (
    r"(?i:(?:gcc|g\+\+|clang|gcc-c\+\+|gfortran|gcc-gfortran|gcc-toolset|llvm)(?:-?[\d.]+)?(?:-dev)?|"
    r"build-essential|build-base|base-devel|alpine-sdk|[@\"]?development[- ]tools|"
    r"gcc-multilib|g\+\+-multilib|golang(?:-go|-[\d.]+)?|go|rust|rustc|cargo|rust-all|"
    r"ghc|nasm|yasm|musl-tools)"
)
#: What drives compilers, or makes their input.
_TOOLS = (
    r"make|gmake|cmake[23]?|extra-cmake-modules|ninja(?:-build)?|meson|autoconf|automake|autotools-dev|"
    r"libtool|pkg-config|pkgconf|pkgconfig|bison|flex|re2c|dpkg-dev|rpm-build|cython3?|swig|maven|"
    r"gradle|cargo-c|ccache|patchelf|kernel-headers|linux-headers.*|phpize-deps"
)
#: Headers and static libraries.
_HEADERS = r"(?!oracle-)(?:.*-(?:dev|devel|headers)|lib.*-static|.*-libs-static)(?:-[\d.]+)?"
#: Headers of what is there in any case, or of no library.
_WITHOUT_LIBRARY = (
    r"(?:python|pypy|php|ruby|node|nodejs|perl|lua|musl|libc6?|glibc|libstdc\+\+|linux|kernel|autotools|"
    r"dpkg)[\d.]*-.*|linux-libc-dev|systemtap-sdt-dev|libstdc\+\+-.*"
)


#: Images and packages of Python that compile kernels when they run.
_COMPILE_KERNELS = (
    r"cuda|rocm|pytorch|tensorflow|triton|vllm|sglang|gaudi|habana|oneapi|deepspeed|torch|jax|numba|"
    r"theano|pymc|xformers|flash[-_]attn|bpf|bcc"
)


def packages_to_leave(file: File, target: Stage) -> Iterator[BuildPackages]:
    """What an application's image has of `build_packages` for no other reason: see `cause`.

    One for each instruction, which may install with several calls.
    """
    started = file.programs(target)
    is_told = target.index in file.causes
    if is_told or not is_application(file, target) or _compiles_kernels(file, target):
        return
    if any(_compiles_itself(call, (_CALL_COMPILERS,)) for call in started):
        return
    image = file.histories[target.index].image
    has_compiler = image is not None and (
        image.kind is Kind.SDK or (bool(image.family.lacks) and not image.is_slim)
    )
    is_built_elsewhere = any(any(file.copies(stage)) for stage in file.chain(target))
    is_certain = not has_compiler and not are_scripts(started)
    merged: dict[int, BuildPackages] = {}
    for each in build_packages(file, target):
        is_fetched = all(name in _FETCHERS for name in each.names)
        if is_fetched and are_scripts(started):
            continue  # they may fetch as well
        is_shown = is_certain and each.builds is not None and not is_fetched
        found = each._replace(is_shown=is_shown)
        before = merged.get(each.moment.instruction.start)
        if before:
            found = found._replace(
                names=before.names + found.names,
                spans=before.spans + found.spans,
                builds=before.builds or found.builds,
                is_shown=before.is_shown or found.is_shown,
            )
        merged[each.moment.instruction.start] = found
    for each in merged.values():
        if each.builds or (is_built_elsewhere and each.are_headers):
            yield each


def _compiles_kernels(file: File, target: Stage) -> bool:
    moments = file.moments_behind(target)
    names = [file.chain(target)[0].base.raw]
    names += [name for moment in moments for each in moment.packages for name in each.names]
    return re.search(_COMPILE_KERNELS, "\n".join(names)) is not None


def build_packages(file: File, target: Stage) -> Iterator[BuildPackages]:
    """What is installed in the layers of *target* that only a build needs, and stays."""
    moments = file.moments_behind(target)
    for at, moment in enumerate(moments):
        for installed in moment.packages:
            if installed.is_removal or installed.manager not in SYSTEM:
                continue
            removed = _removed(moments[at:], installed)
            fetch = _fetches(moments[at:], installed)
            found = [
                (name, span)
                for name, span in zip(installed.names, installed.spans, strict=True)
                if (is_for_builds(name) or (fetch and _FETCHERS.get(name) == fetch.name))
                and name not in removed
            ]
            if found and _ALL not in removed:
                names, spans = zip(*found, strict=True)
                builds = _needs(moments[at:], installed)
                if all(name in _FETCHERS for name in names):
                    builds = builds or fetch
                yield BuildPackages(moment, installed, names, spans, builds)


def is_for_builds(name: str) -> bool:
    """Does only a build need the package *name*, whatever the distribution?"""
    return any(re.fullmatch(pattern, name) for pattern in (_COMPILERS, _TOOLS, _HEADERS))


def are_headers_of_library(name: str) -> bool:
    """Is the package *name* headers of a library, which it brings along?"""
    return bool(re.fullmatch(_HEADERS, name)) and not re.fullmatch(_WITHOUT_LIBRARY, name)


#: Programs that fetch sources, by their packages.
_FETCHERS = {
    "git": "git", "git-core": "git", "mercurial": "hg", "subversion": "svn", "bzr": "bzr",
}  # fmt: skip


def _fetches(moments: Iterable[Moment], installed: Packages) -> Call | None:
    """The first call after *installed* of a version control system that it brings."""
    programs = {_FETCHERS[name] for name in installed.names if name in _FETCHERS}
    if not programs:
        return None
    after = installed.call.span.start
    return next(
        (
            call
            for moment in moments
            for call in moment.calls
            if call.name in programs and call.span.start > after
            and call.words[:1] in (("clone",), ("checkout",), ("co",), ("submodule",), ("fetch",))
        ),
        None,
    )  # fmt: skip


_ALL = "*"


def _removed(moments: Iterable[Moment], installed: Packages) -> set[str]:
    """The names of packages that are removed again; `_ALL` where it may be any of them."""
    removed: set[str] = set()
    for moment in moments:
        for each in moment.packages:
            if each.is_removal and each.call.span.start > installed.call.span.start:
                removed |= {*each.names}
                if not each.is_complete or not each.names or installed.group in each.names:
                    removed.add(_ALL)
    return removed


def _needs(moments: Iterable[Moment], installed: Packages) -> Call | None:
    """The first call after *installed* that compiles, or installs from sources."""
    after = installed.call.span.start
    return next(
        (
            call
            for moment in moments
            for call in moment.calls
            if call.span.start > after and _builds(call)
        ),
        None,
    )


#: Programs that compile extensions, by name.
_EXTENSION_BUILDERS = frozenset(
    """
    configure docker-php-ext-install docker-php-ext-configure pecl phpize cpanm cpan carton luarocks
    opam dune Rscript node-gyp rebar3 setup.py autoreconf meson bootstrap buildconf gprbuild dub ldc2
    dmd bazel bazelisk scons waf b2 bjam nimble v odin raco raku zef
    """.split()
)
#: Packages of Python and Node.js that come without anything to compile.
_PURE = frozenset(
    """
    pip setuptools wheel virtualenv uv poetry pipenv pdm build twine meson ninja conan pre-commit
    npm yarn pnpm corepack typescript
    """.split()
)


def _builds(call: Call) -> bool:
    if call.name in _EXTENSION_BUILDERS:
        return True
    # Neither javac nor the compilers of .NET read headers.
    if any(each.language not in ("java", "dotnet") for each in compilations((call,))):
        return True
    return any(
        each.manager in ("pip", "npm", "gem", "bundle")
        and not each.is_removal
        and not (each.is_complete and _PURE.issuperset(each.names))
        for each in packages((call,))
    )
