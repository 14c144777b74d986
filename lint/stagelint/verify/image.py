"""An image as a builder exports it: an OCI layout or `docker save`, in a tar."""

from __future__ import annotations

import io
import json
import posixpath
import tarfile
import zlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, cast

from stagelint.verify.layers import Files
from stagelint.verify.process import CouldNotTellError
from stagelint.verify.verdict import Entry, Size

#: The fields of an image config that say how a container runs (OCI image spec v1.1, config.md, and
#: those that only Docker has). The others say how and when it was made.
SETTINGS = (
    "Env Cmd Entrypoint User WorkingDir ExposedPorts Volumes Labels StopSignal Shell Healthcheck"
    " OnBuild"
).split()
#: Beside the config: whom it runs on, and MAINTAINER; upper case in `docker image inspect`.
_BESIDE = ("architecture", "os", "variant", "author")
_JSON_LIMIT = 16 << 20
#: An index may lead to an index; more of them than this nobody writes.
_DEPTH = 4

Json = Mapping[str, Any]


def settings(document: Json) -> dict[str, object]:
    """What of an image's JSON counts: what is empty is as good as missing."""
    config = _mapping(document.get("config") or document.get("Config") or {})
    found: dict[str, object] = {name: config.get(name) for name in SETTINGS}
    for name in _BESIDE:
        found[name] = document.get(name) or document.get(name.capitalize())
    return {name: value for name, value in found.items() if value}


def write_empty(path: str, document: Json) -> None:
    """Make a tar of an image without layers, with the JSON *document*."""
    files: dict[str, object] = {
        "manifest.json": [{"Config": "config.json", "Layers": []}],
        "config.json": document,
    }
    with tarfile.open(path, "w") as tar:
        for name, value in files.items():
            data = json.dumps(value).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


class Image:
    """The image in the tar at *path*. All that is read of it raises `CouldNotTellError`."""

    def __init__(self, path: str, check: Callable[[], None]) -> None:
        """*check* is called while reading, and raises if the reading should end."""
        self._path = path
        self._check = check

    @cached_property
    def _manifest(self) -> tuple[Json, list[str]]:
        """The image's JSON, and the members of the tar that are its layers."""
        with self._open() as tar:
            members = _Members(tar)
            manifest = members.manifest()
            config = _mapping(members.json(str(manifest["Config"])))
            return config, [str(each) for each in manifest["Layers"] or ()]

    @property
    def settings(self) -> dict[str, object]:
        return settings(self._manifest[0])

    @property
    def layers(self) -> list[str]:
        """The digests of the layers as they are uncompressed."""
        root = _mapping(self._manifest[0].get("rootfs") or {})
        return [str(each) for each in root.get("diff_ids") or ()]

    @cached_property
    def _content(self) -> tuple[dict[str, Entry], Size]:
        names, size = self._manifest[1], 0
        files = Files(self._check)
        with self._open() as tar:
            members = _Members(tar)
            for name in names:
                size += files.add(members.open(name))
        return files.complete(), Size(len(names), size)

    @property
    def files(self) -> dict[str, Entry]:
        """Every file by its absolute path."""
        return self._content[0]

    @property
    def size(self) -> Size:
        return self._content[1]

    @contextmanager
    def _open(self) -> Generator[tarfile.TarFile]:
        try:
            with tarfile.open(self._path) as tar:
                yield tar
        except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
            raise CouldNotTellError(f"the image cannot be read: {error}") from None
        except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
            raise CouldNotTellError(f"the image is not understood: {error!r}") from None


class _Members:
    """The members of the outer tar by name; Docker before 25.0 links layers that it has twice."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._members = {posixpath.normpath(each.name): each for each in tar}

    def open(self, name: str) -> tarfile.ExFileObject:
        member = self._members[posixpath.normpath(name)]
        if member.issym():
            folder = posixpath.dirname(member.name)
            member = self._members[posixpath.normpath(posixpath.join(folder, member.linkname))]
        content = self._tar.extractfile(member) if member.isreg() else None
        if content is None:
            raise ValueError(f"{name} is no file")
        return cast("tarfile.ExFileObject", content)

    def json(self, name: str) -> Any:
        return json.loads(self.open(name).read(_JSON_LIMIT))

    def manifest(self) -> Json:
        """`Config` and `Layers` of the only image, as `docker save` calls them."""
        if "manifest.json" in self._members:
            return _mapping(self.json("manifest.json")[0])
        found = _mapping(self.json("index.json"))
        for _ in range(_DEPTH):
            if "manifests" in found:
                images = [each for each in map(_mapping, found["manifests"]) if _is_image(each)]
                found = _mapping(self.json(_blob(images[0])))
        return {
            "Config": _blob(_mapping(found["config"])),
            "Layers": [_blob(_mapping(each)) for each in found["layers"] or ()],
        }


def _is_image(descriptor: Json) -> bool:
    """BuildKit puts attestations beside the image."""
    annotations = _mapping(descriptor.get("annotations") or {})
    return annotations.get("vnd.docker.reference.type") != "attestation-manifest"


def _blob(descriptor: Json) -> str:
    algorithm, _, digest = str(descriptor["digest"]).partition(":")
    return f"blobs/{algorithm}/{digest}"


def _mapping(value: Any) -> Json:
    if not isinstance(value, dict):
        raise TypeError("a JSON object is missing")
    return cast("Json", value)
