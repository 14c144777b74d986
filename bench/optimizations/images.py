"""Stand-ins for official images, since a daemon of its own has none and the registry may be far.

Their Dockerfile is `bases/Dockerfile`, upon what mmdebstrap makes of Debian 12's packages. What a
machine needs to reach PyPI and npm, its certificates and settings, is part of them: so nothing about
the machine stands in the Dockerfiles that build upon them.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from bench.equivalence import builders
from stagelint import discover
from stagelint.model.file import File

BASES = Path(__file__).parent / "bases"

#: Where those made before are kept, if nothing says where.
CACHE = Path(tempfile.gettempdir(), "stagelint-stand-ins")

#: What the daemon comes with.
AT_HAND = frozenset({"busybox", "busybox:latest"})

#: What else than the packages mmdebstrap is told, by the image it makes; all are parts of its cache's key.
DEBIAN: Mapping[str, tuple[str, ...]] = {
    "made/debian:bookworm": (),
    "made/debian:bookworm-slim": tuple(
        f"--dpkgopt=path-{rule}"
        for rule in (
            *("exclude=/usr/share/doc/*", "include=/usr/share/doc/*/copyright"),
            *("exclude=/usr/share/man/*", "exclude=/usr/share/locale/*"),
            *("exclude=/usr/share/info/*", "exclude=/usr/share/lintian/*"),
        )
    ),
}
#: What goes for this system alone, its answer to APT, does not stay in it. `usrmerge` would bring Perl.
_MMDEBSTRAP = (
    *("--quiet", "--variant=minbase", "--include=ca-certificates,usr-is-merged"),
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
    '--aptopt=APT::Install-Recommends "false"',
    '--customize-hook=rm "$1/etc/apt/apt.conf.d/99mmdebstrap"',
)

#: Settings of pip by the variables that say them.
_PIP = ("PIP_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT")
_CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"

Say = Callable[[str], None]


class UnknownImage(Exception):
    """There is no stand-in of that name."""


def provide(docker: builders.Docker, names: Iterable[str], cache: Path, say: Say) -> None:
    """Have *docker*, which reaches the network, know stand-ins of these *names*.

    Those that were made before come from the folder *cache*, the others are put there. What takes
    long is told to *say*. Raises `UnknownImage`, and `builders.Missing` if they cannot be made here.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sl") as folder:
        maker = _Maker(docker, cache, Path(folder), say)
        for name in sorted(set(names) - AT_HAND):
            maker.provide(name)


class _Maker:
    """Makes stand-ins, each once."""

    def __init__(self, docker: builders.Docker, cache: Path, context: Path, say: Say) -> None:
        self._docker, self._cache, self._context, self._say = docker, cache, context, say
        self._file = File(discover.read(str(BASES / "Dockerfile")))
        write_machine(context / "machine")
        subprocess.run(["cp", "-r", f"{BASES}/.", str(context)], check=True)

    def provide(self, name: str) -> None:
        stage = re.sub(r"[:/]", "-", name)
        index = self._file.find_target(stage)
        if index is None:
            raise UnknownImage(f"there is no stand-in for {name}: see {BASES}/Dockerfile")
        if self._is_loaded(name, self._key(index)):
            return
        for base in self._bases(index):
            self._provide_debian(base)
        start = time.monotonic()
        options = ("--load", "--progress=plain", "--target", stage, "--tag", name)
        done = self._docker.run("buildx", "build", *options, str(self._context), check=False)
        if done.returncode:
            raise builders.Missing(f"no stand-in for {name}: {done.stderr.strip()[-2000:]}")
        self._keep(name, self._key(index), start)

    def _key(self, index: int) -> str:
        """Of all that decides what a stage comes to, but the day."""
        digest = hashlib.sha256(self._file.build.target(index).files.encode())
        digest.update(repr((self._file.build.target(index).config, DEBIAN, _MMDEBSTRAP)).encode())
        for path in sorted(each for each in self._context.rglob("*") if each.is_file()):
            if path.name != "Dockerfile":
                digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    def _bases(self, index: int) -> Iterator[str]:
        for built in self._file.built(index):
            image = self._file.stages[built].base.image
            if image:
                yield image

    def _provide_debian(self, name: str) -> None:
        key = hashlib.sha256(repr((_MMDEBSTRAP, DEBIAN[name])).encode()).hexdigest()[:16]
        if self._is_loaded(name, key):
            return
        start = time.monotonic()
        tree = self._context.parent / f"{self._context.name}.tar"
        try:
            debootstrap(tree, DEBIAN[name])
            self._docker.run("import", str(tree), name)
        finally:
            tree.unlink(missing_ok=True)
        self._keep(name, key, start)

    def _is_loaded(self, name: str, key: str) -> bool:
        if self._docker.run("image", "inspect", name, check=False).returncode == 0:
            return True
        path = self._path(name, key)
        if path.exists():
            self._docker.run("image", "load", "--quiet", "--input", str(path))
        return path.exists()

    def _keep(self, name: str, key: str, start: float) -> None:
        self._say(f"{name}: made in {time.monotonic() - start:.0f} s")
        path = self._path(name, key)
        unfinished = path.with_suffix(f".{os.getpid()}")
        self._docker.run("image", "save", "--output", str(unfinished), name)
        unfinished.rename(path)

    def _path(self, name: str, key: str) -> Path:
        return self._cache / f"{re.sub('[:/]', '-', name)}-{key}.tar"


def debootstrap(target: Path, options: Iterable[str] = (), *, suite: str = "bookworm") -> None:
    """Write a tar of Debian, from where this machine has its packages; raises `builders.Missing`."""
    builders.need("mmdebstrap")
    command = (builders.program("mmdebstrap"), *_MMDEBSTRAP, *options, suite, str(target))
    done = subprocess.run((*command, builders.mirror(suite)), capture_output=True, check=False)
    if done.returncode:
        raise builders.Missing(f"mmdebstrap fails: {done.stderr.decode(errors='replace').strip()}")


def write_machine(folder: Path) -> None:
    """The files by which pip and npm in a container reach what they do on this machine."""
    pip = [f"cert = /{_CERTIFICATES}", "disable-pip-version-check = true"]
    pip += [
        f"{name.removeprefix('PIP_').lower().replace('_', '-')} = {os.environ[name]}"
        for name in _PIP
        if os.environ.get(name)
    ]
    npm = [f"cafile=/{_CERTIFICATES}", "update-notifier=false", "fund=false", "audit=false"]
    registry = os.environ.get("NPM_CONFIG_REGISTRY")
    npm += [f"registry={registry}"] if registry else []
    certificates = Path("/", _CERTIFICATES)
    for path, text in {
        "etc/pip.conf": "\n".join(["[global]", *pip, ""]),
        "usr/local/etc/npmrc": "\n".join([*npm, ""]),
        _CERTIFICATES: certificates.read_text() if certificates.exists() else "",
    }.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
