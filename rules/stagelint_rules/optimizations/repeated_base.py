from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.gains import Gain
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Related, Rule, Severity

#: In fewer stages it is easily kept the same.
_MANY = 3


class RepeatedBase(Rule):
    """Three stages or more begin with the same image, which is written out in each.

    Whoever updates one of them has to remember the others. BuildKit fetches the image once, so
    nothing is saved but that. Of two stages, one that builds and one that ships, it is silent.
    """

    code = "SL308"
    severity = Severity.INFO
    default = False
    examples = (
        Bad(
            """
            FROM python:3.13-slim AS build
            RUN pip install --prefix /app flask
            FROM python:3.13-slim AS test
            RUN pip install pytest
            FROM python:3.13-slim
                 ^^^^^^^^^^^^^^^^ `python:3.13-slim` is the base of `build`, too
            COPY --from=build /app /usr/local
            """
        ),
        Good(
            """
            FROM python:3.13-slim AS build
            RUN pip install --prefix /app flask
            FROM python:3.13-slim
            COPY --from=build /app /usr/local
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        alike: dict[str, list[Stage]] = {}
        for stage in file.stages:
            if stage.base.image is not None:
                alike.setdefault(stage.base.raw, []).append(stage)
        for image, stages in alike.items():
            if len(stages) >= _MANY:
                other, stage = stages[0], stages[-1]
                yield self.finding(
                    file,
                    stage.base.span,
                    f"`{image}` is the base of `{other.label}`, too",
                    stage=stage,
                    related=(Related(file.source, other.base.span, "the first"),),
                    gain=Gain(),
                )
