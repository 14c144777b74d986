"""Sizes of images as registries say them: OCI distribution, GET /v2/NAME/manifests/REFERENCE.

The compressed size of an image is the sum of the layers in its manifest. How large it is unpacked
no registry knows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import cast

from stagelint.model import images
from stagelint.model.base_images import BaseImage
from stagelint.model.images import DOCKER_HUB, Reference
from stagelint.sizes.authorization import DeniedError, authorization
from stagelint.sizes.credentials import Credentials, CredentialsError, find
from stagelint.sizes.deadline import OverdueError, within
from stagelint.sizes.files import LARGEST, is_platform
from stagelint.sizes.web import Answer, Web, WebError, is_safe, origin
from stagelint.tuples import NamedTuple

PLATFORM = "linux/amd64"
TIMEOUT = 120.0

#: Where the API of Docker Hub lives.
_HOSTS = {DOCKER_HUB: "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}
_OCI, _DOCKER = "application/vnd.oci.image", "application/vnd.docker.distribution.manifest"
_INDEXES = (f"{_OCI}.index.v1+json", f"{_DOCKER}.list.v2+json")
_MANIFESTS = (f"{_OCI}.manifest.v1+json", f"{_DOCKER}.v2+json")
_ACCEPT = {"Accept": ", ".join((*_INDEXES, *_MANIFESTS))}
_CONFIGS = (f"{_OCI}.config.v1+json", "application/vnd.docker.container.image.v1+json")
#: An index may name indexes; nobody nests them deeper.
_DEPTH = 4
_SHOWN = 20
#: What a platform without a variant means, as containerd reads it.
_VARIANTS = {"amd64": "v1", "arm": "v7", "arm64": "v8"}
_STATUSES = {
    401: "does not let us in: there is no such image, or it needs other credentials (docker login)",
    403: "does not let us see this image (docker login)",
    404: "has no such image",
    429: "wants us to come back later: too many requests (docker login may help)",
}


class RegistryError(Exception):
    """Sizes that could not be had; *reasons* are lines for the user, one an image."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def parse(reference: str) -> Reference:
    """What *reference*, as after FROM, means; it has a tag. Raises `RegistryError`."""
    reason = images.problem(reference)
    if reason:
        raise RegistryError(f"{reference}: {reason}")
    parsed = images.parse(reference)
    if parsed.digest and not parsed.tag:
        raise RegistryError(f"{reference}: name the tag as well, NAME:TAG@DIGEST: sizes are by tag")
    return parsed if parsed.tag else parsed._replace(tag="latest")


def look_up(
    references: Sequence[str],
    platform: str = PLATFORM,
    *,
    timeout: float = TIMEOUT,
    plain_http: bool = False,
) -> list[BaseImage]:
    """A row for each of *references*, of *platform*, within *timeout* seconds.

    Raises `RegistryError` if one cannot be had, when all were asked for.
    """
    wanted = [(reference, parse(reference)) for reference in dict.fromkeys(references)]

    def ask() -> list[BaseImage]:
        web, secrets = Web(plain_http=plain_http), cache(find)
        rows: list[BaseImage] = []
        reasons: list[str] = []
        for reference, image in wanted:
            try:
                rows.append(_Registry(web, image, secrets).row(platform))
            except (RegistryError, WebError, DeniedError, CredentialsError) as error:
                reasons.append(f"{reference}: {error}")
        if reasons:
            raise RegistryError(*reasons)
        return rows

    try:
        return within(timeout, ask)
    except OverdueError:
        raise RegistryError(f"it took longer than {timeout:g} seconds") from None


class _Document(NamedTuple):
    """An index or a manifest, and its digest."""

    values: dict[str, object]
    digest: str

    @property
    def is_index(self) -> bool:
        return "manifests" in self.values


