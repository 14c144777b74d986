"""Which interpreter an image has, and what of its packages a stage makes for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model.base_images import Description
from stagelint.model.calls import Call
from stagelint.model.families import Kind
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.packages import packages
from stagelint.model.stages import Stage
from stagelint.tuples import NamedTuple


class Interpreter(NamedTuple):
    """The one that runs the programs of an image."""

    language: str
    """`python`, `node` or `ruby`."""
    version: tuple[int, ...]
    """As far as extension modules and folders depend on it: `(3, 12)`, `(22,)`; empty if that is not
    known."""
    folder: str
    """Where it lies: `/usr/local/bin`."""
    libc: str

    def __str__(self) -> str:
        names = {"python": "Python", "node": "Node.js", "ruby": "Ruby"}
        return f"{names[self.language]} {'.'.join(map(str, self.version))}"


#: How many numbers of a version matter to what is installed for it.
_NUMBERS = {"python": 2, "node": 1, "ruby": 2}

#: The Python that an operating system brings (packages.debian.org, packages.ubuntu.com).
_PYTHON_OF_RELEASE = {
    "bullseye": (3, 9), "bookworm": (3, 11), "trixie": (3, 13),
    "20.04": (3, 8), "22.04": (3, 10), "24.04": (3, 12),
}  # fmt: skip
_OF_DISTROLESS = {"11": "bullseye", "12": "bookworm", "13": "trixie"}
_SYSTEM_PYTHON = frozenset({"python3", "python3-venv", "python3-pip", "python3-minimal"})


def interpreter(file: File, stage: Stage) -> Interpreter | None:
    """That of the image that *stage* becomes; None if it is not known, or if there is none."""
    image = file.histories[stage.index].image
    if image is None or image.os == "windows" or not image.is_certain:
        return None
    if image.kind is Kind.OS:
        return _of_system(file, stage, image)
    language = image.family.language
    if language not in _NUMBERS or image.family.path == "oven/bun":
        return None
    if not image.has_shell:
        found = re.search(r"/python3(?:-debian(\d+))?\Z", image.reference.path)
        release = _OF_DISTROLESS.get(found[1] or "", "") if found else ""
        version = _PYTHON_OF_RELEASE.get(release, ())
        return Interpreter("python", version, "/usr/bin", "glibc") if found else None
    width = _NUMBERS[language]
    if len(image.version) < width or image.family.path == "library/pypy":
        return None
    return Interpreter(language, image.version[:width], "/usr/local/bin", image.libc)


def _of_system(file: File, stage: Stage, image: Description) -> Interpreter | None:
    version = _PYTHON_OF_RELEASE.get(image.release)
    if version is None:
        return None
    names = {
        name
        for moment in file.moments_behind(stage)
        for each in moment.packages
        for name in each.names
    }
    if names.isdisjoint(_SYSTEM_PYTHON):
        return None
    return Interpreter("python", version, "/usr/bin", image.libc)


#: Folders that an interpreter is copied with.
_WITH_PROGRAMS = frozenset({"", "/usr", "/usr/bin", "/usr/local", "/usr/local/bin", "/bin"})
_PROGRAM = r"/(?:python[\d.]*|node|ruby)\Z"


class Packaged(NamedTuple):
    """A folder of packages that a stage makes with its interpreter."""

    path: str
    is_venv: bool
    call: Call

    def is_in(self, folder: str) -> bool:
        """Is it *folder*, or below it?"""
        return f"{self.path}/".startswith(f"{folder}/")


def packaged(file: File, stage: Stage) -> Iterator[Packaged]:
    """The virtual environments and prefixes of Python that *stage* makes, in order."""
    for moment in file.moments_behind(stage):
        for call in moment.calls:
            path = _venv(call)
            if path:
                place = absolute(path, call.directory)
                if place:
                    yield Packaged(place.rstrip("/"), True, call)
            elif any(each.manager == "pip" for each in packages((call,))):
                prefix = call.option("--prefix")
                place = absolute(prefix, call.directory) if prefix else None
                if place:
                    yield Packaged(place.rstrip("/"), False, call)
                elif call.has("--user"):
                    yield Packaged("/root/.local", False, call)


def brings_interpreter(file: File, stage: Stage) -> bool:
    """Does *stage* copy a folder of programs from another one, or an interpreter?"""
    for moment in file.moments_behind(stage):
        node = moment.instruction
        if node.keyword == "COPY" and node.flag("from"):
            for argument in node.arguments[:-1]:
                path = (moment.path(argument.value, "/") or "").rstrip("/")
                if path in _WITH_PROGRAMS or re.search(_PROGRAM, path):
                    return True
    return False


def is_remade(file: File, copy: Moment, language: str) -> bool:
    """Does the stage of *copy*, or one built on it, make packages of *language* anew afterwards?"""
    return any(
        _remakes(call, language)
        for stage in file.stages[copy.stage.index :]
        if copy.stage in file.chain(stage)
        for moment in file.moments(stage)
        if stage is not copy.stage or moment.instruction.start > copy.instruction.start
        for call in moment.calls
    )


def _remakes(call: Call, language: str) -> bool:
    if language == "python":
        return bool(_venv(call)) or call.starts("uv", "sync") or call.name in ("poetry", "pipenv")
    if call.words[:1] in (("rebuild",), ("pristine",)):
        return True
    return any(
        not each.names and not each.is_removal and each.manager in ("npm", "bundle")
        for each in packages((call,))
    )


def is_linked_anew(file: File, *stages: Stage) -> bool:
    """Does one of *stages* say by `ln` where a Python is, or copy it into a virtual environment?"""
    return any(
        (call.name == "ln" and any("python" in word for word in call.words))
        or (call.has("--copies", "--always-copy") and bool(_venv(call)))
        for stage in stages
        for moment in file.moments_behind(stage)
        for call in moment.calls
    )


def is_looked_at(file: File, stage: Stage, here: Interpreter, path: str, place: str) -> bool:
    """Does the interpreter *here* look for packages in *path* once it is copied to *place*?"""
    if here.language == "python" and f"/python{'.'.join(map(str, here.version))}/" in f"{place}/":
        return True
    for moment in file.moments_behind(stage):
        if moment.instruction.keyword == "ENV":
            for pair in moment.instruction.pairs:
                if pair.key == "PYTHONPATH":
                    value = moment.expand(pair.value or "")
                    if value is None or path in value or place.rstrip("/") in value:
                        return True
    return False


def _venv(call: Call) -> str:
    """The folder of the virtual environment that *call* makes."""
    words = call.words
    if re.fullmatch(r"python[\d.]*", call.name) and call.arguments[:1] == ("-m",):
        words = words[1:] if words[:1] in (("venv",), ("virtualenv",)) else ()
    elif call.name == "uv":
        words = words[1:] if words[:1] == ("venv",) else ()
    elif call.name != "virtualenv":
        words = ()
    return words[-1] if len(words) == 1 and not call.option("-p", "--python") else ""
