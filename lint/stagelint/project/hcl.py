"""HCL with the place of every word, read by tree-sitter: blocks, attributes, and simple expressions.

Raises `Broken` where a file cannot be read. What an expression is that calls functions is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from stagelint.project.files import Files
from stagelint.project.quoted import unescaped
from stagelint.project.text import MOST, Piece, Text, combine
from stagelint.project.yaml import Broken
from stagelint.source import Source, Span, byte_offsets, encode

#: What a name stands for; nothing if that is not known.
Lookup = Callable[[str], Sequence[Text]]

_ESCAPE = re.compile(r"\\(?:[nrt\"\\]|u[0-9a-fA-F]{4})|\$\$\{|%%\{")
#: The same in a heredoc.
_TEMPLATE = re.compile(r"\$\$\{|%%\{")
_SIGNS = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
#: What a text begins and ends with; the name of a heredoc stands behind `<<` as well.
_MARKS = ("quoted_template_start", "quoted_template_end", "heredoc_start", "heredoc_identifier")
_DEPTH = 40


@lru_cache(1)
def _parser() -> Any:
    import tree_sitter
    import tree_sitter_hcl

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))


def blocks(source: Source) -> list[Block]:
    """The blocks of a file, such as `target "app" { ... }`."""
    tree = _parser().parse(encode(source.text))
    if tree.root_node.has_error:
        raise Broken(f"line {_first_error(tree.root_node) + 1}: is not HCL")
    return list(_blocks(tree.root_node, _Offsets(source)))


def blocks_of(paths: Iterable[str], files: Files) -> Iterator[Block]:
    """The blocks of several files; one that is broken is noted where it is read itself."""
    for path in paths:
        source = files.source(path)
        try:
            yield from files.parsed(source, blocks) if source else ()
        except Broken:
            continue


def _first_error(node: Any) -> int:
    while True:
        below = next((each for each in node.children if each.has_error or each.is_missing), None)
        if below is None:
            return int(node.start_point[0])
        node = below


class _Offsets:
    """Turns the bytes that tree-sitter counts into characters."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._at = byte_offsets(source.text)

    def span(self, node: Any) -> Span:
        return Span(self._at(node.start_byte), self._at(node.end_byte))


def _blocks(node: Any, offsets: _Offsets) -> Iterator[Block]:
    for child in node.named_children:
        if child.type == "body":
            yield from _blocks(child, offsets)
        elif child.type == "block":
            yield Block(child, offsets)


class Block:
    """A block: its *kind*, its *labels* and its attributes."""

    def __init__(self, node: Any, offsets: _Offsets) -> None:
        self.source = offsets.source
        self._offsets = offsets
        self.span = offsets.span(node)
        words = [each for each in node.named_children if each.type in ("identifier", "string_lit")]
        texts = [Expression(each, offsets).written for each in words]
        self.kind = texts[0] if texts else ""
        self.labels = texts[1:]
        self.blocks: list[Block] = []
        self.attributes: dict[str, Expression] = {}
        for body in (each for each in node.named_children if each.type == "body"):
            self.blocks += _blocks(body, offsets)
            for each in body.named_children:
                if each.type == "attribute" and len(each.named_children) >= 2:
                    name = Expression(each.named_children[0], offsets).written
                    self.attributes[name] = Expression(each.named_children[-1], offsets)


