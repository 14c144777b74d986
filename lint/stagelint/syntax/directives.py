"""`# syntax=`, `# escape=` and `# check=` at the head of a file (BuildKit v0.25.2)."""

from __future__ import annotations

import re

from stagelint.source import Span
from stagelint.syntax.nodes import INVALID_SYNTAX, Phase, Problem
from stagelint.tuples import NamedTuple

NAMES = frozenset({"syntax", "escape", "check"})

_BLANK = "[\t\n\f\r ]*"
_GRAMMAR = rf"{_BLANK}([a-zA-Z][a-zA-Z0-9]*){_BLANK}={_BLANK}(.+?){_BLANK}\Z"
DIRECTIVE = re.compile("#" + _GRAMMAR)
_SLASHES = re.compile("//" + _GRAMMAR)
_CHECK_OPTIONS = frozenset({"skip", "experimental", "error"})
_GO_TRUE = frozenset(["1", "t", "T", "TRUE", "true", "True"])
_GO_BOOLEANS = _GO_TRUE | {"0", "f", "F", "FALSE", "false", "False"}


def syntax(text: str) -> tuple[str, Span] | None:
    """The image of the frontend that a file asks for, and where it says so.

    BuildKit finds it in a scan of its own, before it reads the file: after a `#!` line too, in
    comments that start with `//`, and in a file that is one JSON object.
    """
    at = 1 if text.startswith("\ufeff") else 0
    if text.startswith("#!", at):
        at = text.find("\n", at) + 1
        if not at:
            return None
    for grammar, mark in ((DIRECTIVE, "#"), (_SLASHES, "//")):
        found = _scan(text, at, grammar, mark)
        if found:
            return found
    if text.startswith("{", at):
        return _in_json(text[at:])
    return None


def _scan(text: str, at: int, grammar: re.Pattern[str], mark: str) -> tuple[str, Span] | None:
    seen: set[str] = set()
    while text.startswith(mark, at):
        newline = text.find("\n", at)
        end = newline if newline >= 0 else len(text)
        match = grammar.match(text[at:end].rstrip("\r"))
        name = match[1].lower() if match else ""
        if not match or name not in NAMES or name in seen:
            return None
        if name == "syntax":
            image = match[2].split(" ")[0]
            start = at + match.start(2)
            return image, Span(start, start + len(image))
        seen.add(name)
        at = end + 1
    return None


def _in_json(text: str) -> tuple[str, Span] | None:
    import json

    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match document:
        case {"syntax": str(image)} if image:
            return image.split(" ")[0], Span(0, 0)
        case _:
            return None


class Checks(NamedTuple):
    """What `# check=` says of BuildKit's own checks; which are skipped, `pragmas` reads."""

    experimental: frozenset[str] = frozenset()
    """Names of checks, which count as BuildKit writes them, or `all`."""
    is_error: bool = False
    """Does a build fail if a check finds something?"""


def checks(value: str) -> Checks:
    """The value of `# check=` read, as far as it is valid; the last of equal options holds."""
    options: dict[str, str] = {}
    for option in value.split(" ")[0].split(";"):
        name, _, setting = option.partition("=")
        options[name] = setting
    names = (name.strip() for name in options.get("experimental", "").split(","))
    return Checks(frozenset(filter(None, names)), options.get("error") in _GO_TRUE)


def check_problem(value: str, span: Span) -> Problem | None:
    """What is wrong with the value of `# check=`, if anything."""
    for option in value.split(" ")[0].split(";"):
        name, equals, setting = option.partition("=")
        if not equals or name not in _CHECK_OPTIONS:
            message = f'invalid check option "{name}"'
        elif name == "error" and setting not in _GO_BOOLEANS:
            message = f'strconv.ParseBool: parsing "{setting}": invalid syntax'
        else:
            continue
        return Problem(
            INVALID_SYNTAX,
            span,
            f"failed to parse check options: {message}",
            Phase.CHECK_DIRECTIVE,
        )
    return None
