"""Stages renamed, moved, removed, added, split and merged."""

from __future__ import annotations

from bench.equivalence.mutations.draft import Draft, Inapplicable
from stagelint.model.graph import EdgeKind
from stagelint.model.roles import Role
from stagelint.model.stages import Stage
from stagelint.source import Span


def _named(draft: Draft) -> Stage:
    return draft.pick([stage for stage in draft.stages if stage.name_span])


def _rename(draft: Draft, stage: Stage, name: str) -> None:
    assert stage.name_span
    draft.replace(stage.name_span, name)


def stage_renamed(draft: Draft) -> None:
    stage, name = _named(draft), draft.fresh_name()
    _rename(draft, stage, name)
    draft.rename_references(stage, name)


def stage_renamed_alone(draft: Draft) -> None:
    """Its references stay behind."""
    _rename(draft, _named(draft), draft.fresh_name())


def stage_named_like_another(draft: Draft) -> None:
    one, other = _named(draft), _named(draft)
    _rename(draft, one, other.raw_name or "")


def stage_named_like_an_image(draft: Draft) -> None:
    images = [each.image for each in draft.file.graph.references if each.image]
    plain = [image for image in images if image.isalnum() and image[0].isalpha()]
    _rename(draft, _named(draft), draft.pick(plain))


def stage_name_in_capitals(draft: Draft) -> None:
    stage = _named(draft)
    _rename(draft, stage, (stage.raw_name or "").swapcase())


def stage_named(draft: Draft) -> None:
    draft.name_of(draft.pick([stage for stage in draft.stages if stage.raw_name is None]))


def stage_loses_its_name(draft: Draft) -> None:
    stage = _named(draft)
    assert stage.name_span
    draft.replace(Span(stage.base.span.end, stage.name_span.end), "")
    for reference in draft.file.graph.edges:
        if reference.needs == stage.index and reference.kind is EdgeKind.COPY:
            draft.replace(reference.span, str(stage.index))


def stages_swapped(draft: Draft) -> None:
    """With the numbers that mean them."""
    first = draft.pick(draft.stages[:-1])
    _swap(draft, first)
    draft.renumber(
        lambda number: {first.index: first.index + 1, first.index + 1: first.index}.get(
            number, number
        )
    )


def stages_swapped_alone(draft: Draft) -> None:
    """The numbers stay as they are."""
    _swap(draft, draft.pick(draft.stages[:-1]))


def _swap(draft: Draft, first: Stage) -> None:
    one, other = (draft.lines_of(draft.stages[first.index + at]) for at in (0, 1))
    draft.move(one, other.end)


def stage_removed(draft: Draft) -> None:
    _remove(draft, draft.pick(draft.stages if len(draft.stages) > 1 else []))


def dead_stage_removed(draft: Draft) -> None:
    dead = [stage for stage in draft.stages if draft.file.roles[stage.index] is Role.UNUSED]
    _remove(draft, draft.pick(dead))


def _remove(draft: Draft, stage: Stage) -> None:
    lines = draft.lines_of(stage)
    for reference in draft.file.graph.edges:
        inside = lines.start <= reference.span.start < lines.end
        if reference.is_index and reference.needs is not None and not inside:
            number = reference.needs - (reference.needs > stage.index)
            draft.write(reference.span, reference.raw, str(number))
    draft.replace(lines, "")


def stage_removed_alone(draft: Draft) -> None:
    """The numbers of those below stay as they are."""
    stage = draft.pick(draft.stages if len(draft.stages) > 1 else [])
    draft.replace(draft.lines_of(stage), "")


def stage_added(draft: Draft) -> None:
    """One that nothing needs, before some stage; numbers are adjusted."""
    before = draft.pick(draft.stages)
    lines = draft.line(f"FROM {_some_base(draft)} AS {draft.fresh_name()}") + draft.line("RUN made")
    draft.insert(before.opening.start, lines)
    draft.renumber(lambda number: number + (number >= before.index))


def last_stage_added(draft: Draft) -> None:
    if not draft.stages:
        raise Inapplicable
    draft.insert(len(draft.before), draft.line(f"FROM {_some_base(draft)} AS {draft.fresh_name()}"))


def _some_base(draft: Draft) -> str:
    return draft.pick(["busybox", "scratch", *(stage.base.raw for stage in draft.stages)])


