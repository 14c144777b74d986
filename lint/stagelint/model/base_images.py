"""What is known of base images: what a tag means, and sizes with a date and a source each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache

from stagelint.model import byte_counts, images
from stagelint.model.families import (
    ARCHITECTURES,
    DEBIAN,
    FAMILIES,
    JRE_VERSIONS,
    SYSTEMS,
    UBUNTU,
    VERSIONS,
    Family,
    Kind,
)
from stagelint.model.images import Reference
from stagelint.tuples import NamedTuple

#: The words of a tag that mean the same with a JRE.
_OF_JDKS = frozenset({"jdk", "slim"})
_VERSION = re.compile(r"v?(\d+(?:[._+]\d+)*)")


class Description(NamedTuple):
    """What the reference of a base image says, given what is known of its family."""

    reference: Reference
    family: Family
    kind: Kind
    version: tuple[int, ...]
    """`3.12` is (3, 12); empty for a tag like `latest`."""
    words: frozenset[str]
    """Those of the tag that name a flavour: `fpm`, `jdk`, `slim`."""
    os: str
    release: str
    """Of the OS: `bookworm`, `3.19`, `22.04`; empty for the one the tag stands for today."""
    libc: str
    """`glibc`, `musl`, or empty for none."""
    is_certain: bool
    """Are all words of its tag understood?"""

    @property
    def is_slim(self) -> bool:
        return bool(self.family.smaller) and self.family.smaller in self.words

    @property
    def user(self) -> str:
        """What its processes run as: `root`, a name, `dropped`, or empty if that is not known."""
        if self.reference.digest and not self.reference.tag and not self.family.has_shell:
            return ""  # perhaps of a `nonroot` variant
        if "nonroot" in self.words:
            return "nonroot"
        return "app" if self._is_chiseled else self.family.user

    @property
    def has_shell(self) -> bool:
        return (self.family.has_shell or "debug" in self.words) and not self._is_chiseled

    @property
    def _is_chiseled(self) -> bool:
        return self.family.language == "dotnet" and bool(self.words & {"chiseled", "distroless"})

    def variants(self, may_change_libc: bool) -> Iterator[Reference]:
        """Smaller variants of the same version and OS, by the tag alone; if *may_change_libc*, the
        one on Alpine Linux too, which not every image has."""
        smaller = self.smaller()
        if smaller:
            yield smaller
        if may_change_libc and self.libc == "glibc" and self.family.kind is not Kind.OS:
            kept = [
                word
                for word in self.reference.tag.split("-")
                if word and word not in (*DEBIAN, *UBUNTU, self.family.smaller, "latest")
            ]
            yield self.reference._replace(tag="-".join([*kept, "alpine"]), digest="")

    def smaller(self) -> Reference | None:
        """The smaller variant of the same version, OS and libc, if there is one; by its tag alone."""
        family = self.family
        if not family.smaller or not self.is_certain or self.is_slim or self.os != family.os:
            return None
        words = [word for word in self.reference.tag.split("-") if word and word != "latest"]
        if not words and family.kind is Kind.OS:
            words = ["stable"]
        release = next((at for at, word in enumerate(words) if word in DEBIAN), None)
        at = len(words) if release is None or family.comes_last else release
        words.insert(at, family.smaller)
        return self.reference._replace(tag="-".join(words), digest="")

    def jre(self) -> Reference | None:
        """The JRE of a JDK, of the same version, OS and libc, if its repository has one."""
        versions = JRE_VERSIONS.get(self.family.path, frozenset())
        if self.version[:1] not in {(each,) for each in versions} or not self.words <= _OF_JDKS:
            return None
        is_alpine_of_old = self.family.path == "library/openjdk" and self.version[0] > 8
        if self.os not in ("debian", "ubuntu", "alpine") or (
            is_alpine_of_old and self.os == "alpine"
        ):
            return None
        first, *rest = self.reference.tag.split("-")
        words = [first, "jre", *(word for word in rest if word != "jdk")]
        return self.reference._replace(tag="-".join(words), digest="")


def describe(reference: str, mirrors: Mapping[str, str] | None = None) -> Description | None:
    """What is known of the image *reference*, which BuildKit accepts; None for an unknown family.

    *mirrors* map registries to those they mirror: see `images.from_origin`.
    """
    return _of_family(images.from_origin(images.parse(reference), mirrors or {}))


@lru_cache(maxsize=256)  # most files are built upon one of a few
def _of_family(reference: Reference) -> Description | None:
    family = _family(reference.path)
    return _described(reference, family) if family else None


def _family(path: str) -> Family | None:
    user, _, name = path.rpartition("/")
    if user in ARCHITECTURES:
        path = f"library/{name}"
    tail = "/".join(path.split("/")[-2:])
    found = _BY_PATH.get(path) or _BY_PATH.get(tail)
    return found or next((each for start, each in _BY_START if tail.startswith(start)), None)


_BY_PATH = {family.path: family for family in FAMILIES if not family.path.endswith("*")}
_BY_START = [(each.path[:-1], each) for each in FAMILIES if each.path.endswith("*")]


def _described(reference: Reference, family: Family) -> Description:
    version: tuple[int, ...] = ()
    words: set[str] = set()
    os, libc, release = family.os, family.libc, ""
    is_certain = True
    for at, word in enumerate(reference.tag.split("-") if reference.tag else ()):
        number = _VERSION.fullmatch(word)
        name = re.match(r"[a-z]*", word)
        system = SYSTEMS.get(word) or SYSTEMS.get(name[0] if name else "")
        if number and (at == 0 or not version):
            version = tuple(int(part[:9]) for part in re.split(r"[._+]", number[1]))
        elif word in DEBIAN:
            os, libc, release = "debian", "glibc", word
        elif word in UBUNTU:
            os, libc, release = "ubuntu", "glibc", word
        elif system:
            os, libc = system[0] or os, system[1]
            release = word[len(name[0]) :] if name else ""
        elif word not in VERSIONS:
            words.add(word)
            is_certain = is_certain and word == family.smaller
    if family.implied and not words & {family.implied, *dict(family.words)}:
        words.add(family.implied)
    if release in UBUNTU:
        release = UBUNTU[release]
    if family.kind is Kind.OS:
        words -= {"stable"}
        is_certain = is_certain or words <= {family.smaller}
        if not release:
            release, version = _release(family, version)
    if os in ("debian", "ubuntu") and not release and _is_of_oracle(family, reference.tag):
        os = "rhel"
    kind = next((kind for word, kind in family.words if word in words), family.kind)
    return Description(
        reference, family, kind, version, frozenset(words), os, release, libc, is_certain
    )


def _is_of_oracle(family: Family, tag: str) -> bool:
    """Is it one of the images with OpenJDK 12 and later that are built upon Oracle Linux?"""
    if family.path not in ("library/openjdk", "library/maven") or "slim" in tag:
        return False
    found = re.search(r"openjdk-(\d+)", f"{family.path}-{tag or 'latest'}".replace("latest", "99"))
    return found is not None and int(found[1][:9]) > 11


def _release(family: Family, version: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """The release that the number of an operating system names, and what is left of the number."""
    if family.os == "debian":
        number = str(version[0]) if version else ""
        release = next((name for name, each in DEBIAN.items() if each == number), "")
        return release, version[1:] if release else version
    parts = 1 if family.os in ("fedora", "rhel", "amazonlinux") else 2
    width = 2 if family.os == "ubuntu" else 1
    return ".".join(f"{part:0{width}}" for part in version[:parts]), version[parts:]


class BaseImage(NamedTuple):
    """One image of the catalogue; a size that is not known is None."""

    name: str
    """With its domain and without a tag: `docker.io/library/python`; a name without a domain
    stands for the image of any registry."""
    tag: str
    compressed: int | None
    """Bytes of the layers as a registry sends them."""
    unpacked: int | None
    """Bytes of the layers on disk."""
    as_of: str
    """When it was measured: `2026-08-05`."""
    source: str
    """Where the number comes from."""
    platform: str = "linux/amd64"
    is_approximate: bool = False
    os: str = ""
    release: str = ""
    """Of the OS, where it is known though the tag does not say it."""

    @property
    def reference(self) -> str:
        """As a user would write it: `python:3.12-slim`."""
        return f"{self.name.removeprefix('docker.io/').removeprefix('library/')}:{self.tag}"


class Size(NamedTuple):
    """What the catalogue says of an image: the row, and whether it is that of the image itself."""

    row: BaseImage
    is_estimated: bool = False
    """Is it of another version of the same line, or of the same version on another release?"""
    is_other_line: bool = False
    """Is it of another line: 3.12 for 3.9? Then it tells the order of magnitude alone."""

    @property
    def bytes(self) -> int:
        """Compressed if that is known, else unpacked."""
        return self.row.compressed if self.row.compressed is not None else self.row.unpacked or 0

    @property
    def measure(self) -> str:
        """`compressed` or `unpacked`, whichever *bytes* are."""
        return "unpacked" if self.row.compressed is None else "compressed"

    def __str__(self) -> str:
        """To speak of: `about 411 MB compressed`."""
        about = "about " if self.is_estimated else ""
        return f"{about}{byte_counts.rounded(self.bytes)} {self.measure}"


def size_said(size: Size | None) -> str:
    """What the catalogue says, for messages: `golang:1.26` has 312 MB compressed (2026-08-05)."""
    if size is None or size.is_other_line:
        return ""
    about = "about " if size.row.is_approximate else ""
    number = byte_counts.rounded(size.bytes)
    return f"`{size.row.reference}` has {about}{number} {size.measure} ({size.row.as_of})"


class BaseImages:
    """The catalogue. Of rows for the same image the last counts."""

    def __init__(self, rows: Iterable[BaseImage], mirrors: Mapping[str, str] | None = None) -> None:
        self.mirrors = mirrors or {}
        self._rows = {(row.name, row.tag): row for row in rows}

    @cached_property
    def _by_name(self) -> dict[str, list[BaseImage]]:
        found: dict[str, list[BaseImage]] = {}
        for row in self._rows.values():
            found.setdefault(row.name, []).append(row)
        return found

    def size(self, reference: str) -> Size | None:
        """The row for the image *reference*, or the one next to it in meaning."""
        parsed = images.from_origin(images.parse(reference), self.mirrors)
        names = (parsed.name, parsed.path, "/".join(parsed.path.split("/")[-2:]))
        tag = parsed.tag or ("" if parsed.digest else "latest")
        for name in names:
            exact = self._rows.get((name, tag))
            if exact:
                return Size(exact)
        wanted = _meaning(parsed, BaseImage(parsed.name, tag, None, None, "", ""))
        rows = [row for name in dict.fromkeys(names) for row in self._by_name.get(name, ())]
        meanings = [(row, _meaning(images.parse(row.reference), row)) for row in rows]
        found = [
            (closeness, meaning.version, DEBIAN.get(meaning.release, meaning.release), row.tag, row)
            for row, meaning in meanings
            if (closeness := _closeness(wanted, meaning))
        ]
        if not found or not tag:
            return None
        closeness, *_, row = max(found)
        return Size(row, closeness < _SAME, closeness == _OTHER_LINE)


_SAME, _SAME_LINE, _OTHER_LINE = 3, 2, 1


class _Meaning(NamedTuple):
    version: tuple[int, ...]
    words: frozenset[str]
    os: str
    release: str


def _meaning(reference: Reference, row: BaseImage) -> _Meaning:
    family = _family(reference.path) or Family(reference.path, Kind.SERVER)
    described = _described(reference._replace(tag=row.tag), family)
    release = described.release or row.release
    return _Meaning(described.version, described.words, described.os, release)


def _closeness(wanted: _Meaning, row: _Meaning) -> int:
    """How near two meanings are; 0 if they have nothing to do with each other."""
    if (wanted.words, wanted.os) != (row.words, row.os):
        return 0
    is_release = not wanted.release or wanted.release == row.release
    shorter = min(len(wanted.version), len(row.version))
    if wanted.version[:shorter] != row.version[:shorter]:
        return _OTHER_LINE
    is_floating = not wanted.version and not wanted.release
    if wanted.version == row.version and is_release and not is_floating:
        return _SAME
    return _SAME_LINE if row.version or is_release else _OTHER_LINE
