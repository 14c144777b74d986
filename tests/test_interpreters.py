"""Packages that are copied from one interpreter to another: what is said, and what is not."""

from __future__ import annotations

import pytest

from stagelint import engine
from stagelint.model.file import File, Options
from stagelint.registry import Registry, Ruleset
from stagelint.source import Source

REGISTRY = Registry(())
RULESET = Ruleset(REGISTRY, REGISTRY.expand(["SL207"]))

VENV = "RUN python -m venv /venv && /venv/bin/pip install numpy"
PREFIX = "RUN pip install --prefix=/install flask"
NODE = "WORKDIR /a\nRUN npm install sharp"


def said(base: str, made: str, final: str, *then: str) -> list[str]:
    text = "\n".join((f"FROM {base} AS b", made, f"FROM {final}", *then, "CMD x", ""))
    file = File(Source("Dockerfile", text), Options())
    return [each.message for each in engine.lint(file, RULESET)]


@pytest.mark.parametrize(
    ("base", "made", "final", "copy"),
    [
        ("python:3.11", VENV, "python:3.12-slim", "COPY --from=b /venv /venv"),
        ("python:3.11", "RUN python -m venv /app/.venv", "python:3.12", "COPY --from=b /app /app"),
        ("python:3.11", "RUN pip install --user x", "python:3.12", "COPY --from=b /root/.local /l"),
        ("python:3.11", PREFIX, "python:3.12-slim", "COPY --from=b /install /usr/local"),
        ("python:3.12", VENV, "python:3.12-alpine", "COPY --from=b /venv /venv"),
        ("ruby:3.2", "RUN bundle install", "ruby:3.3", "COPY --from=b /usr/local/bundle/ /b/"),
        ("node:20", NODE, "node:20-alpine", "COPY --from=b /a/node_modules /a/node_modules"),
    ],
)
def test_what_does_not_fit(base: str, made: str, final: str, copy: str) -> None:
    assert len(said(base, made, final, copy)) == 1


@pytest.mark.parametrize(
    ("base", "final"),
    [
        ("python:3.12.1", "python:3.12.4-slim"),
        ("python:3", "python:3.12"),
        ("python", "python:3.12"),
        ("example.com/us/python-build", "python:3.12"),
        ("python:3.12-alpine", "python:3.12-alpine3.19"),
    ],
)
def test_what_may_fit(base: str, final: str) -> None:
    assert said(base, VENV, final, "COPY --from=b /venv /venv") == []


@pytest.mark.parametrize(
    "then",
    [
        ("COPY --from=b /usr/local /usr/local", "COPY --from=b /venv /venv"),
        ("COPY --from=b /usr/local/bin/python3.11 /p/", "COPY --from=b /venv /venv"),
        ("COPY --from=b /venv /venv", "RUN python -m venv --upgrade /venv"),
        ("COPY --from=b /venv /venv", "RUN uv sync"),
        ("ENV PYTHONPATH=/venv/lib/python3.11/site-packages", "COPY --from=b /venv /venv"),
        ("COPY --from=b /venv/lib/python3.11/site-packages /usr/local/lib/python3.12/x",),
        ("ARG W", "COPY --from=b $W /venv", "COPY --from=b /venv /venv"),
    ],
)
def test_what_sees_to_it(then: tuple[str, ...]) -> None:
    assert said("python:3.11", VENV, "python:3.12-slim", *then) == []


@pytest.mark.parametrize("then", ["RUN npm rebuild", "RUN npm ci", "RUN yarn install"])
def test_modules_that_are_made_anew(then: str) -> None:
    copy = "COPY --from=b /a/node_modules /a/node_modules"
    assert said("node:20", NODE, "node:20-alpine", copy, then) == []
    assert len(said("node:20", NODE, "node:20-alpine", then, copy)) == 1


@pytest.mark.parametrize(
    ("made", "count"),
    [
        (VENV, 1),
        (f"{VENV} && ln -fs /usr/bin/python3 /venv/bin/python3", 0),
        ("RUN python -m venv --copies /venv", 0),
    ],
)
def test_an_interpreter_elsewhere(made: str, count: int) -> None:
    final = "example.com/distroless/python3-debian12"
    assert len(said("python:3.11", made, final, "COPY --from=b /venv /venv")) == count


def test_a_variable_is_replaced() -> None:
    made = "ENV V=/venv\nRUN python -m venv $V"
    copy = ("ENV V=/venv", "COPY --from=b $V $V")
    (message,) = said("python:3.11", made, "python:3.12", *copy)
    assert message == "`/venv` is made for Python 3.11, and here is Python 3.12"


@pytest.mark.parametrize("copy", ["COPY --from=b", "COPY --from=b /venv", "COPY --from=b [] x"])
def test_a_copy_of_nothing(copy: str) -> None:
    assert said("python:3.11", VENV, "python:3.12", copy) == []
