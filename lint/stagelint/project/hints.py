"""Mentions of what may be the name of a stage, in text that no reader understands for sure.

They ask for nothing that is certain; but a stage that somebody mentions may have a use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model.project import UNKNOWN, Build, Value
from stagelint.project.command import TELLING as COMMANDS
from stagelint.project.files import Files
from stagelint.project.readers import reader_of
from stagelint.source import Span
from stagelint.syntax.characters import lower

#: What may stand between the word and the name: `--target dev`, `target: dev`, `"Target": "dev"`,
#: `DockerfileFastModeStage>dev<`; further names may follow in a list.
_WORDS = ("target", "stage")
_NAME = re.compile(r"s?[\"'`\]\w]{0,2}[ \t]*[=:>( \t,][\s\"'`(\[]{0,4}([A-Za-z][\w.-]*)")
_NEXT = re.compile(r"[\"'`]?\s*,\s*[\"'`]?([A-Za-z][\w.-]*)")
_OPTION = re.compile(r"--target[= \t\"',]+([A-Za-z][\w.-]*)")
_WORD = re.compile(r"[A-Za-z][\w.-]*")
#: A name that may be given to a command by way of a variable, a list, a case.
_RUNS = re.compile(r"\b(?:build|bake|bud|buildx|executor)\b")
_TELLING = (*COMMANDS, "skaffold", "services", "bake")
#: Files that people do not write.
_BINARY = re.compile(
    r"\.(png|jpe?g|gif|svg|ico|pdf|gz|zip|tar|jar|woff2?|ttf|eot|mp4|so|exe|dll|bin|sum|lock|map|snap"
    r"|min\.js|pb\.go|ipynb|csv|parquet)$|(^|/)(package-lock\.json|pnpm-lock\.yaml)$|(^|/)node_modules/|(^|/)\.github/ISSUE_TEMPLATE/",
    re.IGNORECASE,
)
#: Scripts and settings that run commands, in languages that no reader reads.
_SCRIPTS = re.compile(
    r"\.(ps1|bat|cmd|rb|js|mjs|ts|groovy|gradle|kts|toml|cfg|ya?ml|json|dist|tmpl)$"
)
_DOCKERFILE = re.compile(r"dockerfile|containerfile", re.IGNORECASE)


def mentions(files: Files, understood: set[str]) -> Iterator[Build]:
    """What may be the name of a target; in files that are *understood*, only in commands.

    Of each name only the first mention: a large script is one word after the other.
    """
    said: set[str] = set()
    for path in files.paths:
        if _BINARY.search(path) or _DOCKERFILE.search(path.rpartition("/")[2]):
            continue
        source = files.telling(path, _TELLING, is_noted=False)
        if source is None:
            continue
        unknown = Value(UNKNOWN, source, Span(0, 0))
        for start, end in _places(path, source.text, path in understood):
            name = lower(source.text[start:end])
            if name in said:
                continue
            said.add(name)
            span = Span(start, end)
            target = Value(source.text[start:end], source, span)
            yield Build("mention", "", source, span, (unknown,), target=target, is_hint=True)


def _places(path: str, text: str, is_understood: bool) -> Iterator[tuple[int, int]]:
    if is_understood:
        yield from (match.span(1) for match in _OPTION.finditer(text))
        return
    yield from _named(text)
    if (reader_of(path) or _SCRIPTS.search(path)) and _RUNS.search(text):
        yield from (match.span() for match in _WORD.finditer(text))


def _named(text: str) -> Iterator[tuple[int, int]]:
    """Names behind the words that go before them."""
    low = text.lower()
    if len(low) != len(text):  # a few letters become two
        low = text
    for word in _WORDS:
        at = low.find(word)
        while at >= 0:
            match = _NAME.match(text, at + len(word))
            while match:
                yield match.span(1)
                match = _NEXT.match(text, match.end())
            at = low.find(word, at + 1)
