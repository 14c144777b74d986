"""What was found in files and repositories, kept for the next run.

A file has the same findings as before if its text is the same, the settings, the program, and every
answer to what its rules asked of the repository (`trace`). The settings are part of the name of an
entry; text and answers stand in it. What depends on more is not kept: builders' catalogues of images,
rules of others, other programs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stagelint import discover
from stagelint.cache.folder import Folder
from stagelint.cache.key import digest, name, shown
from stagelint.cache.trace import OF_CONTEXTS, Observed, Question, Settled, Trace
from stagelint.cache.values import packed, unpacked
from stagelint.model.file import Options
from stagelint.model.project import Project
from stagelint.registry import Ruleset
from stagelint.rule import Finding
from stagelint.source import Source
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from stagelint.cache.contexts import Contexts
    from stagelint.project.index import Index
    from stagelint.session import Session

    Lint = Callable[[Options], list[Finding]]


class Results:
    """The findings of one run, some of which are those of an earlier one."""

    def __init__(self, session: Session, folder: Folder) -> None:
        self._session = session
        self.folder = folder
        """Where they are kept."""
        self._texts: dict[str, Source] = {}
        self._settled = Settled()

    def of_file(self, source: Source, options: Options, lint: Lint) -> list[Finding]:
        """The findings in *source*; *lint* finds them, with options like those given."""
        entry = self._name_of(source, options)
        if entry is None:
            return lint(options)
        kept = self._kept(entry, source)
        if kept is not None:
            return kept
        trace = Trace()
        found = lint(trace.watching(options, self._index_of))
        self._keep(entry, source, found, trace)
        return found

    def of_project(
        self, project: Project, ruleset: Ruleset, lint: Callable[[Project], list[Finding]]
    ) -> list[Finding]:
        """The findings in the files of *project* by *ruleset*; *lint* finds them."""
        if not ruleset.is_own:
            return lint(project)
        entry = name("project", project.root, ruleset.settings)
        kept = self._kept(entry, None, project)
        if kept is not None:
            return kept
        trace = Trace()
        found = lint(Observed(project, self._index_of(project), trace))
        self._keep(entry, None, found, trace)
        return found

    def close(self) -> None:
        """Let old entries go."""
        self.folder.prune()

    def _index_of(self, project: Project) -> Index:
        return self._session.index_of(project)

    # -- names -----------------------------------------------------------------------------------

    def _name_of(self, source: Source, options: Options) -> str | None:
        """What the entry of a file is called; None if what is found in it is not kept."""
        path, session = source.path, self._session
        ruleset = session.ruleset_for(path)
        if source.error or not ruleset.is_own or ruleset.of_shellcheck:
            return None
        ignore_name = session.ignore_name_of(path) if options.ignore_file else None
        others = [ignore_name, session.config_for(path).sizes_path]
        texts = [self._text(each) for each in others if each]
        if any(each.error for each in texts):
            return None  # such as a pipe, which says something else each time
        return name("file", path, ruleset.settings, self._settled.text(options), *map(shown, texts))

    def _text(self, path: str) -> Source:
        if path not in self._texts:
            self._texts[path] = discover.read(path, waits=False)
        return self._texts[path]

    # -- entries ---------------------------------------------------------------------------------

    def _kept(
        self, entry: str, source: Source | None, project: Project | None = None
    ) -> list[Finding] | None:
        """What an earlier run has found, if it would find the same now."""
        document: Any = self.folder.read(entry)
        try:
            if document is None or document["text"] != _told(source):
                return None
            if not self._is_answered(document["asked"], source, project):
                return None
            sources = [self._text(path) for path, _ in document["sources"]]
            told = [each for _, each in document["sources"]]
            if list(map(_told, sources)) != told:
                return None
            # One that is still to be written, as a `.dockerignore`, is no error.
            sources = [Source(each.path, "") if each.error else each for each in sources]
            return unpacked(document["found"], [source or _NOWHERE, *sources])
        except (TypeError, ValueError, KeyError, IndexError):
            return None

    def _is_answered(
        self, asked: Sequence[Question], source: Source | None, project: Project | None
    ) -> bool:
        """Has every question the same answer as then?"""
        contexts: Contexts | None = None
        for kind, about, answer in asked:
            if kind == "root":
                project = self._session.project_for(source.path) if source else project
                same = answer == (project.root if project else "")
            elif source and kind in OF_CONTEXTS:
                contexts = contexts or self._contexts_of(source)
                same = contexts.answer(kind, about) == answer
            else:
                same = project is not None and self._index_of(project).answer(kind, about) == answer
            if not same:
                return False
        return True

    def _contexts_of(self, source: Source) -> Contexts:
        from stagelint.cache.contexts import Contexts  # few files have what it matters to

        return Contexts(self._session.contexts_of(source.path))

    def _keep(
        self, entry: str, source: Source | None, found: Sequence[Finding], trace: Trace
    ) -> None:
        if not trace.is_whole:
            return
        rows, sources = packed(found, source)
        if any(each.error for each in sources):
            return
        named = [(each.path, _told(each)) for each in sources]
        document = {
            "text": _told(source),
            "asked": trace.questions,
            "sources": named,
            "found": rows,
        }
        self.folder.write(entry, document)


_NOWHERE = Source("", "")


def _told(source: Source | None) -> str:
    return digest(source.text) if source else ""