class Expression:
    """The right side of an attribute."""

    def __init__(self, node: Any, offsets: _Offsets) -> None:
        while node.type in (
            "expression",
            "collection_value",
            "literal_value",
            "template_expr",
        ) and (node.named_child_count == 1):
            node = node.named_children[0]
        self._node = node
        self._offsets = offsets

    @property
    def span(self) -> Span:
        return self._offsets.span(self._node)

    @property
    def written(self) -> str:
        """Its text as it stands there, without quotes."""
        start, end = self.span
        return self._offsets.source.text[start:end].strip('"')

    def _below(self, node: Any) -> Expression:
        return Expression(node, self._offsets)

    @property
    def is_null(self) -> bool:
        return str(self._node.type) == "null_lit"

    @property
    def is_list(self) -> bool:
        return str(self._node.type) == "tuple"

    @property
    def _unknown(self) -> Text:
        return Text.unknown(self._offsets.source, self.span)

    def entries(self) -> list[Expression]:
        """The entries of a list; of `[for ...]`, none."""
        if self._node.type != "tuple":
            return []
        return [
            self._below(each) for each in self._node.named_children if each.type == "expression"
        ]

    def items(self) -> Iterator[tuple[Expression, Expression]]:
        """Keys and values of an object."""
        if self._node.type == "object":
            for each in self._node.named_children:
                if each.type == "object_elem":
                    key, value = each.child_by_field_name("key"), each.child_by_field_name("val")
                    if key is not None and value is not None:
                        yield self._below(key), self._below(value)

    def key(self, lookup: Lookup) -> list[Text]:
        """Of an object: a bare word is not the name of a variable there."""
        start = self.span.start
        is_bracketed = "(" in self._offsets.source.text[max(0, start - 2) : start]
        if self._node.type == "variable_expr" and not is_bracketed:
            return [Text.of(self._offsets.source, self.span)]
        return self.texts(lookup)

    def texts(self, lookup: Lookup, depth: int = 0) -> list[Text]:
        """What it may be as a text."""
        node, source = self._node, self._offsets.source
        if depth > _DEPTH:
            return [Text.unknown(source, self.span)]
        if node.type in ("string_lit", "quoted_template", "heredoc_template"):
            return self._template(lookup, depth)
        if node.type in ("numeric_lit", "bool_lit"):
            return [Text.of(source, self.span)]
        if node.type == "variable_expr":
            found = list(lookup(self.written))
            return found or [Text.unknown(source, self.span)]
        if node.type == "expression" and node.named_child_count > 1:  # x.y
            names = ".".join(self._below(each).written.lstrip(".") for each in node.named_children)
            found = list(lookup(names))
            return found or [Text.unknown(source, self.span)]
        if node.type == "conditional":
            branches = [self._below(each) for each in node.named_children[1:]]
            texts = [each for branch in branches for each in branch.texts(lookup, depth + 1)]
            distinct = {each.text: each.as_default() for each in texts}
            return list(distinct.values()) if len(distinct) <= MOST else [self._unknown]
        if node.type == "expression" and node.named_child_count == 1:
            return self._below(node.named_children[0]).texts(lookup, depth + 1)
        return [Text.unknown(source, self.span)]

    def _template(self, lookup: Lookup, depth: int) -> list[Text]:
        """A quoted text or a heredoc; blanks beside `${...}` belong to no node."""
        source = self._offsets.source
        marks = [each for each in self._node.named_children if each.type in _MARKS]
        if len(marks) < 2:
            return [Text.unknown(source, self.span)]
        at, end = self._offsets.span(marks[-2]).end, self._offsets.span(marks[-1]).start
        inner = Span(at, end)
        parts: list[Sequence[Text]] = []
        for node in self._node.named_children:
            if node.type not in _MARKS:
                span = self._offsets.span(node)
                parts += ([Text.of(source, Span(at, span.start))], self._part(node, lookup, depth))
                at = span.end
        parts.append([Text.of(source, Span(at, end))])
        return list(combine(parts, Text([Piece("", source, inner)])))

    def _part(self, node: Any, lookup: Lookup, depth: int) -> list[Text]:
        """A part of a quoted text."""
        source, span = self._offsets.source, self._offsets.span(node)
        if node.type == "template_literal":
            signs = _TEMPLATE if self._node.type == "heredoc_template" else _ESCAPE
            return [unescaped(Text.of(source, span), signs, _sign)]
        if node.type == "template_interpolation":
            inner = next((each for each in node.named_children if each.type == "expression"), None)
            if inner is not None:
                return self._below(inner).texts(lookup, depth + 1)
        return [Text.unknown(source, span)]


def _sign(escape: str) -> str:
    if escape[0] != "\\":
        return escape[1:]
    return chr(int(escape[-4:], 16)) if escape[1] == "u" else _SIGNS[escape[1]]
