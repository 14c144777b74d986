"""Edits of RUNs step by step, of the flags of COPYs, and of whole lines between instructions."""

from __future__ import annotations

from collections.abc import Mapping

from stagelint.edit import Edit
from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.joining import take_out
from stagelint.model.moments import Moment, absolute
from stagelint.model.rewriting import remove, take_away, with_comments
from stagelint.model.run_steps import Step, is_idle, steps
from stagelint.source import Span
from stagelint.syntax.nodes import Comment, Instruction, Item


def step_of(run: Moment, call: Call) -> Step | None:
    """The step of the script of *run* that is *call* and nothing else; None if there is none."""
    for step in steps(run) or ():
        if call in step.calls:
            is_alone = len(step.calls) == 1 and not step.command.redirections
            return step if is_alone and not call.is_nested else None
    return None


def rewritten(file: File, run: Moment, texts: Mapping[Span, str]) -> tuple[Edit, ...]:
    """Put *texts* in the place of steps of *run*, by their spans; an empty one takes its step out.

    A RUN of which nothing is left that lasts goes with the comment right above it.
    """
    found = steps(run) or ()
    row = [each.span for each in found]
    kept = [at for at, span in enumerate(row) if texts.get(span, "kept")]
    if all(is_idle(found[at]) and row[at] not in texts for at in kept):
        return (remove(file, with_comment(file, run.instruction)),)
    edits = [Edit(span, text) for span, text in texts.items() if text]
    for before, after in zip([-1, *kept], [*kept, len(row)], strict=True):
        if after - before > 1:
            is_first = before < 0
            start = row[0].start if is_first else row[before].end
            end = row[after].start if is_first else row[after - 1].end
            edits.append(Edit(Span(start, end)))
    return tuple(edits)


def with_comment(file: File, instruction: Instruction) -> list[Item]:
    """*instruction*, with the comment right above it unless that may speak of what is below, too."""
    items = file.tree.items
    at = file.index_of(instruction)
    start = at
    if not isinstance((*items[at + 1 :][:1], None)[0], Instruction):
        while isinstance(items[start - 1], Comment):
            start -= 1
    return items[start : at + 1]


def put_above(file: File, instruction: Instruction, line: str) -> Edit:
    """Put *line* above *instruction* and the comment right above that."""
    start = with_comments(file, instruction)[0].start
    return Edit(Span(start, start), f"{line}{file.source.newline}")


def set_flag(node: Instruction, name: str, value: str) -> Edit:
    """Give *node* the flag `--name=value`, or the one it has that value."""
    flag = node.flag(name)
    if flag:
        return Edit(node.logical.span(flag.value_start, flag.end), value)
    end = node.logical.span(node.flags[-1].start, node.flags[-1].end).end if node.flags else None
    at = node.keyword_span.end if end is None else end
    return Edit(Span(at, at), f" --{name}={value}")


def without_path(file: File, run: Moment, call: Call, path: str) -> Edit | None:
    """Have *call*, which is `rm`, not remove the absolute *path*: take out the word, *call* or all of *run*.

    None if that would change the rest.
    """
    told = [at for at, word in enumerate(call.arguments) if word and not word.startswith("-")]
    if len(told) > 1:
        at = next(at for at in told if _is_path(call, at, path))
        before = call.spans[at - 1] if at else call.name_span
        return None if call.is_nested else Edit(Span(before.end, call.spans[at].end))
    if len(run.calls) == 1 and not run.instruction.flags:
        return take_away(file, [run.instruction])
    return take_out(run.instruction, call)


def _is_path(call: Call, at: int, path: str) -> bool:
    found = absolute(call.arguments[at] or "", call.directory) or ""
    return path in (call.arguments[at], found.rstrip("/"))
