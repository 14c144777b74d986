"""`stagelint catalog`: registries that are honest, slow or lying, and what comes of each."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stagelint import sizes
from stagelint.cli import main
from stagelint.sizes import authorization, credentials, deadline, registry, web
from stagelint.sizes.credentials import Credentials, CredentialsError
from stagelint.sizes.files import LARGEST
from stagelint.sizes.registry import RegistryError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, no credentials, no proxy, and short waits between tries."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(web, "_LONGEST_WAIT", 0.05)
    return tmp_path


# -- a registry whose every answer can be chosen ---------------------------------------------------


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def authorization(self) -> str:
        return self.headers.get("Authorization", "")


class Reply(NamedTuple):
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = {}


Choose = Callable[[Request], Reply]


class QuietServer(ThreadingHTTPServer):
    """Does not print a traceback, into what a test reads, when a client has hung up."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class Server:
    """An HTTP server on this machine. What it answers is what *choose* says."""

    def __init__(self, choose: Choose) -> None:
        self.choose: Choose = choose
        self.requests: list[Request] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                request = Request(self.command, self.path, dict(self.headers), body)
                outer.requests.append(request)
                reply = outer.choose(request)
                self.send_response(reply.status)
                for name, value in {
                    "Content-Length": str(len(reply.body)),
                    **reply.headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._http = QuietServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._http.server_port}"

    @property
    def image(self) -> str:
        return f"{self.host}/team/base:1.2"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Choose], Server]]:
    """Starts servers, which end with the test."""
    servers: list[Server] = []

    def start(choose: Choose) -> Server:
        servers.append(Server(choose))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


Serve = Callable[[Choose], Server]


def data_of(value: object) -> bytes:
    return json.dumps(value).encode()


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def config(platform: str = "linux/amd64") -> bytes:
    names = ("os", "architecture", "variant")
    return data_of(dict(zip(names, platform.split("/"), strict=False)))


def manifest(*layers: object, platform: str = "linux/amd64", **changes: object) -> dict[str, Any]:
    found = config(platform)
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest_of(found), "size": len(found)},
        "layers": [
            {"digest": digest_of(b"layer"), "size": size, "mediaType": "x"} for size in layers
        ],
        **changes,
    }


def index(entries: Mapping[str, bytes], **changes: object) -> dict[str, Any]:
    """An index of manifests by their platforms."""
    names = ("os", "architecture", "variant")
    return {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [
            {
                "mediaType": MANIFEST,
                "digest": digest_of(data),
                "size": len(data),
                "platform": dict(zip(names, platform.split("/"), strict=False)),
            }
            for platform, data in entries.items()
        ],
        **changes,
    }


def holding(tag: object, *blobs: bytes, **headers: str) -> Choose:
    """A registry that has *tag* under every tag, and *blobs* by their digests."""
    data = tag if isinstance(tag, bytes) else data_of(tag)
    known = {digest_of(each): each for each in (*blobs, config(), data)}

    def choose(request: Request) -> Reply:
        reference = request.path.rpartition("/")[2]
        found = known.get(reference) if ":" in reference else data
        return Reply(b"", 404) if found is None else Reply(found, headers=headers)

    return choose


def reasons_of(*references: str, **options: Any) -> list[str]:
    with pytest.raises(RegistryError) as caught:
        registry.look_up(references, **options)
    assert all(reason.isprintable() for reason in caught.value.reasons)
    return list(caught.value.reasons)


# -- honest ones -----------------------------------------------------------------------------------


def test_the_size_is_the_sum_of_the_layers(serve: Serve) -> None:
    server = serve(holding(manifest(1000, 0, 234)))

    (row,) = registry.look_up([server.image, server.image])

    digest = digest_of(data_of(manifest(1000, 0, 234)))
    assert row[:4] == (f"{server.host}/team/base", "1.2", 1234, None)
    assert (row.platform, row.source) == ("linux/amd64", f"{server.host}, {digest}")
    paths = [each.path for each in server.requests]
    assert paths == ["/v2/team/base/manifests/1.2", f"/v2/team/base/blobs/{digest_of(config())}"]
    accepted = server.requests[0].headers["Accept"].split(", ")
    assert len(accepted) == 4
    assert {MANIFEST, INDEX} < set(accepted)


