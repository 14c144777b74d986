"""How many bytes of an image a registry sends."""

from __future__ import annotations

import json
import tarfile
import tempfile
import zlib
from typing import IO

from bench.equivalence import builders

_CHUNK = 1 << 20


class Sizes:
    """Sizes of images that a daemon has, each layer compressed by gzip at its default level."""

    def __init__(self, docker: builders.Docker) -> None:
        self._docker = docker
        self._by_layer: dict[str, int] = {}

    def of(self, tag: str) -> int:
        """In bytes."""
        with tempfile.NamedTemporaryFile(prefix="sl", suffix=".tar") as file:
            self._docker.run("image", "save", "--output", file.name, tag)
            with tarfile.open(file.name) as tar:
                (manifest,) = json.loads(_open(tar, "manifest.json").read())
                document = json.loads(_open(tar, manifest["Config"]).read())
                layers = zip(document["rootfs"]["diff_ids"], manifest["Layers"], strict=True)
                return sum(self._size(digest, tar, name) for digest, name in layers)

    def _size(self, digest: str, tar: tarfile.TarFile, name: str) -> int:
        if digest not in self._by_layer:
            self._by_layer[digest] = _compressed(_open(tar, name))
        return self._by_layer[digest]


def _open(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    member = tar.extractfile(name)
    assert member, name
    return member


def _compressed(layer: IO[bytes]) -> int:
    packer = zlib.compressobj(wbits=31)
    size = 0
    while chunk := layer.read(_CHUNK):
        size += len(packer.compress(chunk))
    return size + len(packer.flush())
