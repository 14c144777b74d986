from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.calls import Call
from stagelint.model.context import Context
from stagelint.model.families import Kind
from stagelint.model.gains import Amount, Gain, Known
from stagelint.model.linking import is_static
from stagelint.model.outputs import in_force
from stagelint.model.purpose import is_application
from stagelint.model.rewriting import build_on
from stagelint.model.stages import Stage
from stagelint.model.starting import program
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity
from stagelint.source import Span
from stagelint.tuples import NamedTuple

#: Where Debian and Alpine keep the certificates of authorities, and Go looks for them first.
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

#: What of the standard library of Go opens files that an empty image has not, and what these are.
_OPENS = {
    r"\btime\.LoadLocation\b": "the files of time zones",
    r"\bos\.(?:CreateTemp|MkdirTemp|TempDir)\b|\bioutil\.Temp(?:File|Dir)\b": "the folder `/tmp`",
    r"\"os/exec\"|\bos\.StartProcess\b|\bsyscall\.Exec\b": "other programs",
    r"\"os/user\"|\"plugin\"": "files of the system",
    r"\"net/http/cgi\"|\bmime\.TypeByExtension\b|\bhttp\.FileServer": "the table of media types",
}
_SECURE = r"\"(?:net/http|crypto/tls|crypto/x509|net/smtp|google\.golang\.org/grpc[\w/]*)\""

#: So many sources are searched; of a program with more, nothing is known.
_MOST, _MOST_BYTES = 3000, 30 << 20

#: What does without a system.
_ALLOWED = frozenset(
    "COPY ARG ENV EXPOSE LABEL STOPSIGNAL CMD ENTRYPOINT WORKDIR USER VOLUME".split()
)


#: Paths and texts.
Sources = Sequence[tuple[str, str]]


