"""Builders to try things with: each has a folder of its own, and nothing of it remains."""

from __future__ import annotations

import http.client
import io
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

BUSYBOX = Path("/usr/bin/busybox")

_MEMORY = Path("/dev/shm")

#: What saves a daemon most of its work: it would write each step of its own into the history of
#: builds (BuildKit 0.25: 59 % of its CPU time), and collect its little garbage all the time.
_SPARING = {"OTEL_TRACES_SAMPLER": "always_off", "GOGC": "400"}

#: Where plugins of the Docker client are, which can be called without it: in 0.13 s instead of 0.29.
_PLUGINS = ("/usr/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins")

#: What a daemon in a network of its own needs to reach others: a way out, and a translator of addresses.
_LEADING_OUT = ("slirp4netns", "iptables")

#: So long a daemon may take to start or to stop.
PATIENCE = 60.0

#: So often a daemon may crash before that is no accident any more.
_MOST_CRASHES = 5


class Missing(Exception):
    """A builder is not at hand; the message says what it lacks."""


class Docker(NamedTuple):
    """A Docker daemon with an empty store of its own."""

    folder: Path
    env: dict[str, str]
    """With these variables `docker` reaches it, and writes no configuration elsewhere."""
    revive: Callable[[], bool]
    """Starts it anew with what it stored, if it has crashed: was that so?

    BuildKit panics now and then ("failed to get edge: inconsistent graph state", moby 28.5) when
    builds that share steps are cancelled or fail at once. Raises RuntimeError if it crashes often.
    """

    @property
    def host(self) -> str:
        return self.env["DOCKER_HOST"]

    def run(
        self,
        *arguments: str,
        data: bytes | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """`docker ARGUMENTS`."""
        done = subprocess.run(
            _client(*arguments),
            input=data,
            capture_output=True,
            env=self.env,
            check=False,
        )
        result = subprocess.CompletedProcess(
            done.args,
            done.returncode,
            done.stdout.decode("utf-8", "replace"),
            done.stderr.decode("utf-8", "replace"),
        )
        if check and result.returncode:
            raise RuntimeError(f"docker {' '.join(arguments)}: {result.stderr.strip()}")
        return result

    def buildx(self, *arguments: str) -> Generator[str]:
        """The lines `buildx ARGUMENTS` writes to stderr; it is ended when no more are read."""
        process = subprocess.Popen(
            _client("buildx", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=self.env,
        )
        assert process.stderr
        try:
            for line in process.stderr:
                yield line.decode("utf-8", "replace")
        finally:
            process.kill()
            process.stderr.close()
            process.wait()

    def api(self) -> http.client.HTTPConnection:
        """A connection to the engine, for what would take a process each."""
        return _connection(self.host)


def _client(*arguments: str) -> list[str]:
    """The command that is `docker ARGUMENTS`, without the client in between where a plugin is meant."""
    if arguments[0] == "buildx":
        plugin = shutil.which("docker-buildx", path=os.pathsep.join(_PLUGINS))
        if plugin:
            return [plugin, *arguments[1:]]
    return [program("docker"), *arguments]


def _connection(host: str) -> http.client.HTTPConnection:
    return _UnixConnection(host.removeprefix("unix://"))


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def program(name: str) -> str:
    """The path of a program; that of the distribution goes before one installed by hand."""
    path = shutil.which(name, path=f"/usr/bin:/usr/sbin:{os.environ.get('PATH', '')}")
    if path is None:
        raise Missing(f"{name} is not installed")
    return path


def need(*programs: str) -> None:
    """Raises `Missing` unless the programs are there and may be used."""
    for name in programs:
        program(name)
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise Missing(f"{programs[0]} needs root")


def mirror(suite: str) -> str:
    """From where this machine has the packages of Debian; raises `Missing`."""
    wanted = ("Created-By: Packages", "Label: Debian", f"Codename: {suite}")
    command = (program("apt-get"), "indextargets", "--format", "$(SITE)", *wanted)
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    if not found:
        raise Missing(f"no source of apt has Debian's {suite}")
    return found[0]


def clean_up_when_told_to_end() -> None:
    """From now on SIGTERM ends this process as ^C does, so that what was started is taken down."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def docker(*, busybox: bool, containerd: bool = False, network: bool = False) -> Generator[Docker]:
    """A daemon that is gone with the block; raises `Missing` where there can be none.

    With *busybox* it has a `busybox:latest` that runs, else no image; then its store is in memory,
    if there is any: thousands of images without files and of builds that run nothing are quicker there.
    With *containerd* it keeps images in the store of containerd. With *network* what it runs reaches
    every network that this machine does, else none.
    """
    need(
        "dockerd", "containerd", "docker", "setpriv", "unshare", *(_LEADING_OUT if network else ())
    )
    with _folder(None if busybox else _MEMORY) as folder:
        env = _docker_env(folder)
        started = _SPARING | (env if busybox else _that_runs_nothing(folder, env))
        options = ("--feature", "containerd-snapshotter=true") if containerd else ()
        command = [*_daemon(folder, env["DOCKER_HOST"], network), *options]
        daemon = _Daemon(folder, command, started, network)
        found = Docker(folder, env, daemon.revive)
        if found.run("buildx", "version", check=False).returncode:
            raise Missing("docker-buildx is not installed")
        try:
            daemon.start()
            if busybox:
                found.run("import", "--change", 'CMD ["sh"]', "-", "busybox", data=busybox_tree())
            yield found
        except BaseException as error:
            daemon.explain(error)
            raise
        finally:
            daemon.stop()


class _Daemon:
    """The process of a daemon, and what starts it."""

    def __init__(
        self, folder: Path, command: Sequence[str], env: Mapping[str, str], network: bool
    ) -> None:
        self._log = folder / "log"
        self._command = command
        self._env = env
        self._network = network
        self._crashes = 0
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Raises `Missing` if it does not answer."""
        with self._log.open("wb") as log:
            process = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._env)
        self._processes.append(process)
        waits_until(lambda: self._answers() or process.poll() is not None, PATIENCE)
        if not self._answers():
            raise Missing(f"dockerd does not start: {self._last_lines(1)}")
        if self._network:
            self._processes.append(_way_out(process.pid))

    def revive(self) -> bool:
        if self._answers():
            return False
        self._crashes += 1
        self.stop()
        if self._crashes > _MOST_CRASHES:
            raise RuntimeError(f"dockerd has crashed {self._crashes} times: {self._last_lines(40)}")
        self.start()
        return True

    def stop(self) -> None:
        while self._processes:
            _stop(self._processes.pop())

    def explain(self, error: BaseException) -> None:
        """Adds to *error* what the daemon said last, if it has ended."""
        status = self._processes[0].poll() if self._processes else None
        if status is not None:
            error.add_note(f"dockerd has ended with {status}:\n{self._last_lines(40)}")

    def _answers(self) -> bool:
        with closing(_connection(self._env["DOCKER_HOST"])) as engine:
            try:
                engine.request("GET", "/_ping")
                return engine.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False

    def _last_lines(self, count: int) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-count:])


