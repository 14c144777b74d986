"""Files of which no rewrite can be shown to build the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from stagelint.model.vertices import Incomparable

if TYPE_CHECKING:
    from stagelint.model.file import File

_FAILS_ON_WARNINGS = re.compile(r"(?i)\berror=(?:true|t|1)\b")


def reason(file: File) -> str:
    """Why that is so of *file*; empty if it is not."""
    if not file.is_read:
        return "stagelint does not know the language of the file"
    if file.is_rejected:
        return "BuildKit rejects the file as it stands"
    return next(chain(_numbers_of_buildah(file), _failing_warnings(file), _unbuildable(file)), "")


def _numbers_of_buildah(file: File) -> Iterator[str]:
    for stage in file.stages:
        raw = stage.base.raw
        if raw.isascii() and raw.isdigit() and int(raw[:9]) < stage.index:
            yield f"`FROM {raw}` is a stage to buildah and an image to BuildKit"


def _failing_warnings(file: File) -> Iterator[str]:
    """Names bring warnings, and so may the case of a word."""
    checks = [each.value for each in file.tree.directives if each.name == "check"]
    if any(map(_FAILS_ON_WARNINGS.search, checks)):
        yield "BuildKit is told to fail on warnings"


def _unbuildable(file: File) -> Iterator[str]:
    try:
        if file.build.fails:
            yield "BuildKit rejects the file as it stands"
    except Incomparable as why:
        yield str(why)
