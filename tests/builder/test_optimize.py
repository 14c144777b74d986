"""What `stagelint optimize --fix --verify` makes of a project, by a real build of both."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

CASE = Path(__file__).parents[2] / "fixtures" / "optimizations" / "late-cleanup"


def test_the_same_image_with_a_layer_less(docker_env: dict[str, str], tmp_path: Path) -> None:
    shutil.copytree(CASE / "project", tmp_path / "project")

    done = subprocess.run(
        [sys.executable, "-m", "stagelint", "optimize", "--fix", "--verify", "--select", "SL305"],
        cwd=tmp_path / "project",
        env=docker_env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "same image" in done.stderr
    made = (tmp_path / "project" / "Dockerfile").read_text()
    assert made == (CASE / "expected" / "Dockerfile").read_text()
