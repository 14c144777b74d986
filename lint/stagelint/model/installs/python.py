"""What pip, uv, Poetry and Pipenv read when they install.

Sources: pip.pypa.io (requirements file format), docs.astral.sh/uv, python-poetry.org, pipenv.pypa.io.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from stagelint.edit import Guarantee
from stagelint.model.calls import Call
from stagelint.model.installs.needs import Folder, Needs, Unclear, within
from stagelint.model.packages import packages
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

#: Options of pip that name a file with requirements.
_LISTS = ("-r", "--requirement", "-c", "--constraint")
#: Those that name a folder to write to.
_PLACES = ("-t", "--target", "--prefix", "--root", "--src", "-b", "--build")
_LISTING = r"(?:-r|--requirement|-c|--constraint)(?:\s+|=|(?<=-[rc]))(\S.*)"
#: Requirements files that include each other, at most.
_MOST_FILES = 50
_ITSELF = "it installs the project itself"


def pip(folder: Folder, call: Call) -> Needs:
    """What `pip install -r` reads."""
    pending = [_relative(call, each) for each in _values(call, *_LISTS)]
    made = tuple(_relative(call, each) for each in _values(call, *_PLACES))
    found: dict[str, None] = {}
    listed = next(packages((call,)), None)
    is_pinned = all("==" in each for each in listed.words) if listed else True
    while pending:
        name = posixpath.normpath(pending.pop(0))
        if name.startswith("..") or ":" in name:
            raise Unclear(f"`{name}` is not in the folder where it runs")
        if name in found:
            continue
        found[name] = None
        if len(found) > _MOST_FILES:
            raise Unclear("there are too many requirements files")
        for line in _requirements(folder.need(name)):
            included = re.match(_LISTING, line)
            if included:
                pending.append(posixpath.join(posixpath.dirname(name), included[1].strip()))
            else:
                _refuse_local(folder, name, line)
                is_pinned = is_pinned and (line.startswith("-") or "==" in line)
    settings = folder.files("uv.toml", "pyproject.toml") if call.name == "uv" else ()
    holds = (
        () if is_pinned else ("versions that are left open may stay as they were installed last",)
    )
    writes = tuple(each for each in made if not each.startswith(".."))
    promise = _promise_of_uv(call) if call.name == "uv" else Guarantee.SAME_IMAGE
    return Needs((*found, *settings), writes=writes, holds=holds, promise=promise)


def _values(call: Call, *options: str) -> Iterator[str]:
    """What follows *options* among the arguments. Raises `Unclear` if that is not known."""
    if not call.is_known:
        raise Unclear("what it is told is not known")
    arguments = [each or "" for each in call.arguments]
    for at, word in enumerate(arguments):
        option, equals, value = word.partition("=")
        if word in options and at + 1 < len(arguments):
            yield arguments[at + 1]
        elif equals and option in options:
            yield value
        elif word[:2] in options and not word.startswith("--") and len(word) > 2:
            yield word[2:]


def _relative(call: Call, path: str) -> str:
    """*path* from the folder that *call* runs in."""
    if path.startswith("/") and call.directory is not None:
        return posixpath.relpath(path, call.directory)
    return path


def _requirements(text: str) -> Iterator[str]:
    """The lines of a requirements file, joined where they continue, without comments."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.sub(r"(?:\A|\s)#.*", "", line).strip()
        if line:
            yield line


def _refuse_local(folder: Folder, name: str, line: str) -> None:
    """Raises `Unclear` if a requirement is a file or folder beside it."""
    word = line.split(";")[0].split(" --")[0].strip()
    is_option = re.match(r"(?:-e|--editable|-f|--find-links|--no-index)\b", line)
    is_path = re.match(r"[./~]|[\w.-]+\s*@\s*[./]", word) or "file:" in word
    is_archive = "://" not in word and re.search(r"\.(?:whl|zip|tar\.gz)\Z", word)
    is_there = not line.startswith("-") and (folder.has(word) or folder.has_folder(word))
    if is_option or is_path or is_archive or is_there:
        raise Unclear(f"`{name}` has `{line[:60]}`")


def uv_sync(folder: Folder, call: Call) -> Needs:
    """What `uv sync` reads, where it does not install the project itself."""
    project = _pyproject(folder)
    tool = within(project, "tool", "uv")
    folder.need("uv.lock")
    if "workspace" in tool or re.search(r"'(?:workspace|path)':", str(tool.get("sources") or "")):
        raise Unclear("`pyproject.toml` takes packages from the project itself")
    leaves_out = call.has("--no-install-project", "--no-install-workspace", "--only-group")
    is_package = tool.get("package", "build-system" in project)
    if is_package and not leaves_out:
        raise Unclear(f"{_ITSELF}: `--no-install-project` leaves it out")
    if is_package and within(project, "project").get("dynamic"):
        raise Unclear("`pyproject.toml` has fields that its build works out")
    frozen = call.has("--frozen", "--locked")
    return Needs(
        ("pyproject.toml", "uv.lock", *folder.files("uv.toml", ".python-version")),
        writes=(".venv",),
        holds=() if frozen else ("`uv sync` leaves `uv.lock` as it is",),
        promise=_promise_of_uv(call),
    )


def _promise_of_uv(call: Call) -> Guarantee:
    """Folders of its cache have names by chance."""
    return Guarantee.SAME_IMAGE if call.has("--no-cache", "-n") else Guarantee.SAME_BUT_CACHES


def poetry(folder: Folder, call: Call) -> Needs:
    """What `poetry install` reads, where it does not install the project itself."""
    project = _pyproject(folder)
    tool = within(project, "tool", "poetry")
    folder.need("poetry.lock")
    if not call.has("--no-root") and tool.get("package-mode") is not False:
        raise Unclear(f"{_ITSELF}: `--no-root` leaves it out")
    folder.refuse(
        "poetry.lock", r"(?m)^type = \"(?:directory|file)\"", "takes packages from the project"
    )
    files = ("pyproject.toml", "poetry.lock", *folder.files("poetry.toml"))
    return Needs(files, writes=(".venv",), promise=Guarantee.SAME_BUT_CACHES)


def pipenv(folder: Folder, call: Call) -> Needs:
    """What `pipenv install` and `pipenv sync` read."""
    folder.need("Pipfile.lock")
    folder.refuse("Pipfile", r"(?m)\bpath\s*=|editable|file\s*=", "takes packages from the project")
    if not (call.starts("pipenv", "sync") or call.has("--deploy", "--ignore-pipfile")):
        raise Unclear("it may write `Pipfile.lock` anew: `--deploy` forbids it")
    # It leaves files of chance names in /tmp.
    return Needs(("Pipfile", "Pipfile.lock"), writes=(".venv",), promise=Guarantee.BEHAVIOUR)


def _pyproject(folder: Folder) -> Mapping[str, Any]:
    from stagelint.syntax import toml

    try:
        return toml.loads(folder.need("pyproject.toml"))
    except (ValueError, RecursionError):
        raise Unclear("`pyproject.toml` cannot be read") from None
