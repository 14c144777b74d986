"""Skaffold: the artifacts of `build`, and of profiles."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model.project import UNKNOWN, Build, Value
from stagelint.project import paths
from stagelint.project.files import Files
from stagelint.project.text import Text, expand, or_none
from stagelint.project.yaml import Node, documents
from stagelint.source import Source

_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds of all artifacts; paths are relative to the file."""
    base = paths.of_file(files.path_of(source), is_certain=True)
    for document in documents(source):
        profiles = document.get("profiles")
        for node in (document, *(profiles.entries() if profiles else ())):
            artifacts = node.get("build", "artifacts")
            for each in artifacts.entries() if artifacts else ():
                yield from _artifact(each, base)


def _artifact(artifact: Node, base: paths.Base) -> Iterator[Build]:
    image = artifact.get("image")
    whole = Text.of(artifact.source, artifact.span)
    context = artifact.get("context")
    for kind in ("docker", "kaniko"):
        given = artifact.get(kind)
        if given is None and not (kind == "docker" and _is_plain(artifact)):
            continue
        dockerfile = given.get("dockerfile") if given else None
        for target in or_none(_texts(given, "target")):
            yield Build(
                "skaffold",
                f"artifact {image.plain}" if image else "",
                whole.source,
                whole.span,
                paths.dockerfiles(
                    base,
                    _expanded(context.text) if context and context.text else None,
                    _expanded(dockerfile.text) if dockerfile and dockerfile.text else None,
                    whole,
                    in_context=True,
                ),
                is_placed=True,
                target=target.value if target else None,
                args=_keys(given.get("buildArgs")) if given else (),
            )


def _is_plain(artifact: Node) -> bool:
    """Is it built by Docker, since it does not say by what?"""
    others = ("docker", "kaniko", "bazel", "jib", "buildpacks", "custom", "ko")
    return all(artifact.get(each) is None for each in others)


def _texts(given: Node | None, field: str) -> list[Text]:
    """A field, and the option of the command line that says the same."""
    if given is None:
        return []
    node = given.get(field)
    found = [_expanded(node.text)] if node and node.text else []
    flags = given.get("cliFlags")
    words = flags.texts if flags else []
    for at, word in enumerate(words):
        name, value = word.partition("=")
        if name.text == f"--{field}":
            value = value or (words[at + 1] if at + 1 < len(words) else None)
            found += [_expanded(value)] if value else []
    return found


def _expanded(text: Text) -> Text:
    found = expand(text, _TEMPLATE, lambda _, whole: [Text.unknown(whole.source, whole.span)])
    return found[0]


def _keys(node: Node | None) -> tuple[Value, ...]:
    texts = [key.text for key, _ in node.items()] if node else []
    return tuple(each.value for each in texts if each and UNKNOWN not in each.text)
