"""Who asks for which stage of which Dockerfile, as a table for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stagelint.model.file import File
from stagelint.model.project import Build, Confidence, Project, Value
from stagelint.model.roles import Role
from stagelint.report.terminal import Style, escape
from stagelint.syntax.characters import lower
from stagelint.tuples import NamedTuple


class Row(NamedTuple):
    """A stage and who asks for it."""

    name: str
    line: int
    role: Role
    asked: list[Build]
    perhaps: Build | None
    """If nobody does for sure, a build that may, or a text that mentions it."""
    renamed: list[tuple[Build, str]]
    """Builds that name it otherwise, and how: as a build context, or not to be cached."""


class Table(NamedTuple):
    """A Dockerfile, its stages and its builds."""

    path: str
    rows: list[Row]
    last: list[Build]
    """Builds of the last stage without its name."""
    missing: list[Build]
    """Builds of targets that it does not have."""
    opaque: list[Build]
    """Builds of targets that are not known."""


def table(project: Project, only: str | None = None) -> list[Table]:
    """What is asked of every Dockerfile of *project*, or of the one at *only*."""
    found: list[Table] = []
    for path in [only] if only is not None else project.dockerfiles:
        file = project.dockerfile(path)
        if file is not None and file.stages:
            found.append(_table(path, file, project))
    return found


def _table(path: str, file: File, project: Project) -> Table:
    builds = project.builds_of(path)
    requests = file.requests
    rows: list[Row] = []
    for stage in file.stages:
        name = stage.name or ""
        asked = requests.for_stage(name) if requests and name else []
        is_unused = bool(name) and not asked and file.roles[stage.index] is Role.UNUSED
        perhaps = requests.perhaps_for(name) if requests and is_unused else None
        others = [
            (build, what)
            for build in builds
            for what, values in (("context", build.contexts), ("no-cache", build.uncached))
            if name and any(lower(value.text) == name for value in values)
        ]
        line = file.source.position(stage.opening.start).line
        rows.append(Row(stage.label, line, file.roles[stage.index], asked, perhaps, others))
    literal = [each for each in builds if each.target and _is_literal(each.target)]
    return Table(
        path,
        rows,
        [each for each in builds if each.target is None],
        [each for each in literal if _is_missing(each, file, project)],
        [each for each in builds if each.target and not _is_literal(each.target)],
    )


def _is_missing(build: Build, file: File, project: Project) -> bool:
    name = build.target.text if build.target else ""
    return project.is_certain(build) and file.find_target(name) is None


def _is_literal(value: Value) -> bool:
    return value.confidence is Confidence.LITERAL


def text(tables: Iterable[Table], style: Style) -> Iterator[str]:
    """Lines without newlines."""
    for number, each in enumerate(tables):
        if number:
            yield ""
        yield style.bold(escape(each.path))
        width = max(len(row.name) for row in each.rows)
        for row in each.rows:
            others = (f"{_who(one)} ({what})" for one, what in row.renamed)
            said = list(dict.fromkeys((*_asks(row.asked), *others)))
            if not said and row.perhaps:
                verb = "mentioned in" if row.perhaps.is_hint else "perhaps"
                said = [f"{verb} {_who(row.perhaps)}"]
            line = f"  {row.name.ljust(width)}  {row.role.value.ljust(7)}  "
            yield escape(line + (", ".join(said) or "-")).rstrip()
        for title, builds in (
            ("without a target", each.last),
            ("missing", each.missing),
            ("not known", each.opaque),
        ):
            for build in builds:
                target = f" `{build.target.shown}`" if build.target else ""
                yield escape(f"  {title}{target}: {_who(build)}")


def _asks(builds: Iterable[Build]) -> Iterator[str]:
    for build in builds:
        default = " (default)" if build.target and build.target.is_default else ""
        yield _who(build) + default


def _who(build: Build) -> str:
    return f"{build.where} {build.label}".rstrip()


def document(tables: Iterable[Table], project: Project) -> dict[str, object]:
    """The same as JSON; lines and columns are 1-based."""
    return {
        "version": 1,
        "root": project.root,
        "dockerfiles": [
            {
                "path": each.path,
                "stages": [
                    {
                        "name": row.name,
                        "line": row.line,
                        "role": row.role.value,
                        "references": [_reference(build, "target") for build in row.asked]
                        + [_reference(build, what) for build, what in row.renamed],
                        "perhaps": _reference(row.perhaps, "target") if row.perhaps else None,
                    }
                    for row in each.rows
                ],
                "untargeted": [_reference(build, "target") for build in each.last],
                "missing": [_reference(build, "target") for build in each.missing],
                "opaque": [_reference(build, "target") for build in each.opaque],
            }
            for each in tables
        ],
        "notes": list(project.notes),
    }


def _reference(build: Build, what: str) -> dict[str, object]:
    value: Build | Value = build.target or build
    line, column = value.source.position(value.span.start)
    return {
        "kind": build.kind,
        "by": build.label,
        "what": what,
        "target": build.target.shown if build.target else None,
        "confidence": build.target.confidence.value if build.target else None,
        "is_written": build.target is not None and build.target.is_written,
        "is_hint": build.is_hint,
        "file": value.source.path,
        "line": line,
        "column": column,
    }
