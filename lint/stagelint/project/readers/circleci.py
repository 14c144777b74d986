"""CircleCI: `run` steps and the orbs that build, with parameters as jobs and commands get them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stagelint.model.project import UNKNOWN, Build
from stagelint.project import ci, paths, script
from stagelint.project.ci import Known
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.text import Text
from stagelint.project.yaml import Node, documents
from stagelint.source import Source
from stagelint.tuples import NamedTuple

_EXPRESSION = re.compile(r"<<\s*((?:parameters|pipeline|matrix)\.[\w.-]+)\s*>>")
_ORB = re.compile(r"[\w-]+/.*(?:build|publish)", re.IGNORECASE)
#: What an orb that builds calls its parameters: the Dockerfile, its folder, the context, options.
_FILE, _FOLDER = ("dockerfile",), ("path",)
_CONTEXT = ("docker-context", "docker_context", "build_path", "build-path")
_OPTIONS = ("extra_build_args", "extra-build-args")

#: Commands call each other so deep, and a file has so many steps.
_DEPTH, _STEPS = 8, 5_000


class _Place(NamedTuple):
    """Where steps run, and what is known there."""

    label: str
    known: Known
    env: Known
    root: str
    """Where the repository is checked out."""
    folder: str
    """Where steps run unless they say otherwise."""

    def base(self, folder: str = "") -> paths.Base:
        whole = _absolute(folder, self.folder)
        if whole != self.root and not whole.startswith(f"{self.root}/"):
            return paths.Base((UNKNOWN,), is_certain=False)
        return paths.Base(("",)).within(whole[len(self.root) + 1 :] or ".")


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds in the steps of all jobs, once for each way that workflows call them."""
    for document in documents(source):
        yield from _Config(document).builds()


class _Config:
    def __init__(self, document: Node) -> None:
        self.document = document
        self.jobs = _named(document.get("jobs"))
        self.commands = _named(document.get("commands"))
        for orb, node in _named(document.get("orbs")).items():
            for name, command in _named(node.get("commands")).items():
                self.commands[f"{orb}/{name}"] = command
        self.pipeline = _parameters(document, None, {}, "pipeline.parameters", are_given=False)
        self.steps = 0
        self.called: set[str] = set()

    def builds(self) -> Iterator[Build]:
        calls = list(self._calls())
        for name, given in calls:
            if name not in self.jobs and given is not None and _ORB.match(name):
                place = _Place(f"job {name}", self._matrix(given), {}, "~", "~")
                yield from self._orb(given, place)
        for name, job in self.jobs.items():
            found = [given for called, given in calls if called == name]
            for given in found or [None]:
                yield from self._job(name, job, given, are_given=bool(found))
        for name, command in self.commands.items():
            if name not in self.called:
                known = _parameters(command, None, self.pipeline, "parameters", are_given=False)
                place = _Place(f"command {name}", known, {}, "~", "~")
                yield from self._steps(command.get("steps"), place, 0)

    def _calls(self) -> Iterator[tuple[str, Node | None]]:
        """The jobs that workflows run, and what they give them."""
        for workflow in _named(self.document.get("workflows")).values():
            jobs = workflow.get("jobs")
            for each in jobs.entries() if jobs else ():
                if each.is_scalar:
                    yield each.plain, None
                for key, given in each.items():
                    yield key.plain, given

    def _matrix(self, given: Node | None) -> Known:
        """What the pipeline and the matrix of a call give to expressions."""
        matrix = given.get("matrix", "parameters") if given else None
        items = matrix.items() if matrix else ()
        return {**self.pipeline, **{f"matrix.{key.plain}": each.texts for key, each in items}}

    def _job(self, name: str, job: Node, given: Node | None, *, are_given: bool) -> Iterator[Build]:
        outer = self._matrix(given)
        known = {**_parameters(job, given, outer, "parameters", are_given=are_given)}
        for key, texts in outer.items():
            if key.startswith("matrix."):
                known[key.replace("matrix.", "parameters.", 1)] = texts
        folder = job.get("working_directory")
        at = _absolute(_only(folder, known) or "~/project", "~")
        steps = job.get("steps")
        root = _checked_out(steps.entries() if steps else [], at)
        place = _Place(f"job {name}", known, _environment(job, known, {}), root, at)
        yield from self._steps(steps, place, 0)
        for _, value in given.items() if given else ():
            yield from self._steps(value, place, 0)  # pre-steps, and parameters that are steps

    def _steps(self, steps: Node | None, place: _Place, depth: int) -> Iterator[Build]:
        for step in steps.entries() if steps else ():
            self.steps += 1
            if self.steps > _STEPS or depth > _DEPTH:
                return
            if step.plain in self.commands:
                yield from self._command(step.plain, None, place, depth)
            for key, given in step.items():
                name = key.plain
                if name == "run":
                    yield from _run(given, place)
                elif name in ("when", "unless"):
                    yield from self._steps(given.get("steps"), place, depth + 1)
                elif name in self.commands:
                    yield from self._command(name, given, place, depth)
                elif _ORB.match(name):
                    yield from self._orb(given, place)

    def _command(self, name: str, given: Node | None, place: _Place, depth: int) -> Iterator[Build]:
        self.called.add(name)
        command = self.commands[name]
        known = _parameters(command, given, place.known, "parameters", are_given=True)
        place = place._replace(known={**self.pipeline, **known})
        yield from self._steps(command.get("steps"), place, depth + 1)

    def _orb(self, given: Node, place: _Place) -> Iterator[Build]:
        """A step of an orb that runs `docker build`."""
        options, file, folder, context = (
            next((node.text for name in names if (node := given.get(name))), None)
            for names in (_OPTIONS, _FILE, _FOLDER, _CONTEXT)
        )
        if options is None and file is None and folder is None and context is None:
            return
        path = [folder, "/", file or "Dockerfile"] if folder else [file or "Dockerfile"]
        words = ["docker", " build ", options or "", " -f ", *path, " ", context or "."]
        yield from _script(ci.command_line(words, given.source, given.span), place, place.base())


