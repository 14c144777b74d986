"""The image of stagelint is built from its Dockerfile, and lints as a user of no privileges.

There is no registry, so the base image is a stand-in: Debian's own Python. A build reaches no network
either, so what pip would fetch is fetched before, as the Dockerfile says.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.equivalence import builders
from stagelint import __version__

ROOT = Path(__file__).parents[2]
IMAGE = "stagelint:test"
BASE = "python:3.13-slim"

BAD = "FROM golang:1.25\nRUN go build -o /app\n\nFROM scratch\nCOPY --from=0 /app /app\n"
FIXED = BAD.replace("1.25", "1.25 AS build").replace("=0", "=build")
FINDING = "Dockerfile:5:13: warning SL102 [*] stage 0 is referred to by its number\n"


@pytest.fixture(scope="module")
def image(
    docker: builders.Docker, debian_python: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[builders.Docker]:
    """The daemon, once it has the image."""
    docker.run("import", "-", BASE, data=debian_python)
    wheels = tmp_path_factory.mktemp("wheels")
    download(wheels)
    offline = (f"--build-context=wheels={wheels}", "--build-arg=PIP_NO_INDEX=1")
    docker.run("buildx", "build", f"--tag={IMAGE}", *offline, str(ROOT))
    yield docker
    docker.run("image", "rm", "--force", IMAGE, BASE)


def download(folder: Path) -> None:
    """For the Python of Debian 12, the wheels of what stagelint needs, and of what makes its own."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    options = ("--quiet", "--only-binary=:all:", "--python-version=3.11", f"--dest={folder}")
    run(sys.executable, "-m", "pip", "download", *options, *needed)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that any user may read."""
    folder = tmp_path / "project"
    folder.mkdir(mode=0o755)
    (folder / "Dockerfile").write_text(BAD)
    return folder


def stagelint(
    docker: builders.Docker, options: tuple[str, ...], *arguments: str
) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a container."""
    alone = ("--rm", "--network=none", "--read-only", "--cap-drop=ALL")
    done = docker.run("run", *alone, *options, IMAGE, *arguments, check=False)
    return done.returncode, done.stdout, done.stderr


def test_without_wheels_an_empty_folder_is_mounted(docker: builders.Docker) -> None:
    text = (
        "FROM scratch AS wheels\nFROM busybox\nRUN --mount=from=wheels,target=/w test -z $(ls /w)"
    )

    docker.run("buildx", "build", "--output=type=cacheonly", "-", data=text.encode())


def test_it_runs(image: builders.Docker) -> None:
    assert stagelint(image, (), "--version") == (0, f"stagelint {__version__}\n", "")


def test_it_lints_a_folder_that_it_may_only_read(image: builders.Docker, project: Path) -> None:
    mounted = (f"--volume={project}:/work:ro",)
    status, out, err = stagelint(image, mounted, "--output-format=concise")

    assert (status, out.startswith(FINDING), err) == (1, True, "")
    assert (project / "Dockerfile").read_text() == BAD


def test_it_fixes_as_the_user_who_calls_it(image: builders.Docker, project: Path) -> None:
    for path in (project, project / "Dockerfile"):
        os.chown(path, 1234, 1234)
    mounted = (f"--volume={project}:/work", "--user=1234:1234")
    status, _, err = stagelint(image, mounted, "--fix")

    assert (status, err) == (0, "")
    assert (project / "Dockerfile").read_text() == FIXED
    assert (project / "Dockerfile").stat().st_uid == 1234


def test_its_configuration_says_who_runs_what_and_where(image: builders.Docker) -> None:
    (found,) = json.loads(image.run("image", "inspect", IMAGE).stdout)
    config = found["Config"]

    assert (config["User"], config["WorkingDir"]) == ("65532:65532", "/work")
    assert config["Entrypoint"] == ["stagelint"]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert not [each for each in config["Env"] if each.startswith("PIP_")]


def test_it_holds_nothing_it_was_made_with(image: builders.Docker) -> None:
    shell = ("run", "--rm", "--network=none", "--entrypoint=sh", IMAGE, "-c")
    done = image.run(*shell, "ls /opt/stagelint/bin /src /wheels; python -m pip", check=False)

    assert "stagelint" in done.stdout.split()
    assert not re.search(r"\bpip", done.stdout)
    assert "/src" in done.stderr
