"""A rewritten text as dockerfile-parse reads it: a parser by other authors, with other mistakes.

It errs on heredocs, on doubled escapes and on bytes that are not UTF-8, so its word counts only for
a file that both readers saw alike before.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from stagelint.edit import Edit
from stagelint.model.file import File
from stagelint.source import Span
from stagelint.tuples import NamedTuple


class _Seen(NamedTuple):
    """An instruction as dockerfile-parse sees it; lines are 1-based and inclusive."""

    keyword: str
    first: int
    last: int
    value: str


def objection(before: File, after: File, edits: Sequence[Edit]) -> str | None:
    """What dockerfile-parse has against *after*, which *edits* made of *before*.

    Empty if it agrees, None if its word does not count.
    """
    seen_before = _read(before)
    if seen_before is None or _lines(seen_before) != _lines_of(before):
        return None
    seen_after = _read(after)
    if seen_after is None or _lines(seen_after) != _lines_of(after):
        return "dockerfile-parse does not see the same instructions as stagelint any more"
    text = before.source.text
    starts = {item.start for item in before.tree.items} | {len(text)}
    spans = [each.span for each in edits if not _inserts_lines(text, each, starts)]
    kept_before = _outside(before, seen_before, spans)
    kept_after = _outside(after, seen_after, _moved(text, edits))
    if kept_before != kept_after:
        return "dockerfile-parse sees a change outside of what was edited"
    return ""


def _read(file: File) -> list[_Seen] | None:
    """Every instruction, comments left out; None if it cannot read the text."""
    from io import BytesIO

    from dockerfile_parse import DockerfileParser

    data = file.source.to_bytes()
    try:
        data.decode("utf-8")
        file_object: Any = BytesIO(data)  # it reads bytes, whatever its annotation says
        structure = DockerfileParser(fileobj=file_object).structure
    except Exception:  # noqa: BLE001 - whatever it trips over, it has no say
        return None
    return [
        _Seen(
            str(each["instruction"]),
            int(each["startline"]) + 1,
            int(each["endline"]) + 1,
            str(each["value"]),
        )
        for each in structure
        if each["instruction"] != "COMMENT"
    ]


def _lines(seen: list[_Seen]) -> list[tuple[str, int, int]]:
    return [each[:3] for each in seen]


def _lines_of(file: File) -> list[tuple[str, int, int]]:
    return [(each.keyword, *file.source.lines(each.code_span)) for each in file.tree.instructions]


def _outside(file: File, seen: list[_Seen], edited: list[Span]) -> list[tuple[str, str]]:
    """What it sees of the instructions that no edit touches."""
    touched: set[int] = set()
    for span in edited:
        first, last = file.source.lines(span)
        touched.update(range(first, last + 1))
    return [
        (each.keyword, each.value)
        for each in seen
        if touched.isdisjoint(range(each.first, each.last + 1))
    ]


def _moved(text: str, edits: Sequence[Edit]) -> list[Span]:
    """Where the new texts stand after all edits were made in *text*; whole lines that go leave none."""
    moved: list[Span] = []
    by = 0
    for edit in sorted(set(edits)):
        start = edit.span.start + by
        if edit.text.strip() or not _is_lines(text, edit.span):
            moved.append(Span(start, start + len(edit.text)))
        by += len(edit.text) - (edit.span.end - edit.span.start)
    return moved


def _inserts_lines(text: str, edit: Edit, starts: Container[int]) -> bool:
    """Are whole lines put between two instructions, which stay as they are?"""
    at = edit.span.start
    is_between = edit.span.end == at and at in starts and (at == 0 or text[at - 1] == "\n")
    return is_between and edit.text.endswith("\n")


def _is_lines(text: str, span: Span) -> bool:
    """Is it whole lines? The last one need not end."""
    starts = span.start == 0 or text[span.start - 1] == "\n"
    return starts and (span.end == len(text) or text[span.end - 1] == "\n")
