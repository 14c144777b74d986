"""Terraform: the images that its Docker provider builds, and the commands that it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from stagelint.model.project import Build, Value
from stagelint.project import paths, script
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.hcl import Block, Expression, blocks, blocks_of
from stagelint.project.paths import HERE
from stagelint.project.text import Piece, Text, or_none
from stagelint.source import Source, Span

_RESOURCES = ("docker_image", "docker_registry_image")


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds of the resources in *source*, whose paths begin where Terraform is run."""
    path = files.path_of(source)
    folder = path.rpartition("/")[0]
    module = files.shared(("terraform", folder), lambda: _Module(path, files))
    base = paths.of_file(path)
    for resource in files.parsed(source, blocks):
        if resource.kind == "resource" and resource.labels:
            label = ".".join(resource.labels)
            for block in resource.blocks:
                known = _Lookup(block, module)
                if block.kind == "build" and resource.labels[0] in _RESOURCES:
                    yield from _builds(known, label, base)
                elif block.kind == "provisioner" and block.labels == ["local-exec"]:
                    yield from _commands(known, label, base)


class _Module:
    """What the files of a folder know by name."""

    def __init__(self, path: str, files: Files) -> None:
        self._expressions: dict[str, Expression] = {}
        self._values: dict[str, Sequence[Text]] = {}
        beside = (each for each in files.beside(path) if each.endswith(".tf"))
        for block in blocks_of(beside, files):
            if block.kind == "variable" and block.labels:
                default = block.attributes.get("default")
                if default is not None and not default.is_null:
                    self._expressions[f"var.{block.labels[0]}"] = default
            elif block.kind == "locals":
                for name, value in block.attributes.items():
                    self._expressions[f"local.{name}"] = value

    def value(self, name: str) -> Sequence[Text]:
        """What a local is, or a variable by default."""
        if name not in self._values:
            self._values[name] = ()  # while it is worked out
            expression = self._expressions.get(name)
            if expression is not None:
                texts = expression.texts(self.value)
                is_default = name.startswith("var.")
                self._values[name] = [each.as_default() for each in texts] if is_default else texts
        return self._values[name]


class _Lookup:
    """What names stand for in a block."""

    def __init__(self, block: Block, module: _Module) -> None:
        self.block = block
        self._module = module

    def value(self, name: str) -> Sequence[Text]:
        if name in ("path.module", "path.root"):
            start = self.block.span.start
            return [Text([Piece(HERE, self.block.source, Span(start, start))])]
        return self._module.value(name)

    def texts(self, name: str) -> Sequence[Text | None]:
        """What an attribute may be."""
        expression = self.block.attributes.get(name)
        if expression is None or expression.is_null:
            return [None]
        return or_none([each for each in expression.texts(self.value) if each.text])

    def keys(self, name: str) -> list[Value]:
        """The keys of a table."""
        table = self.block.attributes.get(name)
        items = table.items() if table else ()
        return [text.value for key, _ in items for text in key.key(self.value)]

    def names(self, name: str) -> list[Value]:
        """What stands before `=` in the entries of a list."""
        entries = table.entries() if (table := self.block.attributes.get(name)) else []
        texts = [text for each in entries for text in each.texts(self.value)]
        return [text.partition("=")[0].value for text in texts]


def _builds(known: _Lookup, label: str, base: paths.Base) -> Iterator[Build]:
    block = known.block
    whole = Text.of(block.source, block.span)
    fields = [known.texts(name) for name in ("context", "dockerfile", "target")]
    for context, dockerfile, target in product(*fields):
        yield Build(
            "terraform",
            label,
            block.source,
            block.span,
            paths.dockerfiles(base, context, dockerfile, whole, in_context=True),
            is_placed=base.is_certain or (context is not None and HERE in context.text),
            target=target.value if target else None,
            args=(*known.keys("build_args"), *known.keys("build_arg")),
            contexts=tuple(known.names("additional_contexts")),
        )


def _commands(known: _Lookup, label: str, base: paths.Base) -> Iterator[Build]:
    """The command of a provisioner."""
    folder = known.texts("working_dir")[0]
    asker = Asker("terraform", label, base.within(folder.text) if folder else base)
    for text in known.texts("command"):
        if text is not None:
            yield from script.builds(text, asker)
