from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.gains import Gain
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Related, Rule, Severity


class RepeatedBase(Rule):
    """Two stages begin with the same image, which is written out in both.

    Whoever updates one of the two has to remember the other. BuildKit fetches the image once, so
    nothing is saved but that.
    """

    code = "SL308"
    severity = Severity.INFO
    default = False
    examples = (
        Bad(
            """
            FROM python:3.13-slim AS build
            RUN pip install --prefix /app flask
            FROM python:3.13-slim
                 ^^^^^^^^^^^^^^^^ `python:3.13-slim` is the base of `build`, too
            COPY --from=build /app /usr/local
            """
        ),
        Good(
            """
            FROM python:3.13 AS build
            RUN pip install --prefix /app flask
            FROM python:3.13-slim
            COPY --from=build /app /usr/local
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        first: dict[str, Stage] = {}
        for stage in file.stages:
            image = stage.base.image
            if image is None:
                continue
            other = first.setdefault(stage.base.raw, stage)
            if other is not stage:
                yield self.finding(
                    file,
                    stage.base.span,
                    f"`{image}` is the base of `{other.label}`, too",
                    stage=stage,
                    related=(Related(file.source, other.base.span, "the first"),),
                    gain=Gain(),
                )
