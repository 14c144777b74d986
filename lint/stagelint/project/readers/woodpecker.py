"""Drone and Woodpecker: the settings of plugins that build images, and commands of steps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model.project import Build
from stagelint.project import paths, pipelines
from stagelint.project.files import Files
from stagelint.project.interpolation import alternatives
from stagelint.project.text import Text, or_none
from stagelint.project.yaml import Node, documents
from stagelint.source import Source

_KIND = "woodpecker"
_PLUGIN = re.compile(r"docker|buildx|kaniko")


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds that the steps ask for."""
    for document in documents(source):
        for section in ("steps", "pipeline"):
            block = document.get(section)
            if block is None:
                continue
            named = [(key.plain, step) for key, step in block.items()]
            named += [(_name(step), step) for step in block.entries()]
            for name, step in named:
                yield from _step(f"step {name}", step)


def _name(step: Node) -> str:
    name = step.get("name")
    return name.plain if name else ""


def _step(label: str, step: Node) -> Iterator[Build]:
    commands = list(pipelines.lines(step.get("commands")))
    yield from pipelines.builds(_KIND, label, commands)
    image, settings = step.get("image"), step.get("settings")
    if image is None or settings is None or not _PLUGIN.search(image.plain):
        return
    whole = Text.of(settings.source, settings.span)
    context, file, target = (
        alternatives(node.text)[0] if (node := settings.get(key)) and node.text else None
        for key in ("context", "dockerfile", "target")
    )
    for each in or_none([target] if target else []):
        yield Build(
            _KIND,
            label,
            whole.source,
            whole.span,
            paths.dockerfiles(paths.Base(("",)), context, file, whole, in_context=False),
            is_placed=True,
            target=each.value if each else None,
        )
