"""Development containers: `build` in `devcontainer.json`, and what is run before it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from stagelint.model.project import Build
from stagelint.project import command, paths, script
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.paths import TOP
from stagelint.project.text import Piece, Text, expand
from stagelint.project.yaml import Node, json_document
from stagelint.source import Source

_VARIABLE = re.compile(
    r"\$\{(?:(?P<folder>localWorkspaceFolder)|(?:localEnv|env):\w+(?::(?P<default>[^{}]*))?|[^{}]*)\}"
)


def read(source: Source, files: Files) -> Iterator[Build]:
    """The image of a container, whose paths are relative to the file that describes it."""
    document = files.parsed(source, json_document)
    if document is None:
        return
    folder = posixpath.dirname(files.path_of(source))
    words = _words(document)
    if words:
        base = paths.Base((folder,), here=folder)
        yield from command.builds(words, Asker("devcontainer", "", base))
    before = document.get("initializeCommand")
    if before is not None:
        base = paths.Base((folder.rpartition(".devcontainer")[0].rstrip("/"),), here=folder)
        yield from _commands(before, Asker("devcontainer", "initializeCommand", base))


def _words(document: Node) -> list[Text]:
    """The image as the command that builds it; nothing if it is not built from a Dockerfile."""
    build = document.get("build")
    file = (build.get("dockerfile") if build else None) or document.get("dockerFile")
    if file is None or file.text is None:
        return []

    def word(text: str) -> Text:
        return Text([Piece(text, document.source, (build or file).span)])

    found = [word("docker"), word("build"), word("--file"), _known(file.text)]
    target = build.get("target") if build else None
    if target is not None and target.text and target.text.text:
        found += (word("--target"), _known(target.text))
    args = build.get("args") if build else None
    for name, _ in args.items() if args else ():
        if name.text:
            found += (word("--build-arg"), name.text)
    options = build.get("options") if build else None
    found += [_known(each) for each in options.texts] if options else []
    context = (build.get("context") if build else None) or document.get("context")
    return [*found, _known(context.text) if context and context.text else word(".")]


def _commands(node: Node, asker: Asker) -> Iterator[Build]:
    """A command line, a list of words, or a table of several."""
    for each in [value for _, value in node.items()] or [node]:
        if each.is_sequence:
            yield from command.builds([_known(word) for word in each.texts], asker)
        elif each.text:
            yield from script.builds(_known(each.text), asker)


def _known(text: Text) -> Text:
    """*text* without variables."""

    def value(match: re.Match[str], whole: Text) -> list[Text]:
        if match["folder"]:
            return [Text([Piece(TOP, whole.source, whole.span)])]
        if match["default"]:
            start, end = (at - match.start() for at in match.span("default"))
            return [whole[start:end].as_default()]
        return [whole.as_unknown()]

    return expand(text, _VARIABLE, value)[0]
