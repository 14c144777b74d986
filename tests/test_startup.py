"""A cold run on one file costs little more than Python itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: What a run may cost above `python -c pass`, in times of that: 60 ms of CPU where it takes 10. One
#: machine takes half as long again for both from one hour to the next, so milliseconds say little.
BUDGET = 6.0

LINES = """\
FROM golang:1.25 AS build{n}
ARG VERSION=1.{n}
ENV CGO_ENABLED=0 GOFLAGS="-trimpath"
WORKDIR /src/{n}
COPY --link go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod \\
    --mount=type=cache,target=/root/.cache/go-build \\
    go build -ldflags "-X main.version=${{VERSION:-dev}}" \\
    # keep the symbols
    -o /out/app{n} ./cmd/app{n}
LABEL org.opencontainers.image.version="$VERSION"
HEALTHCHECK --interval=30s CMD ["/out/app{n}", "health"]
"""


def text() -> str:
    """136 lines, ten stages."""
    stages = "".join(LINES.format(n=number) for number in range(9))
    copies = "".join(f"COPY --from=build{number} /out /out\n" for number in range(8))
    return f"{stages}FROM scratch\n{copies}COPY --from=8 /out /out\n"


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
    (tmp_path / "Dockerfile").write_text(text(), "utf-8")
    assert text().count("\n") == 136

    bare = run = 9.0
    for _ in range(15):  # in turns, so that both meet the machine in its best moment
        bare = min(bare, cpu(["-c", "pass"], tmp_path, ""))
        found = "Dockerfile:136:13: warning SL102"
        run = min(run, cpu(["-m", "stagelint", "Dockerfile"], tmp_path, found))

    print(f"{(run - bare) * 1000:.1f} ms of CPU above {bare * 1000:.1f}")
    assert run - bare < BUDGET * bare
