"""Programs in Python: packages are installed where compilers are, and run where there are none.

`pip install --prefix` puts them into a folder of their own, from which they are copied to where they
would have been; a virtual environment keeps its path.
"""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.model.base_images import Description
from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.packages import packages
from stagelint.model.requirements import Requirements
from stagelint.model.stacks import runtimes
from stagelint.model.stacks.artifacts import calls
from stagelint.model.stacks.brought import interpreter
from stagelint.model.stacks.interpreted import Interpreted
from stagelint.model.stacks.libraries import libraries
from stagelint.model.stacks.pip import PREFIX, installed, is_of_pip
from stagelint.model.stacks.plans import Copy, Found, Plan, Refused
from stagelint.model.stacks.python_packages import (
    FIRST_WHEELS,
    LINKED,
    OTHERS,
    PLAIN,
    WITH_LIBRARY,
)
from stagelint.model.stacks.recipes import Recipe
from stagelint.model.stages import Stage

#: Where the official images have what is installed: they are compiled with that prefix.
_PLACE = "/usr/local"
#: What only pip reads.
_VARIABLES = r"PIP_\w+"
_PROGRAMS = frozenset({"python", "python3"})

_STARTS_OTHERS = (
    r"\bsubprocess\b|\bos\.(?:system|popen|exec[lv]\w*|spawn[lv]\w*|posix_spawnp?)\b"
    r"|\bcreate_subprocess_(?:exec|shell)\b|\bpexpect\b|\b(?:import|from) (?:sh|plumbum)\b"
)
_LOADS_LIBRARIES = r"\b(?:import|from) (?:ctypes|cffi)\b"
_COMPILES = (
    r"\b(?:import|from) (?:pyximport|distutils|setuptools|cffi)\b"
    r"|[\"'](?:gcc|g\+\+|cc|c\+\+|ld|make|cmake|git|pkg-config)\b"
)
_OF_DEBIAN = r"\A#!\s*/usr/bin/python"


def recognise(file: File, stage: Stage) -> Found | None:
    """See `stacks`."""
    image = file.histories[stage.index].image
    if image is None or image.family.path != "library/python" or image.os != "debian":
        return None
    found = packages(call for _, call in calls(file.moments(stage)))
    if not any(each.manager == "pip" and not each.is_removal for each in found):
        return None
    brought = interpreter(file, stage)
    return brought.found(lambda: _plan(file, stage)) if brought else None


def is_source(path: str) -> bool:
    """Is *path* of the build context a source?"""
    return path.endswith((".py", ".pyw"))


def _plan(file: File, stage: Stage) -> Plan:
    image = runtimes.base(file, stage, may_stay=True)
    division = Interpreted(file, stage, is_of_pip, is_source)
    found = installed(division, image)
    run = division.started(() if image.is_slim else image.family.lacks)
    division.refuse(_OF_DEBIAN, "the Python of Debian may run it")
    other = min(OTHERS & found.wanted.names, default=None)
    if other:
        raise Refused(f"it is not known what `{other}` needs of the system")
    libraries: tuple[str, ...] = ()
    if image.is_slim:
        division.refuse(_COMPILES, "the program may compile")
    else:
        division.refuse(_STARTS_OTHERS, "the program starts others")
        division.refuse(_LOADS_LIBRARIES, "the program loads libraries")
        _check_compiled(division, found.wanted, image)
        libraries = tuple(_libraries(found.wanted, image))
    place = _PLACE if found.folder == PREFIX else found.folder
    recipe = Recipe(
        runtimes.slimmer(stage, image),
        run,
        (Copy((found.folder,), place),),
        _VARIABLES,
        programs=_PROGRAMS,
        packages=libraries,
        edits=found.edits,
        holds=(_held(image),),
    )
    return division.plan(recipe)


def _held(image: Description) -> str:
    if image.is_slim:
        return "no package of Python compiles when it runs"
    return f"no other package of Python needs a library or a program that `{image.smaller()}` lacks"


# -- what packages need of the system --------------------------------------------------------------


def _libraries(wanted: Requirements, image: Description) -> Iterator[str]:
    """The packages with the libraries that those of Python are linked with. Raises `Refused`."""
    for name in sorted(wanted.names & LINKED.keys()):
        if WITH_LIBRARY.get(name) in wanted.names:
            continue
        for headers in LINKED[name]:
            found = libraries(headers, image.os, image.release)
            if not found:
                raise Refused(f"it is not known which package has the libraries of `{name}`")
            yield from found


def _check_compiled(division: Interpreted, wanted: Requirements, image: Description) -> None:
    """Is it known what is linked with libraries of the full image? Raises `Refused`."""
    for moment, call in calls(division.above):
        unknown = next((each for each in _compiled(call) if not _is_plain(each)), None)
        if unknown:
            raise Refused(f"it is not known what `{unknown}` is linked with", moment.instruction)
    for name, wheels in FIRST_WHEELS.items():
        pinned = wanted.pinned.get(name)
        first = wheels.get(image.version[:2])
        if pinned and (first is None or pinned < first):
            raise Refused(f"no wheel of this `{name}` is known, and it would be linked with others")


def _compiled(call: Call) -> Iterator[str]:
    """The packages that pip is told to compile."""
    for word, after in zip(call.arguments, (*call.arguments[1:], ""), strict=True):
        option, equals, value = (word or "").partition("=")
        if option == "--no-binary":
            yield from (value if equals else after or ":all:").split(",")


def _is_plain(name: str) -> bool:
    return name in PLAIN or name in LINKED or name == ":none:"
