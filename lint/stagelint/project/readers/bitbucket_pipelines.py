"""Bitbucket Pipelines: the scripts of all steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stagelint.model.project import Build
from stagelint.project import ci, paths, script
from stagelint.project.ci import Known
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.text import Text
from stagelint.project.yaml import Node, documents
from stagelint.source import Source


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds in the scripts of a pipeline; they start in the root of the repository."""
    for document in documents(source):
        nodes = list(ci.mappings(document))
        known = _variables(nodes)
        seen: set[int] = set()
        for step in nodes:
            name = step.get("name")
            asker = Asker(
                "bitbucket-pipelines", f"step {name.plain}" if name else "", paths.Base(("",))
            )
            for key in ("script", "after-script"):
                lines = step.get(key)
                if lines is not None and lines.id not in seen:  # steps are merged into others
                    seen.add(lines.id)
                    text = ci.script(lines)
                    yield from script.builds(text, asker, known) if text else ()


def _variables(nodes: Sequence[Node]) -> Known:
    """What the variables of pipelines that are started by hand may be."""
    found: dict[str, dict[str, Text]] = {}
    for node in nodes:
        variables = node.get("variables")
        for each in variables.entries() if variables else ():
            name = each.get("name")
            told = [one for key in ("default", "allowed-values") if (one := each.get(key))]
            if name is not None:
                texts = {text.text: text.as_default() for values in told for text in values.texts}
                found.setdefault(name.plain, {}).update(texts)
    return {name: list(texts.values()) for name, texts in found.items() if texts}