def alias_inserted(draft: Draft) -> None:
    """`FROM a AS b` below a stage, and its users go by way of it."""
    stage = draft.pick(draft.stages[:-1])
    users = [
        each
        for each in draft.file.graph.edges
        if each.needs == stage.index and each.kind is not EdgeKind.ONBUILD
    ]
    user = draft.pick(users)
    alias = draft.fresh_name()
    name = draft.name_of(stage)
    if name == alias:
        raise Inapplicable
    draft.insert(draft.lines_of(stage).end, draft.line(f"FROM {name.lower()} AS {alias}"))
    draft.write(user.span, user.raw, alias)
    draft.renumber(lambda number: number + (number > stage.index), but=user.span)


def image_aliased(draft: Draft) -> None:
    """`COPY --from=image` becomes one from a stage that is the image."""
    user = draft.pick(
        [
            each
            for each in draft.file.graph.references
            if each.image and each.kind in (EdgeKind.COPY, EdgeKind.MOUNT)
        ]
    )
    alias = draft.fresh_name()
    draft.insert(draft.stages[0].opening.start, draft.line(f"FROM {user.image} AS {alias}"))
    draft.write(user.span, user.raw, alias)
    draft.renumber(lambda number: number + 1)


def parent_merged(draft: Draft) -> None:
    """A stage with one user, which is built on it, goes up into it."""
    children = [
        stage
        for stage in draft.stages
        if stage.base.stage is not None
        and draft.file.graph.used_by(stage.base.stage) == [stage.index]
    ]
    child = draft.pick(children)
    parent = draft.stages[child.base.stage or 0]
    body = Span(parent.opening.end, draft.lines_of(parent).end)
    draft.replace(child.base.span, parent.base.raw)
    draft.insert(child.opening.end, draft.before[body.start : body.end])
    draft.replace(draft.lines_of(parent), "")
    draft.renumber(lambda number: number - (number > parent.index))


def stage_split(draft: Draft) -> None:
    """The rest of a stage becomes one that is built on its beginning."""
    stage = draft.pick([stage for stage in draft.stages if stage.instructions])
    at = draft.pick(stage.instructions)
    name = draft.fresh_name()
    opening = f"FROM {name}"
    draft.replace(Span(stage.base.span.end, stage.opening.code_span.end), f" AS {name}")
    if stage.raw_name:
        opening += f" AS {stage.raw_name}"
    draft.insert(at.start, draft.line(opening))
    draft.renumber(lambda number: number + (number >= stage.index))


def stage_duplicated(draft: Draft) -> None:
    stage = draft.pick(draft.stages)
    lines = draft.lines_of(stage)
    draft.insert(lines.end, draft.before[lines.start : lines.end])
    draft.renumber(lambda number: number + (number >= stage.index))


def base_spelled_in_full(draft: Draft) -> None:
    """`busybox` <-> `busybox:latest` <-> `docker.io/library/busybox`."""
    stage = draft.pick(
        [stage for stage in draft.stages if stage.base.image and "$" not in stage.base.raw]
    )
    image = stage.base.raw
    spellings = [f"{image}:latest", image.removesuffix(":latest"), f"docker.io/library/{image}"]
    draft.replace(stage.base.span, draft.pick([each for each in spellings if each != image]))


def base_exchanged(draft: Draft) -> None:
    stage = draft.pick(draft.stages)
    names = [other.raw_name for other in draft.stages[: stage.index] if other.raw_name]
    draft.replace(stage.base.span, draft.pick([*names, "busybox", "alpine:3", "scratch"]))


def base_by_variable(draft: Draft) -> None:
    """The name of a base becomes the default of a global ARG."""
    stage = draft.pick([stage for stage in draft.stages if "$" not in stage.base.raw])
    draft.insert(draft.stages[0].opening.start, draft.line(f"ARG WHICH={stage.base.raw}"))
    draft.replace(stage.base.span, "$WHICH")


def platform_added(draft: Draft) -> None:
    """It counts for an image and not for a stage."""
    stage = draft.pick([stage for stage in draft.stages if stage.platform is None])
    platform = draft.pick(["$BUILDPLATFORM", "$TARGETPLATFORM", "linux/arm64"])
    at = stage.base.span.start
    draft.replace(Span(at, at), f"--platform={platform} ")
