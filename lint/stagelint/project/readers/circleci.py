"""CircleCI: `run` steps of jobs and commands, and the job `docker/build` of its orb."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from stagelint.model.project import Build
from stagelint.project import command, paths, pipelines
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.text import Text, expand
from stagelint.project.yaml import Node, documents
from stagelint.source import Source

_KIND = "circleci"
_PARAMETER = re.compile(r"<<\s*([\w.-]+)\s*>>")

Known = Mapping[str, Sequence[Text]]


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds that jobs and commands ask for."""
    for document in documents(source):
        for section in ("jobs", "commands"):
            block = document.get(section)
            for key, node in block.items() if block else ():
                yield from _job(key.plain, node)
        workflows = document.get("workflows")
        for key, workflow in workflows.items() if workflows else ():
            jobs = workflow.get("jobs")
            yield from _orbs(key.plain, jobs.entries() if jobs else [], {})


def _job(name: str, node: Node) -> Iterator[Build]:
    known = _parameters(node)
    env = pipelines.variables(node.get("environment"))
    steps = node.get("steps")
    entries = steps.entries() if steps else []
    for step in entries:
        run = step.get("run")
        if run is None:
            continue
        text = run.text or ((inner := run.get("command")) and inner.text) or None
        folder = run.get("working_directory") or node.get("working_directory")
        base = pipelines.within(folder if folder and "~" not in folder.plain else None)
        for each in _expanded(text, known) if text is not None else ():
            yield from pipelines.builds(_KIND, f"job {name}", [each], env, base)
    yield from _orbs(name, entries, known)


def _orbs(name: str, steps: Sequence[Node], known: Known) -> Iterator[Build]:
    """`docker/build`, whose `dockerfile` lies in its `path`."""
    for step in steps:
        for key, given in step.items():
            if re.fullmatch(r"docker/(?:build|publish)", key.plain) and given.is_mapping:
                yield from _orb(name, given, known)


def _orb(name: str, given: Node, known: Known) -> Iterator[Build]:
    whole = Text.of(given.source, given.span)
    docker = Text([whole.pieces[0].cut(0, 0)._replace(text="docker")])
    build = Text([whole.pieces[0].cut(0, 0)._replace(text="build")])
    path, file = (node.text if (node := given.get(key)) else None for key in ("path", "dockerfile"))
    extra = given.get("extra_build_args")
    for text in _expanded(extra.text, known) if extra and extra.text else [None]:
        base = paths.Base(("",))
        if path is not None:
            base = base.within(path.text)
        dot = Text([whole.pieces[0].cut(0, 0)._replace(text=".")])
        flag = Text([whole.pieces[0].cut(0, 0)._replace(text="-f")])
        words = [
            docker,
            build,
            *(text.split() if text else ()),
            *((flag, file) if file else ()),
            dot,
        ]
        yield from command.builds(words, Asker(_KIND, f"job {name}", base), whole)


def _parameters(node: Node) -> Known:
    """The defaults of parameters, and what an enumeration allows."""
    found: dict[str, Sequence[Text]] = {}
    block = node.get("parameters")
    for key, value in block.items() if block else ():
        default, allowed = value.get("default"), value.get("enum")
        texts = [*(default.texts if default else ()), *(allowed.texts if allowed else ())]
        if texts:
            found[f"parameters.{key.plain}"] = [each.as_default() for each in texts]
    return found


def _expanded(text: Text, known: Known) -> list[Text]:
    def value(match: re.Match[str], whole: Text) -> Sequence[Text]:
        return known.get(match[1]) or [Text.unknown(whole.source, whole.span)]

    return expand(text, _PARAMETER, value)
