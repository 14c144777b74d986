"""Files of which no rewrite can be shown to build the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from stagelint.model.stages import SCRATCH
from stagelint.model.vertices import Incomparable
from stagelint.syntax.nodes import Instruction
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.model.file import File

#: Wherever it stands: behind a `#!` line it counts, too.
_FAILS_ON_WARNINGS = re.compile(r"(?im)^#[ \t]*check[ \t]*=.*\berror=(?:true|t|1)\b")


def reason(file: File) -> str:
    """Why that is so of *file*; empty if it is not."""
    if not file.is_read:
        return "stagelint does not know the language of the file"
    if file.is_rejected:
        return "BuildKit rejects the file as it stands"
    reasons = (_numbers_of_buildah, _failing_warnings, _quirks, _unbuildable)
    return next(chain.from_iterable(each(file) for each in reasons), "")


def _numbers_of_buildah(file: File) -> Iterator[str]:
    for stage in file.stages:
        raw = stage.base.raw
        if raw.isascii() and raw.isdigit() and int(raw[:9]) < stage.index:
            yield f"`FROM {raw}` is a stage to buildah and an image to BuildKit"


def _failing_warnings(file: File) -> Iterator[str]:
    """Names bring warnings, and so may the case of a word."""
    if _FAILS_ON_WARNINGS.search(file.source.text):
        yield "BuildKit is told to fail on warnings"


def _quirks(file: File) -> Iterator[str]:
    """What BuildKit v0.25.2 does with these is stranger than it is worth."""
    for node in file.tree.instructions:
        for each in (
            (node, node.inner or node) if node.keyword in ("FROM", "ARG", "ONBUILD") else ()
        ):
            flags = each.logical.text[each.flags[0].start : each.rest_start] if each.flags else ""
            if not flags.isascii():
                yield "BuildKit garbles flags that are not ASCII"
    if file.table.named(SCRATCH) is not None and any(map(_mounts_nothing, file.tree.instructions)):
        yield "a mount that names no source takes the stage called `scratch` for it"


def _mounts_nothing(node: Instruction) -> bool:
    """Has a RUN, or one that an ONBUILD triggers, a mount without `from`?"""
    flags = (node.inner or node).flags
    return any(flag.name == "mount" and "from=" not in (flag.value or "").lower() for flag in flags)


def _unbuildable(file: File) -> Iterator[str]:
    try:
        if file.build.fails:
            yield "BuildKit rejects the file as it stands"
    except Incomparable as why:
        yield str(why)
