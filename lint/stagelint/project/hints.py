"""Mentions of targets in text that no reader understands: documentation, other languages.

They ask for nothing that is certain; but a stage that somebody mentions as a target may have a use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model.project import Build, Value, is_foreign
from stagelint.project.files import Files
from stagelint.source import Span

#: What may stand between the word and the name: `--target dev`, `target: dev`, `"Target": "dev"`,
#: `DockerfileFastModeStage>dev<`.
_WORDS = ("target", "stage")
_NAME = re.compile(r"s?[\"'`\]\w]{0,2}[ \t]*[=:>( \t,][\s\"'`(\[]{0,4}([A-Za-z][\w.-]*)")
_TELLING = ("docker", "buildx", "podman", "buildah", "kaniko", "skaffold")
#: Files that people do not write.
_BINARY = re.compile(
    r"\.(png|jpe?g|gif|svg|ico|pdf|gz|zip|tar|jar|woff2?|ttf|eot|mp4|so|exe|dll|bin|sum|lock|map|snap"
    r"|min\.js|pb\.go|ipynb|csv|parquet)$|(^|/)(package-lock\.json|pnpm-lock\.yaml)$",
    re.IGNORECASE,
)
_DOCKERFILE = re.compile(r"dockerfile|containerfile", re.IGNORECASE)


def mentions(files: Files, understood: set[str]) -> Iterator[Build]:
    """What may be the name of a target, in all files but those that are *understood*."""
    for path in files.paths:
        name = path.rpartition("/")[2]
        if (
            path in understood
            or is_foreign(path)
            or _BINARY.search(path)
            or _DOCKERFILE.search(name)
        ):
            continue
        source = files.telling(path, _TELLING, is_noted=False)
        if source is None:
            continue
        unknown = Value("\0", source, Span(0, 0))
        for match in filter(None, (_NAME.match(source.text, at) for at in _words(source.text))):
            span = Span(*match.span(1))
            target = Value(match[1], source, span)
            yield Build("mention", "", source, span, (unknown,), target=target, is_hint=True)


def _words(text: str) -> Iterator[int]:
    """Where the words end that go before a name."""
    low = text.lower()
    if len(low) != len(text):  # a few letters become two
        low = text
    for word in _WORDS:
        at = low.find(word)
        while at >= 0:
            yield at + len(word)
            at = low.find(word, at + 1)
