"""Two images side by side: same, or what differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import cast

from stagelint.verify.layers import FOLDER
from stagelint.verify.verdict import Difference, Entry, Setting

_HOME = r"(?:/root|/home/[^/]+)"
#: Where package managers keep what they can fetch or make again, and where programs log.
CACHES = {
    "apt": r"/var/lib/apt/lists|/var/cache/apt",  # apt.conf(5): Dir::State::Lists, Dir::Cache
    "dnf": r"/var/cache/(?:dnf|libdnf5|yum)",  # dnf.conf(5): cachedir
    "apk": r"/var/cache/apk|/etc/apk/cache",  # apk-cache(5)
    "zypper": r"/var/cache/zypp",  # zypper.conf: cachedir
    "pip": rf"{_HOME}/\.cache/pip",  # pip 25 user guide, Caching
    "uv": rf"{_HOME}/\.cache/uv",  # uv, Caching
    "poetry": rf"{_HOME}/\.cache/pypoetry/(?:artifacts|cache)",  # Poetry, cache-dir; not its virtualenvs
    "npm": rf"{_HOME}/\.npm",  # npm config: cache
    "yarn": rf"(?:/usr/local/share|{_HOME})/\.cache/yarn",  # yarn 1, yarn cache
    "pnpm": rf"{_HOME}/\.local/share/pnpm/store",  # pnpm settings: storeDir
    "composer": rf"(?:{_HOME}/\.composer|/tmp)/cache/(?:files|repo|vcs|\.htaccess)|{_HOME}/\.cache/composer",
    "go": rf"(?:/go|{_HOME}/go)/pkg/mod|{_HOME}/\.cache/go-build",  # go help cache; Module cache
    "cargo": rf"(?:/usr/local/cargo|{_HOME}/\.cargo)/(?:registry|git)",  # The Cargo Book, Cargo Home
    "maven": rf"{_HOME}/\.m2/repository",  # Maven, Introduction to Repositories
    "gradle": rf"{_HOME}/\.gradle/caches",  # Gradle-managed Directories
    "nuget": rf"{_HOME}/\.nuget/packages",  # NuGet, Managing the global packages folder
    "logs": r"/var/log",  # Filesystem Hierarchy Standard 3.0, 5.10
}
_CACHED = re.compile(rf"(?:{'|'.join(CACHES.values())})(?:/.*)?", re.DOTALL)
#: What leads to them and holds nothing else: the folder may come and go with a cache.
_LEADING = re.compile(
    rf"{_HOME}/(?:\.cache(?:/pypoetry)?|\.local(?:/share(?:/pnpm)?)?|\.m2|\.gradle|\.nuget|\.composer(?:/cache)?)"
    rf"|(?:{_HOME}/go|/go)/pkg|{_HOME}/go|/usr/local/share/\.cache|/tmp/cache"
)

ONLY_BEFORE, ONLY_AFTER = frozenset({"only before"}), frozenset({"only after"})


def settings(before: Mapping[str, object], after: Mapping[str, object]) -> list[Setting]:
    """The fields of the config that differ; `null` stands for one that is not there."""
    return [
        Setting(name, *_without_common(before.get(name), after.get(name)))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def _without_common(before: object, after: object) -> tuple[str, str]:
    """Both as JSON: of two lists or objects what the other has not, if there is such."""
    ours, theirs = _items(before), _items(after)
    old = [each for each in ours if each not in theirs]
    new = [each for each in theirs if each not in ours]
    if type(before) is type(after) and (old or new):
        return _json(old), _json(new)
    return _json(before), _json(after)


def _items(value: object) -> list[object]:
    if isinstance(value, dict):
        return [{key: each} for key, each in cast("dict[str, object]", value).items()]
    return cast("list[object]", value) if isinstance(value, list) else []


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def files(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> list[Difference]:
    """Every path that differs, the largest file first."""
    found = [
        Difference(path, aspects, before.get(path), after.get(path))
        for path in before.keys() | after.keys()
        if (aspects := _aspects(before.get(path), after.get(path)))
    ]
    return sorted(found, key=lambda each: (-each.size, each.path))


def _aspects(before: Entry | None, after: Entry | None) -> frozenset[str]:
    if before == after:
        return frozenset()
    if before is None or after is None:
        return ONLY_AFTER if before is None else ONLY_BEFORE
    fields = zip(Entry._fields, before, after, strict=True)  # another size is other content
    return frozenset(name for name, old, new in fields if old != new and name != "size")


def is_cache(difference: Difference) -> bool:
    """Does it lie in a cache or a log, by `CACHES`?"""
    path = difference.path
    if _LEADING.fullmatch(path):
        ends = (difference.before, difference.after)
        return all(each.kind == FOLDER for each in ends if each)
    return bool(_CACHED.fullmatch(path))


def unstable(found: Iterable[Difference], rebuilt: Iterable[Difference]) -> set[str]:
    """The paths of *found* that differ just as much between two builds of the same file.

    *rebuilt* are the differences between those two. A path that always has other content, and
    now is gone as well, does differ.
    """
    noise = {each.path: each.aspects for each in rebuilt}
    return {each.path for each in found if each.aspects <= noise.get(each.path, frozenset())}
