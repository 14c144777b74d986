from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.edit import Fix
from stagelint.model import File
from stagelint.model.gains import Gain
from stagelint.model.rewriting import bars_stages, build_on_stage, stage_above
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Related, Rule, Severity

#: In fewer stages it is easily kept the same.
_MANY = 3


class RepeatedBase(Rule):
    """Three stages or more begin with the same image, whose tag or digest is written out in each.

    Whoever updates one of them has to remember the others. BuildKit fetches the image once, so
    nothing is saved but that.

    The fix says it once, in a stage that the others are built on. An ARG before the first FROM
    would do as well, but is overlooked by some programs that update images. It is silent about an
    image without a tag, which nobody updates, about one that such an ARG is a part of, and about
    two stages, one that builds and one that ships.
    """

    code = "SL308"
    severity = Severity.INFO
    default = False
    examples = (
        Bad(
            """
            FROM python:3.13-slim AS build
            RUN pip install --prefix /app flask
            # what tells whether it works
            FROM python:3.13-slim AS test
            RUN pip install pytest
            FROM python:3.13-slim
                 ^^^^^^^^^^^^^^^^ `python:3.13-slim` is written out as the base of 3 stages
            COPY --from=build /app /usr/local
            """,
            fixed="""
            FROM python:3.13-slim AS python-base

            FROM python-base AS build
            RUN pip install --prefix /app flask
            # what tells whether it works
            FROM python-base AS test
            RUN pip install pytest
            FROM python-base
            COPY --from=build /app /usr/local
            """,
        ),
        Bad(
            """
            # a stage for it is there
            FROM --platform=$BUILDPLATFORM golang:1.25 AS go
            FROM debian:trixie-slim AS base
            FROM go AS api
            RUN go install example.com/api@v1.2.0
            FROM --platform=$BUILDPLATFORM golang:1.25 AS web
            RUN go install example.com/web@v1.2.0
            FROM --platform=$BUILDPLATFORM golang:1.25 AS test
                                           ^^^^^^^^^^^ `golang:1.25` is written out as the base of 3 stages
            RUN go install example.com/test@v1.2.0
            FROM base
            COPY --from=api /go/bin/api /api
            COPY --from=web /go/bin/web /web
            """,
            fixed="""
            # a stage for it is there
            FROM --platform=$BUILDPLATFORM golang:1.25 AS go
            FROM debian:trixie-slim AS base
            FROM go AS api
            RUN go install example.com/api@v1.2.0
            FROM go AS web
            RUN go install example.com/web@v1.2.0
            FROM go AS test
            RUN go install example.com/test@v1.2.0
            FROM base
            COPY --from=api /go/bin/api /api
            COPY --from=web /go/bin/web /web
            """,
        ),
        Bad(
            """
            # the numbers would be those of other stages
            FROM python:3.13-slim AS build
            RUN pip install --prefix /app flask
            FROM python:3.13-slim AS test
            RUN pip install pytest
            FROM python:3.13-slim
                 ^^^^^^^^^^^^^^^^ `python:3.13-slim` is written out as the base of 3 stages
            COPY --from=0 /app /usr/local
            """,
        ),
        Good(
            """
            FROM python:3.13-slim AS build
            RUN pip install --prefix /app flask
            FROM python:3.13-slim
            COPY --from=build /app /usr/local
            """
        ),
        Good(
            """
            ARG GO=1.25
            FROM golang:$GO AS api
            RUN go install example.com/api@v1.2.0
            FROM golang:$GO AS web
            RUN go install example.com/web@v1.2.0
            FROM golang:$GO AS test
            RUN go install example.com/test@v1.2.0
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        alike: dict[tuple[str, str], list[Stage]] = {}
        for stage in () if file.is_huge else file.stages:
            image = stage.base.image
            if image and "$" not in stage.base.raw and not {":", "@"}.isdisjoint(image):
                platform = (stage.platform and stage.platform.value) or ""
                alike.setdefault((image, platform), []).append(stage)
        for (image, _), stages in alike.items():
            if len(stages) >= _MANY:
                found = _fix(file, stages)
                yield self.finding(
                    file,
                    stages[-1].base.span,
                    f"`{image}` is written out as the base of {len(stages)} stages",
                    stage=stages[-1],
                    fix=None if isinstance(found, str) else found,
                    note=f"not fixed: {found}" if isinstance(found, str) else "",
                    related=tuple(
                        Related(file.source, stage.base.span, "here, too") for stage in stages[:-1]
                    ),
                    gain=Gain(),
                )


def _fix(file: File, stages: Sequence[Stage]) -> Fix | str:
    """Say the base of *stages* once; a string says why that cannot be done."""
    first, *others = stages
    if not first.instructions and file.table.selectable(first):
        name = first.raw_name
        edits = tuple(build_on_stage(stage, str(name)) for stage in others)
        return Fix(f"Build them on the stage `{name}`", edits)
    reason = bars_stages(file)
    name = file.naming.fresh(_name(first))
    if reason or name is None:
        return reason or "a FROM with a variable may mean any stage"
    edits = (stage_above(file, first, name), *(build_on_stage(stage, name) for stage in stages))
    return Fix(f"Build them on a stage `{name}`", edits)


def _name(stage: Stage) -> str:
    """`golang-base` for `example.com/library/golang:1.25`."""
    stem = re.match(r"[a-z][\w.-]*", posixpath.basename(stage.base.raw.partition("@")[0]))
    return f"{stem[0]}-base" if stem else "base"
