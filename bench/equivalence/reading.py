"""Dockerfiles as stagelint reads them for the BuildKit at hand."""

from __future__ import annotations

from collections.abc import Iterable

from stagelint.model import File, Options
from stagelint.source import Source, Span
from stagelint.syntax.frontend import Frontend

Args = tuple[tuple[str, str], ...]

#: The frontend that is built into BuildKit v0.25.
BUILTIN = Frontend((1, 19))

#: What does something in a container, and leaves no trace in the configuration of the image.
STEPS = frozenset({"RUN", "COPY", "ADD"})


def file_of(text: str, args: Args = ()) -> File:
    """*text* as it is built with these arguments."""
    return File(Source("Dockerfile", text), Options(build_args=dict(args), builtin=BUILTIN))


def without_steps(text: str, target: str) -> str:
    """*text* without all that runs; what ONBUILD has others run stays in the target alone."""
    file = file_of(text)
    index = file.find_target(target)
    gone: list[Span] = []
    for stage in file.stages:
        for each in stage.instructions:
            trigger = each.inner.keyword if each.inner is not None else ""
            if each.keyword in STEPS or (trigger in STEPS and stage.index != index):
                gone.append(each.span)
    return without(text, gone)


def without(text: str, spans: Iterable[Span]) -> str:
    """*text* with the parts in *spans* taken out."""
    parts: list[str] = []
    at = 0
    for span in sorted(spans):
        parts.append(text[at : span.start])
        at = span.end
    return "".join((*parts, text[at:]))
