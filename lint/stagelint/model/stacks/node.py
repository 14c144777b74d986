"""Programs in JavaScript: npm installs and builds where compilers are, and Node.js runs without them.

The folder of the project is copied as the build leaves it, so that nothing is missed that the
program reads there; without the packages to develop with, where none of them is needed.
"""

from __future__ import annotations

import re

from stagelint.model.families import SYSTEM
from stagelint.model.file import File
from stagelint.model.packages import packages
from stagelint.model.purpose import is_application
from stagelint.model.stacks import runtimes
from stagelint.model.stacks.artifacts import calls
from stagelint.model.stacks.brought import Brought, interpreter
from stagelint.model.stacks.interpreted import Interpreted
from stagelint.model.stacks.node_packages import GENERATED, OTHERS, SELF_CONTAINED
from stagelint.model.stacks.npm import (
    Programs,
    Project,
    check_build,
    project,
    runs_build,
    script_of,
)
from stagelint.model.stacks.plans import Copy, Found, Plan, Refused
from stagelint.model.stacks.recipes import Recipe
from stagelint.model.stages import Stage
from stagelint.model.toolchain import packages_to_leave

#: What only npm reads.
_VARIABLES = r"(?i)npm_config_\w+"
PROGRAMS = frozenset({"node", "npm", "npx"})
#: What compiles packages of npm, besides compilers.
BUILDS_WITH = frozenset(
    "python python2 python3 python-is-python3 python3-minimal py3-pip py3-setuptools".split()
)
_STARTS_OTHERS = r"[\"'](?:(?:node:)?child_process|execa|shelljs|zx|cross-spawn)[\"']"
_SOURCE = r".*\.(?:js|cjs|mjs|ts|cts|mts|jsx|tsx|vue|svelte)"
#: What already leaves packages to develop with out.
_OMITS = r"--omit(?:=.*)?|--production(?:=.*)?|--prod|--only(?:=.*)?"
#: A call that can be written once more.
_SIMPLE = r"npm [\w@=./ -]+"


def recognise(file: File, stage: Stage) -> Found | None:
    """See `stacks`."""
    if not is_of_node(file, stage):
        return None
    brought = interpreter(file, stage) or _built(file, stage)
    return brought.found(lambda: _plan(file, stage)) if brought else None


def is_of_node(file: File, stage: Stage) -> bool:
    """Does npm, or one like it, install packages upon an image of Node.js?"""
    image = file.histories[stage.index].image
    if image is None or image.family.path != "library/node" or image.os not in ("debian", "alpine"):
        return False
    found = packages(call for _, call in calls(file.moments(stage)))
    return any(each.manager == "npm" and not each.is_removal for each in found)


def is_source(path: str) -> bool:
    """Is *path* of the build context a source?"""
    return re.fullmatch(_SOURCE, path) is not None


def _built(file: File, stage: Stage) -> Brought | None:
    """A build that ships with the packages it needs."""
    if is_application(file, stage):
        for _, call in calls(file.moments(stage)):
            if script_of(call):
                ships = "what only the build needs ships"
                return Brought(ships, call.span, "", is_certain=False, with_sources=False)
    return None


def _plan(file: File, stage: Stage) -> Plan:
    image = runtimes.base(file, stage, may_stay=True)
    division = Interpreted(file, stage, runs_build, is_source)
    found = project(division)
    if found.folder in ("/", *SYSTEM) or found.folder.startswith("/usr/local"):
        raise Refused(f"`{found.folder}` is a folder of the system")
    check_build(division, found)
    lacks = image.family.lacks if image.smaller() else frozenset[str]()
    run = division.started(lacks)
    programs = Programs(found, lacks)
    for moment in division.commands:
        for call in moment.started:
            programs.follow(call, moment)
    if lacks:
        division.refuse(_STARTS_OTHERS, "the program starts others")
    stays = _stays(division, found, programs)
    _check_packages(found, with_dev=bool(stays), is_slimmer=bool(lacks))
    added = () if stays or not _has_dev(division, found) else (_pruned(file, found),)
    if not (added or lacks or any(packages_to_leave(file, stage))):
        raise Refused(stays or "there are no packages to develop with")
    recipe = Recipe(
        runtimes.slimmer(stage, image),
        run,
        (Copy((found.folder,), found.folder),),
        _VARIABLES,
        programs=PROGRAMS,
        users=frozenset({"node"}),
        builds_with=BUILDS_WITH,
        added=added,
        holds=_held(stays, added),
    )
    return division.plan(recipe)


def _held(stays: str, added: tuple[str, ...]) -> tuple[str, ...]:
    if stays:
        return (f"packages to develop with are kept: {stays}",)
    if added:
        return ("no source loads a package to develop with by a name that it puts together",)
    return ()


# -- packages --------------------------------------------------------------------------------------


def _check_packages(found: Project, *, with_dev: bool, is_slimmer: bool) -> None:
    """Is it known that what is installed works where it is copied to? Raises `Refused`."""
    node = found.install[0].instruction
    for each in found.locked:
        if each.is_dev and not with_dev:
            continue
        if is_slimmer and each.name in OTHERS:
            raise Refused(f"it is not known what `{each.name}` needs of the system", node)
        if each.has_install_script and each.name not in SELF_CONTAINED | OTHERS:
            raise Refused(f"`{each.name}` is compiled, and may need more", node)
        if each.has_install_script and each.name in OTHERS:
            raise Refused(f"`{each.name}` may put what it needs elsewhere", node)


def _stays(division: Interpreted, found: Project, programs: Programs) -> str:
    """Why packages to develop with are needed when the program runs; empty if they are not."""
    if programs.needs_dev:
        return "the program is started by one"
    hooks = found.package.install_scripts
    if hooks:
        return f"the script `{next(iter(hooks))}` of an install may need them"
    generated = min(GENERATED & {each.name for each in found.locked}, default=None)
    if generated:
        return f"`{generated}` writes to `node_modules`"
    names = "|".join(map(re.escape, sorted(found.dev)))
    said = division.says(rf"[\"'`](?:{names})(?:/[^\"'`\n]*)?[\"'`]") if names else ""
    return f"a source names one, {said}" if said else ""


def _has_dev(division: Interpreted, found: Project) -> bool:
    """Are packages to develop with there at the end of the build?"""
    moment, told = found.install
    words = [word for word in told.call.arguments if word]
    variable = told.call.settings.get("NODE_ENV") or moment.variable("NODE_ENV")
    if variable == "production" or any(re.fullmatch(_OMITS, word) for word in words):
        return False
    if any(call.starts("npm", "prune") for _, call in calls(division.above)):
        return False
    return any(each.is_dev for each in found.locked)


def _pruned(file: File, found: Project) -> str:
    """The RUN that leaves what the program needs: the install once more, with other words."""
    told = found.install[1]
    text = file.source.text[told.call.span.start : told.call.span.end]
    if not re.fullmatch(_SIMPLE, text):
        return f"RUN npm {told.verb} --omit=dev"
    end = told.head.end - told.call.span.start
    return f"RUN {text[:end]} --omit=dev{text[end:]}"
