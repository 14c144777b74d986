"""A cold run on one file costs little more than Python itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.speed.inputs import one_file

#: What a run may cost above `python -c pass`, in times of that: 60 ms of CPU where it takes 10. One
#: machine takes half as long again for both from one hour to the next, so milliseconds say little.
BUDGET = 6.0


def cpu(arguments: list[str], folder: Path, expected: str) -> float:
    """CPU seconds of the process, whose output must contain *expected*."""
    import resource

    environment = {
        key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"
    }
    environment["PYTHONPATH"] = os.pathsep.join(each for each in sys.path if each)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        check=False,
    )
    assert expected in done.stdout.decode()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="getrusage is POSIX")
def test_a_cold_run_is_quick(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(one_file(), "utf-8")
    assert one_file().count("\n") == 136

    bare = run = 9.0
    for _ in range(15):  # in turns, so that both meet the machine in its best moment
        bare = min(bare, cpu(["-c", "pass"], tmp_path, ""))
        found = "Dockerfile:136:13: warning SL102"
        run = min(run, cpu(["-m", "stagelint", "Dockerfile"], tmp_path, found))

    print(f"{(run - bare) * 1000:.1f} ms of CPU above {bare * 1000:.1f}")
    assert run - bare < BUDGET * bare