class _Registry:
    """The registry of one image. Methods raise what `look_up` catches."""

    def __init__(
        self, web: Web, image: Reference, secrets: Callable[[str], Credentials | None]
    ) -> None:
        """*secrets* knows the user's credentials for a registry."""
        self._web, self._image, self._secrets = web, image, secrets
        self._base = web.base(_HOSTS.get(image.domain, image.domain))
        self._authorization = ""

    def row(self, platform: str) -> BaseImage:
        """What is known of the image afterwards."""
        document = self._document(self._image.digest or self._image.tag)
        first, is_chosen, depth = document.digest, False, 1
        while document.is_index:
            if depth == _DEPTH:
                raise RegistryError(f"{self._image.domain}: nests indexes too deeply")
            digest, is_chosen = _chosen(document.values, platform)
            document, depth = self._document(digest), depth + 1
        config = _descriptor(document.values.get("config"))
        kind = config.get("mediaType")
        if kind not in _CONFIGS:
            raise RegistryError(f"is no image, but {_word(kind)}")
        if not is_chosen:
            self._check_platform(str(config["digest"]), platform)
        return BaseImage(
            self._image.name,
            self._image.tag,
            _total(document.values),
            None,
            datetime.now(UTC).date().isoformat(),
            f"{self._image.domain}, {first}",
            platform,
        )

    def _document(self, reference: str) -> _Document:
        """The index or manifest that *reference*, a tag or digest, names."""
        answer = self._get("manifests", reference)
        values = _object(answer)
        digest = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        for each in (reference, answer.headers.get("Docker-Content-Digest", "")):
            if ":" in each:
                _check_digest(answer, each)
        kinds = (values.get("mediaType"), answer.headers.get("Content-Type", "").partition(";")[0])
        is_index, is_manifest = "manifests" in values, "layers" in values
        if is_index == is_manifest or any(
            kind in others for kind in kinds for others in (_MANIFESTS if is_index else _INDEXES,)
        ):
            raise RegistryError(f"the registry answers with {_word(kinds[0] or kinds[1])}")
        return _Document(values, digest)

    def _check_platform(self, digest: str, platform: str) -> None:
        """An image that no index names says itself what it runs on."""
        answer = self._get("blobs", digest)
        _check_digest(answer, digest)
        values = _object(answer)
        shown = _platform(values)
        if shown is None or not _is_same(shown, platform):
            raise RegistryError(f"is of {shown or 'a platform it does not say'}, not of {platform}")

    def _get(self, kind: str, reference: str) -> Answer:
        url = f"{self._base}/v2/{self._image.path}/{kind}/{reference}"
        headers = _ACCEPT if kind == "manifests" else {}
        answer = self._web.get(url, headers, self._authorization)
        if answer.status == 401 and origin(answer.url) == origin(url):
            secret = self._secrets(self._image.domain) if is_safe(url) else None
            scope = f"repository:{self._image.path}:pull"
            try:
                self._authorization = authorization(self._web, answer, scope, secret)
            except DeniedError as error:
                raise DeniedError(f"{self._image.domain} {error}") from None
            answer = self._web.get(url, headers, self._authorization)
        if answer.status != 200:
            what = _STATUSES.get(answer.status, f"answers with status {answer.status}")
            raise RegistryError(f"{self._image.domain} {what}")
        return answer


def _object(answer: Answer) -> dict[str, object]:
    try:
        values = json.loads(answer.body)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        raise RegistryError(f"what answers is no registry: it sends {_word(kind)}, and no JSON")
    return cast("dict[str, object]", values)


def _check_digest(answer: Answer, digest: str) -> None:
    algorithm, _, expected = digest.partition(":")
    if algorithm not in ("sha256", "sha512"):
        raise RegistryError(f"the digest {_word(digest)} is of a kind that cannot be checked")
    if hashlib.new(algorithm, answer.body).hexdigest() != expected:
        raise RegistryError(f"what the registry sends has not the digest {_word(digest)}")


def _descriptor(value: object) -> dict[str, object]:
    """*value* as a descriptor, which names something by its digest."""
    values = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    if not isinstance(values.get("digest"), str) or not _is_digest(str(values["digest"])):
        raise RegistryError("the registry sends a manifest that is none: a digest is missing")
    return values


def _is_digest(text: str) -> bool:
    algorithm, _, value = text.partition(":")
    length = {"sha256": 64, "sha512": 128}.get(algorithm)
    return len(value) == length and all(char in "0123456789abcdef" for char in value)


def _list(values: dict[str, object], key: str) -> Iterator[dict[str, object]]:
    found = values.get(key)
    if not isinstance(found, list):
        raise RegistryError(f"the registry sends a manifest that is none: {key} is no list")
    yield from map(_descriptor, cast("list[object]", found))


def _total(manifest: dict[str, object]) -> int:
    """The bytes of all layers."""
    total = 0
    for layer in _list(manifest, "layers"):
        size = layer.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise RegistryError("the registry says no size of a layer that can be one")
        total += size
        if total > LARGEST:
            raise RegistryError("the registry says that the image has more than 1 TiB")
    return total


def _chosen(index: dict[str, object], platform: str) -> tuple[str, bool]:
    """The digest of what *index* has for *platform*, and whether it says so.

    If it does not, there is one entry alone of which it says nothing.
    """
    known: dict[str, str] = {}
    silent: list[str] = []
    for entry in _list(index, "manifests"):
        values, digest = entry.get("platform"), str(entry["digest"])
        if isinstance(values, dict):
            shown = _platform(cast("dict[str, object]", values))
            if shown is not None and shown != "unknown/unknown":  # those attest, and do not run
                known.setdefault(shown, digest)
        elif "artifactType" not in entry:
            silent.append(digest)
    exact = next((each for each in known if _is_same(each, platform)), None)
    near = next((each for each in known if each.startswith(f"{platform}/")), None)
    if exact or near:
        return known[exact or near or ""], True
    if len(silent) == 1:
        return silent[0], False
    there = ", ".join(list(known)[:_SHOWN]) or "nothing that runs"
    more = ", ..." if len(known) > _SHOWN else ""
    raise RegistryError(f"is not there for {platform}; there is {there}{more} (--platform)")


def _platform(values: dict[str, object]) -> str | None:
    """What an index or a config says of a platform, as `OS/ARCH[/VARIANT]`."""
    parts = [values.get("os"), values.get("architecture"), values.get("variant") or None]
    shown = "/".join(each for each in parts if isinstance(each, str))
    return shown if is_platform(shown) else None


def _is_same(one: str, other: str) -> bool:
    return _full(one) == _full(other)


def _full(platform: str) -> str:
    system, architecture, *variant = platform.split("/")
    default = _VARIANTS.get(architecture, "")
    return f"{system}/{architecture}/{variant[0] if variant else default}"


def _word(value: object) -> str:
    """Something a registry sends, for a message."""
    text = value if isinstance(value, str) and value else "something else"
    return text if len(text) <= 100 else f"{text[:97]}..."
