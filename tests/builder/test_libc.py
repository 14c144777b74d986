"""What SL206 says is so: such programs do not start, and do once they are fixed."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.equivalence import builders
from stagelint.cli import main

#: What the SDKs are made of: packages of this machine, which is a Debian 12.
PACKAGES = ("gcc", "libc6-dev", "golang-1.19-go")

#: Parts of them that no compiler needs.
LEFT_OUT = (
    *("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/go-1.19/test/"),
    *("/usr/lib/x86_64-linux-gnu/gconv/", "/usr/lib/go-1.19/pkg/linux_amd64_"),
)

IN_C = {"main.c": '#include <stdio.h>\nint main(void) { puts("it runs"); return 0; }\n'}
IN_GO = {
    "go.mod": "module example.com/it\n",
    "main.go": (
        'package main\nimport ("fmt"; "net")\n'
        'func main() { net.ParseIP("::1"); fmt.Println("it runs") }\n'
    ),
}


class Case(NamedTuple):
    base: str
    sdk: str
    files: Mapping[str, str]
    command: str
    fixed: str

    def dockerfile(self, command: str) -> str:
        return (
            f"FROM {self.sdk} AS build\nWORKDIR /src\nCOPY . .\nRUN {command}\n"
            f'FROM {self.base}\nCOPY --from=build /out/it /it\nENTRYPOINT ["/it"]\n'
        )


CASES = [
    Case(base, *sdk)
    for base in ("scratch", "alpine:3.22")
    for sdk in (
        ("gcc:12", IN_C, "gcc -o /out/it main.c", "gcc -static -o /out/it main.c"),
        ("golang:1.19", IN_GO, "go build -o /out/it .", "CGO_ENABLED=0 go build -o /out/it ."),
    )
]


@pytest.fixture(scope="module")
def sdks(
    docker: builders.Docker, compilers: Path, tmp_path_factory: pytest.TempPathFactory
) -> builders.Docker:
    """The daemon with images that are called as the official ones, and have what counts."""
    folder = tmp_path_factory.mktemp("images")
    tree = folder / "sdk.tar"
    _pack(tree)
    path = "ENV PATH=/usr/lib/go-1.19/bin:/usr/bin"
    docker.run("import", "--change", path, "--change", "ENV HOME=/tmp", str(tree), "golang:1.19")
    docker.run("tag", "golang:1.19", "gcc:12")
    tree.unlink()
    (folder / "loader").write_bytes(compilers.read_bytes())
    (folder / "Dockerfile").write_text(f"FROM busybox\nCOPY loader {compilers}\n")
    docker.run("buildx", "build", "--tag", "alpine:3.22", str(folder))
    return docker


def _pack(target: Path) -> None:
    """The files of the packages and what they depend on, and a shell."""
    with tarfile.open(target, "w") as tar:
        for name in ("bin", "lib", "lib64", "sbin"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
        for path in dict.fromkeys(_files()):
            if not f"{path}/".startswith(LEFT_OUT):
                tar.add(path, recursive=False)
        for name in ("sh", "mkdir"):
            tar.add(builders.BUSYBOX, f"usr/bin/{name}")
        for name in ("tmp", "out"):
            tar.add("/tmp", name, recursive=False)


def _files() -> Iterator[str]:
    """In `/usr`, where what lies in `/lib` is as well."""
    depends = _lines("apt-cache", "depends", "--recurse", "--installed", "--important", *PACKAGES)
    packages = [line for line in depends if line[0] not in " <|"]
    for line in _lines("dpkg-query", "--listfiles", *packages):
        if line.startswith("/") and line != "/.":
            folder, name = os.path.split(line)
            path = os.path.join(os.path.realpath(folder), name)
            if path.startswith("/usr/"):
                yield path


def _lines(*command: str) -> list[str]:
    env = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.sdk} to {case.base}")
def test_a_program_starts_once_it_is_fixed(
    sdks: builders.Docker, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in case.files.items():
        Path(name).write_text(text)
    file = Path("Dockerfile")
    file.write_text(case.dockerfile(case.command))

    before = _run(sdks)
    options = ("--fix-only", "--unsafe-fixes", "--isolated", "--project", ".", "--select", "SL206")
    main([*options, "Dockerfile"])
    after = _run(sdks)

    assert file.read_text() == case.dockerfile(case.fixed)
    assert before.returncode and "no such file or directory" in before.stderr + before.stdout
    assert (after.returncode, after.stdout) == (0, "it runs\n")


def _run(docker: builders.Docker) -> subprocess.CompletedProcess[str]:
    docker.run("buildx", "build", "--load", "--tag", "it", ".")
    return docker.run("run", "--rm", "--network", "none", "it", check=False)
