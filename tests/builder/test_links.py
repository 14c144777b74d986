"""What `COPY --link` does to the folders above, and what the folders of base images are: real builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.equivalence import builders
from bench.optimizations import images
from stagelint.model.plain_folders import PLAIN

_LINKED = "RUN mkdir /a && touch /t && ln -s /t /a/f"


@pytest.mark.parametrize(
    ("before", "copy", "path", "plain", "linked"),
    [
        ("", "f /app/x/f", "/app/x", "755 0:0 directory", "755 0:0 directory"),
        ("WORKDIR /app", "d/ ./", "/app", "755 0:0 directory", "755 0:0 directory"),
        ("RUN mkdir -m 700 /app", "f /app/f", "/app", "700 0:0 directory", "755 0:0 directory"),
        ("USER 5\nWORKDIR /app", "f ./", "/app", "755 5:5 directory", "755 0:0 directory"),
        ("COPY --chown=5:6 d /app", "f /app/", "/app", "755 5:6 directory", "755 0:0 directory"),
        ("WORKDIR /app", "--chown=5:6 f ./", "/app", "755 0:0 directory", "755 5:6 directory"),
        (
            "USER 5\nWORKDIR /app",
            "--chmod=700 f ./",
            "/app",
            "755 5:5 directory",
            "755 5:5 directory",
        ),
        ("RUN mkdir /a && ln -s a /b", "f /b/", "/b", "777 0:0 symbolic link", "755 0:0 directory"),
        ("RUN mkdir /a", "f /a", "/a", "755 0:0 directory", "644 0:0 regular file"),
        (_LINKED, "f /a/f", "/a/f", "777 0:0 symbolic link", "644 0:0 regular file"),
        (_LINKED, "f /a/", "/a/f", "644 0:0 regular file", "644 0:0 regular file"),
    ],
    ids=(
        "fresh workdir mode user owner-above owner chmod link file-over-folder file-over-link file-beside-link".split()
    ),
)
def test_a_link_makes_the_folders_above_anew(
    merging_docker: builders.Docker,
    tmp_path: Path,
    before: str,
    copy: str,
    path: str,
    plain: str,
    linked: str,
) -> None:
    (tmp_path / "d").mkdir(mode=0o700)
    (tmp_path / "d" / "g").write_text("g")
    (tmp_path / "f").write_text("f")
    (tmp_path / "f").chmod(0o644)

    found: list[str] = []
    for option in ("", "--link "):
        (tmp_path / "Dockerfile").write_text(f"FROM busybox\n{before}\nCOPY {option}{copy}\n")
        tag = f"links:{'linked' if option else 'plain'}"
        merging_docker.run("buildx", "build", "--load", "--tag", tag, str(tmp_path))
        command = ("run", "--rm", "--user=0", tag, "stat", "-c", "%a %u:%g %F", path)
        found.append(merging_docker.run(*command).stdout.strip())

    assert found == [plain, linked]


@pytest.mark.parametrize("image", ["python:3.11-slim", "node:18-slim"])
def test_the_folders_of_debian_are_plain(reaching_docker: builders.Docker, image: str) -> None:
    images.provide(reaching_docker, [image], images.CACHE, lambda line: None)
    paths = sorted(PLAIN)
    command = ("run", "--rm", image, "stat", "-c", "%n %a %u:%g %F", *paths)

    lines = reaching_docker.run(*command).stdout.splitlines()

    assert lines == [f"{path} 755 0:0 directory" for path in paths]
