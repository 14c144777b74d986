"""Python: the libraries that build images, and the commands that programs run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from stagelint.model.project import Build, Value
from stagelint.project import command, paths, script
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.text import Text, or_none
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

    yield from _Reader(Module(source, files.path_of(source))).builds()


class _Reader:
    def __init__(self, module: Module) -> None:
        self.module = module
        is_nox = posixpath.basename(module.path) == "noxfile.py"
        base = paths.of_file(module.path, is_certain=True) if is_nox else paths.at_root(module.path)
        moves = any(each.name.endswith(("chdir", ".cd")) for each in module.calls)
        self.base = base._replace(is_certain=False) if moves else base

    def builds(self) -> Iterator[Build]:
        for call in self.module.calls:
            name = call.name.rpartition(".")[2]
            if call.name.endswith(".images.build"):
                yield from self._sdk(call)
            elif name == "build" and "." in call.name:
                yield from self._method(call)
            elif name == "DockerImage" and "testcontainers" in self.module.imports:
                file = call.keyword("dockerfile_path")
                yield from self._builds(call, call.argument(0, "path"), file, in_context=True)
            elif name == "docker_build" and "." in call.name:
                yield from self._dagger(call)
            elif _RUNNING.search(name) and not _NOT_RUNNING.search(name):
                yield from self._command(call)

    def _method(self, call: Call) -> Iterator[Build]:
        """`build` of python-on-whales, or of the SDK's client of the API."""
        imports = self.module.imports
        if "python_on_whales" in imports:
            context = call.argument(0, "context_path")
            yield from self._builds(call, context, call.keyword("file"), in_context=False)
        elif "docker" in imports and call.keyword("path", "fileobj") and call.keyword("tag"):
            yield from self._sdk(call)

    def _sdk(self, call: Call) -> Iterator[Build]:
        if call.keyword("fileobj") is None:
            context, file = call.argument(0, "path"), call.keyword("dockerfile")
            yield from self._builds(call, context, file, in_context=True)

    def _dagger(self, call: Call) -> Iterator[Build]:
        """`client.host().directory("folder").docker_build()`."""
        folder = call.receiver
        context = None
        if folder is not None and folder.name.endswith("directory"):
            context = folder.argument(0, "path")
        yield from self._builds(call, context, call.keyword("dockerfile"), in_context=True)

    def _builds(
        self, call: Call, context: Expression | None, file: Expression | None, *, in_context: bool
    ) -> Iterator[Build]:
        whole = Text.of(call.source, call.span)
        unknown = Text.unknown(call.source, call.span)
        contexts = _may_be(context)
        files = _may_be(file)
        if context is None and (in_context or file is None):
            contexts = [unknown]
        targets = [*_may_be(call.keyword("target"))]
        if call.open:
            targets.append(call.open)
        is_placed = self.base.is_certain and context is not None and call.open is None
        for target in targets:
            for one in contexts:
                for other in files:
                    yield Build(
                        "python",
                        _label(call),
                        call.source,
                        call.span,
                        paths.dockerfiles(self.base, one, other, whole, in_context=in_context),
                        is_placed=is_placed,
                        target=target.value if target else None,
                        args=_names(call, "buildargs", "build_args"),
                        contexts=_names(call, "build_contexts"),
                    )

    def _command(self, call: Call) -> Iterator[Build]:
        asker = Asker("python", _label(call), self._folder(call))
        first = call.argument(0, "args", "cmd", "command")
        if first is None:
            return
        if first.is_list:
            for words in first.words():
                yield from command.builds(words, asker)
        elif len(call.positional()) > 1 and _is_word(first):
            for words in call.words():
                yield from command.builds(words, asker)
        else:
            for text in first.texts():
                yield from script.builds(text, asker)

    def _folder(self, call: Call) -> paths.Base:
        folder = call.keyword("cwd")
        if folder is None or folder.is_none:
            return self.base
        return self.base.within(folder.texts()[0].text)


def _label(call: Call) -> str:
    return f"function {call.function}" if call.function else ""


def _is_word(expression: Expression) -> bool:
    return all(each.is_known and not re.search(r"\s", each.text) for each in expression.texts())


def _may_be(expression: Expression | None) -> list[Text | None]:
    if expression is None or expression.is_none:
        return [None]
    return [*or_none([text for text in expression.texts() if text.text])]


def _names(call: Call, *names: str) -> tuple[Value, ...]:
    table = call.keyword(*names)
    return tuple(each.value for each in table.names()) if table else ()
