"""The repository around a Dockerfile: what is read, and what is not to be trusted in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stagelint.cli import main
from stagelint.model.file import File
from stagelint.model.project import Project
from stagelint.project import project
from stagelint.project.readers import READERS, reader_of

COMPOSE = "services:\n  web:\n    build:\n      context: .\n      target: dev\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    write("Dockerfile", "FROM alpine AS dev\nFROM alpine AS test\nFROM alpine\n")
    return tmp_path


def write(path: str, text: str | bytes) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(text.encode() if isinstance(text, str) else text)


def here() -> Project:
    return project(".", File)


def asked(found: Project) -> list[tuple[str, str]]:
    return [(each.source.path, each.target.text) for each in found.builds if each.target]


# -- what is no text, or broken ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text", "note"),
    [
        ("compose.yaml", "services:\n  a: [\nbuild\n", "line"),
        ("compose.yaml", "services: {build: *nowhere}\n", "line"),
        ("docker-bake.hcl", 'target "a" { target = \n', "line"),
        ("docker-bake.json", '{"target": {"a": {"target": "b"', "line"),
        (".github/workflows/a.yml", "jobs:\n - docker: {\n", "line"),
        ("compose.yaml", "services:\n  build: " + "[" * 5000, "nest"),
        ("build.py", "import docker\nclient.images.build(target=\n", "line"),
        ("main.tf", 'resource "docker_image" "a" { build { target = \n', "line"),
        ("Tiltfile", "docker_build('a', '.', target=\n", "line"),
        ("compose.yml", b"services: build\n" + b"x" * (3 << 20), "larger than 512 kib"),
    ],
)
def test_a_broken_file_is_one_note(path: str, text: str | bytes, note: str) -> None:
    write(path, text)
    write("other/compose.yaml", COMPOSE)

    found = here()

    assert asked(found) == [(os.path.join("other", "compose.yaml"), "dev")]
    assert len(found.notes) == 1
    assert found.notes[0].startswith(path + ": ")
    assert note in found.notes[0].lower()


@pytest.mark.parametrize("path", ["Makefile", "build.sh", "compose.yaml", "docker-bake.hcl"])
@pytest.mark.parametrize(
    "text",
    [
        b"\0docker build --target x",
        b"\xff\xfedocker build",
        b"docker build --target \xff\xff .\n",
        b"docker build --target ${X:-${Y:-${Z\n",
        b"docker build --target $(( ' \" ` \\",
        b"build: docker\n\tdocker build --target $(A) $$( ${{ $@ $(call x,$(y\n",
        b"services: {web: {build: {target: [a], args: 1, extends: {file: []}}}}\n",
        b"services: [build]\n",
        b"services: &a {build: *a}\n",
        b"",
    ],
)
def test_odd_text_raises_nothing(path: str, text: bytes) -> None:
    write(path, text)

    assert here().builds is not None


def test_names_that_lead_in_circles_raise_nothing() -> None:
    write(
        "compose.yaml",
        "services:\n  a:\n    extends: b\n    build: {target: x}\n  b:\n    extends: a\n",
    )
    write(
        "docker-bake.hcl",
        'target "a" {\n inherits = ["a", "b"]\n target = X\n}\nvariable "X" { default = X }\n',
    )
    write("Makefile", "A = $(B)\nB = $(A)\nall:\n\tdocker build --target $(A) .\n")
    write("run.sh", 'A="$B"\nB="$A"\ndocker build --target "$A" .\n')

    assert {source for source, _ in asked(here())} == {
        "compose.yaml",
        "docker-bake.hcl",
        "Makefile",
        "run.sh",
    }


def test_aliases_that_multiply_cost_little() -> None:
    bomb = "a0: &a0 {build: ., target: dev}\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
    )
    write("compose.yaml", bomb + "services:\n  web:\n    build: *a0\n    x: *a29\n")

    assert asked(here()) == [("compose.yaml", "dev")]


def test_matrices_that_multiply_are_not_multiplied() -> None:
    axes = "".join(f"        a{n}: [{', '.join(map(str, range(50)))}]\n" for n in range(10))
    step = '      - uses: docker/build-push-action@v6\n        with: {target: "${{ matrix.a1 }}"}\n'
    write(
        ".github/workflows/a.yml",
        f"jobs:\n  a:\n    strategy:\n      matrix:\n{axes}    steps:\n{step}",
    )

    assert len(here().builds) <= 600


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_links_that_lead_in_circles_or_nowhere() -> None:
    os.symlink(".", "loop")
    os.symlink("nowhere", "compose.yaml")
    write("sub/compose.yaml", COMPOSE)

    found = here()

    assert asked(found) == [(os.path.join("sub", "compose.yaml"), "dev")]
    assert found.notes == ["compose.yaml: no such file or directory"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes")
def test_what_is_no_regular_file_is_not_waited_for() -> None:
    os.mkfifo("compose.yaml")
    os.mkfifo("Dockerfile.pipe")

    assert here().builds == ()
    assert here().dockerfile("Dockerfile.pipe") is None


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read_is_a_note() -> None:
    write("compose.yaml", COMPOSE)
    Path("compose.yaml").chmod(0)

    found = here()

    assert found.builds == ()
    assert found.notes == ["compose.yaml: permission denied"]


def test_a_file_that_goes_while_it_is_read_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    write("compose.yaml", COMPOSE)
    found = here()
    assert "compose.yaml" in found.files
    Path("compose.yaml").unlink()

    assert found.builds == ()
    assert found.notes == ["compose.yaml: no such file or directory"]


# -- what is read --------------------------------------------------------------------------------


def test_files_without_a_telling_word_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        write(f"k8s/{number}.yaml", "kind: Service\nspec: {ports: []}\n")
    write("compose.yaml", COMPOSE)
    import yaml

    parsed: list[str] = []
    compose_all = yaml.compose_all

    def counting(text: str, **options: object) -> object:
        parsed.append(text)
        return compose_all(text, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(yaml, "compose_all", counting)

    assert asked(here()) == [("compose.yaml", "dev")]
    assert parsed == [COMPOSE]


def test_what_was_copied_from_other_projects_asks_for_nothing() -> None:
    write("vendor/example.com/lib/compose.yaml", COMPOSE)
    write("node_modules/lib/Makefile", "all:\n\tdocker build --target dev .\n")

    assert here().builds == ()


def test_what_git_ignores_asks_for_nothing() -> None:
    subprocess.run(["git", "init", "-q", "."], check=True)
    write(".gitignore", "local/\n")
    write("local/compose.yaml", COMPOSE)
    write("compose.yaml", COMPOSE)

    assert asked(here()) == [("compose.yaml", "dev")]


def test_names_of_files_choose_their_reader() -> None:
    names = {
        ".github/workflows/ci.yml": "github_actions",
        "docker-bake.hcl": "bake",
        "docker-bake.override.json": "bake_json",
        "deploy/compose.prod.yaml": "compose",
        "GNUmakefile": "make",
        "make/images.mk": "make",
        "hack/build": "shell_script",
        "hack/build.sh": "shell_script",
    }

    assert {
        path: reader and reader.module for path in names if (reader := reader_of(path))
    } == names


def test_every_reader_can_be_loaded() -> None:
    assert all(callable(reader.load()) for reader in READERS)


# -- who is told ---------------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = main(arguments)
    return status, capsys.readouterr().out


def test_a_run_on_a_single_file_says_nothing_of_others(capsys: pytest.CaptureFixture[str]) -> None:
    write("compose.yaml", COMPOSE.replace("dev", "gone"))
    subprocess.run(["git", "init", "-q", "."], check=True)
    select = ("--select", "SL103", "--output-format", "concise", "-q")

    assert run(capsys, "Dockerfile", *select) == (0, "")
    assert run(capsys, *select) == run(capsys, ".", *select)
    assert run(capsys, *select) == (
        1,
        "compose.yaml:5:15: error SL103 target `gone` does not exist in Dockerfile\n",
    )


def test_other_files_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    write("compose.yaml", COMPOSE.replace("dev", "gone"))
    write("stagelint.toml", '[per-file-ignores]\n"compose.yaml" = ["SL103"]\n')
    subprocess.run(["git", "init", "-q", "."], check=True)

    assert run(capsys, "--select", "SL103", "-q") == (0, "")


@pytest.mark.parametrize(
    ("comment", "silenced"),
    [
        ("      target: gone # stagelint: ignore[SL103] made by a script\n", True),
        ("      # stagelint: ignore[unreachable-target]\n      target: gone\n", True),
        ("      # stagelint: file-ignore[SL103]\n\n\n      target: gone\n", True),
        ("      target: gone # stagelint: ignore[SL101]\n", False),
        ("      # stagelint: ignore[SL103]\n\n      target: gone\n", False),
    ],
)
def test_comments_in_other_files_silence(
    comment: str, silenced: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    write("compose.yaml", COMPOSE.replace("      target: dev\n", comment))

    assert main([".", "--project", ".", "--select", "SL103"]) == (0 if silenced else 1)


def test_a_target_of_the_repository_is_no_unused_stage(capsys: pytest.CaptureFixture[str]) -> None:
    write("compose.yaml", COMPOSE)
    subprocess.run(["git", "init", "-q", "."], check=True)

    status, out = run(capsys, "Dockerfile", "--select", "SL101", "--output-format", "concise", "-q")

    assert (status, out) == (
        1,
        (
            "Dockerfile:2:1: warning SL101 stage `test` is not needed, and no file of the repository"
            " asks for it\n"
        ),
    )


def test_refs_needs_a_repository(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["refs"]) == 2
    assert "--project" in capsys.readouterr().err


def test_refs_of_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    write("compose.yaml", COMPOSE)
    write("Other.Dockerfile", "FROM alpine AS dev\n")

    assert run(capsys, "refs", "Dockerfile", "--project", ".") == (
        0,
        (
            "Dockerfile\n"
            "  dev      target   compose.yaml:5 service web\n"
            "  test     unused   -\n"
            "  stage-2  shipped  -\n"
        ),
    )
