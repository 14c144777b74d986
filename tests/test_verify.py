"""Verification without a builder: reading and comparing images, and a program that plays Buildah."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import signal
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pytest

from stagelint.cli import main
from stagelint.report import verification
from stagelint.verify import compare
from stagelint.verify.image import Image
from stagelint.verify.process import CouldNotTellError, InterruptedBuildError, Runner
from stagelint.verify.steps import Steps
from stagelint.verify.verdict import (
    Cost,
    Difference,
    Entry,
    Outcome,
    Part,
    Setting,
    Size,
    Target,
    Verdict,
)

ROOT = Path(__file__).parent.parent

posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def nothing() -> None:
    """Reading may go on."""


# -- reading images --------------------------------------------------------------------------------


class Member(NamedTuple):
    """A member of a layer."""

    name: str
    text: str = ""
    kind: bytes = tarfile.REGTYPE
    link: str = ""
    mode: int = 0o644
    owner: tuple[int, int] = (0, 0)
    xattrs: Mapping[str, str] = {}


def folder(name: str, mode: int = 0o755) -> Member:
    return Member(name, kind=tarfile.DIRTYPE, mode=mode)


def packed(members: Mapping[str, bytes] | None = None, *layer: Member) -> bytes:
    """A tar of plain files, or of the members of a layer."""
    every = [Member(name, data.decode("latin-1")) for name, data in (members or {}).items()]
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for each in (*every, *layer):
            info = tarfile.TarInfo(each.name)
            data = each.text.encode("latin-1")
            info.type, info.linkname, info.mode = each.kind, each.link, each.mode
            info.size, info.mtime = len(data), time.time()
            info.uid, info.gid = each.owner
            info.pax_headers = {f"SCHILY.xattr.{k}": v for k, v in each.xattrs.items()}
            tar.addfile(info, io.BytesIO(data))
    return target.getvalue()


def layer(*members: Member) -> bytes:
    return packed(None, *members)


def saved(path: Path, *layers: bytes, **config: object) -> Image:
    """An image as `docker save` writes it."""
    names = [f"{number}.tar" for number in range(len(layers))]
    digests = [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers]
    document = {"os": "linux", "config": config, "rootfs": {"diff_ids": digests}}
    manifest = [{"Config": "config.json", "Layers": names}]
    texts = {"manifest.json": manifest, "config.json": document}
    files = {name: json.dumps(each).encode() for name, each in texts.items()}
    path.write_bytes(packed(files | dict(zip(names, layers, strict=True))))
    return Image(str(path), nothing)


def files_of(path: Path, *layers: bytes) -> dict[str, Entry]:
    return saved(path / "image.tar", *layers).files


def plain(text: str, mode: int = 0o644) -> Entry:
    data = text.encode()
    return Entry("file", mode, (0, 0), (), "", len(data), hashlib.sha256(data).digest())


DIRECTORY = Entry("folder", 0o755, (0, 0))


def test_a_file_has_everything_but_its_time(tmp_path: Path) -> None:
    member = Member("bin/x", "text", mode=0o4755, owner=(7, 8), xattrs={"user.a": "b"})
    found = files_of(tmp_path, layer(folder("bin", 0o700), member))

    assert found["/bin/x"] == plain("text", 0o4755)._replace(
        owner=(7, 8), xattrs=(("user.a", "b"),)
    )
    assert found["/bin"].mode == 0o700


def test_folders_that_no_layer_speaks_of_are_there(tmp_path: Path) -> None:
    assert files_of(tmp_path, layer(Member("a/b/c"))) == {
        "/": DIRECTORY,
        "/a": DIRECTORY,
        "/a/b": DIRECTORY,
        "/a/b/c": plain(""),
    }


@pytest.mark.parametrize(
    ("members", "left"),
    [
        ([Member("a/.wh.one")], "/ /a /a/two"),
        ([Member(".wh.a")], "/"),
        ([Member("a/.wh..wh..opq")], "/ /a"),
        ([Member("a/.wh..wh..opq"), Member("a/three")], "/ /a /a/three"),
        ([Member(".wh.a"), folder("a"), Member("a/three")], "/ /a /a/three"),
        ([Member("a")], "/ /a"),
        ([Member("a", kind=tarfile.SYMTYPE, link="b")], "/ /a"),
        ([folder("a", 0o700)], "/ /a /a/one /a/two"),
        ([Member(".wh..wh.plnk")], "/ /a /a/one /a/two"),
        ([Member(".wh.a2"), Member("a2/.wh..wh..opq")], "/ /a /a/one /a/two"),
    ],
)
def test_a_layer_takes_away_what_is_below(tmp_path: Path, members: list[Member], left: str) -> None:
    found = files_of(
        tmp_path, layer(folder("a"), Member("a/one"), Member("a/two")), layer(*members)
    )

    assert sorted(found) == left.split()


def test_a_hard_link_is_the_file(tmp_path: Path) -> None:
    link = Member("hard", kind=tarfile.LNKTYPE, link="./a")
    same = files_of(tmp_path, layer(Member("a", "text"), link))
    below = files_of(tmp_path, layer(Member("a", "text")), layer(link))

    assert same["/hard"] == below["/hard"] == plain("text")


def test_links_and_devices_are_what_they_lead_to(tmp_path: Path) -> None:
    link = Member("l", kind=tarfile.SYMTYPE, link="../../etc/passwd")
    found = files_of(tmp_path, layer(link, Member("p", kind=tarfile.FIFOTYPE)))

    assert found["/l"] == Entry("link", 0o777, (0, 0), target="../../etc/passwd")
    assert found["/p"].kind == "pipe"


def test_no_name_leads_out_of_the_image(tmp_path: Path) -> None:
    found = files_of(tmp_path, layer(Member("../../up"), Member("/./a//b/../c"), Member("./")))

    assert sorted(found) == ["/", "/a", "/a/c", "/up"]
    assert os.listdir(tmp_path) == ["image.tar"]


def test_compressed_layers(tmp_path: Path) -> None:
    content = layer(Member("a", "text"))

    assert files_of(tmp_path, gzip.compress(content)) == files_of(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x28\xb5\x2f\xfd...", "a layer is compressed with zstd, which is not read here"),
        (layer(Member("a", kind=tarfile.LNKTYPE, link="b")), "hard link a leads to nothing"),
        (layer(Member("a", "text" * 1000))[:2000], "the image cannot be read: "),
        (gzip.compress(layer(Member("a")))[:60], "the image cannot be read: "),
        (b"\x1f\x8b no gzip", "the image cannot be read: "),
        (b"", "the image cannot be read: "),
    ],
)
def test_a_layer_that_cannot_be_read(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(CouldNotTellError, match=f"^{reason}"):
        files_of(tmp_path, content)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"manifest.json": b"[]"},
        {"manifest.json": b"{}"},
        {"manifest.json": b"no json"},
        {"manifest.json": b"[" * 100_000},
        {"manifest.json": b'[{"Config": "missing", "Layers": []}]'},
        {"manifest.json": b'[{"Config": "manifest.json", "Layers": []}]'},
        {"index.json": b'{"manifests": []}'},
        {"index.json": b'{"manifests": [7]}'},
        {
            "index.json": b'{"manifests": [{"digest": "a:b"}]}',
            "blobs/a/b": b'{"manifests": [{"digest": "a:b"}]}',
        },
    ],
)
def test_an_archive_that_is_no_image(tmp_path: Path, members: dict[str, bytes]) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(packed(members))

    with pytest.raises(CouldNotTellError):
        print(Image(str(path), nothing).settings)


def test_an_oci_layout_with_an_attestation(tmp_path: Path) -> None:
    blobs: dict[str, bytes] = {}

    def blob(data: bytes | object) -> dict[str, Any]:
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"digest": f"sha256:{digest}"}

    config = blob({"config": {"User": "u"}, "architecture": "amd64", "rootfs": {}})
    manifest = blob({"config": config, "layers": [blob(layer(Member("a", "text")))]})
    attestation = {
        **blob({"config": blob({}), "layers": None}),
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
    }
    index = {"manifests": [blob({"manifests": [attestation, manifest]})]}
    path = tmp_path / "image.tar"
    path.write_bytes(packed({**blobs, "index.json": json.dumps(index).encode()}))
    image = Image(str(path), nothing)

    assert image.settings == {"User": "u", "architecture": "amd64"}
    assert (image.files["/a"], image.size.layers) == (plain("text"), 1)


def test_a_layer_that_is_a_link_to_another(tmp_path: Path) -> None:
    """Docker before 25.0 writes a layer that it has twice in this way."""
    documents: dict[str, object] = {
        "manifest.json": [{"Config": "c.json", "Layers": ["1/layer.tar", "2/layer.tar"]}],
        "c.json": {"config": {}},
    }
    files = {name: json.dumps(each).encode() for name, each in documents.items()}
    files["1/layer.tar"] = layer(Member("a", "text"))
    link = Member("2/layer.tar", kind=tarfile.SYMTYPE, link="../1/layer.tar")
    path = tmp_path / "image.tar"
    path.write_bytes(packed(files, link))

    assert Image(str(path), nothing).files["/a"] == plain("text")


def test_reading_ends_when_it_should(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    saved(path, layer(*(Member(str(number)) for number in range(100))))
    runner = Runner()
    runner.stop()

    with pytest.raises(InterruptedBuildError):
        print(Image(str(path), runner.check).files)


# -- comparing -------------------------------------------------------------------------------------


def test_what_differs_of_a_file() -> None:
    old = plain("text")
    after = {
        "content": old._replace(content=b"other"),
        "mode": old._replace(mode=0o600),
        "owner": old._replace(owner=(1, 0)),
        "xattrs": old._replace(xattrs=(("a", "b"),)),
        "kind": old._replace(kind="pipe"),
        "target": old._replace(target="x"),
    }

    assert {
        name: compare.files({"/x": old}, {"/x": new})[0].aspects for name, new in after.items()
    } == {name: {name} for name in after}
    assert compare.files({"/x": old}, {"/x": plain("text")}) == []


def test_the_largest_difference_comes_first() -> None:
    before = {"/c": plain("1234"), "/a": plain("1"), "/same": plain("s" * 99)}
    after = {"/b": plain("12"), "/a": plain("123456"), "/same": plain("s" * 99)}

    assert [(each.path, *each.aspects) for each in compare.files(before, after)][1:] == [
        ("/c", "only before"),
        ("/b", "only after"),
    ]
    assert compare.files(before, after)[0].path == "/a"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/var/lib/apt/lists", True),
        ("/var/lib/apt/lists/x_Packages", True),
        ("/var/lib/apt/extended_states", False),
        ("/var/cache/apt/pkgcache.bin", True),
        ("/var/cache/apt2/x", False),
        ("/var/cache/other", False),
        ("/var/cache/dnf/x", True),
        ("/var/cache/apk/APKINDEX.tar.gz", True),
        ("/var/log/dpkg.log", True),
        ("/var/logs", False),
        ("/root/.cache/pip/http/x", True),
        ("/root/.cache/pip2", False),
        ("/root/.cache/uv/archive-v0/x", True),
        ("/root/.cache/other", False),
        ("/home/me/.npm/_cacache/x", True),
        ("/srv/root/.npm/x", False),
        ("/usr/local/share/.cache/yarn/v6/x", True),
        ("/root/.local/share/pnpm/store/v3/x", True),
        ("/root/.local/share/pnpm/global/x", False),
        ("/root/.cache/pypoetry/artifacts/x", True),
        ("/root/.cache/pypoetry/virtualenvs/x", False),
        ("/root/.composer/auth.json", False),
        ("/tmp/cache/files/x", True),
        ("/tmp/cache/session", False),
        ("/go/pkg/mod/x", True),
        ("/go/bin/x", False),
        ("/usr/local/cargo/registry/x", True),
        ("/usr/local/cargo/bin/x", False),
        ("/root/.m2/settings.xml", False),
        ("/root/.gradle/caches/x", True),
        ("/root/.gradle/init.gradle", False),
        ("/root/.nuget/packages/x", True),
        ("/root/.nuget/NuGet/NuGet.Config", False),
        ("/home/a/b/.npm/x", False),
        ("/usr/bin/apt\n/var/log/x", False),
    ],
)
def test_what_is_a_cache(path: str, expected: bool) -> None:
    difference = Difference(path, compare.ONLY_AFTER, None, plain("x"))

    assert compare.is_cache(difference) is expected


def test_a_folder_that_leads_to_a_cache_may_go() -> None:
    gone = Difference("/root/.local/share", compare.ONLY_BEFORE, DIRECTORY, None)

    assert compare.is_cache(gone)
    assert not compare.is_cache(gone._replace(before=plain("no folder")))


def test_what_two_builds_of_one_file_differ_in_is_set_apart() -> None:
    before = {"/log": plain("1"), "/kept": plain("1"), "/gone": plain("1"), "/mode": plain("1")}
    again = {"/log": plain("2"), "/kept": plain("1"), "/gone": plain("2"), "/mode": plain("2")}
    after = {"/log": plain("3"), "/kept": plain("2"), "/mode": plain("3", 0o600)}
    found = compare.files(before, after)

    assert {each.path for each in found} == {"/log", "/kept", "/gone", "/mode"}
    assert compare.unstable(found, compare.files(before, again)) == {"/log"}


def test_of_a_list_in_the_config_only_what_differs_is_said() -> None:
    before = {"Env": ["PATH=/bin", "A=1"], "Cmd": ["sh"], "Labels": {"a": "1", "b": "1"}}
    after = {"Env": ["PATH=/bin", "A=2"], "User": "u", "Labels": {"a": "1", "b": "2"}}

    assert compare.settings(before, after) == [
        Setting("Cmd", '["sh"]', "null"),
        Setting("Env", '["A=1"]', '["A=2"]'),
        Setting("Labels", '[{"b": "1"}]', '[{"b": "2"}]'),
        Setting("User", "null", '"u"'),
    ]


def test_the_order_of_the_environment_counts() -> None:
    assert compare.settings({"Env": ["A=1", "B=2"]}, {"Env": ["B=2", "A=1"]}) == [
        Setting("Env", '["A=1", "B=2"]', '["B=2", "A=1"]')
    ]


def test_what_says_how_an_image_was_made_does_not_count(tmp_path: Path) -> None:
    one = saved(tmp_path / "1", Env=["A=1"], Hostname="one", Image="x", OnBuild=[], Cmd=None)

    assert one.settings == {"Env": ["A=1"], "os": "linux"}


# -- the steps of BuildKit -------------------------------------------------------------------------


def vertex(digest: str, name: str, *inputs: str, **more: object) -> str:
    return json.dumps({"vertexes": [{"digest": digest, "name": name, "inputs": inputs, **more}]})


STARTED = "2025-11-24T18:28:05.072295361Z"
COMPLETED = "2025-11-24T18:28:07.572295361Z"


def test_steps_have_what_they_need_and_what_they_took() -> None:
    steps = Steps()
    begun = [
        *steps.take(vertex("b", "[x 2/2] RUN z", "a")),  # all are listed before they begin
        *steps.take(vertex("a", "[x 1/2] FROM y", cached=True, started=STARTED)),
        *steps.take(vertex("b", "[x 2/2] RUN z", "a", started=STARTED)),
        *steps.take(vertex("b", "[x 2/2] RUN z", "a", started=STARTED, completed=COMPLETED)),
        *steps.take(vertex("c", "[y 1/1] RUN z", "elsewhere")),
    ]

    assert begun == ["[x 1/2] FROM y", "[x 2/2] RUN z"]
    assert steps.needed("b") == {"a", "b"}
    assert steps.needed(None) == frozenset()
    assert steps.cost(steps.needed("b")) == Cost(2, 1, 2.5)


def test_the_last_lines_are_those_of_the_step_that_failed() -> None:
    steps = Steps()
    lines = [
        vertex("a", "one"),
        vertex("b", "two"),
        json.dumps({"logs": [{"vertex": "a", "data": "Z29vZAo="}]}),
        json.dumps({"logs": [{"vertex": "b", "data": "YmFkCmJyb2tlbgo="}]}),
        vertex("b", "two", error="exit code: 1"),
        "ERROR: failed",
        "",
        "{ no json",
    ]
    for line in lines:
        steps.take(line)

    assert steps.last_lines == ["bad", "broken", "ERROR: failed", "{ no json"]


# -- the report ------------------------------------------------------------------------------------

SAME_COST = (Cost(3, 0, 1.0), Cost(3, 2, 0.5))


def part(**more: Any) -> Part:
    return Part(Target("", "last"), 2, 4, "step", SAME_COST)._replace(**more)


def shown(verdict: Verdict, *, quiet: bool = False) -> list[str]:
    return list(verification.render(verdict, color=False, quiet=quiet))


def test_the_report_of_an_identical_build() -> None:
    identical = part(is_identical=True, shared=4)
    verdict = Verdict("Dockerfile", Outcome.SAME, "docker buildx", (identical,))

    assert shown(verdict) == [
        "Dockerfile: builds the same (by docker buildx)",
        "  `last`: identical build: 4 of 4 steps",
    ]
    assert shown(verdict, quiet=True) == []


def test_the_report_of_the_same_image() -> None:
    same = part(files=1, sizes=(Size(1, 1234), Size(2, 5)))

    assert shown(Verdict("Dockerfile", Outcome.SAME, "buildah", (same,)))[1:] == [
        "  `last`: same image: 1 file and the config; 2 of 4 steps the same",
        "    1 layer, 1.2 kB -> 2 layers, 5 B",
        (
            "    built in 1.0 s -> 0.5 s, with 0 of 3 -> 2 of 3 steps from the cache"
            " (one run on this machine)"
        ),
    ]


def test_the_report_of_another_image() -> None:
    old = plain("text")
    differences = compare.files(
        {"/a": old, "/b": old, "/c": old},
        {"/a": plain("longer", 0o600), "/c": old._replace(owner=(1, 2), xattrs=(("u.x", "y"),))},
    )
    other = part(settings=(Setting("User", "null", '"u"'),), differences=tuple(differences))

    assert shown(Verdict("Dockerfile", Outcome.DIFFERENT, "", (other,)))[:-1] == [
        "Dockerfile: does not build the same",
        "  `last`: different image; 2 of 4 steps the same",
        '    config: User: null -> "u"',
        "    /a: content (4 B -> 6 B), mode (0644 -> 0600)",
        "    /b: only before, 4 B",
        "    /c: owner (0:0 -> 1:2), xattrs (none -> u.x)",
    ]


def test_only_so_many_differences_are_listed() -> None:
    before = {f"/{number:02}": plain("x" * (100 - number)) for number in range(30)}
    other = part(differences=tuple(compare.files(before, {})))
    lines = shown(Verdict("Dockerfile", Outcome.DIFFERENT, "", (other,)))

    assert lines[2] == "    /00: only before, 100 B"
    assert lines[21:23] == ["    /19: only before, 81 B", "    ... and 10 more"]


def test_what_may_differ_is_listed_apart() -> None:
    found = tuple(compare.files({"/var/log/x": plain("x")}, {}))
    lines = shown(Verdict("D", Outcome.SAME, "", (part(caches=found, unstable=found),)))

    assert lines[2:6] == [
        "    differ in caches and logs, which may differ: 1 path",
        "        /var/log/x: only before, 1 B",
        "    differ as between two builds of the old file: 1 path",
        "        /var/log/x: only before, 1 B",
    ]


def test_nothing_in_the_report_drives_the_terminal() -> None:
    evil = "\x1b[2J\u202e\n"
    entry = plain("x")._replace(target=evil, kind="link")
    everything = part(
        target=Target(evil, evil),
        settings=(Setting("User", evil, evil * 50),),
        differences=(
            Difference(evil, frozenset({"target"}), entry, entry),
            Difference(evil, frozenset({"xattrs"}), entry, entry._replace(xattrs=((evil, evil),))),
        ),
    )
    verdict = Verdict(evil, Outcome.UNKNOWN, evil, (everything,), evil, (evil,))

    assert all(line.isprintable() for line in shown(verdict))


# -- a program that plays Buildah ------------------------------------------------------------------

#: An ENV becomes config, all else of the stage to be built, but names of stages, a file.
PLAYER = r"""
import hashlib, io, json, os, re, sys, tarfile, time
words = sys.argv[1:]
log = os.environ["PLAYED"]
with open(log, "a") as file:
    file.write(json.dumps([os.getpid(), *words]) + "\n")
