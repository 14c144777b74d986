"""References to stages and images written in other ways, or to others."""

from __future__ import annotations

from bench.equivalence.mutations.draft import Draft
from stagelint.model.graph import EdgeKind, Reference


def _copies(draft: Draft) -> list[Reference]:
    return [each for each in draft.file.graph.edges if each.kind is EdgeKind.COPY]


def number_becomes_name(draft: Draft) -> None:
    reference = draft.pick([each for each in _copies(draft) if each.is_index])
    name = draft.name_of(draft.stages[reference.needs or 0])
    draft.write(reference.span, reference.raw, name)


def name_becomes_number(draft: Draft) -> None:
    reference = draft.pick([each for each in _copies(draft) if not each.is_index])
    draft.write(reference.span, reference.raw, str(reference.needs))


def number_spelled_otherwise(draft: Draft) -> None:
    reference = draft.pick([each for each in _copies(draft) if each.is_index])
    draft.write(reference.span, reference.raw, draft.pick(["0", "+"]) + str(reference.needs))


def number_changed(draft: Draft) -> None:
    reference = draft.pick([each for each in _copies(draft) if each.is_index])
    draft.write(reference.span, reference.raw, str(draft.random.randrange(len(draft.stages) + 1)))


def reference_in_capitals(draft: Draft) -> None:
    """Names in --from may be in any case, names in FROM may not."""
    reference = draft.pick([each for each in draft.file.graph.edges if not each.is_index])
    draft.write(reference.span, reference.raw, reference.raw.swapcase())


def reference_quoted(draft: Draft) -> None:
    reference = draft.pick(_copies(draft))
    draft.write(reference.span, reference.raw, f'"{reference.raw}"')


def reference_redirected(draft: Draft) -> None:
    """To another stage, or to an image."""
    reference = draft.pick(draft.file.graph.references)
    names = [stage.raw_name for stage in draft.stages if stage.raw_name]
    draft.write(reference.span, reference.raw, draft.pick([*names, "busybox", "scratch"]))


def image_spelled_in_full(draft: Draft) -> None:
    """`--from=busybox` <-> `--from=busybox:latest`."""
    others = (EdgeKind.COPY, EdgeKind.MOUNT)
    reference = draft.pick(
        [each for each in draft.file.graph.references if each.image and each.kind in others]
    )
    image = reference.raw
    spellings = [f"{image}:latest", image.removesuffix(":latest"), f"docker.io/library/{image}"]
    draft.write(reference.span, image, draft.pick([each for each in spellings if each != image]))
