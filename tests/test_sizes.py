"""Sizes of base images that the user brings: files, engines, and what is made of them."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from stagelint import discover, sizes
from stagelint.arguments import parse
from stagelint.config import ConfigError
from stagelint.model.base_images import BaseImage
from stagelint.session import Session, UsageError
from stagelint.sizes import engines, files

TEAM = BaseImage(
    "registry.example.com/team/base", "1.2", 31_000_000, None, "2026-08-05", "release notes"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def row(**changes: object) -> dict[str, object]:
    """A row as it stands in a file; without the keys that are changed to None."""
    values = {
        "name": "python",
        "tag": "3.12-slim",
        "compressed_bytes": 45_000_000,
        "as_of": "2026-08-05",
        "source": "measured",
        **changes,
    }
    return {key: value for key, value in values.items() if value is not None}


def write(*rows: object, path: str = "sizes.json") -> str:
    Path(path).write_text(json.dumps({"version": 1, "images": rows}, indent=1), "utf-8")
    return path


def message_of(path: str) -> str:
    with pytest.raises(ConfigError) as caught:
        sizes.read(path)
    return str(caught.value)


# -- files -----------------------------------------------------------------------------------------


def test_names_are_as_after_from() -> None:
    path = write(
        row(),
        row(name="docker.io/team/base", tag="1", platform="linux/arm/v7", approximate=True),
        row(name="registry.example.com:5000/a/b", compressed_bytes=None, unpacked_bytes=0),
    )

    assert sizes.read(path) == [
        BaseImage(
            "docker.io/library/python", "3.12-slim", 45_000_000, None, "2026-08-05", "measured"
        ),
        BaseImage(
            "docker.io/team/base",
            "1",
            45_000_000,
            None,
            "2026-08-05",
            "measured",
            "linux/arm/v7",
            True,
        ),
        BaseImage("registry.example.com:5000/a/b", "3.12-slim", None, 0, "2026-08-05", "measured"),
    ]


KNOWN = "name, tag, as_of, source, compressed_bytes, unpacked_bytes, platform, approximate"


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (3, "images[1] (?:?): must be an object"),
        (row(name=None), "images[1] (?:3.12-slim): name must be a string that is not empty"),
        (row(name=7), "images[1] (7:3.12-slim): name must be a string that is not empty"),
        (
            row(name="a:1"),
            "images[1] (a:1:3.12-slim): name must be without tag and digest; the tag is a key of",
        ),
        (
            row(name="A"),
            "images[1] (A:3.12-slim): name is no name of an image: invalid reference format: rep",
        ),
        (row(tag="a/b"), 'images[1] (python:a/b): tag must be like 3.12-slim, not "a/b"'),
        (row(tag="\ud800"), "images[1] (python:\\ud800): tag must be at most 1000 printable"),
        (row(as_of="today"), 'as_of must be like 2026-08-05, not "today"'),
        (row(as_of="2026-02-31"), "as_of is no date: 2026-02-31"),
        (row(as_of=None), "as_of must be a string that is not empty"),
        (row(source=""), "source must be a string that is not empty"),
        (row(source="a\nb"), "source must be at most 1000 printable characters"),
        (row(platform="amd64"), 'platform must be like linux/amd64, not "amd64"'),
        (row(compressed_bytes=None), "must have compressed_bytes or unpacked_bytes"),
        (row(compressed_bytes=-1), "compressed_bytes must be from 0 to 1099511627776 (1 TiB)"),
        (row(unpacked_bytes=1 << 41), "unpacked_bytes must be from 0 to 1099511627776 (1 TiB)"),
        (row(unpacked_bytes=1.5), "unpacked_bytes must be a whole number of bytes, or null"),
        (row(unpacked_bytes=True), "unpacked_bytes must be a whole number of bytes, or null"),
        (row(unpacked_bytes="5 MB"), "unpacked_bytes must be a whole number of bytes, or null"),
        (row(approximate=1), "approximate must be true or false"),
        (row(unpacked_byte=1), 'unknown key "unpacked_byte"; did you mean "unpacked_bytes"?'),
        (row(kind="os"), f'unknown key "kind"; known are {KNOWN}'),
    ],
)
def test_what_is_wrong_with_a_row_is_said_in_one_line(bad: object, message: str) -> None:
    path = write(row(), bad)

    said = message_of(path)
    assert message in said
    assert said.startswith("sizes.json:11: images[1] (")
    assert said.isprintable()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "sizes.json:1: is not JSON: expecting value"),
        ("{\n\n x}", "sizes.json:3: is not JSON: expecting property name enclosed in double"),
        ("[]", 'sizes.json:1: must be an object {"version": 1, "images": [...]}'),
        ('{"images": []}', 'sizes.json:1: must have "version": 1'),
        ('{"version": true, "images": []}', 'sizes.json:1: must have "version": 1'),
        ('{"version": 2, "images": []}', 'sizes.json:1: must have "version": 1'),
        ('{"version": 1}', 'sizes.json:1: "images" must be a list of objects'),
        (
            '{"version": 1, "image": []}',
            'sizes.json:1: unknown key "image"; known are version, images',
        ),
        ('{"version": NaN}', "sizes.json:1: is not JSON that can be used: NaN is no number"),
        ('{"a": 1, "a": 2}', 'the key "a" stands twice in one object'),
        (f'{{"version": {"1" * 5000}}}', "sizes.json:1: is not JSON that can be used: Exceeds"),
        ("[" * 100_000, "sizes.json:1: is nested too deeply"),
        (" " * (4 << 20) + "{}", "sizes.json:1: is larger than 4 MiB"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(text: str, message: str) -> None:
    Path("sizes.json").write_text(text, "utf-8")

    said = message_of("sizes.json")
    assert message in said
    assert said.isprintable()


@pytest.mark.parametrize(
    ("path", "message"), [("gone.json", "gone.json: no such file"), (".", ".: is a folder")]
)
def test_a_file_that_is_none(path: str, message: str) -> None:
    assert message_of(path) == message


def test_a_byte_order_mark_is_no_mistake() -> None:
    Path("sizes.json").write_bytes(b'\xef\xbb\xbf{"version": 1, "images": []}')

    assert sizes.read("sizes.json") == []


def test_what_is_saved_reads_back() -> None:
    rows = [TEAM, TEAM._replace(tag="1.1", unpacked=3, is_approximate=True, source="é")]

    files.save("new.json", None, rows)

    assert sizes.read("new.json") == [rows[1], rows[0]]
    assert Path("new.json").read_text("utf-8").count("\n") == 4
    assert list(Path().iterdir()) == [Path("new.json")]


def test_nothing_is_saved_over_what_came_meanwhile() -> None:
    Path("new.json").write_text("mine")

    with pytest.raises(discover.ReplaceError, match="made by somebody else"):
        files.save("new.json", None, [TEAM])
    with pytest.raises(discover.ReplaceError, match="changed while"):
        files.save("new.json", discover.Source("new.json", "other"), [TEAM])
    assert Path("new.json").read_text() == "mine"
    with pytest.raises(discover.ReplaceError, match="no such file"):
        files.save("no/new.json", None, [TEAM])
    assert list(Path().iterdir()) == [Path("new.json")]


# -- what is known ---------------------------------------------------------------------------------


def test_the_users_rows_win() -> None:
    before = sizes.known()
    of_user = before[-1]._replace(compressed=1, unpacked=2, source="mine")

    files.save("sizes.json", None, [of_user, TEAM])
    after = sizes.known("sizes.json")

    assert {(each.name, each.tag) for each in after} == {
        (each.name, each.tag) for each in (*before, TEAM)
    }
    assert of_user in after
    assert len(after) == len(before) + 1


def test_a_size_that_a_later_row_does_not_know_stays() -> None:
    unpacked = TEAM._replace(
        compressed=None, unpacked=90, as_of="2026-09-01", source="docker", is_approximate=True
    )

    assert sizes.merged([TEAM], [unpacked]) == [
        unpacked._replace(
            compressed=TEAM.compressed, source="docker; compressed: release notes, 2026-08-05"
        )
    ]
    other = unpacked._replace(platform="linux/arm64")
    assert sizes.merged([TEAM], [other]) == [other]


def session(*argv: str) -> Session:
    return Session(parse(argv)[1])


def test_each_file_has_the_sizes_of_its_configuration() -> None:
    Path("a/b").mkdir(parents=True)
    Path("a/stagelint.toml").write_text('sizes = "../sizes.json"\n')
    files.save("sizes.json", None, [TEAM])
    run = session("check", ".")

    assert TEAM in run.sizes_for("a/b/Dockerfile")
    assert TEAM not in run.sizes_for("Dockerfile")
    assert run.sizes_for("a/Dockerfile") is run.sizes_for("a/b/Dockerfile")


def test_a_run_that_needs_no_sizes_imports_nothing_for_them() -> None:
    files.save("sizes.json", None, [TEAM])
    Path("stagelint.toml").write_text('sizes = "sizes.json"\n')
    Path("Dockerfile").write_text("FROM scratch\nCOPY a /a\n")
    code = (
        "import sys\nfrom stagelint.cli import main\nmain(['Dockerfile'])\n"
        "names = ('urllib3', 'json', 'subprocess', 'threading', 'stagelint.sizes', 'socket')\n"
        "print(*[name for name in names if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )

    assert done.stdout.splitlines()[-1] == ""


# -- engines ---------------------------------------------------------------------------------------

CLASSIC = {
    "Id": "sha256:aa",
    "RepoTags": ["python:3.12", "registry.example.com:5000/team/base:1.2"],
    "Os": "linux",
    "Architecture": "arm64",
    "Variant": "v8",
    "Size": 1_000_000_001,
}
OF_CONTAINERD = {
    "Id": "sha256:bb",
    "RepoTags": ["node:22"],
    "Os": "linux",
    "Architecture": "amd64",
    "Size": 5,
    "Descriptor": {"digest": "sha256:bb"},
}
NAMELESS = {**CLASSIC, "RepoTags": None}
MALFORMED = {**CLASSIC, "RepoTags": ["<none>:<none>", "python@sha256:" + "a" * 64, "-:"]}
ABSURD = {**CLASSIC, "RepoTags": ["absurd:1"], "Size": -1}


def program(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A shell script on the PATH in the place of an engine."""
    bin = folder / "bin"
    bin.mkdir(exist_ok=True)
    path = bin / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{bin}{os.pathsep}{os.environ['PATH']}")


