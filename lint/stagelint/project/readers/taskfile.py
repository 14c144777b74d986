"""Taskfile: the commands of tasks, with variables that are plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from stagelint.model.project import Build
from stagelint.project import paths, pipelines
from stagelint.project.files import Files
from stagelint.project.text import Text, expand
from stagelint.project.yaml import Node, documents
from stagelint.source import Source

_TEMPLATE = re.compile(r"\{\{\s*(?:\.(\w+)\s*)?.*?\}\}", re.DOTALL)

Known = Mapping[str, Sequence[Text]]


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds of the commands; they run in the folder of the file, or in `dir`."""
    base = paths.of_file(files.path_of(source), is_certain=True)
    for document in documents(source):
        known = _variables(document, {})
        tasks = document.get("tasks")
        for key, task in tasks.items() if tasks else ():
            yield from _task(key.plain, task, known, base)


def _variables(node: Node, outer: Known) -> Known:
    """Texts; what is computed (`sh:`) is not known. `env` of a run goes before."""
    found = dict(outer)
    block = node.get("vars")
    for key, value in block.items() if block else ():
        found.pop(key.plain, None)
        if value.text:
            found[key.plain] = _expanded(value.text, found)
    return found


def _task(name: str, task: Node, outer: Known, base: paths.Base) -> Iterator[Build]:
    known = _variables(task, outer)
    folder = task.get("dir")
    if folder is not None and folder.text:
        base = base.within(_expanded(folder.text, known)[0].text)
    cmds = task if task.is_sequence or task.is_scalar else task.get("cmds") or task.get("cmd")
    for text in _commands(cmds):
        for each in _expanded(text, known):
            yield from pipelines.builds("taskfile", f"task {name}", [each], None, base)


def _commands(node: Node | None) -> Iterator[Text]:
    """Each command is a shell of its own."""
    if node is None:
        return
    for each in node.entries() if node.is_sequence else [node]:
        text = each.text or ((inner := each.get("cmd")) and inner.text) or None
        if text is not None:
            yield text


def _expanded(text: Text, known: Known) -> list[Text]:
    def value(match: re.Match[str], whole: Text) -> Sequence[Text]:
        is_plain = re.fullmatch(r"\{\{\s*\.\w+\s*\}\}", match[0])
        found = known.get(match[1] or "") if is_plain else None
        if match[1] in ("ROOT_DIR", "TASKFILE_DIR", "USER_WORKING_DIR") and is_plain:
            return [Text([whole.pieces[0]._replace(text=".", span=whole.span)])]
        return found or [Text.unknown(whole.source, whole.span)]

    return expand(text, _TEMPLATE, value)