root = next((w.partition("=")[2] for w in words if w.startswith("--root=")), "")
command = next(w for w in words if not w.startswith("--"))
def path(tag):
    os.makedirs(root, exist_ok=True)
    return os.path.join(root, tag.replace("/", "_"))
if command == "info":
    print(json.dumps({"store": {"GraphDriverName": "vfs", "GraphRoot": "/user/store"}}))
elif command == "build":
    file = words[words.index("--file") + 1]
    text = open(file).read()
    if os.path.exists(file + ".dockerignore"):
        print("ignoring", open(file + ".dockerignore").read())
    for line in text.splitlines():
        print("STEP 1/1:", line, flush=True)
    if "RUN fail" in text:
        print("\x1b[2Jboom")
        sys.exit(1)
    if "RUN wait" in text:
        time.sleep(60)
    stages = re.findall(r"(?m)^FROM .*\n(?:(?!FROM).*\n)*", text)
    if "--target" in words:
        name = words[words.index("--target") + 1]
        stages = [each for each in stages if f" AS {name}\n" in each]
    config = {"Env": re.findall(r"(?m)^ENV (.*)$", stages[-1])}
    content = re.sub(r"(?m) AS .*|--from=\S+|^ENV.*\n", "", stages[-1])
    if "RUN random" in text:
        content += os.urandom(8).hex()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        info = tarfile.TarInfo("made")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content.encode()))
    digest = hashlib.sha256(made.getvalue()).hexdigest()
    with tarfile.open(path(words[words.index("--tag") + 1]), "w") as tar:
        for name, data in {
            "manifest.json": json.dumps([{"Config": "c", "Layers": ["l"]}]).encode(),
            "c": json.dumps({"config": config, "rootfs": {"diff_ids": [digest]}}).encode(),
            "l": made.getvalue(),
        }.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
