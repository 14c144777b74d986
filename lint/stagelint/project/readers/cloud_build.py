"""Google Cloud Build: the arguments and scripts of the steps, with substitutions."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.model.project import Build
from stagelint.project import ci, command, paths, script
from stagelint.project.ci import Known
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.text import Piece, Text, expand
from stagelint.project.yaml import Node, documents, json_document
from stagelint.source import Source

#: Only names in upper case are replaced; `/workspace` is where the repository is.
_SUBSTITUTION = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<name>[A-Z_][A-Z0-9_]*)\b|\{(?P<braced>[A-Z_][A-Z0-9_]*)\})"
    r"|(?<!\w)(?P<root>/workspace)(?![\w.-])"
)
_SHELLS = frozenset(("bash", "sh", "ash", "dash"))
#: `-c` and what else stands before the script.
_SCRIPT, _OPTION = re.compile(r"-[A-Za-z]*c[a-z]*"), re.compile(r"[-+][A-Za-z-]+|pipefail")
#: Images that run the program they are called like.
_BUILDERS = frozenset(("docker", "podman", "buildah", "docker-buildx"))
_KANIKO = "/kaniko/executor"
_KANIKO_CONTEXT = ("--context", "-c")


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds that the steps ask for; they start in what is uploaded, mostly the repository."""
    path = files.path_of(source)
    found = [json_document(source)] if path.endswith(".json") else documents(source)
    for document in found:
        steps = document.get("steps") if document else None
        if document is None or steps is None:
            continue
        known = ci.variables(document.get("substitutions"), {}, are_defaults=True)
        for step in steps.entries():
            yield from _step(step, known, paths.at_root(path))


def _step(step: Node, known: Known, base: paths.Base) -> Iterator[Build]:
    name, folder = step.get("id"), step.get("dir")
    label = f"step {name.plain}" if name and name.plain else ""
    if folder is not None and folder.text and folder.plain:
        base = base.within(_expanded(folder.text, known)[0].text)
    asker = Asker("cloud-build", label, base)
    args, text = step.get("args"), step.get("script")
    given = [_expanded(each, known)[0] for each in args.texts] if args else []
    words = [*_program(step), *given]
    if text is not None and text.text:
        yield from script.builds(text.text, asker, _env(step, known))
    elif words and posixpath.basename(words[0].text) in _SHELLS:
        if any(_SCRIPT.fullmatch(each.text) for each in words):
            rest = (each for each in words[1:] if not _OPTION.fullmatch(each.text))
            yield from script.builds(next(rest, words[-1]), asker, _env(step, known))
    elif words:
        if words[0].text == _KANIKO and not _names_context(words):
            top = Piece(f"--context={paths.TOP}", step.source, words[0].span)
            words.append(Text([top]))
        yield from command.builds(words, asker)


def _program(step: Node) -> list[Text]:
    """What the arguments are given to, in place of the step; nothing if they say it themselves."""
    entrypoint, image = step.get("entrypoint"), step.get("name")
    program = entrypoint.plain if entrypoint else ""
    if not program and image is not None:
        name = posixpath.basename(image.plain).partition("@")[0].partition(":")[0]
        if name == "executor" and "kaniko" in image.plain:
            program = _KANIKO
        elif name in _BUILDERS:
            program = name
    return [Text([Piece(program, step.source, step.span)])] if program else []


def _names_context(words: Sequence[Text]) -> bool:
    return any(each.text.partition("=")[0] in _KANIKO_CONTEXT for each in words)


def _env(step: Node, known: Known) -> Known:
    """What the shell of a step has in its environment; substitutions may be mapped to it."""
    env = dict(known)
    entries = step.get("env")
    for each in entries.texts if entries else ():
        name, value = each.partition("=")
        if value is not None:
            env[name.text] = _expanded(value, known)
    return env


def _expanded(text: Text, known: Known) -> list[Text]:
    def value(match: re.Match[str], whole: Text) -> Sequence[Text]:
        if match["escaped"]:
            return [whole[1:2]]
        if match["root"]:
            return [whole.standing_for(paths.TOP)]
        return known.get(match["name"] or match["braced"]) or [whole.as_unknown()]

    return expand(text, _SUBSTITUTION, value)
