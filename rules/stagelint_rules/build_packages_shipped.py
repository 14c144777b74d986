from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.gains import Gain
from stagelint.model.toolchain import BuildPackages, packages_to_leave
from stagelint.model.wording import listed
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity
from stagelint.tuples import NamedTuple

#: So many packages are named.
_MOST = 4


class BuildPackagesShipped(Rule):
    """Compilers, build tools or headers installed in a released image that only needs them to build.

    They make the image larger, and every later scan of it reports their vulnerabilities. It speaks
    of what `apt-get`, `apk`, `dnf`, `yum`, `zypper` and `pacman` install in a layer that ships, of
    an image that runs a program: compilers (`gcc`, `build-essential`, `cargo`), build tools (`make`,
    `cmake`, `pkg-config`) and `-dev` or `-devel` packages, if something after them compiles, or
    installs packages of Python, Node.js, Ruby, PHP, Perl ... that may.

    Where the image has a compiler of its own, as the full `python` and `node` have, they weigh less
    and it says so as information only; so it does where the image starts a script, and of headers
    after which nothing is built, in an image whose program another stage builds. Those are there for
    the library that they bring along: its own package, such as `libpq5` for `libpq-dev`, is enough.

    It is silent about packages that are removed again, about images that are built upon a compiler's
    or a builder, of which toolchain-in-final-image and builder-shipped speak, about images to
    develop or test in, and about those for CUDA, PyTorch and the like, which compile when they run.
    `git` and its like count where a later command fetches sources with them, for information only
    if nothing else is installed, and not if the image starts a script, which may fetch as well.

    Whether a program compiles when it runs cannot be known, nor whether it needs the library that
    came with its headers: `libpq5` is still needed where `libpq-dev` is not. So of headers alone it
    says that a build needs the headers, not that it alone needs the package. A program that opens
    `libpq.so` by that name needs the `-dev` package itself.
    """

    code = "SL204"
    roles = SHIPPED
    examples = (
        Bad(
            """
            FROM python:3.13-slim
            RUN apt-get update && apt-get install -y --no-install-recommends gcc libpq-dev
                                                                             ^^^ `gcc` and `libpq-dev` ship, and only the build needs them
            COPY requirements.txt .
            RUN pip install -r requirements.txt
            COPY . .
            CMD ["python", "app.py"]
            """
        ),
        Bad(
            """
            # a wheel that was built in advance may need the library, and never the headers
            FROM pypy:3.11
            RUN apt-get update && apt-get install -y libuv1-dev
                                                     ^^^^^^^^^^ `libuv1-dev` ships headers, which only a build needs
            COPY . .
            RUN pip install -r requirements.txt
            CMD ["pypy3", "app.py"]
            """
        ),
        Bad(
            """
            FROM node:24-alpine AS base
            RUN apk add --no-cache python3 make g++ git
                                           ^^^^ `make` and `g++` ship, and only the build needs them
            FROM base
            COPY . .
            RUN npm ci --omit=dev
            CMD ["node", "server.js"]
            """
        ),
        Bad(
            """
            FROM debian:trixie-slim AS build
            RUN apt-get update && apt-get install -y gcc libssl-dev
            COPY . .
            RUN gcc -o /server server.c -lssl
            FROM debian:trixie-slim
            RUN apt-get update && apt-get install -y libssl-dev
                                                     ^^^^^^^^^^ `libssl-dev` ships headers, and nothing that ships is built with it
            COPY --from=build /server /server
            CMD ["/server"]
            """,
            fixed="""
            FROM debian:trixie-slim AS build
            RUN apt-get update && apt-get install -y gcc libssl-dev
            COPY . .
            RUN gcc -o /server server.c -lssl
            FROM debian:trixie-slim
            RUN apt-get update && apt-get install -y libssl3
            COPY --from=build /server /server
            CMD ["/server"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM ubuntu:24.04
            RUN apt-get update \\
             && apt-get install -y \\
                build-essential autoconf \\
                ^^^^^^^^^^^^^^^ `build-essential`, `autoconf`, `libtool`, `pkg-config` and 2 more ship, and only the build needs them
                libtool pkg-config libssl-dev zlib1g-dev
            COPY . /src
            RUN cd /src && ./configure && make install
            CMD ["daemon"]
            """
        ),
        Good(
            """
            FROM python:3.13-alpine
            COPY . .
            RUN apk add --no-cache --virtual .build gcc musl-dev \\
             && pip install -r requirements.txt \\
             && apk del .build
            CMD ["python", "app.py"]
            """
        ),
        Good(
            """
            # a builder
            FROM python:3.13 AS build
            RUN apt-get update && apt-get install -y libpq-dev
            RUN pip wheel -w /wheels psycopg2
            FROM python:3.13-slim
            COPY --from=build /wheels /wheels
            RUN pip install /wheels/*
            CMD ["python", "app.py"]
            """
        ),
        Bad(
            """
            FROM php:8.4-cli
            RUN apt-get update && apt-get install -y git
                                                     ^^^ `git` ships, and only the build needs it
            RUN git clone https://example.com/library /app/library
            COPY . /app
            CMD ["php", "/app/server.php"]
            """
        ),
        Good(
            """
            # nothing is built after it: it may be for the program
            FROM python:3.13-slim
            COPY . .
            RUN pip install -r requirements.txt
            RUN apt-get update && apt-get install -y gcc
            CMD ["python", "app.py"]
            """
        ),
        Good(
            """
            # to work in
            FROM debian:trixie
            RUN apt-get update && apt-get install -y gcc libssl-dev
            COPY . .
            RUN make
            CMD ["bash"]
            """
        ),
        Good(
            """
            # Triton compiles when it runs
            FROM nvidia/cuda:12.6.3-runtime-ubuntu24.04
            RUN apt-get update && apt-get install -y gcc python3-dev
            RUN pip install torch
            COPY . .
            CMD ["python3", "serve.py"]
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        if file.is_huge:
            return
        seen: set[int] = set()
        for index in sorted(file.shipped):
            for found in packages_to_leave(file, file.stages[index]):
                if found.moment.instruction.start not in seen:
                    seen.add(found.moment.instruction.start)
                    yield self._packages(file, found)

    def _packages(self, file: File, found: BuildPackages) -> Finding:
        names = list(dict.fromkeys(found.names))
        verb, them = ("ships", "it") if len(names) == 1 else ("ship", "them")
        named = listed(names, _MOST)
        related: tuple[Related, ...] = ()
        if found.builds:
            message = f"{named} {verb}, and only the build needs {them}"
            if found.are_headers:
                message = f"{named} {verb} headers, which only a build needs"
            note = "install them in a stage that does not ship, and copy what it builds"
            if found.headers:
                note += f", which may still need the library that `{found.headers[0]}` brings along"
            related = (Related(file.source, found.builds.span, "this needs them"),)
        else:
            message = f"{named} {verb} headers, and nothing that ships is built with {them}"
            note = "install the package of the library itself"
        change = _fix(file, found)
        if change.refusal:
            note += f"; not fixed: {change.refusal}"
        return self.finding(
            file,
            found.span,
            message,
            severity=Severity.WARNING if found.is_shown else Severity.INFO,
            stage=found.moment.stage,
            fix=change.fix,
            note=note,
            related=related,
            gain=Gain(ships_less=True),
            holds=change.holds,
        )


class _Change(NamedTuple):
    """What is offered, or why nothing is; neither if the image is of a kind of which nothing is known."""

    fix: Fix | None = None
    holds: tuple[str, ...] = ()
    refusal: str = ""


def _fix(file: File, found: BuildPackages) -> _Change:
    from stagelint.model.stacks import recognise  # few files need them
    from stagelint.model.stacks.plans import Refusal
    from stagelint.model.stacks.writing import two_stages

    if found.builds is None:
        return _libraries_alone(file, found)
    stage, known = recognise(file) or (None, None)
    if stage is None or known is None or stage is not found.moment.stage:
        return _Change()
    answer = known.answer
    if isinstance(answer, Refusal):
        return _Change(refusal=answer.reason)
    edits = two_stages(file, stage, answer)
    title = f"Install them in a stage of their own, and ship `{answer.runtime}`"
    return _Change(Fix(title, edits, Guarantee.BEHAVIOUR), answer.holds)


def _libraries_alone(file: File, found: BuildPackages) -> _Change:
    """In the place of headers that nothing is built with, the libraries that they bring along."""
    from stagelint.model.stacks.libraries import libraries

    image, stage = found.moment.image, found.moment.stage
    for other in file.stages:
        if other.index not in file.ships and stage in file.chain(other):
            return _Change(
                refusal=f"stage `{other.label}` is built on it too, and may need headers"
            )
    edits: list[Edit] = []
    for name, span in zip(found.names, found.spans, strict=True):
        packages = libraries(name, image.os, image.release) if image else []
        if not packages or file.source.text[span.start : span.end] != name:
            return _Change(refusal=f"the package with the library of `{name}` is not known")
        edits.append(Edit(span, " ".join(packages)))
    fix = Fix("Install the libraries alone", tuple(edits), Guarantee.BEHAVIOUR)
    return _Change(fix, ("no library is opened by the name that compilers use",))
