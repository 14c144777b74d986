"""What a stage makes at which path, how its programs are linked, and what those in Go import."""

from __future__ import annotations

from pathlib import Path

import pytest

from stagelint.model.file import File, Options
from stagelint.model.go_imports import Imports, imports
from stagelint.model.outputs import Outputs
from stagelint.project import project
from stagelint.source import Source


def outputs(text: str, base: str = "golang:1.25") -> Outputs:
    """Of the last stage."""
    return File(Source("Dockerfile", f"FROM {base}\n{text}\n")).outputs[-1]


# -- where programs write --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "has", "lacks"),
    [
        ("WORKDIR /a/b", "/a/b /a /", "/a/c /b"),
        ("WORKDIR /src\nCOPY . .", "/src/x/y", "/out /app"),
        ("COPY a b /out/", "/out/a /out/c", "/app"),
        ("WORKDIR /src\nRUN go build -o ../out/x .", "/out/x /out", "/out/y /out/x/y"),
        ("WORKDIR /src\nRUN go build -o ../out/ ./...", "/out/x", "/app"),
        ("WORKDIR /src\nRUN go build .", "/src/x", "/out/x"),
        ("RUN mkdir -p /out && cd /out && gcc -o x x.c", "/out/x", "/out/y"),
        ("RUN mkdir -p /a/{b,c}", "/a/b /a/x", "/c"),
        ("RUN echo x > /out", "/out", "/x"),
        ("RUN cp -r /src/a /out && mv b /c/", "/out/x /out/a /c/b", "/d"),
        ("RUN apt-get update && apt-get install -y git", "/usr/bin/git /etc/x /lib/x", "/out"),
        ("RUN curl -fsSL -o /out/x https://example.com/x", "/out/x", "/out/y"),
        ("RUN curl -o /out/x -LO https://example.com/x", "/out/x", "/app"),
        ("RUN tar -xzf x.tar.gz -C /out", "/out/x", "/app"),
        ("RUN git clone https://example.com/x.git /out", "/out/x", "/app"),
        ("RUN git clone --jobs 4 https://example.com/x.git", "/go/x/y", "/out"),
        ("RUN git clone git@example.com:x.git", "/go/x/y", "/out"),
        ("RUN git init /out", "/out/x", "/app"),
        ("WORKDIR /a\nRUN go get -d example.com/x", "/go/src/example.com/x/y", "/out"),
        ("RUN sort -o /out/x y", "/out/x", "/out/y"),
        ("RUN apk add --root /out --initdb busybox", "/out/bin/busybox", "/app"),
        ("WORKDIR /a\nRUN apk add -p out --initdb busybox", "/a/out/bin/busybox", "/app"),
        ("RUN dpkg --add-architecture arm64 && dpkg --print-architecture", "", "/out"),
        ("RUN --mount=type=cache,target=/out go build -o /out/x .", "", "/out/x"),
        ("ENV D=/out\nRUN go build -o $D/x .", "/out/x", "/out/y"),
    ],
)
def test_what_a_stage_may_have(text: str, has: str, lacks: str) -> None:
    found = outputs(text)

    assert [path for path in has.split() if not found.may_have(path)] == []
    assert [path for path in lacks.split() if found.may_have(path)] == []


@pytest.mark.parametrize(
    "text",
    [
        "RUN make",
        "RUN ./build.sh",
        "RUN go build -o $(pwd)/x .",
        "ARG D\nRUN go build -o $D/x .",
        "ARG D\nCOPY . $D",
        "RUN (cd /out; go build -o x .)",
        "RUN eval x",
        "RUN git worktree add ../out",
        "RUN dpkg -i x.deb",
        "RUN rpm -ivh https://example.com/x",
        "RUN apt-get install -y ./x.deb",
        "RUN apk add --allow-untrusted x.apk",
        "RUN go env -w GOBIN=/out && go install .",
        "RUN gcc -MF /out/x.d -o x x.c",
        'SHELL ["pwsh", "-Command"]\nRUN go build -o /x .',
        "RUN <<A cat <<B\na\nA\nb\nB",
    ],
)
def test_what_is_not_known_may_be_anywhere(text: str) -> None:
    assert outputs(text).may_have("/any/where")


@pytest.mark.parametrize(
    "base", ["example.com/team/base", "$BASE", "golang:nanoserver", "golang:1.8-onbuild", "nginx"]
)
def test_a_base_that_is_not_known_may_have_anything(base: str) -> None:
    assert outputs("", base).may_have("/any/where")


def test_a_known_base_has_the_usual_folders_alone() -> None:
    found = outputs("")

    assert [
        path for path in ("/usr/lib/x", "/usr/local/go", "/opt") if not found.may_have(path)
    ] == []
    assert [path for path in ("/opt/x", "/usr/src/x", "/app") if found.may_have(path)] == []


