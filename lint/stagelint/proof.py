"""Does a rewrite keep the build? Nothing is accepted on a rule's word.

The two files are compared by what they build (`model/build.py`): every target that could be asked
for before must be there after, and it and the last stage must be the same graph with the same
image config. What no target needs may vanish.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from stagelint.model.build import Target
from stagelint.model.file import File
from stagelint.model.vertices import Vertex
from stagelint.syntax import directives
from stagelint.syntax.characters import lower
from stagelint.syntax.nodes import Instruction


class Difference(Exception):
    """The rewrite changes the build; the message says what differs first."""


def same_build(before: File, after: File, renamed: Mapping[str, str] | None = None) -> None:
    """Prove that *after* builds the same as *before*, for every target and whoever builds.

    *renamed* says which targets, by their names in lower case, are called otherwise after. Raises `Difference` if it does not, or if that is not certain.
    """
    if before.unprovable:
        raise Difference(before.unprovable)
    no_new_errors(before, after)
    if after.unprovable:
        raise Difference(f"in the rewrite, {after.unprovable}")
    if _directives(before) != _directives(after):
        raise Difference("the parser directives differ")
    if not after.build.conditions <= before.build.conditions:
        raise Difference("a FROM or ARG that can fail would be new")
    called = {new: old for old, new in (renamed or {}).items()}
    if before.build.listed() != after.build.listed(called):
        raise Difference("an ARG may list stages by their names, and they would differ")
    for name, index in _targets(before):
        now = (renamed or {}).get(lower(name), name)
        _same_target(before, after, index, (name, now))


def no_new_errors(before: File, after: File) -> None:
    """Raises `Difference` if *after* has an error that *before* has not."""
    old = Counter(problem.kind for problem in before.problems)
    for kind, count in Counter(problem.kind for problem in after.problems).items():
        if count > old[kind]:
            raise Difference(f"it would add an error ({kind})")


def _directives(file: File) -> tuple[object, ...]:
    """All but `escape`, which is in what was read; `syntax` as BuildKit looks for it."""
    checks = [each.value for each in file.tree.directives if each.name == "check"]
    syntax = directives.syntax(file.source.text)
    return syntax and syntax[0], checks


def _targets(file: File) -> Iterator[tuple[str, int]]:
    """Every name that `--target` can select with the stage it means; the last stage has none."""
    for stage in file.stages:
        if stage.raw_name is not None and file.table.selectable(stage):
            yield stage.raw_name, stage.index
    if file.options.dialect.target_by_index:
        yield from ((str(stage.index), stage.index) for stage in file.stages)
    if file.final:
        yield "", file.final.index


def _same_target(before: File, after: File, index: int, names: tuple[str, str]) -> None:
    name, now = names
    counterpart = after.find_target(now)
    if counterpart is None:
        raise Difference(f"there is no target `{now}` any more")
    old, new = before.build.target(index, name), after.build.target(counterpart, now)
    target = f"target `{name}`" if name else "the last stage"
    if old.files != new.files:
        raise Difference(f"{target} {_first_difference(before, after, old, new)}")
    if old.name and new.name and old.name != new.name:
        raise Difference(f"{target} reads the names of stages, and they would differ")
    if old.conditions != new.conditions:
        raise Difference(f"{target} would fail to build with other arguments")
    if old.above != new.above:
        title = before.options.dialect.title
        raise Difference(f"{title} builds every stage above {target}, and they would differ")
    fields = [
        field for field in old.config | new.config if old.config.get(field) != new.config.get(field)
    ]
    if fields:
        raise Difference(f"the config of {target} would differ in {', '.join(sorted(fields))}")


def _first_difference(before: File, after: File, old: Target, new: Target) -> str:
    """What becomes of the first step that only one of the two targets has."""
    steps_before, steps_after = before.build.behind(old.files), after.build.behind(new.files)
    gone = _only(steps_before, steps_after)
    if gone:
        return f"would differ from line {_line(gone, before)} on: {_quote(gone)}"
    added = _only(steps_after, steps_before)
    return f"would have another step: {_quote(added)}" if added else "would have other steps"


def _only(steps: Sequence[Vertex], others: Sequence[Vertex]) -> Instruction | None:
    """The first step that is not among the others."""
    known = {each.digest for each in others}
    return next((each.instruction for each in steps if each.digest not in known), None)


def _line(instruction: Instruction, file: File) -> int:
    return file.source.position(instruction.code_start).line


def _quote(instruction: Instruction) -> str:
    text = " ".join(instruction.logical.text.split())
    return f"`{text if len(text) <= 40 else text[:39] + '…'}`"
