"""The repository around the Dockerfiles: who asks for which target, in which file and where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from stagelint import discover
from stagelint.cache.folder import Folder
from stagelint.model.file import File
from stagelint.model.project import Build, Project, is_foreign, writes
from stagelint.project.files import Files
from stagelint.project.index import Index
from stagelint.project.readers import Reader, reader_of
from stagelint.source import Source


def project(
    root: str,
    file_of: Callable[[Source], File],
    changed: Mapping[str, Source] | None = None,
) -> Project:
    """The repository in the folder *root*; nothing is read before it is needed.

    *file_of* makes a Dockerfile of a text. *changed* are other texts for files, by their paths as
    the user calls them.
    """
    return _project(Files(root, changed), file_of, changed or {}, set())


def indexed(
    root: str, file_of: Callable[[Source], File], folder: Folder, listed: discover.Listed
) -> Index:
    """The same, with what earlier runs have kept of it in *folder*; *listed* as for `Files`."""
    files, understood = Files(root, listed=listed), set[str]()
    index = Index(files, understood, folder)
    index.project = _project(files, file_of, {}, understood, index)
    return index


def _project(
    files: Files,
    file_of: Callable[[Source], File],
    changed: Mapping[str, Source],
    understood: set[str],
    index: Index | None = None,
) -> Project:
    """*understood* gets the files that have no targets besides those of their builds."""

    def dockerfile(path: str) -> File | None:
        name = files.shown(path)
        source = changed.get(name) or discover.read(name, waits=False)
        return None if source.error else file_of(source)

    def text(path: str) -> str | None:
        source = files.text(path) if files.exists(path) else None
        return source.text if source else None

    def builds() -> Iterable[Build]:
        return _builds(files, understood)

    def mentions() -> Iterable[Build]:
        return _mentions(files, understood)

    return Project(
        files.root,
        files=lambda: files.paths,
        builds=(lambda: index.builds(builds)) if index else builds,
        mentions=(lambda: index.mentions(mentions)) if index else mentions,
        dockerfile=dockerfile,
        is_dockerfile=discover.is_dockerfile,
        makers=lambda path: _makers(files, path),
        text=text,
        notes=files.notes,
    )


def _builds(files: Files, understood: set[str]) -> Iterator[Build]:
    """All builds; adds to *understood* the files that have no targets besides."""
    for path in files.paths:
        reader = None if is_foreign(path) else reader_of(path)
        if reader is not None:
            found = _read(path, reader, files)
            if found and reader.is_complete:
                understood.add(path)
            yield from found


def _makers(files: Files, path: str) -> Iterator[str]:
    """The scripts and Makefiles that seem to write the file *path*."""
    name = path.rpartition("/")[2].lower()
    if name == "dockerfile":
        return
    for each, low in files.shared(_readable, lambda: list(_readable(files))):
        source = files.source(each) if name in low else None
        if source is not None and writes(source.text, path):
            yield each


def _readable(files: Files) -> Iterator[tuple[str, str]]:
    """The files of the project itself that somebody reads, each with its text in lower case."""
    for path in files.paths:
        source = None if is_foreign(path) or not reader_of(path) else files.source(path)
        if source is not None:
            yield path, source.text.lower()


def _mentions(files: Files, understood: set[str]) -> Iterator[Build]:
    from stagelint.project.hints import mentions

    return mentions(files, understood)


def _read(path: str, reader: Reader, files: Files) -> list[Build]:
    """The builds in a file; one that cannot be read is noted."""
    from stagelint.project.yaml import Broken

    source = files.telling(path, reader.telling)
    if source is None:
        return []
    try:
        return list(dict.fromkeys(reader.load()(source, files)))  # some are asked for in turns
    except (Broken, RecursionError) as error:
        files.note(path, str(error) or "is nested too deeply")
        return []
