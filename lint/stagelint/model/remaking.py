"""Which leftovers of a build context the RUNs of a file make anew."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from stagelint.model.arrivals import origin
from stagelint.model.context import Context
from stagelint.model.file import File
from stagelint.model.leftovers import Kind, Leftover, ups


class Remaking:
    """Where in the context the RUNs of a file make which leftovers anew."""

    def __init__(self, file: File, context: Context) -> None:
        self._context = context
        self._calls = [
            (call, moments[:at])
            for moments in map(file.moments, file.stages)
            for at, moment in enumerate(moments)
            for call in moment.calls
        ]
        self._folders: dict[Kind, set[str]] = {}

    def makes(self, leftover: Leftover) -> bool:
        """Is it made anew, or does nothing have to make it?"""
        kind = leftover.kind
        if not kind.makers:
            return True
        if kind not in self._folders:
            self._folders[kind] = set(self._made(kind))
        made = self._folders[kind]
        return bool(made) and (
            not kind.beside or any(folder in made for folder in (*ups(leftover.path), "."))
        )

    def _made(self, kind: Kind) -> Iterator[str]:
        names = ("", *(each for each in kind.beside if "*" not in each))
        for call, before in self._calls:
            words = {call.name, " ".join((call.name, *call.words[:1]))}
            if words.isdisjoint(kind.makers) or call.directory is None:
                continue
            for name in names:
                path = origin(self._context, before, posixpath.join(call.directory, name))
                if path is not None:
                    yield posixpath.dirname(path) or "." if name else path
