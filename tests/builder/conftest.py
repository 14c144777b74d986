"""Fixtures that start real builders for the session, and take them down again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from bench.equivalence import builders
from bench.optimizations import cases, images

Builder = TypeVar("Builder")

#: Where it is set, a builder that is not at hand fails the tests that want one.
REQUIRED = "STAGELINT_REQUIRE_BUILDERS"

_missing: dict[str, str] = {}


@pytest.fixture(scope="session")
def docker() -> Iterator[builders.Docker]:
    """A Docker daemon whose only image is a `busybox:latest` that runs."""
    yield from _start("docker", builders.docker(busybox=True))


@pytest.fixture(scope="session")
def merging_docker() -> Iterator[builders.Docker]:
    """A Docker daemon like that of `docker`, whose store of images can merge layers."""
    yield from _start("docker", builders.docker(busybox=True, containerd=True))


@pytest.fixture(scope="session")
def empty_docker() -> Iterator[builders.Docker]:
    """A Docker daemon without an image, for graphs and configurations."""
    yield from _start("docker", builders.docker(busybox=False))


@pytest.fixture(scope="session")
def reaching_docker() -> Iterator[builders.Docker]:
    """A Docker daemon that reaches the network, with the base images of the cases that have `ci`."""
    yield from _start("docker with a network", _reaching_docker())


@pytest.fixture(scope="session")
def docker_host(docker: builders.Docker) -> str:
    """What DOCKER_HOST must be to reach the daemon; `docker_env` has this and more."""
    return docker.host


@pytest.fixture(scope="session")
def docker_env(docker: builders.Docker) -> dict[str, str]:
    """The environment in which `docker` is the right client and reaches the daemon."""
    return dict(docker.env)


@pytest.fixture(scope="session")
def buildah_env() -> Iterator[dict[str, str]]:
    """The environment in which `buildah` works; `FROM busybox` finds an image that runs."""
    yield from _start("buildah", builders.buildah())


@pytest.fixture(scope="session")
def registry_program() -> Iterator[str]:
    """The path of a registry of images, with all that its tests need beside it."""
    yield from _start("a registry", _registry_program())


@pytest.fixture(scope="session")
def compilers() -> Iterator[Path]:
    """The path of the loader of musl, on a machine with compilers of C and Go for glibc."""
    yield from _start("a compiler", _compilers())


@pytest.fixture(scope="session")
def debian_python() -> Iterator[bytes]:
    """A tar of a system that has `python`, the one of Debian 12, with pip and venv."""
    yield from _start("a system with Python", _debian_python())


@contextmanager
def _reaching_docker() -> Generator[builders.Docker]:
    names = {name for case in cases.every() if case.ci for name in case.images()}
    with builders.docker(busybox=True, network=True) as docker:
        images.provide(docker, names, images.CACHE, lambda line: None)
        yield docker


@contextmanager
def _debian_python() -> Generator[bytes]:
    """Its packages are unpacked and not configured, of which Python needs nothing."""
    packages = "base-files,coreutils,dash,python-is-python3,python3-pip,python3-venv"
    options = ("--quiet", "--variant=extract", f"--include={packages}")
    command = (
        builders.program("mmdebstrap"),
        *options,
        "bookworm",
        "-",
        builders.mirror("bookworm"),
    )
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise builders.Missing(f"mmdebstrap fails: {done.stderr.decode(errors='replace').strip()}")
    yield done.stdout


@contextmanager
def _compilers() -> Generator[Path]:
    loader = Path("/lib/ld-musl-x86_64.so.1")
    for path in (loader, Path("/usr/lib/go-1.19/bin/go"), Path("/usr/bin/gcc")):
        if not path.exists():
            raise builders.Missing(f"{path} is not installed")
    yield loader


@contextmanager
def _registry_program() -> Generator[str]:
    for needed in ("htpasswd", "openssl", "setpriv"):
        builders.program(needed)
    yield builders.program("docker-registry")


def _start(name: str, starting: AbstractContextManager[Builder]) -> Iterator[Builder]:
    builders.clean_up_when_told_to_end()
    with ExitStack() as stack:
        try:
            builder = stack.enter_context(starting)
        except builders.Missing as reason:
            _missing[name] = str(reason)
            if os.environ.get(REQUIRED):
                pytest.fail(f"{reason} (tests/builder/install.sh installs it)", pytrace=False)
            pytest.skip(str(reason))
        yield builder


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything below this folder is marked `builder`."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("builder")


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _missing:
        reasons = " and ".join(dict.fromkeys(_missing.values()))
        terminalreporter.write_line(
            f"Nothing was tried on {' and '.join(_missing)}, since {reasons};"
            " `sudo tests/builder/install.sh` installs what is needed on Debian 12."
        )