elif command == "push":
    with open(path(words[-2]), "rb") as image, open(words[-1].partition(":")[2], "wb") as file:
        file.write(image.read())
"""

#: A rule whose fix promises the same image, and does not keep it.
WRONG = '''
from stagelint.edit import Edit, Fix, Guarantee
from stagelint.rule import Bad, Rule
from stagelint.source import Span

class WrongPromise(Rule):
    """An ENV.

    It is wrong.
    """

    code = "XX900"
    examples = (Bad(""),)

    def check(self, file):
        for _, instruction in file.instructions("ENV"):
            at = file.source.text.find("A=1")
            if at >= 0:
                edit = Edit(Span(at, at + 3), "A=2")
                fix = Fix("Say A=2", (edit,), Guarantee.SAME_IMAGE)
                yield self.finding(file, Span(at, at + 3), "A is 1", fix=fix)
'''

TEXT = "FROM base\nRUN make\nFROM base AS dead\nRUN make dead\nFROM base\nCOPY --from=0 /a /a\n"
FIXED = TEXT.replace("FROM base\nRUN make\n", "FROM base AS build\nRUN make\n", 1).replace(
    "=0", "=build"
)
SAME = (
    "Dockerfile: builds the same (by buildah)\n"
    "  `dead`: identical build: 1 of 1 layer\n"
    "  `stage-2`: identical build: 1 of 1 layer\n"
)
UNTOLD = "stagelint: {}: not fixed, since nothing shows that it builds the same\n"


class Ran(NamedTuple):
    status: int
    out: str
    err: str


class Place(NamedTuple):
    """An empty current folder, and what the player was told."""

    folder: Path
    log: Path

    def calls(self) -> list[list[str]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [[str(word) for word in json.loads(line)] for line in lines]

    def builds(self) -> list[list[str]]:
        return [call for call in self.calls() if "build" in call]

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The player is called buildah, and there is no other program."""
    found = Place(tmp_path / "project", tmp_path / "log")
    for folder in (found.folder, tmp_path / "bin", tmp_path / "tmp"):
        folder.mkdir()
    player = tmp_path / "bin" / "buildah"
    player.write_text(f"#!{sys.executable} -IS\n{PLAYER}")
    player.chmod(player.stat().st_mode | stat.S_IXUSR)
    monkeypatch.chdir(found.folder)
    monkeypatch.setenv("PATH", str(player.parent))
    monkeypatch.setenv("PLAYED", str(found.log))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM"):
        monkeypatch.delenv(name, raising=False)
    return found


