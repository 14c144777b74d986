"""What is linted: one file, a folder of files, a repository."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from itertools import count
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"

#: What Dockerfiles are called.
_NAMES = ("[Dd]ockerfile", "[Dd]ockerfile.*", "*.[Dd]ockerfile", "Containerfile")

_STAGE = """\
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

_SCRIPTS = """\
# syntax=docker/dockerfile:1
FROM python:3.12-slim AS base{n}
ARG DEBIAN_FRONTEND=noninteractive
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN apt-get update && apt-get install -y --no-install-recommends \\
        build-essential curl ca-certificates git=1:2.* \\
    && curl -fsSL https://example.com/setup.sh | bash - \\
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt && \\
    if [ "$VERSION" = dev ]; then pip install pytest; else echo "no tests"; fi
COPY . .
RUN <<EOF
set -e
for name in one two three; do
    python -m compileall "src/$name" || exit 1
done
EOF
FROM node:22 AS web{n}
WORKDIR /web
COPY package.json package-lock.json ./
RUN npm ci && npm cache clean --force
ADD https://example.com/assets.tar.gz /tmp/
RUN cd /tmp && tar -xzf assets.tar.gz && mv assets /web/public
RUN npm run build
FROM base{n}
COPY --from=web{n} --chown=1000:1000 /web/dist /srv/www
RUN useradd --uid 1000 app && chmod -R a+rX /srv/www
USER app
EXPOSE 8080/tcp
ENTRYPOINT ["python", "-m", "app"]
CMD --port 8080
"""


def scripts() -> str:
    """A Dockerfile of nine stages, much of which is shell scripts."""
    return "".join(_SCRIPTS.format(n=number) for number in range(3))


def one_file() -> str:
    """A Dockerfile of 136 lines and ten stages."""
    stages = "".join(_STAGE.format(n=number) for number in range(9))
    copies = "".join(f"COPY --from=build{number} /out /out\n" for number in range(8))
    return f"{stages}FROM scratch\n{copies}COPY --from=8 /out /out\n"


def dockerfiles(corpus: Path) -> list[Path]:
    """The Dockerfiles below *corpus*, sorted."""
    return sorted({path for name in _NAMES for path in corpus.rglob(name) if path.is_file()})


def copied(paths: Iterable[Path], folder: Path) -> list[str]:
    """Copy *paths* to where no repository is around them; returns their names in *folder*.

    stagelint reads the repository around a file, other linters do not.
    """
    names: list[str] = []
    for number, path in enumerate(paths):
        name = f"{number}/Dockerfile"
        (folder / name).parent.mkdir(parents=True)
        shutil.copyfile(path, folder / name)
        names.append(name)
    return names


def repository(folder: Path, size: int) -> None:
    """Make a repository of at least *size* files in *folder*: the fixtures of who names stages, over and over."""
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    kinds = sorted(FIXTURES.glob("refs-*"))
    made = 0
    for number in count():
        for kind in kinds:
            if made >= size:
                return
            copy = folder / f"{kind.name}-{number}"
            shutil.copytree(kind, copy, ignore=shutil.ignore_patterns("expected"))
            made += sum(path.is_file() for path in copy.rglob("*"))
