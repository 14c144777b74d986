from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.calls import Call
from stagelint.model.loading import brings_loader, copied_program, is_mended, libc_of, runs
from stagelint.model.moments import Moment
from stagelint.model.rewriting import may_assign
from stagelint.model.stages import Stage
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity
from stagelint.source import Span


class LibcMismatch(Rule):
    """A program that needs another C library than the image it is copied to has.

    It does not start: the kernel does not find its loader, and says `no such file or directory`.
    That happens when a program is linked dynamically on Debian, which has glibc, and copied to Alpine
    Linux, which has musl, to `scratch` or `distroless/static`, which have neither; or the other way
    round.

    It speaks of a `COPY --from` to an image that says what it runs, where what is copied is shown to
    be linked dynamically: by `gcc` or `clang` without `-static`, `cargo` for a gnu target, `swift build`,
    `dart compile exe`, `dotnet publish` with a runtime for the other library, or if it comes with a
    distribution that links it so. A Go program needs the C library if cgo is on, which it is in
    `golang` images upon Debian, and something it imports uses cgo, such as `net`: that is looked up in
    the sources, where they lie in the repository. If they do not, `CGO_ENABLED=1` shows it too; and
    that a program listens on a port makes it likely, for which the severity is `info`.

    It is silent if the image or the command does not tell: for a base of an unknown family, a compiler
    that `make` or a script starts, options in variables, a cross compilation, and if the image gets
    `gcompat`, `libc6-compat`, or a loader by another COPY. Whether two releases of glibc fit each other
    is not looked at.

    The fix sets `CGO_ENABLED=0`, or links statically with `-static`. Both change the program, which may
    then look up names in another way, so neither is safe. There is none if the program is known to
    import C, or says `CGO_ENABLED=1` and not all it imports is known.

    `tests/builder/test_libc.py` shows on BuildKit that such programs do not start, and do once fixed.
    """

    code = "SL206"
    roles = SHIPPED
    examples = (
        Bad(
            """
            FROM gcc:14 AS build
            COPY hello.c .
            RUN gcc -O2 -o /hello hello.c

            FROM alpine:3.22
            COPY --from=build /hello /bin/hello
                              ^^^^^^ `/hello` needs glibc, and `alpine:3.22` has musl
            CMD ["hello"]
            """,
            fixed="""
            FROM gcc:14 AS build
            COPY hello.c .
            RUN gcc -static -O2 -o /hello hello.c

            FROM alpine:3.22
            COPY --from=build /hello /bin/hello
            CMD ["hello"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o /out/server .

            FROM scratch
            COPY --from=build /out/server /server
                              ^^^^^^^^^^^ `/out/server` likely needs glibc, and `scratch` has no C library
            EXPOSE 8080
            ENTRYPOINT ["/server"]
            """,
            fixed="""
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN CGO_ENABLED=0 go build -o /out/server .

            FROM scratch
            COPY --from=build /out/server /server
            EXPOSE 8080
            ENTRYPOINT ["/server"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- go.mod
            module example.com/server
            --- cmd/server/main.go
            package main

            import "example.com/server/web"

            func main() { web.Serve() }
            --- web/web.go
            package web

            import (
            	"net/http"
            )

            func Serve() { http.ListenAndServe(":80", nil) }
            --- Dockerfile
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o /out/server ./cmd/server

            FROM example.com/distroless/static
            COPY --from=build /out/server /server
                              ^^^^^^^^^^^ `/out/server` needs glibc, and `example.com/distroless/static` has no C library
            ENTRYPOINT ["/server"]
            """,
            fixed="""
            --- Dockerfile
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN CGO_ENABLED=0 go build -o /out/server ./cmd/server

            FROM example.com/distroless/static
            COPY --from=build /out/server /server
            ENTRYPOINT ["/server"]
            """,
            unsafe=True,
        ),
        Good(
            """
            --- go.mod
            module example.com/hello
            --- main.go
            package main

            import "fmt"

            func main() { fmt.Println("hello") }
            --- Dockerfile
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o /hello .

            FROM scratch
            COPY --from=build /hello /hello
            EXPOSE 80
            ENTRYPOINT ["/hello"]
            """
        ),
        Bad(
            """
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            ENV CGO_ENABLED=1
            RUN go build -o /out/server .

            FROM alpine
            COPY --from=build /out/server /server
                              ^^^^^^^^^^^ `/out/server` needs glibc, and `alpine` has musl
            CMD /server --all
            """
        ),
        Bad(
            """
            FROM rust:1.90 AS build
            WORKDIR /my-test-app
            COPY . .
            RUN cargo build --release

            FROM example.com/distroless/static-debian12
            COPY --from=build /my-test-app/target/release/app /app
                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/my-test-app/target/release/app` needs glibc, and `example.com/distroless/static-debian12` has no C library
            CMD ["/app"]
            """
        ),
        Bad(
            """
            FROM alpine:3.22 AS build
            RUN apk add --no-cache gcc musl-dev
            COPY hello.c /
            RUN cc -o /hello /hello.c -lm

            FROM debian:bookworm-slim
            COPY --from=build /hello /hello
                              ^^^^^^ `/hello` needs musl, and `debian:bookworm-slim` has glibc
            CMD ["/hello"]
            """
        ),
        Good(
            """
            FROM golang:1.25 AS static
            WORKDIR /src
            COPY . .
            RUN CGO_ENABLED=0 go build -o /out/one .
            RUN go build -tags netgo,osusergo -o /out/two .
            RUN go build -ldflags '-extldflags "-static"' -o /out/three .
            ARG TARGETARCH
            RUN GOARCH=$TARGETARCH go build -o /out/four .
            ARG CGO_ENABLED
            RUN go build -o /out/five .
            RUN gcc -static -o /out/six main.c

            FROM rust:1.90 AS musl
            WORKDIR /src
            COPY . .
            RUN cargo build --release --target x86_64-unknown-linux-musl

            FROM alpine
            COPY --from=static /out/one /out/two /out/three /out/four /out/five /out/six /bin/
            COPY --from=musl /src/target/x86_64-unknown-linux-musl/release/app /bin/
            EXPOSE 80
            CMD ["one"]
            """
        ),
        Good(
            """
            FROM gcc:14 AS build
            COPY hello.c .
            RUN gcc -o /hello hello.c

            FROM alpine
            RUN apk add --no-cache gcompat
            COPY --from=build /hello /bin/hello
            CMD ["hello"]
            """
        ),
        Good(
            """
            FROM dart:3.9 AS build
            WORKDIR /app
            COPY . .
            RUN dart compile exe bin/server.dart -o bin/server

            FROM scratch
            COPY --from=build /runtime/ /
            COPY --from=build /app/bin/server /app/bin/
            CMD ["/app/bin/server"]
            """
        ),
        Good(
            """
            FROM gcc:14 AS build
            RUN gcc -o /out/hello hello.c
            FROM scratch
            COPY --from=build /out /
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        if file.is_huge or file.is_rejected:
            return
        for stage in self.stages(file):
            libc = libc_of(file, stage)
            if libc is None or not runs(file, stage) or is_mended(file, stage):
                continue
            for moment, _, source in file.copies(stage):
                yield from self._copied(file, moment, source, libc)

    def _copied(self, file: File, moment: Moment, source: Stage, libc: str) -> Iterator[Finding]:
        stage, instruction = moment.stage, moment.instruction
        for argument in instruction.arguments[:-1]:
            path = moment.path(argument.value, "/")
            found = copied_program(file, stage, source, path) if path else None
            if not found or found[0].libc == libc or brings_loader(file, stage, moment):
                continue
            linking, call, path = found
            has = f"has {libc}" if libc else "has no C library"
            likely = "" if linking.is_certain else "likely "
            related: tuple[Related, ...] = ()
            if call:
                related = (Related(file.source, call.span, linking.because),)
            note = "" if call else linking.because
            if linking.is_needed:
                note = "compile it on the C library that the image has: it may not work without cgo"
            yield self.finding(
                file,
                instruction.logical.span(argument.start, argument.end),
                f"`{path}` {likely}needs {linking.libc}, and `{file.chain(stage)[0].base.raw}` {has}",
                severity=None if linking.is_certain else Severity.INFO,
                fix=_fix(file, call) if call and not linking.is_needed else None,
                note=note,
                stage=stage,
                related=related,
                certain=linking.is_certain,
            )


def _fix(file: File, call: Call) -> Fix | None:
    """Link statically, where *call* stands in the file as it is run."""
    text = file.source.text
    start, end = call.span.start, call.span.start + len(call.name)
    if text[start:end] != call.name:
        return None
    begin = max(start - _NEAR, 0)
    is_free = may_assign(text, start) or re.search(r"\benv\s*\Z", text[begin:start])
    if call.name == "go" and is_free:
        edit = Edit(Span(start, start), "CGO_ENABLED=0 ")
        before = re.search(_SET, text[begin:start])
        if before:
            edit = Edit(Span(begin + before.end() - 1, begin + before.end()), "0")
        return Fix("Compile without cgo", (edit,), Guarantee.BEHAVIOUR)
    has_libraries = any(not each or each.startswith(("-l", "-Wl")) for each in call.arguments)
    if call.name in ("gcc", "g++", "cc", "c++") and not has_libraries:
        edit = Edit(Span(end, end), " -static")
        return Fix("Link statically", (edit,), Guarantee.BEHAVIOUR)
    return None


#: Characters in front of a command that are looked at.
_NEAR = 400
#: `CGO_ENABLED=1` for the command that follows.
_SET = r"\bCGO_ENABLED=1(?=(?:\s+\w+=[^\s;&|]*)*\s+\Z)"
