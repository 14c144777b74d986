"""Where package managers leave what they fetched, and what empties that again.

Sources: apt-get(8), yum(8), dnf(8), zypper(8), apk(8), the pages of `pip cache`, `yarn cache` and
`npm cache`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from fnmatch import fnmatchcase

from stagelint.edit import Fix, Guarantee
from stagelint.model.calls import Call
from stagelint.model.consent import RPM_INSTALLS, unconfigured
from stagelint.model.expansion import UNKNOWN
from stagelint.model.file import File
from stagelint.model.gains import Gain
from stagelint.model.moments import Moment, absolute
from stagelint.model.packages import ManagerCall, manager_calls
from stagelint.model.rewriting import append_command
from stagelint.model.stages import Stage
from stagelint.tuples import NamedTuple


class Cache(NamedTuple):
    """What a manager leaves behind."""

    programs: frozenset[str]
    verbs: frozenset[str]
    """What fills it; the empty one is a call without a verb."""
    folders: tuple[str, ...]
    """Where it lies; `~` is the home of whoever runs it."""
    cleaners: tuple[tuple[str, ...], ...]
    """Calls that empty it, each the beginning of one: `("yum", "clean")`."""
    unused: str = r"(?!)"
    """Options for it not to be filled; a pattern."""
    cleaner: str = ""
    """The command that empties it, where one is all that it takes."""


APT_LISTS = Cache(
    frozenset({"apt-get", "apt", "aptitude"}),
    frozenset({"update"}),
    ("/var/lib/apt/lists",),
    (
        ("apt-get", "dist-clean"),
        ("apt-get", "distclean"),
        ("apt", "dist-clean"),
        ("apt", "distclean"),
    ),
)
APT_ARCHIVES = Cache(
    frozenset({"apt-get", "apt", "aptitude"}),
    frozenset("install upgrade dist-upgrade full-upgrade".split()),
    ("/var/cache/apt/archives",),
    tuple((name, verb) for name in ("apt-get", "apt") for verb in ("clean", "autoclean")),
)
_RPM_FOLDERS = ("/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf5")
_RPM_CLEANERS = tuple((name, "clean") for name in ("yum", "dnf", "microdnf", "dnf5", "tdnf"))
YUM_CACHE = Cache(
    frozenset({"yum"}),
    RPM_INSTALLS,
    _RPM_FOLDERS,
    _RPM_CLEANERS,
    cleaner="{program} clean all",
)
DNF_CACHE = YUM_CACHE._replace(programs=frozenset({"dnf", "microdnf", "dnf5", "tdnf"}))
ZYPPER_CACHE = Cache(
    frozenset({"zypper"}),
    frozenset("install in update up dup dist-upgrade patch".split()),
    ("/var/cache/zypp",),
    (("zypper", "clean"), ("zypper", "cc")),
    cleaner="zypper clean --all",
)
APK_CACHE = Cache(
    frozenset({"apk"}),
    frozenset({"add"}),
    ("/var/cache/apk", "/etc/apk/cache"),
    (("apk", "cache", "clean"),),
    r"--no-cache",
)
PIP_CACHE = Cache(
    frozenset({"pip"}),
    frozenset({"install"}),
    ("~/.cache/pip",),
    (("pip", "cache", "purge"), ("pip3", "cache", "purge")),
    r"--no-cache(?:-dir)?",
)
YARN_CACHE = Cache(
    frozenset({"yarn"}),
    frozenset({"install", "add", ""}),
    ("/usr/local/share/.cache/yarn", "~/.cache/yarn", "~/.yarn/berry/cache"),
    (("yarn", "cache", "clean"),),
    r"--version|-v|--help|-h|--cache-folder.*",
    "yarn cache clean",
)

NPM_CACHE = Cache(
    frozenset({"npm"}),
    frozenset("install i ci add".split()),
    ("~/.npm",),
    (("npm", "cache", "clean"),),
)

CACHES = (
    *(APT_LISTS, APT_ARCHIVES, YUM_CACHE, DNF_CACHE, ZYPPER_CACHE, APK_CACHE),
    *(PIP_CACHE, YARN_CACHE, NPM_CACHE),
)


def spread(file: File, stages: Iterable[Stage]) -> Iterator[Stage]:
    """Those of *stages* whose layers reach more than their own image, or one that ships."""
    bases = {each.base.stage for each in file.stages}
    return (each for each in stages if each.index in file.ships or each.index in bases)


def saved(file: File, stage: Stage) -> Gain:
    """What is saved by leaving a cache empty in *stage*: a smaller image, if it is a part of one."""
    return Gain(ships_less=stage.index in file.ships)


def filled(run: Moment, cache: Cache) -> Iterator[ManagerCall]:
    """The calls of *run* after which something is left in *cache*, and in the image."""
    if any(covers(folder, cache.folders) for folder in run.mounted):
        return
    left: list[ManagerCall] = []
    for call in run.calls:
        if _empties(call, cache):
            left = []
        for told in manager_calls((call,)):
            if told.program in cache.programs and told.verb in cache.verbs:
                words = [word for word in call.arguments if word]
                if not any(re.fullmatch(cache.unused, word) for word in words):
                    left.append(told)
    yield from left


def kept(run: Moment, cache: Cache) -> Iterator[tuple[ManagerCall, Fix | None, str]]:
    """Those, each with the fix that empties *cache* at the end of *run*, or why there is none."""
    found = [*filled(run, cache)]
    if found:
        last = found[-1]
        command = cache.cleaner.format(program=last.program)
        edits = append_command(run.instruction, command, last.call)
        fix = Fix(f"Add `{command}`", edits, Guarantee.SAME_BUT_CACHES) if edits else None
        note = (
            "" if fix else f"not fixed: the RUN does not end with a plain command, for `{command}`"
        )
        yield from ((told, fix, note) for told in found)


def pip_caches(file: File, stage: Stage) -> Iterator[tuple[Moment, ManagerCall]]:
    """The calls of pip in *stage* after which something is left in its cache, and in the image."""
    found = [
        (run, told)
        for run in file.written(stage)
        for told in filled(run, PIP_CACHE)
        if not _is_off(run, told.call) and not _is_mounted(run, told.call.option("--cache-dir"))
    ]
    setting = r"no-cache-dir[\s=\"']+(?:true|1|yes|on)|/pip\.conf\b"
    return unconfigured(file, stage, setting, found)


def _is_off(run: Moment, call: Call) -> bool:
    """Does the environment say that pip keeps no cache, or may it?"""
    name = "PIP_NO_CACHE_DIR"
    value = call.settings[name] if name in call.settings else run.variable(name)
    if value is UNKNOWN:
        return run.declares(name)
    # Any word will do, even `0`; see `_handle_no_cache_dir` in pip's cmdoptions.py.
    return bool(value) or (value is None and name in call.settings)


def _is_mounted(run: Moment, folder: str | None) -> bool:
    return folder is not None and any(f"{folder}/".startswith(f"{each}/") for each in run.mounted)


def are_lists_read(file: File, run: Moment, programs: Collection[str] = APT_LISTS.programs) -> bool:
    """May a RUN after *run*, here or in a stage that is built upon this one, read its package lists?

    They are those of *programs*."""
    if file.is_huge:
        return True
    heirs = {run.stage.index}
    for stage in file.stages[run.stage.index :]:
        if stage.base.stage in heirs:
            heirs.add(stage.index)
        # An ONBUILD runs in the image of another file.
        if stage.index in heirs and _reads_lists(file.written(stage), run, programs):
            return True
    return False


#: What stands elsewhere is taken for a script, which may install something.
_FOLDERS_OF_PROGRAMS = ("/bin/", "/sbin/", "/usr/", "/opt/")
#: What installs packages by `apt-get`, and fetches no lists for it.
_BY_APT = frozenset("gdebi tasksel rosdep mk-build-deps ansible-playbook".split())
#: Words of a call that fetches them anew before it does anything else.
_FETCHING = ("update", "-U", "--update", "--update-cache", "--no-cache")


def _reads_lists(moments: Iterable[Moment], run: Moment, programs: Collection[str]) -> bool:
    """May one of *moments* after *run* read the lists, before another has fetched them anew?"""
    for moment in moments:
        if moment.instruction.start <= run.instruction.start:
            continue
        if moment.instruction.keyword == "RUN" and not moment.calls:
            return True  # it cannot be read
        for call in moment.started:
            if call.name in programs:
                return not call.has(*_FETCHING)
        for call in moment.calls:
            if call.name in programs:
                return not call.has(*_FETCHING)
            if call.name in _BY_APT or any(each in programs for each in call.words):
                return True  # `xargs apt-get`
            is_script = "/" in call.path and not call.path.startswith(_FOLDERS_OF_PROGRAMS)
            # `apt-mark`, `xx-apt-get`, `xx-apk`
            is_related = any(each in call.name for each in programs)
            if is_related or is_script or call.name.endswith(".sh"):
                return True
            if call.name in ("sh", "bash", "") and "-c" not in call.arguments:
                return True
    return False


def _empties(call: Call, cache: Cache) -> bool:
    if any(call.starts(*words) for words in cache.cleaners):
        return True
    removes = call.name == "rm" or (
        call.name == "find" and not {"-delete", "rm"}.isdisjoint(call.arguments)
    )
    if not removes:
        return False
    # What is not known may be the very folder.
    return not call.is_known or any(
        covers(
            word if word.startswith("~") else absolute(word, call.directory) or word, cache.folders
        )
        for word in call.words
    )


#: Linux knows no longer path.
_LONGEST = 4096


def covers(path: str, folders: Iterable[str]) -> bool:
    """Is all of one of *folders*, or files in it, below *path*, which may have `*` and `{a,b}`?"""
    homes = [_in_home(each) for each in folders]
    return len(path) <= _LONGEST and any(
        _is_around(_in_home(each), folder) for each in _braces(path) for folder in homes
    )


def _in_home(path: str) -> str:
    return re.sub(r"\A(?:/root|/home/[^/]+)(?=/|\Z)", "~", path)


def _is_around(path: str, folder: str) -> bool:
    path = path.rstrip("/*") or "/"
    if f"{folder}/".startswith(f"{path}/") or path.startswith(f"{folder}/"):
        return True
    is_pattern = any(sign in path for sign in "*?[")
    return is_pattern and any(fnmatchcase(each, path) for each in (folder, *_parents(folder)))


def _parents(folder: str) -> Iterable[str]:
    parts = folder.split("/")
    return ("/".join(parts[:end]) for end in range(2, len(parts)))


#: More alternatives than these are not told apart.
_MOST_BRACES = 50


def _braces(path: str) -> list[str]:
    """`/{a,b}` is `/a` and `/b`."""
    found = [path]
    while len(found) < _MOST_BRACES:
        match = re.fullmatch(r"(.*?)\{([^{}]*)\}(.*)", found[0], re.DOTALL)
        if match is None:
            break
        found = [*found[1:], *(match[1] + each + match[3] for each in match[2].split(","))]
    return found
