"""What a result was worked out from besides the file and the settings, noted while that happens.

Of a repository only what is asked for: a Dockerfile has the same findings as before if the builds of
it are the same, whatever else is built. Of a build context what lies in it, and the texts of the files
that were looked into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from operator import is_

from stagelint.cache.key import shown
from stagelint.model.file import File, Options
from stagelint.model.project import Build, Project
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeVar

    from stagelint.model.context import Context
    from stagelint.project.index import Index

    T = TypeVar("T")

#: The fields of `Options` that are asked when something is needed of them.
LAZY = frozenset(("project", "sizes", "ignore_file", "contexts_at", "seconds"))

#: The kinds of questions about build contexts: what lies in one, the text of a file in it, its first
#: bytes. The others are about the repository.
LISTING, TEXT, HEAD = OF_CONTEXTS = ("context", "context text", "context head")

#: A question and what it is about, with a digest of the answer.
Question = tuple[str, str, str]


class Trace:
    """What was asked while one result was worked out."""

    def __init__(self) -> None:
        self.is_whole = True
        """Is all of it known? If not, the result is not kept."""
        self._answers: dict[tuple[str, str], str] = {}

    def note(self, kind: str, about: str, answer: str | None) -> None:
        """*answer* is None if it cannot be told whether it will be the same."""
        first = self._answers.setdefault((kind, about), answer or "")
        self.is_whole = self.is_whole and answer == first

    @property
    def questions(self) -> list[Question]:
        """In the order in which they were first asked."""
        return [(kind, about, answer) for (kind, about), answer in self._answers.items()]

    def watching(self, options: Options, index_of: Callable[[Project], Index]) -> Options:
        """*options* that note what is asked of them; *index_of* tells what is known of a repository."""

        def project() -> Project | None:
            found = options.project()
            self.note("root", "", found.root if found else "")
            return Observed(found, index_of(found), self) if found else None

        def contexts() -> Iterator[Context]:
            from stagelint.cache.contexts import observed  # few files have what it matters to

            return observed(options.contexts_at(), self)

        return options._replace(project=project, contexts_at=contexts)

    def unnoted(self, ask: Callable[[], T]) -> Callable[[], T]:
        """*ask*, with which no result is kept."""

        def asking() -> T:
            self.is_whole = False
            return ask()

        return asking


_SETTLED = [at for at, field in enumerate(Options._fields) if field not in LAZY]


class Settled:
    """Shows what options say that is known at once."""

    def __init__(self) -> None:
        self._last: tuple[list[object], str] | None = None

    def text(self, options: Options) -> str:
        """Another text for other values. Most files share all with the one before, if no target is asked for."""
        values: list[object] = [options[at] for at in _SETTLED]
        if self._last is None or not all(map(is_, values, self._last[0])):
            self._last = values, shown(tuple(values))
        return self._last[1]


class Observed(Project):
    """A repository that notes what is asked of it.

    What `Project` can tell and this class does not know of is told as well, but the result is not kept.
    """

    def __init__(self, project: Project, index: Index, trace: Trace) -> None:
        self._inner = project
        self._index = index
        self._trace = trace
        self.root = project.root
        self.notes = project.notes
        self._is_dockerfile = project._is_dockerfile

    def __getattr__(self, name: str) -> object:
        """What an inherited method asks for and is not noted."""
        if name.startswith("__") or name in ("_inner", "_trace"):
            raise AttributeError(name)
        self._trace.is_whole = False
        return getattr(self._inner, name)

    @cached_property
    def files(self) -> frozenset[str]:
        self._note("files")
        return self._inner.files

    @cached_property
    def by_folder(self) -> dict[str, list[str]]:
        self._note("files")
        return self._inner.by_folder

    @cached_property
    def builds(self) -> Sequence[Build]:
        self._note("builds")
        return self._inner.builds

    @cached_property
    def mentions(self) -> dict[str, Build]:
        self._note("mentions")
        return self._inner.mentions

    def builds_of(self, path: str) -> Sequence[Build]:
        self._note("builds_of", path)
        return self._inner.builds_of(path)

    def text(self, path: str) -> str | None:
        self._note("text", path)
        return self._inner.text(path)

    def exists(self, path: str) -> bool:
        self._note("exists", path)
        return self._inner.exists(path)

    def is_made(self, path: str) -> bool:
        self._note("made", path)
        return self._inner.is_made(path)

    def dockerfile(self, path: str) -> File | None:
        self._note("dockerfile", path)
        found = self._inner.dockerfile(path)
        if found is None:
            return None
        options, unnoted = found.options, self._trace.unnoted
        options = options._replace(
            project=lambda: self,
            sizes=unnoted(options.sizes),
            ignore_file=options.ignore_file and unnoted(options.ignore_file),
            contexts_at=unnoted(options.contexts_at),
        )
        return File(found.source, options)

    def _note(self, kind: str, about: str = "") -> None:
        self._trace.note(kind, about, self._index.answer(kind, about))
