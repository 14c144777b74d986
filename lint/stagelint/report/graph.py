"""The stages of one file: as JSON, as a tree for a terminal, as Mermaid and DOT."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.dialect import BUILDKIT, CLASSIC
from stagelint.model.base_images import Size
from stagelint.model.file import File
from stagelint.model.graph import EdgeKind, Reference
from stagelint.model.roles import Role
from stagelint.model.stages import Stage
from stagelint.report.parts import plural
from stagelint.report.terminal import Style, escape
from stagelint.syntax.nodes import Problem

Document = dict[str, object]

_MARKS = {Role.SHIPPED: "●", Role.TARGET: "◆", Role.BUILDER: "○", Role.UNUSED: "✗"}
_WORDS = {
    Role.SHIPPED: "ships",
    Role.TARGET: "target",
    Role.BUILDER: "only builds",
    Role.UNUSED: "unused",
}
_VERBS = {
    EdgeKind.BASE: "built on",
    EdgeKind.COPY: "copies from",
    EdgeKind.MOUNT: "mounts",
    EdgeKind.ONBUILD: "copies on build from",
}


def document(file: File) -> Document:
    """The graph as a stable document, version 1; every line is 1-based."""
    return {
        "version": 1,
        "path": file.source.path,
        "default_target": file.final.index if file.final else None,
        "stages": [_stage(file, stage) for stage in file.stages],
        "edges": [
            {
                "stage": edge.stage,
                "needs": edge.needs,
                "kind": edge.kind.value,
                "line": file.source.position(edge.span.start).line,
            }
            for edge in _edges(file)
        ],
        "targets": [_contents(file, index) for index in _known_targets(file)],
        "images": list(dict.fromkeys(each.image for each in file.graph.references if each.image)),
        "builds": {
            "buildkit": sorted(_built(file, classic=False)),
            "classic": sorted(_built(file, classic=True)),
        },
        "errors": [
            {
                "line": file.source.position(problem.span.start).line,
                "code": code,
                "message": problem.message,
            }
            for problem, code in _errors(file)
        ],
    }


def _known_targets(file: File) -> list[int]:
    """The stages that are released or asked for."""
    return sorted({*_targets(file), *file.shipped, *file.asked})


def _contents(file: File, target: int) -> Document:
    """What the image of a target is made of: its base, and what is copied into it."""
    size = _base_size(file, target)
    return {
        "stage": target,
        "ships": target in file.shipped,
        "base": file.chain(file.stages[target])[0].base.image,
        "base_size": {
            "bytes": size.bytes,
            "measure": size.measure,
            "of": size.row.reference,
            "estimated": size.is_estimated,
            "as_of": size.row.as_of,
            "source": size.row.source,
        }
        if size
        else None,
        "copies": [
            {"stage": each.needs, "image": each.image, "paths": paths}
            for each, paths in _copies(file, target)
        ],
    }


def _base_size(file: File, target: int) -> Size | None:
    """The size of the image at the bottom of a stage, if the catalogue has it or one like it."""
    image = file.chain(file.stages[target])[0].base.image
    size = file.sizes.size(image) if image else None
    return None if size and size.is_other_line else size


def _copies(file: File, target: int) -> Iterator[tuple[Reference, list[str]]]:
    """The COPYs from stages and images into a target, with the paths as written."""
    for stage in file.chain(file.stages[target]):
        for each in file.graph.of(stage.index):
            if each.kind is EdgeKind.COPY:
                yield each, [argument.value for argument in each.instruction.arguments[:-1]]


def _errors(file: File) -> Iterator[tuple[Problem, str]]:
    from stagelint.registry import Registry

    codes = {entry.name: entry.code for entry in Registry().entries}
    for problem in file.problems:
        if not problem.conditional:
            yield problem, codes[problem.kind]


def _targets(file: File) -> list[int]:
    """The targets asked for; the last stage if there are none."""
    found = [file.find_target(target.name) for target in file.options.targets]
    asked = [index for index in found if index is not None]
    return asked or [stage.index for stage in file.stages[-1:]]


def _built(file: File, *, classic: bool) -> set[int]:
    dialect = CLASSIC if classic else BUILDKIT
    built: set[int] = set()
    for target in _targets(file):
        built |= file.built(target, dialect)
    return built


def _edges(file: File) -> Iterator[Reference]:
    """The edges, and those that a FROM with a variable may turn out to be."""
    for edge in file.graph.references:
        if edge.needs is not None:
            yield edge
        if edge.kind is EdgeKind.BASE:
            for index in file.graph.may_be(file.stages[edge.stage]):
                if index != edge.needs:
                    yield edge._replace(needs=index)


def _stage(file: File, stage: Stage) -> Document:
    source = file.source
    start, end = source.lines(stage.span)
    return {
        "index": stage.index,
        "name": stage.name,
        "base": {"raw": stage.base.raw, "stage": stage.base.stage, "image": stage.base.image},
        "platform": (stage.platform.value or None) if stage.platform else None,
        "raw_name": stage.raw_name,
        "start_line": start,
        "end_line": end,
        "from_lines": list(source.lines(stage.opening.code_span)),
        "needs": sorted(file.graph.may_need(stage.index) - {stage.index}),
        "role": file.roles[stage.index].value,
    }


# -- for people ------------------------------------------------------------------------------------


def text(file: File, style: Style) -> Iterator[str]:
    """A tree a target: what ships, what only builds and what is unused, and who builds what."""
    if not file.stages:
        yield "no stages"
        return
    width = max(len(stage.label) for stage in file.stages)
    for stage in file.stages:
        role = file.roles[stage.index]
        head = f"{_MARKS[role]} {stage.index} {stage.label:{width}}  {_WORDS[role]}"
        first, last = file.source.lines(stage.span)
        lines = f"line {first}" if first == last else f"lines {first}-{last}"
        name = escape(f"{head}  ({lines})")
        yield style.bold(name) if role is Role.SHIPPED else name
        yield from _needs(file, stage)
    yield ""
    yield from _builds(file)
    errors = list(_errors(file))
    if errors:
        yield ""
        what = "it" if len(errors) == 1 else "them"
        yield f"{plural(len(errors), 'error')}: `stagelint check` shows {what}"


def _needs(file: File, stage: Stage) -> Iterator[str]:
    rows = list(dict.fromkeys(_row(file, each) for each in _all_references(file, stage)))
    for at, row in enumerate(rows):
        branch = "└─" if at + 1 == len(rows) else "├─"
        yield escape(f"  {branch} {row}")


def _all_references(file: File, stage: Stage) -> Iterator[Reference]:
    yield from file.graph.of(stage.index)
    base = file.graph.of(stage.index)[0]
    for index in file.graph.may_be(stage):
        if index != base.needs:
            yield base._replace(needs=index, image="?")


def _row(file: File, reference: Reference) -> str:
    verb = _VERBS[reference.kind]
    if reference.needs is not None:
        stage = file.stages[reference.needs]
        maybe = " (perhaps)" if reference.image == "?" else ""
        return f"{verb} {stage.index} {stage.label}{maybe}"
    return f"{verb} {reference.image or reference.raw}"


def _builds(file: File) -> Iterator[str]:
    for target in _known_targets(file):
        label = file.stages[target].label
        ours, theirs = file.built(target, BUILDKIT), file.built(target, CLASSIC)
        yield escape(f"target {label}: BuildKit builds {_list(file, ours)}")
        extra = theirs - ours
        if extra:
            yield escape(f"  the classic builder builds {_list(file, extra)} as well")
        verb = "ships" if target in file.shipped else "holds"
        yield escape(f"  it {verb} {_held(file, target)}")


def _held(file: File, target: int) -> str:
    """The base of an image with its size, and what is copied into it from elsewhere."""
    base = file.chain(file.stages[target])[0].base
    parts = [base.image or base.raw]
    size = _base_size(file, target)
    if size:
        parts[0] += f" ({size}, {size.row.as_of})"
    for each, paths in _copies(file, target):
        origin = file.stages[each.needs].label if each.needs is not None else each.image or each.raw
        parts.append(f"{' '.join(paths)} from {origin}")
    return ", ".join(parts)


def _list(file: File, stages: set[int]) -> str:
    return ", ".join(file.stages[index].label for index in sorted(stages))


# -- for other programs ----------------------------------------------------------------------------


def mermaid(file: File) -> Iterator[str]:
    """A Mermaid flowchart; arrows point from what is needed to what needs it."""
    yield "flowchart LR"
    for stage in file.stages:
        role = file.roles[stage.index]
        label = f"{_MARKS[role]} {stage.label}<br/>{_WORDS[role]}"
        yield f'  s{stage.index}["{_html(label)}"]'
    images = _images(file)
    for image, node in images.items():
        yield f'  {node}(["{_html(image)}"])'
    for start, end, kind in _arrows(file, images):
        arrow = "-->" if kind is EdgeKind.BASE else "-.->"
        yield f"  {start} {arrow}|{kind.value}| {end}"


def dot(file: File) -> Iterator[str]:
    """A Graphviz digraph; arrows point from what is needed to what needs it."""
    yield "digraph stages {"
    yield "  rankdir=LR;"
    for stage in file.stages:
        role = file.roles[stage.index]
        style = {Role.SHIPPED: "bold", Role.UNUSED: "dashed"}.get(role, "solid")
        label = _dot(f"{stage.label}\n{_WORDS[role]}")
        yield f"  s{stage.index} [shape=box, style={style}, label={label}];"
    images = _images(file)
    for image, node in images.items():
        yield f"  {node} [shape=ellipse, label={_dot(image)}];"
    for start, end, kind in _arrows(file, images):
        style = "solid" if kind is EdgeKind.BASE else "dashed"
        yield f"  {start} -> {end} [style={style}, label={kind.value}];"
    yield "}"


def _images(file: File) -> dict[str, str]:
    names = dict.fromkeys(each.image for each in file.graph.references if each.image)
    return {name: f"i{number}" for number, name in enumerate(names) if name}


def _arrows(file: File, images: dict[str, str]) -> Iterator[tuple[str, str, EdgeKind]]:
    found: dict[tuple[str, str, EdgeKind], None] = {}
    for edge in _edges(file):
        found[f"s{edge.needs}", f"s{edge.stage}", edge.kind] = None
    for each in file.graph.references:
        if each.image:
            found[images[each.image], f"s{each.stage}", each.kind] = None
    yield from found


def _html(label: str) -> str:
    """Nothing of the file may end the quoted label or be read as markup."""
    label = escape(label).replace("&", "&amp;").replace('"', "&quot;")
    return label.replace("<", "&lt;").replace(">", "&gt;").replace("&lt;br/&gt;", "<br/>", 1)


def _dot(label: str) -> str:
    lines = [escape(line).replace("\\", "\\\\").replace('"', '\\"') for line in label.split("\n")]
    return '"' + "\\n".join(lines) + '"'
