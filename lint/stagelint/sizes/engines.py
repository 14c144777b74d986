"""The images that a builder of this machine has, and how large they are there.

What an engine knows is the size of an image unpacked, of the platform it has.

- Docker with its classic store, and Podman: `Size` of `image inspect`, the bytes of all files.
- Docker with the store of containerd, the default of new installations since version 29, keeps the
  layers as they came as well. There `Size` of `image inspect` was that of the packed layers, and
  since August 2026 is that of both; `image ls` shows both. But `docker history` tells of each layer
  what it takes unpacked, with either store. It counts blocks of the disk, so that images of small
  files are a little larger there. An image that was never unpacked has no such size.
- Buildah says three digits (`2.13 MB`), and its sizes are approximate.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from shutil import which
from typing import Any, cast

from stagelint.model import images as references
from stagelint.model.base_images import BaseImage
from stagelint.sizes.files import LARGEST, is_platform
from stagelint.verify.process import Answer, CouldNotTellError, Runner

#: Seconds for all that is asked of an engine, which may have to wake up.
TIMEOUT = 60.0
#: So many images are named in one command: Windows takes 32 000 characters.
_AT_ONCE = 200
_UNITS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


class EngineError(Exception):
    """An engine that cannot be asked; the message is one line for the user."""


def images(engine: str, timeout: float = TIMEOUT) -> list[BaseImage]:
    """What *engine* (docker, podman or buildah) has, a row for each name of an image.

    Raises `EngineError` if it is not there, fails, or takes longer than *timeout* seconds.
    """
    program = which(engine)
    if program is None:
        raise EngineError(f"{engine}: not installed, or not on the PATH")
    asked = _Engine(engine, program, Runner(timeout))
    try:
        return list(asked.buildah() if engine == "buildah" else asked.docker())
    except CouldNotTellError as error:
        raise EngineError(f"{engine}: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise EngineError(f"{engine}: does not say of its images what is expected") from None


class _Engine:
    """One engine. All methods raise `EngineError` and what `Runner.ask` raises."""

    def __init__(self, name: str, program: str, runner: Runner) -> None:
        self._name, self._program, self._runner = name, program, runner
        self._today = date.today().isoformat()

    def docker(self) -> Iterator[BaseImage]:
        """Docker's images, or Podman's, whose command line is the same."""
        listed = self._ask("image", "ls", "--quiet", "--no-trunc").out.split()
        ids = list(dict.fromkeys(listed))
        for start in range(0, len(ids), _AT_ONCE):
            for image in self._inspected(ids[start : start + _AT_ONCE]):
                names = cast("list[str]", image.get("RepoTags") or [])
                if not names:
                    continue
                parts = (image.get("Os"), image.get("Architecture"), image.get("Variant"))
                size = self._history(str(image["Id"])) if "Descriptor" in image else image["Size"]
                yield from self._rows(names, size, parts)

    def _inspected(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """What is known of *ids*; one that was removed a moment ago fails, and the rest is said."""
        answer = self._ask("image", "inspect", *ids, may_fail=True)
        found = _list(answer.out)
        if answer.status and not found:
            raise EngineError(self._failure(answer))
        return found

    def _history(self, name: str) -> int | None:
        """Bytes of the layers of an image as they lie unpacked in the store of containerd."""
        command = ("history", "--human=false", "--format", "{{.Size}}", name)
        answer = self._ask(*command, may_fail=True)
        return None if answer.status else sum(map(int, answer.out.split()))

    def buildah(self) -> Iterator[BaseImage]:
        """Buildah's images; it tells the platform of each by itself."""
        for image in _list(self._ask("images", "--json", "--no-trunc").out):
            names = cast("list[str]", image.get("names") or [])
            if not names:
                continue
            shown = "{{.OCIv1.OS}}/{{.OCIv1.Architecture}}"
            command = ("inspect", "--type=image", "--format", shown, str(image["id"]))
            platform = self._ask(*command).out
            yield from self._rows(names, _bytes(str(image["size"])), platform.strip().split("/"))

    def _rows(
        self, names: Iterable[str], size: object, platform: Iterable[str | None]
    ) -> Iterator[BaseImage]:
        is_size = isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= LARGEST
        shown = "/".join(filter(None, platform))
        if not is_size or not is_platform(shown):
            return
        for full in (each for each in names if "@" not in each and not references.problem(each)):
            name, _, tag = references.canonical(full).rpartition(":")
            yield BaseImage(
                name,
                tag,
                None,
                cast("int", size),
                self._today,
                f"{self._name} on this machine",
                shown,
                self._name == "buildah",
            )

    def _ask(self, *command: str, may_fail: bool = False) -> Answer:
        answer = self._runner.ask([self._program, *command])
        if answer.status and not may_fail:
            raise EngineError(self._failure(answer))
        return answer

    def _failure(self, answer: Answer) -> str:
        lines = answer.err.strip().splitlines() or [f"ends with status {answer.status}"]
        return f"{self._name}: {lines[-1].strip()}"


def _list(text: str) -> list[dict[str, Any]]:
    """A list of objects in JSON; nothing at all, or null, is an empty one."""
    return cast("list[dict[str, Any]]", list(json.loads(text) or [])) if text.strip() else []


def _bytes(text: str) -> int:
    """Of `2.13 MB`. Raises `ValueError`."""
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,6})?) ?([kKMGT]?B)", text)
    if match is None:
        raise ValueError(text)
    return round(float(match[1]) * _UNITS[match[2]])
