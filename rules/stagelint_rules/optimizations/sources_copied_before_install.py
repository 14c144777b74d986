from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from stagelint.edit import Edit, Fix
from stagelint.model import File, cost
from stagelint.model.arrivals import origin
from stagelint.model.gains import Gain
from stagelint.model.installs import Needs, Unclear
from stagelint.model.installs.copies import Below, Copy, has_installed, needs, sources_first
from stagelint.model.installs.division import division
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span

#: What needs no quotes in a COPY.
_PLAIN = r"[\w@.+/-]+"


class SourcesCopiedBeforeInstall(Rule):
    """All sources are copied, and then the dependencies are installed.

    Every change of a source installs all dependencies again, since the install stands below the COPY.
    With only the manifests copied above it, the install runs again when one of them changes.

    It speaks of a COPY of a whole folder that is followed by an install of what the manifests in it
    list: by `npm`, `yarn`, `pnpm`, `pip -r`, `uv sync`, `poetry`, `pipenv`, `go mod download`, `mvn
    dependency:go-offline`, `dotnet restore`, `bundle` or `composer`. The fix copies the manifests
    first, and the rest below the install; what the same RUN does with the sources gets a RUN of its
    own.

    The image is the same if the install reads nothing else. That is looked up in the build context: the
    fix is made if the manifests list no package of the project itself, run no script that may look at
    the sources, and nothing in the context would lie over what is installed.
    """

    code = "SL311"
    severity = Severity.INFO
    default = False
    words = ("copy", "add")
    examples = (
        Bad(
            """
            --- Dockerfile
            FROM node:22-slim
            WORKDIR /app
            COPY . .
            ^^^^^^^^ a change of any file runs `npm ci` again
            RUN npm ci && npm run build
            CMD ["node", "dist/server.js"]
            --- package.json
            {"dependencies": {"left-pad": "1.3.0"}, "scripts": {"build": "node build.js"}}
            --- package-lock.json
            {"lockfileVersion": 3, "packages": {"": {"dependencies": {"left-pad": "1.3.0"}}, "node_modules/left-pad": {}}}
            --- build.js
            """,
            fixed="""
            --- Dockerfile
            FROM node:22-slim
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            COPY . .
            RUN npm run build
            CMD ["node", "dist/server.js"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            FROM python:3.13-slim
            COPY --chown=1000 . /app
            ^^^^^^^^^^^^^^^^^^^^^^^^ a change of any file runs `pip install` again
            WORKDIR /app
            RUN apt-get update && apt-get install -y --no-install-recommends libpq5
            RUN pip install --no-cache-dir -r requirements.txt
            CMD ["python", "main.py"]
            --- requirements.txt
            -r requirements/base.txt
            gunicorn==23.0.0
            --- requirements/base.txt
            flask==3.1.0
            --- main.py
            """,
            fixed="""
            --- Dockerfile
            FROM python:3.13-slim
            COPY --chown=1000 requirements.txt /app/
            COPY --chown=1000 requirements/base.txt /app/requirements/
            WORKDIR /app
            RUN apt-get update && apt-get install -y --no-install-recommends libpq5
            RUN pip install --no-cache-dir -r requirements.txt
            COPY --chown=1000 . /app
            CMD ["python", "main.py"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            # what the install reads is not known
            FROM golang:1.26
            WORKDIR /src
            COPY . .
            ^^^^^^^^ a change of any file runs `go mod download` again
            RUN go mod download
            RUN go build -o /app
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # a script of the install may look at the sources
            FROM node:22
            WORKDIR /app
            COPY . .
            ^^^^^^^^ a change of any file runs `npm ci` again
            RUN npm ci
            --- package.json
            {"scripts": {"postinstall": "node setup.js"}}
            --- package-lock.json
            {"lockfileVersion": 3, "packages": {"": {}}}
            --- setup.js
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # what lies in the context would replace what is installed
            FROM node:22
            WORKDIR /app
            COPY . .
            ^^^^^^^^ a change of any file runs `yarn install` again
            RUN yarn install --frozen-lockfile
            --- package.json
            {"dependencies": {"left-pad": "1.3.0"}}
            --- yarn.lock
            # yarn lockfile v1
            left-pad@1.3.0:
            --- node_modules/left-pad/index.js
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # pip has its settings in there
            FROM python:3.13-slim
            COPY . /
            ^^^^^^^^ a change of any file runs `pip install` again
            RUN pip install -r requirements.txt
            --- requirements.txt
            flask==3.1.0
            --- etc/pip.conf
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # the project itself is installed
            FROM python:3.13-slim
            WORKDIR /app
            COPY . .
            ^^^^^^^^ a change of any file runs `uv sync` again
            RUN uv sync --locked
            --- pyproject.toml
            [project]
            name = "app"
            [build-system]
            requires = ["hatchling"]
            --- uv.lock
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # so is what a list names
            FROM python:3.13-slim
            WORKDIR /app
            COPY . .
            ^^^^^^^^ a change of any file runs `pip install` again
            RUN pip install -r requirements.txt
            --- requirements.txt
            flask==3.1.0
            -e .
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # the second layer would not take away what the first has
            FROM python:3.13-slim
            WORKDIR /app
            COPY . .
            ^^^^^^^^ a change of any file runs `pip install` again
            RUN pip install -r requirements.txt && make && rm -rf /root/.cache
            --- requirements.txt
            flask==3.1.0
            """,
        ),
        Good(
            """
            FROM node:22
            WORKDIR /app
            COPY package*.json ./
            RUN npm ci
            COPY . .
            RUN npm ci --omit=dev
            """
        ),
        Good(
            """
            FROM node:22
            WORKDIR /app
            COPY . .
            RUN npm install -g serve
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in () if file.is_huge else file.stages:
            for copy, below in sources_first(file, stage):
                finding = self._finding(file, stage, copy, below)
                if finding.fix or not has_installed(file, stage, copy, below):
                    yield finding

    def _finding(self, file: File, stage: Stage, copy: Copy, below: Below) -> Finding:
        fix: Fix | None = None
        note, holds = below.obstacle, tuple[str, ...]()
        try:
            if file.context is None:
                raise Unclear("what it reads is not known without its build context")
            found = needs(file.context, copy, below)
            if not note:
                fix = Fix(_title(below), _edits(file, copy, below, found), found.promise)
                holds = (f"the build context is `{file.context.root}`", *found.holds)
        except Unclear as reason:
            note = str(reason)
        return self.finding(
            file,
            copy.moment.instruction.code_span,
            f"a change of any file runs `{below.title}` again",
            stage=stage,
            fix=fix,
            note=f"not fixed: {note}" if note else "",
            gain=_gain(file, copy, below),
            holds=holds,
        )


def _gain(file: File, copy: Copy, below: Below) -> Gain:
    try:
        is_whole = division(below, copy) is None
    except Unclear:
        is_whole = False
    kept = [*below.passed, *([below.run.instruction] if is_whole else [])]
    return cost.kept_in_cache(file, kept, "a change of a source", in_part=not is_whole)


def _title(below: Below) -> str:
    return f"Copy what `{below.title}` reads, and the rest below it"


def _edits(file: File, copy: Copy, below: Below, found: Needs) -> tuple[Edit, ...]:
    """Raises `Unclear`."""
    node, run = copy.moment.instruction, below.run.instruction
    newline = file.source.newline
    text = file.source.text
    moved = text[node.code_span.start : node.code_span.end]
    lines = newline.join(_manifests(file, copy, found))
    line = Span(node.code_start, node.end)  # with what blanks are at its end
    end = text[node.code_span.end : node.end].lstrip(" \t")
    above = Edit(line, lines + end) if lines else Edit(node.span)
    between = division(below, copy)
    if between is None:
        at = run.end
        is_open = not text.endswith("\n", 0, at)
        return above, Edit(Span(at, at), f"{newline * is_open}{moved}{newline * (not is_open)}")
    head = text[run.code_start : run.logical.offset(run.rest_start)]
    return above, Edit(between, f"{newline}{moved}{newline}{head}")


def _manifests(file: File, copy: Copy, found: Needs) -> Iterator[str]:
    """Lines that copy what no COPY above does. Raises `Unclear` for a name that needs quotes."""
    node = copy.moment.instruction
    source, target = (each.value for each in node.arguments)
    where = "" if copy.source == "." else source.rstrip("/") + "/"
    groups: dict[str, list[str]] = {}
    for name in _missing(file, copy, found):
        groups.setdefault(posixpath.dirname(name), []).append(f"{where}{name}")
    for folder in found.folders:
        groups[folder] = [f"{where}{folder}"]
    keyword = "copy" if node.raw_keyword.islower() else "COPY"
    words = (node.logical.text[each.start : each.end] for each in node.flags)
    head = " ".join((keyword, *words))
    for folder, names in groups.items():
        if not all(re.fullmatch(_PLAIN, each) for each in (folder or ".", *names)):
            raise Unclear("a name needs quotes")
        yield f"{head} {' '.join(names)} {target.rstrip('/')}/{folder}{'/' * bool(folder)}"


def _missing(file: File, copy: Copy, found: Needs) -> Iterator[str]:
    """The files that no COPY above has brought to where *copy* brings them."""
    assert file.context
    moments = file.moments(copy.moment.stage)
    before = moments[: moments.index(copy.moment)]
    for name in found.files:
        brought = origin(file.context, before, posixpath.join(copy.target, name))
        if brought != posixpath.normpath(posixpath.join(copy.source, name)):
            yield name
