from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.compiling import compilations
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import Output
from stagelint.model.rewriting import may_assign
from stagelint.model.stages import Stage
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule
from stagelint.source import Span

#: Languages whose compilers write programs for one platform, by default that on which they run.
_NATIVE = frozenset({"go", "rust", "c", "haskell", "swift", "zig", "nim", "crystal", "dart"})

#: Words that show that somebody has thought of the platform.
_TARGET = (
    r"TARGET(?:PLATFORM|OS|ARCH|VARIANT)|GOARCH|GOOS|GOARM|--target|CARGO_BUILD_TARGET|\bxx-|"
    r"[Cc][Rr][Oo][Ss][Ss]|-linux-(?:gnu|musl)|--arch"
)


class BuildPlatformIgnored(Rule):
    """A program that is compiled for the platform of the builder, and ships for every platform.

    On a machine with another processor than the target's the image fails: `exec format error`.
    `FROM --platform=$BUILDPLATFORM` runs the compiler on the machine that builds, which is fast, and
    leaves it to the commands to compile for the target: with `TARGETOS` and `TARGETARCH`, which an
    `ARG` makes visible.

    It speaks if a stage like that compiles with Go, Rust, C or another language for one platform,
    nothing in it mentions a target (`TARGETARCH`, `GOARCH`, `--target`, `xx-go` ...), the path of
    what is compiled is known, and it is copied to a stage that ships and has the target's platform.

    The fix is for Go with `CGO_ENABLED=0`, which needs nothing else to compile for another platform.
    """

    code = "SL211"
    roles = SHIPPED
    examples = (
        Bad(
            """
            FROM --platform=$BUILDPLATFORM golang:1.26 AS build
            ENV CGO_ENABLED=0
            WORKDIR /src
            COPY . .
            RUN go build -o /out/app .
                ^^^^^^^^^^^^^^^^^^^^^^ `/out/app` is compiled for the machine that builds, and ships for every platform
            FROM alpine
            COPY --from=build /out/app /app
            """,
            fixed="""
            FROM --platform=$BUILDPLATFORM golang:1.26 AS build
            ENV CGO_ENABLED=0
            WORKDIR /src
            COPY . .
            ARG TARGETOS TARGETARCH
            RUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build -o /out/app .
            FROM alpine
            COPY --from=build /out/app /app
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM --platform=${BUILDPLATFORM} rust:1 AS build
            WORKDIR /src
            COPY . .
            RUN cargo build --release
                ^^^^^^^^^^^^^^^^^^^^^ `/src/target/release/app` is compiled for the machine that builds, and ships for every platform
            FROM debian
            COPY --from=build /src/target/release/app /app
            """
        ),
        Good(
            """
            FROM --platform=$BUILDPLATFORM golang:1.26 AS build
            ARG TARGETOS TARGETARCH
            RUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build -o /out/app .
            FROM alpine
            COPY --from=build /out/app /app
            """
        ),
        Good(
            """
            FROM --platform=$BUILDPLATFORM golang:1.26 AS tools
            RUN go build -o /out/generate ./cmd/generate
            FROM --platform=$BUILDPLATFORM alpine
            COPY --from=tools /out/generate /generate
            """
        ),
        Good(
            """
            FROM --platform=$BUILDPLATFORM node:22 AS build
            RUN npm ci && npm run build
            FROM nginx
            COPY --from=build /app/dist /usr/share/nginx/html
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        if file.is_huge or file.is_rejected or not any(map(_is_for_builder, file.stages)):
            return
        said: set[Span] = set()
        for stage in self.stages(file):
            if file.chain(stage)[0].platform is not None:
                continue
            for copy, _, source in file.copies(stage):
                for output, path in _compiled(file, copy, source):
                    if output.span not in said:
                        said.add(output.span)
                        yield self._finding(file, copy, output, path)

    def _finding(self, file: File, copy: Moment, output: Output, path: str) -> Finding:
        assert output.moment
        message = f"`{path}` is compiled for the machine that builds, and ships for every platform"
        span = copy.instruction.code_span
        return self.finding(
            file,
            output.span,
            message,
            stage=output.moment.stage,
            fix=_fix(file, output),
            related=(Related(file.source, span, "it is copied here"),),
        )


def _is_for_builder(stage: Stage) -> bool:
    flag = stage.platform
    return flag is not None and flag.value in ("$BUILDPLATFORM", "${BUILDPLATFORM}")


def _compiled(file: File, copy: Moment, source: Stage) -> Iterator[tuple[Output, str]]:
    """What *copy* takes from *source* that was compiled for the platform of the builder."""
    for argument in copy.instruction.arguments[:-1]:
        path = absolute(argument.value, "/")
        found = file.outputs[source.index].maker(path) if path and "$" not in path else None
        if path is None or found is None or found[0].call is None or found[0].moment is None:
            continue
        made = next(compilations((found[0].call,)), None)
        chain = file.chain(file.stages[found[1]])
        is_native = made is not None and made.language in _NATIVE
        if is_native and _is_for_builder(chain[0]) and not any(map(_mentions_target, chain)):
            yield found[0], path


def _mentions_target(stage: Stage) -> bool:
    texts = [str(each) for each in (*stage.instructions, *stage.triggers)]
    return any(re.search(_TARGET, text) for text in texts)


def _fix(file: File, output: Output) -> Fix | None:
    """Compile for the target, where that takes no more than two variables."""
    moment, call = output.moment, output.call
    if moment is None or call is None or call.name != "go" or moment.instruction.is_json:
        return None
    if call.settings.get("CGO_ENABLED", moment.variable("CGO_ENABLED")) != "0":
        return None
    text = file.source.text
    if not text.startswith("go ", call.span.start) or not may_assign(text, call.span.start):
        return None
    start = moment.instruction.start
    edits = (
        Edit(Span(start, start), f"ARG TARGETOS TARGETARCH{file.source.newline}"),
        Edit(Span(call.span.start, call.span.start), "GOOS=$TARGETOS GOARCH=$TARGETARCH "),
    )
    return Fix("Compile for the target's platform", edits, Guarantee.BEHAVIOUR)
