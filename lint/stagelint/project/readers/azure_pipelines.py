"""Azure Pipelines: scripts and the Docker task, in pipelines and in templates of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from stagelint.model.project import Build
from stagelint.project import ci, paths, script
from stagelint.project.ci import Known
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.text import Text, expand
from stagelint.project.yaml import Node, documents
from stagelint.source import Source
from stagelint.tuples import NamedTuple

#: None goes on behind the beginning of another one, or many that never end would take long.
_EXPRESSION = re.compile(
    r"\$\{\{(?P<template>(?:(?!\$\{\{).)*?)\}\}|(?P<root>\$\((?:pipeline\.workspace|agent\.builddirectory)\)/s\b)"
    r"|\$\((?P<macro>[\w.-]+)\)",
    re.DOTALL | re.IGNORECASE,
)
_INDEX = re.compile(r"\[\s*'([^']*)'\s*\]")
_ROOTS = ("build.sourcesdirectory", "system.defaultworkingdirectory", "build.repository.localpath")
_GLOB = re.compile(r"\*+/?")
_SHELL_TASK = re.compile(r"(?:bash|cmdline|shellscript)@", re.IGNORECASE)

#: Nodes of a file that are looked at, nested so deep.
_NODES, _DEPTH = 20_000, 60


class _Scope(NamedTuple):
    """Where a step stands: names, in lower case, as expressions write them."""

    label: str
    known: Known
    env: Known
    """The same as scripts have them in their environment."""
    is_root: bool = True
    """Is the repository where steps run?"""

    @property
    def base(self) -> paths.Base:
        return paths.Base(("",), self.is_root)


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds that the steps of a pipeline or of a template ask for."""
    for document in documents(source):
        yield from _Pipeline().builds(document, _Scope("", _parameters(document), {}), 0)


class _Pipeline:
    def __init__(self) -> None:
        self.nodes = 0

    def builds(self, node: Node, scope: _Scope, depth: int) -> Iterator[Build]:
        """The builds of the steps in *node*, however deep."""
        self.nodes += 1
        if self.nodes > _NODES or depth > _DEPTH:
            return
        if not node.is_mapping:
            for each in node.entries():
                yield from self.builds(each, scope, depth + 1)
            return
        steps = node.get("steps")
        if steps is not None and sum("checkout" in _fields(each) for each in steps.entries()) > 1:
            scope = scope._replace(is_root=False)  # each repository gets a folder of its own
        job = node.get("job") or node.get("deployment")
        if job is not None and job.plain:
            scope = scope._replace(label=f"job {job.plain}")
        variables = node.get("variables")
        if variables is not None:
            scope = _within(scope, _with_variables(variables, scope.known))
        yield from _step(node, scope)
        for run in _runs(node):
            inner = _within(scope, {**scope.known, **run}) if run else scope
            for each in node.children:
                yield from self.builds(each, inner, depth + 1)


def _within(scope: _Scope, known: Known) -> _Scope:
    env = {name.upper().replace(".", "_"): texts for name, texts in known.items()}
    return scope._replace(known=known, env=env)


def _fields(node: Node) -> Mapping[str, Node]:
    """A mapping by its keys, whose case does not matter."""
    return {key.plain.lower(): value for key, value in node.items() if not value.is_null}


def _parameters(document: Node) -> Known:
    """The defaults of the parameters of a template or a pipeline, and the values they may have."""
    found: dict[str, Sequence[Text]] = {}
    parameters = document.get("parameters")
    for each in parameters.entries() if parameters else ():
        name = each.get("name")
        told = [node for key in ("default", "values") if (node := each.get(key))]
        if name is not None:
            _add(found, f"parameters.{name.plain}", [t for node in told for t in node.texts])
    for key, value in parameters.items() if parameters else ():
        _add(found, f"parameters.{key.plain}", value.texts if value.is_scalar else [])
    return found


def _add(found: dict[str, Sequence[Text]], name: str, texts: Sequence[Text]) -> None:
    unique = {text.text: text.as_default() for text in reversed(texts)}
    if unique:
        found[name.lower()] = list(unique.values())[::-1]


