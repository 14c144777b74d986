"""One stage that builds and ships becomes two, or it is said why not: `stagelint.model.stacks`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pytest

from stagelint.edit import Fix, Guarantee, apply
from stagelint.engine import lint
from stagelint.model.context import Context, Entry
from stagelint.model.file import File, Options
from stagelint.model.stacks import recognise
from stagelint.model.stacks.plans import Plan, Refusal
from stagelint.model.stacks.writing import two_stages
from stagelint.presets import PRESETS
from stagelint.registry import Registry, Ruleset
from stagelint.source import Source

GO = {"go.mod": "module example.com/app\n", "main.go": "package main\nfunc main() {}\n"}
RUST = {"Cargo.toml": '[package]\nname = "app"\n', "src/main.rs": "fn main() {}\n"}
C = {"Makefile": "app: app.c\n\tgcc -o app app.c\n", "app.c": "int main() { return 0; }\n"}
MAVEN = {
    "pom.xml": "<project><artifactId>app</artifactId><version>1</version></project>",
    "src/main/java/Main.java": "class Main {}",
}
DOTNET = {"App.csproj": '<Project Sdk="Microsoft.NET.Sdk"/>', "App.cs": "class App {}"}


def file(dockerfile: str, files: Mapping[str, str]) -> File:
    folders = {path.rpartition("/")[0] for path in files if "/" in path}
    above = {each[:at] for each in folders for at in range(len(each)) if each[at] == "/"}
    entries = [Entry(path, len(text)) for path, text in files.items()]
    entries += [Entry(path, is_folder=True) for path in folders | above]
    context = Context("", entries, read=files.get)
    text = textwrap.dedent(dockerfile).lstrip("\n")
    return File(Source("Dockerfile", text), Options(contexts_at=lambda: (context,)))


def rewritten(dockerfile: str, files: Mapping[str, str]) -> str:
    built = file(dockerfile, files)
    known = recognise(built)
    assert known is not None
    stage, found = known
    assert isinstance(found.answer, Plan), found.answer
    edits = two_stages(built, stage, found.answer)
    return apply(built.source.text, [Fix("", edits, Guarantee.BEHAVIOUR)])[0]


def refused(dockerfile: str, files: Mapping[str, str]) -> str:
    known = recognise(file(dockerfile, files))
    assert known is not None
    assert isinstance(known[1].answer, Refusal), known[1].answer
    return known[1].answer.reason


def go(
    build: str = "RUN go build -o /app .", run: str = 'CMD ["/app"]', tag: str = "1.26-bookworm"
) -> str:
    return f"FROM golang:{tag}\nWORKDIR /src\nCOPY . .\n{build}\n{run}\n"


# -- what is refused -------------------------------------------------------------------------------

GO_REFUSED: dict[str, tuple[str, dict[str, str], str]] = {
    "several programs": (go("RUN go build -o /app . && go build -o /other ."), {}, "more than one"),
    "all packages": (go("RUN go build -o /bin/ ./..."), {}, "how many programs"),
    "another program": (
        go(run='CMD ["/other"]'),
        {},
        "it starts `/other`, and the build makes `/app`",
    ),
    "two programs": (go(run="CMD /app & /app"), {}, "more than one program"),
    "a launcher": (go(run='ENTRYPOINT ["tini", "--", "/app"]'), {}, "`tini` starts the program"),
    "a plugin": (go("RUN go build -buildmode=plugin -o /app ."), {}, "what this compiles"),
    "a generator": (
        go("RUN go generate && go build -o /app ."),
        {"gen.go": "package main\n//go:generate mkassets out\n"},
        "may be generated",
    ),
    "a library": (
        go(),
        {"c.go": 'package main\n// #cgo LDFLAGS: -lfoo\nimport "C"\n'},
        "linked with a library: `#cgo LDFLAGS: -lfoo`",
    ),
    "its folder": (
        go(),
        {"web.go": 'package main\nvar files = http.FileServer(http.Dir("."))\n'},
        "looks through the folder",
    ),
    "a folder of base": (go(run='ENV DATA=$GOPATH/data\nCMD ["/app"]'), {}, "`$GOPATH` may come"),
    "many files": (
        go(),
        {f"a{number}/b/code.go": "package a\n" for number in range(9)}
        | {f"a{number}/b/page.html": "" for number in range(9)},
        "many files",
    ),
    "a download": (go("RUN curl -o /data https://example.com/ && go build -o /app ."), {}, "`curl"),
    "a clone": (go("RUN git clone https://example.com/x && go build -o /app ."), {}, "`git clone`"),
    "a file written": (
        go("RUN echo 1 > /version && go build -o /app ."),
        {},
        "`/version` is written",
    ),
    "a folder made": (go("RUN mkdir /data && go build -o /app ."), {}, "`/data` is made here"),
    "a file copied": (
        go("RUN cp sample.conf app.conf && go build -o /app ."),
        {"sample.conf": ""},
        "`/src/app.conf` is made here",
    ),
    "another user": (go("USER nobody\nRUN go build -o /app ."), {}, "another user"),
    "owners": (go("RUN chown -R nobody /src\nRUN go build -o /app ."), {}, "another user"),
    "a user of the base": (go(run='USER gopher\nCMD ["/app"]'), {}, "no user `gopher`"),
    "adduser": (
        go(run='RUN adduser --system app\nUSER app\nCMD ["/app"]', tag="1.26-trixie"),
        {},
        "no `adduser`",
    ),
    "SHELL": (go('SHELL ["/bin/bash", "-c"]\nRUN go build -o /app .'), {}, "SHELL"),
    "ONBUILD": (go("ONBUILD RUN true\nRUN go build -o /app ."), {}, "ONBUILD"),
    "a HEALTHCHECK": (
        go(run='HEALTHCHECK CMD curl http://127.0.0.1/\nCMD ["/app"]'),
        {},
        "HEALTHCHECK runs `curl`",
    ),
    "a floating tag": (go(tag="latest"), {}, "changes with time"),
    "a digest": (go(tag="1.26-bookworm@sha256:" + "0" * 64), {}, "digest"),
    "zones of Alpine": (
        go(tag="1.26-alpine3.23"),
        {"zone.go": 'package main\nvar zone, _ = time.LoadLocation("Europe/Rome")\n'},
        "no time zones",
    ),
    "an image's files": (
        go("COPY --from=alpine:3 /x /y\nRUN go build -o /app ."),
        {},
        "another image",
    ),
    "an archive": (go("ADD data.tar.gz /\nRUN go build -o /app ."), {"data.tar.gz": ""}, "archive"),
}


@pytest.mark.parametrize("case", GO_REFUSED)
def test_go_is_refused_with_the_reason(case: str) -> None:
    dockerfile, files, reason = GO_REFUSED[case]

    assert reason in refused(dockerfile, {**GO, **files})


def test_bases_that_nothing_can_be_put_in_the_place_of() -> None:
    variable = "ARG V=1.26\n" + go(tag="${V}")
    elsewhere = go().replace("golang", "registry.example.com/library/golang")
    told = go().replace("FROM ", "FROM --platform=linux/arm64 ")

    assert "variables" in refused(variable, GO)
    assert "registry.example.com" in refused(elsewhere, GO)
    assert "platform" in refused(told, GO)


def rust(*, build: str = "cargo build --release", run: str = "/src/target/release/app") -> str:
    return f'FROM rust:1.90-bookworm\nWORKDIR /src\nCOPY . .\nRUN {build}\nCMD ["{run}"]\n'


def test_rust_is_refused_with_the_reason() -> None:
    uses = {"Cargo.toml": '[package]\nname = "app"\n[dependencies]\nopenssl = "1"\n'}
    lock = {"Cargo.lock": '[[package]]\nname = "openssl-sys"\n'}
    two = {"Cargo.toml": '[package]\nname = "app"\n', "src/bin/tool.rs": "fn main() {}\n"}
    starts = {"src/run.rs": 'fn run() { std::process::Command::new("git"); }\n'}

    assert "no `Cargo.lock`" in refused(rust(), {**RUST, **uses})
    assert "`openssl-sys`" in refused(rust(), {**RUST, **uses, **lock})
    assert "more than one program" in refused(rust(), {**RUST, **two})
    assert "starts others" in refused(rust(), {**RUST, **starts})
    assert "the build makes" in refused(rust(run="/src/target/debug/app"), RUST)


def c(build: str = "make", base: str = "gcc:14-bookworm") -> str:
    return f'FROM {base}\nWORKDIR /src\nCOPY . .\nRUN {build}\nCMD ["./app"]\n'


@pytest.mark.parametrize(
    ("build", "files", "reason"),
    [
        ("make install", {}, "`make install`"),
        ("make", {"Makefile": "app:\n\tgcc -o app app.c -lcurl\n"}, "`libcurl`"),
        ("make", {"Makefile": "app:\n\tgcc -shared -o app.so x.c\n"}, "may load"),
        ("make", {"Makefile": "other: app.c\n"}, "how `./app` is built"),
        ("make", {"app.c": 'int main() { system("ls"); }'}, "starts or loads others"),
        ("g++ -o app app.cpp", {"app.cpp": ""}, "libstdc++"),
        ("gcc -o app app.c && gcc -o tool app.c", {}, "more than one program"),
        ("./configure && make", {"configure": ""}, "`configure`"),
        ("gcc -o app $(pkg-config --libs x) app.c", {}, "what this compiles"),
    ],
)
def test_c_is_refused_with_the_reason(build: str, files: dict[str, str], reason: str) -> None:
    assert reason in refused(c(build), {**C, **files})


def test_headers_of_a_library_whose_package_is_not_known() -> None:
    text = c().replace(
        "FROM gcc:14-bookworm", "FROM debian:bookworm\nRUN apt-get install -y gcc libfoo-dev"
    )

    assert "the library of `libfoo-dev`" in refused(text, C)


def maven(jar: str = "target/app-1.jar", options: str = "") -> str:
    return (
        "FROM maven:3-eclipse-temurin-21\nWORKDIR /src\nCOPY . .\nRUN mvn package\n"
        f'CMD ["java", {options}"-jar", "{jar}"]\n'
    )


def test_the_jvm_is_refused_with_the_reason() -> None:
    needs = "<dependencies><dependency><artifactId>x</artifactId></dependency></dependencies>"
    more = MAVEN["pom.xml"].replace("</project>", f"{needs}</project>")
    tools = {"src/main/java/T.java": "import javax.tools.ToolProvider;"}
    starts = {"src/main/java/T.java": "class T { ProcessBuilder builder; }"}
    other = maven().replace("eclipse-temurin-21", "amazoncorretto-21")

    assert "does not bring along" in refused(maven(), {**MAVEN, "pom.xml": more})
    assert "does not say that `app-2.jar`" in refused(maven("target/app-2.jar"), MAVEN)
    assert "an agent" in refused(maven(options='"-javaagent:/a.jar", '), MAVEN)
    assert "needs a JDK" in refused(maven(), {**MAVEN, **tools})
    assert "starts others" in refused(maven(), {**MAVEN, **starts})
    assert "which JRE" in refused(other, MAVEN)


def dotnet(tag: str = "8.0") -> str:
    return (
        f"FROM mcr.example.com/dotnet/sdk:{tag}\nWORKDIR /src\nCOPY . .\n"
        'RUN dotnet publish -o /app\nCMD ["dotnet", "/app/App.dll"]\n'
    )


def test_dotnet_is_refused_with_the_reason() -> None:
    web = {"App.csproj": '<Project Sdk="Microsoft.NET.Sdk.Web"/>'}
    listens = dotnet().replace("CMD", "ENV ASPNETCORE_URLS=http://+:80\nCMD")

    assert "another port" in refused(dotnet(), {**DOTNET, **web})
    assert "FROM mcr.example.com/dotnet/aspnet:8.0\n" in rewritten(listens, {**DOTNET, **web})
    assert "which runtime" in refused(dotnet("8.0-alpine"), DOTNET)
    assert "no `Other.csproj`" in refused(dotnet().replace("App.dll", "Other.dll"), DOTNET)


# -- what is not spoken of -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dockerfile",
    [
        'FROM golang:1.26\nCOPY . .\nCMD ["go", "run", "."]\n',
        'FROM golang:1.26 AS dev\nCOPY . .\nRUN go build -o /app .\nCMD ["/app"]\n',
        'FROM golang:1.26 AS build\nCOPY . .\nRUN go build -o /app .\nFROM build\nCMD ["/app"]\n',
        "FROM python:3.13\nRUN apt-get install -y gcc\nCOPY . .\nRUN make\nCMD python app.py\n",
        'FROM golang:1.26\nCOPY app /app\nCMD ["/app"]\n',
    ],
)
def test_what_does_not_build_and_ship_in_one_stage(dockerfile: str) -> None:
    assert recognise(file(dockerfile, GO)) is None


def test_of_one_cause_one_finding_is_said() -> None:
    registry = Registry()
    ruleset = Ruleset(registry, PRESETS["optimize"].codes(registry))
    packages = c().replace(
        "FROM gcc:14-bookworm", "FROM debian:bookworm\nRUN apt-get install -y gcc"
    )

    for dockerfile, files in ((go(), GO), (packages, C)):
        said = {each.code for each in lint(file(dockerfile, files), ruleset)}
        assert "SL317" in said
        assert not said & {"SL202", "SL204"}


# -- what is written -------------------------------------------------------------------------------


def copied(files: Mapping[str, str], dockerfile: str = "") -> list[str]:
    """The COPYs of the final stage, without the program's."""
    text = rewritten(dockerfile or go(), {**GO, **files})
    lines = [each for each in text.splitlines() if each.startswith("COPY --from=build ")]
    return [each.removeprefix("COPY --from=build ") for each in lines[1:]]


