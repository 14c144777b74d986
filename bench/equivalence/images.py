"""Base images for a daemon that has none: one image under every name that is asked for.

What files a base has is in no digest of the graph, so it has none. What its configuration says does
count, and stagelint assumes nothing of it: all is set, to values that no Dockerfile repeats.
"""

from __future__ import annotations

import http.client
import json
import re
import tarfile
import threading
from collections.abc import Iterable
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlencode

from bench.equivalence.builders import Docker

#: The name of the image itself, which no Dockerfile uses.
NAME = "base.invalid/base:0"

#: It has a layer with nothing in it: to BuildKit an image without layers is scratch.
_LAYER = "base.invalid/layer:0"

_DOCKERFILE = f"""\
FROM {_LAYER}
SHELL ["/bin/of-the-base", "-c"]
ENV PATH=/bin/of-the-base OF_THE_BASE=1
LABEL of=the-base
EXPOSE 1234
VOLUME /of-the-base
STOPSIGNAL SIGUSR1
HEALTHCHECK CMD of-the-base
USER of-the-base
ENTRYPOINT ["of-the-base"]
CMD ["of-the-base"]
"""

_MISSING = re.compile(r"failed to resolve source metadata for (\S+): ")
_REFERENCE = re.compile(r"(?P<repo>[^@]+?)(?::(?P<tag>[\w][\w.-]{0,127}))?\Z")


class Images:
    """The images of a daemon, by way of its API: a `docker` process each would take too long."""

    def __init__(self, daemon: Docker) -> None:
        self._daemon = daemon
        self._connection = daemon.api()
        self._lock = threading.Lock()
        self._tagged: set[str] = set()
        daemon.run("import", "-", _LAYER, data=_empty_tar())
        daemon.run("buildx", "build", "--tag", NAME, "-", data=_DOCKERFILE.encode())

    def provide(self, references: Iterable[str]) -> None:
        """Makes every reference that can be an image one."""
        for reference in references:
            self._tag(reference)

    def provide_missing(self, error: str) -> bool:
        """Makes the image whose lack *error* complains about; false if that does not help."""
        missing = _MISSING.search(error)
        return missing is not None and self._tag(missing[1])

    def _tag(self, reference: str) -> bool:
        match = _REFERENCE.match(reference)
        if reference in self._tagged or match is None:
            return False
        query = urlencode({"repo": match["repo"], "tag": match["tag"] or "latest"})
        status, _ = self._request("POST", f"/images/{quote(NAME, safe='')}/tag?{query}")
        self._tagged.add(reference)
        return status == 201

    def inspect(self, name: str) -> dict[str, Any]:
        """What the daemon knows of an image."""
        status, body = self._request("GET", f"/images/{quote(name, safe='')}/json")
        if status != 200:
            raise RuntimeError(f"no image {name}: {body!r}")
        return json.loads(body)

    def remove(self, name: str) -> None:
        """Takes a tag away, and the image if it was its last."""
        self._request("DELETE", f"/images/{quote(name, safe='')}")

    def _request(self, method: str, path: str) -> tuple[int, bytes]:
        with self._lock:
            for last in (False, True):
                try:
                    self._connection.request(method, path)
                    response = self._connection.getresponse()
                    return response.status, response.read()
                except (http.client.HTTPException, OSError):  # it was idle for too long
                    self._connection.close()
                    if last:
                        raise
        raise AssertionError


def _empty_tar() -> bytes:
    target = BytesIO()
    tarfile.open(fileobj=target, mode="w").close()
    return target.getvalue()
