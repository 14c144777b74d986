"""Does a rewrite keep the build? Nothing is accepted on a rule's word.

Until a rewrite changes more than names, numbers and dead stages, it is enough to compare the two
files instruction by instruction: what remains must be the same text, and every name and number
in it must lead to the same place as before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence

from stagelint.edit import Edit
from stagelint.model.file import File
from stagelint.model.graph import OUT_OF_RANGE, EdgeKind, Reference
from stagelint.model.stages import Stage
from stagelint.syntax.nodes import Instruction
from stagelint.syntax.validate import mount_fields

#: Where one of these is mentioned, the name of a stage can be read by the build itself.
_READERS_OF_NAMES = ("TARGETSTAGE", "BUILDKIT_SBOM_SCAN_STAGE", "SOURCE_DATE_EPOCH")


class Difference(Exception):
    """The rewrite changes the build; the message says what differs first."""


def same_build(before: File, after: File, edits: Sequence[Edit]) -> None:
    """Prove that *after*, which *edits* made of *before*, builds the same for every target.

    Raises `Difference` if it does not, or if that is not certain.
    """
    if before.is_rejected:
        raise Difference("BuildKit rejects the file as it stands")
    no_new_errors(before, after)
    _same_head(before, after)
    moved = _surviving_stages(before, after, edits)
    for old, new in moved.items():
        _same_stage(before, after, before.stages[old], after.stages[new], moved)
    for stage in before.stages:
        if before.table.selectable(stage):
            name = stage.raw_name or ""
            if after.find_target(name) != moved.get(stage.index):
                raise Difference(f"target `{name}` is not what it was")
    if len(moved) < len(before.stages):
        _may_go(before, set(range(len(before.stages))) - set(moved))


def no_new_errors(before: File, after: File) -> None:
    """Raises `Difference` if *after* has an error that *before* has not."""
    old = Counter(problem.kind for problem in before.problems)
    for kind, count in Counter(problem.kind for problem in after.problems).items():
        if count > old[kind]:
            raise Difference(f"it would add an error ({kind})")


def _same_head(before: File, after: File) -> None:
    if _directives(before) != _directives(after):
        raise Difference("the parser directives differ")
    if [_text(each) for each in _before_stages(before)] != [
        _text(each) for each in _before_stages(after)
    ]:
        raise Difference("the ARGs before the first FROM differ")


def _directives(file: File) -> list[tuple[str, str]]:
    return [(directive.name, directive.value) for directive in file.tree.directives]


def _before_stages(file: File) -> Iterator[Instruction]:
    for instruction in file.tree.instructions:
        if instruction.keyword == "FROM":
            return
        yield instruction


def _text(instruction: Instruction) -> tuple[str, str, tuple[str, ...]]:
    """What an instruction says, however it is laid out and whatever the case of its keyword."""
    logical = instruction.logical.text[instruction.keyword_start + len(instruction.keyword) :]
    bodies = tuple(
        instruction.text[each.body.start : each.body.end] for each in instruction.heredocs
    )
    return instruction.keyword, logical, bodies


def _surviving_stages(before: File, after: File, edits: Sequence[Edit]) -> dict[int, int]:
    """Index before -> index after, of the stages whose FROM no edit deletes."""
    deleted = sorted(edit.span for edit in edits if not edit.text.strip())
    remaining: list[int] = []
    for stage in before.stages:
        at = bisect_right(deleted, (stage.opening.code_start, len(before.source.text) + 1)) - 1
        if at < 0 or deleted[at].end < stage.base.span.end:
            remaining.append(stage.index)
    if len(remaining) != len(after.stages):
        raise Difference("the stages do not match one to one")
    if before.stages and (not remaining or remaining[-1] != before.stages[-1].index):
        raise Difference("the last stage is another one")
    return {old: new for new, old in enumerate(remaining)}


def _same_stage(before: File, after: File, old: Stage, new: Stage, moved: dict[int, int]) -> None:
    label = old.label
    if old.raw_name is not None and old.name != new.name and before.table.selectable(old):
        raise Difference(f"stage `{label}` has lost its name")
    if old.name != new.name and any(word in before.source.text for word in _READERS_OF_NAMES):
        raise Difference(f"the file reads the names of its stages, and `{label}` gets another")
    if _flags(old.opening) != _flags(new.opening):
        raise Difference(f"the flags of stage `{label}` differ")
    if old.base.stage is None and old.base.raw != new.base.raw:
        raise Difference(f"the base of stage `{label}` differs")
    possible = {moved.get(index) for index in before.graph.may_be(old)}
    if possible != set(after.graph.may_be(new)):
        raise Difference(f"other stages can be the base of stage `{label}`")
    if [_shape(each) for each in old.instructions] != [_shape(each) for each in new.instructions]:
        raise Difference(f"an instruction of stage `{label}` differs")
    ours, theirs = before.graph.of(old.index), after.graph.of(new.index)
    if [_meaning(each, moved) for each in ours] != [_meaning(each, None) for each in theirs]:
        raise Difference(f"stage `{label}` needs other stages or images")


def _meaning(
    reference: Reference, moved: dict[int, int] | None
) -> tuple[EdgeKind, int | None, str | None, str | None]:
    needs = reference.needs
    if needs is not None and moved is not None:
        needs = moved.get(needs, -1)
    return (
        reference.kind,
        needs,
        reference.image,
        reference.problem.kind if reference.problem else None,
    )


def _flags(instruction: Instruction) -> list[tuple[str, str | None]]:
    return [(flag.name, flag.value) for flag in instruction.flags]


def _shape(instruction: Instruction) -> tuple[object, ...]:
    """An instruction without the names it refers to stages by."""
    if instruction.keyword not in ("COPY", "RUN"):
        return _text(instruction)
    flags: list[object] = []
    for flag in instruction.flags:
        if instruction.keyword == "COPY" and flag.name == "from":
            flags.append("from")
        elif flag.name == "mount":
            fields = mount_fields(flag.value or "") or []
            flags.append([field if field[0] != "from" else "from" for field in fields])
        else:
            flags.append((flag.name, flag.value))
    keyword, _, bodies = _text(instruction)
    return keyword, flags, instruction.rest, bodies


def _may_go(before: File, gone: set[int]) -> None:
    """Only what nothing can need may vanish, and only if no number comes to mean something else."""
    if any(problem.kind == OUT_OF_RANGE for problem in before.problems):
        raise Difference("a number refers to no stage, and would come to mean another thing")
    kept = [
        stage.index
        for stage in before.stages
        if stage.index not in gone or before.table.selectable(stage)
    ]
    needed = before.graph.may_need(*kept)
    for index in sorted(gone & needed):
        raise Difference(f"stage `{before.stages[index].label}` may be needed")
