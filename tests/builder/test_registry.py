"""`stagelint catalog update` and a real registry: without a password, with one, with tokens, by TLS."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bench.equivalence.builders import program, waits_until
from stagelint import sizes
from stagelint.cli import main
from stagelint.sizes import registry
from stagelint.sizes.registry import RegistryError

NAME, PASSWORD = "me", "a pass:word"
SERVICE, ISSUER = "the registry", "the issuer"
PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")


def run(*command: str, env: Mapping[str, str] | None = None, data: bytes | None = None) -> bytes:
    done = subprocess.run(
        [program(command[0]), *command[1:]], input=data, capture_output=True, env=env, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@contextmanager
def serving(
    path: str, storage: Path, auth: Mapping[str, object] | None = None, **http: object
) -> Generator[str]:
    """A registry on this machine with what lies in *storage*; its address with the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = storage.parent / f"registry-{port}"
    folder.mkdir()
    config: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(storage)}},
        "http": {"addr": f"127.0.0.1:{port}", **http},
        **({"auth": auth} if auth else {}),
    }
    (folder / "config.yml").write_text(json.dumps(config))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program("setpriv"), "--pdeathsig", "TERM", path, "serve", str(folder / "config.yml")],
            stdout=log,
            stderr=log,
        )
    try:
        assert waits_until(lambda: answers(port) or process.poll() is not None, 30)
        assert process.poll() is None, (folder / "log").read_text()
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def answers(port: int) -> bool:
    with socket.socket() as there:
        return there.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def storage(
    registry_program: str,
    buildah_env: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """What a registry keeps: `team/base:1.2`, and `team/index:1`, an index of three platforms."""
    folder = tmp_path_factory.mktemp("registry")
    storage = folder / "storage"
    storage.mkdir()

    def buildah(*arguments: str) -> str:
        return run("buildah", *arguments, env=buildah_env).decode().strip()

    with serving(registry_program, storage) as host:
        place = f"docker://{host}/team"
        push = ("--tls-verify=false", "--quiet")
        buildah("push", *push, "localhost/busybox:latest", f"{place}/base:1.2")
        buildah("manifest", "create", "several")
        for number, platform in enumerate(PLATFORMS):
            system, architecture, *variant = platform.split("/")
            container = buildah("from", "scratch")
            content = folder / f"content-{number}"
            content.write_bytes(bytes(range(256)) * 100 * (number + 1))
            buildah("add", container, str(content), "/content")
            buildah("config", "--os", system, "--arch", architecture, container)
            image = f"localhost/of-{number}"
            buildah("commit", "--quiet", "--rm", container, image)
            options = ("--os", system, "--arch", architecture)
            options += ("--variant", variant[0]) if variant else ()
            buildah("manifest", "add", *options, "several", f"containers-storage:{image}")
        buildah("manifest", "push", "--all", *push, "several", f"{place}/index:1")
    return storage


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and no credentials."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return tmp_path


def login(host: str, password: str = PASSWORD) -> None:
    """What `docker login` leaves behind."""
    Path("docker").mkdir(exist_ok=True)
    auth = base64.b64encode(f"{NAME}:{password}".encode()).decode()
    Path("docker/config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))


def stored(storage: Path, name: str, tag: str, platform: str | None = None) -> int:
    """Bytes of the layers as they lie on the disk of the registry."""
    repository = storage / "docker/registry/v2/repositories" / name
    digest = (repository / "_manifests/tags" / tag / "current/link").read_text()
    values = json.loads(blob(storage, digest).read_bytes())
    if platform:
        parts = platform.split("/")
        (digest,) = [
            each["digest"]
            for each in values["manifests"]
            if [each["platform"].get(key) for key in ("os", "architecture", "variant")][
                : len(parts)
            ]
            == parts
        ]
        values = json.loads(blob(storage, digest).read_bytes())
    return sum(blob(storage, each["digest"]).stat().st_size for each in values["layers"])


def blob(storage: Path, digest: str) -> Path:
    value = digest.removeprefix("sha256:")
    return storage / "docker/registry/v2/blobs/sha256" / value[:2] / value / "data"


def test_sizes_are_those_of_the_blobs(registry_program: str, storage: Path) -> None:
    with serving(registry_program, storage) as host:
        names = [f"{host}/team/base:1.2", f"{host}/team/index:1"]
        assert main(["catalog", "update", *names]) == 0
        assert [(row.tag, row.compressed) for row in sizes.read("stagelint-sizes.json")] == [
            ("1.2", stored(storage, "team/base", "1.2")),
            ("1", stored(storage, "team/index", "1", "linux/amd64")),
        ]

        for platform in PLATFORMS:
            (row,) = registry.look_up(names[1:], platform)
            assert row.compressed == stored(storage, "team/index", "1", platform)
        with pytest.raises(RegistryError, match="there is linux/amd64, linux/arm64, linux/arm/v7"):
            registry.look_up(names[1:], "linux/s390x")
        with pytest.raises(RegistryError, match="is of linux/amd64, not of linux/arm64"):
            registry.look_up(names[:1], "linux/arm64")
        with pytest.raises(RegistryError, match="has no such image"):
            registry.look_up([f"{host}/team/base:1.3"])

        (row,) = registry.look_up(names[1:])
        digest = row.source.rpartition(" ")[2]
        assert registry.look_up([f"{names[1]}@{digest}"]) == [row]
        with pytest.raises(RegistryError, match="has no such image"):
            registry.look_up([f"{names[1]}@sha256:{'0' * 64}"])


def test_a_password(registry_program: str, storage: Path, folder: Path) -> None:
    (folder / "passwords").write_bytes(run("htpasswd", "-Bbn", NAME, PASSWORD))
    auth = {"htpasswd": {"realm": "x", "path": str(folder / "passwords")}}
    with serving(registry_program, storage, auth) as host:
        image = f"{host}/team/index:1"
        with pytest.raises(RegistryError, match="asks for a name and a password"):
            registry.look_up([image])
        login(host, "wrong")
        with pytest.raises(RegistryError, match="or it needs other credentials"):
            registry.look_up([image])
        login(host)
        (row,) = registry.look_up([image])
        assert row.compressed == stored(storage, "team/index", "1", "linux/amd64")


class Certificate:
    """A certificate for this machine that it signed itself, made by openssl."""

    def __init__(self, folder: Path) -> None:
        self.key, self.path = folder / "key.pem", folder / "certificate.pem"
        run(
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(self.key), "-out", str(self.path)),
        )

    @property
    def der(self) -> str:
        return "".join(self.path.read_text().splitlines()[1:-1])

    def sign(self, data: bytes) -> bytes:
        return run("openssl", "dgst", "-sha256", "-sign", str(self.key), data=data)


@pytest.fixture
def certificate(registry_program: str, folder: Path) -> Certificate:
    return Certificate(folder)


def token(certificate: Certificate, scope: str, *, is_known: bool) -> str:
    """A token that lets its owner do what *scope* says, or nothing at all."""
    kind, name, actions = scope.split(":")
    now = int(time.time())
    access = [{"type": kind, "name": name, "actions": actions.split(",")}]
    claims = {
        "iss": ISSUER,
        "aud": SERVICE,
        "nbf": now - 10,
        "exp": now + 300,
        "access": access if is_known else [],
    }
    header = {"typ": "JWT", "alg": "RS256", "x5c": [certificate.der]}
    text = b".".join(encoded(json.dumps(each).encode()) for each in (header, claims))
    return b".".join((text, encoded(certificate.sign(text)))).decode()


def encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


@contextmanager
def giving_tokens(certificate: Certificate) -> Generator[tuple[str, list[str]]]:
    """A server that gives tokens, all of use to whoever has the password; and what it was asked."""
    asked: list[str] = []
    secret = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            query = parse_qs(urlsplit(self.path).query)
            is_known = self.headers.get("Authorization") == f"Basic {secret}"
            assert query["service"] == [SERVICE]
            found = token(certificate, query["scope"][0], is_known=is_known)
            data = json.dumps({"token": found}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token", asked
    finally:
        server.shutdown()
        server.server_close()


def test_tokens(registry_program: str, storage: Path, certificate: Certificate) -> None:
    with giving_tokens(certificate) as (realm, asked):
        bundle = str(certificate.path)
        values = {"realm": realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": bundle}
        with serving(registry_program, storage, {"token": values}) as host:
            image = f"{host}/team/base:1.2"
            with pytest.raises(RegistryError, match="or it needs other credentials"):
                registry.look_up([image])
            login(host)
            (row,) = registry.look_up([image])

            assert row.compressed == stored(storage, "team/base", "1.2")
            assert len(asked) == 2  # the manifest and the config need one token
            assert asked[1].startswith("/token?scope=repository%3Ateam%2Fbase%3Apull&service=the+")


def test_tls(
    registry_program: str,
    storage: Path,
    certificate: Certificate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """This machine is asked without TLS, but may redirect to where there is some."""
    tls = {"certificate": str(certificate.path), "key": str(certificate.key)}
    with (
        serving(registry_program, storage, tls=tls) as host,
        redirecting(lambda path: f"https://localhost:{host.rpartition(':')[2]}{path}") as first,
    ):
        image = f"{first}/team/base:1.2"
        with pytest.raises(
            RegistryError, match=r"no secure connection: .*certificate verify failed"
        ):
            registry.look_up([image])
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
        (row,) = registry.look_up([image])
        assert row.compressed == stored(storage, "team/base", "1.2")
        monkeypatch.setattr(registry, "_HOSTS", {"x.example.com": host})
        with pytest.raises(RegistryError, match="answers with status 400"):  # http to https
            registry.look_up(["x.example.com/team/base:1.2"])


@contextmanager
def redirecting(to: Callable[[str], str]) -> Generator[str]:
    """A server that sends everybody elsewhere; its address with the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(307)
            self.send_header("Location", to(self.path))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
