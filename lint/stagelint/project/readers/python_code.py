"""Python: the libraries that build images, and the commands that programs run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from stagelint.model.project import Build
from stagelint.project import paths
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.source import Source

if TYPE_CHECKING:
    from stagelint.project.python import Call, Expression, Module

#: A file without any is not worth to be parsed.
_CALL = re.compile(
    r"""(?:images|api)\.build\(|docker_build\(|testcontainers|python_on_whales|APIClient|kaniko/executor"""
    r"""|(?:docker|podman|nerdctl|finch|depot|buildx|buildah|[}%]).{0,80}?\b(?:build|bud|bake)\s+[^\w\s]"""
)
#: The same as a list of words, with the engine in it or in a variable before.
_WORDS = re.compile(
    r"""(?:["'](?:docker|podman|nerdctl|finch|depot|buildx|buildah)["'].{0,300}?|[\[(]\s*[\w.]+\s*,\s*)"""
    r"""["'](?:build|bud|bake)["']""",
    re.DOTALL,
)
#: What functions that run a command are called.
_RUNNING = re.compile(
    r"run|exec|call|popen|system|shell|cmd|command|spawn|output|sudo|^sh$|^local$", re.IGNORECASE
)
_NOT_RUNNING = re.compile(r"assert|expect|mock|callback|recall|runner", re.IGNORECASE)


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds that a module asks for; it is run in the root of the repository or beside itself."""
    text = source.text
    if not _CALL.search(text) and not _WORDS.search(text):
        return
    from stagelint.project.python import Module  # takes long to be imported

    module = Module(source, files.path_of(source))
    is_nox = posixpath.basename(module.path) == "noxfile.py"
    base = paths.of_file(module.path, is_certain=True) if is_nox else paths.at_root(module.path)
    moves = any(each.name.endswith(("chdir", ".cd")) for each in module.calls)
    yield from _builds(module, base._replace(is_certain=base.is_certain and not moves))


def _builds(module: Module, base: paths.Base) -> Iterator[Build]:
    from stagelint.project.python_calls import builds, commands

    for call in module.calls:
        asker = Asker("python", f"function {call.function}" if call.function else "", base)
        name = call.name.rpartition(".")[2]
        if name == "build" and _is_whales(call, module):
            context, file = call.argument(0, "context_path"), call.keyword("file")
            yield from builds(call, asker, context, file, in_context=False)
        elif name == "build" and _is_sdk(call, module):
            context, file = call.argument(0, "path"), call.keyword("dockerfile")
            yield from builds(call, asker, context, file, in_context=True)
        elif name == "DockerImage" and "testcontainers" in module.imports:
            context, file = call.argument(0, "path"), call.keyword("dockerfile_path")
            yield from builds(call, asker, context, file, in_context=True)
        elif name == "docker_build" and "." in call.name:  # of Dagger
            context, file = _directory(call), call.keyword("dockerfile")
            yield from builds(call, asker, context, file, in_context=True)
        elif _RUNNING.search(name) and not _NOT_RUNNING.search(name):
            folder = call.keyword("cwd")
            if folder is not None and not folder.is_none:
                asker = asker._replace(base=base.within(folder.texts()[0].text))
            yield from commands(call, asker, call.argument(0, "args", "cmd", "command"))


def _is_whales(call: Call, module: Module) -> bool:
    """Is it `build` of python-on-whales?"""
    is_method = "." in call.name and not call.name.endswith(".images.build")
    return is_method and "python_on_whales" in module.imports


def _is_sdk(call: Call, module: Module) -> bool:
    """Is it `build` of the Docker SDK, of its images or of the client of the API?"""
    if call.keyword("fileobj") is not None:
        return False
    is_api = "." in call.name and "docker" in module.imports and call.keyword("path") is not None
    return call.name.endswith(".images.build") or (is_api and call.keyword("tag") is not None)


def _directory(call: Call) -> Expression | None:
    """The folder of `client.host().directory("folder").docker_build()`."""
    folder = call.receiver
    is_known = folder is not None and folder.name.endswith("directory")
    return folder.argument(0, "path") if folder is not None and is_known else None
