from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File, cost
from stagelint.model.gains import Gain
from stagelint.model.moments import Moment
from stagelint.model.outputs import Output
from stagelint.model.purpose import is_application
from stagelint.model.stages import Stage
from stagelint.model.starting import program
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity

#: What makes a program of sources, and reads none of them when it runs.
_COMPILERS = frozenset("go cargo gcc g++ cc c++ clang clang++ make swift dart ghc nim zig".split())

#: What no program reads when it runs: sources, and what is for people and their tools.
_SOURCES = (
    r"(?i)(?:.*/)?(?:[^/]*\.(?:go|mod|sum|rs|c|cc|cpp|cxx|h|hh|hpp|s|swift|dart|hs|nim|zig|o|a|mk|md|rst|adoc)"
    r"|makefile|cmakelists\.txt|cargo\.(?:toml|lock)|licen[cs]e[^/]*|notice|copying|authors|codeowners|changelog"
    r"|readme[^/]*|(?:[^/]*\.)?dockerfile[^/]*|(?:docker-)?compose[^/]*\.ya?ml|\.[^/]*|_test)"
)
_FOLDERS = r"(?:\.git|\.github|\.vscode|\.idea|tests?|testdata|docs?)(?:/|\Z)"


class BroadCopyFromStage(Rule):
    """The folder in which a stage compiles is copied as a whole, and one program of it is started.

    The sources ship with the program, and all that was fetched and made to compile them. Every
    change of any of them makes a new layer.

    It speaks of a released image that starts a program which another stage compiles, where a COPY
    brings the folder with the program and the sources. The fix copies the program alone. It is made
    only if the build context shows that nothing but sources lies in that folder: what a program
    reads when it runs has to be copied with it. The image is another one, so it is not safe.
    """

    code = "SL316"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    examples = (
        Bad(
            """
            --- Dockerfile
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o /src/server .

            FROM debian:trixie-slim
            COPY --from=build /src /src
                              ^^^^ all of `/src` is copied, and `/src/server` is started
            CMD ["/src/server"]
            --- main.go
            package main
            --- go.mod
            module example.com/server
            """,
            fixed="""
            --- Dockerfile
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o /src/server .

            FROM debian:trixie-slim
            COPY --from=build /src/server /src/server
            CMD ["/src/server"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            # it may read the pages
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o server .

            FROM debian:trixie-slim
            WORKDIR /app
            COPY --from=build /src .
                              ^^^^ all of `/src` is copied, and `/app/server` is started
            CMD ["./server"]
            --- main.go
            package main
            --- pages/index.html
            <p>hello
            """,
        ),
        Bad(
            """
            # nothing is known of the build context
            FROM gcc:14 AS build
            WORKDIR /src
            COPY . .
            RUN gcc -o hello hello.c

            FROM debian:trixie-slim
            COPY --from=build /src /src
                              ^^^^ all of `/src` is copied, and `/src/hello` is started
            ENTRYPOINT ["/src/hello"]
            """,
        ),
        Good(
            """
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o /out/server .

            FROM debian:trixie-slim
            COPY --from=build /out/ /app/
            CMD ["/app/server"]
            """
        ),
        Good(
            """
            # what it starts reads the sources
            FROM node:22 AS build
            WORKDIR /app
            COPY . .
            RUN npm ci

            FROM node:22-slim
            COPY --from=build /app /app
            CMD ["node", "/app/server.js"]
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for index in () if file.is_huge or file.is_rejected else sorted(file.shipped):
            stage = file.stages[index]
            path = program(file.moments_behind(stage))
            if path and is_application(file, stage):
                for part in file.chain(stage):
                    yield from self._stage(file, stage, part, path)

    def _stage(self, file: File, target: Stage, stage: Stage, path: str) -> Iterator[Finding]:
        for copy, _, source in file.copies(stage):
            node = copy.instruction
            place = copy.path(node.arguments[-1].value)
            if len(node.arguments) != 2 or place is None:
                continue
            folder = (copy.path(node.arguments[0].value, "/") or "/").rstrip("/")
            inside = f"{folder}{path.removeprefix(place.rstrip('/'))}"
            if not folder or not path.startswith(f"{place.rstrip('/')}/") or inside == folder:
                continue
            made = file.outputs[source.index].maker(inside)
            sources = _sources(file, source, folder)
            if made is None or sources is None or not _is_program(made[0], inside):
                continue
            note = _objection(file, sources)
            span = node.logical.span(node.arguments[0].start, node.arguments[0].end)
            shipped = cost.copied(file, sources)
            yield self.finding(
                file,
                span,
                f"all of `{folder}` is copied, and `{path}` is started",
                stage=stage,
                fix=None if note else _fix(copy, inside, path),
                note=f"not fixed: {note}" if note else "",
                related=(Related(file.source, sources.instruction.code_span, "the sources"),),
                gain=Gain(
                    shipped=shipped._replace(at_least=True) if shipped else None, ships_less=True
                ),
                holds=() if note else ("it reads no file that the compiler leaves there",),
            )


def _is_program(output: Output, path: str) -> bool:
    """Is *path* a program that a call is known to compile?"""
    call = output.call
    if call is None or call.name not in _COMPILERS:
        return False
    return output.path == path or posixpath.basename(path) in (call.option("-o") or "")


def _sources(file: File, stage: Stage, folder: str) -> Moment | None:
    """The COPY of *stage*, or of one that it is built on, that brings a folder's worth to *folder*."""
    for moment in file.moments_behind(stage):
        node = moment.instruction
        if node.keyword in ("COPY", "ADD") and not node.flag("from"):
            target = moment.path(node.arguments[-1].value)
            is_broad = any(each.rstrip("/") in (".", "") for each in moment.local_sources)
            if is_broad and target and target.rstrip("/") == folder:
                return moment
    return None


def _objection(file: File, sources: Moment) -> str:
    """What stands against the program alone; empty if nothing does."""
    if file.context is None:
        return "what else lies there is not known without the build context"
    for source in sources.local_sources:
        for entry in file.context.copied(source):
            is_read = not re.fullmatch(_SOURCES, entry.path) and not re.match(_FOLDERS, entry.path)
            if not entry.is_folder and is_read:
                return f"`{entry.path}` may be read when it runs"
    return ""


def _fix(copy: Moment, inside: str, path: str) -> Fix | None:
    node = copy.instruction
    if node.is_json:
        return None
    edits = tuple(
        Edit(node.logical.span(argument.start, argument.end), text)
        for argument, text in zip(node.arguments, (inside, path), strict=True)
    )
    return Fix(f"Copy `{inside}` alone", edits, Guarantee.BEHAVIOUR)
