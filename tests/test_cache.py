"""A run that knows what earlier ones found says what one says that looks at everything."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from stagelint import engine
from stagelint.cache import folder as folder_module
from stagelint.cache.values import packed, unpacked
from stagelint.model.dockerignore import DockerIgnore
from stagelint.model.file import File
from stagelint.project import index as index_module
from stagelint.registry import Ruleset, rules_of
from stagelint.source import Source

CACHE = ".stagelint_cache"
MULTI = """\
FROM golang:1.25 AS build
ARG VERSION
COPY . .
RUN go build -o /app .
FROM alpine AS dev
RUN apk add curl
FROM alpine:3.20
COPY --from=0 /app /app
CMD ["/app"]
"""
COMPOSE = "services:\n  web:\n    build:\n      context: .\n      target: {}\n"
SIZES = (
    '{{"version": 1, "images": [{{"name": "alpine", "tag": "3.20", "as_of": "2026-01-01",'
    ' "source": "x", "compressed_bytes": {}}}]}}'
)

#: What the files of a repository may say; None for no file.
TEXTS: dict[str, list[str | None]] = {
    "Dockerfile": [
        MULTI,
        MULTI.replace("dev", "tools"),
        MULTI.replace("0", "build"),
        "FROM alpine\nADD app.tar.gz conf /\nUSER root\n",
        "FROM alpine\nRUNN x\n",
        None,
    ],
    "api/Dockerfile": [
        MULTI,
        "FROM node:20\nCOPY package.json ignored.txt ./\nRUN npm install\nCMD node x.js\n",
        "FROM python\nCOPY ../x /x\n",
        None,
    ],
    "web/Dockerfile.dev": [MULTI, "FROM $BASE\n", None],
    "compose.yaml": [
        *(COMPOSE.format(target) for target in ("dev", "build", "tools", "gone")),
        COMPOSE.format("dev")
        + "  api:\n    build:\n      context: api\n      args: [VERSION, OTHER]\n",
        COMPOSE.format("x") + "  y:\n    build: {context: ., dockerfile: web/Dockerfile.dev}\n",
        "services: [\n",
        None,
    ],
    "docker-bake.hcl": [
        'target "a" {\n  target = "dev"\n}\n',
        'target "a" {\n  dockerfile = "web/Dockerfile.dev"\n  target = "tools"\n}\n',
        None,
    ],
    "build.sh": [
        "docker build --target dev .\n",
        "docker build --target $STAGE .\n",
        "docker build -f api/Dockerfile api\n",
        "echo\n",
        None,
    ],
    "notes.txt": ["run the stage dev with docker build\n", "nothing\n", None],
    ".dockerignore": ["*.txt\n", "app.tar.gz\n", "**\n!conf\n", None],
    "api/Dockerfile.dockerignore": ["ignored.txt\n", None],
    "stagelint.toml": [
        'targets = ["dev"]\n',
        'ships = ["dev"]\nignore = ["SL102"]\n',
        '[severity]\nSL102 = "error"\n',
        'builder-stages = "all"\n[per-file-ignores]\n"api/*" = ["DL"]\n',
        'dialect = "classic"\n',
        'sizes = "sizes.json"\nfinal-base-budget = "1MB"\n',
        None,
    ],
    "api/stagelint.toml": ['select = ["SL"]\n', None],
    "sizes.json": [SIZES.format(3_000_000), SIZES.format(9_000_000)],
    "main.go": ['package main\nimport "C"\n', "package main\n", None],
    "go.mod": ["module example.com/x\n", None],
    "app.tar.gz": ["x", None],
    "conf": ["y", None],
    "api/package.json": ['{"name": "x"}', '{"dependencies": {"a": "1"}}', None],
    ".gitignore": ["api/\n", "compose.yaml\n", "*.hcl\n", None],
}
ARGUMENTS = [
    [],
    ["."],
    [".", "--select", "SL,BK,DL"],
    ["Dockerfile", "api/Dockerfile"],
    [".", "--target", "dev", "--builder-stages", "all"],
    ["api"],
    [".", "--project", "."],
]


@pytest.fixture(autouse=True)
def repository(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("STAGELINT_NO_CACHE")
    monkeypatch.delenv("STAGELINT_CACHE_DIR", raising=False)
    subprocess.run(["git", "init", "-q"], check=True)
    return empty_folder


Said = Callable[..., tuple[int, bytes, bytes]]


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


def no_lint(*_: object) -> Any:
    raise AssertionError("nothing was kept")


# -- the same as without ---------------------------------------------------------------------------


def edit(draw: random.Random) -> None:
    """Change one thing in the repository."""
    name = draw.choice(list(TEXTS))
    path = Path(name)
    how = draw.randrange(8)
    if how == 0 and path.exists():  # in a way that size and time do not tell
        before, text = path.stat(), path.read_text()
        for old, new in (("dev", "ved"), ("build", "dliub"), ("x", "z"), ("o", "a")):
            text = text.replace(old, new)
        path.write_text(text)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif how == 1 and path.exists():
        other = Path(draw.choice(list(TEXTS)))
        other.parent.mkdir(exist_ok=True)
        os.replace(path, other)
    elif how == 2 and path.exists():
        path.touch()
    elif how == 3 and path.exists():
        target = Path(f"{path}.real")
        os.replace(path, target)
        path.symlink_to(target.name)
    else:
        text = draw.choice(TEXTS[name])
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.unlink(missing_ok=True) if path.is_symlink() else None
            write(name, text)


def compare(seed: int, said: Said, edits: int) -> None:
    draw = random.Random(seed)
    arguments = ARGUMENTS[seed % len(ARGUMENTS)]
    for name, texts in TEXTS.items():
        if draw.random() < 0.8 and texts[0] is not None:
            write(name, texts[0])
    for _ in range(edits):
        time.sleep(0.03)  # so that no two changes fall into one tick
        assert said(*arguments) == said(*arguments, "--no-cache")
        edit(draw)


@pytest.fixture
def quick_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A status counts after so many nanoseconds, on a file system that has finer times than FAT."""
    monkeypatch.setattr(index_module, "_TICK", 12_000_000)