def _named(node: Node | None) -> dict[str, Node]:
    return {key.plain: value for key, value in node.items() if value.is_mapping} if node else {}


def _parameters(
    node: Node, given: Node | None, outer: Known, prefix: str, *, are_given: bool
) -> Known:
    """The parameters of a job or command: *given*, or the default; or any of it if nobody calls.

    What is given may have expressions of the *outer* ones.
    """
    found: dict[str, Sequence[Text]] = {k: v for k, v in outer.items() if k[:9] == "pipeline."}
    parameters = node.get("parameters")
    for key, each in parameters.items() if parameters else ():
        value, default, options = (
            given.get(key.plain) if given else None,
            each.get("default"),
            each.get("enum"),
        )
        if value is not None:
            texts = _expanded(value.text, outer) if value.text else []
        else:
            texts = default.texts if default else []
            if not are_given:
                texts += options.texts if options else []
                texts = [text.as_default() for text in texts]
        if texts:
            unique = {text.text: text for text in reversed(texts)}
            found[f"{prefix}.{key.plain}"] = list(unique.values())[::-1]
    return found


def _expanded(text: Text, known: Known) -> list[Text]:
    return ci.replaced(text, _EXPRESSION, known)


def _only(node: Node | None, known: Known) -> str:
    """The text of a scalar; unknown if there are several."""
    texts = _expanded(node.text, known) if node and node.text and node.plain else []
    return texts[0].text if len(texts) == 1 else UNKNOWN if texts else ""


def _absolute(path: str, folder: str) -> str:
    path = re.sub(r"^(?:/home/circleci|/root|\$HOME|\$\{HOME\})(?=/|$)", "~", path.rstrip("/"))
    if path.startswith(("~", "/")):
        return path
    return f"{folder}/{path}" if path and path != "." else folder


def _checked_out(steps: Sequence[Node], folder: str) -> str:
    for step in steps:
        path = step.get("checkout", "path")
        if path is not None:
            return _absolute(path.plain, folder)
    return folder


def _environment(node: Node, known: Known, outer: Known) -> Known:
    found = outer
    block = node.get("environment")
    for each in (block.entries() or [block]) if block else ():
        found = ci.variables(each, found, are_defaults=False)
    return {
        name: [t for text in texts for t in _expanded(text, known)] for name, texts in found.items()
    }


def _run(given: Node, place: _Place) -> Iterator[Build]:
    command = given if given.is_scalar else given.get("command")
    shell = given.get("shell")
    if (
        command is None
        or not command.plain
        or (shell and re.search(r"pwsh|powershell|cmd", shell.plain))
    ):
        return
    folder = _only(given.get("working_directory"), place.known)
    place = place._replace(env=_environment(given, place.known, place.env))
    assert command.text is not None
    yield from _script(command.text, place, place.base(folder))


def _script(text: Text, place: _Place, base: paths.Base) -> Iterator[Build]:
    for each in _expanded(text, place.known):
        yield from script.builds(each, Asker("circleci", place.label, base), place.env)
