"""Archives and packages by their names, and what RUNs unpack of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from stagelint.model.calls import Call

_ARCHIVE = r"(?i).+\.(?:tar(?:\.(?:gz|bz2|xz|lzma|lz|z|zst))?|t(?:gz|bz2?|b2|xz|lz|lzma|pz|az|zst))"
_COMPRESSED = r"(?i).+\.(?:gz|bz2|xz|lzma|lz|z|zst)"
#: Packages and archives of other kinds.
_PACKED = r"(?i).+\.(?:zip|jar|7z|deb|rpm|apk|whl|gem|pkg\.tar\.\w+)"

#: They unpack or install archives that they are told, or check them, and leave them as they are.
READERS = frozenset(
    """
    apk apt apt-get bsdtar dnf dpkg dpkg-deb gem gpg jar md5sum microdnf pip pip3 rpm sha1sum sha256sum sha512sum tar
    tdnf unzip yum zcat zypper
    """.split()
)

#: How compressed files begin: bzip2, gzip, xz, zstd and its skippable frames.
_MAGIC = rb"BZh|\x1f\x8b\x08|\xfd7zXZ\x00|\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"
#: The checksum of a header of `tar`, from its byte 148 to 156.
_CHECKSUM = rb"[\0 ]*[0-7]+[\0 ]*"

#: Options by which `tar` unpacks less than all, or to other names.
_PARTS = (
    "--strip",
    "--transform",
    "--xform",
    "--exclude",
    "--wildcards",
    "--include",
    "--no-anchored",
    "--to-",
)


def is_archive(name: str) -> bool:
    """Is a file called *name* an archive of `tar`, compressed or not?"""
    return re.fullmatch(_ARCHIVE, name) is not None


def may_be_archive(name: str) -> bool:
    """Could it be one: is it one, or compressed, whatever is in it?"""
    return is_archive(name) or re.fullmatch(_COMPRESSED, name) is not None


def is_packed(name: str) -> bool:
    """Is a file called *name* an archive or a package of any kind?"""
    return re.fullmatch(f"{_ARCHIVE}|{_PACKED[4:]}|{_COMPRESSED[4:]}", name) is not None


def may_unpack(head: bytes) -> bool:
    """May ADD unpack a file that begins with *head*, its first 512 bytes?

    BuildKit looks at nothing else (v0.25.2, `isArchivePath`): it decompresses the file if it is
    compressed, and reads the header of `tar`.
    """
    is_header = re.fullmatch(_CHECKSUM, head[148:156]) is not None
    return is_header or re.match(_MAGIC, head) is not None


def unpacked(calls: Iterable[Call]) -> Iterator[str]:
    """The archives that `tar` is told to unpack as a whole, as they are named."""
    for call in calls:
        words = [each for each in call.arguments if each is not None]
        if call.name not in ("tar", "bsdtar") or len(words) < len(call.arguments):
            continue
        archive = _file_of(words)
        if archive and not any(each.startswith(_PARTS) for each in words):
            yield archive


def _file_of(words: list[str]) -> str | None:
    """What `tar` unpacks all of; None if it does another thing."""
    if words and not words[0].startswith("-"):
        words = [f"-{words[0]}", *words[1:]]  # the old form: `tar xzf`
    archive, is_extract, rest = None, False, iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in ("--extract", "--get"):
            is_extract = True
        elif name == "--file":
            archive = value if equals else next(rest, None)
        elif name == "--directory":
            _ = value if equals else next(rest, None)
        elif word.startswith("--"):
            continue
        elif word.startswith("-"):
            is_extract = is_extract or "x" in word
            letter = re.search("[fC]", word)
            if letter:
                inside = word[letter.end() :]
                given = inside or next(rest, None)
                archive = given if letter[0] == "f" else archive
        else:
            return None  # only a part of it
    return archive if is_extract else None
