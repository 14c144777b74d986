"""Bake files in JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from stagelint.model.project import Build
from stagelint.project import paths
from stagelint.project.bake import Folder, Target, named_beside
from stagelint.project.files import Files
from stagelint.project.interpolation import alternatives
from stagelint.project.text import Text
from stagelint.project.yaml import Node, json_document
from stagelint.source import Source


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds of the targets in *source*."""
    document = files.parsed(source, json_document)
    targets = document.get("target") if document else None
    if document is None or targets is None:
        return
    known = _variables(document)
    found = {key.plain: _Target(key.plain, node, known) for key, node in targets.items()}
    by_name = {name: cast("Sequence[Target]", [each]) for name, each in found.items()}
    groups = document.get("group")
    lists = [node.get("targets") for _, node in groups.items()] if groups else []
    grouped = frozenset(text.text for each in lists if each is not None for text in each.texts)
    path = files.path_of(source)
    folder = Folder(by_name, grouped, named_beside(path, files, merged=path))
    base = paths.of_file(files.path_of(source), is_certain=False)
    for each in found.values():
        yield from folder.builds(each, base)


def _variables(document: Node) -> Mapping[str, Text]:
    variables = document.get("variable")
    found: dict[str, Text] = {}
    for key, node in variables.items() if variables else ():
        default = node.get("default")
        if default is not None and default.text:
            found[key.plain] = default.text
    return found


class _Target:
    """A target, which stands behind its name."""

    def __init__(self, name: str, node: Node, known: Mapping[str, Text]) -> None:
        self.name = name
        self.source = node.source
        self.span = node.span
        self._node = node
        self._known = known

    def texts(self, field: str) -> list[Text] | None:
        node = self._node.get(field)
        return self._expanded(node.texts) if node else None

    def listed(self, field: str) -> list[Text] | None:
        return self.texts(field)

    def keys(self, field: str) -> list[Text] | None:
        node = self._node.get(field)
        if node is None:
            return None
        return self._expanded([key.text for key, _ in node.items() if key.text])

    def _expanded(self, texts: Sequence[Text]) -> list[Text]:
        return [each for text in texts for each in alternatives(text, self._known)]

    def variants(self) -> Sequence[Target]:
        return [self]