def _with_variables(node: Node, outer: Known) -> Known:
    """The variables of a block; under conditions, one may have several values."""
    own: dict[str, list[Text]] = {}
    known = dict(outer)
    for name, text in islice(_pairs(node, 0), _NODES):
        texts = ci.short(text, lambda text: _expanded(text, known))
        own.setdefault(name.lower(), []).extend(texts)
        for key in (name.lower(), f"variables.{name.lower()}"):
            known[key] = own[name.lower()]
    return known


def _pairs(node: Node, depth: int) -> Iterator[tuple[str, Text]]:
    if depth > _DEPTH:
        return
    for each in node.entries():
        name, value = each.get("name"), each.get("value")
        if name is not None and value is not None and value.text:
            yield name.plain, value.text
        elif name is None:
            yield from _pairs(each, depth + 1)
    for key, value in node.items():
        if key.plain.startswith("${{"):
            yield from _pairs(value, depth + 1)
        elif value.text:
            yield key.plain, value.text


def _runs(job: Node) -> Iterator[Known]:
    """The variables that a matrix sets in each run of a job."""
    matrix = job.get("strategy", "matrix")
    for run in matrix.children if matrix else ():
        yield {key.plain.lower(): [value.text] for key, value in run.items() if value.text}
    if not (matrix and matrix.children):
        yield {}


def _step(node: Node, scope: _Scope) -> Iterator[Build]:
    fields = _fields(node)
    task = fields["task"].plain.lower() if "task" in fields else ""
    given: Mapping[str, Node] = _fields(fields["inputs"]) if "inputs" in fields else {}
    text: Node | None = None
    if "script" in fields or "bash" in fields:
        text = fields.get("script") or fields["bash"]
        given = fields
    elif _SHELL_TASK.match(task):
        text = given.get("script")
    elif task.startswith("azurecli@") and "ps" not in _plain(given, "scripttype"):
        text = given.get("inlinescript")
    elif task.startswith("docker@") and given:
        yield from _docker(fields["inputs"], given, scope)
    if text is not None and text.text:
        yield from _scripted(text.text, fields, given, scope)


def _plain(fields: Mapping[str, Node], name: str) -> str:
    return fields[name].plain.lower() if name in fields else ""


def _scripted(
    text: Text, step: Mapping[str, Node], given: Mapping[str, Node], scope: _Scope
) -> Iterator[Build]:
    base = scope.base
    folder = given.get("workingdirectory") or given.get("cwd")
    if folder is not None and folder.text and folder.plain:
        base = base.within(_expanded(folder.text, scope.known)[0].text)
    env = scope.env
    if "env" in step:
        own = {key.plain: written for key, value in step["env"].items() if (written := value.text)}
        env = {**env, **{name: _expanded(text, scope.known) for name, text in own.items()}}
    for each in _expanded(text, scope.known):
        yield from script.builds(each, Asker("azure-pipelines", scope.label, base), env)


def _docker(inputs: Node, given: Mapping[str, Node], scope: _Scope) -> Iterator[Build]:
    """The Docker task; what also pushes takes no arguments."""
    command = _plain(given, "command") or "buildandpush"
    if not command.startswith("build"):
        return
    options = (
        given["arguments"].text if "arguments" in given and command != "buildandpush" else None
    )
    whole = Text.of(inputs.source, inputs.span)
    file = given["dockerfile"].text if "dockerfile" in given else None
    place: Sequence[Text | str] = [whole.as_unknown(), "Dockerfile"]
    if file is not None:
        place = expand(file, _GLOB, lambda _, part: [part.as_unknown()])
    line = ["docker", " build ", options or "", " -f ", *place, " ."]
    text = ci.command_line(line, inputs.source, inputs.span)
    for each in _expanded(text, scope.known):
        yield from script.builds(each, Asker("azure-pipelines", scope.label, scope.base))


def _expanded(text: Text, known: Known) -> list[Text]:
    """What *text* may be; `$(name)` of a variable that is not known may be a command as well."""

    def value(match: re.Match[str], whole: Text) -> Sequence[Text]:
        name = _INDEX.sub(r".\1", (match["template"] or "").strip() or match["macro"] or "").lower()
        if match["root"] or name.removeprefix("variables.") in _ROOTS:
            return [whole.standing_for(paths.TOP)]
        if name in known:
            return known[name]
        is_command = match["macro"] and "." not in name
        return [whole if is_command else whole.as_unknown()]

    return expand(text, _EXPRESSION, value)
