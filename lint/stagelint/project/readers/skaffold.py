"""Skaffold: the artifacts that Docker or kaniko build, and what profiles make of them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from stagelint.model.project import Build, Value
from stagelint.project import command, paths, script
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.text import Piece, Text, expand
from stagelint.project.yaml import Node, documents
from stagelint.source import Source
from stagelint.tuples import NamedTuple

_KIND = "skaffold"
_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_OTHER_BUILDERS = ("jib", "jibMaven", "jibGradle", "bazel", "ko", "buildpacks", "buildpack")
_ARTIFACTS = "/build/artifacts"


class _Artifact(NamedTuple):
    """An artifact, with fields that a profile sets anew: their paths in it, such as `docker/target`."""

    node: Node
    patches: Mapping[str, Node]

    def get(self, path: str) -> Node | None:
        keys = path.split("/")
        for length in range(len(keys), 0, -1):
            patch = self.patches.get("/".join(keys[:length]))
            if patch is not None:
                return patch.get(*keys[length:]) if keys[length:] else patch
        return self.node.get(*keys)

    def text(self, path: str) -> Text | None:
        """A scalar, whose templates may be anything."""
        node = self.get(path)
        text = node.text if node else None
        if text is None or not text.text:
            return None
        return expand(text, _TEMPLATE, lambda _, whole: [whole.as_unknown()])[0]


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds of all artifacts in *source*, those of profiles as well."""
    path = files.path_of(source)
    is_certain = posixpath.basename(path).startswith("skaffold.")
    base = paths.of_file(path, is_certain=is_certain)
    for document in documents(source):
        for artifact in _artifacts(document):
            yield from _builds(artifact, base)


def _artifacts(document: Node) -> Iterator[_Artifact]:
    usual = _listed(document.get("build", "artifacts"))
    profiles = document.get("profiles")
    yield from (_Artifact(each, {}) for each in usual)
    for profile in profiles.entries() if profiles else ():
        own = _listed(profile.get("build", "artifacts"))
        yield from (_Artifact(each, {}) for each in own)
        patches = profile.get("patches")
        yield from _patched(own or usual, patches.entries() if patches else [])


def _listed(node: Node | None) -> Sequence[Node]:
    return node.entries() if node else ()


def _patched(artifacts: Sequence[Node], patches: Sequence[Node]) -> Iterator[_Artifact]:
    """The artifacts that the JSON patches of a profile add or change."""
    changed: dict[str, dict[str, Node]] = {}
    for patch in patches:
        path, value = patch.get("path"), patch.get("value")
        if path is None or value is None:
            continue
        if path.plain in ("/build", _ARTIFACTS):
            found = value.get("artifacts") if path.plain == "/build" else value
            yield from (_Artifact(each, {}) for each in _listed(found))
        elif path.plain.startswith(f"{_ARTIFACTS}/"):
            index, _, field = path.plain[len(_ARTIFACTS) + 1 :].partition("/")
            if field:
                changed.setdefault(index, {})[field] = value
            else:
                yield _Artifact(value, {})
    for index, fields in changed.items():
        if index.isdecimal() and len(index) < 6 and int(index) < len(artifacts):
            yield _Artifact(artifacts[int(index)], fields)


def _builds(artifact: _Artifact, base: paths.Base) -> Iterator[Build]:
    image, context = artifact.get("image"), artifact.text("context")
    label = f"artifact {image.plain}" if image and image.plain else ""
    folder = base.within(context.text) if context and not paths.is_elsewhere(context.text) else base
    for hooks in ("hooks/before", "hooks/after"):
        for hook in _listed(artifact.get(hooks)):
            words = _words(hook.get("command"))
            asker = Asker(_KIND, label, folder)
            yield from command.builds(words, asker) if words else ()
            yield from script.builds(words[-1], asker) if words else ()
    if artifact.get("custom") is not None:
        line = artifact.text("custom/buildCommand")
        if line is not None:
            yield from script.builds(line, Asker(_KIND, label, folder))
    elif not any(artifact.get(name) for name in _OTHER_BUILDERS):
        builder = "kaniko" if artifact.get("kaniko") is not None else "docker"
        yield _build(artifact, builder, context, Asker(_KIND, label, base))


def _build(artifact: _Artifact, builder: str, context: Text | None, asker: Asker) -> Build:
    """What a builder makes of an artifact; its options may stand in words of a command line, too."""
    source, span = artifact.node.source, artifact.node.span
    whole = Text.of(source, span)
    start = [Text([Piece(word, source, span)]) for word in ("docker", "build", ".")]
    options = [*start[:2], *_words(artifact.get(f"{builder}/cliFlags")), start[2]]
    flags = next(command.builds(options, asker), None)
    target = artifact.text(f"{builder}/target")
    file = artifact.text(f"{builder}/dockerfile")
    return Build(
        asker.kind,
        asker.label,
        source,
        span,
        _places(asker.base, context, file, whole),
        is_placed=asker.base.is_certain,
        target=target.value if target else flags.target if flags else None,
        args=(*_names(artifact.get(f"{builder}/buildArgs")), *(flags.args if flags else ())),
        contexts=flags.contexts if flags else (),
        uncached=flags.uncached if flags else (),
    )


def _places(
    base: paths.Base, context: Text | None, file: Text | None, whole: Text
) -> tuple[Value, ...]:
    """In the context; a Dockerfile that is named may also lie where skaffold runs."""
    found = paths.dockerfiles(base, context, file, whole, in_context=True)
    if found and file is not None:
        found += paths.dockerfiles(base, None, file, whole, in_context=False)
    return tuple(dict.fromkeys(found))


def _words(node: Node | None) -> list[Text]:
    texts = node.texts if node else []
    return [expand(text, _TEMPLATE, lambda _, part: [part.as_unknown()])[0] for text in texts]


def _names(node: Node | None) -> tuple[Value, ...]:
    """The keys of a mapping, or what stands before `=` in the entries of a list."""
    if node is None:
        return ()
    keys = [text for key, _ in node.items() if (text := key.text)]
    return tuple(text.value for text in keys or [each.partition("=")[0] for each in node.texts])
