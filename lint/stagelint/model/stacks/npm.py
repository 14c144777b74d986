"""What npm installs and runs in a build, by the manifest and the lock file in the build context."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator

from stagelint.model.calls import Call
from stagelint.model.manifests import Locked, PackageJson, npm_lock, package_json
from stagelint.model.moments import Moment
from stagelint.model.packages import ManagerCall, manager_calls
from stagelint.model.stacks.artifacts import calls
from stagelint.model.stacks.interpreted import Interpreted
from stagelint.model.stacks.node_packages import DEVELOPMENT_SERVERS
from stagelint.model.stacks.plans import Refused
from stagelint.syntax import shell
from stagelint.tuples import NamedTuple

_LOCKS = ("npm-shrinkwrap.json", "package-lock.json")
_INSTALLS = frozenset({"install", "i", "ci", "clean-install"})
#: What leaves a global installation, or none.
_GLOBAL = ("-g", "--global", "--location=global")
_NODE_MODULES = r"(?:\./)?node_modules/(?:\.bin/)?"
#: Where a build would write besides the folder of the project.
_WRITES_ELSEWHERE = r"(?:\s|=|\"|')(?:\.\./|/(?!/|\*)[a-z])"


class Project(NamedTuple):
    """A folder of the stage with a `package.json`, where npm installs."""

    folder: str
    package: PackageJson
    locked: list[Locked]
    install: tuple[Moment, ManagerCall]
    """The last call that installs what the manifest asks for."""

    @property
    def dev(self) -> frozenset[str]:
        """The packages that the manifest asks for to develop alone."""
        return frozenset(self.package.dev_dependencies.keys() - self.package.dependencies.keys())


def runs_build(call: Call) -> bool:
    """Is it npm, or a program that runs what it has installed?"""
    return call.name in ("npm", "npx", "node", "yarn", "pnpm", "tsc", "corepack") or bool(
        re.match(_NODE_MODULES, call.path)
    )


def is_global(call: Call) -> bool:
    """Does a call of npm install for all projects?"""
    return call.name == "npm" and call.has(*_GLOBAL)


def project(division: Interpreted) -> Project:
    """The only one of the stage. Raises `Refused` if there is another, or too little is known of it."""
    found: list[tuple[Moment, ManagerCall]] = []
    for moment, call in calls(division.above):
        other = call.name if call.name in ("yarn", "pnpm", "corepack") else ""
        if other:
            reason = f"of `{other}` it is not known which packages compile"
            raise Refused(reason, moment.instruction)
        told = next(manager_calls((call,)), None)
        if told is None or told.verb not in _INSTALLS or is_global(call):
            continue
        if len(call.words) > 1 or not call.is_known or call.option("--prefix", "-C") is not None:
            raise Refused("it is not known what this installs", moment.instruction)
        found.append((moment, told))
    folders = {told.call.directory for _, told in found}
    folder = folders.pop() if len(folders) == 1 else None
    if not found or folder is None:
        raise Refused("it is not known where npm installs packages")
    moment = found[-1][0]
    entry = division.entry(posixpath.join(folder, "package.json"))
    context = division.sources.context
    package = (
        package_json(context, posixpath.dirname(entry.path) or ".") if entry and context else None
    )
    if package is None or context is None or package.has_workspaces:
        raise Refused("`package.json` is not known, or has workspaces", moment.instruction)
    lock = next(
        filter(None, (division.entry(posixpath.join(folder, each)) for each in _LOCKS)), None
    )
    locked = npm_lock(context, lock.path) if lock else None
    if locked is None:
        reason = "without a lock file of npm 7 or later it is not known which packages compile"
        raise Refused(reason, moment.instruction)
    return Project(folder, package, locked, found[-1])


def check_build(division: Interpreted, found: Project) -> None:
    """Does the build write to the folder of the project alone? Raises `Refused`."""
    for moment, call in calls(division.above):
        if not runs_build(call):
            continue
        if call.directory != found.folder:
            raise Refused("the build runs in another folder", moment.instruction)
        if is_global(call) or (call.name == "npm" and not script_of(call)):
            continue
        words = " ".join(word or "" for word in call.arguments)
        for text in (f" {words}", *scripts(found.package, script_of(call))):
            elsewhere = re.search(_WRITES_ELSEWHERE, text)
            if elsewhere:
                shown = " ".join(text.split())[:60]
                raise Refused(f"the build may write elsewhere: `{shown}`", moment.instruction)


def script_of(call: Call) -> str:
    """The script of `package.json` that a call of npm runs; empty if it runs none."""
    words = call.words if call.name == "npm" else ()
    if words[:1] in (("run",), ("run-script",)):
        return words[1] if len(words) > 1 else ""
    return words[0] if words and words[0] in ("start", "test", "stop", "restart") else ""


def scripts(package: PackageJson, name: str) -> Iterator[str]:
    """The texts of the script *name*, of those around it, and of those that they start."""
    pending, seen = [name], set[str]()
    while pending:
        name = pending.pop()
        for each in (f"pre{name}", name, f"post{name}"):
            if each in package.scripts and each not in seen:
                seen.add(each)
                yield package.scripts[each]
                pending += re.findall(
                    r"\b(?:npm|yarn|pnpm) (?:run )?([\w:.-]+)", package.scripts[each]
                )


# -- what is started -------------------------------------------------------------------------------


class Programs:
    """The programs that a container starts, scripts of the manifest followed."""

    def __init__(self, found: Project, lacks: Collection[str]) -> None:
        self._found, self._lacks = found, lacks
        self.needs_dev = False
        """Does one come with a package to develop with?"""

    def follow(self, call: Call, moment: Moment) -> None:
        """Raises `Refused` if what *call* starts is not known, or is for developers."""
        words = [each or "" for each in call.arguments]
        self._program(call.name, words, moment, depth=0)

    def _program(self, name: str, words: list[str], moment: Moment, depth: int) -> None:
        node = moment.instruction
        if name in ("npm", "yarn", "pnpm") and depth < _DEPTH:
            plain = [each for each in words if not each.startswith("-")]
            plain = plain[1:] if plain[:1] in (["run"], ["run-script"]) else plain
            for text in self._scripts(plain[0] if plain else ""):
                self._script(text, moment, depth)
            return
        if name == "npx" and words:
            name, words = words[0], words[1:]
        is_dev_server = name in DEVELOPMENT_SERVERS or (name in ("next", "nuxt") and "dev" in words)
        if is_dev_server:
            raise Refused(f"`{name}` serves those who develop", node)
        if name in self._lacks:
            raise Refused(f"it starts `{name}`, which comes with the compilers", node)
        if name == "node":
            modules = (re.split(r"[/=]", each)[0] for each in words)
            self.needs_dev = self.needs_dev or not self._found.dev.isdisjoint(modules)
        elif name not in _PLAIN:
            self._installed(name, moment)

    def _installed(self, name: str, moment: Moment) -> None:
        name = re.sub(_NODE_MODULES, "", name)
        owners = [each for each in self._found.locked if name in each.programs]
        if not owners:
            raise Refused(f"it is not known what `{name}` needs", moment.instruction)
        self.needs_dev = self.needs_dev or all(each.is_dev for each in owners)

    def _scripts(self, name: str) -> Iterator[str]:
        """Those that npm runs for the word *name*."""
        scripts = self._found.package.scripts
        for each in (f"pre{name}", name, f"post{name}"):
            if each in scripts:
                yield scripts[each]
        if name == "start" and name not in scripts:
            yield "node server.js"  # docs.npmjs.com, `npm start`
        elif name not in scripts:
            yield name or "?"

    def _script(self, text: str, moment: Moment, depth: int) -> None:
        for command in shell.commands(text):
            words = [each.literal or "" for each in command.words]
            if words:
                self._program(words[0], words[1:], moment, depth + 1)


#: Scripts that start scripts are followed so far.
_DEPTH = 5
#: Programs of every system, which start nothing else.
_PLAIN = frozenset("echo sleep exec true cd export test [ set env wait exit".split())