@pytest.mark.usefixtures("quick_tick")
@pytest.mark.parametrize("seed", range(14))
def test_a_run_says_the_same_as_without_a_cache(seed: int, said: Said) -> None:
    compare(seed, said, 15)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_tick")
@pytest.mark.parametrize("seed", range(100, 112))
def test_a_run_says_the_same_after_many_edits(seed: int, said: Said) -> None:
    compare(seed, said, 60)


C = "FROM golang AS build\nWORKDIR /x\nCOPY . .\nRUN go build -o /app .\nFROM alpine\nCOPY --from=build /app /app\nCMD /app\n"
ADD = "FROM alpine\nADD conf /x/\nCMD x\n"
BIG = 'final-base-budget = "5MB"\nsizes = "sizes.json"\n'
SHIP = "FROM alpine:3.20\nCMD x\n"


@pytest.mark.usefixtures("quick_tick")
@pytest.mark.parametrize(
    ("files", "name", "after"),
    [
        ({}, "compose.yaml", COMPOSE.format("dev")),
        ({"compose.yaml": COMPOSE.format("dev")}, "compose.yaml", COMPOSE.format("ved")),
        ({"compose.yaml": COMPOSE.format("dev")}, "compose.yaml", None),
        ({"compose.yaml": COMPOSE.format("gone")}, "compose.yaml", "\n" + COMPOSE.format("gone")),
        ({"compose.yaml": COMPOSE.format("dev")}, ".gitignore", "compose.yaml"),
        ({"build.sh": "docker build --target dev ."}, "build.sh", "docker build --target $X ."),
        ({"build.sh": "docker build ."}, "notes.txt", "docker build: the stage dev"),
        ({"compose.yaml": COMPOSE.format("gone")}, "compose.yaml", COMPOSE.format("lost")),
        ({"Dockerfile": "FROM alpine\nCOPY a /\nCMD x\n"}, ".dockerignore", "a"),
        (
            {"Dockerfile": "FROM alpine\nCOPY a /\nCMD x\n", ".dockerignore": "a"},
            ".dockerignore",
            "b",
        ),
        ({"Dockerfile": "FROM alpine\nCOPY a /\nCMD x\n"}, "Dockerfile.dockerignore", "a"),
        ({}, "stagelint.toml", 'targets = ["dev"]'),
        ({"stagelint.toml": 'targets = ["dev"]'}, "stagelint.toml", 'targets = ["gone"]'),
        ({"stagelint.toml": 'ignore = ["SL101"]'}, "stagelint.toml", 'ignore = ["SL102"]'),
        ({"stagelint.toml": 'ships = ["dev"]'}, "stagelint.toml", "ships = []"),
        ({}, "stagelint.toml", '[severity]\nSL101 = "error"'),
        (
            {"Dockerfile": SHIP, "stagelint.toml": BIG, "sizes.json": SIZES.format(10_000_000)},
            "sizes.json",
            SIZES.format(90_000_000),
        ),
        (
            {"Dockerfile": C, "go.mod": "module x", "main.go": 'package main\nimport "C"\n'},
            "main.go",
            "package main\n",
        ),
        (
            {"Dockerfile": ADD, "conf": "x", "stagelint.toml": 'select = ["DL"]'},
            "conf",
            "BZh91AY&SY",
        ),
    ],
)
def test_whatever_a_result_depends_on(
    files: dict[str, str], name: str, after: str | None, said: Said
) -> None:
    for each, text in {"Dockerfile": MULTI, **files}.items():
        write(each, text)
    time.sleep(0.03)
    arguments = (".", "--output-format", "json")
    first = said(*arguments)
    assert first == said(*arguments) == said(*arguments, "--no-cache")
    os.unlink(name) if after is None else write(name, after)
    time.sleep(0.03)

    second = said(*arguments, "--no-cache")

    assert second != first
    assert said(*arguments) == said(*arguments) == second


