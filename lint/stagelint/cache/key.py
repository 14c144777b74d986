"""What an entry is called: a digest of all that is known before a file is looked at."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache

from stagelint import __version__
from stagelint.model.symbols import blake2b
from stagelint.source import Source, encode

#: Another one whenever entries mean something else.
_FORMAT = 1

#: Folders in which packages are installed: these are made anew when one of them is.
_INSTALLED = ("site-packages", "dist-packages")


def digest(text: str) -> str:
    """Stands for *text*: no two have the same."""
    return blake2b(encode(text), digest_size=16).hexdigest()


def name(*parts: str) -> str:
    """What the entry about *parts* is called, under this Python and these rules, in this folder."""
    return digest(repr((_program(), os.getcwd(), *parts)))


def shown(value: object) -> str:
    """*value* as a text that is another one for another value, in every process.

    An object that it knows nothing of is shown with its address, and so is never found again.
    """
    if isinstance(value, frozenset):
        return repr(sorted(map(shown, value)))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, tuple):
        return f"({','.join(map(shown, value))})"  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, Source):
        return repr((value.path, digest(value.text), value.error))
    return repr(value)


@cache
def _program() -> str:
    """Stands for the code that runs: a change of any module or table of it counts."""
    import stagelint_rules

    folders = [os.path.dirname(os.path.dirname(__file__)), *stagelint_rules.__path__]
    code = sorted(each for folder in folders for each in _files(folder))
    installed = [each for each in sys.path if each.endswith(_INSTALLED) and os.path.isdir(each)]
    around = [(each, os.stat(each).st_mtime_ns) for each in installed]
    return digest(repr((_FORMAT, __version__, sys.version, code, around)))


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    pending = [folder]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.name == "__pycache__":
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    status = entry.stat()
                    yield entry.path, status.st_size, status.st_mtime_ns
