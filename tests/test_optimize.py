"""`stagelint optimize`: what it lists, in which order, and what it makes of a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stagelint.cli import main
from stagelint.contexts import read
from stagelint.model.context import Context, Entry
from stagelint.model.dockerignore import DockerIgnore
from stagelint.source import Source

TEXT = """\
FROM python:3.12
RUN pip install flask
ADD src /src
CMD ["python", "/src/app.py"]
"""

#: A rule pack whose rules gain what their names say.
PACK = '''
from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model.gains import Amount, Gain, Known
from stagelint.rule import Bad, Rule
from stagelint.source import Span


def replaced(rule, file):
    at = file.source.text.find(rule.old)
    if at >= 0:
        span = Span(at, at + len(rule.old))
        fix = Fix(f"Say {rule.new}", (Edit(span, rule.new),), Guarantee.SAME_IMAGE)
        yield rule.finding(file, span, f"it says {rule.old}", fix=fix, gain=rule.gain)


class LittleGain(Rule):
    """A little.

    Of no use.
    """

    code, old, new = "SL391", "ENV A=1", "ENV A=2"
    gain = Gain(layers=1)
    examples = (Bad(""),)
    check = replaced


class MuchGain(Rule):
    """Much.

    Of no use.
    """

    code, old, new = "SL392", "ENV A=2", "ENV A=3"
    gain = Gain(shipped=Amount(5_000_000, Known.CONTEXT))
    examples = (Bad(""),)
    check = replaced


class BackAgain(Rule):
    """Back.

    Of no use.
    """

    code, old, new = "SL393", "ENV A=3", "ENV A=1"
    gain = Gain(steps=1, when="a change")
    examples = (Bad(""),)
    check = replaced


class NoGain(Rule):
    """Nothing.

    Of no use.
    """

    code, old, new = "SL394", "FROM scratch", "FROM  scratch"
    gain = Gain()
    examples = (Bad(""),)
    check = replaced
'''

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def folder(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NO_COLOR", "1")
    return empty_folder


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["optimize", *arguments])
        out, err = capfd.readouterr()
        return status, out, err

    return run


@pytest.fixture
def pack(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "gaining_rules").mkdir()
    (folder / "gaining_rules" / "__init__.py").write_text("")
    (folder / "gaining_rules" / "all.py").write_text(PACK)
    (folder / "stagelint.toml").write_text('plugins = ["gaining_rules"]\n')
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    for name in ("gaining_rules", "gaining_rules.all"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_what_gains_most_comes_first(run: Run) -> None:
    Path("Dockerfile").write_text("FROM python:3.12\nRUN apt-get update\n")
    Path("b.Dockerfile").write_text(TEXT.replace("python:3.12", "node:22"))

    status, out, _ = run()

    assert status == 0
    places = [line.split()[1] for line in out.splitlines() if line[:1].isdigit()]
    assert places[:2] == ["Dockerfile:1:6:", "b.Dockerfile:1:6:"]
    assert "saves: 368 MB shipped (catalogue)" in out
    assert "Found" in out


def test_nothing_to_gain(run: Run) -> None:
    Path("Dockerfile").write_text("FROM scratch\nCOPY a /a\n")

    assert run() == (0, "Nothing to gain was found.\n", "")


def test_fix_alone_changes_no_build(run: Run) -> None:
    Path("Dockerfile").write_text(TEXT)

    status, _, _ = run("--fix")

    assert status == 0
    assert Path("Dockerfile").read_text() == TEXT


def test_a_diff_with_a_line_for_each_change(run: Run) -> None:
    Path("Dockerfile").write_text(TEXT)

    status, out, err = run("--diff", "--unsafe-fixes", "--select", "DL3042,DL3020")

    assert (status, err) == (1, "Would fix 2 findings.\n")
    assert out == (
        "Dockerfile:\n"
        "1. Add `--no-cache-dir` (DL3042, same-but-caches): bytes shipped (how many is unknown)\n"
        "2. write COPY (DL3020, same-image)\n"
        "\n"
        "--- Dockerfile\n"
        "+++ Dockerfile\n"
        "@@ -1,4 +1,4 @@\n"
        " FROM python:3.12\n"
        "-RUN pip install flask\n"
        "-ADD src /src\n"
        "+RUN pip install --no-cache-dir flask\n"
        "+COPY src /src\n"
        ' CMD ["python", "/src/app.py"]\n'
    )
    assert Path("Dockerfile").read_text() == TEXT


@pytest.mark.usefixtures("pack")
def test_changes_build_upon_each_other_and_do_not_go_round(run: Run) -> None:
    Path("Dockerfile").write_text("FROM scratch\nENV A=1\n")

    _, out, _ = run("--fix", "--unsafe-fixes", "--select", "SL39")

    assert Path("Dockerfile").read_text() == "FROM scratch\nENV A=3\n"
    assert out.startswith(
        "Dockerfile:\n"
        "1. Say ENV A=2 (SL391, same-image): 1 layer\n"
        "2. Say ENV A=3 (SL392, same-image): 5.0 MB shipped (context files)\n"
    )


@pytest.mark.usefixtures("pack")
def test_what_gains_nothing_is_not_done(run: Run) -> None:
    Path("Dockerfile").write_text("FROM scratch\nENV B=1\n")

    _, out, _ = run("--fix", "--unsafe-fixes", "--select", "SL394")

    assert Path("Dockerfile").read_text() == "FROM scratch\nENV B=1\n"
    assert "saves: nothing that can be counted" in out


@pytest.mark.usefixtures("pack")
def test_json_says_how_each_number_is_known(run: Run) -> None:
    Path("Dockerfile").write_text("FROM scratch\nENV A=2\n")

    _, out, _ = run("--select", "SL392", "--output-format", "json")

    (found,) = json.loads(out)
    assert found["gain"] == {
        "shipped": {"bytes": 5_000_000, "known": "context files", "at_least": False},
        "ships_less": True,
        "layers": 0,
        "context": None,
        "steps": 0,
        "seconds": None,
        "faster": False,
        "when": "",
    }
    assert found["holds"] == []


def test_exit_status_by_level(run: Run) -> None:
    Path("Dockerfile").write_text(TEXT)

    assert run()[0] == 0
    assert run("--fail-level", "info")[0] == 1


# -- the build context -----------------------------------------------------------------------------


def context(*paths: str, ignore: str = "") -> Context:
    entries = [Entry(path.rstrip("/"), size=1, is_folder=path.endswith("/")) for path in paths]
    return Context(".", entries, DockerIgnore(Source(".dockerignore", ignore)))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("a.py", ["a.py"]),
        ("/a.py", ["a.py"]),
        ("../a.py", ["a.py"]),
        ("*.py", ["a.py", "b.py"]),
        ("d/*", ["d/c.py", "d/e"]),
        ("*/c.py", ["d/c.py"]),
        ("[ab].py", ["a.py", "b.py"]),
        ("[^a].py", ["b.py"]),
        ("d", ["d"]),
        ("d/", ["d"]),
        (".", ["."]),
        ("none", []),
        ("*" * 2000, []),
    ],
)
def test_what_a_source_selects(source: str, found: list[str]) -> None:
    files = context("a.py", "b.py", "d/", "d/c.py", "d/e/", "d/e/f")

    assert [each.path for each in files.match(source)] == found


def test_a_folder_brings_all_that_is_below() -> None:
    files = context("d/", "d/c.py", "d/e/", "d/e/f", "d.txt", "da/")

    assert [each.path for each in files.copied("d")] == ["d", "d/c.py", "d/e", "d/e/f"]


def test_what_is_ignored_is_not_sent() -> None:
    files = context("a", "d/", "d/b", "d/c", "e/", "e/f", ignore="d\n!d/b\ne\n")

    assert [each.path for each in files.entries] == ["a", "d", "d/b"]
    assert files.size == 2 + 1  # a folder of this test has a byte, too


def test_a_context_on_disk(tmp_path: Path) -> None:
    (tmp_path / "d" / "skipped").mkdir(parents=True)
    (tmp_path / "d" / "skipped" / "x").write_text("x")
    (tmp_path / "a").write_text("text")
    (tmp_path / "b").write_bytes(b"\xff")
    (tmp_path / "link").symlink_to("/etc/passwd")
    ignore = DockerIgnore(Source(".dockerignore", "d/skipped"))

    found = read(str(tmp_path), ignore)

    assert found
    assert [each.path for each in found.entries] == ["a", "b", "d", "link"]
    assert found.text("a") == "text"
    assert found.text("b") is None
    assert found.text("link") is None
    assert read(str(tmp_path / "none"), None) is None


# -- what is no gain -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "FROM debian:12\nRUN make one\nRUN make two\nCMD [\"/one\"]\n", id="merge RUNs"
        ),
        pytest.param(
            "FROM debian:12 AS build\nRUN apt-get update && apt-get install -y gcc\n"
            "COPY a.c /\nRUN gcc -o /a /a.c\nFROM debian:12-slim\nCOPY --from=build /a /a\n"
            "CMD [\"/a\"]\n",
            id="clean up what does not ship",
        ),
        pytest.param(
            "FROM python:3.13-slim\nCOPY app.py /\nCMD [\"python\", \"/app.py\"]\n",
            id="Python on musl",
        ),
        pytest.param(
            "FROM node:22-slim AS build\nWORKDIR /app\nCOPY . .\nRUN npm install && npm run build\n"
            "FROM scratch\nCOPY --from=build /app/dist /\n",
            id="NODE_ENV=production before a build, npm ci without a lock file",
        ),
        pytest.param(
            "FROM golang:1.25 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /server .\n"
            "FROM debian:13-slim\nCOPY --from=build /server /server\nCMD [\"/server\"]\n",
            id="compile without cgo",
        ),
        pytest.param(
            "FROM debian:12-slim\nRUN apt-get update && apt-get install -y curl"
            " && rm -rf /var/lib/apt/lists/*\nCMD [\"curl\", \"example.com\"]\n",
            id="install without what is recommended",
        ),
    ],
)  # fmt: skip
def test_what_is_no_gain_is_never_offered(run: Run, text: str) -> None:
    """The anti-optimizations: they save nothing, or break more than they save."""
    Path("Dockerfile").write_text(text)

    run("--fix", "--unsafe-fixes")

    after = Path("Dockerfile").read_text()
    for wrong in ("alpine", "NODE_ENV", "CGO_ENABLED", "no-install-recommends", "npm ci"):
        assert wrong not in after
    assert after.count("RUN ") == text.count("RUN ")
    assert "rm -rf /var/lib/apt/lists" not in after or "rm -rf /var/lib/apt/lists" in text


# -- what a build took -----------------------------------------------------------------------------

SOURCES_FIRST = """\
FROM python:3.13-slim
WORKDIR /app
COPY . .
RUN mkdir /data
RUN pip install --no-cache-dir -r requirements.txt%s
CMD ["python", "main.py"]
"""


def trace(*steps: tuple[str, int]) -> str:
    """What `docker buildx build --progress=rawjson` prints, by the names of steps and their seconds."""
    began = "2026-01-01T00:00:00Z"
    told = [
        {
            "digest": name,
            "name": name,
            "started": began,
            "completed": f"2026-01-01T00:00:{took:02}Z",
        }
        for name, took in steps
    ]
    return "\n".join(json.dumps({"vertexes": [each]}) for each in told)


@pytest.mark.parametrize(
    ("more", "saved"),
    [
        ("", "2 steps after a change of a source, 23.0 s (build trace)"),
        (" && make", "2 steps after a change of a source, at least 2.0 s (build trace)"),
    ],
    ids=["whole", "divided"],
)
def test_what_a_build_took_is_what_is_saved(run: Run, more: str, saved: str) -> None:
    Path("Dockerfile").write_text(SOURCES_FIRST % more)
    Path("main.py").write_text("")
    Path("requirements.txt").write_text("flask==3.1.0\n")
    install = f"RUN pip install --no-cache-dir -r requirements.txt{more}"
    steps = (("[2/5] WORKDIR /app", 1), ("[4/5] RUN mkdir /data", 2), (f"[5/5] {install}", 21))
    Path("trace.json").write_text(trace(*steps))

    status, out, _ = run("--select", "SL311", "--trace", "trace.json", "Dockerfile")
    assert (status, saved in out) == (0, True), out


def test_a_trace_tells_of_one_dockerfile(run: Run) -> None:
    Path("Dockerfile").write_text(TEXT)
    Path("b.Dockerfile").write_text(TEXT)
    Path("trace.json").write_text(trace(("[2/2] RUN pip install flask", 1)))

    status, out, err = run("--trace", "trace.json")
    assert (status, out) == (2, "")
    assert err == "stagelint: --trace tells of the build of one Dockerfile: name it\n"
