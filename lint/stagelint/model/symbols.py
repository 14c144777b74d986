"""What a word is in every build there could be, whatever `--build-arg`s and base images bring.

A value is a constant (a string), or a sequence of strings and `Symbol`s: what stands for a symbol
is known only when somebody builds. Equal values are equal in every build; unequal ones may be.
The words are expanded as `stagelint.model.expansion` does it for one build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from stagelint.model.expansion import (
    UNKNOWN,
    ExpansionError,
    Value,
    expand_words,
    names,
    part_value,
)
from stagelint.syntax.words import Literal, Part, WordError, is_plain, lex
from stagelint.tuples import NamedTuple

try:  # as the standard library's `random` does: hashlib loads OpenSSL, which takes 8 ms
    from _blake2 import blake2b as blake2b  # noqa: PLC0414 - the formats use it as well
except ImportError:  # pragma: no cover - an interpreter without it
    from hashlib import blake2b as blake2b  # noqa: PLC0414

#: Longer values than this, in pieces and in characters, are folded into one symbol.
_MOST_PIECES = 64
_MOST_CHARACTERS = 65536


class Symbol(NamedTuple):
    """A text that is the same wherever the symbol stands, in one build and in any."""

    digest: str
    is_optional: bool = False
    """Is it a variable that may not be set at all? As a part of a text that is nothing."""


Symbolic = str | tuple[str | Symbol, ...]
"""A constant, or the pieces of which at least one is a symbol."""

Lookup = Callable[[str], Symbolic | None]


def digest(*what: object) -> str:
    """Stands for *what*: strings, numbers, None, booleans, symbols, and tuples of them, by their `repr`."""
    return blake2b(repr(what).encode(), digest_size=16).hexdigest()


def symbol(*what: object, is_optional: bool = False) -> Symbolic:
    """The value that *what* determines."""
    return (Symbol(digest(*what), is_optional),)


def may_be_unset(value: Symbolic | None) -> bool:
    """Can a variable of that value be one that is not set?"""
    if value is None:
        return True
    return any(isinstance(piece, Symbol) and piece.is_optional for piece in value)


def concatenate(values: Iterable[Symbolic | None]) -> Symbolic:
    """One value of several; what is not set is empty."""
    pieces: list[str | Symbol] = []
    run: list[str] = []
    for value in values:
        for piece in (value,) if isinstance(value, str) else value or ():
            if isinstance(piece, str):
                run.append(piece)
            else:
                pieces += ("".join(run), piece._replace(is_optional=False))
                run.clear()
    whole = tuple(piece for piece in (*pieces, "".join(run)) if piece)
    if len(whole) > _MOST_PIECES or sum(map(len, whole)) > _MOST_CHARACTERS:
        return symbol("long", whole)
    if not whole:
        return ""
    return whole[0] if len(whole) == 1 and isinstance(whole[0], str) else whole


def evaluate(text: str, lookup: Lookup, escape: str = "\\", *, quotes: bool = True) -> Symbolic:
    """*text* as one word; with *quotes* false as the body of an unquoted heredoc.

    Raises `ExpansionError` if it cannot be expanded in any build.
    """
    if len(text) <= _MOST_CHARACTERS and text.isascii() and is_plain(text, escape):
        return text
    try:
        value = concatenate(_evaluate(part, lookup) for part in lex(text, escape, quotes=quotes))
        if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
            return symbol("not UTF-8", text, value)  # some of which BuildKit replaces
        return value
    except WordError as error:
        raise ExpansionError(str(error)) from None


def evaluate_words(text: str, lookup: Lookup, escape: str) -> tuple[Symbolic, ...]:
    """*text* as several words, which blanks of an unquoted value divide (EXPOSE).

    Raises `ExpansionError`.
    """
    words = expand_words(text, lambda name: _constant(lookup(name)), escape)
    if isinstance(words, list):
        return tuple(words)
    parts = tuple((part.quoted, _evaluate(part, lookup)) for part in lex(text, escape))
    return (symbol("words", parts),)


def _constant(value: Symbolic | None) -> Value | None:
    return UNKNOWN if isinstance(value, tuple) else value


def _evaluate(part: Part, lookup: Lookup) -> Symbolic | None:
    if isinstance(part, Literal):
        return part.value
    values = {name: lookup(name) for name in names([part])}
    if not any(isinstance(value, tuple) for value in values.values()):
        constant = part_value(part, lambda name: _constant(values[name]))
        if isinstance(constant, str):
            return constant
    if not part.operator:
        return values[part.name]
    value = values[part.name]
    word = concatenate(_evaluate(inner, lookup) for inner in part.word)
    if (word == "" and part.operator in ("-", ":-")) or (
        part.operator in ("-", "?") and _is_set(value)
    ):
        return value
    if part.operator == "+" and _is_set(value):
        return word
    replacement = concatenate(_evaluate(inner, lookup) for inner in part.replacement)
    return symbol("modified", part.operator, value, word, replacement)


def _is_set(value: Symbolic | None) -> bool:
    return not may_be_unset(value)
