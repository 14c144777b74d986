"""XML with the place of every text, read by expat: elements without namespaces.

Raises `Broken` where a file cannot be read, and for one that declares a document type: it may have
entities, which may become very long.
"""

from __future__ import annotations

import html
import re
from typing import Any
from xml.parsers import expat

from stagelint.project.quoted import unescaped
from stagelint.project.text import Text
from stagelint.project.yaml import Broken
from stagelint.source import Source, Span, byte_offsets, encode

_ENTITY = re.compile(r"&#?\w+;")
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


class Element:
    """An element: its *name*, its *attributes*, and its *text* if it has nothing else."""

    def __init__(self, name: str, tag: Text) -> None:
        self.name = name
        self.tag = tag
        self.text: Text | None = None
        self.is_leaf = True

    @property
    def attributes(self) -> dict[str, Text]:
        found: dict[str, Text] = {}
        for match in _ATTRIBUTE.finditer(self.tag.text):
            start, end = match.span(2) if match[2] is not None else match.span(3)
            found[match[1]] = _unescaped(self.tag[start:end])
        return found


def elements(source: Source) -> list[Element]:
    """All elements of a file in the order in which they begin."""
    return _Reader(source).elements


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.elements: list[Element] = []
        self._open: list[tuple[Element, int]] = []
        self._at = byte_offsets(source.text)
        self._parser: Any = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse
        try:
            self._parser.Parse(encode(source.text), True)
        except expat.ExpatError as error:
            raise Broken(f"line {error.lineno}: {expat.ErrorString(error.code)}") from None

    @property
    def _here(self) -> int:
        return self._at(self._parser.CurrentByteIndex)

    def _start(self, name: str, _: object) -> None:
        start = self._here
        end = _end_of_tag(self.source.text, start)
        element = Element(name.rpartition(":")[2], Text.of(self.source, Span(start, end)))
        self.elements.append(element)
        if self._open:
            self._open[-1][0].is_leaf = False
        self._open.append((element, end))

    def _end(self, _: str) -> None:
        element, start = self._open.pop()
        if element.is_leaf:
            inner = Text.of(self.source, Span(start, max(start, self._here)))
            if "<" not in inner.text:  # no comment either
                element.text = _unescaped(inner.strip())

    def _refuse(self, *_: object) -> None:
        raise Broken("declares a document type")


def _end_of_tag(text: str, start: int) -> int:
    found = re.compile(r"<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>").match(text, start)
    return found.end() if found else start


def _unescaped(text: Text) -> Text:
    return unescaped(text, _ENTITY, html.unescape)