ARM = {"linux/arm/v6": 6, "linux/arm/v7": 7, "linux/arm64/v8": 8, "linux/amd64": 64}


@pytest.mark.parametrize(
    ("platform", "size"),
    [
        ("linux/amd64", 64),
        ("linux/arm", 7),
        ("linux/arm/v6", 6),
        ("linux/arm64", 8),
        ("linux/arm64/v8", 8),
    ],
)
def test_of_an_index_the_platform_counts(serve: Serve, platform: str, size: int) -> None:
    data = {each: data_of(manifest(number)) for each, number in ARM.items()}
    attested = {"unknown/unknown": data_of(manifest(1))}
    server = serve(holding(index({**attested, **data}), *data.values()))

    (row,) = registry.look_up([server.image], platform)

    assert (row.compressed, row.platform) == (size, platform)


def test_a_platform_that_is_not_there(serve: Serve) -> None:
    data = {each: data_of(manifest(number)) for each, number in ARM.items()}
    server = serve(holding(index(data), *data.values()))

    (said,) = reasons_of(server.image, platform="linux/s390x")
    there = "linux/arm/v6, linux/arm/v7, linux/arm64/v8, linux/amd64"
    assert said.endswith(f"is not there for linux/s390x; there is {there} (--platform)")


def test_an_image_without_an_index_says_its_platform(serve: Serve) -> None:
    found = manifest(5, platform="linux/arm64")
    server = serve(holding(found, config("linux/arm64")))

    assert registry.look_up([server.image], "linux/arm64/v8")[0].compressed == 5
    assert reasons_of(server.image) == [f"{server.image}: is of linux/arm64, not of linux/amd64"]


def test_an_index_may_lie_in_an_index_or_be_silent(serve: Serve) -> None:
    data = data_of(manifest(9))
    inner = data_of(index({"linux/amd64": data}))
    entry = {"mediaType": INDEX, "digest": digest_of(inner), "size": len(inner)}
    server = serve(holding({"mediaType": INDEX, "manifests": [entry]}, inner, data))

    assert registry.look_up([server.image])[0].compressed == 9

    del entry["mediaType"]
    entry["digest"] = digest_of(data)
    server.choose = holding({"manifests": [entry]}, data)
    assert registry.look_up([server.image])[0].compressed == 9


def test_a_pinned_image_is_asked_for_by_its_digest(serve: Serve) -> None:
    data = data_of(manifest(3))
    server = serve(holding(data))

    (row,) = registry.look_up([f"{server.image}@{digest_of(data)}"])

    assert (row.tag, row.compressed) == ("1.2", 3)
    assert server.requests[0].path.endswith(digest_of(data))


def test_docker_hub_lives_elsewhere() -> None:
    assert registry.parse("python") == ("docker.io", "library/python", "latest", "")
    assert web.Web().base("registry-1.docker.io") == "https://registry-1.docker.io"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("A", "A: invalid reference format: repository name (library/A) must be lowercase"),
        (
            f"python@sha256:{'a' * 64}",
            "name the tag as well, NAME:TAG@DIGEST: sizes are by tag",
        ),
    ],
)
def test_what_is_no_image_is_asked_of_nobody(reference: str, reason: str) -> None:
    (said,) = reasons_of(reference)
    assert said.endswith(reason)


# -- lying ones ------------------------------------------------------------------------------------

LAYER = {"digest": digest_of(b"layer"), "size": 1}
ODD: dict[str, object] = {"os": [], "architecture": "\x1b"}


def nested(depth: int) -> tuple[bytes, list[bytes]]:
    """An index that leads to an index ..., and all of them."""
    data, known = data_of(manifest(1)), [data_of(manifest(1))]
    for _ in range(depth):
        data = data_of(index({"linux/amd64": data}))
        known.append(data)
    return data, known


