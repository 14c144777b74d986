"""What the manifests of package managers in a build context say: npm's `package.json`, Composer's ...

They are text from strangers: what is not as documented counts as not there.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from stagelint.model.context import Context
from stagelint.tuples import NamedTuple
from stagelint.typed import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing import Any

#: What npm runs when it installs (docs.npmjs.com, `scripts`, "Life Cycle Operation Order").
INSTALL_SCRIPTS = ("preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare")


class PackageJson(NamedTuple):
    """A `package.json`."""

    path: str
    """Relative to the context."""
    dependencies: Mapping[str, str]
    """Names and ranges of what is needed to run, optional ones among them."""
    dev_dependencies: Mapping[str, str]
    scripts: Mapping[str, str]
    has_workspaces: bool
    main: str

    @property
    def install_scripts(self) -> dict[str, str]:
        """Those of the project itself that an install runs."""
        return {name: self.scripts[name] for name in INSTALL_SCRIPTS if name in self.scripts}


def package_json(context: Context, folder: str = ".") -> PackageJson | None:
    """The one in *folder* of the context; None if there is none that can be read."""
    path = posixpath.normpath(posixpath.join(folder, "package.json"))
    found = table(context, path)
    if found is None:
        return None
    return PackageJson(
        path,
        {**strings(found.get("dependencies")), **strings(found.get("optionalDependencies"))},
        strings(found.get("devDependencies")),
        strings(found.get("scripts")),
        bool(found.get("workspaces")),
        str(found.get("main") or ""),
    )


class Locked(NamedTuple):
    """A package in a lock file of npm."""

    name: str
    is_dev: bool
    """Is it installed to develop alone?"""
    has_install_script: bool
    """Does it run something when it is installed, which may compile?"""
    programs: frozenset[str]
    """Those that it brings, in `node_modules/.bin`."""


def npm_lock(context: Context, path: str) -> list[Locked] | None:
    """Everything that the lock file *path* has installed on Linux.

    None if it cannot be read, is older than npm 7, or links folders of the project.
    """
    found = table(context, path)
    packages: object = found.get("packages") if found else None
    if not isinstance(packages, dict):
        return None
    locked: list[Locked] = []
    for key, value in cast("Mapping[str, object]", packages).items():
        if not isinstance(value, dict):
            return None
        each = cast("Mapping[str, Any]", value)
        systems: object = each.get("os")
        if each.get("link"):
            return None
        if not key or (isinstance(systems, list) and "linux" not in systems):
            continue
        name = key.rpartition("node_modules/")[2]
        programs = frozenset(strings(each.get("bin")))
        is_dev, has_script = bool(each.get("dev")), bool(each.get("hasInstallScript"))
        locked.append(Locked(name, is_dev, has_script, programs))
    return locked


def table(context: Context, path: str) -> Mapping[str, Any] | None:
    """The object in the JSON file *path*; None if there is none that can be read."""
    import json

    text = context.text(path)
    if text is None:
        return None
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else None


def strings(value: object) -> dict[str, str]:
    """The texts in a JSON object, by name; nothing of anything else."""
    if not isinstance(value, dict):
        return {}
    found = cast("Mapping[str, object]", value)
    return {name: each for name, each in found.items() if isinstance(each, str)}