@pytest.fixture
def stagelint(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs the command in this process."""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        try:
            status = main(arguments)
        except SystemExit as stop:
            status = int(str(stop.code))
        out, err = capsys.readouterr()
        return Ran(status, str(out), str(err))

    return run


Run = Callable[..., Ran]


def wrong_rule(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets up the rule that does not keep its promise."""
    package = place.folder.parent / "plugins" / "wrong_rules"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "wrong_promise.py").write_text(WRONG)
    monkeypatch.setattr(sys, "path", [str(package.parent), *sys.path])
    place.write("stagelint.toml", 'plugins = ["wrong_rules"]\nselect = ["XX900", "SL102"]\n')


@posix
def test_a_fix_that_builds_the_same_is_written(place: Place, stagelint: Run) -> None:
    file = place.write("Dockerfile", TEXT)

    assert stagelint("--fix", "--verify", "--select=SL102") == Ran(
        0, "Fixed 1 finding, none left.\n", SAME
    )
    assert file.read_text() == FIXED


@posix
def test_without_a_builder_nothing_is_written(
    place: Place, stagelint: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    file = place.write("Dockerfile", TEXT)
    reasons = "docker: not installed; buildah: not installed; podman: not installed"

    assert stagelint("--fix-only", "--verify") == Ran(
        2,
        "",
        UNTOLD.format("Dockerfile")
        + f"Dockerfile: could not tell: there is no builder that works ({reasons})\n",
    )
    assert file.read_text() == TEXT


@posix
def test_a_builder_that_was_asked_for_and_is_not_there(place: Place, stagelint: Run) -> None:
    place.write("Dockerfile", TEXT)
    done = stagelint("verify", "--with=podman", "Dockerfile", "Dockerfile")

    assert done == Ran(
        2,
        "Dockerfile: could not tell: there is no builder that works (podman: not installed)\n",
        "",
    )


@posix
def test_nothing_is_built_where_nothing_is_fixed(place: Place, stagelint: Run) -> None:
    place.write("Dockerfile", FIXED)

    assert stagelint("--fix", "--verify", "--select=SL102") == Ran(0, "All checks passed.\n", "")
    assert place.calls() == []


@posix
def test_nothing_is_built_without_the_option(place: Place, stagelint: Run) -> None:
    place.write("Dockerfile", TEXT)

    assert stagelint("--fix").status == 0
    assert place.calls() == []


@posix
@pytest.mark.parametrize("keep", [False, True])
def test_a_fix_that_does_not_keep_its_promise_is_refused(
    place: Place, stagelint: Run, monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    wrong_rule(place, monkeypatch)
    text = "FROM base\nENV A=1\n"
    file = place.write("Dockerfile", text)
    file.chmod(0o640)
    done = stagelint("--fix", "--verify", "--exit-zero", *["--keep-failed"] * keep)
    kept = place.folder / "Dockerfile.failed"

    assert (done.status, file.read_text(), kept.exists()) == (1, text, keep)
    assert 'config: Env: ["A=1"] -> ["A=2"]\n' in done.err
    assert done.err.startswith("Dockerfile: does not build the same (by buildah)\n")
    assert "Dockerfile:2:5: warning XX900 wrong-promise: A is 1\n" in done.out
    assert (f"  what was tried is in {file.name}.failed\n" in done.err) == keep
    if keep:
        assert kept.read_text() == text.replace("A=1", "A=2")
        assert stat.S_IMODE(kept.stat().st_mode) == 0o640


@posix
def test_what_was_kept_is_not_linted(
    place: Place, stagelint: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong_rule(place, monkeypatch)
    place.write("Dockerfile", "FROM base\nENV A=1\n")
    place.write("Dockerfile.failed", "FROM base\nENV A=1\n")

    assert "in 1 file." in stagelint().out


@posix
def test_a_promise_that_a_build_can_show_needs_one(
    place: Place, stagelint: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong_rule(place, monkeypatch)
    file = place.write("Dockerfile", "FROM base\nENV A=1\n")
    done = stagelint("--fix")

    assert file.read_text() == "FROM base\nENV A=1\n"
    assert "= fix: Say A=2 (same-image: --fix --verify applies it)\n" in done.out


@posix
def test_unsafe_fixes_are_built_too(place: Place, stagelint: Run) -> None:
    file = place.write("Dockerfile", TEXT)
    done = stagelint("--fix-only", "--verify", "--unsafe-fixes", "--select=SL101")

    assert (done.status, file.read_text()) == (1, TEXT)
    assert done.err == ("Dockerfile: does not build the same: target `dead` is gone (by buildah)\n")

    done = stagelint("--fix-only", "--verify", "--unsafe-fixes", "--verify-target=")
    assert (done.status, file.read_text()) == (
        0,
        FIXED.replace("FROM base AS dead\nRUN make dead\n", ""),
    )


@posix
def test_files_are_verified_one_by_one(
    place: Place, stagelint: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong_rule(place, monkeypatch)
    good, bad = TEXT, "FROM base\nENV A=1\n"
    for number in range(3):
        place.write(f"{number}.dockerfile", good if number % 2 == 0 else bad)
    done = stagelint("--fix", "--verify", "--jobs=3")

    assert (
        done.status,
        [place.folder.joinpath(f"{n}.dockerfile").read_text() for n in range(3)],
    ) == (
        1,
        [FIXED, bad, FIXED],
    )


@posix
def test_a_diff_keeps_nothing(
    place: Place, stagelint: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong_rule(place, monkeypatch)
    place.write("Dockerfile", "FROM base\nENV A=1\n")

    assert stagelint("--diff", "--verify", "--keep-failed").status == 1
    assert not (place.folder / "Dockerfile.failed").exists()


@posix
def test_a_diff_is_verified_and_not_written(place: Place, stagelint: Run) -> None:
    file = place.write("Dockerfile", TEXT)
    done = stagelint("--diff", "--verify", "--select=SL102")

    assert (done.status, done.err, file.read_text()) == (1, SAME + "Would fix 1 finding.\n", TEXT)


@posix
def test_stdin_is_verified(place: Place, stagelint: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong_rule(place, monkeypatch)
    for text, printed, status in (
        (TEXT, FIXED, 0),
        ("FROM base\nENV A=1\n", "FROM base\nENV A=1\n", 1),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        done = stagelint("--fix", "--verify", "--stdin-filename=Dockerfile", "--keep-failed", "-")

        assert (done.status, done.out) == (status, printed)
    assert os.listdir(place.folder) == ["stagelint.toml"]


# -- stagelint verify ------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (TEXT, FIXED, 0),
        (TEXT, TEXT.replace("/a /a", "/a /b"), 1),
        (TEXT, TEXT + "RUN fail\n", 1),
        (TEXT + "RUN fail\n", TEXT, 2),
        (TEXT, TEXT.replace("AS dead", "AS other"), 1),
        ("FROM base\nRUN random\n", "FROM base\nRUN random\n", 0),
        ("FROM base\nRUN random\n", "FROM base\nENV A=1\nRUN random\n", 1),
    ],
)
def test_two_files(place: Place, stagelint: Run, old: str, new: str, status: int) -> None:
    place.write("old", old)
    place.write("new", new)

    assert stagelint("verify", "old", "new").status == status


@posix
def test_what_differs_between_two_builds_of_the_old_file_is_no_failure(
    place: Place, stagelint: Run
) -> None:
    place.write("old", "FROM base\nRUN random\n")
    done = stagelint("verify", "old", "old")

    assert "    differ as between two builds of the old file: 1 path\n        /made: " in done.out
    assert [("--no-cache" in call) for call in place.builds()] == [False, False, True]


@posix
def test_the_last_lines_of_a_builder_are_shown_and_escaped(place: Place, stagelint: Run) -> None:
    place.write("old", "FROM base\nRUN fail\n")

    assert stagelint("verify", "old", "old") == Ran(
        2,
        "old: could not tell: the old file does not build (--context, --build-arg and the targets"
        " are yours to say) (by buildah)\n"
        "  | STEP 1/1: FROM base\n"
        "  | STEP 1/1: RUN fail\n"
        "  | \\x1b[2Jboom\n",
        "",
    )


@posix
def test_the_builder_gets_what_the_user_says(place: Place, stagelint: Run) -> None:
    place.write("old", "ARG X\nFROM base AS one\nFROM base AS two\n")
    (place.folder / "ctx").mkdir()
    options = "--target=one --context=ctx --build-arg=X=${Y} --secret=id=a,src=b --ssh=default"
    stagelint("verify", "old", "old", *options.split())
    call = place.builds()[0]
    said = [*pairwise(call)]

    assert ("--build-arg", "X=${Y}") in said
    assert ("--secret", "id=a,src=b") in said
    assert ("--ssh", "default") in said
    assert ("--target", "one") in said
    assert call[-1] == str(place.folder / "ctx")
    assert "--storage-opt=vfs.imagestore=/user/store" in call
    assert len(place.builds()) == 2


@posix
@pytest.mark.parametrize("old", ["Dockerfile", "Dockerfile.failed"])
def test_the_ignore_file_of_one_counts_for_both(place: Place, stagelint: Run, old: str) -> None:
    place.write("Dockerfile", "FROM base\nRUN fail\n")
    place.write("Dockerfile.failed", "FROM base\nRUN fail\n")
    place.write("Dockerfile.dockerignore", "secret-of-mine\n")

    assert "  | ignoring secret-of-mine\n" in stagelint("verify", old, "Dockerfile").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--verify", "--verify goes with --fix, --fix-only or --diff"),
        ("--fix --verify-with=docker", "--verify-with goes with --verify"),
        ("--fix --verify-target=x", "--verify-target goes with --verify"),
        ("--fix --timeout=1", "--timeout goes with --verify"),
        ("--fix --secret=id=x", "--secret goes with --verify"),
        ("--fix --ssh=default", "--ssh goes with --verify"),
        ("--fix --buildx-builder=x", "--buildx-builder goes with --verify"),
        ("--fix --keep-failed", "--keep-failed goes with --verify"),
        (
            "--fix --verify --buildx-builder=x --verify-with=buildah",
            "--buildx-builder is an instance of docker buildx, not of buildah",
        ),
        ("verify - -", "only one of the two files can be stdin (-)"),
        ("verify Dockerfile missing", "missing: no such file"),
        (
            "verify Dockerfile sub/Dockerfile",
            "the two files lie in different folders: say which --context they build in",
        ),
    ],
)
def test_a_mistake_is_one_line(place: Place, stagelint: Run, arguments: str, message: str) -> None:
    place.write("Dockerfile", TEXT)
    (place.folder / "sub").mkdir()
    place.write("sub/Dockerfile", TEXT)

    assert stagelint(*arguments.split()) == Ran(2, "", f"stagelint: {message}\n")


@pytest.mark.parametrize(
    "arguments",
    "--timeout=0 --timeout=-1 --timeout=x --timeout=nan --timeout=1e99 --jobs=-1 --jobs=x"
    " --verify-with=kaniko --context=none".split(),
)
def test_values_that_make_no_sense(place: Place, stagelint: Run, arguments: str) -> None:
    place.write("Dockerfile", TEXT)
    done = stagelint("--fix", "--verify", arguments)

    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert (place.folder / "Dockerfile").read_text() == TEXT


# -- an end before the end -------------------------------------------------------------------------

WAITING = TEXT + "RUN wait\n"

#: A shell or `nohup` may have told the tests, and so their children, to ignore these.
INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
hasattr(signal, "SIGHUP") and signal.signal(signal.SIGHUP, signal.SIG_DFL)
from stagelint.cli import main
sys.exit(main())
"""


def started(
    place: Place,
    *arguments: str,
    stdout: int | BinaryIO | None = None,
    stderr: int | BinaryIO | None = None,
) -> subprocess.Popen[bytes]:
    """The command as a program of its own, once the player builds."""
    paths = os.pathsep.join(str(ROOT / each) for each in ("lint", "rules"))
    process: subprocess.Popen[bytes] = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *arguments],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=stdout,
        stderr=stderr,
    )
    wait_for(lambda: bool(place.builds()))
    return process


def wait_for(happened: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def runs(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


@posix
@pytest.mark.parametrize(("number", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_an_interrupted_build_leaves_nothing(place: Place, number: str, status: int) -> None:
    file = place.write("Dockerfile", WAITING)
    process = started(place, "--fix", "--verify", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.send_signal(signal.Signals[number])
    out, err = process.communicate(timeout=30)
    expected = b"stagelint: interrupted\n" if number == "SIGINT" else b""

    assert (process.returncode, out, err) == (status, b"", expected)
    assert file.read_text() == WAITING
    assert not any(runs(call[0]) for call in place.calls())
    assert os.listdir(os.environ["TMPDIR"]) == []
    assert os.listdir(place.folder) == ["Dockerfile"]


@posix
def test_an_impatient_user_does_not_keep_it_from_tidying_up(place: Place) -> None:
    place.write("Dockerfile", WAITING)
    process = started(place, "--fix", "--verify", stderr=subprocess.DEVNULL)
    for _ in range(20):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        time.sleep(0.01)

    assert process.wait(30) == 130
    assert os.listdir(os.environ["TMPDIR"]) == []
    assert not any(runs(call[0]) for call in place.calls())


@linux
def test_a_killed_run_takes_its_builder_with_it(place: Place) -> None:
    file = place.write("Dockerfile", WAITING)
    process = started(place, "--fix", "--verify")
    process.kill()
    process.wait()

    wait_for(lambda: not any(runs(call[0]) for call in place.calls()))
    assert file.read_text() == WAITING


@posix
def test_a_build_that_takes_too_long(place: Place, stagelint: Run) -> None:
    file = place.write("Dockerfile", WAITING)
    done = stagelint("--fix-only", "--verify", "--timeout=1.5")

    assert done == Ran(
        2,
        "",
        UNTOLD.format("Dockerfile")
        + "Dockerfile: could not tell: it took longer than 1.5 seconds (by buildah)\n",
    )
    assert file.read_text() == WAITING
    assert not any(runs(call[0]) for call in place.calls())
    assert os.listdir(os.environ["TMPDIR"]) == []


@posix
def test_a_terminal_shows_what_goes_on(place: Place) -> None:
    import pty

    place.write("old", "FROM base\nRUN \x1bmake\n")
    ours, theirs = pty.openpty()
    with open(ours, "rb") as screen, open(theirs, "wb") as terminal:
        process = started(place, "verify", "old", "old", stdout=subprocess.DEVNULL, stderr=terminal)
        assert process.wait(30) == 0
        lines = os.read(screen.fileno(), 1 << 16).decode().splitlines()

    assert lines[:2] == ["[before] STEP 1/1: FROM base", "[before] STEP 1/1: RUN \\x1bmake"]