def test_what_the_program_may_read_goes_along() -> None:
    files = {
        "web/pages/a.html": "",
        "web/pages/css/a.css": "",
        "web/web.go": "package web\n",
        "app.yaml": "",
        ".env": "",
        "README.md": "",
        ".git/config": "",
        "docs/index.html": "",
        "main_test.go": "package main\n",
        "vendor/example.com/x/data.json": "",
    }

    assert copied(files) == ["/src/web/pages /src/web/pages", "/src/.env /src/app.yaml /src/"]


def test_documents_go_along_if_the_program_names_them() -> None:
    says = {"doc.go": 'package main\nvar license, _ = os.ReadFile("LICENSE")\n'}
    files = {"LICENSE": "", "README.md": "", "docs/a.md": ""}
    told = go(run='CMD ["/app", "docs"]')

    assert copied({**files, **says}) == ["/src/LICENSE /src/LICENSE"]
    assert copied(files, told) == ["/src/docs /src/docs"]


def test_a_source_that_the_command_names_goes_along() -> None:
    text = maven().replace('.jar"]', '.jar", "--conf", "src/main/conf/app.json"]')

    assert (
        "COPY --from=build /src/src/main/conf/app.json /src/src/main/conf/app.json\n"
        in rewritten(text, {**MAVEN, "src/main/conf/app.json": "{}"})
    )


