"""What may read variables from its environment, though no script names them.

Sources: the manuals of the programs. Package managers read variables of their own alone (`NPM_...`,
`PIP_...`); what a project has them run, such as npm's `postinstall`, may read any.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from stagelint.model.arrivals import origin
from stagelint.model.calls import SHELLS, Call
from stagelint.model.doubts import PLAIN
from stagelint.model.file import File
from stagelint.model.manifests import package_json
from stagelint.model.moments import Moment
from stagelint.model.packages import SYSTEM, ManagerCall, Packages, manager_calls, packages

#: They start what they are told, or show variables.
_STARTERS = frozenset("eval export set source su xargs".split())
#: They read none, or only variables of their own, and run nothing of the user's.
_BLIND = (PLAIN - _STARTERS) | frozenset(
    """
    : add-apt-repository apt-mark bunzip2 bzip2 cmp curl diff false gpg hash jq md5sum mknod rpm sha1sum sha512sum
    shasum sync unlink unxz unzip wget xz yum-config-manager zip
    """.split()
)
_GIT = frozenset("checkout clone config fetch init lfs pull reset submodule".split())
_GO = frozenset(
    {"build", "env", "get", "install", "version", "mod download", "mod tidy", "mod verify"}
)

#: Options by which a manager runs nothing that a project says.
_WITHOUT_SCRIPTS = {
    **dict.fromkeys(("npm", "pnpm", "yarn", "bun"), ("--ignore-scripts", "-g", "--global")),
    "composer": ("--no-scripts",),
    "poetry": ("--no-root",),
    "uv": ("--no-install-project", "--no-install-workspace"),
}


def reader(file: File, moments: Sequence[Moment], at: int) -> str:
    """What the RUN `moments[at]` starts that may read any variable; empty if nothing does."""
    run = moments[at]
    if not run.is_posix or (not run.calls and run.instruction.script.strip()):
        return "what a RUN starts"
    for call in run.calls:
        if not _is_blind(file, moments[:at], call):
            return f"`{' '.join((call.path or call.name, *call.words[:1])).strip()}`"
    return ""


def _is_blind(file: File, before: Sequence[Moment], call: Call) -> bool:
    if "/" in call.path and not re.match(r"/(?:usr/(?:local/)?)?s?bin/", call.path):
        return False
    if call.name in ("set", "export"):
        return bool(call.arguments) and not call.has("-p")
    if call.name in SHELLS:
        return _is_read(call)
    if call.name == "find":
        return not any((word or "-exec").startswith(("-exec", "-ok")) for word in call.arguments)
    if call.name == "git":
        return call.words[:1] != () and call.words[0] in _GIT
    if call.name == "go":
        return not _GO.isdisjoint((call.words[:1] and call.words[0], " ".join(call.words[:2])))
    told = next(manager_calls((call,)), None)
    installed = next(packages((call,)), None)
    if told is None:
        return call.name in _BLIND or installed is not None
    return _runs_nothing(file, before, told, installed)


def _is_read(call: Call) -> bool:
    """Is it a shell with a script that is known, whose programs are calls of their own?"""
    has_script = any(re.fullmatch(r"-[a-z]*c", word or "") for word in call.arguments)
    return has_script and call.is_known


def _runs_nothing(
    file: File, before: Sequence[Moment], told: ManagerCall, installed: Packages | None
) -> bool:
    """Does a package manager run nothing that the project brings?"""
    if installed is None:
        return told.verb in ("update", "upgrade", "clean", "config", "cache", "makecache", "")
    if installed.manager in SYSTEM or installed.is_removal:
        return True
    if told.call.has(*_WITHOUT_SCRIPTS.get(told.program, ())):
        return True
    if installed.manager == "npm":
        return _has_no_scripts(file, before, told.call)
    if told.program in ("pip", "uv pip"):
        return not installed.sources and (
            not installed.lists or _lists_names(file, before, told.call)
        )
    return told.program in ("gem", "pipx")


def _has_no_scripts(file: File, before: Sequence[Moment], call: Call) -> bool:
    path = posixpath.join(call.directory or "", "package.json")
    found = origin(file.context, before, path) if file.context and call.directory else None
    package = (
        package_json(file.context, posixpath.dirname(found)) if found and file.context else None
    )
    return package is not None and not package.install_scripts and not package.has_workspaces


def _lists_names(file: File, before: Sequence[Moment], call: Call) -> bool:
    """Are the files that it is given lists of packages, none of which is a folder or a source?"""
    for option, word in zip(call.arguments, call.arguments[1:], strict=False):
        if option in ("-r", "--requirement", "-c", "--constraint"):
            path = posixpath.join(call.directory or "", word or "")
            found = origin(file.context, before, path) if file.context and call.directory else None
            text = file.context.text(found) if found and file.context else None
            if text is None or re.search(
                r"(?m)^\s*(?:-[re]|--(?:req|edit)|\.|/|file:)|@\s*(?:\.|file:)", text
            ):
                return False
    return not any(
        (word or "").startswith(("--requirement=", "--constraint=")) for word in call.arguments
    )
