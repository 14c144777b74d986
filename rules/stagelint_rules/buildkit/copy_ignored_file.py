from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model import File
from stagelint.rule import Bad, Finding, Good, Related, Rule
from stagelint.source import Span

_REMOTE = r"(?i)(?:https?|ssh|git)://|git@"


class CopyIgnoredFile(Rule):
    """A file that is copied, and that `.dockerignore` leaves out.

    The builder does not find it, and the build fails. The file is the one called like the Dockerfile
    with `.dockerignore` behind it, or else the one beside the Dockerfile. As in BuildKit, nothing is
    said where it has exceptions (`!`). BuildKit's own check `CopyIgnoredFile`, standard since
    docker/dockerfile:1.21; a file read by an older one is only checked if it asks for that by `#
    check=experimental=CopyIgnoredFile`.
    """

    code = "BK019"
    aliases = ("CopyIgnoredFile",)
    words = ("copy", "add")
    waits_for = "ignore_file"
    examples = (
        Bad(
            """
            --- .dockerignore
            # what is made
            dist
            **/*.log
            --- Dockerfile
            FROM alpine
            COPY dist/app app.conf /app/
                 ^^^^^^^^ `dist/app` is left out by `.dockerignore`
            ADD a/b.log /
                ^^^^^^^ `a/b.log` is left out by `.dockerignore`
            """
        ),
        Good(
            """
            --- .dockerignore
            dist
            --- Dockerfile
            FROM alpine AS build
            COPY src distribution /app/
            FROM alpine
            COPY --from=build dist /app
            """
        ),
        Good(
            """
            --- .dockerignore
            *
            !src
            --- Dockerfile
            FROM alpine
            COPY other /app/
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        ignore = file.options.ignore_file and file.options.ignore_file()
        if ignore is None or not ignore.patterns or not self._is_on(file):
            return
        if ignore.has_exceptions and file.tree.frontend.version >= (1, 22):
            return
        name = re.split(r"[\\/]", ignore.source.path)[-1]
        for stage, moment in file.moments_of("ADD", "COPY"):
            node = moment.instruction
            if node.flag("from"):
                continue
            inline = {heredoc.word_start for heredoc in node.heredocs}
            for argument in node.arguments[:-1]:
                path = moment.expand(argument.value)
                if not path or argument.start in inline or re.match(_REMOTE, path):
                    continue
                if ignore.leaves_out(path):
                    yield self.finding(
                        file,
                        node.logical.span(argument.start, argument.end),
                        f"`{path}` is left out by `{name}`",
                        stage=stage,
                        related=(Related(ignore.source, Span(0, 0), "what is left out"),),
                    )

    def _is_on(self, file: File) -> bool:
        asked = {"CopyIgnoredFile", "all"} & file.checks.experimental
        return file.tree.frontend.version >= (1, 21) or bool(asked)
