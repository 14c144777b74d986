"""Google Cloud Build: the `args` of steps that are builders, and scripts of steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stagelint.model.project import Build
from stagelint.project import command, paths, pipelines
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.interpolation import alternatives
from stagelint.project.text import Text
from stagelint.project.yaml import Node, documents
from stagelint.source import Source

_KIND = "cloud-build"


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds that the steps ask for."""
    for document in documents(source):
        block = document.get("substitutions")
        known = (
            {key.plain: value.text for key, value in block.items() if value.text} if block else {}
        )
        steps = document.get("steps")
        for number, step in enumerate(steps.entries() if steps else []):
            name = step.get("id")
            label = f"step {name.plain if name else number}"
            yield from _step(step, label, known, paths.at_root(files.path_of(source)))


def _step(step: Node, label: str, known: dict[str, Text], base: paths.Base) -> Iterator[Build]:
    image, entrypoint, script = step.get("name"), step.get("entrypoint"), step.get("script")
    folder = step.get("dir")
    base = base.within(folder.plain) if folder is not None else base
    if script is not None and script.text:
        yield from pipelines.builds(_KIND, label, [script.text], None, base)
        return
    args = step.get("args")
    words = [alternatives(text, known)[0] for text in args.texts] if args else []
    program = entrypoint.plain if entrypoint else image.plain if image else ""
    if not words or args is None:
        return
    if program.rpartition("/")[2] in ("bash", "sh"):
        yield from pipelines.builds(_KIND, label, words[-1:], None, base)
    else:
        yield from command.builds([*_program(program, words), *words], Asker(_KIND, label, base))


def _program(image: str, words: Sequence[Text]) -> list[Text]:
    """The word that a step's image stands for."""
    piece = words[0].pieces[0].cut(0, 0)
    name = image.partition(":")[0].rpartition("/")[2]
    if "kaniko" in image:
        name = "/kaniko/executor"
    return [Text([piece._replace(text=name)])]
