"""What the files of CI systems have in common: scripts that are lists of lines, and variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from stagelint.project.script import FOLDERS
from stagelint.project.text import Piece, Text, concat, expand
from stagelint.project.yaml import Node
from stagelint.source import Source, Span

#: Values of names, in variables or in the expressions that a system replaces.
Known = Mapping[str, Sequence[Text]]

#: So many nodes of a document are looked at, and so deep, whatever its aliases make of it.
_NODES, _DEPTH = 20_000, 100
#: Of longer values nothing is known.
_LONG = 500

_VARIABLE = re.compile(r"\$(?:\$|(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})")


def script(*nodes: Node | None) -> Text | None:
    """The scalars in *nodes* and in the lists there, each a line, as one script; None without any.

    Such lines are run by one shell: what one of them sets, the next ones see.
    """
    pieces: list[Piece] = []
    for each in _scalars([node for node in nodes if node is not None]):
        text = each.text
        if text is not None and text.text:
            end = text.pieces[-1].span.end
            pieces += (*text.pieces, Piece("\n", each.source, Span(end, end)))
    return Text(pieces) if pieces else None


def _scalars(nodes: list[Node]) -> Iterator[Node]:
    left = nodes[::-1]
    for _ in range(_NODES):
        if not left:
            return
        node = left.pop()
        if node.is_scalar:
            yield node
        left += node.entries()[::-1]


def mappings(node: Node, depth: int = 0, seen: set[int] | None = None) -> Iterator[Node]:
    """Every mapping in *node*, outer ones first; each once, whatever aliases there are."""
    seen = set() if seen is None else seen
    if node.id in seen or depth > _DEPTH or not (node.is_mapping or node.is_sequence):
        return
    seen.add(node.id)
    if node.is_mapping:
        yield node
    for each in node.children:
        yield from mappings(each, depth + 1, seen)


def variables(node: Node | None, outer: Known, *, are_defaults: bool) -> Known:
    """The variables that a mapping sets besides the *outer* ones.

    A value is a scalar, or the `value` of a mapping; it may refer to those before it.
    *are_defaults* says that somebody may set others.
    """
    known, seen = dict(outer), set[str]()
    for key, value in node.items() if node else ():
        text = (value.get("value") or value).text
        if text is not None and key.plain not in seen:
            seen.add(key.plain)
            texts = short(text, lambda text: _replaced(text, known))
            known[key.plain] = [each.as_default() for each in texts] if are_defaults else texts
    return known


def short(text: Text, replaced: Callable[[Text], Sequence[Text]]) -> Sequence[Text]:
    """What the value *text* of a variable may be when *replaced*; unknown if it gets long."""
    texts: Sequence[Text] = replaced(text) if len(text.text) <= _LONG else ()
    if not texts or any(len(each.text) > _LONG for each in texts):
        return [text.as_unknown()]
    return texts


def _replaced(text: Text, known: Known) -> Sequence[Text]:
    def value(match: re.Match[str], whole: Text) -> Sequence[Text]:
        name = match["name"] or match["braced"]
        if name is None:
            return [whole]
        if name in known:
            return known[name]
        return [whole.standing_for(FOLDERS[name]) if name in FOLDERS else whole.as_unknown()]

    return expand(text, _VARIABLE, value)


def replaced(text: Text, expression: re.Pattern[str], known: Known) -> list[Text]:
    """What *text* may be when each *expression* in it, whose first group is a name, is replaced.

    What is not *known* may be anything.
    """
    return expand(
        text, expression, lambda match, whole: known.get(match[1]) or [whole.as_unknown()]
    )


def command_line(parts: Sequence[Text | str], source: Source, span: Span) -> Text:
    """A command whose parts stand in the file, or else belong to *span*."""
    texts = [
        word if isinstance(word, Text) else Text([Piece(word, source, span)]) for word in parts
    ]
    return concat(texts, source, span)
