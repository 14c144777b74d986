from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.moments import Moment
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Rule, Severity

_WINDOWS = r"[A-Za-z]:[\\/]|[\\/]"


class WorkdirRelativePath(Rule):
    """A WORKDIR that depends on the working directory of the base image.

    Where files go changes unseen when the base image changes. It speaks of a relative path in the
    first WORKDIR of a stage and of those it is built on; after an absolute one, a relative one is
    clear. A path like `C:\\app` is absolute unless the base image is known to be for
    Linux. In a file with errors, such as a template with `{{app}}`, it is information. The fix makes it absolute where the directory of the base image is known. BuildKit's own
    check `WorkdirRelativePath`.
    """

    code = "BK016"
    aliases = ("WorkdirRelativePath", "DL3000")
    words = ("workdir",)
    examples = (
        Bad(
            """
            FROM node:22
            WORKDIR app
                    ^^^ where `app` lies depends on the base image
            """,
            fixed="""
            FROM node:22
            WORKDIR /app
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM scratch
            WORKDIR app
                    ^^^ where `app` lies depends on the base image
            """,
            fixed="""
            FROM scratch
            WORKDIR /app
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM node:22 AS base
            WORKDIR /app
            WORKDIR api
            FROM base
            WORKDIR more
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        done: set[int] = set()
        for stage in file.stages:
            first = next(
                (m for m in file.moments(stage) if m.instruction.keyword == "WORKDIR"), None
            )
            is_set = stage.base.stage in done
            if first or is_set:
                done.add(stage.index)
            if first and not is_set:
                yield from self._check(file, stage, first)

    def _check(self, file: File, stage: Stage, moment: Moment) -> Iterator[Finding]:
        node = moment.instruction
        path = moment.expand(node.rest)
        bottom = file.chain(stage)[0]
        image = file.histories[bottom.index].image
        is_windows = image is not None and image.os == "windows"
        if not node.rest or path is None or path.startswith("/"):
            return
        if (is_windows or (image is None and not bottom.base.is_scratch)) and re.match(
            _WINDOWS, path
        ):
            return
        start, end = node.rest_start, max(node.rest_start + 1, len(node.logical.text.rstrip()))
        span = node.logical.span(start, end)
        fix = None
        if moment.directory and path == node.rest and not is_windows and path[:1] not in ("~", "["):
            text = moment.path(path) or ""
            fix = Fix(f"Write `{text}`", (Edit(span, text),), Guarantee.SAME_IMAGE)
        message = f"where `{path}` lies depends on the base image"
        severity = Severity.INFO if file.is_rejected else None
        yield self.finding(file, span, message, severity=severity, fix=fix, stage=stage)
