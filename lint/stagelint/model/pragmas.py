"""What comments in the language of other linters say: hadolint's pragmas and BuildKit's `# check=`.

They mean what their owners take them to mean (hadolint 2.15.1, BuildKit v0.25.2 and its later
releases), but for what is lost there without a word. hadolint heeds an `ignore` on the line right
above alone, takes the FROM of the next stage into a `stage ignore` and not its own, and reads none
that is not spelt its way. Here blank lines and comments may come between, a stage begins with its
FROM, and a misspelt one is a `Mistake`.
"""

from __future__ import annotations

import re

from stagelint.source import Span
from stagelint.syntax.characters import SPACE
from stagelint.syntax.directives import DIRECTIVE, check_problem
from stagelint.syntax.nodes import Dockerfile
from stagelint.tuples import NamedTuple

#: The release of docker/dockerfile from which on comments above instructions count.
CHECKS_OF_COMMENTS = (1, 21)

_PRAGMA = (
    r"#[ \t]*hadolint[ \t]+(?:(?P<reach>stage|global)[ \t]+)?"
    r"(?P<what>ignore|shell)[ \t]*=[ \t]*(?P<value>[^#\r\n]*)(?:#.*)?\Z"
)
_LIST = r"[^\s,]+(?:[ \t]*,[ \t]*[^\s,]+)*[ \t]*\Z"
#: What is meant to be one, however it is spelt. Prose about hadolint is not.
_ATTEMPT = (
    r"(?i)#+[ \t]*hadolint[ \t:]+(?:(?P<reach>stage|global)[ \t:]+)*"
    r"(?P<what>ignore|disable|shell)\b(?:[ \t]*[=:]|.*\b(?:DL|SC)\d{4}\b|[ \t]+all\b)"
)
#: So many codes of a misspelt comment are repeated.
_SHOWN = 5


class Word(NamedTuple):
    """A name with the place where it stands."""

    text: str
    span: Span


class Mistake(NamedTuple):
    """A comment that its owner passes over, with what is wrong with it."""

    span: Span
    message: str


class Ignore(NamedTuple):
    """`# hadolint ignore=...`."""

    words: list[Word]
    reach: str
    """`stage`, `global`, or empty for one instruction."""


class Shell(NamedTuple):
    """`# hadolint shell=...`: what runs the RUNs that follow."""

    words: tuple[str, ...]
    """As SHELL would have them."""


def pragma(text: str, line: Span) -> Ignore | Shell | Mistake | None:
    """What the comment *line* of *text* says to hadolint, if it speaks to it."""
    place = _trimmed(text, line)
    comment = text[place.start : place.end]
    if "hadolint" not in comment.lower():
        return None
    match = re.match(_PRAGMA, comment)
    if match and match["what"] == "shell" and match["value"].strip() and not match["reach"]:
        return Shell(_command(match["value"].split()))
    if match and match["what"] == "ignore" and re.match(_LIST, match["value"]):
        at = place.start + match.start("value")
        return Ignore(_words(match["value"], at), match["reach"] or "")
    attempt = re.match(_ATTEMPT, comment)
    return Mistake(place, _mended(attempt)) if attempt else None


def _command(words: list[str]) -> tuple[str, ...]:
    """What SHELL would say: hadolint takes the name of a shell alone, too."""
    takes_script = any(re.match(r"-[a-zA-Z]*c\Z", word) for word in words)
    if takes_script or not re.search(r"(?:^|/)(?:ba|da|a|z|k)?sh\Z", words[0]):
        return tuple(words)
    return (*words, "-c")


def _mended(attempt: re.Match[str]) -> str:
    """How the comment should be spelt."""
    reach = f"{attempt['reach'].lower()} " if attempt["reach"] else ""
    if attempt["what"].lower() == "shell":
        return "hadolint does not read this; it reads `# hadolint shell=/bin/bash`"
    codes = re.findall(r"(?:DL|SC)\d{4}", attempt.string.upper())[:_SHOWN]
    right = f"# hadolint {reach}ignore={','.join(codes) or 'DL3006'}"
    if re.search(r"(?i)[=:\s]all\b", attempt.string) and not codes:
        return f"hadolint has no word for all rules; it reads `{right}`"
    return f"hadolint does not read this; it reads `{right}`, and a reason after another `#`"


def skipped(tree: Dockerfile) -> list[Word]:
    """The checks that the directive `# check=` of *tree* switches off, or `all`."""
    values = (each.value_span for each in tree.directives if each.name == "check")
    span = next(values, None)
    return _skip(tree.text[span.start : span.end], span.start) if span else []


def skipped_by_comment(text: str, line: Span) -> list[Word]:
    """Those that the comment *line* of *text* switches off for the instruction below.

    docker/dockerfile reads such comments since 1.21 (BuildKit's linter, `WithMergedConfigFromComments`).
    """
    place = _trimmed(text, line)
    match = DIRECTIVE.match(text[place.start : place.end])
    if not match or match[1].lower() != "check" or check_problem(match[2], place):
        return []
    return _skip(match[2], place.start + match.start(2))


def _skip(value: str, at: int) -> list[Word]:
    """What the option `skip` names in *value*, which stands at the offset *at*, up to a blank."""
    found: list[Word] = []
    for option in value.split(" ")[0].split(";"):
        name, _, setting = option.partition("=")
        if name == "skip":
            found = _words(setting, at + len("skip="))
        at += len(option) + 1
    return found


def _words(value: str, at: int) -> list[Word]:
    """The words of a list with commas that stands at the offset *at*."""
    return [
        Word(match[0], Span(at + match.start(), at + match.end()))
        for match in re.finditer(r"[^\s,]+", value)
    ]


def _trimmed(text: str, line: Span) -> Span:
    """*line* without white space around, and a BOM in front."""
    start = line.end - len(text[line.start : line.end].lstrip("\ufeff" + SPACE))
    return Span(start, start + len(text[start : line.end].rstrip(SPACE)))
