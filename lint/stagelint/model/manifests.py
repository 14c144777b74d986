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
