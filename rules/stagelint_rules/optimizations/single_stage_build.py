from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.gains import Amount, Gain, Known
from stagelint.model.stacks import recognise
from stagelint.model.stacks.plans import Found, Plan, Refusal
from stagelint.model.stacks.writing import two_stages
from stagelint.model.stages import Stage
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity


class SingleStageBuild(Rule):
    """One stage that builds a program and ships with all that the build needed.

    Every host that runs the program fetches the compiler, the sources and what the build left behind.
    Such an image is often five to ten times as large as one with the program alone, and every scan of
    it reports what is wrong with the compiler.

    It speaks of files of one stage that compile what they start: programs in Go, Rust, C and C++, for
    the JVM (Maven, Gradle, `javac`) and for .NET. Where toolchain-in-final-image or
    build-packages-shipped would say the same, this rule speaks instead. The fix makes two stages of
    the one. The first is what it was, up to the last RUN that builds; the second begins with a small
    image of the same distribution (a JRE, a runtime of .NET), copies the program, and keeps all that
    says how it is run: ENV, WORKDIR, EXPOSE, VOLUME, USER, LABEL, HEALTHCHECK, ENTRYPOINT, CMD, the
    users that are made, and the packages that are no compilers.

    It is another image, so the fix is not safe, and is made only where the build context shows enough:

    - Which file is the program is told by `-o`, `go.mod`, `Cargo.toml`, `pom.xml`, `build.gradle`, a
      Makefile or `CMakeLists.txt`, and ENTRYPOINT or CMD starts that, and nothing else is built.
    - Whatever a COPY brought that is neither source nor document is copied along, and so is what of
      these the sources, the command or a variable name. A program that looks through the folder that
      it runs in is left alone.
    - A program that starts others, or loads libraries that the small image has not, is left alone;
      packages with headers are followed by those of their libraries, where these are known.
    - Certificates are copied for programs in Go and Rust that may ask for them, since the slim images
      of Debian have none; their time zones they have.

    Of programs in Python and in JavaScript the sources ship as well. The first stage installs what pip
    or npm is asked for, and runs the build; the second begins with the slim image of the same tag,
    copies the packages or the site that was made, and the sources anew. Packages that need more of the
    system than the C library are followed by those of Debian with these libraries, or left alone.

    What the note says after "not fixed" is what is not known to hold.
    """

    code = "SL317"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    examples = (
        Bad(
            """
            --- Dockerfile
            FROM golang:1.26-bookworm
                 ^^^^^^^^^^^^^^^^^^^^ the Go toolchain ships with the program, and so do its sources
            LABEL org.opencontainers.image.title=server
            WORKDIR /src
            COPY . .
            ENV CGO_ENABLED=0
            RUN go build -o /server .
            EXPOSE 8080
            CMD ["/server"]
            --- go.mod
            module example.com/server
            --- main.go
            package main
            import "html/template"
            func main() { template.Must(template.ParseGlob("pages/*.html")) }
            --- pages/index.html
            <p>
            """,
            fixed="""
            --- Dockerfile
            FROM golang:1.26-bookworm AS build
            WORKDIR /src
            COPY . .
            ENV CGO_ENABLED=0
            RUN go build -o /server .

            FROM debian:bookworm-slim
            LABEL org.opencontainers.image.title=server
            WORKDIR /src
            COPY --from=build /server /server
            COPY --from=build /src/pages /src/pages
            EXPOSE 8080
            CMD ["/server"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            # `psycopg2` is compiled, and loads the library of PostgreSQL
            FROM python:3.13-bookworm
                 ^^^^^^^^^^^^^^^^^^^^ the compilers of `python:3.13-bookworm` ship with the program
            WORKDIR /app
            COPY requirements.txt ./
            RUN pip install --no-cache-dir -r requirements.txt
            COPY . .
            CMD ["python", "main.py"]
            --- requirements.txt
            psycopg2==2.9.10
            --- main.py
            import psycopg2
            """,
            fixed="""
            --- Dockerfile
            # `psycopg2` is compiled, and loads the library of PostgreSQL
            FROM python:3.13-bookworm AS build
            WORKDIR /app
            COPY requirements.txt ./
            RUN pip install --prefix=/install --no-cache-dir -r requirements.txt

            FROM python:3.13-slim-bookworm
            WORKDIR /app
            RUN apt-get update \\
                && apt-get install -y --no-install-recommends libpq5 \\
                && rm -rf /var/lib/apt/lists/*
            COPY --from=build /install /usr/local
            COPY . .
            CMD ["python", "main.py"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            # TypeScript is needed to build, and by no source of the program
            FROM node:22-bookworm
                 ^^^^^^^^^^^^^^^^ the compilers of `node:22-bookworm` ship with the program
            WORKDIR /app
            COPY package*.json ./
            RUN npm ci
            COPY . .
            RUN npm run build
            USER node
            CMD ["node", "dist/server.js"]
            --- package.json
            {"name": "server", "scripts": {"build": "tsc --outDir dist"},
             "devDependencies": {"typescript": "5.9.3"}}
            --- package-lock.json
            {"lockfileVersion": 3, "packages": {
              "": {"devDependencies": {"typescript": "5.9.3"}},
              "node_modules/typescript": {"version": "5.9.3", "dev": true}}}
            --- server.ts
            console.log("up")
            """,
            fixed="""
            --- Dockerfile
            # TypeScript is needed to build, and by no source of the program
            FROM node:22-bookworm AS build
            WORKDIR /app
            COPY package*.json ./
            RUN npm ci
            COPY . .
            RUN npm run build
            RUN npm ci --omit=dev

            FROM node:22-bookworm-slim
            WORKDIR /app
            COPY --from=build /app /app
            USER node
            CMD ["node", "dist/server.js"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            # what `torch` needs of the system is not known
            FROM python:3.13-bookworm
                 ^^^^^^^^^^^^^^^^^^^^ the compilers of `python:3.13-bookworm` ship with the program
            WORKDIR /app
            COPY . .
            RUN pip install --no-cache-dir -r requirements.txt
            CMD ["python", "main.py"]
            --- requirements.txt
            torch==2.9.0
            --- main.py
            import torch
            """
        ),
        Bad(
            """
            --- Dockerfile
            # `zlib1g` is what `zlib1g-dev` is for
            FROM debian:bookworm
            RUN apt-get update && apt-get install -y --no-install-recommends gcc make zlib1g-dev procps
                                                                             ^^^ `gcc`, `make` and `zlib1g-dev` ship with the program, and so do its sources
            WORKDIR /src
            COPY . .
            RUN make
            CMD ["./server"]
            --- Makefile
            server: server.c
            \tgcc -o server server.c -lz
            --- server.c
            int main() { return 0; }
            """,
            fixed="""
            --- Dockerfile
            # `zlib1g` is what `zlib1g-dev` is for
            FROM debian:bookworm AS build
            RUN apt-get update && apt-get install -y --no-install-recommends gcc make zlib1g-dev procps
            WORKDIR /src
            COPY . .
            RUN make

            FROM debian:bookworm-slim
            RUN apt-get update \\
                && apt-get install -y --no-install-recommends zlib1g procps \\
                && rm -rf /var/lib/apt/lists/*
            WORKDIR /src
            COPY --from=build /src/server /src/server
            CMD ["./server"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            FROM rust:1.90-bookworm AS app
                 ^^^^^^^^^^^^^^^^^^ the Rust toolchain ships with the program, and so do its sources
            COPY . .
            RUN cargo install --path .
            RUN useradd --system app
            USER app
            CMD ["greet"]
            --- Cargo.toml
            [package]
            name = "greet"
            --- src/main.rs
            fn main() {}
            """,
            fixed="""
            --- Dockerfile
            FROM rust:1.90-bookworm AS build
            COPY . .
            RUN cargo install --path .

            FROM debian:bookworm-slim AS app
            COPY --from=build /usr/local/cargo/bin/greet /usr/local/bin/greet
            RUN useradd --system app
            USER app
            CMD ["greet"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            FROM maven:3.9-eclipse-temurin-21
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the JDK ships with the program, and so do its sources
            WORKDIR /src
            COPY pom.xml .
            COPY src src
            RUN mvn package
            ENTRYPOINT ["java", "-jar", "target/greeter-1.0.jar"]
            --- pom.xml
            <project>
              <artifactId>greeter</artifactId>
              <version>1.0</version>
            </project>
            --- src/main/java/Main.java
            class Main {}
            """,
            fixed="""
            --- Dockerfile
            FROM maven:3.9-eclipse-temurin-21 AS build
            WORKDIR /src
            COPY pom.xml .
            COPY src src
            RUN mvn package

            FROM eclipse-temurin:21-jre
            WORKDIR /src
            COPY --from=build /src/target/greeter-1.0.jar /src/target/greeter-1.0.jar
            ENTRYPOINT ["java", "-jar", "target/greeter-1.0.jar"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            FROM mcr.example.com/dotnet/sdk:8.0
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the .NET SDK ships with the program, and so do its sources
            WORKDIR /src
            COPY . .
            RUN dotnet publish -c Release -o /app
            ENTRYPOINT ["dotnet", "/app/Greet.dll"]
            --- Greet.csproj
            <Project Sdk="Microsoft.NET.Sdk"/>
            --- Program.cs
            class Program { static void Main() {} }
            """,
            fixed="""
            --- Dockerfile
            FROM mcr.example.com/dotnet/sdk:8.0 AS build
            WORKDIR /src
            COPY . .
            RUN dotnet publish -c Release -o /app

            FROM mcr.example.com/dotnet/runtime:8.0
            WORKDIR /src
            COPY --from=build /app /app
            ENTRYPOINT ["dotnet", "/app/Greet.dll"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            # without its context nobody knows what the program reads
            FROM golang:1.26
                 ^^^^^^^^^^^ the Go toolchain ships with the program, and so do its sources
            WORKDIR /src
            COPY . .
            RUN go build -o /server .
            CMD ["/server"]
            """
        ),
        Bad(
            """
            --- Dockerfile
            # it starts `git`, which the small image has not
            FROM golang:1.26-bookworm
                 ^^^^^^^^^^^^^^^^^^^^ the Go toolchain ships with the program, and so do its sources
            WORKDIR /src
            COPY . .
            RUN go build -o /server .
            CMD ["/server"]
            --- go.mod
            module example.com/server
            --- main.go
            package main
            import "os/exec"
            func main() { exec.Command("git", "gc").Run() }
            """
        ),
        Bad(
            """
            --- Dockerfile
            # what `make install` writes is not known
            FROM gcc:14-bookworm
                 ^^^^^^^^^^^^^^^ the C toolchain ships with the program, and so do its sources
            COPY . /src
            RUN make -C /src install
            CMD ["/usr/local/bin/server"]
            --- Makefile
            server: server.c
            --- server.c
            int main() { return 0; }
            """
        ),
        Bad(
            """
            --- Dockerfile
            # a library of the image of the compiler
            FROM gcc:14-bookworm
                 ^^^^^^^^^^^^^^^ the C toolchain ships with the program, and so do its sources
            WORKDIR /src
            COPY . .
            RUN gcc -o server server.c -lcurl
            CMD ["/src/server"]
            --- server.c
            int main() { return 0; }
            """
        ),
        Good(
            """
            --- Dockerfile
            FROM golang:1.26-bookworm AS build
            WORKDIR /src
            COPY . .
            RUN go build -o /server .
            FROM debian:bookworm-slim
            COPY --from=build /server /server
            CMD ["/server"]
            --- main.go
            package main
            func main() {}
            """
        ),
        Good(
            """
            # to test in
            FROM golang:1.26
            COPY . .
            RUN go build ./...
            CMD ["go", "test", "./..."]
            """
        ),
        Good(
            """
            # compiles, and cleans up after itself
            FROM alpine:3.23
            COPY . .
            RUN apk add --virtual .build gcc make && make && apk del .build
            CMD ["./server"]
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        known = recognise(file)
        if known:
            yield self._said(file, *known)

    def _said(self, file: File, stage: Stage, found: Found) -> Finding:
        plan = found.answer if isinstance(found.answer, Plan) else None
        refusal = found.answer if isinstance(found.answer, Refusal) else None
        related: tuple[Related, ...] = ()
        if refusal and refusal.at:
            related = (Related(file.source, refusal.at.code_span, refusal.reason),)
        return self.finding(
            file,
            found.span,
            f"{found.ships} with the program"
            + (", and so do its sources" if found.with_sources else ""),
            stage=stage,
            fix=_fix(file, stage, plan) if plan else None,
            note=f"not fixed: {refusal.reason}" if refusal else "",
            related=related,
            aliases=found.aliases,
            gain=_gain(file, stage, plan),
            holds=plan.holds if plan else (),
        )


def _fix(file: File, stage: Stage, plan: Plan) -> Fix:
    title = f"Build it in a stage of its own, and ship it upon `{plan.runtime}`"
    return Fix(title, two_stages(file, stage, plan), Guarantee.BEHAVIOUR)


def _gain(file: File, stage: Stage, plan: Plan | None) -> Gain:
    """What the smaller base saves is known; what of the build is left behind is not."""
    image = stage.base.image
    before = file.sizes.size(image) if image else None
    after = file.sizes.size(plan.runtime) if plan else None
    if not before or not after or before.measure != after.measure or after.bytes >= before.bytes:
        return Gain(ships_less=True)
    saved = before.bytes - after.bytes
    return Gain(shipped=Amount(saved, Known.CATALOGUE, at_least=True), ships_less=True)
