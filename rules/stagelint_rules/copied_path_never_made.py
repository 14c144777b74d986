from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.graph import Reference
from stagelint.model.moments import Moment
from stagelint.model.outputs import Output
from stagelint.model.rewriting import refer
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Related, Rule
from stagelint.source import Span
from stagelint.syntax.characters import nearest


class CopiedPathNeverMade(Rule):
    """A path copied from a stage in which nothing can have made it.

    The build fails as soon as it comes to the copy, after all that is built before.

    It speaks of `COPY --from` a stage whose every step is known to write elsewhere: `COPY`, `ADD`,
    `WORKDIR`, compilers and tools that are told where to write, redirections. It is silent where
    something else may have made the path: a script, `make`, `npm run`, any program it does not know,
    a folder copied from the build context, or the base image, of which only what lies outside of
    the usual folders is known, and that for a few official images alone. What a `RUN` writes below
    one of its mounts is not kept.

    If exactly one path that is made differs by a letter or two, or has the same name in another
    folder, it is taken as meant, and the fix copies that; if another stage makes exactly the path,
    the fix copies from there. The fixes are not safe: the build did not work before.

    BuildKit v0.25.2 says `failed to calculate checksum of ref ...: "/out/ap": not found`.
    """

    code = "SL208"
    examples = (
        Bad(
            """
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o /out/server ./cmd/server

            FROM scratch
            COPY --from=build /out/sever /server
                              ^^^^^^^^^^ nothing in stage `build` makes `/out/sever`; `/out/server` is meant?
            ENTRYPOINT ["/server"]
            """,
            fixed="""
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o /out/server ./cmd/server

            FROM scratch
            COPY --from=build /out/server /server
            ENTRYPOINT ["/server"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o server .

            FROM alpine
            COPY --from=build /app/server /usr/local/bin/
                              ^^^^^^^^^^^ nothing in stage `build` makes `/app/server`; `/src/server` is meant?
            """,
            fixed="""
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o server .

            FROM alpine
            COPY --from=build /src/server /usr/local/bin/
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM golang:1.25 AS deps
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download

            FROM deps AS build
            COPY . .
            RUN go build -o /out/app .

            FROM scratch
            COPY --from=deps /out/app /app
                             ^^^^^^^^ nothing in stage `deps` makes `/out/app`; stage `build` is meant?
            """,
            fixed="""
            FROM golang:1.25 AS deps
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download

            FROM deps AS build
            COPY . .
            RUN go build -o /out/app .

            FROM scratch
            COPY --from=build /out/app /app
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM rust:1.90 AS build
            WORKDIR /src
            COPY . .
            RUN --mount=type=cache,target=/out cargo build --release && cp target/release/app /out/

            FROM debian:bookworm-slim
            COPY --from=build /out/app /usr/local/bin/app
                              ^^^^^^^^ nothing in stage `build` makes `/out/app`
            """
        ),
        Good(
            """
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o /out/ ./cmd/...
            RUN make -C docs

            FROM scratch
            COPY --from=build /out/server /src/README.md /
            COPY --from=build /docs /docs
            """
        ),
        Good(
            """
            FROM golang:1.19-alpine AS build
            ENV GO111MODULE=off
            WORKDIR /go/bin
            RUN go get -d example.com/hook && go build -o hook example.com/hook

            FROM python:2-onbuild AS old

            FROM debian:12 AS packed
            COPY app.deb /tmp/
            RUN dpkg -i /tmp/app.deb

            FROM alpine
            COPY --from=build /go/src/example.com/hook/views /go/bin/hook /srv/
            COPY --from=old /usr/src/app /srv/old
            COPY --from=packed /app /srv/app
            """
        ),
        Good(
            """
            ARG PACKAGE=scratch
            FROM ${PACKAGE} AS package
            FROM scratch AS empty

            FROM scratch
            COPY --from=package /usr/bin/tool /
            COPY --from=empty / /
            """
        ),
        Good(
            """
            FROM golang:1.25 AS build
            RUN go build -o /out/server example.com/server

            FROM scratch
            ARG NAME
            COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
            COPY --from=build /out/$NAME /
            COPY --from=build /out/serv* /
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        if file.is_huge or file.is_rejected:
            return
        for stage in file.stages:
            for moment, reference, source in file.copies(stage):
                if reference.problem is None:
                    yield from self._copied(file, moment, reference, source)

    def _copied(
        self, file: File, moment: Moment, reference: Reference, source: Stage
    ) -> Iterator[Finding]:
        instruction = moment.instruction
        heredocs = {each.word_start for each in instruction.heredocs}
        for argument in instruction.arguments[:-1]:
            path = None if argument.start in heredocs else _path(moment, argument.value)
            if path is None or _is_named(file, source, path):
                continue
            outputs = file.outputs[source.index]
            if outputs.may_have(path):
                continue
            span = instruction.logical.span(argument.start, argument.end)
            message = f"nothing in stage `{source.label}` makes `{path}`"
            meant, fix = _meant(outputs.known(), path, span), None
            elsewhere = None if meant else _elsewhere(file, reference, path)
            related: tuple[Related, ...] = ()
            if meant:
                message += f"; `{meant.path}` is meant?"
                related = (Related(file.source, meant.span, f"`{meant.path}` is made here"),)
                if file.source.text[span.start : span.end] == argument.value:
                    fix = Fix(
                        f"Copy `{meant.path}`", (Edit(span, meant.path),), Guarantee.BEHAVIOUR
                    )
            elif elsewhere:
                message += f"; stage `{elsewhere}` is meant?"
                if len(instruction.arguments) == 2:
                    edits = (refer(reference, elsewhere),)
                    fix = Fix(f"Copy from the stage `{elsewhere}`", edits, Guarantee.BEHAVIOUR)
            mount = outputs.swallows(path)
            note = (
                f"what a RUN writes to `{mount}` while it is mounted is not kept" if mount else ""
            )
            yield self.finding(
                file,
                span,
                message,
                fix=fix,
                note=note,
                stage=moment.stage,
                related=related,
            )


def _is_named(file: File, stage: Stage, path: str) -> bool:
    """Does a command of *stage* name *path* as it is written? Then it is taken to make it."""
    runs = [str(each) for below in file.chain(stage) for each in below.by_keyword("RUN")]
    texts = [each for each in runs if path in each]
    return any(re.search(rf"(?<![\w./-]){re.escape(path)}(?![\w.-])", each) for each in texts)


def _path(moment: Moment, word: str) -> str | None:
    """What *word* means in the other stage; None if a variable in it has no value at hand."""
    names: list[str] = re.findall(r"\$\{?(\w+)", word)
    if not all(isinstance(moment.variable(name), str) for name in names):
        return None
    path = moment.path(word, "/")
    return path and path.rstrip("/")


def _meant(made: list[Output], path: str, span: Span) -> Output | None:
    """The one path of *made* that is spelled almost like *path*, or lies in another folder."""
    known = {each.path: each for each in made}
    name = posixpath.basename(path)
    near = nearest(path, [*known], 2) if len(name) > 3 else []
    if not near:
        near = [each for each in known if posixpath.basename(each) == name]
    return known[near[0]] if len(near) == 1 else None


def _elsewhere(file: File, reference: Reference, path: str) -> str | None:
    """The one other stage above that is known to make *path*."""
    names = [
        stage.raw_name
        for stage in file.stages[: reference.stage]
        if stage.raw_name
        and file.table.selectable(stage)
        and any(each.path == path for each in file.outputs[stage.index].known())
    ]
    return names[0] if len(names) == 1 else None
