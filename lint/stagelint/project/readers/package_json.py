"""npm: the scripts of `package.json`."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.model.project import Build
from stagelint.project import paths, script
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.yaml import json_document
from stagelint.source import Source


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds of the scripts in *source*, which are run in its folder."""
    document = files.parsed(source, json_document)
    scripts = document.get("scripts") if document else None
    base = paths.of_file(files.path_of(source), is_certain=True)
    for name, value in scripts.items() if scripts else ():
        if value.text:
            asker = Asker("npm", f"script {name.plain}", base)
            yield from script.builds(value.text, asker)
