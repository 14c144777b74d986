from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stagelint.edit import Fix
from stagelint.model import File
from stagelint.model.gains import Gain
from stagelint.model.rewriting import bars_stages, build_on_stage, name_stage, remove, stage_above
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Related, Rule, Severity
from stagelint.syntax.nodes import Comment, Instruction, Item

#: What stands for an instruction: it and what it refers to.
_Step = tuple[object, ...]

#: What an image cannot hand on as a stage has it: an ARG gives way to a variable of the image, an
#: ENTRYPOINT below undoes a CMD above, and an ONBUILD would begin to have an effect.
_BOUND = frozenset({"ARG", "CMD", "ENTRYPOINT", "ONBUILD"})


class RepeatedStagePrefix(Rule):
    """Two stages on the same base begin with the same instructions.

    Whoever changes one of them has to remember the other, or what was the same is built twice. As
    long as they are the same BuildKit executes them once, so nothing is saved but that; kaniko
    executes them twice.

    It speaks of two steps or more that are repeated, each a RUN, COPY or ADD. The fix puts them into a
    stage that both are built on; it is made up to the first ARG, since a variable of an image hides
    an ARG of the image that is built on it, and up to the first ENV if a RUN is below.
    """

    code = "SL307"
    severity = Severity.INFO
    default = False
    examples = (
        Bad(
            """
            # a service, and what looks after it
            ARG TAG

            # it answers
            FROM golang:1.25 AS api
            WORKDIR /src
            # modules seldom change
            COPY go.mod go.sum ./
            RUN go mod download

            COPY api api
            RUN go build -o /api ./api

            # it asks
            FROM golang:1.25 AS worker
                 ^^^^^^^^^^^ `worker` begins with the first 3 instructions of `api`
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download
            COPY worker worker
            RUN go build -o /worker ./worker

            FROM debian:trixie-slim
            COPY --from=api /api /
            COPY --from=worker /worker /
            """,
            fixed="""
            # a service, and what looks after it
            ARG TAG

            FROM golang:1.25 AS common
            WORKDIR /src
            # modules seldom change
            COPY go.mod go.sum ./
            RUN go mod download

            # it answers
            FROM common AS api

            COPY api api
            RUN go build -o /api ./api

            # it asks
            FROM common AS worker
            COPY worker worker
            RUN go build -o /worker ./worker

            FROM debian:trixie-slim
            COPY --from=api /api /
            COPY --from=worker /worker /
            """,
        ),
        Bad(
            """
            FROM python:3.13-slim AS build
            RUN pip install flask
            COPY app.py .
            FROM python:3.13-slim AS test
                 ^^^^^^^^^^^^^^^^ `test` begins with all instructions of `build`
            RUN pip install flask
            COPY app.py .
            RUN pip install pytest
            """,
            fixed="""
            FROM python:3.13-slim AS build
            RUN pip install flask
            COPY app.py .
            FROM build AS test
            RUN pip install pytest
            """,
        ),
        Bad(
            """
            # ENV before RUN: the image would hand it on in another place
            FROM node:22 AS build
            ENV CI=1
            COPY package.json package-lock.json ./
            RUN npm ci
            RUN npm run build
            FROM node:22 AS test
                 ^^^^^^^ `test` begins with the first 3 instructions of `build`
            ENV CI=1
            COPY package.json package-lock.json ./
            RUN npm ci
            RUN npm test
            """,
        ),
        Bad(
            """
            # an ARG, another comment
            FROM node:22 AS build
            ARG CI
            COPY package.json .
            RUN npm install --global pnpm
            RUN pnpm run build
            FROM node:22 AS test
                 ^^^^^^^ `test` begins with the first 3 instructions of `build`
            ARG CI
            COPY package.json .
            RUN npm install --global pnpm
            RUN pnpm test
            FROM node:20 AS old
            RUN npm install --global pnpm
            RUN pnpm run build
            RUN pnpm run pack
            FROM node:20
                 ^^^^^^^ `stage-3` begins with the first 2 instructions of `old`
            # the tests have no npm
            RUN npm install --global pnpm
            RUN pnpm run build
            RUN pnpm test
            """,
        ),
        Good(
            """
            FROM node:22 AS build
            WORKDIR /app
            RUN npm ci
            RUN npm run build
            FROM node:22 AS test
            WORKDIR /app
            RUN npm ci
            RUN npm test
            FROM node:22-slim AS slim
            WORKDIR /app
            RUN npm test
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        alike: dict[tuple[object, ...], list[Stage]] = {}
        needs = {
            id(each.instruction): each.needs
            for each in file.graph.references
            if each.needs is not None
        }
        for stage in () if file.is_huge else file.stages:
            platform = (stage.platform and stage.platform.value) or ""
            above = alike.setdefault((stage.base.raw, stage.base.stage, platform), [])
            other = max(above, key=lambda each: _shared(each, stage, needs), default=stage)
            shared = _shared(other, stage, needs) if above else 0
            above.append(stage)
            if _is_much(other.instructions[:shared]):
                yield self._repeated(file, other, stage, shared)

    def _repeated(self, file: File, other: Stage, stage: Stage, shared: int) -> Finding:
        bound = _bound(other, stage, shared)
        found = _fix(file, other, stage, bound) if _is_much(other.instructions[:bound]) else ""
        if not found:
            keyword = other.instructions[bound].keyword
            found = f"what its {keyword} says would not be the same in a stage built on it"
        is_all = shared == len(other.instructions)
        which = "all instructions" if is_all else f"the first {shared} instructions"
        return self.finding(
            file,
            stage.base.span,
            f"`{stage.label}` begins with {which} of `{other.label}`",
            stage=stage,
            fix=None if isinstance(found, str) else found,
            note=f"not fixed: {found}" if isinstance(found, str) else "",
            related=(Related(file.source, other.base.span, "the other one"),),
            gain=Gain(),
        )


def _step(instruction: Instruction, needs: Mapping[int, int]) -> _Step:
    bodies = tuple(instruction.text[e.body.start : e.body.end] for e in instruction.heredocs)
    return instruction.logical.text, bodies, needs.get(id(instruction))


def _shared(one: Stage, other: Stage, needs: Mapping[int, int]) -> int:
    """How many instructions the two begin with that are the same."""
    both = zip(one.instructions, other.instructions, strict=False)
    for at, (a, b) in enumerate(both):
        if a.keyword != b.keyword or _step(a, needs) != _step(b, needs):
            return at
    return min(len(one.instructions), len(other.instructions))


def _is_much(instructions: Sequence[Instruction]) -> bool:
    """Are there more steps among them than stages share by chance?"""
    return sum(each.keyword in ("RUN", "COPY", "ADD") for each in instructions) > 1


def _bound(one: Stage, other: Stage, shared: int) -> int:
    """How many of the *shared* instructions a stage can have that both are built on."""
    below = (*one.instructions[shared:], *other.instructions[shared:])
    bound = _BOUND | {"ENV"} if any(each.keyword == "RUN" for each in below) else _BOUND
    return next(
        (at for at, each in enumerate(one.instructions[:shared]) if each.keyword in bound), shared
    )


def _fix(file: File, other: Stage, stage: Stage, shared: int) -> Fix | str:
    """Say the first *shared* instructions once; a string says why that cannot be done."""
    mine, theirs = _items(file, stage, shared), _items(file, other, shared)
    comments = {each.content for each in theirs if isinstance(each, Comment)}
    if any(isinstance(each, Comment) and each.content not in comments for each in mine):
        return "other comments stand between them"
    if shared == len(other.instructions):
        if other.raw_name and not file.table.selectable(other):
            return f"another stage is called `{other.name}` too"
        if other.raw_name is None and file.naming.captured_by(other):
            return "a FROM with a variable may mean any stage"
        name = other.raw_name or file.naming[other.index]
        named = () if other.raw_name else (name_stage(other, name),)
        return Fix(
            f"Build it on `{name}`", (*named, build_on_stage(stage, name), remove(file, mine))
        )
    reason = bars_stages(file)
    fresh = file.naming.fresh("common")
    if reason or fresh is None:
        return reason or "a FROM with a variable may mean any stage"
    edits = (
        stage_above(file, other, fresh, "".join(map(str, theirs))),
        *(build_on_stage(each, fresh) for each in (other, stage)),
        *(remove(file, items) for items in (theirs, mine)),
    )
    return Fix(f"Build both on a stage `{fresh}`", edits)


def _items(file: File, stage: Stage, count: int) -> list[Item]:
    """The first *count* instructions of *stage*, and what stands between them."""
    first, last = stage.opening, stage.instructions[count - 1]
    return file.tree.items[file.index_of(first) + 1 : file.index_of(last) + 1]