NO_MANIFESTS: list[tuple[object, str]] = [
    (b"<html>hello", "what answers is no registry: it sends text/html, and no JSON"),
    (b"[1]", "what answers is no registry"),
    (b"\xff", "what answers is no registry"),
    (b"[" * 100_000, "what answers is no registry"),
    ({}, "the registry answers with text/html"),
    ({"schemaVersion": 1, "fsLayers": []}, "the registry answers with text/html"),
    (manifest(1, manifests=[]), f"the registry answers with {MANIFEST}"),
    (manifest(1, mediaType=INDEX), f"the registry answers with {INDEX}"),
    (index({}, mediaType=MANIFEST), f"the registry answers with {MANIFEST}"),
    (index({}), "is not there for linux/amd64; there is nothing that runs (--platform)"),
    (index({}, manifests=7), "a manifest that is none: manifests is no list"),
    (index({}, manifests=[7]), "a manifest that is none: a digest is missing"),
    (
        index({}, manifests=[{"digest": "sha256:../../secret"}]),
        "a manifest that is none: a digest is missing",
    ),
    (index({}, manifests=[LAYER, LAYER]), "there is nothing that runs"),
    (index({}, manifests=[{**LAYER, "platform": ODD}]), "there is nothing that runs"),
    (index({"linux/amd64": b"gone"}), "has no such image"),
    (manifest(-1), "the registry says no size of a layer that can be one"),
    (manifest(1.5), "the registry says no size of a layer that can be one"),
    (manifest("7"), "the registry says no size of a layer that can be one"),
    (manifest(True), "the registry says no size of a layer that can be one"),
    (manifest(None), "the registry says no size of a layer that can be one"),
    (manifest(LARGEST, 1), "the registry says that the image has more than 1 TiB"),
    (manifest(10**400), "the registry says that the image has more than 1 TiB"),
    (manifest(layers={}), "a manifest that is none: layers is no list"),
    (manifest(layers=["x"]), "a manifest that is none: a digest is missing"),
    (manifest(1, config=None), "a manifest that is none: a digest is missing"),
    (
        manifest(1, config={"mediaType": "application/x", "digest": digest_of(b"")}),
        "is no image, but application/x",
    ),
    (
        manifest(1, config={"mediaType": CONFIG, "digest": digest_of(b"")}),
        "has no such image",
    ),
]


@pytest.mark.parametrize(("answer", "reason"), NO_MANIFESTS)
def test_what_is_no_manifest(serve: Serve, answer: object, reason: str) -> None:
    server = serve(holding(answer, **{"Content-Type": "text/html; charset=utf-8"}))

    (said,) = reasons_of(server.image)
    assert reason in said
    assert len(server.requests) <= 2


def test_an_index_that_never_ends(serve: Serve) -> None:
    outer, all_of_them = nested(4)
    server = serve(holding(outer, *all_of_them))

    assert reasons_of(server.image) == [f"{server.image}: {server.host}: nests indexes too deeply"]
    outer, all_of_them = nested(3)
    server.choose = holding(outer, *all_of_them)
    assert registry.look_up([server.image])[0].compressed == 1


def test_digests_are_checked(serve: Serve) -> None:
    other = digest_of(b"other")
    said = f"what the registry sends has not the digest {other}"
    server = serve(holding(manifest(1), **{"Docker-Content-Digest": other}))
    assert reasons_of(server.image) == [f"{server.image}: {said}"]

    server.choose = lambda request: Reply(data_of(manifest(1)))
    assert reasons_of(f"{server.image}@{other}") == [f"{server.image}@{other}: {said}"]

    of_config = digest_of(config())
    assert reasons_of(server.image) == [
        f"{server.image}: what the registry sends has not the digest {of_config}"
    ]
    server.choose = holding(manifest(1), **{"Docker-Content-Digest": "md5:" + "a" * 32})
    assert reasons_of(server.image)[0].endswith("is of a kind that cannot be checked")

    strong = f"sha512:{hashlib.sha512(data_of(manifest(1))).hexdigest()}"
    server.choose = lambda request: (
        Reply(config()) if "blobs" in request.path else Reply(data_of(manifest(1)))
    )
    assert registry.look_up([f"{server.image}@{strong}"])[0].compressed == 1


def test_an_answer_without_end(serve: Serve) -> None:
    server = serve(lambda request: Reply(b" " * ((4 << 20) + 1)))

    assert reasons_of(server.image) == [f"{server.image}: {server.host}: sends more than 4 MiB"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "answers with status 400"),
        (401, "asks for credentials of a kind that is not known"),
        (403, "does not let us see this image (docker login)"),
        (404, "has no such image"),
    ],
)
def test_a_registry_that_refuses(serve: Serve, status: int, reason: str) -> None:
    server = serve(lambda request: Reply(b"", status))

    assert reasons_of(server.image) == [f"{server.image}: {server.host} {reason}"]
    assert len(server.requests) == 1


