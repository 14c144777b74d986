from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.caches import pip_caches, saved
from stagelint.model.rewriting import add_option
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity

_OPTION = "--no-cache-dir"


class PipCacheKept(Rule):
    """The cache of `pip` stays in a layer of an image that ships.

    It holds every package a second time, as it was downloaded, and nobody reads it again.

    It speaks of `pip install` without `--no-cache-dir`, once for each call. It is silent where
    hadolint is not: where a cache is mounted at `/root/.cache` or above, or where `--cache-dir`
    says; where the same RUN removes `~/.cache`, or calls `pip cache purge`; where an instruction
    above configures `no-cache-dir`; and where `PIP_NO_CACHE_DIR` has any value, as pip takes even
    `0` for yes. It sees `/venv/bin/pip`, which hadolint does not. The fix adds the option.
    """

    code = "DL3042"
    severity = Severity.INFO
    roles = SHIPPED
    widens = True
    words = ("pip",)
    examples = (
        Bad(
            """
            FROM python:3.13-slim
            COPY requirements.txt .
            RUN pip install -r requirements.txt && python3 -m pip install .
                ^^^^^^^^^^^ what `pip install` downloads stays in the image
                                                   ^^^^^^^^^^^^^^^^^^^^^^ what `pip install` downloads stays in the image
            """,
            fixed="""
            FROM python:3.13-slim
            COPY requirements.txt .
            RUN pip install --no-cache-dir -r requirements.txt && python3 -m pip install --no-cache-dir .
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM python:3.13-slim AS base
            RUN pip install --no-cache-dir flask==3.0.3 && pip --no-cache-dir install idna==3.10
            RUN pip install gunicorn==23.0.0 && rm -rf ~/.cache && pip install six && pip cache purge
            RUN pip install attrs==24.2.0 && rm -rf "$HOME/.cache/pip"
            RUN PIP_NO_CACHE_DIR=off pip install tomli==2.0.1
            RUN --mount=type=cache,target=/root/.cache pip install ruff==0.6.4
            RUN --mount=type=cache,target=/cache pip install --cache-dir /cache mypy==1.11.2
            ENV PIP_NO_CACHE_DIR=1
            RUN pip install black==24.8.0
            FROM base
            RUN pip install isort==5.13.2
            """
        ),
        Good(
            """
            FROM python:3.13-slim
            RUN pip config set global.no-cache-dir true
            RUN pip install isort==5.13.2
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for run, told in pip_caches(file, stage):
                edits = add_option(run.instruction, told.call, told.at, _OPTION)
                fix = Fix(f"Add `{_OPTION}`", edits, Guarantee.SAME_BUT_CACHES) if edits else None
                message = "what `pip install` downloads stays in the image"
                yield self.finding(
                    file,
                    told.head,
                    message,
                    stage=stage,
                    fix=fix,
                    gain=saved(file, stage),
                    holds=("nothing but `pip` reads its cache",) if fix else (),
                )