def engine_of(images: Sequence[Mapping[str, object]]) -> str:
    """The script of an engine that has *images*."""
    ids = "\\n".join(str(each["Id"]) for each in images)
    return (
        'case "$1 $2" in\n'
        f"'image ls') printf '{ids}\\n{ids}\\n';;\n"
        f"'image inspect') echo '{json.dumps(images)}';;\n"
        "'history '*) printf '20\\n0\\n300\\n';;\n"
        '*) echo "not expected: $*" >&2; exit 1;;\nesac'
    )


posix = pytest.mark.skipif(sys.platform == "win32", reason="the engines are shell scripts")


@posix
@pytest.mark.parametrize("name", ["docker", "podman"])
def test_an_engine_says_what_it_has(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [CLASSIC, OF_CONTAINERD, NAMELESS, MALFORMED, ABSURD]
    program(name, folder, monkeypatch, engine_of(images))

    found = engines.images(name)

    assert [(each.name, each.tag, each.unpacked, each.platform) for each in found] == [
        ("docker.io/library/python", "3.12", 1_000_000_001, "linux/arm64/v8"),
        ("registry.example.com:5000/team/base", "1.2", 1_000_000_001, "linux/arm64/v8"),
        ("docker.io/library/node", "22", 320, "linux/amd64"),
    ]
    assert {(each.compressed, each.source) for each in found} == {(None, f"{name} on this machine")}


@posix
def test_buildah_says_three_digits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [
        {"id": "sha256:aa", "names": ["localhost/busybox:latest"], "size": "2.13 MB"},
        {"id": "sha256:bb", "names": None, "size": "1 GB"},
    ]
    script = f"case $1 in images) echo '{json.dumps(images)}';; *) echo linux/amd64;; esac"
    program("buildah", folder, monkeypatch, script)

    (found,) = engines.images("buildah")

    assert found[:4] == ("localhost/busybox", "latest", None, 2_130_000)
    assert found.is_approximate


@posix
def test_an_engine_without_images(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program("docker", folder, monkeypatch, "true")
    program("buildah", folder, monkeypatch, "echo null")

    assert engines.images("docker") == engines.images("buildah") == []


@posix
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo hello >&2; echo 'no daemon' >&2; exit 1", "docker: no daemon"),
        ("exit 7", "docker: ends with status 7"),
        ("[ $2 = ls ] && echo id || echo '<html>'", "docker: does not say of its images what"),
        ("[ $2 = ls ] && echo id || echo '[7]'", "docker: does not say of its images what"),
        ("[ $2 = ls ] && echo id || { echo []; echo gone >&2; exit 1; }", "docker: gone"),
    ],
)
def test_an_engine_that_fails(
    script: str, message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("docker", folder, monkeypatch, script)

    with pytest.raises(engines.EngineError) as caught:
        engines.images("docker")
    assert str(caught.value).startswith(message)


@posix
def test_an_engine_that_does_not_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program("docker", folder, monkeypatch, "sleep 30")

    with pytest.raises(engines.EngineError) as caught:
        engines.images("docker", timeout=0.5)
    assert str(caught.value) == "docker: it took longer than 0.5 seconds"


def test_an_engine_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))

    with pytest.raises(UsageError) as caught:
        session("check", "--sizes-from", "podman").sizes_for("Dockerfile")
    assert str(caught.value) == "--sizes-from podman: not installed, or not on the PATH"


@posix
def test_an_engine_is_asked_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = {**CLASSIC, "RepoTags": [f"{TEAM.name}:{TEAM.tag}"]}
    program("docker", folder, monkeypatch, f"echo x >>{folder}/asked\n{engine_of([image])}")
    Path("a").mkdir()
    Path("a/stagelint.toml").write_text('sizes = "sizes.json"\n')
    files.save("a/sizes.json", None, [TEAM])
    run = session("graph", "--sizes-from", "docker", "Dockerfile")

    assert any(each[:2] == TEAM[:2] for each in run.sizes_for("Dockerfile"))
    assert (folder / "asked").read_text().count("x") == 2  # what it has, and what that is
    (found,) = [each for each in run.sizes_for("a/Dockerfile") if each[:2] == TEAM[:2]]
    assert (found.unpacked, found.compressed) == (1_000_000_001, None)