def test_certificates_go_along_with_what_may_ask_for_them() -> None:
    certificates = "/etc/ssl/certs/ca-certificates.crt"
    says = {"get.go": 'package main\nimport "net/http"\n'}
    own = {"own.go": 'package main\nimport "example.com/app/x"\n', "x/x.go": "package x\n"}

    assert copied(says) == [f"{certificates} {certificates}"]
    assert copied(own) == []
    assert copied(says, go(tag="1.26-alpine3.23")) == []


def test_everything_that_says_how_it_runs_is_kept_in_order() -> None:
    text = rewritten(
        """
        # syntax=docker/dockerfile:1
        FROM golang:1.26-bookworm as server
        # who to ask
        LABEL maintainer=someone
        ARG VERSION=1
        ARG BUILD=2
        ENV VERSION=v$VERSION
        ENV CGO_ENABLED=0
        EXPOSE 80

        VOLUME /data
        WORKDIR /src
        RUN apt-get update && apt-get install -y git make libsqlite3-dev
        COPY . .
        RUN go build -ldflags "-X main.build=$BUILD" -o app .
        RUN groupadd app && useradd --gid app app && mkdir /data && chown app:app /data
        STOPSIGNAL SIGINT
        USER app
        # start
        ENTRYPOINT ["./app"]
        """,
        GO,
    )

    assert text == textwrap.dedent(
        """\
        # syntax=docker/dockerfile:1
        FROM golang:1.26-bookworm as build
        ARG VERSION=1
        ARG BUILD=2
        ENV VERSION=v$VERSION
        ENV CGO_ENABLED=0

        WORKDIR /src
        RUN apt-get update && apt-get install -y git make libsqlite3-dev
        COPY . .
        RUN go build -ldflags "-X main.build=$BUILD" -o app .

        FROM debian:bookworm-slim as server
        # who to ask
        LABEL maintainer=someone
        ARG VERSION=1
        ENV VERSION=v$VERSION
        EXPOSE 80
        VOLUME /data
        WORKDIR /src
        RUN apt-get update \\
            && apt-get install -y libsqlite3-0 \\
            && rm -rf /var/lib/apt/lists/*
        COPY --from=build /src/app /src/app
        RUN groupadd app && useradd --gid app app && mkdir /data && chown app:app /data
        STOPSIGNAL SIGINT
        USER app
        # start
        ENTRYPOINT ["./app"]
        """
    )


