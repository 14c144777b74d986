"""`stagelint rename`: everywhere or nowhere, and nothing but the name."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from stagelint import discover
from stagelint.cli import main
from stagelint.model.file import File
from stagelint.project import project, rename
from stagelint.source import Source

FIXTURES = Path(__file__).parent.parent / "fixtures"
NEW = "renamed-stage"


def stages() -> list[tuple[str, str, str]]:
    """Every named stage of every fixture that is a repository."""
    return [
        (case.name, str(path.relative_to(case)), stage.name)
        for case in sorted(FIXTURES.glob("refs-*"))
        for path in sorted(case.rglob("*"))
        if discover.is_dockerfile(path.name)
        for stage in File(Source.from_bytes(path.name, path.read_bytes())).stages
        if stage.name
    ]


def texts(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_bytes().decode("utf-8", "surrogateescape")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def copy(case: str, folder: Path) -> Path:
    target = folder / case
    shutil.copytree(FIXTURES / case, target, ignore=shutil.ignore_patterns("expected"))
    return target


def targets(folder: Path) -> list[tuple[str, ...]]:
    found = project(str(folder), File)
    return [(*found.places(each), each.target.text if each.target else "") for each in found.builds]


@pytest.mark.parametrize(("case", "path", "name"), stages())
def test_everywhere_or_nowhere(
    case: str, path: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy(case, tmp_path)
    monkeypatch.chdir(folder)
    before, asked = texts(folder), targets(folder)

    status = main(["rename", path, name, NEW, "--project", "."])

    after = texts(folder)
    if status == 2:
        assert after == before
        return
    for each in before:
        old, new = (re.split(r"([A-Za-z][\w.-]*)", text) for text in (before[each], after[each]))
        for was, now in zip(old, new, strict=True):
            assert now == was or (was.lower(), now) == (name, NEW)
    assert after[path] != before[path]
    assert targets(folder) == [
        tuple(NEW if path in each[:-1] and word.lower() == name else word for word in each)
        for each in asked
    ]


def test_stages_are_renamed_in_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader whose stages cannot be renamed at all would pass the test above."""
    renamed: set[str] = set()
    for number, (case, path, name) in enumerate(stages()):
        if case not in renamed:
            folder = copy(case, tmp_path / str(number))
            monkeypatch.chdir(folder)
            before = texts(folder)
            if main(["rename", path, name, NEW, "--project", ".", "--quiet"]) == 0:
                after = texts(folder)
                if any(before[each] != after[each] for each in before if each != path):
                    renamed.add(case)

    assert renamed == {case for case, _, _ in stages()}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM alpine AS dev\nFROM dev AS test\nFROM dev\n")
    (tmp_path / "compose.yaml").write_text(
        "services:\n  web:\n    build:\n      context: .\n      target: dev # to work with\n"
    )
    (tmp_path / "docker-bake.hcl").write_text('target "web" {\n  target = "dev"\n}\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_renames(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rename", "Dockerfile", "dev", "work", "--project", "."]) == 0

    assert capsys.readouterr().out == "Renamed `dev` to `work` in 3 files.\n"
    assert texts(shop) == {
        "Dockerfile": "FROM alpine AS work\nFROM work AS test\nFROM work\n",
        "compose.yaml": "services:\n  web:\n    build:\n      context: .\n"
        "      target: work # to work with\n",
        "docker-bake.hcl": 'target "web" {\n  target = "work"\n}\n',
    }


def test_shows_what_it_would_do(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = texts(shop)

    assert main(["rename", "Dockerfile", "dev", "work", "--project", ".", "--diff"]) == 0

    assert "+      target: work # to work with\n" in capsys.readouterr().out
    assert texts(shop) == before


def test_puts_everything_back_if_one_file_cannot_be_written(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = texts(shop)
    replace = os.replace

    def fails_at_last(source: str, target: str) -> None:
        if target.endswith("docker-bake.hcl"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fails_at_last)

    assert main(["rename", "Dockerfile", "dev", "work", "--project", "."]) == 2
    assert "docker-bake.hcl: no space left on device" in capsys.readouterr().err
    assert texts(shop) == before


def test_refuses_a_file_that_changes_meanwhile(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def changing(*arguments: Any) -> rename.Renaming:
        found = plan(*arguments)
        with (shop / "compose.yaml").open("a") as file:
            file.write("# by somebody else\n")
        return found

    plan = rename.plan
    monkeypatch.setattr(rename, "plan", changing)
    before = texts(shop)

    assert main(["rename", "Dockerfile", "dev", "work", "--project", "."]) == 2
    assert "compose.yaml: changed while it was being fixed" in capsys.readouterr().err
    assert texts(shop) == {
        **before,
        "compose.yaml": before["compose.yaml"] + "# by somebody else\n",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_refuses_what_lies_outside_of_the_repository(
    shop: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "compose.yaml"
    (shop / "compose.yaml").rename(outside)
    (shop / "compose.yaml").symlink_to(outside)
    before = outside.read_text()

    assert main(["rename", "Dockerfile", "dev", "work", "--project", "."]) == 2
    assert "compose.yaml is a link that leads out of the repository" in capsys.readouterr().err
    assert outside.read_text() == before


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("build.sh", 'docker build --target "$STAGE" .\n', "build.sh:1 may mean it: `...`"),
        (
            "build.sh",
            'docker build -f "$FILE" --target dev .\n',
            "for a Dockerfile that is not known",
        ),
        (
            "build.sh",
            "docker build --target ${STAGE:-test} .\n",
            "build.sh:1 may mean it: somebody can set another than `test`",
        ),
        ("build.sh", "docker build --target d${EMPTY:-}ev .\n", "puts the name together"),
        (
            "docker-bake.hcl",
            (
                'target "web" {\n  matrix = { file = ["Dockerfile", "Other.Dockerfile"] }\n'
                '  dockerfile = file\n  target = "dev"\n}\n'
            ),
            "docker-bake.hcl:4 names it for another Dockerfile too",
        ),
    ],
)
def test_refuses_what_nobody_can_tell(
    shop: Path, name: str, text: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "Other.Dockerfile").write_text("FROM alpine AS dev\n")
    (shop / name).write_text(text)
    before = texts(shop)

    assert main(["rename", "Dockerfile", "dev", "work", "--project", "."]) == 2
    assert reason in capsys.readouterr().err
    assert texts(shop) == before


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("dve", "work", "Dockerfile has no stage `dve`; there are: dev, test"),
        ("dev", "test", "Dockerfile has a stage `test` already"),
        ("dev", "alpine", "Dockerfile:1 means an image by `alpine`"),
        ("dev", "1st", "would not build the same"),
    ],
)
def test_refuses_names(
    shop: Path, old: str, new: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = texts(shop)

    assert main(["rename", "Dockerfile", old, new, "--project", "."]) == 2
    assert reason in capsys.readouterr().err
    assert texts(shop) == before


def test_says_who_speaks_of_it_besides(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "README.md").write_text("Run `docker build --target dev .` to work on it.\n")

    assert main(["rename", "Dockerfile", "dev", "work", "--project", "."]) == 0
    assert "README.md:1 mentions `dev` as well" in capsys.readouterr().err
