"""What may look at a file between the COPY that brings it and a call of a RUN."""

from __future__ import annotations

import pytest

from stagelint.model import File
from stagelint.model.watching import watcher
from stagelint.source import Source


def found(between: str, path: str = "/app/run.sh") -> str:
    text = f"FROM debian:12\nWORKDIR /app\nCOPY run.sh {path}\n{between} chmod 755 {path}\n"
    file = File(Source("Dockerfile", text))
    own = file.histories[0].own
    copy = next(each for each in own if each.instruction.keyword == "COPY")
    return watcher(file, copy, own[-1], own[-1].calls[-1], path)


@pytest.mark.parametrize(
    "between",
    [
        "RUN",
        "RUN set -ex && mkdir -p /app/data && cd / && echo run.sh > /etc/motd &&",
        "RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/* &&",
        "RUN useradd app && chown app /data &&",
        "RUN sed -i s/a/b/ /app/other.sh && cp /app/*.py/a /srv &&".replace("*.py/a", "a.py"),
        "WORKDIR /srv\nRUN npm ci\nRUN",
        "RUN sh -c 'echo a' &&",
    ],
)
def test_what_is_told_of_something_else_does_not_look(between: str) -> None:
    assert found(between) == ""


@pytest.mark.parametrize(
    ("between", "who"),
    [
        ("RUN cp run.sh /srv &&", "`cp`"),
        ("RUN cp *.sh /srv &&", "`cp`"),
        ("RUN cp -r /app /srv &&", "`cp`"),
        ("RUN cp --target-directory=/app a &&", "`cp`"),
        ("RUN cp $FILE /srv &&", "`cp`"),
        ("RUN find . -name a &&", "`find`"),
        ("RUN npm ci &&", "`npm`"),
        ("RUN make -C /src &&", "`make`"),
        ("RUN sh /setup.sh &&", "`sh`"),
        ("RUN ./run.sh\nRUN", "`run.sh`"),
        ("RUN $TOOL a &&", "a RUN"),
        ("RUN echo a >> run.sh &&", "a RUN"),
        ("RUN <<EOF\n#!/usr/bin/python3\nEOF\nRUN", "a RUN"),
        ("RUN --mount=type=bind,target=/app ls\nRUN", "a mount"),
    ],
)
def test_what_may_look_is_named(between: str, who: str) -> None:
    assert found(between) == who


@pytest.mark.parametrize(
    ("path", "who"), [("/etc/run.sh", "`apt-get`"), ("/usr/local/bin/run", ""), ("/run.sh", "")]
)
def test_packages_keep_to_folders_of_the_system(path: str, who: str) -> None:
    assert found("RUN apt-get install -y curl &&", path) == who


def test_what_runs_afterwards_does_not_count() -> None:
    text = "FROM debian:12\nCOPY a /a\nRUN chmod 755 /a && cp /a /b\n"
    file = File(Source("Dockerfile", text))
    _, copy, run = [None, *file.histories[0].own]
    assert copy is not None and run is not None
    assert watcher(file, copy, run, run.calls[0], "/a") == ""
