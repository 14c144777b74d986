"""`# stagelint: ignore[...]` comments: what they silence, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.source import Source, Span
from stagelint.syntax.nodes import Comment, Dockerfile, Instruction, PieceKind
from stagelint.tuples import NamedTuple

_COMMENT = re.compile(r"(?:#|//)[ \t]*stagelint:[ \t]*(file-ignore|ignore)[ \t]*\[([^\]\r\n]*)\]")
_SELECTOR = re.compile(r"[^\s,]+")


class Suppression(NamedTuple):
    """One selector of such a comment."""

    selector: str
    """A code or a name, as written."""
    span: Span
    """Where the selector stands."""
    comment: Span
    """The whole line of the comment."""
    scope: Span | None
    """The text whose findings it silences; None for the whole file."""


def suppressions(tree: Dockerfile) -> list[Suppression]:
    """Every selector of every suppression comment, in order.

    A comment above an instruction, blank lines in between or not, or inside its continuation
    speaks of that instruction.
    """
    if "stagelint:" not in tree.text:
        return []
    return list(_find(tree))


def selectors_at(source: Source, offset: int) -> Iterator[str]:
    """The selectors that silence what stands at *offset* of a file that is no Dockerfile.

    A comment speaks of its line, or if it has one of its own, of the next line.
    """
    if "stagelint:" not in source.text:
        return
    line = source.position(offset).line
    for match in _COMMENT.finditer(source.text):
        at = source.position(match.start()).line
        is_alone = not source.text[source.line_span(at).start : match.start()].strip()
        if match[1] == "file-ignore" or at == line or (is_alone and at == line - 1):
            yield from _SELECTOR.findall(match[2])


def _find(tree: Dockerfile) -> Iterator[Suppression]:
    waiting: list[Comment] = []
    for item in tree.items:
        if isinstance(item, Comment):
            waiting.append(item)
        elif isinstance(item, Instruction):
            for comment in waiting:
                yield from _read(tree.text, comment.span, item.span)
            waiting = []
            for piece in item.pieces:
                if piece.kind is PieceKind.COMMENT:
                    yield from _read(tree.text, Span(piece.start, piece.end), item.span)
    for comment in waiting:
        yield from _read(tree.text, comment.span, Span(comment.end, comment.end))


def _read(text: str, line: Span, instruction: Span) -> Iterator[Suppression]:
    match = _COMMENT.search(text, line.start, line.end)
    if not match:
        return
    scope = None if match[1] == "file-ignore" else instruction
    for word in _SELECTOR.finditer(text, match.start(2), match.end(2)):
        yield Suppression(word[0], Span(*word.span()), line, scope)
