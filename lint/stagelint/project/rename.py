"""Rename a stage in its Dockerfile and in every file of the repository that names it.

All or nothing: a reference that cannot be replaced, or that nobody can tell, refuses the whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

from stagelint import proof
from stagelint.edit import Edit, Fix, apply
from stagelint.model.file import File
from stagelint.model.project import Build, Confidence, Project, Value
from stagelint.model.rewriting import rename
from stagelint.model.stages import Stage
from stagelint.source import Source, Span
from stagelint.syntax.characters import lower
from stagelint.tuples import NamedTuple

Reread = Callable[[dict[str, Source]], Project]


class Refused(Exception):
    """The stage cannot be renamed everywhere; the message says why, a line a reason."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


class Change(NamedTuple):
    """A file before and after."""

    before: Source
    after: Source


class Renaming(NamedTuple):
    """What is to be written."""

    changes: list[Change]
    """The Dockerfile first."""
    mentions: list[str]
    """Places that may speak of the stage in text that nobody can rewrite safely."""


def plan(project: Project, path: str, names: tuple[str, str], reread: Reread) -> Renaming:
    """The changes that give a stage of the Dockerfile at *path* another name.

    *names* are the old and the new one; *reread* gives the repository with other texts, by their
    paths as the user calls them. Raises `Refused`.
    """
    old, new = lower(names[0]), names[1]
    file = project.dockerfile(path)
    if file is None:
        raise Refused(f"{path} cannot be read")
    stage = _stage(file, old)
    _check_new_name(file, new)
    edits = dict(_outside(project, path, old))
    after = _applied(file.source, rename(file, stage, new))
    _prove(file, File(after, file.options), old, new)
    changes = [Change(file.source, after)]
    for source, places in edits.items():
        changes.append(Change(source, _applied(source, [Edit(span, new) for span in places])))
    for change in changes:
        _check_place(project, change)
        _check_yaml(change)
    _compare(project, reread({each.before.path: each.after for each in changes}), path, (old, new))
    mention = project.mentions.get(old)
    return Renaming(changes, [mention.where] if mention else [])


def _stage(file: File, name: str) -> Stage:
    index = file.table.named(name)
    if index is None:
        known = ", ".join(stage.name for stage in file.stages if stage.name) or "none"
        raise Refused(f"{file.source.path} has no stage `{name}`; there are: {known}")
    return file.stages[index]


def _check_new_name(file: File, new: str) -> None:
    """What the name means already in the file. That it is valid, the proof finds out."""
    if file.table.named(new) is not None:
        raise Refused(f"{file.source.path} has a stage `{new}` already")
    for reference in file.graph.references:
        if reference.needs is None and lower(reference.raw) == lower(new):
            line = file.source.position(reference.span.start).line
            raise Refused(f"{file.source.path}:{line} means an image by `{new}`")


def _applied(source: Source, edits: list[Edit] | tuple[Edit, ...]) -> Source:
    text, _, left = apply(source.text, [Fix("Rename", tuple(edits))])
    assert not left
    return Source(source.path, text)


def _prove(before: File, after: File, old: str, new: str) -> None:
    try:
        proof.same_build(before, after, {old: new})
    except proof.Difference as difference:
        raise Refused(f"{before.source.path} would not build the same: {difference}") from None


# -- the files that ask ----------------------------------------------------------------------------


def _outside(project: Project, path: str, old: str) -> Iterator[tuple[Source, list[Span]]]:
    """The words to replace, by file. Raises `Refused`."""
    reasons: dict[str, None] = {}
    places: dict[int, tuple[Source, dict[Span, None]]] = {}
    builds = project.builds_of(path)
    for build in builds:
        for value in _names(build):
            reason = _reason_against(project, path, old, build, value)
            if reason:
                reasons[reason] = None
            elif lower(value.text) == old:
                _, spans = places.setdefault(id(value.source), (value.source, {}))
                spans[value.span] = None
    for build in project.builds:
        if build in builds:
            continue
        for value in _names(build):
            spans = places.get(id(value.source), (value.source, {}))[1]
            if value.span in spans and lower(value.text) == old:
                reasons[f"{_place(value)} names it for another Dockerfile too"] = None
    if reasons:
        raise Refused(*reasons)
    for source, spans in places.values():
        yield source, sorted(spans)


def _names(build: Build) -> Iterator[Value]:
    """All names of stages that a build gives."""
    if build.target and not build.is_hint:
        yield build.target
    yield from build.contexts
    yield from build.uncached


def _reason_against(project: Project, path: str, old: str, build: Build, value: Value) -> str:
    """Why a rename is not safe because of *value*; empty if it is, or has nothing to do with it."""
    is_target = value is build.target
    word = value._replace(text=lower(value.text))
    if value.confidence is Confidence.OPAQUE:
        return f"{build.where} may mean it: `{value.shown}`" if word.may_be(old) else ""
    if word.text != old:
        if value.is_default and is_target:
            return f"{build.where} may mean it: somebody can set another than `{value.text}`"
        return ""
    if not project.is_certain(build):
        return f"{build.where} names it for a Dockerfile that is not known"
    if not word.is_written and lower(_written(value)) != old:
        return f"{_place(value)} puts the name together"
    if project.places(build) != (path,):
        return f"{build.where} may mean another Dockerfile"
    return ""


def _written(value: Value) -> str:
    return value.source.text[value.span.start : value.span.end]


def _place(value: Value) -> str:
    return f"{value.source.path}:{value.source.position(value.span.start).line}"


# -- what became of them ---------------------------------------------------------------------------


def _compare(before: Project, after: Project, path: str, names: tuple[str, str]) -> None:
    """The same builds must be asked for, by the new name. Raises `Refused`."""
    old, new = names
    said, now = list(_said(before, path, names)), list(_said(after, path, (new, new)))
    if said != now:
        odd = next((each for each in said if each not in now), None) or now[0]
        raise Refused(f"{odd[0]} would be read otherwise with `{new}` for `{old}`")


def _said(project: Project, path: str, names: tuple[str, str]) -> Iterator[tuple[str, ...]]:
    """What every build asks for, with the old name replaced by the new one where it is the stage."""
    old, new = names
    for build in project.builds:
        is_here = path in project.places(build)
        words = (
            new if is_here and lower(value.text) == old else value.text for value in _names(build)
        )
        yield (build.source.path, build.kind, build.label, *project.places(build), *words)


def _check_place(project: Project, change: Change) -> None:
    """A link may lead out of the repository, where nothing is to be written. Raises `Refused`."""
    path = change.before.path
    root = os.path.join(os.path.realpath(project.root), "")
    if not os.path.realpath(path).startswith(root):
        raise Refused(f"{path} is a link that leads out of the repository")


def _check_yaml(change: Change) -> None:
    """A second reader must see the same document and comments but for the name.

    Raises `Refused`.
    """
    if re.search(r"\.ya?ml$", change.before.path, re.IGNORECASE):
        from stagelint.project import yaml_shape

        before, after = yaml_shape.shape(change.before), yaml_shape.shape(change.after)
        if before is not None and before != after:
            raise Refused(f"{change.before.path} would not be the same YAML with the new name")
