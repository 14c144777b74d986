"""Azure Pipelines: script steps and the task `Docker@2`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stagelint.model.project import Build
from stagelint.project import paths, pipelines
from stagelint.project.files import Files
from stagelint.project.pipelines import Variables
from stagelint.project.text import Text, expand
from stagelint.project.yaml import Node, documents
from stagelint.source import Source

_KIND = "azure-pipelines"
_MACRO = re.compile(r"\$\(([\w.]+)\)|\$\{\{\s*(?:variables|parameters)\.(\w+)\s*\}\}|\$\{\{.*?\}\}")
_DOCKER = re.compile(r"Docker@\d", re.IGNORECASE)


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds that the steps ask for, wherever these stand."""
    for document in documents(source):
        known: dict[str, Sequence[Text]] = {}
        nodes = list(document.walk())
        for node in nodes:  # of jobs and stages too: a name seldom means two things in a file
            for name, texts in _variables(node).items():
                known[name] = [*known.get(name, ()), *texts]
        for node in nodes:
            yield from _step(node, known)


def _variables(node: Node) -> Variables:
    """Mappings, or lists of `name` and `value`; parameters have a `default`."""
    found = dict(pipelines.variables(node.get("variables")))
    for section, field in (("variables", "value"), ("parameters", "default")):
        block = node.get(section)
        for each in block.entries() if block else ():
            name, value = each.get("name"), each.get(field)
            if name and value and value.text:
                allowed = each.get("values")
                texts = [value.text, *(allowed.texts if allowed else ())]
                found[name.plain] = [text.as_default() for text in texts]
    return found


def _step(node: Node, known: Variables) -> Iterator[Build]:
    task = node.get("task")
    script = node.get("script") or node.get("bash")
    if script is not None and script.text:
        base = paths.Base(("",))
        folder = node.get("workingDirectory")
        if folder is not None and folder.text:
            base = base.within(_expanded(folder.text, known)[0].text)
        for text in _expanded(script.text, known):
            yield from pipelines.builds(_KIND, "", [text], known, base)
    elif task is not None and _DOCKER.match(task.plain):
        given = node.get("inputs")
        what = given.get("command") if given else None
        if given is not None and what is not None and what.plain == "build":
            yield from _task(given, known)


def _task(given: Node, known: Variables) -> Iterator[Build]:
    """`arguments` are options of `docker build`; of the Dockerfile, `**/` is searched for."""
    whole = Text.of(given.source, given.span)
    file, context, extra = (
        _expanded(node.text, known)[0] if (node := given.get(key)) and node.text else None
        for key in ("Dockerfile", "buildContext", "arguments")
    )
    unknown = Text.unknown(whole.source, whole.span)
    if file is None or "*" in file.text:
        file, context = unknown, None
    words = extra.split() if extra else []
    targets: list[Text | None] = []
    for at, word in enumerate(words):
        name, value = word.partition("=")
        if name.text == "--target":
            targets.append(value or (words[at + 1] if at + 1 < len(words) else None))
    places = paths.dockerfiles(paths.Base(("",)), context, file, whole, in_context=False)
    for target in targets or [None]:
        yield Build(
            _KIND,
            "task Docker",
            whole.source,
            whole.span,
            places,
            is_placed=file is not unknown,
            target=target.value if target else None,
        )


def _expanded(text: Text, known: Variables) -> list[Text]:
    def value(match: re.Match[str], whole: Text) -> Sequence[Text]:
        name = match[1] or match[2] or ""
        if name in ("Build.SourcesDirectory", "System.DefaultWorkingDirectory"):
            return [Text([whole.pieces[0]._replace(text=paths.TOP, span=whole.span)])]
        return known.get(name) or [Text.unknown(whole.source, whole.span)]

    return expand(text, _MACRO, value)
