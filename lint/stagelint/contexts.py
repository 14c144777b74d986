"""Reads build contexts from disk: names, sizes and modes, and the text of small files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from stagelint import discover
from stagelint.config import CACHE
from stagelint.model.context import HEAD, Context, Entry
from stagelint.model.dockerignore import DockerIgnore

#: In a folder with more than these, nothing is known.
_MOST = 200_000
#: Bytes of a file whose text is asked for: that of a large lock file.
_LARGEST = 8 << 20


def read(root: str, ignore: DockerIgnore | None, cache: str | None = None) -> Context | None:
    """The context in the folder *root*; None if there is none, or too much is in it.

    No link is followed, and nothing but names and sizes is read before it is asked for. The folder
    *cache*, in which runs keep what they found, is no part of it, nor is one of the usual name: no run
    is to find what the one before has left.
    """
    own = _within(root, cache) if cache else ""
    entries: list[Entry] = []
    for entry in _walk(root, ignore, own):
        entries.append(entry)
        if len(entries) > _MOST:
            return None
    if not entries:
        return None
    return Context(
        root, entries, ignore, lambda path: _text(root, path), lambda path: _head(root, path)
    )


def _within(root: str, path: str) -> str:
    """*path* as seen from *root*, with `/` between its parts; empty if that cannot be said."""
    try:
        seen = os.path.relpath(os.path.realpath(path), os.path.realpath(root))
    except ValueError:  # another drive
        return ""
    return seen.replace(os.sep, "/")


def _walk(root: str, ignore: DockerIgnore | None, own: str) -> Iterator[Entry]:
    """Everything below, but for *own*, and for what is in folders that are left out as a whole."""
    pending = [""]
    whole = ignore is not None and not ignore.has_exceptions
    while pending:
        at = pending.pop()
        try:
            with os.scandir(os.path.join(root, at)) as entries:
                found = [_entry(each, at) for each in entries if each.name != CACHE]
        except OSError:
            continue
        for entry in found:
            if entry.path == own:
                continue
            yield entry
            if entry.is_folder and not (whole and ignore and ignore.leaves_out(entry.path)):
                pending.append(entry.path)


def _entry(entry: os.DirEntry[str], folder: str) -> Entry:
    path = f"{folder}/{entry.name}" if folder else entry.name
    status = entry.stat(follow_symlinks=False)
    is_file, is_link = stat.S_ISREG(status.st_mode), stat.S_ISLNK(status.st_mode)
    return Entry(
        path,
        status.st_size if is_file else 0,
        stat.S_IMODE(status.st_mode),
        stat.S_ISDIR(status.st_mode),
        is_link,
        os.readlink(entry.path) if is_link else "",
    )


def _text(root: str, path: str) -> str | None:
    try:
        data = discover.read_regular(os.path.join(root, path), _LARGEST)
        return None if data is None else data.decode("utf-8")
    except (OSError, ValueError):
        return None


def _head(root: str, path: str) -> bytes | None:
    try:
        return discover.read_head(os.path.join(root, path), HEAD)
    except OSError:
        return None
