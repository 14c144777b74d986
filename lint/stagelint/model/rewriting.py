"""Edits that several fixes make: naming a stage, changing a reference, removing whole items."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from stagelint.edit import Edit
from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.graph import EdgeKind, Reference
from stagelint.model.scope import LISTS_OF_STAGES
from stagelint.model.stages import Stage
from stagelint.source import Span
from stagelint.syntax import shell
from stagelint.syntax.characters import lower
from stagelint.syntax.directives import DIRECTIVE, NAMES
from stagelint.syntax.nodes import Blank, Comment, Directive, Instruction, Item

#: A fix that would change more references than this is left to a person.
_MOST_EDITS = 200


def name_stage(stage: Stage, name: str) -> Edit:
    """Give an unnamed *stage* a name, in the case its FROM is written in."""
    keyword = "as" if stage.opening.raw_keyword.islower() else "AS"
    at = stage.base.span.end
    return Edit(Span(at, at), f" {keyword} {name}")


def build_on(file: File, stage: Stage, image: str) -> Edit | None:
    """Have *stage* begin with *image*; None if the name of its base is put together."""
    raw, span = stage.base.raw, stage.base.span
    is_written = "$" not in raw and file.source.text[span.start : span.end] == raw
    return Edit(span, image) if is_written else None


def rename(file: File, stage: Stage, name: str) -> tuple[Edit, ...]:
    """Give a named *stage* another name, in all that means it by its name in the file."""
    assert stage.name_span
    references = (
        refer(reference, name)
        for user in file.graph.used_by(stage.index)
        for reference in file.graph.of(user)
        if reference.needs == stage.index
        and not reference.is_index
        and lower(reference.raw) == stage.name
    )
    return tuple(dict.fromkeys((Edit(stage.name_span, name), *references)))


def bars_stages(file: File) -> str:
    """Why no stage can be added without another meaning for what is there; empty if one can."""
    dialect = file.options.dialect
    if dialect.target_by_index or dialect.builds_all_up_to_target:
        return f"{dialect.title} builds stages by their place"
    if any(each.is_index for each in file.graph.references):
        return "a stage is referred to by its number"
    args = (each for each in file.tree.instructions if each.keyword == "ARG")
    if any(pair.key in LISTS_OF_STAGES for each in args for pair in each.pairs):
        return "an ARG may list stages by their names"
    return ""


def stage_above(file: File, stage: Stage, name: str, body: str = "") -> Edit:
    """Put a stage called *name* above *stage*, on the same base; *body* is whole lines of it."""
    opening, newline = stage.opening, file.source.newline
    begin = opening.flags[0].start if opening.flags else opening.arguments[0].start
    base = file.source.text[opening.logical.offset(begin) : stage.base.span.end]
    keyword = "as" if opening.raw_keyword.islower() else "AS"
    at = territory(file, stage)[0].start
    text = f"{opening.raw_keyword} {base} {keyword} {name}{newline}{body}{newline}"
    return Edit(Span(at, at), text)


def build_on_stage(stage: Stage, name: str) -> Edit:
    """Have *stage* build on the stage *name*, whose platform is its own then."""
    opening = stage.opening
    begin = opening.flags[0].start if opening.flags else opening.arguments[0].start
    return Edit(Span(opening.logical.offset(begin), stage.base.span.end), name)


#: What a command may follow that variables can be set for, as far as it is looked at.
_FREE = r"(?:[;&|({\n]|\b(?:(?i:run)|then|do|else)|\s--\w\S*|\s\w+=\S*)\s*\Z"
_NEAR = 400


def may_assign(text: str, at: int) -> bool:
    """Can `NAME=value` be put in front of the command of a RUN that begins at *at* in *text*?"""
    return re.search(_FREE, text[max(at - _NEAR, 0) : at]) is not None


def add_option(run: Instruction, call: Call, at: int, option: str) -> tuple[Edit, ...]:
    """Put *option* behind the argument of *call* with the index *at*; of -1, behind the program.

    No edit if the call stands within a word, as in `sh -c '...'`, or if the program is not written
    as one.
    """
    if call.is_nested or at >= len(call.spans):
        return ()
    if at >= 0:
        end = call.spans[at].end
    elif run.text.startswith(call.path, call.span.start) and call.path:
        end = call.span.start + len(call.path)
    else:
        return ()
    return (Edit(Span(end, end), f', "{option}"' if run.is_json else f" {option}"),)


def append_command(run: Instruction, command: str, call: Call) -> tuple[Edit, ...]:
    """Have *run* execute *command* last, if all before has succeeded, and as whom it executes *call*.

    No edit unless the script ends with a plain command, in no group, condition or loop.
    """
    is_root = any(name == "sudo" for name, _ in call.wrappers)
    return append_script(run, f"sudo {command}" if is_root else command)


def append_script(run: Instruction, *scripts: str, own_lines: bool = False) -> tuple[Edit, ...]:
    """Have *run* execute *scripts*, of commands joined by `&&`, last, likewise.

    If *own_lines*, each begins a line; else, if the commands of *run* do.
    """
    heredoc = run.whole_script
    if run.is_json or (run.heredocs and not heredoc):
        return ()
    before = run.rest
    if heredoc:
        before = run.text[heredoc.body.start : heredoc.body.end]
    last = max(shell.commands(before), key=lambda each: each.end, default=None)
    if last is None or last.depth or last.compound or not last.words or before[last.end :].strip():
        return ()
    if last.words[0].literal in ("exec", "exit"):
        return ()
    longer = shell.commands(f"{before[: last.end]} && {scripts[0]}")
    if not any(each.start > last.end for each in longer):  # a quote or a bracket is still open
        return ()
    if heredoc:
        end = heredoc.body.start + last.end
        return (Edit(Span(end, end), "".join(f" && {script}" for script in scripts)),)
    end = run.logical.offset(run.rest_start + last.end - 1) + 1
    divided = _line_break(run, end, always=own_lines)
    return (Edit(Span(end, end), "".join(f"{divided}&& {script}" for script in scripts)),)


def _line_break(run: Instruction, end: int, *, always: bool = False) -> str:
    """What divides a command that ends at *end* from the next: a line of its own if lines are."""
    line = run.text.rfind("\n", 0, end) + 1
    is_long = run.text.find("\n", run.code_start, end) >= 0
    if not is_long and not always:
        return " "
    indent = re.match(r"[ \t]*", run.text[line:end]) if is_long else None
    newline = "\r\n" if "\r\n" in run.text else "\n"
    return f" {run.escape}{newline}{indent[0] if indent else '    '}"


def refer(reference: Reference, name: str) -> Edit:
    """Let *reference* name *name*."""
    return Edit(reference.span, name)


def by_name(file: File, references: Iterable[Reference]) -> tuple[Edit, ...] | str:
    """Edits that turn *references* by number into references by name, naming stages as needed.

    The same stage always gets the same edits, so that fixes can share them. A string says why it
    cannot be done.
    """
    edits: list[Edit] = []
    for reference in references:
        if len(edits) > _MOST_EDITS:
            return "too many of them do"
        if reference.kind is EdgeKind.ONBUILD:
            return "the number stands in an ONBUILD"
        assert reference.needs is not None
        stage = file.stages[reference.needs]
        if stage.raw_name is None:
            name = file.naming[stage.index]
            edits.append(name_stage(stage, name))
        elif file.table.selectable(stage):
            name = stage.raw_name
        else:
            return f"another stage is called `{stage.name}` too"
        edits.append(refer(reference, name))
    return tuple(dict.fromkeys(edits))


def territory(file: File, stage: Stage) -> list[Item]:
    """The items that belong to *stage* alone: its comments, instructions and blank lines.

    A comment block that a blank line divides from the stage above belongs to this one; a block at
    the head of the file belongs to the file.
    """
    items = file.tree.items
    first = file.index_of(stage.opening)
    start = first
    if stage.index:
        start = _end_of_stage_above(items, first)
    else:
        while start > 0 and isinstance(items[start - 1], Comment):
            start -= 1
        if start == 0 or isinstance(items[start - 1], Directive):
            start = first
    if stage.index + 1 == len(file.stages):
        return items[start:]
    return items[
        start : _end_of_stage_above(items, file.index_of(file.stages[stage.index + 1].opening))
    ]


def _end_of_stage_above(items: list[Item], opening: int) -> int:
    """Index of the first item before the FROM at *opening* that belongs to it."""
    last = opening - 1
    while not isinstance(items[last], Instruction):
        last -= 1
    at = last + 1
    while at < opening and isinstance(items[at], Comment):
        at += 1
    if at == opening:  # comments right up to the FROM: they speak of what follows
        return last + 1
    while at < opening and isinstance(items[at], Blank):
        at += 1
    return at


def remove(file: File, items: list[Item]) -> Edit:
    """Remove whole items.

    A blank line stays where a comment below would become a directive, or part of one above.
    """
    whole = file.tree.items
    span = Span(items[0].start, items[-1].end)
    first, last = file.index_of(items[0]), file.index_of(items[-1])
    at_head = all(isinstance(item, Directive) for item in islice(whole, first))
    wakes = at_head and any(map(_looks_like_directive, _leading_comments(whole, last + 1)))
    joins = any(isinstance(item, Instruction) for item in items) and all(
        isinstance(item, Comment)
        for item in (*whole[max(0, first - 1) : first], *whole[last + 1 : last + 2])
    )
    between = first > 0 and last + 1 < len(whole)
    return Edit(span, file.source.newline if wakes or (joins and between) else "")


def with_comments(file: File, instruction: Instruction) -> list[Item]:
    """*instruction*, and before it the comments right above it."""
    at = last = file.index_of(instruction)
    while at and isinstance(file.tree.items[at - 1], Comment):
        at -= 1
    return file.tree.items[at : last + 1]


def take_away(file: File, items: list[Item]) -> Edit:
    """Remove whole items that follow each other, and of the blank lines around them one.

    Comments right above them stay, and speak of what comes next.
    """
    whole = file.tree.items
    first, last = file.index_of(items[0]), file.index_of(items[-1])
    below = whole[last + 1 : last + 2]
    if first and isinstance(whole[first - 1], Blank) and any(isinstance(e, Blank) for e in below):
        items = [*items, *below]
    return remove(file, items)


def _leading_comments(items: list[Item], at: int) -> Iterator[Item]:
    while at < len(items) and isinstance(items[at], Comment):
        yield items[at]
        at += 1


def _looks_like_directive(item: Item) -> bool:
    match = DIRECTIVE.match(str(item).lstrip("\ufeff \t").rstrip("\r\n"))
    return match is not None and match[1].lower() in NAMES