# -- slow and broken ones --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_registry_is_asked_again(serve: Serve, status: int) -> None:
    honest = holding(manifest(7))

    def choose(request: Request) -> Reply:
        is_busy = len(server.requests) < 4
        return Reply(b"busy", status, {"Retry-After": "3600"}) if is_busy else honest(request)

    server = serve(choose)
    start = time.monotonic()

    assert registry.look_up([server.image])[0].compressed == 7
    assert len(server.requests) == 5
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("after", ["soon", "9" * 5000, "-1"])
def test_a_registry_that_stays_busy(serve: Serve, after: str) -> None:
    server = serve(lambda request: Reply(b" " * (5 << 20), 429, {"Retry-After": after}))

    (said,) = reasons_of(server.image)
    assert "sends more than 4 MiB" in said

    server.choose = lambda request: Reply(b"", 429, {"Retry-After": after})
    server.requests.clear()
    (said,) = reasons_of(server.image)
    assert said.endswith("too many requests (docker login may help)")
    assert len(server.requests) == 4


def test_a_connection_that_breaks_is_tried_again(serve: Serve) -> None:
    honest = holding(manifest(7))

    def choose(request: Request) -> Reply:
        if len(server.requests) == 1:
            return Reply(b"{", headers={"Content-Length": "100", "Connection": "close"})
        return honest(request)

    server = serve(choose)

    assert registry.look_up([server.image])[0].compressed == 7


def test_nobody_is_there(serve: Serve) -> None:
    server = serve(holding(manifest(1)))
    server.close()

    (said,) = reasons_of(server.image)
    assert said == f"{server.image}: {server.host}: cannot be reached: connection refused"


def never(parsed: object) -> bool:
    return False


def test_somebody_else_is_there(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(holding(manifest(1)))
    monkeypatch.setattr(web, "is_here", never)

    (said,) = reasons_of(server.image)  # which is asked by TLS now
    assert "no secure connection" in said


def test_silence_ends(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "READ", 0.5)

    def choose(request: Request) -> Reply:
        time.sleep(2)
        return Reply()

    server = serve(choose)
    assert reasons_of(server.image) == [
        f"{server.image}: {server.host}: sends nothing for 0.5 seconds"
    ]


def test_a_byte_now_and_then_ends_too(serve: Serve) -> None:
    """No read takes long here, but all of them would."""

    def choose(request: Request) -> Reply:
        time.sleep(0.3)
        return Reply(b"", 302, {"Location": f"/{len(server.requests)}"})

    server = serve(choose)
    start = time.monotonic()

    assert reasons_of(server.image, timeout=0.7) == ["it took longer than 0.7 seconds"]
    assert time.monotonic() - start < 5


def test_a_deadline_raises_what_the_work_raises() -> None:
    assert deadline.within(1, lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        deadline.within(1, lambda: 1 // 0)
    with pytest.raises(deadline.OverdueError):
        deadline.within(0.01, lambda: time.sleep(1))


# -- redirects -------------------------------------------------------------------------------------


def test_a_redirect_takes_no_credentials_along(serve: Serve) -> None:
    login({"auths": {}})
    honest = holding(manifest(7))
    other = serve(honest)

    def choose(request: Request) -> Reply:
        if not request.authorization:
            return Reply(b"", 401, {"WWW-Authenticate": 'Basic realm="x"'})
        return Reply(b"", 307, {"Location": f"http://{other.host}{request.path}"})

    server = serve(choose)
    login({"auths": {server.host: {"username": "me", "password": "secret"}}})

    assert registry.look_up([server.image])[0].compressed == 7
    assert server.requests[-1].authorization
    assert not any(each.authorization for each in other.requests)


def test_where_a_redirect_leads_nobody_gets_credentials(serve: Serve) -> None:
    other = serve(lambda request: Reply(b"", 401, {"WWW-Authenticate": 'Basic realm="x"'}))
    server = serve(lambda request: Reply(b"", 302, {"Location": f"http://{other.host}/"}))
    login({"auths": {each.host: {"auth": encoded("me:secret")} for each in (server, other)}})

    (said,) = reasons_of(server.image)
    assert "does not let us in" in said
    assert len(other.requests) == 1


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("", "redirects to nowhere"),
        ("/again", "redirects more than 5 times"),
        ("http://registry.example.com/", "is not asked without TLS (--plain-http allows it)"),
        ("ftp://registry.example.com/", "is no address of http"),
        ("file:///etc/passwd", "is no address of http"),
        ("http://[", "is no address of http"),
    ],
)
def test_redirects_that_are_not_followed(serve: Serve, location: str, reason: str) -> None:
    server = serve(lambda request: Reply(b"", 301, {"Location": location}))

    (said,) = reasons_of(server.image)
    assert reason in said
    assert len(server.requests) in (1, 6)


def test_from_https_no_redirect_leads_to_http() -> None:
    answer = web.Answer(
        "https://example.com/", 302, web.HTTPHeaderDict(location="http://localhost/"), b""
    )
    with pytest.raises(web.WebError, match="redirects from https to http"):
        web.Web()._redirected(answer)  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("registry.example.com", "https://"),
        ("registry.example.com:5000", "https://"),
        ("localhost.example.com", "https://"),
        ("127.0.0.1.example.com", "https://"),
        ("10.0.0.1:5000", "https://"),
        ("localhost:5000", "http://"),
        ("127.1.2.3", "http://"),
        ("[::1]:5000", "http://"),
    ],
)
def test_only_this_machine_is_asked_without_tls(host: str, base: str) -> None:
    assert web.Web().base(host) == f"{base}{host}"
    assert web.Web(plain_http=True).base(host) == f"http://{host}"


