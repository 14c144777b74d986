"""What is left of bind mounts after a RUN: real builds."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bench.equivalence import builders
from stagelint.dialect import BUILDAH, BUILDKIT

_MOUNTING = """FROM busybox
RUN --mount=type=bind,source=d,target=/new/d \\
    --mount=type=bind,source=f,target=/tmp/n/f cat /new/d/g /tmp/n/f
RUN --mount=type=bind,source=d,target=/new/d,rw \\
    --mount=type=bind,source=f,target=/tmp/f,rw \\
    chmod 755 /tmp/f && echo h > /new/d/h && rm /new/d/g && cp /tmp/f /f
"""
_LEFT = ("/new", "/tmp/n", "/tmp/f")


def _context(folder: Path) -> list[str]:
    (folder / "d").mkdir()
    (folder / "d" / "g").write_text("g")
    (folder / "f").write_text("f")
    (folder / "f").chmod(0o644)
    (folder / "Dockerfile").write_text(_MOUNTING)
    return _files(folder)


def _files(folder: Path) -> list[str]:
    return sorted(
        f"{each.relative_to(folder)} {each.stat().st_mode:o}" for each in folder.rglob("*")
    )


def test_buildkit_leaves_nothing(docker: builders.Docker, tmp_path: Path) -> None:
    context = _context(tmp_path)

    docker.run("buildx", "build", "--load", "--tag", "mounts", str(tmp_path))

    look = f"ls -d {' '.join(_LEFT)} 2>/dev/null; stat -c '%a %u:%g' /f"
    found = docker.run("run", "--rm", "mounts", "sh", "-c", look).stdout.split("\n")
    assert found == ["755 0:0", ""]
    assert _files(tmp_path) == context
    assert BUILDKIT.clears_mounts


def test_buildah_leaves_something(buildah_env: dict[str, str], tmp_path: Path) -> None:
    context = _context(tmp_path)

    command = [builders.program("buildah"), "build", "--quiet", str(tmp_path)]
    subprocess.run(command, env=buildah_env, check=True, capture_output=True)

    assert _files(tmp_path) != context
    assert not BUILDAH.clears_mounts
