"""Commands that install the dependencies of a project, and what of the build context they read."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.model.calls import Call
from stagelint.model.installs import node, others, python
from stagelint.model.installs.needs import Folder, Install, Needs, Unclear
from stagelint.model.packages import manager_calls, packages

__all__ = ["Folder", "Install", "Needs", "Unclear", "install_of"]

_OF_MANAGERS = {
    **{("npm", verb): node.npm for verb in ("ci", "install", "i", "clean-install")},
    ("yarn", ""): node.yarn,
    ("yarn", "install"): node.yarn,
    ("pnpm", "install"): node.pnpm,
    ("pnpm", "i"): node.pnpm,
    ("uv", "sync"): python.uv_sync,
    ("poetry", "install"): python.poetry,
    ("pipenv", "install"): python.pipenv,
    ("pipenv", "sync"): python.pipenv,
    ("bundle", "install"): others.bundle,
    ("composer", "install"): others.composer,
}
#: Programs that are no package managers, and what they are told.
_OF_OTHERS = {
    ("go", "mod", "download"): others.go,
    ("mvn", "dependency:go-offline"): others.maven,
    ("mvn", "dependency:resolve"): others.maven,
    ("mvnw", "dependency:go-offline"): others.maven,
    ("mvnw", "dependency:resolve"): others.maven,
    ("cargo", "fetch"): others.cargo,
    ("dotnet", "restore"): others.dotnet,
}
#: They install elsewhere, or for another project than the one in the folder they run in.
_ELSEWHERE = (
    *("-g", "--global", "--prefix", "-C", "--dir", "--cwd", "-w", "--workspace", "--workspaces"),
    *("--directory", "--project", "-d", "--working-dir", "--gemfile", "--location"),
)


def install_of(call: Call) -> Install | None:
    """What *call* installs that the manifests of the project list; None if it does another thing."""
    if call.is_nested or not call.name:
        return None
    for words, needs in _OF_OTHERS.items():
        if call.starts(*words):
            return Install(" ".join(words), words[0].removesuffix("w"), needs)
    return next(_of_manager(call), None)


def _of_manager(call: Call) -> Iterator[Install]:
    for told in manager_calls((call,)):
        title = f"{told.program} {told.verb}".rstrip()
        found = next(packages((call,)), None)
        if told.program in ("pip", "uv pip"):
            if told.verb == "install" and found and found.lists and not found.sources:
                yield Install(title, "pip", python.pip)
            continue
        if any(each.partition("=")[0] in _ELSEWHERE for each in call.arguments if each):
            return
        needs = _OF_MANAGERS.get((told.program, told.verb))
        if needs and not (found and (found.names or found.sources)):
            yield Install(title, told.program, needs)
