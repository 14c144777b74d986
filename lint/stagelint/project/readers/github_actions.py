"""GitHub Actions: the build actions, and the scripts of `run:` steps, in workflows and actions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from stagelint.model.project import Build, Value
from stagelint.project import paths, script
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.text import MOST, Text, expand, or_none
from stagelint.project.yaml import Node, documents
from stagelint.source import Source
from stagelint.tuples import NamedTuple

_KIND = "github-actions"
_BUILD = re.compile(
    r"(?:docker|depot|useblacksmith|namespacelabs)/build-push-action@", re.IGNORECASE
)
_BAKE = re.compile(r"(?:docker|depot)/bake-action@", re.IGNORECASE)
_BUILDAH = re.compile(r"redhat-actions/buildah-build@", re.IGNORECASE)
#: None goes on behind the beginning of another one, or many that never end would take long.
_EXPRESSION = re.compile(r"\$\{\{((?:(?!\$\{\{).)*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*")

#: Stands for a folder with another repository; no path begins so.
_OTHER = "?"

#: Values of names as expressions write them, `matrix.target` or `env.FILE`.
Known = Mapping[str, Sequence[Text]]


class _Step(NamedTuple):
    """A step, what is known where it runs, and the folder it runs in."""

    node: Node
    label: str
    known: Known
    env: Known
    folder: Text | None
    prefix: str
    """Where the repository is checked out, if that is not the working directory."""


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds that the steps of a workflow or an action ask for."""
    for document in documents(source):
        inputs = _inputs(document)
        runs = document.get("runs")
        if runs is not None:
            yield from _steps(runs, "", inputs, {}, runs)
        env, known = _with_env(document, inputs, {})
        for key, job in (document.get("jobs") or document).items() if document.get("jobs") else ():
            for matrix in _matrices(job):
                job_env, job_known = _with_env(job, {**known, **matrix}, env)
                yield from _steps(job, f"job {key.plain}", job_known, job_env, document)


def _inputs(document: Node) -> Known:
    """The defaults of the inputs of a workflow or an action."""
    found: dict[str, Sequence[Text]] = {}
    for where in (
        ("inputs",),
        ("on", "workflow_call", "inputs"),
        ("on", "workflow_dispatch", "inputs"),
    ):
        inputs = document.get(*where)
        for key, value in inputs.items() if inputs else ():
            default = value.get("default")
            texts = [default.text.as_default()] if default and default.text else []
            options = value.get("options")
            texts += [each.as_default() for each in options.texts] if options else []
            if texts:
                found[f"inputs.{key.plain}"] = texts
    return found


def _with_env(node: Node, known: Known, outer: Known) -> tuple[Known, Known]:
    """The environment that `env:` makes of *outer*, and the names that expressions know then."""
    env = dict(outer)
    block = node.get("env")
    is_written = "GITHUB_ENV" in node.source.text  # a step may set another value
    for key, value in block.items() if block else ():
        if value.text:
            texts = _expanded(value.text, known)
            env[key.plain] = [each.as_default() for each in texts] if is_written else texts
    return env, {**known, **{f"env.{name}": texts for name, texts in env.items()}}


def _matrices(job: Node) -> Iterator[Known]:
    """What `matrix` may be in each run of a job; nothing is known of one that is computed."""
    matrix = job.get("strategy", "matrix")
    axes: list[list[dict[str, Text]]] = []
    included: list[dict[str, Text]] = []
    excluded: list[dict[str, Text]] = []
    for key, value in matrix.items() if matrix else ():
        if key.plain == "include":
            included = [_flat("matrix", each) for each in value.entries()]
        elif key.plain == "exclude":
            excluded = [_flat("matrix", each) for each in value.entries()]
        else:
            axes.append([_flat(f"matrix.{key.plain}", each) for each in value.entries()])
    axes = [axis for axis in axes if axis]
    count = 1
    for axis in axes:
        count *= len(axis)
    combined: list[dict[str, Text]] = []
    if axes and count <= MOST:
        combined = [{k: v for each in some for k, v in each.items()} for some in product(*axes)]
    elif axes:
        combined = [each for axis in axes for each in axis]
    combined = [each for each in combined if not any(_fits(each, some) for some in excluded)]
    own = {name for each in combined for name in each}
    for each in combined:
        for extra in included:
            if all(
                each[name].text == extra[name].text
                for name in extra
                if name in own and name in each
            ):
                each.update(extra)
    alone = [each for each in included if not combined or any(name in own for name in each)]
    for each in [*combined, *alone] or [{}]:
        yield {name: [text] for name, text in each.items()}


def _fits(combination: dict[str, Text], some: dict[str, Text]) -> bool:
    return bool(some) and all(
        name in combination and combination[name].text == text.text for name, text in some.items()
    )


def _flat(name: str, node: Node) -> dict[str, Text]:
    """`matrix.a.b` for every scalar in *node*."""
    if node.is_mapping:
        return {
            k: v
            for key, value in node.items()
            for k, v in _flat(f"{name}.{key.plain}", value).items()
        }
    text = node.text
    return {name: text} if text is not None else {}


