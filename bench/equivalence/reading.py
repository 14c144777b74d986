"""Dockerfiles as stagelint reads them for the BuildKit at hand."""

from __future__ import annotations

from collections.abc import Iterable

from stagelint.model import File, Options
from stagelint.source import Source, Span
from stagelint.syntax.frontend import Frontend
from stagelint.syntax.nodes import Blank, Comment

Args = tuple[tuple[str, str], ...]

#: The frontend that is built into BuildKit v0.25.
BUILTIN = Frontend((1, 19))

#: What does something in a container, and leaves no trace in the configuration of the image.
STEPS = frozenset({"RUN", "COPY", "ADD"})


def file_of(text: str, args: Args = ()) -> File:
    """*text* as it is built with these arguments."""
    return File(Source("Dockerfile", text), Options(build_args=dict(args), builtin=BUILTIN))


def without_steps(text: str, target: str) -> str:
    """*text* without all that runs; what ONBUILD has others run stays in the target alone.

    Comments and blank lines in stages go as well: BuildKit knows nothing of them by then.
    """
    file = file_of(text)
    index = file.find_target(target)
    gone: list[Span] = []
    for stage in file.stages:
        for each in stage.instructions:
            trigger = each.inner.keyword if each.inner is not None else ""
            if each.keyword in STEPS or (trigger in STEPS and stage.index != index):
                gone.append(each.span)
    inside = file.stages[0].opening.end if file.stages else len(text)
    silent = (item for item in file.tree.items if isinstance(item, Comment | Blank))
    return without(text, [*gone, *(item.span for item in silent if item.start >= inside)])


def all_targets(text: str, names: Iterable[str]) -> str:
    """*text* with a last stage that copies from each of these targets, so that one digest is of all.

    Empty where that would change what the file says.
    """
    file = file_of(text)
    stages = [file.find_target(name) for name in names]
    if file.problems or None in stages or "TARGETSTAGE" in text:
        return ""
    copies = (f"COPY --from={stage} / /{at}\n" for at, stage in enumerate(stages))
    longer = f"{text}\nFROM scratch\n{''.join(copies)}"
    again = file_of(longer)
    is_whole = len(again.stages) == len(file.stages) + 1 and not again.problems
    return longer if is_whole and again.stages[-1].base.stage is None else ""


def without(text: str, spans: Iterable[Span]) -> str:
    """*text* with the parts in *spans* taken out."""
    parts: list[str] = []
    at = 0
    for span in sorted(spans):
        parts.append(text[at : span.start])
        at = span.end
    return "".join((*parts, text[at:]))
