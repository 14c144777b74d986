"""Tilt: `docker_build`, and the commands of `custom_build` and `local`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model.project import Build
from stagelint.project import paths
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.source import Source

#: Extensions call theirs `docker_build_with_restart` and the like.
_BUILDING = re.compile(r"^docker_build")
_CUSTOM = re.compile(r"^(custom_build|local_resource)")


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds in *source*, whose paths are relative to it."""
    from stagelint.project.python import Module  # takes long to be imported
    from stagelint.project.python_calls import builds, commands

    path = files.path_of(source)
    base = paths.of_file(path, is_certain=True)
    for call in Module(source, path).calls:
        name = call.name
        asker = Asker("tilt", f"function {call.function}" if call.function else "", base)
        if _BUILDING.search(name) and call.keyword("dockerfile_contents") is None:
            context, file = call.argument(1, "context"), call.keyword("dockerfile")
            yield from builds(call, asker, context, file, in_context=False)
        elif _CUSTOM.search(name):
            folder = call.keyword("dir")
            if folder is not None:
                asker = asker._replace(base=base.within(folder.texts()[0].text))
            yield from commands(call, asker, call.argument(1, "command", "cmd"))
        elif name == "local":
            yield from commands(call, asker, call.argument(0, "command"))