def _docker_env(folder: Path) -> dict[str, str]:
    return _inherited() | {
        "DOCKER_HOST": f"unix://{folder}/docker.sock",
        "DOCKER_CONFIG": str(folder / "config"),
        "BUILDX_CONFIG": str(folder / "buildx"),
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
        "TMPDIR": str(folder),  # buildx leaves things there when it is killed
    }


def _that_runs_nothing(folder: Path, env: dict[str, str]) -> dict[str, str]:
    """The environment for a daemon whose containers never begin, which would be in vain."""
    runtime = folder / "bin" / "runc"
    runtime.parent.mkdir()
    runtime.write_text("#!/bin/sh\nexit 1\n")
    runtime.chmod(0o755)
    return env | {"PATH": f"{runtime.parent}:{env['PATH']}"}


def _inherited() -> dict[str, str]:
    """The environment without what would lead to another builder, the right programs first."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DOCKER_", "BUILDX_", "BUILDKIT_", "BUILDAH_", "CONTAINERS_"))
    }
    return kept | {"PATH": f"/usr/bin:/usr/sbin:{os.environ.get('PATH', os.defpath)}"}


def _daemon(folder: Path, host: str, network: bool) -> list[str]:
    """Its command: in a network of its own, where RUN has a bridge, and gone if this process is."""
    return [
        *(program("setpriv"), "--pdeathsig", "TERM", program("unshare"), "--net"),
        *(program("dockerd"), "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"),
        *("-p", f"{folder}/pid", "-H", host, f"--iptables={network}".lower(), "--ip6tables=false"),
    ]


def _way_out(pid: int) -> subprocess.Popen[bytes]:
    """A process by which the network of another reaches those of this machine, but not itself."""
    ready, tells = os.pipe()
    with open(ready, "rb") as ready_file:
        process = subprocess.Popen(
            [
                *(program("setpriv"), "--pdeathsig", "TERM", program("slirp4netns")),
                *("--configure", "--disable-host-loopback", f"--ready-fd={tells}"),
                *(str(pid), "tap0"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[tells],
        )
        os.close(tells)
        if not ready_file.read(1):
            process.wait()
            raise Missing("slirp4netns does not start")
    return process


def waits_until(happens: Callable[[], bool], seconds: float) -> bool:
    """Did it happen within so many seconds?"""
    end = time.monotonic() + seconds
    while not (happened := happens()) and time.monotonic() < end:
        time.sleep(0.1)
    return happened


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _folder(parent: Path | None = None) -> Generator[Path]:
    """A folder with a short path, for sockets; what is mounted in it goes with it."""
    if parent is None or not os.access(parent, os.W_OK):
        parent = Path("/tmp")
    folder = Path(tempfile.mkdtemp(prefix="sl", dir=parent))
    try:
        yield folder
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """Deletes a folder with all that is mounted in it."""
    for mount in reversed(_mounts(folder)):
        subprocess.run(["umount", "--lazy", mount], check=False)
    shutil.rmtree(folder)


def _mounts(folder: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [each for line in lines if (each := line.split()[1]).startswith(f"{folder}/")]


# -- images ----------------------------------------------------------------------------------------


def busybox_tree() -> bytes:
    """A tar of a small system that can run: busybox, and its applets as links."""
    if not BUSYBOX.exists():
        raise Missing("busybox-static is not installed")
    applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True)
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name in ("bin", "etc", "root", "tmp"):
            tar.addfile(_entry(name, tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755))
        body = BUSYBOX.read_bytes()
        tar.addfile(_entry("bin/busybox", tarfile.REGTYPE, 0o755, len(body)), io.BytesIO(body))
        for name in applets.stdout.split():
            if name != "busybox":
                tar.addfile(_entry(f"bin/{name}", tarfile.SYMTYPE, 0o777))
        for name, text in (
            ("passwd", b"root:x:0:0:root:/root:/bin/sh\n"),
            ("group", b"root:x:0:\n"),
        ):
            tar.addfile(_entry(f"etc/{name}", tarfile.REGTYPE, 0o644, len(text)), io.BytesIO(text))
    return target.getvalue()


def _entry(name: str, kind: bytes, mode: int, size: int = 0) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size = kind, mode, size
    entry.linkname = "busybox" if kind == tarfile.SYMTYPE else ""
    return entry


# -- buildah ---------------------------------------------------------------------------------------


@contextmanager
def buildah() -> Generator[dict[str, str]]:
    """The environment for `buildah`, with a store of its own that is gone with the block.

    `FROM busybox` finds the image `localhost/busybox:latest` in it.
    """
    need("buildah")
    with _folder() as folder:
        env = _buildah_env(folder)
        _buildah_busybox(folder, env)
        try:
            yield env
        finally:
            _buildah(env, "rm", "--all")


def _buildah_env(folder: Path) -> dict[str, str]:
    storage = folder / "storage.conf"
    storage.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    )
    registries = folder / "registries.conf"
    registries.write_text('unqualified-search-registries = []\nshort-name-mode = "permissive"\n')
    (folder / "tmp").mkdir()
    return _inherited() | {
        "STORAGE_DRIVER": "vfs",
        "BUILDAH_ISOLATION": "chroot",
        "CONTAINERS_STORAGE_CONF": str(storage),
        "CONTAINERS_REGISTRIES_CONF": str(registries),
        "TMPDIR": str(folder / "tmp"),
    }


def _buildah_busybox(folder: Path, env: Mapping[str, str]) -> None:
    tree = folder / "busybox.tar"
    tree.write_bytes(busybox_tree())
    container = _buildah(env, "from", "scratch")
    _buildah(env, "add", container, str(tree), "/")
    _buildah(env, "config", "--cmd", "sh", container)
    _buildah(env, "commit", "--quiet", "--rm", container, "localhost/busybox:latest")
    tree.unlink()


def _buildah(env: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [program("buildah"), *arguments],
        capture_output=True,
        text=True,
        env=dict(env),
        check=False,
    )
    if done.returncode:
        raise Missing(f"buildah {arguments[0]} fails: {done.stderr.strip()}")
    return done.stdout.strip()
