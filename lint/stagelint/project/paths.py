"""Where a build's Dockerfile lies: paths as files of a repository write them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from stagelint.model.project import UNKNOWN, Value
from stagelint.project.text import Text
from stagelint.tuples import NamedTuple

#: Begin a path in a script: the folder the script lies in, and the root of the repository.
HERE, TOP = "\1", "\2"

#: Where bake is run, not where a remote bake file comes from.
_HERE = "cwd://"

#: Build contexts that are not folders of the repository.
_ELSEWHERE = re.compile(r"(?:[a-z][a-z0-9+.-]*://|git@|github\.com/|target:|service:)|\.git(?:#|$)")


class Base(NamedTuple):
    """What relative paths are relative to, all in the repository and with `/`; "" is its root."""

    folders: tuple[str, ...]
    """The likeliest first."""
    is_certain: bool = True
    """Is it the first for sure?"""
    here: str = ""
    """The folder of the file that asks."""

    def within(self, folder: str) -> Base:
        """The same after `cd FOLDER`."""
        found = [_joined(base, folder, self.here) for base in self.folders]
        kept = tuple(dict.fromkeys(each for each in found if each is not None))
        is_certain = self.is_certain or HERE in folder or TOP in folder
        return Base(kept or (UNKNOWN,), is_certain and bool(kept), self.here)


def of_file(path: str, *, is_certain: bool = False) -> Base:
    """For a file that is run in its own folder, or in the root."""
    folder = posixpath.dirname(path)
    return Base(tuple(dict.fromkeys((folder, ""))), is_certain or not folder, folder)


def at_root(path: str) -> Base:
    """For a file that is run in the root of the repository, or perhaps beside itself."""
    folder = posixpath.dirname(path)
    return Base(tuple(dict.fromkeys(("", folder))), not folder, folder)


def is_elsewhere(context: str) -> bool:
    """Is the build context a repository or an archive to be fetched?"""
    return bool(_ELSEWHERE.search(context))


def dockerfiles(
    base: Base,
    context: Text | None,
    dockerfile: Text | None,
    whole: Text,
    *,
    in_context: bool,
) -> tuple[Value, ...]:
    """The places where the Dockerfile of a build may lie, the likeliest first.

    *dockerfile* is relative to the *context*, or to where the builder runs, as *in_context* says;
    without one it is the context's `Dockerfile`. *whole* is the build, if nothing names a place.
    """
    folder = context.text.removeprefix(_HERE) if context else ""
    name = dockerfile.text if dockerfile else "Dockerfile"
    if name.startswith(_HERE):
        name, in_context = name.removeprefix(_HERE), False
    elif is_elsewhere(folder):
        return ()
    if in_context or not dockerfile:
        name = name if name[:1] in ("/", HERE, TOP) else f"{folder or '.'}/{name}"
    like = (dockerfile or context or whole).value
    is_default = any(each.value.is_default for each in (context, dockerfile) if each)
    found = _all(_joined(folder, name, base.here) for folder in base.folders)
    return tuple(like._replace(text=path, is_default=is_default) for path in found)


def _all(paths: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(path for path in paths if path is not None))


def _joined(base: str, path: str, here: str) -> str | None:
    """*path* as seen from *base*; None if it leads out of the repository."""
    path = path.replace("\\", "/")
    for mark, folder in ((HERE, here), (TOP, "")):
        at = path.rfind(mark)
        if at >= 0:
            base, path = folder, path[at + 1 :].lstrip("/") or "."
    if path.startswith("/"):
        return None
    return normal(f"{base}/{path}" if base else path)


def normal(path: str) -> str | None:
    """Without `.` and `..`, the root as an empty text; None if it leads out of the root.

    What is unknown may be several folders or none.
    """
    found: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part != "..":
            found.append(part)
        elif found and UNKNOWN in found[-1]:
            found[-1] = UNKNOWN
        elif found:
            found.pop()
        else:
            return None
    return "/".join(found).replace(f"{UNKNOWN}/", UNKNOWN)
