"""A folder of entries, JSON each: every one may be missing, and none is believed that was not made here.

Whoever writes into the folder could hide findings. So a folder, or an entry, that is a link or
belongs to another user is not used, and every entry is sealed with what no repository can bring along:
the inode of a file in the folder, and when that was made, to the nanosecond. A cache that was
committed, copied or unpacked is as good as empty.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from functools import cached_property

from stagelint.model.symbols import blake2b
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

#: By which programs for backups know a folder like ours: https://bford.info/cachedir/
_TAG = "CACHEDIR.TAG"
_TAGGED = b"""\
Signature: 8a477f597d28d172789f06886806bc55
# This is the cache of stagelint. It may be removed at any time: stagelint clean
"""
_IGNORE = ".gitignore"
_IGNORED = b"# Made by stagelint.\n*\n"

_ENTRY = r"[0-9a-f]{32}(?:\.json|-[0-9a-f]{16}\.tmp)"

#: Bytes of an entry, that of a repository of 100,000 files, and of all together.
_LARGEST = 32 << 20
_MOST = 64 << 20


class Folder:
    """Entries by name. Whatever goes wrong, none is read or written then."""

    def __init__(self, path: str) -> None:
        """Nothing is made before something is written."""
        self.path = path
        self.is_changed = False
        """Has this run written something?"""

    def read(self, name: str) -> object:
        """The document *name*, 32 hexadecimal digits; None if there is none to believe."""
        seal = self._seal
        if seal is None:
            return None
        try:
            with open(self._entry(name), "rb", opener=_opened) as file:
                data = _bytes(file)
            head, _, body = data.partition(b"\n")
            return json.loads(body) if head == _signature(seal, name, body) else None
        except (OSError, ValueError, RecursionError):
            return None

    def write(self, name: str, document: object) -> None:
        """Put *document* in the place of what *name* is, wholly or not at all."""
        if not self._is_made:
            return
        seal, body = self._seal, json.dumps(document, separators=(",", ":")).encode()
        if seal is None or len(body) > _LARGEST:
            return
        temporary = os.path.join(self.path, f"{name}-{os.urandom(8).hex()}.tmp")
        try:
            with open(temporary, "xb") as file:
                file.write(_signature(seal, name, body) + b"\n" + body)
            os.replace(temporary, self._entry(name))
            self.is_changed = True
        except OSError:
            self._is_made = False  # full, or for readers only: the next one would fare no better
            with contextlib.suppress(OSError):
                os.unlink(temporary)

    def prune(self) -> None:
        """Let the oldest entries go, if there are too many, in a run that has written some."""
        if not self.is_changed:
            return
        with contextlib.suppress(OSError):  # as another run may be doing the same
            found = [(each.stat(follow_symlinks=False), each.path) for each in self._entries()]
            left = sum(status.st_size for status, _ in found) - _MOST
            for status, path in sorted(found, key=lambda one: one[0].st_mtime_ns):
                if left <= 0:
                    break
                left -= status.st_size
                os.unlink(path)

    def remove(self) -> bool:
        """Remove what is ours, and the folder unless something else lies there.

        Tells whether there was a cache at all. Raises `OSError`.
        """
        if self._seal is None:
            return False
        for each in self._entries():
            os.unlink(each.path)
        for name in (_IGNORE, _TAG):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.path, name))
        with contextlib.suppress(OSError):
            os.rmdir(self.path)
        return True

    def _entry(self, name: str) -> str:
        return os.path.join(self.path, f"{name}.json")

    def _entries(self) -> list[os.DirEntry[str]]:
        with os.scandir(self.path) as found:
            return [each for each in found if re.fullmatch(_ENTRY, each.name)]

    @cached_property
    def _seal(self) -> bytes | None:
        """What only an entry that was made in this very folder can know; None if it is not ours."""
        try:
            folder, tag = os.lstat(self.path), os.lstat(os.path.join(self.path, _TAG))
        except (OSError, ValueError):
            return None
        is_plain = stat.S_ISDIR(folder.st_mode) and stat.S_ISREG(tag.st_mode)
        owners = {folder.st_uid, tag.st_uid}
        if not is_plain or (hasattr(os, "geteuid") and owners != {os.geteuid()}):
            return None
        return f"{tag.st_ino} {tag.st_ctime_ns}".encode()

    @cached_property
    def _is_made(self) -> bool:
        """Is the folder there, if need be made now, so that it can be written to?"""
        with contextlib.suppress(OSError, ValueError):
            if not os.path.lexists(self.path):
                os.makedirs(self.path)
                _make(os.path.join(self.path, _IGNORE), _IGNORED)
            if not os.path.islink(self.path):
                with contextlib.suppress(FileExistsError):
                    _make(os.path.join(self.path, _TAG), _TAGGED)
                    self.__dict__.pop("_seal", None)
        return self._seal is not None


def _make(path: str, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)


def _opened(path: str, flags: int) -> int:
    """No link is followed, and a pipe is not waited for."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _bytes(file: BinaryIO) -> bytes:
    """What is in a regular file. Raises `ValueError` for others, and for one that is too large."""
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode) or status.st_size > 2 * _LARGEST:
        raise ValueError
    return file.read()


def _signature(seal: bytes, name: str, body: bytes) -> bytes:
    return (
        blake2b(body, key=seal[:64], person=b"stagelint", salt=bytes.fromhex(name))
        .hexdigest()
        .encode()
    )
