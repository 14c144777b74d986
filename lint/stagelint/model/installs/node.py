"""What npm, Yarn and pnpm read when they install.

Sources: docs.npmjs.com (npm-ci, scripts, package.json), classic.yarnpkg.com, yarnpkg.com, pnpm.io.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from stagelint.edit import Guarantee
from stagelint.model.calls import Call
from stagelint.model.installs.needs import Folder, Needs, Unclear, objects
from stagelint.model.manifests import INSTALL_SCRIPTS, strings
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

#: Of a range: it names a folder or an archive beside the manifest, or a package of a workspace.
_LOCAL = r"(?:file|link|portal|workspace|exec):|\.{0,2}/|~/|\.{1,2}\Z"
_DEPENDENCIES = (
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
)
#: Packages whose own install scripts look into the project that installs them.
_CURIOUS = frozenset(
    """
    @prisma/client @sveltejs/kit @nrwl/workspace ghooks husky lefthook msw nx pre-commit prisma
    puppeteer simple-git-hooks yorkie zenstack
    """.split()
)
_NO_SCRIPTS = ("--ignore-scripts", "--ignore-scripts=true", "--mode=skip-build")
_QUIET = "no install script of a dependency reads the project"
#: So many packages are named.
_MOST_NAMES = 3


def npm(folder: Folder, call: Call) -> Needs:
    """What `npm ci` and `npm install` read."""
    package = _package(folder, call)
    lock = next(iter(folder.files("npm-shrinkwrap.json", "package-lock.json")), "")
    if not lock:
        raise Unclear("there is no lock file, so each build may install other versions")
    found = folder.json(lock)
    packages = objects(found, "packages")
    if any(each.get("link") for each in packages.values()):
        raise Unclear(f"`{lock}` links to a folder of the project")
    names = [name.rpartition("node_modules/")[2] for name in packages]
    scripted = [
        name.rpartition("node_modules/")[2]
        for name, each in packages.items()
        if each.get("hasInstallScript") and name
    ]
    if not packages:
        names = list(_nested(found))
    if not call.has(*_NO_SCRIPTS):
        _refuse_curious(scripted if packages else names)
    holds = [] if call.has(*_NO_SCRIPTS) else [_said(scripted) if packages else _QUIET]
    if not call.starts("npm", "ci") and not call.starts("npm", "clean-install"):
        _refuse_stale(package, packages.get("", {}), lock)
        holds.append(
            f"`npm install` leaves `{lock}` as it is, which has all that `package.json` lists"
        )
    return Needs(
        ("package.json", *folder.files("package-lock.json", "npm-shrinkwrap.json", ".npmrc")),
        writes=("node_modules",),
        holds=tuple(filter(None, holds)),
        promise=Guarantee.SAME_BUT_CACHES,  # logs are called after the time
    )


def yarn(folder: Folder, call: Call) -> Needs:
    """What `yarn` and `yarn install` read, of Yarn 1 and of later ones."""
    package = _package(folder, call)
    lock = folder.need("yarn.lock")
    if not call.has(*_NO_SCRIPTS):
        _refuse_curious(_in_text(lock))
    is_classic = "# yarn lockfile v1" in lock[:400]
    if is_classic:
        _refuse_unlocked(package, lock)
    settings = ".yarnrc" if is_classic else ".yarnrc.yml"
    tools = re.search(r"(?m)^yarn-?[pP]ath|^plugins:|path: \.yarn/", folder.text(settings))
    if tools and not folder.has_folder(".yarn"):
        raise Unclear(f"`{settings}` names what is not in the build context")
    made = ("node_modules",) if is_classic else _OF_BERRY
    holds = [] if call.has(*_NO_SCRIPTS) else [_QUIET]
    if not call.has("--frozen-lockfile", "--immutable"):
        holds.append("`yarn install` leaves `yarn.lock` as it is")
    return Needs(
        ("package.json", "yarn.lock", *folder.files(".npmrc", ".yarnrc", ".yarnrc.yml")),
        (".yarn",) if folder.has_folder(".yarn") else (),
        made,
        tuple(holds),
    )


#: What Yarn makes from version 2 on, besides caches.
_OF_BERRY = (
    "node_modules",
    ".pnp.cjs",
    ".pnp.loader.mjs",
    ".yarn/install-state.gz",
    ".yarn/unplugged",
    ".yarn/build-state.yml",
)


def pnpm(folder: Folder, call: Call) -> Needs:
    """What `pnpm install` reads."""
    _package(folder, call)
    lock = folder.need("pnpm-lock.yaml")
    folder.refuse("pnpm-workspace.yaml", r"(?m)^packages:", "makes it a workspace")
    for name in ("pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json"):
        folder.refuse(name, "patchedDependencies", "patches dependencies")
    if not call.has(*_NO_SCRIPTS):
        _refuse_curious(_in_text(lock))
    holds = [] if call.has(*_NO_SCRIPTS) else [_QUIET]
    if not call.has("--frozen-lockfile"):
        holds.append("`pnpm install` leaves `pnpm-lock.yaml` as it is")
    others = (".npmrc", ".pnpmfile.cjs", "pnpm-workspace.yaml")
    return Needs(
        ("package.json", "pnpm-lock.yaml", *folder.files(*others)),
        writes=("node_modules",),
        holds=tuple(holds),
    )


def _package(folder: Folder, call: Call) -> Mapping[str, Any]:
    """The `package.json`, if nothing in it needs more of the project."""
    package = folder.json("package.json")
    if package.get("workspaces"):
        raise Unclear("`package.json` has workspaces")
    for kind in _DEPENDENCIES:
        for name, wanted in strings(package.get(kind)).items():
            if re.match(_LOCAL, wanted):
                raise Unclear(f"`package.json` takes `{name}` from the project itself")
    for kind in ("overrides", "resolutions", "pnpm"):
        if re.search(rf"['\"](?:{_LOCAL})", str(package.get(kind) or "")):
            raise Unclear(f"`package.json` has {kind} from the project itself")
    scripts = strings(package.get("scripts"))
    names = (*INSTALL_SCRIPTS, "prepublish")
    script = next((name for name in names if name in scripts), "")
    if script and not call.has(*_NO_SCRIPTS):
        raise Unclear(f"the install runs the script `{script}` of `package.json`")
    if folder.has("binding.gyp"):
        raise Unclear("the install compiles what `binding.gyp` lists")
    return package


def _nested(lock: Mapping[str, Any]) -> Iterator[str]:
    """The packages that a lock file of npm 6 and before lists."""
    pending = [lock]
    while pending:
        inner = objects(pending.pop(), "dependencies")
        yield from inner
        pending += inner.values()


def _in_text(lock: str) -> list[str]:
    """Those of the curious packages that the text of a lock file names."""
    found = (name for name in _CURIOUS if re.search(rf"[\s\"'/]{re.escape(name)}[@/:]", lock))
    return sorted(found)


def _refuse_curious(names: list[str]) -> None:
    curious = sorted(_CURIOUS.intersection(names))
    if curious:
        raise Unclear(f"the install script of `{curious[0]}` looks into the project")


def _said(scripted: list[str]) -> str:
    if not scripted:
        return ""
    named = [f"`{each}`" for each in sorted(set(scripted))]
    if len(named) > _MOST_NAMES + 1:
        named[_MOST_NAMES:] = [f"{len(named) - _MOST_NAMES} more"]
    return f"the install scripts of {', '.join(named)} read nothing of the project"


def _refuse_stale(package: Mapping[str, Any], root: Mapping[str, Any], lock: str) -> None:
    """`npm install` writes a lock file anew that has not what `package.json` lists."""
    if any(strings(package.get(kind)) != strings(root.get(kind)) for kind in _DEPENDENCIES):
        raise Unclear(f"`npm install` may write `{lock}` anew, which `npm ci` does not")


def _refuse_unlocked(package: Mapping[str, Any], lock: str) -> None:
    for kind in _DEPENDENCIES[:3]:
        for name, wanted in strings(package.get(kind)).items():
            if f"{name}@{wanted}" not in lock:
                raise Unclear(f"`yarn.lock` lacks `{name}`, so it would be written anew")
