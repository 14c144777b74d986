"""What an install of dependencies reads of a project, and where that is looked up."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

from stagelint.edit import Guarantee
from stagelint.model import manifests
from stagelint.model.calls import Call
from stagelint.model.context import Context
from stagelint.tuples import NamedTuple
from stagelint.typed import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing import Any


class Unclear(Exception):
    """What an install reads is not known; the message says why, for a sentence."""


class Needs(NamedTuple):
    """What an install reads in the folder of a project, and writes there; names from that folder."""

    files: tuple[str, ...]
    folders: tuple[str, ...] = ()
    """Of which it reads all."""
    writes: tuple[str, ...] = ()
    """Files and folders that it makes."""
    holds: tuple[str, ...] = ()
    """What is taken for granted."""
    promise: Guarantee = Guarantee.SAME_IMAGE
    """What two builds have in common in which it reads the same."""


class Install(NamedTuple):
    """A command that installs what the manifests of a project list."""

    title: str
    """How it is called: `npm ci`."""
    manager: str
    """Of several commands of one manager, the first has installed already."""
    needs: Callable[[Folder, Call], Needs]
    """Raises `Unclear`."""


class Folder:
    """A folder of the build context with the manifests of a project."""

    def __init__(self, context: Context, path: str) -> None:
        self._context = context
        self._path = path

    def has(self, name: str) -> bool:
        """Is there such a file? Raises `Unclear` for a link, of which it is not known where it leads."""
        found = self._context.find(self._at(name))
        if found is not None and found.is_link:
            raise Unclear(f"`{name}` is a link")
        return found is not None and not found.is_folder

    def has_folder(self, name: str) -> bool:
        """Is there such a folder?"""
        found = self._context.find(self._at(name))
        return found is not None and found.is_folder

    def files(self, *names: str) -> tuple[str, ...]:
        """Those of *names* that are there."""
        return tuple(name for name in names if self.has(name))

    def matching(self, pattern: str) -> tuple[str, ...]:
        """The names of the files that *pattern* matches."""
        found = self._context.match(self._at(pattern))
        return tuple(posixpath.basename(each.path) for each in found if not each.is_folder)

    def need(self, name: str) -> str:
        """The text of a file. Raises `Unclear` if there is none."""
        text = self._context.text(self._at(name)) if self.has(name) else None
        if text is None:
            raise Unclear(f"there is no `{name}` to be read")
        return text

    def text(self, name: str) -> str:
        """The text of a file, empty if there is none. Raises `Unclear` if it cannot be read."""
        return self.need(name) if self.has(name) else ""

    def json(self, name: str) -> Mapping[str, Any]:
        """The object in a JSON file. Raises `Unclear` if there is none."""
        self.need(name)
        found = manifests.table(self._context, self._at(name))
        if found is None:
            raise Unclear(f"`{name}` cannot be read")
        return found

    def refuse(self, name: str, pattern: str, because: str) -> None:
        """Raises `Unclear` if the text of a file has *pattern*."""
        found = re.search(pattern, self.text(name))
        if found:
            raise Unclear(f"`{name}` {because}")

    def _at(self, name: str) -> str:
        return posixpath.normpath(posixpath.join(self._path, name))


def within(found: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The object in objects that *keys* lead to; an empty one if there is none."""
    for key in keys:
        inner: object = found.get(key)
        found = cast("Mapping[str, Any]", inner) if isinstance(inner, dict) else {}
    return found


def objects(found: Mapping[str, Any], key: str) -> dict[str, Mapping[str, Any]]:
    """Those of the values under *key* that are objects, by name."""
    inner = within(found, key)
    return {name: within(inner, name) for name in inner if isinstance(inner[name], dict)}
