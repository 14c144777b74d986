"""Folders that lie about where people work, and that a build makes anew or never reads.

Sources: the manuals of the programs that make them, and the collection github/gitignore.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from stagelint.model.context import Context
from stagelint.tuples import NamedTuple


class Kind(NamedTuple):
    """Folders of one name, and how they are told from others that are called so."""

    names: tuple[str, ...]
    beside: tuple[str, ...] = ()
    """Patterns of files, one of which lies beside it."""
    inside: str = ""
    """A file that lies in it."""
    makers: tuple[str, ...] = ()
    """Programs that make it anew, and the first words they are told: `npm ci`; a build that runs
    none of them may need it as it is."""
    is_ignored: bool = False
    """Is it told from others by git, which is to ignore it?"""

    @property
    def is_of_git(self) -> bool:
        return ".git" in self.names


_PACKAGE = ("package.json",)
_SCRIPTS = tuple(
    f"{program} {verb}" for program in ("npm", "pnpm", "bun") for verb in ("run", "build")
)
_INSTALLS = (
    *(f"npm {verb}" for verb in ("ci", "install", "i", "clean-install")),
    *(f"{program} {verb}" for program in ("pnpm", "bun") for verb in ("install", "i")),
    "yarn",
)

KINDS = (
    Kind((".git",)),
    Kind(("node_modules",), _PACKAGE, makers=_INSTALLS),
    Kind(
        ("dist", "build", "out", ".next", ".nuxt", ".output", ".svelte-kit"),
        _PACKAGE,
        makers=(*_SCRIPTS, "yarn"),
        is_ignored=True,
    ),
    Kind(
        (".angular", ".nyc_output", ".parcel-cache", ".turbo", "coverage"),
        _PACKAGE,
        is_ignored=True,
    ),
    Kind(
        tuple(
            "__pycache__ .hypothesis .ipynb_checkpoints .mypy_cache .nox .pytest_cache .ruff_cache .tox".split()
        )
    ),
    Kind(
        (".venv", "venv", "env"),
        inside="pyvenv.cfg",
        makers=("uv sync", "uv venv", "python -m", "python3 -m", "virtualenv", "poetry install"),
    ),
    Kind(("target",), ("Cargo.toml",), makers=("cargo",), is_ignored=True),
    Kind(("target",), ("pom.xml",), makers=("mvn", "mvnw"), is_ignored=True),
    Kind(
        ("build", ".gradle"),
        ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"),
        makers=("gradle", "gradlew"),
        is_ignored=True,
    ),
    Kind(
        ("bin", "obj"),
        ("*.csproj", "*.fsproj", "*.vbproj"),
        makers=("dotnet build", "dotnet publish", "dotnet restore"),
        is_ignored=True,
    ),
    Kind((".terraform",), ("*.tf",)),
    Kind((".idea", ".vs")),
)


class Leftover(NamedTuple):
    """A folder of a build context."""

    kind: Kind
    path: str
    size: int
    """Bytes of all that is in it."""

    @property
    def name(self) -> str:
        return posixpath.basename(self.path)

    @property
    def folder(self) -> str:
        """That it lies in."""
        return posixpath.dirname(self.path) or "."


def leftovers(context: Context) -> Iterator[Leftover]:
    """Those in *context*, by path; none within another, and none that a pattern would have to escape."""
    by_name = {name: [each for each in KINDS if name in each.names] for name in _NAMES}
    files: dict[str, list[str]] = {}
    for entry in context.entries:
        if not entry.is_folder:
            folder, name = posixpath.split(entry.path)
            files.setdefault(folder, []).append(name)
    found: set[str] = set()
    for entry in context.entries:
        folder, name = posixpath.split(entry.path)
        if not entry.is_folder or name not in _NAMES or not found.isdisjoint(ups(entry.path)):
            continue
        for kind in by_name[name]:
            if _is_of(context, entry.path, files.get(folder, ()), kind):
                found.add(entry.path)
                if not re.search(_ESCAPED, entry.path):
                    size = sum(each.size for each in context.below(entry.path))
                    yield Leftover(kind, entry.path, size)
                break


_NAMES = frozenset(name for kind in KINDS for name in kind.names)
#: What means something else in a `.dockerignore`.
_ESCAPED = r"[*?\[\\\s]|\A[#!]"


def _is_of(context: Context, path: str, beside: Sequence[str], kind: Kind) -> bool:
    names = (name for name in beside for pattern in kind.beside if fnmatchcase(name, pattern))
    if kind.beside and next(names, None) is None:
        return False
    if kind.inside and not context.find(posixpath.join(path, kind.inside)):
        return False
    return not kind.is_ignored or _is_git_ignored(context, path)


def _is_git_ignored(context: Context, path: str) -> bool:
    """Does a `.gitignore` say so in plain words? Its patterns are not followed."""
    for folder in (*ups(path), ""):
        text = context.text(posixpath.join(folder, ".gitignore"))
        words = {posixpath.basename(path), posixpath.relpath(path, folder or ".")}
        if text and not words.isdisjoint(_plain(text)):
            return True
    return False


def _plain(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield re.sub(r"\A(?:\*\*)?/|/\*{0,2}\Z", "", line.strip())


def ups(path: str) -> Iterator[str]:
    """The folders that *path* lies in, the nearest first."""
    while path := posixpath.dirname(path):
        yield path


def patterns(context: Context, found: Sequence[Leftover], known: Sequence[Leftover]) -> list[str]:
    """What leaves *found* out, which have one name: lines for a `.dockerignore`.

    *known* are all leftovers of the context, of which those that nobody has to make may be left out
    with them.
    """
    name = found[0].name
    paths = [each.path for each in found]
    if paths == [name]:
        return [name]
    may_go = {*paths, *(each.path for each in known if each.name == name and not each.kind.makers)}
    others = (
        each.path
        for each in context.entries
        if each.is_folder
        and posixpath.basename(each.path) == name
        and may_go.isdisjoint((each.path, *ups(each.path)))
    )
    return paths if next(others, None) else [f"**/{name}"]
