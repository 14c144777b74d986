"""Bitbucket Pipelines: the scripts of steps."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.model.project import Build
from stagelint.project import pipelines
from stagelint.project.files import Files
from stagelint.project.yaml import documents
from stagelint.source import Source


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds that the steps ask for, wherever these stand."""
    for document in documents(source):
        for node in document.walk():
            name = node.get("name")
            label = f"step {name.plain}" if name else ""
            for field in ("script", "after-script"):
                commands = list(pipelines.lines(node.get(field)))
                yield from pipelines.builds("bitbucket-pipelines", label, commands)
