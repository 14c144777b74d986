"""The layers of an image put together, in memory: nothing is unpacked, no link is followed."""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import tarfile
from collections.abc import Callable
from typing import IO, Any, cast

from stagelint.verify.process import CouldNotTellError
from stagelint.verify.verdict import Entry

FOLDER, FILE, LINK = "folder", "file", "link"

#: OCI image spec v1.1, layer.md: what a layer takes away from those below.
_WHITEOUT, _OPAQUE, _RESERVED = ".wh.", ".wh..wh..opq", ".wh..wh."
_XATTR = "SCHILY.xattr."
_KINDS = {
    tarfile.DIRTYPE: FOLDER,
    tarfile.SYMTYPE: LINK,
    tarfile.CHRTYPE: "character device",
    tarfile.BLKTYPE: "block device",
    tarfile.FIFOTYPE: "pipe",
}
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_CHUNK = 1 << 20


class Files:
    """The files of an image by their absolute path, as the layers so far make them."""

    def __init__(self, check: Callable[[], None]) -> None:
        """*check* is called again and again, and raises if the reading should end."""
        self.entries: dict[str, Entry] = {}
        self._check = check

    def add(self, layer: IO[bytes]) -> int:
        """Put *layer*, a tar that may be compressed with gzip, on top; returns its bytes.

        Raises `CouldNotTellError` if it cannot be read.
        """
        magic = layer.read(4)
        layer.seek(0)
        if magic == _ZSTD:
            raise CouldNotTellError("a layer is compressed with zstd, which is not read here")
        plain = gzip.GzipFile(fileobj=layer) if magic.startswith(_GZIP) else layer
        added = _Layer(self.entries, self._check)
        with tarfile.open(fileobj=plain, mode="r|") as tar:
            while (member := tar.next()) is not None:
                added.take(tar, member)
                cast("Any", tar).members.clear()  # else it remembers them all
            size = tar.offset
        added.apply()
        return size

    def complete(self) -> dict[str, Entry]:
        """The entries, with the folders that no layer speaks of as unpacking makes them."""
        self.entries.setdefault("/", Entry(FOLDER, 0o755, (0, 0)))
        for path in list(self.entries):
            while (path := posixpath.dirname(path)) not in self.entries:
                self.entries[path] = Entry(FOLDER, 0o755, (0, 0))
        return self.entries


class _Layer:
    """What one layer adds to *below* and takes away from it."""

    def __init__(self, below: dict[str, Entry], check: Callable[[], None]) -> None:
        self._below = below
        self._check = check
        self._fresh: dict[str, Entry] = {}
        self._gone: set[str] = set()
        self._emptied: set[str] = set()

    def take(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        self._check()
        path = _path(member.name)
        folder, name = posixpath.split(path)
        if name == _OPAQUE:
            self._emptied.add(folder)
        elif name.startswith(_WHITEOUT):
            if not name.startswith(_RESERVED):
                self._gone.add(posixpath.join(folder, name.removeprefix(_WHITEOUT)))
        elif member.islnk():
            self._fresh[path] = self._linked(member)
        else:
            self._fresh[path] = self._entry(tar, member)

    def _linked(self, member: tarfile.TarInfo) -> Entry:
        """A hard link is another name of what it leads to."""
        target = _path(member.linkname)
        found = self._fresh.get(target) or self._below.get(target)
        if found is None:
            raise CouldNotTellError(f"hard link {member.name} leads to nothing")
        return found

    def _entry(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
        kind = _KINDS.get(member.type, FILE)
        target = member.linkname if kind == LINK else ""
        if "device" in kind:
            target = f"{member.devmajor}:{member.devminor}"
        digest = hashlib.sha256()
        content = tar.extractfile(member) if kind == FILE else None
        while content and (data := content.read(_CHUNK)):
            self._check()
            digest.update(data)
        headers = member.pax_headers.items()
        return Entry(
            kind,
            0o777 if kind == LINK else member.mode & 0o7777,
            (member.uid, member.gid),
            tuple(sorted((k[len(_XATTR) :], v) for k, v in headers if k.startswith(_XATTR))),
            target,
            member.size if content else 0,
            digest.digest() if content else b"",
        )

    def apply(self) -> None:
        below, fresh = self._below, self._fresh
        # A folder that something else takes the place of takes its files with it.
        self._emptied |= {
            path
            for path, entry in fresh.items()
            if entry.kind != FOLDER and path in below and below[path].kind == FOLDER
        }
        if self._gone or self._emptied:
            for path in [each for each in below if self._hides(each)]:
                del below[path]
        below.update(fresh)

    def _hides(self, path: str) -> bool:
        if path in self._gone:
            return True
        while path != "/":
            path = posixpath.dirname(path)
            if path in self._gone or path in self._emptied:
                return True
        return False


def _path(name: str) -> str:
    """Absolute, and never above the root."""
    return "/" + posixpath.normpath(f"/{name}").lstrip("/")