def test_a_proxy_of_the_environment(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(holding(manifest(7)))
    monkeypatch.setenv("http_proxy", f"http://me:secret@{proxy.host}")

    (row,) = registry.look_up(["registry.example.com/team/base"], plain_http=True)

    assert row.compressed == 7
    request = proxy.requests[0]
    assert request.path == "http://registry.example.com/v2/team/base/manifests/latest"
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert headers["proxy-authorization"] == f"Basic {encoded('me:secret')}"


# -- who may come in -------------------------------------------------------------------------------


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def login(document: object) -> None:
    """What `docker login` leaves behind."""
    Path("docker").mkdir(exist_ok=True)
    Path("docker/config.json").write_text(json.dumps(document))


BEARER = 'realm="https://example.com/token",service=x, scope="repository:a/b:pull,push"'
CHALLENGES: list[tuple[list[str], list[tuple[str, dict[str, str]]]]] = [
    (["Basic"], [("basic", {})]),
    (['Basic realm="a b"'], [("basic", {"realm": "a b"})]),
    (
        [f"Bearer {BEARER}"],
        [
            (
                "bearer",
                {
                    "realm": "https://example.com/token",
                    "service": "x",
                    "scope": "repository:a/b:pull,push",
                },
            )
        ],
    ),
    (
        ['Negotiate, Basic realm="a\\"b", BEARER Realm=c', "basic"],
        [("basic", {"realm": 'a"b'}), ("bearer", {"realm": "c"}), ("basic", {})],
    ),
    (["", "?", "=" * 100, "a" * 5000, "Bearer"], []),
]


@pytest.mark.parametrize(("headers", "expected"), CHALLENGES)
def test_challenges(headers: list[str], expected: list[tuple[str, dict[str, str]]]) -> None:
    assert authorization.parse(headers) == expected


def test_reading_a_challenge_takes_no_time() -> None:
    start = time.monotonic()
    authorization.parse(["a" * 4096, 'a="' * 1300, "a " * 2000, 'a="\\' * 1000] * 25)
    assert time.monotonic() - start < 1


def asking(honest: Choose, challenge: str, expected: str) -> Choose:
    """A registry that lets in whoever sends *expected*."""

    def choose(request: Request) -> Reply:
        if request.authorization == expected:
            return honest(request)
        return Reply(b"{}", 401, {"WWW-Authenticate": challenge})

    return choose


def test_a_name_and_a_password(serve: Serve) -> None:
    server = serve(lambda request: Reply())
    expected = f"Basic {encoded('me:sec:ret')}"
    server.choose = asking(holding(manifest(7)), 'Basic realm="x"', expected)
    assert reasons_of(server.image) == [
        f"{server.image}: {server.host} asks for a name and a password"
    ]
    login({"auths": {server.host: {"auth": encoded("me:wrong")}}})
    (said,) = reasons_of(server.image)
    assert said.endswith("or it needs other credentials (docker login)")
    assert "wrong" not in said

    login({"auths": {server.host: {"auth": encoded("me:sec:ret")}}})
    server.requests.clear()
    assert registry.look_up([server.image])[0].compressed == 7
    assert [bool(each.authorization) for each in server.requests] == [False, True, True]


def token_server(serve: Serve, reply: Reply) -> Server:
    return serve(lambda request: reply)


@pytest.mark.parametrize("key", ["token", "access_token"])
def test_a_token_for_anybody(serve: Serve, key: str) -> None:
    tokens = token_server(serve, Reply(data_of({key: "abc.d-e_f"})))
    challenge = f'Bearer realm="http://{tokens.host}/token?a=b",service="the registry"'
    server = serve(asking(holding(manifest(7)), challenge, "Bearer abc.d-e_f"))

    assert registry.look_up([server.image])[0].compressed == 7
    (request,) = tokens.requests
    assert request.path == ("/token?a=b&scope=repository%3Ateam%2Fbase%3Apull&service=the+registry")
    assert not request.authorization


def test_a_token_for_a_password(serve: Serve) -> None:
    tokens = token_server(serve, Reply(data_of({"token": "abc"})))
    challenge = f'Bearer realm="http://{tokens.host}/token",scope="repository:x:pull"'
    server = serve(asking(holding(manifest(7)), challenge, "Bearer abc"))
    login({"auths": {f"https://{server.host}/v1/": {"username": "me", "password": "secret"}}})

    assert registry.look_up([server.image])[0].compressed == 7
    (request,) = tokens.requests
    assert request.path == "/token?scope=repository%3Ax%3Apull"
    assert request.authorization == f"Basic {encoded('me:secret')}"
    assert all("secret" not in each.authorization for each in server.requests)


def test_a_token_for_an_identity_token(serve: Serve) -> None:
    tokens = token_server(serve, Reply(data_of({"access_token": "abc"})))
    challenge = f'Bearer realm="http://{tokens.host}/token",service=s'
    server = serve(asking(holding(manifest(7)), challenge, "Bearer abc"))
    login({"auths": {server.host: {"auth": encoded("me:x"), "identitytoken": "long"}}})

    assert registry.look_up([server.image])[0].compressed == 7
    (request,) = tokens.requests
    assert (request.method, request.path) == ("POST", "/token")
    assert request.body == (
        "scope=repository%3Ateam%2Fbase%3Apull&service=s"
        "&grant_type=refresh_token&refresh_token=long&client_id=stagelint"
    )


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(b"", 401), "lets in nobody without credentials (says 127.0.0.1)"),
        (Reply(b"", 418), "127.0.0.1: answers 418 when asked for a token"),
        (Reply(b"<html>"), "127.0.0.1: gives no token"),
        (Reply(b"{}"), "127.0.0.1: gives no token"),
        (Reply(data_of({"token": 7})), "127.0.0.1: gives no token"),
        (Reply(data_of({"token": "a\r\nX-Evil: 1"})), "127.0.0.1: gives no token"),
    ],
)
def test_a_realm_without_a_token(serve: Serve, reply: Reply, reason: str) -> None:
    tokens = token_server(serve, reply)
    server = serve(asking(holding(manifest(7)), f'Bearer realm="http://{tokens.host}/"', "-"))

    (said,) = reasons_of(server.image)
    assert said.endswith(reason)


