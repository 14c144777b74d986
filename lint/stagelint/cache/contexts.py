"""What results depend on of build contexts: what lies in them, and the texts of files that were looked into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from stagelint.cache.key import digest
from stagelint.cache.trace import HEAD, LISTING, TEXT, Trace
from stagelint.model.context import Context

#: Of more files nothing is kept: to read them again takes as long as to lint.
_MOST = 200

#: The answer if there is no such context or file.
_NOTHING = "nothing"

Said = str | bytes | None


def observed(found: Iterable[Context], trace: Trace) -> Iterator[Context]:
    """The contexts *found*, each of which notes in *trace* what is asked of it."""
    number = -1
    for number, context in enumerate(found):
        trace.note(LISTING, str(number), _listing(context))
        yield context.watched(_noting(number, trace))
    trace.note(LISTING, str(number + 1), _NOTHING)


def _noting(number: int, trace: Trace) -> Callable[[str, str, Said], None]:
    looked_into: set[str] = set()

    def tell(what: str, path: str, said: Said) -> None:
        looked_into.add(path)
        answer = _told(said) if len(looked_into) <= _MOST else None
        trace.note(TEXT if what == "text" else HEAD, f"{number} {path}", answer)

    return tell


class Contexts:
    """What may be the build context of one file, the most likely first; each is listed when it is asked for."""

    def __init__(self, found: Iterable[Context]) -> None:
        self._others = iter(found)
        self._listed: list[Context] = []

    def answer(self, kind: str, about: str) -> str:
        """What a context answers now; *about* is its number (0-based), and the path of a file in it."""
        number, _, path = about.partition(" ")
        context = self._get(int(number))
        if context is None:
            return _NOTHING
        if kind == LISTING:
            return _listing(context)
        return _told(context.text(path) if kind == TEXT else context.head(path))

    def _get(self, number: int) -> Context | None:
        while number >= len(self._listed):
            context = next(self._others, None)
            if context is None:
                return None
            self._listed.append(context)
        return self._listed[number]


def _listing(context: Context) -> str:
    return digest(f"{context.root}\0{context.digest}")


def _told(said: Said) -> str:
    return _NOTHING if said is None else digest(repr(said))
