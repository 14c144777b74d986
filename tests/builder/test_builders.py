"""The builders that tests are given work, and are alone with what they are given."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.equivalence import builders

ROOT = Path(__file__).parents[2]

TWO_STAGES = """\
FROM busybox AS made
RUN echo hello | sed s/hello/done/ > /said
FROM busybox
COPY --from=made /said /said
RUN grep done /said
"""

SAYS_WHERE = """\
from bench.equivalence.builders import clean_up_when_told_to_end, docker
clean_up_when_told_to_end()
with docker(busybox=False, network=NETWORK) as found:
    print(found.folder, flush=True)
    input()
"""


def test_docker_runs_what_a_dockerfile_says(docker: builders.Docker, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(TWO_STAGES)

    docker.run("buildx", "build", "--output=type=cacheonly", str(tmp_path))


def test_docker_has_nothing_of_the_users(docker_env: dict[str, str], docker_host: str) -> None:
    assert docker_env["DOCKER_HOST"] == docker_host
    assert docker_env["DOCKER_CONFIG"] != os.environ.get("DOCKER_CONFIG")
    images = subprocess.run(
        [builders.program("docker"), "image", "ls", "--format", "{{.Repository}}"],
        env=docker_env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "busybox" in images.stdout.split()


def test_buildah_runs_what_a_dockerfile_says(buildah_env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(TWO_STAGES)

    subprocess.run(
        [builders.program("buildah"), "build", "--pull-never", str(tmp_path)],
        env=buildah_env,
        check=True,
    )


def test_nothing_remains_of_a_daemon(docker: builders.Docker) -> None:
    with builders.docker(busybox=True) as other:
        build = ("buildx", "build", "--output=type=cacheonly", "-")
        other.run(*build, data=b"FROM busybox\nRUN touch /f")

    assert not other.folder.exists()
    assert str(other.folder) not in Path("/proc/self/mounts").read_text()
    assert not _processes_that_name(other.folder)


def test_a_daemon_that_crashed_goes_on_with_what_it_had(docker: builders.Docker) -> None:
    with builders.docker(busybox=True) as other:
        assert not other.revive()
        os.kill(int((other.folder / "pid").read_text()), signal.SIGKILL)

        assert builders.waits_until(other.revive, builders.PATIENCE)
        other.run("image", "inspect", "busybox")
        assert not other.revive()


@pytest.mark.parametrize("network", [False, True])
def test_a_daemon_ends_with_the_process_that_started_it(
    reaching_docker: builders.Docker, network: bool
) -> None:
    with _starting_a_daemon(network) as process:
        folder = _folder_of(process)
        started = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
    try:
        assert _is_gone_soon(folder)
        assert len(started) == 1 + network
        assert builders.waits_until(lambda: not any(map(_is_running, started)), 30)
    finally:
        builders.remove(folder)


def test_nothing_remains_when_a_process_is_told_to_end(docker: builders.Docker) -> None:
    with _starting_a_daemon() as process:
        folder = _folder_of(process)
        process.terminate()

    assert not folder.exists()
    assert not _processes_that_name(folder)


def _starting_a_daemon(network: bool = False) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SAYS_WHERE.replace("NETWORK", str(network))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )


def _folder_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout
    return Path(process.stdout.readline().strip())


def _is_gone_soon(folder: Path) -> bool:
    return builders.waits_until(lambda: not _processes_that_name(folder), 30)


def _is_running(pid: str) -> bool:
    """Whoever should wait for a process may not: one that has ended may still be there."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _processes_that_name(folder: Path) -> list[str]:
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended
        if str(folder) in command:
            found.append(command)
    return found