def test_build_arguments_of_the_environment(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    write("Dockerfile", "ARG BASE\nFROM $BASE AS x\nFROM y\nCOPY --from=x / /\n")
    for value in ("alpine", "Not An Image", "alpine"):
        monkeypatch.setenv("BASE", value)
        assert said("--build-arg", "BASE") == said("--build-arg", "BASE", "--no-cache")


@pytest.mark.skipif(os.name == "nt", reason="there every file is read again")
@pytest.mark.usefixtures("quick_tick")
def test_a_change_that_size_and_time_do_not_tell(said: Said) -> None:
    write("Dockerfile", MULTI)
    write("compose.yaml", COMPOSE.format("dev"))
    status = os.stat("compose.yaml")
    time.sleep(0.03)
    first = said()
    write("compose.yaml", COMPOSE.format("ved"))
    os.utime("compose.yaml", ns=(status.st_atime_ns, status.st_mtime_ns))

    assert said() == said("--no-cache") != first


def test_a_file_that_was_just_changed_is_read_again(said: Said) -> None:
    """Size and times may be the same after the next change."""
    write("Dockerfile", MULTI)
    write("compose.yaml", COMPOSE.format("dev"))
    first = said()
    status = os.stat("compose.yaml")
    write("compose.yaml", COMPOSE.format("ved"))
    os.utime("compose.yaml", ns=(status.st_atime_ns, status.st_mtime_ns))

    assert said() == said("--no-cache") != first


@pytest.mark.parametrize("rule", list(rules_of("stagelint_rules")), ids=lambda rule: rule.name())
def test_findings_survive(rule: Any) -> None:
    for example in rule.examples:
        source = Source("Dockerfile", dedent(example.text))
        found = engine.lint(File(source), Ruleset.of([rule]))

        made, others = packed(found, source)

        rows, sources = json.loads(json.dumps(made)), [source, *others]
        assert unpacked(rows, sources) == found
        assert repr(unpacked(rows, sources)) == repr(found)  # enumerations are more than their text


# -- what is kept ----------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["Dockerfile"], ["."]])
def test_what_was_found_is_not_looked_for_again(
    arguments: list[str], said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("Dockerfile", MULTI)
    write("compose.yaml", COMPOSE.format("gone"))
    write("api/Dockerfile", C)
    write("api/main.go", "package main\n")
    first = said(*arguments)
    monkeypatch.setattr(engine, "lint", no_lint)
    monkeypatch.setattr(engine, "lint_project", no_lint)

    assert said(*arguments) == first
    assert b"SL102" in first[1]


NODE = "FROM node:22-slim\nWORKDIR /app\nCOPY {} ./\nRUN npm ci\nCMD node s.js\n"


def another_file(folder: str) -> None:
    write(f"{folder}/lib/x.js", "x\n")


def another_mode(folder: str) -> None:
    os.chmod(f"{folder}/package.json", 0o600)


def another_text(folder: str) -> None:
    write(f"{folder}/package.json", "[]\n")


def a_link(folder: str) -> None:
    os.unlink(f"{folder}/package.json")
    os.symlink("/etc/passwd", f"{folder}/package.json")


def left_out(folder: str) -> None:
    write(f"{folder}/.dockerignore", "*.json\n")


@pytest.mark.skipif(os.name == "nt", reason="there are no modes")
@pytest.mark.parametrize("change", [another_file, another_mode, another_text, a_link, left_out])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [("src/Dockerfile", []), ("src/cmd/Dockerfile", []), ("web/Dockerfile", ["--context=src"])],
)
def test_a_build_context_that_changes_is_looked_at(
    name: str,
    arguments: list[str],
    change: Callable[[str], None],
    said: Said,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(name, NODE.format("package.json s.js"))
    write("src/package.json", "{}\n")
    write("src/s.js", "x\n")
    arguments = [name, "--select=SL,BK,DL", *arguments]
    first = said(*arguments)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "lint", no_lint)
        assert said(*arguments) == first
    change("src")
    monkeypatch.setattr(engine, "lint", no_lint)

    with pytest.raises(AssertionError, match="nothing was kept"):
        said(*arguments)


def test_a_finding_in_a_file_that_is_not_there_yet(said: Said) -> None:
    write("node_modules/a.js", "x\n")
    write("package.json", "{}\n")
    write("Dockerfile", NODE.format("."))
    arguments = (".", "--select=SL313", "--baseline=../baseline.json", "--update-baseline")
    first = said(*arguments)
    kept = Path("../baseline.json").read_text()
    os.unlink("../baseline.json")

    assert said(*arguments) == first
    assert Path("../baseline.json").read_text() == kept
    assert "SL313" in kept


def test_a_cache_in_the_build_context_is_none_of_it(said: Said) -> None:
    write("stagelint.toml", 'cache-dir = ".cache/stagelint"\n')
    write("package.json", "{}\n")
    write("Dockerfile", NODE.format("."))
    arguments = (".", "--select=SL313", "--output-format=json")
    first = said(*arguments)

    assert list(Path(".cache/stagelint").glob("*.json"))
    assert said(*arguments) == said(*arguments, "--no-cache") == said(*arguments) == first
    assert json.loads(first[1])[0]["fix"]


def test_what_lies_in_a_context_is_worked_out_once(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        write(f"{number}.Dockerfile", NODE.format("package.json s.js"))
        write(f"{number}.txt", "x")
    write("package.json", "{}\n")
    write("s.js", "x\n")
    write(".dockerignore", "*.txt\n")
    looked: list[str] = []
    leaves_out = DockerIgnore.leaves_out

    def counted(self: DockerIgnore, path: str) -> bool:
        looked.append(path)
        return leaves_out(self, path)

    monkeypatch.setattr(DockerIgnore, "leaves_out", counted)
    said(".", "--select=SL,BK,DL", "--no-cache")
    without = len(looked)
    said(".", "--select=SL,BK,DL")

    assert 0 < without == len(looked) - without


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notes.txt", "nothing of interest\n"),
        ("compose.yaml", COMPOSE.format("dev") + "  db: {image: postgres}\n"),
        ("api/Dockerfile", "FROM scratch\n"),
    ],
)
def test_a_file_that_does_not_matter_to_another_changes_nothing_for_it(
    name: str, text: str, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("web/Dockerfile.dev", "FROM alpine\n")
    write("compose.yaml", COMPOSE.format("dev"))
    write("notes.txt", "nothing\n")
    write("api/Dockerfile", "FROM alpine:3\n")
    first = said("web/Dockerfile.dev")
    write(name, text)
    monkeypatch.setattr(engine, "lint", no_lint)

    assert said("web/Dockerfile.dev") == first


def test_rules_of_others_are_asked_each_time(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("their_own_rules/__init__.py", "")
    write("stagelint.toml", 'plugins = ["their_own_rules"]\n')
    write("Dockerfile", MULTI)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    said()
    monkeypatch.setattr(engine, "lint", no_lint)

    with pytest.raises(AssertionError, match="nothing was kept"):
        said()


@pytest.mark.parametrize(
    "arguments", [["--fix"], ["--diff"], ["--no-cache"], ["--add-ignore"], ["--fix-only"]]
)
def test_runs_that_keep_nothing(arguments: list[str], said: Said) -> None:
    write("Dockerfile", MULTI)

    said(*arguments)

    assert not Path(CACHE).exists()


def test_outside_of_projects_nothing_is_kept(said: Said) -> None:
    shutil.rmtree(".git")
    write("Dockerfile", MULTI)

    said()

    assert os.listdir() == ["Dockerfile"]


@pytest.mark.parametrize(
    ("setting", "variable", "place"),
    [
        ("", "", CACHE),
        ('cache-dir = "build/kept"', "", "build/kept"),
        ('cache-dir = "build/kept"', "elsewhere", "elsewhere"),
    ],
)
def test_the_folder(
    setting: str, variable: str, place: str, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("Dockerfile", MULTI)
    write("api/Dockerfile", MULTI)
    write("stagelint.toml", setting)
    monkeypatch.setenv("STAGELINT_CACHE_DIR", variable)
    before = set(os.listdir())

    said("api/Dockerfile")

    assert set(os.listdir()) - before == {place.split("/", maxsplit=1)[0]}
    assert Path(place, "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06")
    status = subprocess.run(["git", "status", "--short"], capture_output=True, check=True)
    assert place.encode() not in status.stdout


def test_clean(said: Said) -> None:
    write("Dockerfile", MULTI)
    said()
    write(f"{CACHE}/mine", "x")

    assert said("clean")[1] == f"Removed {os.path.abspath(CACHE)}.\n".encode()
    assert os.listdir(CACHE) == ["mine"]
    assert said("clean")[1] == b"There is no cache.\n"


def test_old_entries_go(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "_MOST", 4000)
    for number in range(20):
        write("Dockerfile", f"{MULTI}# {number}\nLABEL a{number}=b\n")
        said("--ignore", f"DL30{number:02}")

    sizes = [path.stat().st_size for path in Path(CACHE).glob("*.json")]
    assert 0 < sum(sizes) <= 4000


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")
def test_what_a_run_loads(repository: Path) -> None:
    write("Dockerfile", MULTI)
    script = "import sys\nfrom stagelint.cli import main\nmain()\nprint(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", script]
    cold, warm = (
        subprocess.run(command, env=environment, capture_output=True, check=True).stdout.decode()
        for _ in range(2)
    )

    heavy = {"pickle", "hashlib", "libcst", "networkx", "tempfile", "dataclasses", "inspect"}
    assert heavy & set(cold.split()) == set()
    assert {*heavy, "yaml", "tomllib"} & set(warm.split()) == set()
    assert "stagelint_rules.numeric_stage_reference" in cold.split()
    assert "stagelint_rules.numeric_stage_reference" not in warm.split()


# -- nobody else writes there ----------------------------------------------------------------------


def entries() -> list[Path]:
    return sorted(Path(CACHE).glob("*.json"))


def emptied(_: bytes) -> bytes:
    return b""


def shortened(data: bytes) -> bytes:
    return data[: len(data) // 2]


def changed(data: bytes) -> bytes:
    return data.replace(b"SL102", b"SL101")


def unsealed(data: bytes) -> bytes:
    return data.split(b"\n")[1]


def nested(_: bytes) -> bytes:
    return b"[" * 100_000


@pytest.mark.parametrize("damage", [shortened, changed, unsealed, nested, emptied])
def test_damaged_entries_are_not_believed(damage: Callable[[bytes], bytes], said: Said) -> None:
    write("Dockerfile", MULTI)
    first = said()
    for path in entries():
        path.write_bytes(damage(path.read_bytes()))

    assert said() == first


def test_an_entry_is_not_believed_in_the_place_of_another(said: Said) -> None:
    write("Dockerfile", "FROM alpine:3.20\nUSER 1\n")
    said()
    clean = [path.read_bytes() for path in entries()]
    write("Dockerfile", MULTI)
    first = said()
    for path in entries():
        path.write_bytes(clean[0])

    assert said() == first


def test_a_cache_that_was_brought_along_is_not_believed(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("Dockerfile", MULTI)
    first = said()
    shutil.copytree(CACHE, "copy")
    shutil.rmtree(CACHE)
    os.rename("copy", CACHE)
    monkeypatch.setattr(engine, "lint", no_lint)

    with pytest.raises(AssertionError, match="nothing was kept"):
        said()
    monkeypatch.undo()
    assert b"SL102" in first[1]


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")
@pytest.mark.parametrize("what", ["folder", "dangling", "tag", "file", "pipe", "owner"])
def test_what_is_not_ours_is_left_alone(
    what: str, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("Dockerfile", MULTI)
    os.mkdir("other")
    if what == "folder":
        os.symlink("other", CACHE)
    elif what == "dangling":
        os.symlink("nowhere", CACHE)
    elif what == "tag":
        os.mkdir(CACHE)
        os.symlink("../other/tag", f"{CACHE}/CACHEDIR.TAG")
    elif what == "file":
        write(CACHE, "x")
    elif what == "pipe":
        os.mkdir(CACHE)
        os.mkfifo(f"{CACHE}/CACHEDIR.TAG")
    else:
        owner = os.geteuid()
        said()
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    assert said() == said("--no-cache")
    assert os.listdir("other") == []
    assert not os.path.exists("nowhere")


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")
def test_entries_that_are_no_files(said: Said) -> None:
    write("Dockerfile", MULTI)
    first = said()
    write("other", "mine")
    paths = entries()
    for path, make in zip(paths, (os.mkfifo, os.mkdir), strict=False):
        path.unlink()
        make(path)
    for path in paths[2:]:
        path.unlink()
        path.symlink_to("../other")

    assert said() == first
    assert Path("other").read_text() == "mine"


def test_a_disk_that_is_full(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    write("Dockerfile", MULTI)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        first = said()
    assert first == said("--no-cache")
    assert entries() == []
    assert not list(Path(CACHE).glob("*.tmp"))


def test_runs_at_the_same_time(repository: Path) -> None:
    for number in range(6):
        write(f"{number}/Dockerfile", MULTI)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "stagelint", "."]
    runs = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    outputs = {(run.communicate(), run.returncode) for run in runs}

    assert len(outputs) == 1
    assert outputs.pop()[0][1] == b""
    assert not list(Path(CACHE).glob("*.tmp"))


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")
def test_no_pipe_is_waited_for(said: Said) -> None:
    write("Dockerfile", MULTI)
    os.mkfifo("sizes.json")
    write("stagelint.toml", 'sizes = "sizes.json"\n')

    assert said() == said("--no-cache")
