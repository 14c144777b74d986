"""Drone and Woodpecker: the commands of steps, and the plugins that build."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product

from stagelint.model.project import Build, Value
from stagelint.project import ci, paths, script
from stagelint.project.ci import Known
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.text import Piece, Text, or_none
from stagelint.project.yaml import Node, documents
from stagelint.source import Source

_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_]\w*)[^{}]*\}")
_PLUGIN = re.compile(r"docker|buildx|kaniko|buildah|/(?:ecr|gcr|gar|acr|heroku)\b", re.IGNORECASE)


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds that the steps of all pipelines ask for, once for each run of a matrix."""
    for document in documents(source):
        for known in _matrix(document.get("matrix")):
            for field in ("steps", "pipeline"):
                steps = document.get(field)
                for each in steps.entries() if steps else ():
                    name = each.get("name")
                    yield from _step(each, name.plain if name else "", known, document)
                for key, each in steps.items() if steps else ():
                    yield from _step(each, key.plain, known, document)


def _matrix(matrix: Node | None) -> Iterator[Known]:
    """The variables of every run."""
    include = matrix.get("include") if matrix else None
    if include is not None:
        for each in include.entries():
            yield {key.plain: texts for key, value in each.items() if (texts := value.texts)}
        return
    yield {k.plain: texts for k, v in matrix.items() if (texts := v.texts)} if matrix else {}


def _step(step: Node, name: str, known: Known, document: Node) -> Iterator[Build]:
    folder = document.get("workspace", "path")
    asker = Asker("drone", f"step {name}" if name else "", paths.Base(("",), folder is None))
    env = known
    for node in (document.get("environment"), step.get("environment")):
        env = ci.variables(node, env, are_defaults=False)
    text = ci.script(step.get("commands"))
    if text is not None:
        yield from script.builds(text, asker, env)
    image, settings = step.get("image"), step.get("settings")
    if text is None and image is not None and _PLUGIN.search(image.plain):
        is_kaniko = "kaniko" in image.plain
        yield from _plugin(settings or step, known, asker, is_kaniko=is_kaniko)


def _plugin(settings: Node, known: Known, asker: Asker, *, is_kaniko: bool) -> Iterator[Build]:
    """A build whose options are settings; its Dockerfile is not looked for in the context."""
    source, span = settings.source, settings.span
    whole = Text.of(source, span)
    usual = Text([Piece("Dockerfile", source, span)])
    fields = [_setting(settings, name, known) for name in ("context", "dockerfile", "target")]
    if not any(fields) and settings.get("repo") is None:
        return
    for context, file, target in product(*map(or_none, fields)):
        where = paths.dockerfiles(asker.base, context, file or usual, whole, in_context=False)
        if is_kaniko and where:
            inside = paths.dockerfiles(asker.base, context, file, whole, in_context=True)
            where = tuple(dict.fromkeys((*where, *inside)))
        yield Build(
            asker.kind,
            asker.label,
            source,
            span,
            where,
            is_placed=asker.base.is_certain,
            target=target.value if target else None,
            args=_names(settings.get("build_args") or settings.get("build-args")),
        )


def _setting(settings: Node, name: str, known: Known) -> Sequence[Text]:
    node = settings.get(name)
    text = node.text if node else None
    return ci.replaced(text, _VARIABLE, known) if text is not None and text.text else []


def _names(node: Node | None) -> tuple[Value, ...]:
    """The keys of a mapping, or what stands before `=` in a list or between commas."""
    if node is None:
        return ()
    keys = [text for key, _ in node.items() if (text := key.text)]
    listed = [each for text in node.texts for each in text.split(r"\s*,\s*")]
    return tuple(each.value for each in keys or [each.partition("=")[0] for each in listed])
