"""How loud a rule is, where that depends on the file: a warning is what nearly everybody would change."""

from __future__ import annotations

import pytest

from stagelint.engine import lint
from stagelint.model import File
from stagelint.registry import Registry, Ruleset
from stagelint.source import Source

REGISTRY = Registry()


@pytest.mark.parametrize(
    ("code", "severities", "text"),
    [
        ("DL3002", "warning", "FROM debian\nUSER app\nUSER root\nCMD app\n"),
        ("DL3002", "info", "FROM debian\nUSER root\nCMD app\n"),
        ("DL3002", "info", "FROM debian\nUSER app\nUSER root\n"),
        ("DL3044", "error", "FROM python:3\nENV A=/a B=$A\n"),
        ("DL3044", "error", "FROM scratch\nENV A=/a B=$A\n"),
        ("DL3044", "info", "FROM example.com/base\nENV A=/a B=$A\n"),
        ("DL3044", "info", "FROM debian\nENV PATH=/a:$PATH B=$PATH\n"),
        ("DL3044", "error", "FROM example.com/base\nENV PATH=$PATH:/a PATH=$PATH:/b\n"),
        ("DL4005", "warning", "FROM debian\nRUN ln -sf bash /bin/sh\n"),
        ("DL4005", "info", "FROM debian AS build\nRUN ln -sf bash /bin/sh\nFROM scratch\n"),
        ("DL4006", "warning", "FROM debian\nRUN curl https://example.com | sh && rm /tmp/a\n"),
        ("DL4006", "warning", "FROM debian\nRUN curl https://example.com | sed s/a/b/ | tee a\n"),
        ("DL4006", "info", "FROM debian\nRUN curl https://example.com | sh && app --version\n"),
        ("DL4006", "info", "FROM debian\nRUN make | tee log\n"),
        ("DL4006", "", "FROM debian\nRUN wget -O- https://example.com | sudo tar -xzC /opt\n"),
        ("DL4006", "info", "FROM debian\nRUN curl https://example.com | tar xz | tee log; app\n"),
        ("BK013", "warning", "FROM debian\nCMD app\n"),
        ("BK013", "info", "FROM debian\nCMD app $PORT\n"),
        ("BK013", "info", "FROM openjdk:21\nCMD java -jar app.jar\n"),
        ("BK013", "info warning", "FROM alpine\nCMD app\nENTRYPOINT tini\n"),
        ("BK013", "warning", "FROM debian\nENTRYPOINT ['a', '$b']\n"),
        ("BK013", "info", 'FROM debian\nCMD [ "$a" = 1 ] && app\n'),
        ("BK016", "warning", "FROM debian\nWORKDIR app\n"),
        ("BK016", "info", "FROM debian\nWORKDIR {{app}}\n{{more}}\n"),
        ("BK017", "warning", "FROM debian\nUSER $NOBODY\n"),
        ("BK017", "info", "FROM debian\n{{variables}}\nUSER $NOBODY\n"),
    ],
)
def test_how_severe_it_is(code: str, severities: str, text: str) -> None:
    found = lint(File(Source("Dockerfile", text)), Ruleset(REGISTRY, REGISTRY.expand([code])))

    assert " ".join(each.severity for each in found if each.code == code) == severities
