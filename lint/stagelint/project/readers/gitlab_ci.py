"""GitLab CI: the scripts of jobs, with what they extend and the variables they set."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.model.project import Build
from stagelint.project import pipelines
from stagelint.project.files import Files
from stagelint.project.pipelines import Variables
from stagelint.project.text import Text
from stagelint.project.yaml import Node, documents
from stagelint.source import Source

_SCRIPTS = ("before_script", "script", "after_script")
#: Jobs extend each other so deep.
_DEPTH = 10


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds that the jobs ask for."""
    for document in documents(source):
        jobs = {key.plain: node for key, node in document.items() if node.is_mapping}
        extended = {name for job in jobs.values() for name in _parents(job)}
        for name, job in jobs.items():
            if name not in extended:
                yield from _builds(name, job, jobs, document)


def _parents(job: Node) -> list[str]:
    extends = job.get("extends")
    return [text.text for text in extends.texts] if extends else []


def _builds(name: str, job: Node, jobs: dict[str, Node], document: Node) -> Iterator[Build]:
    chain = list(_chain(job, jobs, 0))
    fallbacks = [*chain, *filter(None, (document.get("default"), document))]
    known = dict(
        pipelines.variables(
            document.get("variables"), *(each.get("variables") for each in reversed(chain))
        )
    )
    known.update(_matrix(chain))
    commands: list[Text] = []
    for field in _SCRIPTS:
        among = chain if field == "script" else fallbacks
        found = next((each for at in among if (each := at.get(field)) is not None), None)
        commands += pipelines.lines(found)
    yield from pipelines.builds("gitlab-ci", f"job {name}", commands, known)


def _chain(job: Node, jobs: dict[str, Node], depth: int) -> Iterator[Node]:
    """A job and those it extends, the strongest first."""
    yield job
    if depth < _DEPTH:
        for name in reversed(_parents(job)):
            if name in jobs:
                yield from _chain(jobs[name], jobs, depth + 1)


def _matrix(chain: list[Node]) -> Variables:
    """All values that `parallel:matrix` gives to a variable."""
    matrix = next((each for job in chain if (each := job.get("parallel", "matrix"))), None)
    found: dict[str, list[Text]] = {}
    for each in matrix.entries() if matrix else ():
        for key, value in each.items():
            found.setdefault(key.plain, []).extend(value.texts)
    return found
