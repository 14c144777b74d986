from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.interpreters import (
    Interpreter,
    Packaged,
    brings_interpreter,
    interpreter,
    is_linked_anew,
    is_looked_at,
    is_remade,
    packaged,
)
from stagelint.model.moments import Moment, absolute
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Related, Rule

#: Packages that are compiled, or come compiled for one C library.
_COMPILED = {
    "python": frozenset(
        """
        aiohttp bcrypt cffi cryptography cython duckdb gevent greenlet grpcio httptools lxml
        matplotlib msgpack mysqlclient numba numpy opencv-python orjson pandas pillow psutil psycopg2
        psycopg2-binary pyarrow pydantic pydantic-core pyyaml pyzmq scikit-learn scipy tensorflow
        tokenizers torch uvloop
        """.split()
    ),
    "node": frozenset(
        """
        better-sqlite3 bufferutil canvas cpu-features grpc kerberos leveldown
        libpq node-sass re2 serialport sharp snappy sodium-native sqlite3 utf-8-validate zeromq
        """.split()
    ),
}


class RuntimeMismatch(Rule):
    """Packages of an interpreter that are copied to another one.

    What is installed for one version of Python or Ruby is not found or not loaded by another. A
    virtual environment and `pip install --prefix` keep their packages in `lib/python3.12`, where
    Python 3.13 does not look; gems with extensions in C, and `node_modules` with such, are compiled
    for one version and one C library. The programs of a virtual environment begin with the path of
    the interpreter that made it, which lies in `/usr/local/bin` in the image `python`, and in
    `/usr/bin` in Debian, Ubuntu and distroless images.

    It speaks where both interpreters are known: from the tags of `python`, `ruby` and `node`, of
    distroless images of Python, and of Debian and Ubuntu with their own `python3`. Of packages for
    another C library it speaks only if one of them is known to be compiled. `pip install --target`
    has no version in its path, and is left alone; so is what `PYTHONPATH` names, what is put where
    the other interpreter looks, what a later `npm rebuild` or the like makes anew, a virtual
    environment whose interpreter `ln` or `--copies` sees to, and a stage that copies an interpreter as
    well. Use the same image for both, or one that is made from the other.
    """

    code = "SL207"
    examples = (
        Bad(
            """
            FROM python:3.12 AS build
            RUN python -m venv /venv && /venv/bin/pip install flask
            FROM python:3.13-slim
            COPY --from=build /venv /venv
                              ^^^^^ `/venv` is made for Python 3.12, and here is Python 3.13
            CMD ["/venv/bin/flask", "run"]
            """
        ),
        Bad(
            """
            FROM python:3.11 AS build
            RUN python -m venv /venv && /venv/bin/pip install flask
            FROM example.com/distroless/python3-debian12
            COPY --from=build /venv /venv
                              ^^^^^ the interpreter of `/venv` is in `/usr/local/bin`, and here in `/usr/bin`
            ENTRYPOINT ["/venv/bin/python", "/app.py"]
            """
        ),
        Bad(
            """
            FROM python:3.11 AS build
            RUN pip install -r requirements.txt
            FROM python:3.12-slim
            COPY --from=build /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages
                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/usr/local/lib/python3.11/site-packages` is made for Python 3.11, and here is Python 3.12
            """
        ),
        Bad(
            """
            FROM ruby:3.2 AS build
            RUN bundle install
            FROM ruby:3.4-slim
            COPY --from=build /usr/local/bundle /usr/local/bundle
                              ^^^^^^^^^^^^^^^^^ `/usr/local/bundle` is made for Ruby 3.2, and here is Ruby 3.4
            """
        ),
        Bad(
            """
            FROM node:22 AS build
            WORKDIR /app
            RUN npm install express sharp
            FROM node:22-alpine
            COPY --from=build /app/node_modules /app/node_modules
                              ^^^^^^^^^^^^^^^^^ `sharp` is compiled for glibc, and here is musl
            """
        ),
        Good(
            """
            FROM python:3.12-bookworm AS build
            RUN python -m venv /venv && /venv/bin/pip install flask
            RUN pip install --target /packages numpy
            FROM python:3.12-slim
            COPY --from=build /venv /venv
            COPY --from=build /packages /packages
            CMD ["/venv/bin/flask", "run"]
            """
        ),
        Good(
            """
            FROM node:22 AS build
            WORKDIR /app
            RUN npm ci
            FROM node:22-alpine
            COPY --from=build /app/node_modules /app/node_modules
            """
        ),
        Bad(
            """
            FROM python:3.11 AS build
            ENV VENV=/app/venv
            RUN python -m venv $VENV
            FROM python:3.12-slim
            COPY --from=build /app /app
                              ^^^^ `/app/venv` is made for Python 3.11, and here is Python 3.12
            """
        ),
        Good(
            """
            FROM node:22 AS build
            WORKDIR /app
            RUN npm install sharp
            FROM node:22-alpine
            WORKDIR /app
            COPY --from=build /app/node_modules /app/node_modules
            RUN npm rebuild
            """
        ),
        Good(
            """
            # one brings its interpreter, one puts its packages where the other looks
            FROM python:3.11 AS build
            RUN python -m venv /venv && pip install --prefix=/install flask
            FROM python:3.12-slim AS brought
            COPY --from=build /usr/local /usr/local
            COPY --from=build /venv /venv
            FROM python:3.12-slim
            COPY --from=build /install/lib/python3.11/site-packages /usr/local/lib/python3.12/site-packages
            """
        ),
        Good(
            """
            # its own site-packages are used, by the other interpreter
            FROM python:3.11 AS build
            RUN python -m venv /venv && /venv/bin/pip install flask
            FROM example.com/distroless/python3-debian12
            COPY --from=build /venv /venv
            ENV PYTHONPATH=/venv/lib/python3.11/site-packages
            CMD ["/app.py"]
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        if file.is_huge:
            return
        for stage in file.stages:
            copies = [*file.copies(stage)]
            here = interpreter(file, stage) if copies else None
            if here is None:
                continue
            for moment, _, source in copies:
                yield from self._copied(file, moment, source, here)

    def _copied(
        self, file: File, moment: Moment, source: Stage, here: Interpreter
    ) -> Iterator[Finding]:
        made = interpreter(file, source)
        arguments = moment.instruction.arguments
        place = moment.path(arguments[-1].value, "/") if arguments else None
        if made is None or made.language != here.language or place is None:
            return
        if brings_interpreter(file, moment.stage) or is_remade(file, moment, here.language):
            return
        for argument in arguments[:-1]:
            path = (moment.path(argument.value, "/") or "").rstrip("/")
            if not path or is_looked_at(file, moment.stage, here, path, place):
                continue
            found = next((each for each in packaged(file, source) if each.is_in(path)), None)
            if made.folder != here.folder and is_linked_anew(file, source, moment.stage):
                continue
            message = _mismatch(file, source, found.path if found else path, found, made, here)
            if message:
                related: tuple[Related, ...] = ()
                if found:
                    related = (Related(file.source, found.call.span, "it is made here"),)
                span = moment.instruction.logical.span(argument.start, argument.end)
                yield self.finding(file, span, message, stage=moment.stage, related=related)


def _mismatch(
    file: File,
    source: Stage,
    path: str,
    found: Packaged | None,
    made: Interpreter,
    here: Interpreter,
) -> str:
    """What is wrong with packages of *path* in *source*; empty if nothing is."""
    written = re.search(r"/python(\d+)\.(\d+)(?:/(?:site|dist)-packages)?\Z", path)
    is_bundle = made.language == "ruby" and path == "/usr/local/bundle"
    program = re.fullmatch(r"python(\d+)\.(\d+)", found.call.name) if found else None
    told = written or program
    version = (int(told[1]), int(told[2])) if told else made.version
    is_known = bool(version and here.version)
    if (found or written or is_bundle) and is_known and version != here.version:
        return f"`{path}` is made for {made._replace(version=version)}, and here is {here}"
    if found and found.is_venv and made.folder != here.folder:
        return f"the interpreter of `{path}` is in `{made.folder}`, and here in `{here.folder}`"
    is_certain = len({each.path for each in packaged(file, source)}) < 2  # else, of which is it?
    is_packages = bool(found or written or path.endswith("/node_modules"))
    if made.libc != here.libc and is_packages and is_certain:
        compiled = _compiled(file, source, made.language, path)
        if compiled:
            return f"`{compiled}` is compiled for {made.libc}, and here is {here.libc}"
    return ""


def _compiled(file: File, stage: Stage, language: str, path: str) -> str:
    """A package that *stage* installs into *path* by name, and that is known to be compiled."""
    known = _COMPILED.get(language, frozenset())
    for moment in file.moments_behind(stage):
        for each in moment.packages:
            call = each.call
            is_elsewhere = each.manager == "npm" and (
                call.has("-g", "--global")
                or absolute("node_modules", call.directory) != path
                or any(
                    (word or "").startswith(("--os", "--libc", "--cpu")) for word in call.arguments
                )
            )
            for name in each.names:
                is_known = each.manager in ("pip", "npm") and name.lower() in known
                if is_known and not is_elsewhere:
                    return name
    return ""
