from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.gains import Gain
from stagelint.model.stages import Stage
from stagelint.model.toolchain import Cause, causes
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity


class BuilderShipped(Rule):
    """A released image that is built upon the stage that compiles it.

    The sources, what the compiler keeps and the compiler itself ship with the program. A last stage
    that begins with `FROM build` has all layers of `build`; only one that copies from it leaves
    them behind.

    It speaks where a stage of this file runs a compiler, is called after that or leaves a compiler
    behind, and the FROM of one that is released names it, whose ENTRYPOINT or CMD runs a program.
    Where that is a script it is less sure. It is silent about images to develop or test in, as
    toolchain-in-final-image is, and where one is built directly on the image of a compiler, of
    which that rule speaks. Building assets with Node.js is not compiling here, since the modules
    beside them may be needed to run.
    """

    code = "SL203"
    roles = SHIPPED
    examples = (
        Bad(
            """
            FROM golang:1.26 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o /server .

            FROM build
                 ^^^^^ stage `build` ships whole: sources, caches and compiler
            CMD ["/server"]
            """
        ),
        Bad(
            """
            FROM debian:trixie-slim AS base
            RUN apt-get update && apt-get install -y gcc make
            COPY . /src
            RUN make -C /src install
            FROM base AS release
                 ^^^^ stage `base` ships whole: sources, caches and compiler
            CMD ["server"]
            """
        ),
        Good(
            """
            FROM golang:1.26 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o /server .
            FROM scratch
            COPY --from=build /server /server
            CMD ["/server"]
            """
        ),
        Good(
            """
            # a test run
            FROM golang:1.26 AS build
            COPY . .
            RUN go build ./...
            FROM build
            CMD ["go", "test", "./..."]
            """
        ),
        Good(
            """
            # compiles, and cleans up after itself
            FROM alpine:3.23 AS base
            RUN apk add --virtual .build gcc make && make install && apk del .build
            FROM base
            COPY app /app
            CMD ["/app"]
            """
        ),
        Good(
            """
            FROM node:24 AS build
            COPY . .
            RUN npm run build
            FROM build
            CMD ["node", "server.js"]
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for _, found in causes(file):
            if found.builder:
                yield self._builder(file, found, found.builder)

    def _builder(self, file: File, found: Cause, builder: Stage) -> Finding:
        related: tuple[Related, ...] = ()
        if found.evidence:
            related = (Related(file.source, found.evidence.span, "it compiles here"),)
        return self.finding(
            file,
            found.stage.base.span,
            f"stage `{builder.label}` ships whole: sources, caches and compiler",
            severity=Severity.WARNING if found.is_shown else Severity.INFO,
            stage=found.stage,
            note=f"start from an image to run it in, and `COPY --from={builder.label}` the program",
            related=related,
            gain=Gain(ships_less=True),
        )
