from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.gains import Gain
from stagelint.model.keeping import Keeping, copied, keepings, kept, moving, objection
from stagelint.model.moments import Moment
from stagelint.model.mounting import mount_caches
from stagelint.rule import Bad, Finding, Good, Related, Rule, Severity
from stagelint.source import Span

_BUILDER = "the builder keeps its caches from build to build"


class MissingCacheMount(Rule):
    """A RUN fetches or compiles what an earlier build already has, and keeps nothing for the next.

    When the step runs again, for whatever change, all of it is done anew.

    It speaks of APT, `apk`, `dnf`, pip, uv, Poetry, npm, Yarn 1, pnpm, Composer, Go, Cargo, Maven,
    Gradle and NuGet. The fix adds `RUN --mount=type=cache`; a build of both, which `--verify` makes,
    gives the same files but for the cache. What has to be right is asked first: that root runs it in
    an image of which it is known where that cache lies, that nothing moves or empties it, and that no
    other step and no container needs what is in it. Modules of Go, crates, and what Maven, Gradle and
    NuGet fetch are needed to build: for them a cache is mounted only if a single RUN uses them, and
    none of its layers is an image.

    `--no-cache-dir` and its like are not taken away: they may be meant. With APT, packages are kept
    in a folder of their own, since the official images delete those in the usual one after each
    install; the lists, too, unless the RUN removes them. `/var/lib/apt` is not mounted as a whole:
    it holds which packages were installed by hand, which is no cache. Yum and Bundler are not spoken
    of: the former cannot be told to look whether its lists are still right, the latter keeps what it
    fetches with what it installs.

    A builder that is new each time, as some CI gives, has no use for it.
    """

    code = "SL309"
    severity = Severity.INFO
    default = False
    words = (
        *("apt", "apk", "dnf", "pip", "uv", "poetry", "npm", "yarn", "composer", "go", "cargo"),
        *("mvn", "gradlew", "dotnet"),
    )
    examples = (
        Bad(
            """
            FROM python:3.13-slim
            WORKDIR /app
            COPY requirements.txt .
            RUN pip install -r requirements.txt
                ^^^^^^^^^^^ `pip install` keeps nothing for the next build
            """,
            fixed="""
            FROM python:3.13-slim
            WORKDIR /app
            COPY requirements.txt .
            RUN --mount=type=cache,id=pip-python-3.13-slim,target=/root/.cache/pip \\
                pip install -r requirements.txt
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian:12-slim
            RUN apt-get update \\
                ^^^^^^^^^^^^^^ `apt-get update` keeps nothing for the next build
             && apt-get install -y curl
            """,
            fixed="""
            FROM debian:12-slim
            RUN --mount=type=cache,target=/var/cache/apt/kept,sharing=locked \\
                --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \\
                apt-get update \\
             && apt-get install -o Dir::Cache::archives=/var/cache/apt/kept -y curl
            """,
            unsafe=True,
        ),
        Bad(
            """
            # the lists are gone for the next build, the packages are not
            FROM debian:12-slim
            RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*
                ^^^^^^^^^^^^^^ `apt-get update` keeps nothing for the next build
            """,
            fixed="""
            # the lists are gone for the next build, the packages are not
            FROM debian:12-slim
            RUN --mount=type=cache,target=/var/cache/apt/kept,sharing=locked \\
                apt-get update && apt-get install -o Dir::Cache::archives=/var/cache/apt/kept -y curl && rm -rf /var/lib/apt/lists/*
            """,
            unsafe=True,
        ),
        Bad(
            """
            # what Go compiles is kept; its modules stay in the layer above
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download
            COPY . .
            RUN go build -o /server .
                ^^^^^^^^ `go build` keeps nothing for the next build
            FROM scratch
            COPY --from=build /server /server
            """,
            fixed="""
            # what Go compiles is kept; its modules stay in the layer above
            FROM golang:1.25 AS build
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download
            COPY . .
            RUN --mount=type=cache,target=/root/.cache/go-build \\
                go build -o /server .
            FROM scratch
            COPY --from=build /server /server
            """,
            unsafe=True,
        ),
        Bad(
            """
            # what is known of a container that needs it: nothing
            FROM maven:3-eclipse-temurin-21 AS build
            WORKDIR /app
            COPY . .
            RUN mvn -q package
                ^^^^^^^^^^^^^^ `mvn package` keeps nothing for the next build
            FROM eclipse-temurin:21-jre
            COPY --from=build /app/target/app.jar /app.jar
            CMD ["java", "-jar", "/app.jar"]
            """,
            fixed="""
            # what is known of a container that needs it: nothing
            FROM maven:3-eclipse-temurin-21 AS build
            WORKDIR /app
            COPY . .
            RUN --mount=type=cache,target=/root/.m2/repository,sharing=locked \\
                mvn -q package
            FROM eclipse-temurin:21-jre
            COPY --from=build /app/target/app.jar /app.jar
            CMD ["java", "-jar", "/app.jar"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM php:8.4-cli
            COPY . /app
            RUN cd /app && composer install --no-dev
                           ^^^^^^^^^^^^^^^^ `composer install` keeps nothing for the next build
            RUN <<EOF
            npm ci
            ^^^^^^ `npm ci` keeps nothing for the next build
            EOF
            """,
            fixed="""
            FROM php:8.4-cli
            COPY . /app
            RUN --mount=type=cache,target=/tmp/cache \\
                cd /app && COMPOSER_CACHE_DIR=/tmp/cache composer install --no-dev
            RUN --mount=type=cache,target=/root/.npm <<EOF
            npm ci
            EOF
            """,
            unsafe=True,
        ),
        Bad(
            """
            # nothing is to be kept; it is emptied; scripts may do that
            FROM python:3.13
            RUN pip install --no-cache-dir flask
                ^^^^^^^^^^^ `pip install` keeps nothing for the next build
            RUN pip install flask && rm -rf ~/.cache/pip
                ^^^^^^^^^^^ `pip install` keeps nothing for the next build
            RUN npm ci && npm cache clean --force
                ^^^^^^ `npm ci` keeps nothing for the next build
            RUN npm ci && npx playwright install
                ^^^^^^ `npm ci` keeps nothing for the next build
            RUN npm ci && ./cleanup.sh
                ^^^^^^ `npm ci` keeps nothing for the next build
            """
        ),
        Bad(
            """
            # the cache is elsewhere, or who knows where
            FROM node:22
            ENV npm_config_cache=/cache
            RUN npm ci
                ^^^^^^ `npm ci` keeps nothing for the next build
            USER node
            RUN yarn install
                ^^^^^^^^^^^^ `yarn install` keeps nothing for the next build
            RUN sudo apt-get install -y git
                     ^^^^^^^^^^^^^^^ `apt-get install` keeps nothing for the next build
            FROM example.com/python
            RUN pip install flask
                ^^^^^^^^^^^ `pip install` keeps nothing for the next build
            """
        ),
        Bad(
            """
            # compiled for the steps that follow
            FROM golang:1.25
            RUN go build -a std
                ^^^^^^^^ `go build` keeps nothing for the next build
            """
        ),
        Bad(
            """
            # DNF 5 came with Fedora 41
            FROM fedora:40
            RUN dnf install -y jq
                ^^^^^^^^^^^ `dnf install` keeps nothing for the next build
            FROM fedora:42
            RUN dnf install -y jq
                ^^^^^^^^^^^ `dnf install` keeps nothing for the next build
            """,
            fixed="""
            # DNF 5 came with Fedora 41
            FROM fedora:40
            RUN --mount=type=cache,target=/var/cache/dnf,sharing=locked \\
                dnf install --refresh --setopt=keepcache=1 -y jq
            FROM fedora:42
            RUN --mount=type=cache,target=/var/cache/libdnf5,sharing=locked \\
                dnf install --refresh --setopt=keepcache=1 -y jq
            """,
            unsafe=True,
        ),
        Bad(
            """
            # another stage takes it
            FROM maven:3 AS build
            COPY . .
            RUN mvn package
                ^^^^^^^^^^^ `mvn package` keeps nothing for the next build
            FROM maven:3
            COPY --from=build /root/.m2 /root/.m2
            CMD ["mvn", "--offline", "exec:java"]
            """
        ),
        Bad(
            """
            # the lists stay where the next RUN reads them
            FROM debian:12
            RUN apt-get update
            RUN apt install -y curl
                ^^^^^^^^^^^ `apt install` keeps nothing for the next build
            """,
            fixed="""
            # the lists stay where the next RUN reads them
            FROM debian:12
            RUN apt-get update
            RUN --mount=type=cache,target=/var/cache/apt/kept,sharing=locked \\
                apt install -o Dir::Cache::archives=/var/cache/apt/kept -o APT::Keep-Downloaded-Packages=true -y curl
            """,
            unsafe=True,
        ),
        Bad(
            """
            # the lists stay for what reads them by another name
            FROM debian:12
            RUN apt-get update && apt-get install -y clang
                ^^^^^^^^^^^^^^ `apt-get update` keeps nothing for the next build
            RUN xx-apt-get install -y gcc
            """,
            fixed="""
            # the lists stay for what reads them by another name
            FROM debian:12
            RUN --mount=type=cache,target=/var/cache/apt/kept,sharing=locked \\
                apt-get update && apt-get install -o Dir::Cache::archives=/var/cache/apt/kept -y clang
            RUN xx-apt-get install -y gcc
            """,
            unsafe=True,
        ),
        Good(
            """
            # an image to build with, which has what is fetched
            FROM maven:3
            COPY pom.xml .
            RUN mvn dependency:go-offline
            """
        ),
        Good(
            """
            FROM python:3.13
            RUN --mount=type=cache,target=/root/.cache pip install flask
            RUN --network=none pip install ./flask.whl
            RUN pip --version
            """
        ),
        Good(
            """
            # syntax=docker/dockerfile:1.1
            FROM python:3.13
            RUN pip install flask
            """
        ),
        Good(
            """
            FROM python:3.13
            RUN pip install flask
            """,
            arguments="--dialect kaniko",
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        dialect = file.options.dialect
        if file.is_huge or not dialect.keeps_cache_mounts:
            return
        if not file.tree.frontend.has("RUN --mount"):
            return
        for stage in file.stages:
            for run in file.histories[stage.index].own:
                network = run.instruction.flag("network")
                if not (network and network.value == "none"):
                    for keeping in keepings(file, run):
                        yield self._keeping(file, run, keeping)

    def _keeping(self, file: File, run: Moment, keeping: Keeping) -> Finding:
        note, related = _objection(file, run, keeping)
        left = kept(run, keeping)
        fix = None if note else mount_caches(file, run, left)
        if fix is None and not note:
            note = "the command is not plainly written"
        first = keeping.calls[0]
        shown = " ".join(filter(None, (first.program, first.verb)))
        stays = any(place.stays for place in left.places) and run.stage.index in file.ships
        return self.finding(
            file,
            _head(keeping),
            f"`{shown}` keeps nothing for the next build",
            stage=run.stage,
            fix=fix,
            note=f"not fixed: {note}" if note else "",
            related=related,
            gain=Gain(faster=True, ships_less=stays),
            holds=(*filter(None, (_BUILDER, keeping.manager.holds)),) if fix else (),
        )


def _objection(file: File, run: Moment, keeping: Keeping) -> tuple[str, tuple[Related, ...]]:
    """What stands against it, and where; empty if nothing does."""
    note = objection(run, keeping)
    if note:
        return note, ()
    where = moving(file, keeping.manager)
    if where:
        related = Related(file.source, where.code_span, "this does")
        return "the file says where that cache is, or uses it for something else", (related,)
    for place in keeping.places:
        where = copied(file, run.stage, place)
        if where:
            related = Related(file.source, where.code_span, "this does")
            return f"a COPY may put something into `{place.folder}`, or take it from there", (
                related,
            )
    return "", ()


def _head(keeping: Keeping) -> Span:
    """From the program to what it is told."""
    first = keeping.calls[0]
    call = first.call
    if call.is_nested or first.at < 0:
        return call.span
    return Span(call.span.start, call.spans[first.at].end)
