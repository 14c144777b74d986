"""GitLab CI: the scripts of the jobs, with the variables and the matrix around them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stagelint.model.project import Build
from stagelint.project import ci, paths
from stagelint.project.ci import Known
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.script import builds
from stagelint.project.text import Text
from stagelint.project.yaml import Node, documents
from stagelint.source import Source

_INPUT = re.compile(r"\$\[\[\s*inputs\.([\w-]+)[^\]]*\]\]")
#: Jobs extend each other so deep, and one of them so many.
_DEPTH, _MANY = 11, 100


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds in the scripts of all jobs; they start in the root of the repository."""
    inputs: Known = {}
    for document in documents(source):
        inputs = _inputs(document) or inputs
        outer = ci.variables(document.get("variables"), {}, are_defaults=True)
        jobs = {key.plain: node for key, node in document.items() if node.is_mapping}
        extended = {name for job in jobs.values() for name in _extended(job)}
        for name, job in jobs.items():
            if name == "default" or (name[:1] == "." and name in extended):
                continue  # what is only a part of jobs is read in each of them
            asker = Asker("gitlab-ci", f"job {name}", paths.Base(("",)))
            chain = list(_chain(job, jobs))
            for known in _variables(chain, outer):
                for script in _scripts(chain, document):
                    for text in ci.replaced(script, _INPUT, inputs):
                        yield from builds(text, asker, known)


def _inputs(document: Node) -> Known:
    """The inputs of a file that others include, as far as they have defaults or options."""
    found: dict[str, Sequence[Text]] = {}
    inputs = document.get("spec", "inputs")
    for key, node in inputs.items() if inputs else ():
        told = [each for name in ("default", "options") if (each := node.get(name))]
        texts = [text.as_default() for each in told for text in each.texts]
        if texts:
            found[key.plain] = list({text.text: text for text in texts}.values())
    return found


def _extended(job: Node) -> list[str]:
    """The jobs that a job extends, the strongest first."""
    extends = job.get("extends")
    return [each.text for each in extends.texts][::-1] if extends else []


def _chain(job: Node, jobs: dict[str, Node]) -> Iterator[Node]:
    """A job and those it extends in this file, the strongest first."""
    left = [(job, 0)]
    for _ in range(_MANY):
        if not left:
            return
        node, depth = left.pop()
        yield node
        if depth < _DEPTH:
            names = _extended(node)[::-1]
            left += [(jobs[name], depth + 1) for name in names if name in jobs]


def _first(chain: Sequence[Node], name: str) -> Node | None:
    return next((found for each in chain if (found := each.get(name))), None)


def _scripts(chain: Sequence[Node], document: Node) -> Iterator[Text]:
    """What one shell runs: what goes before together with the script; and another one, after it."""
    script = _first(chain, "script")
    defaults = [each for each in (document.get("default"), document) if each]
    before = _first([*chain, *defaults], "before_script") if script else None
    for text in (ci.script(before, script), ci.script(_first(chain, "after_script"))):
        if text is not None:
            yield text


def _variables(chain: Sequence[Node], outer: Known) -> Iterator[Known]:
    """The variables in each run of a job; a matrix makes several."""
    known = outer
    for each in reversed(chain):
        known = ci.variables(each.get("variables"), known, are_defaults=True)
    parallel = _first(chain, "parallel")
    matrix = parallel.get("matrix") if parallel else None
    runs = [dict(each.items()) for each in matrix.entries()] if matrix else []
    for run in runs or [{}]:
        own = {key.plain: texts for key, value in run.items() if (texts := value.texts)}
        yield {**known, **own}
