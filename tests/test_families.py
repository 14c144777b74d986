"""Rules under several names: what selects, merges, silences and weighs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stagelint.cli import main

TEXT = """\
FROM golang:1.25 AS build
RUN apt-get update && apt-get install -y git
FROM debian:13
ENV DB_PASSWORD=hunter2hunter2
MAINTAINER Ann
CMD ["a"]
CMD ["b"]
RUN apt-get update && apt-get install -y curl
COPY --from=build / /
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text(TEXT)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], arguments: str) -> list[str]:
    """`LINE CODE SEVERITY` of each finding."""
    main([*arguments.split(), "--output-format", "json", "Dockerfile"])
    return [
        f"{each['location']['row']} {each['code']} {each['severity']}"
        for each in json.loads(capsys.readouterr().out)
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--select DL4000", ["5 BK007 warning"]),
        ("--select BK007", ["5 BK007 warning"]),
        ("--select MaintainerDeprecated", ["5 BK007 warning"]),
        ("--select maintainer-deprecated", ["5 BK007 warning"]),
        ("--select DL4", ["5 BK007 warning", "6 BK014 warning"]),
        ("--select DL4 --ignore DL4000", ["6 BK014 warning"]),
        ("--select BK00 --ignore DL", ["5 BK007 warning"]),
        ("--select DL3067", ["9 SL205 warning"]),
        ("--select BK014", ["6 BK014 warning"]),
        ("--select SL209", ["6 SL209 warning"]),
        ("--select SL209,BK014", ["6 SL209 warning"]),
        ("--select SL209 --ignore DL4003", []),
        ("--select SL209 --ignore MultipleInstructionsDisallowed", []),
        ("--select SL213,BK018", ["4 SL213 warning"]),
        ("--select SL213,BK018 --ignore SL213", ["4 BK018 info"]),
        ("--select SL213,BK018 --ignore DL3064", []),
    ],
)
def test_any_name_selects_and_each_cause_is_said_once(
    arguments: str, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, arguments) == expected


@pytest.mark.parametrize("name", ["SL209", "BK014", "DL4003", "MultipleInstructionsDisallowed"])
def test_any_name_silences(name: str, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    comment = f"# stagelint: ignore[{name}] both are wanted\n"
    (folder / "Dockerfile").write_text(TEXT.replace('CMD ["a"]', f'{comment}CMD ["a"]'))

    assert said(capsys, "--select SL209,BK014,SL001") == []


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ("--select DL3015", [8]),
        ("--select DL3015 --builder-stages all", [2, 8]),
        ("--select DL3015 --preset hadolint", [2, 8]),
        ("--select DL3015 --preset hadolint --builder-stages quiet", [8]),
    ],
)
def test_builders_are_left_alone_unless_asked_for(
    arguments: str, lines: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert [int(each.split()[0]) for each in said(capsys, arguments)] == lines


def test_presets_say_what_others_would(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--preset buildkit") == [
        "4 BK018 info",
        "5 BK007 warning",
        "6 BK014 warning",
    ]
    hadolint = {each.split()[1] for each in said(capsys, "--preset hadolint")}
    assert hadolint >= {"DL3008", "DL3015", "BK007", "BK014", "BK018"}
    strict = {each.split()[1] for each in said(capsys, "--preset strict")}
    assert strict >= {"DL3008", "SL209", "SL213", "SL210"}
    assert not strict & {"BK014", "BK018"}


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("--select DL3015", 0),
        ("--select DL3015 --preset hadolint", 1),
        ("--select DL3015 --preset hadolint --fail-level warning", 0),
        ("--preset buildkit --select BK018", 1),
    ],
)
def test_a_preset_fails_as_its_tool_does(arguments: str, status: int) -> None:
    assert main([*arguments.split(), "Dockerfile"]) == status


def test_the_configuration_chooses_and_weighs(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    (folder / "stagelint.toml").write_text(
        'preset = "buildkit"\nignore = ["DL4000"]\n[severity]\nDL4003 = "error"\n'
    )

    assert said(capsys, "") == ["4 BK018 info", "6 BK014 error"]
    assert said(capsys, "--preset hadolint --select DL3015") == ["2 DL3015 info", "8 DL3015 info"]
