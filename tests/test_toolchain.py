"""What of a toolchain ships, and why: the facts behind SL202 to SL204."""

from __future__ import annotations

import pytest

from stagelint.model import File
from stagelint.model.toolchain import cause, packages_to_leave
from stagelint.source import Source


def _file(text: str) -> File:
    return File(Source("Dockerfile", text))


@pytest.mark.parametrize(
    ("installed", "headers"),
    [
        ("gcc libpq-dev", ("libpq-dev",)),
        ("gcc python3-dev libc6-dev", ()),
        ("make php8.4-dev libevent-dev", ("libevent-dev",)),
        ("gcc musl-dev linux-headers", ()),
        ("build-essential", ()),
    ],
)
def test_headers_that_bring_a_library_along(installed: str, headers: tuple[str, ...]) -> None:
    file = _file(
        f"FROM debian:trixie-slim\nRUN apt-get install -y {installed}\n"
        'COPY . .\nRUN make\nCMD ["/app"]\n'
    )
    (found,) = packages_to_leave(file, file.stages[0])

    assert found.headers == headers


_SDK = "FROM golang:1.26 AS build\nCOPY . .\nRUN go build -o /app\n"
_PACKAGES = "FROM debian:trixie-slim AS build\nRUN apt-get install -y gcc\nCOPY . .\nRUN make\n"
_START = 'CMD ["/app"]\n'


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        (_SDK + _START, "image"),
        (_SDK + "FROM build\n" + _START, "builder"),
        (_PACKAGES + "FROM build\n" + _START, "builder"),
        (_PACKAGES + _START, "packages"),
        (_SDK + "RUN apt-get install -y gcc\n" + _START, "image"),
        (_SDK + "FROM scratch\nCOPY --from=build /app /app\n" + _START, ""),
    ],
)
def test_one_cause_for_one_image(text: str, speaks: str) -> None:
    file = _file(text)
    target = file.stages[-1]
    found = cause(file, target)
    causes = [
        name
        for name, holds in (
            ("image", found and found.image),
            ("builder", found and found.builder),
            ("packages", [*packages_to_leave(file, target)]),
        )
        if holds
    ]

    assert causes == ([speaks] if speaks else [])