@pytest.mark.parametrize(
    ("realm", "reason"),
    [
        ("http://auth.example.com/", "asks for a password without TLS, where none is sent"),
        ("ftp://auth.example.com/", "asks for a token, and does not say where there is one"),
        ("", "asks for a token, and does not say where there is one"),
    ],
)
def test_realms_that_get_no_password(serve: Serve, realm: str, reason: str) -> None:
    server = serve(asking(holding(manifest(7)), f'Bearer realm="{realm}",service="x"', "-"))
    login({"auths": {server.host: {"auth": encoded("me:secret")}}})

    (said,) = reasons_of(server.image, plain_http=True)
    assert said == f"{server.image}: {server.host} {reason}"


def test_without_tls_no_credentials_are_even_looked_for(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(lambda request: Reply(b"", 401, {"WWW-Authenticate": "Basic"}))
    monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
    login({"auths": {"registry.example.com": {"auth": encoded("me:secret")}}})

    (said,) = reasons_of("registry.example.com/a", plain_http=True)
    assert said.endswith("registry.example.com asks for a name and a password")
    assert len(proxy.requests) == 1


# -- where credentials lie -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "key"),
    [
        ("registry.example.com:5000", "registry.example.com:5000"),
        ("registry.example.com", "https://registry.example.com"),
        ("registry.example.com", "http://registry.example.com/v2/"),
        ("docker.io", "https://index.docker.io/v1/"),
        ("index.docker.io", "https://index.docker.io/v1/"),
        ("docker.io", "docker.io"),
        ("docker.io", "registry-1.docker.io"),
    ],
)
def test_the_keys_of_auths(domain: str, key: str) -> None:
    login({"auths": {key: {"auth": encoded("me:secret\0")}, "other.example.com": {}}})

    assert credentials.find(domain) == Credentials("me", "secret")
    assert credentials.find("example.com") is None
    assert credentials.find("other.example.com") is None
    assert "secret" not in repr(credentials.find(domain))