class StaticBinaryOnFullBase(Rule):
    """A program that needs no other file is shipped upon a whole operating system.

    Without shell, package manager and C library there is less to fetch, to update and to attack.

    It speaks of a released image of which one program is started that is linked statically: it is
    written in Go and compiled with `CGO_ENABLED=0`, in Rust for a musl target, or in C with
    `-static`. The fix builds on `scratch`. It is made only for Go, if the build context has all its
    sources and these open no time zones, temporary files, other programs or the like; where they
    speak TLS, the certificates are copied from the stage that compiles. An image named
    `distroless/static`, which brings these files and little else, is what to take where they do.

    The image is another one, so the fix is not safe. Nobody can start a shell in it any more.
    """

    code = "SL314"
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
            RUN CGO_ENABLED=0 go build -o /server .

            FROM debian:trixie-slim
                 ^^^^^^^^^^^^^^^^^^ `/server` is linked statically, and needs nothing of `debian:trixie-slim`
            COPY --from=build /server /server
            EXPOSE 8080
            USER 65532
            CMD ["/server"]
            --- main.go
            package main
            import "net/http"
            func main() { http.ListenAndServe(":8080", nil) }
            --- go.mod
            module example.com/server
            """,
            fixed="""
            --- Dockerfile
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN CGO_ENABLED=0 go build -o /server .

            FROM scratch
            COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
            COPY --from=build /server /server
            EXPOSE 8080
            USER 65532
            CMD ["/server"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            # it starts another program
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN CGO_ENABLED=0 go build -o /server .

            FROM alpine:3.22
                 ^^^^^^^^^^^ `/server` is linked statically, and needs nothing of `alpine:3.22`
            COPY --from=build /server /server
            CMD ["/server"]
            --- main.go
            package main
            import "os/exec"
            func main() { exec.Command("git").Run() }
            --- go.mod
            module example.com/server
            """,
        ),
        Bad(
            """
            # nothing is known of the sources
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN CGO_ENABLED=0 go build -o /server .

            FROM alpine:3.22
                 ^^^^^^^^^^^ `/server` is linked statically, and needs nothing of `alpine:3.22`
            COPY --from=build /server /server
            CMD ["/server"]
            """,
        ),
        Bad(
            """
            FROM rust:1.90 AS build
            WORKDIR /src
            COPY . .
            RUN cargo build --release --target x86_64-unknown-linux-musl

            FROM debian:trixie-slim
                 ^^^^^^^^^^^^^^^^^^ `/app` is linked statically, and needs nothing of `debian:trixie-slim`
            COPY --from=build /src/target/x86_64-unknown-linux-musl/release/app /app
            ENTRYPOINT ["/app"]
            """,
        ),
        Good(
            """
            # started by a shell, by its name, or with more than one program
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN CGO_ENABLED=0 go build -o /out/server . && CGO_ENABLED=0 go build -o /out/tool ./tool

            FROM alpine:3.22 AS shell
            COPY --from=build /out/server /server
            CMD /server --port 80

            FROM alpine:3.22 AS name
            COPY --from=build /out/server /usr/bin/server
            CMD ["server"]

            FROM alpine:3.22 AS packages
            RUN apk add --no-cache git
            COPY --from=build /out/server /server
            CMD ["/server"]

            FROM alpine:3.22
            COPY --from=build /out/ /
            CMD ["/server"]
            """,
            "--target shell --target name --target packages",
        ),
        Good(
            """
            # linked with the C library
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY . .
            RUN go build -o /server .

            FROM debian:trixie-slim
            COPY --from=build /server /server
            CMD ["/server"]
            """,
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for index in () if file.is_huge or file.is_rejected else sorted(file.shipped):
            stage = file.stages[index]
            found = _program(file, stage)
            if found is None:
                continue
            sources = _sources(file.context) if found.call.name == "go" else None
            note = _objection(file, stage, found, sources)
            size = file.sizes.size(str(stage.base.image))
            yield self.finding(
                file,
                stage.base.span,
                f"`{found.path}` is linked statically, and needs nothing of `{stage.base.image}`",
                stage=stage,
                fix=None if note else _fix(file, stage, found, sources),
                note=f"not fixed: {note}" if note else "",
                gain=Gain(
                    shipped=Amount(size.bytes, Known.CATALOGUE) if size else None, ships_less=True
                ),
                holds=()
                if note
                else ("nobody starts a shell in it", "its sources open no files of the system"),
            )


class _Program(NamedTuple):
    """What an image starts; nothing else of another stage is in it."""

    path: str
    builder: Stage
    call: Call


def _program(file: File, stage: Stage) -> _Program | None:
    """The static program that *stage*, which has a system of no use to it, starts."""
    image = file.histories[stage.index].image
    if image is None or image.kind is not Kind.OS or stage.base.stage is not None:
        return None
    moments = file.moments(stage)
    path = program(moments)
    copies = [each for each in moments if each.instruction.keyword == "COPY"]
    if path is None or any(each.instruction.keyword not in _ALLOWED for each in moments):
        return None
    if sum(each.instruction.flag("from") is not None for each in copies) != 1:
        return None
    made = file.outputs[stage.index].maker(path)
    if made is None or not is_application(file, stage):
        return None
    output, at = made
    if at == stage.index or output.call is None or output.moment is None:
        return None
    if output.path != path and output.is_open and output.call.name != "cargo":
        return None
    if not is_static(output.call, in_force(output.moment, output.call)):
        return None
    return _Program(path, file.stages[at], output.call)


def _objection(file: File, stage: Stage, found: _Program, sources: Sources | None) -> str:
    """What stands against an empty image; empty if nothing does."""
    if found.call.name != "go":
        return f"which files a program opens that `{found.call.name}` compiles is not known"
    if build_on(file, stage, "scratch") is None:
        return "the name of the base is put together from variables"
    users = [moment.expand(moment.instruction.rest) for moment in file.moments(stage)
             if moment.instruction.keyword == "USER"]  # fmt: skip
    if any(not user or not re.fullmatch(r"\d+(?::\d+)?", user) for user in users):
        return "an empty image knows no users by name"
    if sources is None:
        return "all sources of the program would have to be known, and are not"
    for path, text in sources:
        for pattern, what in _OPENS.items():
            if re.search(pattern, text):
                return f"`{path}` may need {what}"
    return ""


def _sources(context: Context | None) -> Sources | None:
    """The sources of Go in the build context, with their paths; None if there may be others."""
    module = context.text("go.mod") if context else None
    if context is None or module is None:
        return None
    is_whole = context.find("vendor/modules.txt") is not None
    if re.search(r"(?m)^\s*require\b", module) and not is_whole:
        return None
    files = [
        each
        for each in context.below(".")
        if each.path.endswith(".go") and not each.path.endswith("_test.go")
    ]
    if not files or len(files) > _MOST or sum(each.size for each in files) > _MOST_BYTES:
        return None
    return [(each.path, context.text(each.path) or "") for each in files]


def _fix(file: File, stage: Stage, found: _Program, sources: Sources | None) -> Fix | None:
    edit = build_on(file, stage, "scratch")
    if edit is None:
        return None
    edits = [edit]
    name = found.builder.raw_name
    if name and any(re.search(_SECURE, text) for _, text in sources or ()):
        end = stage.opening.end
        line = f"COPY --from={name} {_CERTIFICATES} {posixpath.dirname(_CERTIFICATES)}/"
        edits.append(Edit(Span(end, end), f"{line}{file.source.newline}"))
    return Fix("Build on `scratch`", tuple(edits), Guarantee.BEHAVIOUR)
