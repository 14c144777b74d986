"""Task: the commands of a Taskfile, with variables as far as they are plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stagelint.model.project import Build
from stagelint.project import ci, paths, script
from stagelint.project.ci import Known
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.text import Text, expand
from stagelint.project.yaml import Node, documents
from stagelint.source import Source
from stagelint.tuples import NamedTuple

_EXPRESSION = re.compile(
    r"\{\{-?\s*(?:"
    r"\.(?P<name>[\w.]+)(?:\s*\|\s*default\s+[\"'`](?P<default>[^\"'`{}\\]*)[\"'`])?"
    r"|default\s+[\"'`](?P<first>[^\"'`{}\\]*)[\"'`]\s+\.(?P<last>\w+)"
    r"|[^{}]*?)\s*-?\}\}"
)
#: The folder of the Taskfile, unless another one includes it.
_FOLDERS = frozenset(("ROOT_DIR", "TASKFILE_DIR"))


class _Command(NamedTuple):
    """A command or a call of a task, and what a loop around it sets."""

    node: Node
    known: Known


class _Taskfile(NamedTuple):
    source: Source
    tasks: dict[str, Node]
    known: Known
    env: Known
    base: paths.Base


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds in the commands of all tasks, once for each way that a task is called."""
    base = paths.of_file(files.path_of(source))
    for document in documents(source):
        tasks = document.get("tasks")
        if tasks is None:
            continue
        known = _variables(document.get("vars"), {})
        env = _variables(document.get("env"), known)
        by_name = {key.plain: node for key, node in tasks.items()}
        yield from _builds(_Taskfile(source, by_name, known, env, base))


def _builds(file: _Taskfile) -> Iterator[Build]:
    calls: dict[str, list[Known]] = {}
    for name, task in file.tasks.items():
        known = _known(task, name, file.known)
        for call in (*_commands(task, "cmds", known), *_commands(task, "deps", known)):
            called, given = call.node.get("task"), call.node.get("vars")
            if called is not None and given is not None:
                own = _variables(given, call.known)
                names = {key.plain for key, _ in given.items()} & own.keys()
                calls.setdefault(called.plain, []).append({each: own[each] for each in names})
    for name, task in file.tasks.items():
        ways: list[Known] = calls.get(name, [])
        if not ways or task.get("vars") is not None:  # who calls it by hand gives nothing
            ways = [*ways, {}]
        for told in ways:
            yield from _task(name, task, {**file.known, **told}, file)


def _known(task: Node, name: str, outer: Known) -> Known:
    """What the commands of a task know: its name, values it requires, and its own variables."""
    known = dict(outer)
    required = task.get("requires", "vars")
    for each in required.entries() if required else ():
        variable, values = each.get("name"), each.get("enum")
        if variable is not None and values is not None and variable.plain not in known:
            known[variable.plain] = [text.as_default() for text in values.texts]
    return {**_variables(task.get("vars"), known), "TASK": [_named(task, name)]}


def _named(task: Node, name: str) -> Text:
    whole = Text.of(task.source, task.span)
    return Text([whole.pieces[0]._replace(text=name)])


def _task(name: str, task: Node, outer: Known, file: _Taskfile) -> Iterator[Build]:
    known = _known(task, name, outer)
    base = file.base
    folder = task.get("dir")
    if folder is not None and folder.text and folder.plain:
        base = base.within(_expanded(folder.text, known)[0].text)
    env = {**file.env, **_variables(task.get("env"), known)}
    asker = Asker("taskfile", f"task {name}", base)
    for each in _commands(task, "cmds", known):
        node = each.node.get("cmd") or each.node.get("defer") or each.node
        if node.text is not None and node.text.text:
            for text in _expanded(node.text, each.known):
                yield from script.builds(text, asker, env)


def _commands(task: Node, field: str, known: Known) -> Iterator[_Command]:
    """The commands of a task, or what it depends upon; the short forms have commands alone."""
    if task.is_mapping:
        nodes = [node for name in (field, field[:-1]) if (node := task.get(name))]
    else:
        nodes = [task] if field == "cmds" else []
    for node in nodes:
        for each in node.entries() or [node]:
            yield _Command(each, {**known, **_loop(each, known)})


def _loop(node: Node, known: Known) -> Known:
    """What `for` makes of the variables of a command."""
    loop = node.get("for")
    if loop is None:
        return {}
    name = loop.get("as")
    item = name.plain if name else "ITEM"
    matrix, variable, listed = loop.get("matrix"), loop.get("var"), loop.get("list")
    if matrix is not None:
        return {f"{item}.{key.plain}": value.texts for key, value in matrix.items()}
    if variable is not None:
        words = [word for text in known.get(variable.plain, ()) for word in text.split()]
        return {item: known.get(f"{variable.plain}[]") or words}
    return {item: (listed or loop).texts if (listed or loop).is_sequence else []}


def _variables(node: Node | None, outer: Known) -> Known:
    """The variables of a block besides the *outer* ones; lists under their names with `[]`."""
    known = dict(outer)
    for key, value in node.items() if node else ():
        text = value.text
        if value.is_sequence:
            known[f"{key.plain}[]"] = value.texts
        if text is not None:
            known[key.plain] = ci.short(text, lambda text: _expanded(text, known))
        else:  # what a command prints, or a list
            known[key.plain] = [Text.unknown(value.source, value.span)]
    return known


def _expanded(text: Text, known: Known) -> list[Text]:
    def value(match: re.Match[str], whole: Text) -> Sequence[Text]:
        name = match["name"] or match["last"] or ""
        if name in _FOLDERS:
            return [whole.standing_for(paths.HERE)]
        found = known.get(name)
        if found:
            return found
        for group in ("default", "first"):
            if match[group] is not None:
                start, end = match.span(group)
                return [whole[start - match.start() : end - match.start()].as_default()]
        return [whole.as_unknown()]

    return expand(text, _EXPRESSION, value)
