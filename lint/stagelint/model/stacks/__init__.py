"""Stages that build and ship, language by language: a module for each has

    recognise(file, stage) -> Found | None

None if the stage is none of its; else what ships needlessly, with a `Plan` of two stages, or a
`Refusal` that says what is not known to hold. `writing` writes what a plan says.
"""

from __future__ import annotations

from collections.abc import Callable

from stagelint.model.file import File
from stagelint.model.stacks import c, dotnet, go, java, node, python, rust, static_site
from stagelint.model.stacks.plans import Found
from stagelint.model.stages import Stage

#: The first that recognises a stage has the word.
STACKS: tuple[Callable[[File, Stage], Found | None], ...] = (
    go.recognise,
    rust.recognise,
    c.recognise,
    java.recognise,
    dotnet.recognise,
    static_site.recognise,
    node.recognise,
    python.recognise,
)


def recognise(file: File) -> tuple[Stage, Found] | None:
    """The only stage of *file*, and what its stack says of it, if it builds and ships."""
    if len(file.stages) != 1 or file.is_rejected:
        return None
    stage = file.stages[0]
    found = next(filter(None, (recognised(file, stage) for recognised in STACKS)), None)
    return (stage, found) if found else None