def test_a_program_on_the_path_of_the_sdk_is_found_again() -> None:
    text = rewritten(go("RUN go install .", 'CMD ["app"]'), GO)

    assert "COPY --from=build /go/bin/app /usr/local/bin/app\n" in text


def test_the_folder_of_the_base_is_kept() -> None:
    text = rewritten(
        'FROM golang:1.26-bookworm\nCOPY . .\nRUN go build -o /app .\nCMD ["/app"]\n', GO
    )

    assert "FROM debian:bookworm-slim\nWORKDIR /go\n" in text


def test_line_ends_are_kept() -> None:
    text = rewritten(go().replace("\n", "\r\n"), GO)

    assert text.count("\n") == text.count("\r\n")


def test_a_file_without_a_newline_at_its_end() -> None:
    text = 'FROM golang:1.26-bookworm\nCMD ["/app"]\nCOPY . /src\nRUN cd /src && go build -o /app .'

    assert rewritten(text, GO).endswith("COPY --from=build /app /app\n")


def test_a_second_run_finds_nothing() -> None:
    text = rewritten(go(), GO)

    assert recognise(file(text, GO)) is None


def test_another_user_can_write_where_it_could() -> None:
    made = go("RUN chmod 777 /src/data && go build -o /app .", 'USER nobody\nCMD ["/app"]')
    of_base = (
        'FROM golang:1.26-bookworm\nCOPY . .\nRUN go build -o /app .\nUSER 1000\nCMD ["/app"]\n'
    )

    assert "could not any more" in refused(made, {**GO, "data/a.json": ""})
    assert "as the base lets it" in refused(of_base, GO)
    assert copied({"data/a.json": ""}, made.replace("USER nobody", "")) == ["/src/data /src/data"]


def test_a_prompt_is_not_shown_in_the_final_stage_either() -> None:
    install = "RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y gcc tzdata"
    text = c().replace("FROM gcc:14-bookworm", f"FROM debian:bookworm\n{install}")

    assert "&& DEBIAN_FRONTEND=noninteractive apt-get install -y tzdata \\\n" in rewritten(text, C)
