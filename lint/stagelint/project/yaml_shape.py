"""What ruamel.yaml, a reader with other authors, sees of a YAML file: its shape and its comments.

Rewritten words are not compared, but what they are: `on` without quotes is no text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from stagelint.source import Source


def shape(source: Source) -> list[str] | None:
    """The kinds of all nodes and all comments, in order; None if it cannot be read."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        scanner: Any = YAML(typ="rt", pure=True)
        reader: Any = YAML(typ="rt")
        tokens = [word for token in scanner.scan(source.text) for word in _token(token)]
        documents = [word for each in reader.load_all(source.text) for word in _node(each)]
    except (YAMLError, ValueError, RecursionError):
        return None
    return tokens + documents


def _token(token: Any) -> Iterator[str]:
    yield type(token).__name__
    yield from _comments(getattr(token, "comment", None))


def _comments(comment: Any) -> Iterator[str]:
    """The comments at a token: lists of lists of them."""
    if isinstance(comment, list):
        for each in cast("list[Any]", comment):  # type: ignore[redundant-cast]
            yield from _comments(each)
    elif comment is not None:
        yield str(comment.value)


def _node(node: object) -> Iterator[str]:
    yield type(node).__name__
    if isinstance(node, Mapping):
        for key, value in cast("Mapping[object, object]", node).items():
            yield from _node(key)
            yield from _node(value)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for each in cast("Sequence[object]", node):
            yield from _node(each)