def _steps(job: Node, label: str, known: Known, env: Known, document: Node) -> Iterator[Build]:
    steps = job.get("steps")
    entries = steps.entries() if steps else []
    prefix = _checked_out(entries)
    for each in entries:
        step_env, step_known = _with_env(each, known, env)
        folder = None
        for where in (
            each.get("working-directory"),
            job.get("defaults", "run", "working-directory"),
            document.get("defaults", "run", "working-directory"),
        ):
            if where is not None and folder is None:
                folder = where.text
        yield from _step(_Step(each, label, step_known, step_env, folder, prefix))


def _checked_out(steps: Sequence[Node]) -> str:
    """The folder that the repository is checked out into; `_OTHER` if that is another one."""
    for step in steps:
        uses, path = step.get("uses"), step.get("with", "path")
        if uses is None or not uses.plain.startswith("actions/checkout"):
            continue
        if step.get("with", "repository") is None:
            return path.plain.strip("./") if path else ""
        if path is None:
            return _OTHER
    return ""


def _step(step: _Step) -> Iterator[Build]:
    uses, run, given = step.node.get("uses"), step.node.get("run"), step.node.get("with")
    if run is not None and run.text:
        shell = step.node.get("shell")
        if shell is None or shell.plain.split()[:1] in (["bash"], ["sh"]):
            yield from _run(step, run.text)
    elif uses is not None and given is not None:
        if _BUILD.match(uses.plain):
            yield from _action(step, given)
        elif _BUILDAH.match(uses.plain):
            yield from _buildah(step, given)
        elif _BAKE.match(uses.plain):
            yield from _bake(step, given)


def _base(step: _Step) -> paths.Base:
    base = paths.Base(("",))
    if step.prefix:
        base = base._replace(is_certain=False)
    return base


def _run(step: _Step, text: Text) -> Iterator[Build]:
    base = _base(step)
    if step.folder is not None:
        base = base.within(_expanded(step.folder, step.known)[0].text)
    for each in _expanded(text, step.known):
        yield from script.builds(each, Asker(_KIND, step.label, base), step.env)


def _given(step: _Step, given: Node, name: str) -> Sequence[Text | None]:
    node = given.get(name)
    text = node.text if node else None
    return or_none(_expanded(text, step.known) if text and text.text.strip() else [])


def _action(step: _Step, given: Node) -> Iterator[Build]:
    whole = Text.of(step.node.source, step.node.span)
    for context, file, target in product(
        *(_given(step, given, name) for name in ("context", "file", "target"))
    ):
        places = paths.dockerfiles(
            _base(step),
            _below(context, step.prefix),
            _below(file, step.prefix),
            whole,
            in_context=False,
        )
        yield Build(
            _KIND,
            step.label,
            whole.source,
            whole.span,
            places,
            is_placed=not step.prefix,
            target=target.strip().value if target else None,
            args=_listed(step, given, "build-args"),
            contexts=_listed(step, given, "build-contexts"),
            uncached=_listed(step, given, "no-cache-filters"),
        )


def _below(path: Text | None, prefix: str) -> Text | None:
    """*path* without the folder the repository is checked out into."""
    if path is None:
        return None
    path = path.strip()
    start = 2 if path.text.startswith("./") else 0
    if prefix and f"{path.text[start:]}/".startswith(f"{prefix}/"):
        return (
            path[start + len(prefix) + 1 :]
            if len(path.text) > start + len(prefix)
            else path[:0] + path[start:start]
        )
    return path


def _listed(step: _Step, given: Node, name: str) -> tuple[Value, ...]:
    """The names in a list of lines `NAME=value`."""
    found: list[Value] = []
    for text in _given(step, given, name):
        for line in text.split(r"[\n,]+" if name == "no-cache-filters" else r"\n") if text else ():
            name_ = line.strip().partition("=")[0].strip()
            if name_.text:
                found.append(name_.value)
    return tuple(found)


def _buildah(step: _Step, given: Node) -> Iterator[Build]:
    """`extra-args` are options of `buildah build`."""
    whole = Text.of(step.node.source, step.node.span)
    for extra in _given(step, given, "extra-args"):
        words = extra.split() if extra else []
        for at, word in enumerate(words):
            name, value = word.partition("=")
            value = value or (words[at + 1] if at + 1 < len(words) else None)
            if name.text == "--target" and value:
                yield Build(
                    _KIND,
                    step.label,
                    whole.source,
                    whole.span,
                    (whole.as_unknown().value,),
                    target=value.value,
                )


def _bake(step: _Step, given: Node) -> Iterator[Build]:
    """`set` overrides fields of the targets of bake files."""
    for text in _given(step, given, "set"):
        for line in text.split(r"\n") if text else ():
            name, value = line.strip().partition("=")
            if value is not None and name.text.endswith(".target"):
                place = line.as_unknown().value
                yield Build(_KIND, step.label, line.source, line.span, (place,), target=value.value)


def _expanded(text: Text, known: Known) -> list[Text]:
    """What *text* may be when its expressions are worked out."""

    def value(match: re.Match[str], whole: Text) -> Sequence[Text]:
        expression = match[1].strip()
        if expression == "github.workspace":
            return [whole.standing_for(paths.TOP)]
        if _NAME.fullmatch(expression) and expression in known:
            return known[expression]
        return [whole.as_unknown()]

    return expand(text, _EXPRESSION, value)