def test_no_configuration_is_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    assert credentials.find("docker.io") is None
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.setenv("HOME", "nowhere")
    assert credentials.find("docker.io") is None


@pytest.mark.parametrize(
    "document", ["[]", '{"auths": 7}', '{"auths": {"docker.io": []}}', '{"credHelpers": []}']
)
def test_a_configuration_without_credentials(document: str) -> None:
    login(json.loads(document))

    assert credentials.find("docker.io") is None


HELPER = """\
read -r server
case $server in
https://index.docker.io/v1/) echo '{"ServerURL": "x", "Username": "me", "Secret": "of hub"}';;
token.example.com) echo '{"Username": "<token>", "Secret": "long"}';;
empty.example.com) echo '{"Username": "", "Secret": ""}';;
odd.example.com) echo '[7]';;
broken.example.com) echo 'the keychain is locked'; exit 1;;
silent.example.com) exit 3;;
*) echo 'credentials not found in native keychain'; exit 1;;
esac
"""


@pytest.fixture
def helper(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that keeps credentials."""
    path = folder / "bin" / "docker-credential-fake"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{HELPER}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")


@pytest.mark.usefixtures("helper")
def test_a_program_that_keeps_credentials() -> None:
    login(
        {
            "credsStore": "fake",
            "credHelpers": {"own.example.com": "gone"},
            "auths": {"kept.example.com": {"auth": encoded("a:b")}, "docker.io": {}},
        }
    )

    assert credentials.find("docker.io") == Credentials("me", "of hub")
    token = credentials.find("token.example.com")
    assert token == Credentials("", "long")
    assert token
    assert token.is_identity_token
    assert credentials.find("empty.example.com") is None
    assert credentials.find("else.example.com") is None
    assert credentials.find("kept.example.com") == Credentials("a", "b")


@pytest.mark.usefixtures("helper")
@pytest.mark.parametrize(
    ("domain", "reason"),
    [
        ("odd.example.com", "docker-credential-fake does not say a name and a secret"),
        ("broken.example.com", "docker-credential-fake: the keychain is locked"),
        ("silent.example.com", "docker-credential-fake: ends with status 3"),
        ("own.example.com", "is not installed; install it, or set DOCKER_CONFIG"),
        ("bad.example.com", "docker-credential-../../bin/sh is not installed"),
    ],
)
def test_a_program_that_fails(domain: str, reason: str) -> None:
    helpers = {"own.example.com": "gone", "bad.example.com": "../../bin/sh"}
    login({"credsStore": "fake", "credHelpers": helpers})

    with pytest.raises(CredentialsError) as caught:
        credentials.find(domain)
    assert reason in str(caught.value)
    assert "config.json: " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"auths": {"docker.io": {"auth": "?"}}}', "auth is not base64 (docker login)"),
        ('{"auths": {"docker.io": {"auth": "YWJj"}}}', "auth has no name and password"),
        (" " * (5 << 20), "is larger than 4 MiB"),
    ],
)
def test_a_configuration_that_cannot_be_read(text: str, reason: str) -> None:
    Path("docker").mkdir()
    Path("docker/config.json").write_text(text)

    with pytest.raises(CredentialsError) as caught:
        credentials.find("docker.io")
    assert reason in str(caught.value)


# -- the command -----------------------------------------------------------------------------------


def test_what_is_updated_is_in_the_file(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    server = serve(holding(manifest(31_000_000)))
    kept = f"{server.host}/other"

    assert main(["catalog", "update", server.image, kept]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in said[:3]] == [
        ["IMAGE", "COMPRESSED", "UNPACKED"],
        [f"{kept}:latest", "31.0", "MB"],
        [server.image, "31.0", "MB"],
    ]
    assert said[3:] == [
        "Wrote 2 sizes to stagelint-sizes.json.",
        'To use it, say in stagelint.toml: sizes = "stagelint-sizes.json"',
    ]

    server.choose = holding(manifest(5))
    Path("stagelint.toml").write_text('sizes = "stagelint-sizes.json"\n')
    assert main(["catalog", "update", server.image]) == 0
    assert "To use it" not in capsys.readouterr().out
    rows = {row.name: row.compressed for row in sizes.read("stagelint-sizes.json")}
    assert rows == {f"{server.host}/team/base": 5, kept: 31_000_000}

    assert main(["catalog", "list", kept, server.image]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main(["catalog", "list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3 + len(sizes.shipped())


@pytest.mark.parametrize(
    ("configuration", "text", "output", "line"),
    [
        ("ci/stagelint.toml", "", "sizes.json", 'ci/stagelint.toml: sizes = "../sizes.json"'),
        (
            "pyproject.toml",
            "[tool.stagelint]\n",
            "ci/a b.json",
            'pyproject.toml, in [tool.stagelint]: sizes = "ci/a b.json"',
        ),
        ("stagelint.toml", 'sizes = "ci/x"', "y", 'stagelint.toml: sizes = "y"'),
    ],
)
def test_the_line_for_the_configuration(
    configuration: str,
    text: str,
    output: str,
    line: str,
    serve: Serve,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("ci").mkdir()
    Path(configuration).write_text(text)
    server = serve(holding(manifest(1)))
    arguments = ["catalog", "update", "--config", configuration, "--output", output, server.image]

    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"To use it, say in {line}"


def test_all_are_written_or_none(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    honest, lying = serve(holding(manifest(1))), serve(holding(manifest(-1)))
    Path("stagelint-sizes.json").write_text('{"version": 1, "images": []}')

    assert main(["catalog", "update", honest.image, lying.image, f"{lying.host}/x"]) == 2
    ran = capsys.readouterr()
    assert ran.out == ""
    assert [line.split(": ")[1] for line in ran.err.splitlines()] == [
        lying.image,
        f"{lying.host}/x",
        "nothing was written",
    ]
    assert Path("stagelint-sizes.json").read_text() == '{"version": 1, "images": []}'


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("bad.json", "bad.json:1: is not JSON: expecting value"),
        (".", ".: is a folder"),
        ("no/sizes.json", "no/sizes.json: there is no such folder"),
    ],
)
def test_nobody_is_asked_for_what_cannot_be_written(
    output: str, reason: str, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve(holding(manifest(1)))
    Path("bad.json").write_text("")

    assert main(["catalog", "update", "--output", output, server.image]) == 2
    assert capsys.readouterr().err == f"stagelint: {reason}\n"
    assert not server.requests


def test_a_file_that_changes_meanwhile_is_left_alone(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    honest = holding(manifest(1))
    path = Path("stagelint-sizes.json")

    def choose(request: Request) -> Reply:
        path.write_text("mine")
        return honest(request)

    server = serve(choose)
    assert main(["catalog", "update", server.image]) == 2
    assert path.read_text() == "mine"
    assert "nothing was written" in capsys.readouterr().err
    assert {each.name for each in Path().iterdir()} == {path.name}


def test_images_that_are_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "list", "python", "registry.example.com/x"]) == 2
    ran = capsys.readouterr()
    assert "python:3.12 " in ran.out
    assert ran.err == (
        "stagelint: registry.example.com/x: no size is known"
        " (stagelint catalog update registry.example.com/x)\n"
    )
