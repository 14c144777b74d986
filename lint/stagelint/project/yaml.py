"""YAML with the place of every word, read by the C loader of PyYAML; JSON is YAML here.

Raises `Broken` where a document cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

import yaml

from stagelint.project.quoted import unescaped
from stagelint.project.text import Piece, Text
from stagelint.source import Source, Span

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "tag:yaml.org,2002:merge"
#: `&anchor` and `!tag` in front of a node.
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s+)+")
_NULL = "tag:yaml.org,2002:null"
#: Merges and aliases are followed so deep.
_DEPTH = 30


class Broken(Exception):
    """A file is not what its name says; the message has the line and the reason."""


def documents(source: Source) -> list[Node]:
    """The documents of a YAML file."""
    return [Node(each, source) for each in _compose(source, source.text)]


def json_document(source: Source) -> Node | None:
    """A JSON file, perhaps with comments and commas too many."""
    found = _compose(source, _without_comments(source.text).replace("\t", " "))
    return Node(found[0], source) if found else None


def _compose(source: Source, text: str) -> list[Any]:
    if text.startswith("\ufeff"):
        text = " " + text[1:]
    try:
        return list(filter(None, yaml.compose_all(text, Loader=_Loader)))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        reason = getattr(error, "problem", None) or type(error).__name__
        line = f"line {mark.line + 1}: " if mark else ""
        raise Broken(f"{line}{str(reason).lower()}") from None


def _without_comments(text: str) -> str:
    """JSON with comments as blanks, so that offsets stay."""
    token = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
    return token.sub(lambda m: m[0] if m[0][0] == '"' else re.sub(r"[^\n]", " ", m[0]), text)


class Node:
    """A node of a document. What is asked of one of another kind is answered by nothing."""

    def __init__(self, node: Any, source: Source) -> None:
        self._node = node
        self.source = source

    @property
    def id(self) -> int:
        """The same for all aliases of a node."""
        return id(self._node)

    @property
    def tag(self) -> str:
        """Its tag, such as `!reset`; one that is not written is long."""
        return str(self._node.tag)

    @property
    def is_scalar(self) -> bool:
        return isinstance(self._node, yaml.ScalarNode)

    @property
    def is_null(self) -> bool:
        return str(self._node.tag) == _NULL

    @property
    def is_mapping(self) -> bool:
        return isinstance(self._node, yaml.MappingNode)

    @property
    def is_sequence(self) -> bool:
        return isinstance(self._node, yaml.SequenceNode)

    @property
    def span(self) -> Span:
        """From its first character to its last."""
        return Span(self._node.start_mark.index, self._node.end_mark.index)

    def items(self, seen: set[int] | None = None) -> Iterator[tuple[Node, Node]]:
        """Keys and values of a mapping; what is merged into it comes last, each once."""
        seen = set() if seen is None else seen
        if not self.is_mapping or self.id in seen or len(seen) > _DEPTH:
            return
        seen.add(self.id)
        merged: list[Node] = []
        for key, value in cast("list[tuple[Any, Any]]", self._node.value):
            if key.tag == _MERGE:
                each = Node(value, self.source)
                merged += each.entries() if each.is_sequence else [each]
            else:
                yield Node(key, self.source), Node(value, self.source)
        for each in merged:
            yield from each.items(seen)

    @property
    def children(self) -> list[Node]:
        """The entries of a sequence, or the values of a mapping."""
        return self.entries() or [value for _, value in self.items()]

    def entries(self) -> list[Node]:
        """The entries of a sequence."""
        if not self.is_sequence:
            return []
        return [Node(each, self.source) for each in self._node.value]

    def get(self, *keys: str) -> Node | None:
        """What is found by following *keys* through mappings."""
        at = self
        for name in keys:
            found = next((value for key, value in at.items() if key.plain == name), None)
            if found is None or found.is_null:
                return None
            at = found
        return at

    @property
    def plain(self) -> str:
        """The text of a scalar; empty for anything else."""
        return cast("str", self._node.value) if self.is_scalar else ""

    @property
    def text(self) -> Text | None:
        """A scalar with the place of its parts."""
        if not self.is_scalar:
            return None
        value, span = self.plain, self.span
        before = _PROPERTIES.match(self.source.text, span.start, span.end)
        if before:
            span = Span(before.end(), span.end)
        written = self.source.text[span.start : span.end]
        if self._node.style in ("'", '"'):
            span, written = Span(span.start + 1, span.end - 1), written[1:-1]
        if written == value:
            return Text([Piece(value, self.source, span)])
        if self._node.style == '"':
            found = unescaped(Text.of(self.source, span))
            if found.text == value:
                return found
        pieces = _pieces(value, self.source, span, is_block=self._node.style in ("|", ">"))
        return Text(pieces or [Piece("", self.source, span)])

    @property
    def texts(self) -> list[Text]:
        """The scalars of a sequence, or this one."""
        found = [each.text for each in (self.entries() if self.is_sequence else [self])]
        return [each for each in found if each is not None]


def _pieces(value: str, source: Source, span: Span, *, is_block: bool) -> Sequence[Piece]:
    """Where the lines of a scalar stand; between them are line ends, which stand nowhere."""
    start = source.text.find("\n", *span) + 1 if is_block else span.start
    found: list[Piece] = []
    at, line_start = 0, max(start, span.start)
    while at < len(value) and line_start < span.end:
        newline = source.text.find("\n", line_start, span.end)
        line_end = span.end if newline < 0 else newline
        line = source.text[line_start:line_end].strip()
        place = value.find(line, at) if line else -1
        if line and place < 0 and not is_block:  # an escape
            return [Piece(value, source, span)]
        if place >= 0:
            offset = source.text.index(line, line_start)
            if place > at:
                found.append(Piece(value[at:place], source, Span(offset, offset)))
            found.append(Piece(line, source, Span(offset, offset + len(line))))
            at = place + len(line)
        line_start = line_end + 1
    if at < len(value):
        found.append(Piece(value[at:], source, span))
    return found
