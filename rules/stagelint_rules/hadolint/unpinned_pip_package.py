from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.pins import unpinned
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class UnpinnedPipPackage(Rule):
    """Packages that `pip` installs in whatever version there is.

    Such a step gives another image on another day, and a new version may break it. It is off by
    default, since a tool such as `pip` itself is often meant to be the newest.

    It speaks of what `pip install`, `python -m pip install`, `pipx install` and `uv pip install`
    name without a version or a range, and of repositories without `@commit`, once for each call. It
    is silent if `-r` or `-c` name a file, which may say the version. It is silent where hadolint is
    not: about a folder with extras such as `.[dev]`, about the value of an option such as
    `--timeout`, and about a word that holds a variable without a known value. It sees
    `/venv/bin/pip`, `uv pip` and a condition like `name; python_version < "3"`, which hadolint does
    not.
    """

    code = "DL3013"
    default = False
    roles = SHIPPED
    widens = True
    words = ("pip",)
    examples = (
        Bad(
            """
            FROM python:3.13-slim
            RUN pip install --no-cache-dir requests "flask[async]" gunicorn==23.0.0
                                           ^^^^^^^^ `requests` and `flask[async]` have no version
            """
        ),
        Bad(
            """
            FROM python:3.13-slim
            RUN python3 -m pip install 'tomli; python_version < "3.11"'
                                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `tomli; python_version < "3.11"` has no version
            RUN /venv/bin/pip install -e . pytest && uv pip install ruff && pipx install black
                                           ^^^^^^ `pytest` has no version
                                                                    ^^^^ `ruff` has no version
                                                                                         ^^^^^ `black` has no version
            RUN pip install git+https://example.com/lib.git#egg=lib
                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `git+https://example.com/lib.git#egg=lib` has no version
            """
        ),
        Good(
            """
            FROM python:3.13-slim
            ARG EXTRA
            RUN pip install -r requirements.txt gunicorn && pip install -c constraints.txt flask
            RUN pip install .[dev] -e .[test] ./lib /src lib.whl "requests>=2,<3" $EXTRA --timeout 100
            RUN pip install "lib @ https://example.com/lib.zip" git+https://example.com/lib.git@v1
            RUN pip install --group dev --config-settings key=value --progress-bar off idna==3.10
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for each in unpinned(file.written(stage), "pip", "pipx", "uv pip"):
                yield self.finding(file, each.span, each.message, stage=stage)
