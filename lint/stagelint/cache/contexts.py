"""What results depend on of build contexts: what lies in them, and the texts of files that were looked into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stagelint.cache.key import digest
from stagelint.cache.trace import OF_CONTEXT, Trace
from stagelint.model.context import Context

#: The kinds of questions about a file in a context: its text, and its first bytes.
_TEXT, _HEAD = f"{OF_CONTEXT} text", f"{OF_CONTEXT} head"

#: The answer if there is no such context or file.
_NOTHING = "nothing"


class Contexts:
    """What may be the build context of one file, the most likely first; each is listed when it is asked for."""

    def __init__(self, found: Iterable[Context]) -> None:
        self._others = iter(found)
        self._listed: list[Context] = []

    def get(self, number: int) -> Context | None:
        """The one with this *number* (0-based), if there are so many."""
        while number >= len(self._listed):
            context = next(self._others, None)
            if context is None:
                return None
            self._listed.append(context)
        return self._listed[number]

    def answer(self, kind: str, about: str) -> str:
        """A digest of what lies in a context, or of a file in it; *about* is its number, and a path."""
        number, _, path = about.partition(" ")
        context = self.get(int(number))
        if context is None:
            return _NOTHING
        if kind == OF_CONTEXT:
            ignored = context.ignore.source.text if context.ignore else None
            return digest(repr((context.root, ignored, [*map(tuple, context.found)])))
        said = context.text(path) if kind == _TEXT else context.head(path)
        return _NOTHING if said is None else digest(repr(said))


def observed(found: Iterable[Context], trace: Trace) -> Iterator[Context]:
    """The contexts *found*, each of which notes in *trace* what is asked of it."""
    contexts = Contexts(found)
    number = 0
    while True:
        trace.note(OF_CONTEXT, str(number), contexts.answer(OF_CONTEXT, str(number)))
        context = contexts.get(number)
        if context is None:
            return
        yield _Observed(context, number, contexts, trace)
        number += 1


class _Observed(Context):
    def __init__(self, inner: Context, number: int, contexts: Contexts, trace: Trace) -> None:
        super().__init__(inner.root, inner.found, inner.ignore, inner.text, inner.head)
        self._number = number
        self._contexts = contexts
        self._trace = trace

    def text(self, path: str) -> str | None:
        self._note(_TEXT, path)
        return super().text(path)

    def head(self, path: str) -> bytes | None:
        self._note(_HEAD, path)
        return super().head(path)

    def _note(self, kind: str, path: str) -> None:
        about = f"{self._number} {path}"
        self._trace.note(kind, about, self._contexts.answer(kind, about))
