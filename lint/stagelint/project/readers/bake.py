"""Bake files in HCL: `target` blocks, with the variables, the matrix and the targets they inherit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from stagelint.model.project import Build
from stagelint.project import paths
from stagelint.project.bake import Folder, Target, named_beside
from stagelint.project.files import Files
from stagelint.project.hcl import Block, Expression, blocks, blocks_of
from stagelint.project.text import MOST, Text
from stagelint.source import Source

Known = Mapping[str, Sequence[Text]]


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds of the targets in *source*."""
    path = files.path_of(source)
    around = files.shared(("bake", path.rpartition("/")[0]), lambda: _Around(path, files))
    base = paths.of_file(path)
    if "bake" not in path.rpartition("/")[2]:
        base = base._replace(is_certain=False)
    for block in files.parsed(source, blocks):
        if block.kind == "target" and block.labels:
            yield from around.folder.builds(_Target(block, around.variables, {}), base)


class _Around:
    """The variables and the targets of the bake files in a folder."""

    def __init__(self, path: str, files: Files) -> None:
        self._defaults: dict[str, Expression] = {}
        self._values: dict[str, Sequence[Text]] = {}
        targets: dict[str, list[Target]] = {}
        grouped: set[str] = set()
        beside = (each for each in files.beside(path) if each.endswith(".hcl"))
        for block in blocks_of(sorted(beside, key=_order), files):
            if block.kind == "variable" and block.labels:
                default = block.attributes.get("default")
                if default is not None:
                    self._defaults.setdefault(block.labels[0], default)
            elif block.kind == "group" and "targets" in block.attributes:
                entries = block.attributes["targets"].entries()
                grouped.update(text.text for each in entries for text in each.texts(_nothing))
            elif block.kind == "target" and block.labels:
                found = _Target(block, self.variables, {})
                targets.setdefault(block.labels[0], []).append(found)
        elsewhere = named_beside(path, files, merged=".hcl")
        self.folder = Folder(targets, frozenset(grouped), elsewhere)

    def variables(self, name: str) -> Sequence[Text]:
        """The default of a variable: the environment may have another."""
        if name not in self._values:
            self._values[name] = ()  # while it is worked out
            default = self._defaults.get(name)
            if default is not None and not default.is_null:
                self._values[name] = [each.as_default() for each in default.texts(self.variables)]
        return self._values[name]


def _nothing(name: str) -> Sequence[Text]:
    return ()


def _order(path: str) -> tuple[bool, str]:
    return "override" not in path, path


class _Target:
    """A `target` block; *bound* is what a matrix makes of its names."""

    def __init__(self, block: Block, variables: object, bound: Known) -> None:
        self.name = block.labels[0]
        self.source = block.source
        self.span = block.span
        self._block = block
        self._variables = variables
        self._bound = bound

    def _lookup(self, name: str) -> Sequence[Text]:
        found = self._bound.get(name)
        return found if found is not None else self._variables(name)  # type: ignore[operator]

    def texts(self, field: str) -> list[Text] | None:
        expression = self._block.attributes.get(field)
        if expression is None or expression.is_null:
            return None
        return expression.texts(self._lookup)

    def listed(self, field: str) -> list[Text] | None:
        expression = self._block.attributes.get(field)
        if expression is None:
            return None
        if not expression.is_list and not expression.is_null:  # computed
            return expression.texts(self._lookup)
        return [text for each in expression.entries() for text in each.texts(self._lookup)]

    def keys(self, field: str) -> list[Text] | None:
        expression = self._block.attributes.get(field)
        if expression is None:
            return None
        return [text for key, _ in expression.items() for text in key.key(self._lookup)]

    def variants(self) -> Sequence[Target]:
        matrix = self._block.attributes.get("matrix")
        axes: list[list[Known]] = []
        for key, value in matrix.items() if matrix else ():
            axis = [self._bindings(key.written, each) for each in value.entries()]
            if axis:
                axes.append(axis)
        found: list[Target] = []
        for chosen in product(*axes):
            if len(found) > MOST:
                return [self]
            bound = {name: texts for known in chosen for name, texts in known.items()}
            found.append(_Target(self._block, self._variables, bound))
        return found

    def _bindings(self, name: str, value: Expression) -> Known:
        """`name`, or `name.key` for every key of an object."""
        items = list(value.items())
        if not items:
            return {name: value.texts(self._lookup)}
        return {f"{name}.{key.written}": one.texts(self._lookup) for key, one in items}