def test_a_copy_is_followed_to_what_made_it() -> None:
    text = """\
FROM golang AS build
WORKDIR /src
RUN go build -o it . && cp it /out
FROM alpine AS packed
COPY --from=build /out /packed/it
FROM packed
"""
    found = File(Source("Dockerfile", text)).outputs[-1].maker("/packed/it")

    assert found is not None
    output, stage = found
    assert (output.path, stage) == ("/src/it", 0)
    assert output.call is not None and output.call.starts("go", "build")


# -- what is imported ------------------------------------------------------------------------------


def imported(build: str, path: str = "Dockerfile") -> Imports:
    """By the program that the last command of the Dockerfile *path* in this folder compiles."""
    text = f"FROM golang:1.25\nWORKDIR /src\n{build}\n"
    repository = project(".", File)
    file = File(Source(path, text), Options(project=lambda: repository))
    moment = file.moments(file.stages[0])[-1]
    call = moment.calls[-1]
    words = [file.source.text[span.start : span.end] for span in call.spans]
    return imports(file, moment, call, words)


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("go.mod", "module example.com/it\n")


NET = "`main.go` imports `net/http`"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('import "net/http"', Imports(NET, is_complete=True)),
        ('import (\n\t"fmt"\n\th "net/http" // why\n)', Imports(NET, is_complete=True)),
        ('import "fmt"', Imports(is_complete=True)),
        ('import "net/url"', Imports(is_complete=True)),
        ('// import "net"\n/*\nimport "net"\n*/', Imports(is_complete=True)),
        ('func f() string { return `\nimport "net"\n` }', Imports(is_complete=True)),
        ('/*\n#include <a.h>\n*/\nimport "C"', Imports("`main.go` imports `C`", True, True)),
        ('import "example.com/other"', Imports()),
        ('import "example.com/it/missing"', Imports()),
        (
            'import "google.golang.org/grpc"',
            Imports("`main.go` imports `google.golang.org/grpc`"),
        ),
    ],
)
def test_imports_of_a_file(folder: None, text: str, found: Imports) -> None:
    write("main.go", f"package main\n{text}\n")

    assert imported("COPY . .\nRUN go build -o /out .") == found


def test_imports_are_followed(folder: None) -> None:
    write("cmd/it/main.go", 'package main\nimport "example.com/it/a"\n')
    write("a/a.go", 'package a\nimport "example.com/other/b"\n')
    write("vendor/example.com/other/b/b.go", 'package b\nimport "os/user"\n')

    assert imported("COPY . .\nRUN go build ./cmd/it") == Imports(
        "`vendor/example.com/other/b/b.go` imports `os/user`", is_complete=True
    )


@pytest.mark.parametrize(
    ("path", "text", "is_complete"),
    [
        ("main_test.go", "", True),
        ("main_windows.go", "", True),
        ("ignored.go", "//go:build ignore\n\n", True),
        ("tagged.go", "//go:build extra\n\n", False),
    ],
)
def test_files_that_may_be_left_out(folder: None, path: str, text: str, is_complete: bool) -> None:
    write("main.go", "package main\n")
    write(path, f'{text}package main\nimport "net"\n')

    assert imported("COPY . .\nRUN go build .") == Imports(is_complete=is_complete)


@pytest.mark.parametrize(
    "build",
    [
        "COPY main.go go.mod ./\nRUN go build -o /out main.go",
        "COPY *.go ./\nRUN go build",
        "COPY . /other\nRUN cd /other && go build -tags x -ldflags '-s -w' .",
        "RUN --mount=target=. go build -o /out .",
        "ADD . .\nRUN go build /src",
    ],
)
def test_sources_are_found_where_they_are_copied_to(folder: None, build: str) -> None:
    write("main.go", 'package main\nimport "net/http"\n')

    assert imported(build).cgo == NET


@pytest.mark.parametrize(
    "build",
    [
        "COPY other.go ./\nRUN go build .",
        "COPY --from=x . .\nRUN go build .",
        "COPY . .\nRUN go build ./...",
        "COPY . .\nRUN go build ./a ./b",
        "COPY . .\nRUN go build $X",
        "COPY . .\nRUN cd $X && go build .",
        "COPY . .\nRUN go install example.com/it@latest",
    ],
)
def test_sources_that_are_not_found_say_nothing(folder: None, build: str) -> None:
    write("main.go", 'package main\nimport "net/http"\n')

    assert imported(build) == Imports()


def test_each_context_that_fits_must_say_it(folder: None) -> None:
    write("main.go", 'package main\nimport "net/http"\n')
    write("deep/main.go", "package main\n")
    build = "COPY . .\nRUN go build ."

    assert imported(build, "deep/Dockerfile") == Imports()
    assert imported(build, "other/Dockerfile").cgo == NET
