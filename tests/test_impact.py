"""`stagelint impact`: what it says of changes, of commits, and of what a build took."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stagelint.cli import main
from stagelint.model.file import File
from stagelint.model.rebuild import Rebuild
from stagelint.source import Source
from stagelint.trace import Trace, TraceError

GIT = shutil.which("git")
needs_git = pytest.mark.skipif(GIT is None, reason="needs git")

TEXT = """\
FROM busybox AS build
WORKDIR /app
COPY package.json .
RUN npm ci
ARG MODE=production
COPY src src
RUN npm run build

FROM nginx
COPY conf /etc/nginx
COPY --from=build /app/dist /srv
"""


class Ran(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def fates(self) -> dict[int, str]:
        """By line, of the only target."""
        (target,) = self.document["targets"]
        return {each["line"]: each["fate"] for each in target["steps"]}


Run = Callable[..., Ran]


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    def run(*arguments: str) -> Ran:
        capsysbinary.readouterr()
        try:
            status = main(("impact", *arguments))
        except SystemExit as stop:
            assert isinstance(stop.code, int)
            status = stop.code
        out, err = capsysbinary.readouterr()
        return Ran(status, out.decode(), err.decode())

    return run


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(text.encode())


def git(*arguments: str) -> None:
    assert GIT is not None
    user = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run([GIT, *user, *arguments], check=True, capture_output=True)


def commit() -> None:
    git("add", "--all")
    git("commit", "-q", "--allow-empty", "-m", "x")


@pytest.fixture(autouse=True)
def project(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a Dockerfile and its context."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    write("Dockerfile", TEXT)
    for path in ("package.json", "src/main.js", "src/deep/er.js", "conf/nginx.conf", "README.md"):
        write(path, f"{path}\n")
    write(".dockerignore", "*.md\n")
    return empty_folder


@pytest.fixture
def repository(project: Path) -> None:
    git("init", "-q", "-b", "main")
    commit()


def vertex(name: str, seconds: float | None = None, **more: object) -> str:
    """A line of a trace; without *seconds* the step has not ended."""
    found: dict[str, object] = {"digest": name, "name": name, "started": "2026-01-01T00:00:00Z"}
    if seconds is not None:
        found["completed"] = f"2026-01-01T00:00:{seconds:09.6f}Z"
    return json.dumps({"vertexes": [{**found, **more}]})


TRACE = (
    vertex("[internal] load build context", 9.0),
    vertex("[build 1/6] FROM docker.io/library/busybox:latest", 1.0),
    vertex("[build 2/6] WORKDIR /app", 0.5),
    vertex("[build 3/6] COPY package.json .", 0.5),
    vertex("[build 4/6] RUN npm ci", 20.0),
    vertex("[build 5/6] COPY src src", 1.0),
    vertex("[build 6/6] RUN npm run build", 10.25),
    vertex("[stage-1 2/3] COPY conf /etc/nginx", 0.25),
    vertex("[stage-1 3/3] COPY --from=build /app/dist /srv", 0.5),
)


# -- a change --------------------------------------------------------------------------------------


def test_says_which_steps_run_again_and_why(run: Run) -> None:
    assert run("Dockerfile", "--changed", "src/main.js", "conf/nginx.conf") == Ran(
        0,
        """\
Dockerfile, after a change of `src/main.js`, `conf/nginx.conf`

target stage-1: 4 of 7 steps run again
   6  build    COPY src src                      `src/main.js`
   7  build    RUN npm run build                 after line 6
  10  stage-1  COPY conf /etc/nginx              `conf/nginx.conf`
  11  stage-1  COPY --from=build /app/dist /srv  what `build` has there, after line 10
  cached: lines 2, 3, 4
  critical path: lines 6, 7, 11
""",
        "",
    )


def test_says_what_may_stay_cached(run: Run) -> None:
    assert run("Dockerfile", "--changed", "src/new.js").out.splitlines()[2:] == [
        "target stage-1: 3 of 7 steps run again, 1 of them perhaps",
        "   6  build    COPY src src                      `src/new.js`",
        "   7  build    RUN npm run build                 after line 6",
        "  11  stage-1  COPY --from=build /app/dist /srv  perhaps: what `build` has there",
        "  cached: lines 2, 3, 4, 10",
        "  critical path: all of these",
    ]


def test_says_that_nothing_runs_again(run: Run) -> None:
    assert run("Dockerfile", "--changed", "README.md", "../elsewhere").out.splitlines() == [
        "Dockerfile, after a change of nothing that is sent to the builder",
        "ignored: `README.md`",
        "not in the context: `../elsewhere`",
        "",
        "target stage-1: nothing runs again, 7 steps cached",
    ]


def test_the_same_as_json(run: Run) -> None:
    document = run("Dockerfile", "--changed", "src", "README.md", "--format=json").document

    assert document["version"] == 1
    assert document["changed"] == {"paths": ["src"], "args": [], "images": []}
    assert (document["ignored"], document["outside"]) == (["README.md"], [])
    (target,) = document["targets"]
    assert (target["stage"], target["name"]) == (1, "stage-1")
    assert target["steps"][3] == {
        "line": 6,
        "stage": "build",
        "number": 5,
        "instruction": "COPY src src",
        "fate": "runs",
        "why": [{"kind": "path", "what": "src"}],
    }
    assert target["steps"][4]["why"] == [{"kind": "step", "line": 6}]
    assert target["steps"][6]["fate"] == "perhaps"
    assert target["steps"][0] | {"fate": "cached", "why": []} == target["steps"][0]
    path = {"lines": [6, 7, 11], "seconds": None}
    assert target["again"] == {"steps": 3, "seconds": None, "unknown": 0, "critical_path": path}
    assert target["whole"]["steps"] == 7


def test_args_bases_and_targets(run: Run) -> None:
    assert run("Dockerfile", "--arg=MODE", "--format=json").fates == {
        **dict.fromkeys((2, 3, 4, 6, 10), "cached") | {6: "cached", 7: "runs", 11: "perhaps"}
    }
    fates = run("Dockerfile", "--base=nginx:latest", "--format=json").fates
    assert {line for line, fate in fates.items() if fate == "runs"} == {10, 11}
    found = run("Dockerfile", "--target=build", "--target=", "--changed", "conf/nginx.conf")
    assert found.out.splitlines()[2:5] == [
        "target build: nothing runs again, 5 steps cached",
        "",
        "target stage-1: 2 of 7 steps run again",
    ]


def test_a_stage_that_a_platform_chooses(run: Run) -> None:
    lines = ("FROM busybox AS on-linux", "COPY src /", "FROM busybox AS on-windows", "COPY conf /")
    write("Dockerfile", "\n".join([*lines, "FROM on-$TARGETOS", "RUN make $TARGETARCH", ""]))

    change = ("Dockerfile", "--changed", "src/main.js", "--format", "json")
    assert run(*change).fates == {2: "runs", 6: "runs"}
    assert run(*change, "--platform", "windows/amd64").fates == {4: "cached", 6: "cached"}


def test_what_is_known_to_be_built_is_told(run: Run) -> None:
    write("Dockerfile", TEXT.replace("FROM busybox", "# stagelint: target\nFROM busybox"))

    lines = run("Dockerfile", "--changed", "package.json").out.splitlines()
    assert [each for each in lines if each.startswith("target")] == [
        "target build: 4 of 5 steps run again",
        "target stage-1: 5 of 7 steps run again, 1 of them perhaps",
    ]


def test_a_context_elsewhere(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write("docker/app.Dockerfile", TEXT)
    write("docker/app.Dockerfile.dockerignore", "src/deep\n")
    monkeypatch.chdir("src")

    file, changed = "../docker/app.Dockerfile", ("--changed", "main.js", "deep/er.js")
    ran = run(file, "--context=..", *changed)
    assert ran.out.splitlines()[:2] == [
        "../docker/app.Dockerfile, after a change of `src/main.js`",
        "ignored: `src/deep/er.js`",
    ]
    assert ran.err == ""
    assert run(file, *changed).out.splitlines()[1].startswith("not in the context: ")
    (tmp_path / ".git").mkdir()  # then the folders above are looked at
    assert run(file, *changed) == ran


def test_a_context_that_lacks_something_is_said_to(run: Run) -> None:
    shutil.rmtree("conf")

    ran = run("Dockerfile", "--changed", "package.json")
    assert (ran.status, ran.err.count("\n")) == (0, 1)
    assert "taken to be ., though not all is there that COPY names" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("Dockerfile", "say what has changed: "),
        ("Dockerfile --changed a --history 3", "say what has changed: "),
        ("Dockerfile --against Dockerfile --changed a", "--against goes with --history"),
        ("Dockerfile --arg NODE", "Dockerfile: there is no ARG `NODE`"),
        ("Dockerfile --base node", "the image `node` is not used, but `busybox`, `nginx`"),
        ("Dockerfile --target nope --changed a", 'target stage "nope" could not be found'),
        ("none --changed a", "none: no such file"),
        ("Dockerfile --changed a --trace none", "none: no such file"),
        ("Dockerfile --changed a --trace README.md", "README.md: no step is told of"),
        ("Dockerfile --since HEAD", "lies in no git repository"),
        ("Dockerfile --history 3", "lies in no git repository"),
        ("rejected --changed a", "rejected:2: "),
        ("rejected --target a --changed a", "rejected:2: "),
        ("frontend --changed a", "frontend: stagelint does not know the language of the file"),
    ],
)
def test_what_cannot_be_told(run: Run, arguments: str, message: str) -> None:
    write("rejected", "FROM busybox AS a\nCOPY a\n")
    write("frontend", "# syntax=example.com/own\nFROM busybox\n")

    ran = run(*arguments.split())
    assert (ran.status, ran.out) == (2, "")
    assert message in ran.err


def test_hostile_text_reaches_no_terminal(run: Run) -> None:
    write("Dockerfile", "FROM busybox\nCOPY src /x\x1b[31m\u202e\n")

    ran = run("Dockerfile", "--changed", "src/\x1b]0;\x07")
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out


# -- a trace ---------------------------------------------------------------------------------------


def test_a_trace_tells_what_steps_take(run: Run) -> None:
    write("trace", "\n".join(TRACE))

    ran = run("Dockerfile", "--changed", "src/main.js", "conf", "--trace=trace")
    assert "4 of 7 steps run again; 12.0 of 33.0 s" in ran.out
    assert "critical path: lines 6, 7, 11 (11.8 s)" in ran.out
    found = run("Dockerfile", "--changed", "src", "--trace=trace", "--format=json").document
    again = {"steps": 3, "seconds": 11.75, "unknown": 0}
    assert found["targets"][0]["again"].items() >= again.items()


def test_a_trace_may_not_tell_all(run: Run) -> None:
    write("trace", "\n".join((*TRACE[:6], vertex("[build 6/6] RUN npm run build", 9, cached=True))))

    ran = run("Dockerfile", "--changed", "src/main.js", "--trace=trace")
    assert "; 1.0 of 22.0 s, and what 2 steps take" in ran.out


def seconds(text: str, *lines: str) -> list[float | None]:
    """What a trace tells of the steps of the last stage."""
    file = File(Source("Dockerfile", text))
    trace = Trace(lines)
    return [trace.seconds(each) for each in Rebuild(file).steps(len(file.stages) - 1)]


def test_a_step_is_known_by_its_place_and_its_text() -> None:
    text = "FROM busybox\nRUN same\nRUN other\nRUN same\n"
    lines = [vertex("[2/4] RUN same", 1), vertex("[4/4] RUN same", 3), vertex("[3/4] RUN other", 2)]

    assert seconds(text, *lines) == [1, 2, 3]
    assert seconds("FROM busybox\nRUN other\nRUN same\n", *lines) == [2, 1]
    assert seconds("FROM busybox\nRUN new\nRUN same\n", *lines) == [None, 1]


@pytest.mark.parametrize(
    ("instruction", "name"),
    [
        ("RUN a \\\n    && b \\\n # why\n    && c", "RUN a     && b     && c"),
        ('RUN ["echo", "$V"]', 'RUN ["echo", "1"]'),
        ('COPY ["a b", "/c $V/"]', "COPY [a b, /c 1/]"),
        ("RUN <<EOF\nmake\nEOF", "RUN <<EOF (make)"),
        ("COPY <<X <<Y /d/\nX\nY", "COPY <<X <<Y /d/"),
        ("WORKDIR ${W:-/w}/x", "WORKDIR /w/x"),
        ('RUN echo "a\\" b"', 'RUN echo "a" b"'),
        ("RUN --mount=type=cache,target=/c   make", "RUN --mount=type=cache,target=/c   make"),
        ("copy --from=busybox  /a /b", "COPY --from=busybox  /a /b"),
    ],
)
def test_names_of_steps_as_buildkit_spells_them(instruction: str, name: str) -> None:
    text = f"FROM busybox\n{instruction}\n"
    for begin in (
        "[2/2] ",
        "[stage-0 2/2] ",
        "[linux/arm64 2/2] ",
        "[linux/amd64->arm64 stage-0 2/2] ",
    ):
        assert seconds(text, vertex(begin + name, 4)) == [4], begin


def test_of_an_onbuild_and_a_linked_copy() -> None:
    text = "FROM busybox AS base\nONBUILD RUN x\nFROM base\nCOPY --link a /a\n"
    lines = (
        vertex("[stage-1 1/2] ONBUILD RUN x", 1),
        vertex("[stage-1 2/2] LINK COPY --link a /a", 8),
        vertex("[stage-1 2/2] COPY --link a /a", 2),
    )
    assert seconds(text, *lines) == [1, 2]


@pytest.mark.parametrize(
    "line",
    [
        '{"vertexes": 3}',
        '{"vertexes": [3]}',
        '{"vertexes": [{"started": "x", "completed": "y"}]}',
        '{"vertexes": [{"started": 1, "completed": 2}]}',
        '{"logs": [{"data": "!"}]}',
        '{"logs": {"a": 1}}',
        "",
        "{",
        "\x00",
        "[1/2] RUN x",
    ],
)
def test_what_is_no_trace_is_said_to_be_none(line: str) -> None:
    with pytest.raises(TraceError):
        Trace([line])


# -- commits ---------------------------------------------------------------------------------------


@needs_git
@pytest.mark.usefixtures("repository")
def test_all_that_changed_since_a_commit_counts(run: Run) -> None:
    git("switch", "-q", "-c", "feature")
    write("src/deep/er.js", "changed\n")
    commit()
    Path("conf/nginx.conf").unlink()
    write("conf/new.conf", "new\n")
    write("conf/ignored.md", "new\n")
    write("README.md", "changed\n")

    document = run("Dockerfile", "--since=main", "--format=json").document
    assert document["changed"]["paths"] == [
        "conf/nginx.conf",
        "src/deep/er.js",
        "conf/ignored.md",
        "conf/new.conf",
    ]
    assert document["ignored"] == ["README.md"]


@needs_git
@pytest.mark.usefixtures("repository")
def test_what_the_dockerfile_was_counts(run: Run) -> None:
    write("Dockerfile", TEXT.replace("RUN npm run build", "RUN npm run build --verbose"))

    found = run("Dockerfile", "--since=HEAD", "--format=json")
    assert [line for line, fate in found.fates.items() if fate == "runs"] == [7]
    (why,) = found.document["targets"][0]["steps"][4]["why"]
    assert why == {"kind": "instruction"}


@needs_git
@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("before", [None, "FROM\n"])
def test_all_of_a_new_dockerfile_runs(run: Run, before: str | None) -> None:
    if before:
        write("new.Dockerfile", before)
        commit()
    write("new.Dockerfile", TEXT)

    fates = run("new.Dockerfile", "--since=HEAD", "--format=json").fates
    assert set(fates.values()) == {"runs"}


@needs_git
@pytest.mark.usefixtures("repository")
def test_what_was_ignored_counts(run: Run) -> None:
    write(".dockerignore", "*.md\nsrc/deep\n")

    found = run("Dockerfile", "--since=HEAD", "--format=json")
    assert found.document["changed"]["paths"] == [".dockerignore", "src/deep"]
    assert found.fates[6] == "runs"
    assert found.fates[3] == "cached"


@needs_git
@pytest.mark.usefixtures("repository")
def test_commits_cost_something_on_average(run: Run) -> None:
    write("trace", "\n".join(TRACE))
    for path in ("src/main.js", "src/deep/er.js", "package.json", "README.md"):
        write(path, "changed\n")
        commit()
    reordered = TEXT.replace("COPY package.json .\n", "COPY src src\n", 1).replace(
        "ARG MODE=production\nCOPY src src\n", "COPY package.json .\nARG MODE=production\n"
    )
    write("worse.Dockerfile", reordered)

    ran = run("Dockerfile", "--history=4", "--against=worse.Dockerfile", "--trace=trace")
    assert ran == Ran(
        0,
        """\
the last 4 commits, each built after the one before

Dockerfile, target stage-1: 2.8 of 7 steps run again, 0.8 of them perhaps; 13.9 of 33.0 s, 13.9 s on \
the critical path
  75%  line 6   build    COPY src src
  75%  line 7   build    RUN npm run build
  75%  line 11  stage-1  COPY --from=build /app/dist /srv
  25%  line 3   build    COPY package.json .
  25%  line 4   build    RUN npm ci

worse.Dockerfile, target stage-1: 3.2 of 7 steps run again, 0.8 of them perhaps; 18.9 of 33.0 s, \
18.9 s on the critical path
  75%  line 5   build    COPY package.json .
  75%  line 7   build    RUN npm run build
  75%  line 11  stage-1  COPY --from=build /app/dist /srv
  50%  line 3   build    COPY src src
  50%  line 4   build    RUN npm ci
""",
        "",
    )
    document = run("Dockerfile", "--history=9", "--format=json").document
    assert document["commits"] == 5
    (target,) = document["targets"]
    assert target["again"]["steps"] == (3 + 3 + 5 + 0 + 6) / 5
    assert target["again"]["seconds"] is None


@needs_git
@pytest.mark.usefixtures("repository")
def test_a_merge_is_one_commit(run: Run) -> None:
    git("switch", "-q", "-c", "feature")
    for path in ("src/main.js", "conf/nginx.conf"):
        write(path, "changed\n")
        commit()
    git("switch", "-q", "main")
    git("-c", "commit.gpgSign=false", "merge", "-q", "--no-ff", "-m", "x", "feature")

    document = run("Dockerfile", "--history=1", "--format=json").document
    assert [each["line"] for each in document["targets"][0]["steps"]] == [6, 7, 10, 11]


@needs_git
@pytest.mark.usefixtures("repository")
@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")
def test_nothing_that_the_repository_configures_is_run(run: Run, project: Path) -> None:
    spy = project / "spy"
    spy.write_text(f"#!/bin/sh\ntouch {project}/spied\ncat\n")
    spy.chmod(0o755)
    write(".gitattributes", "* filter=evil diff=evil\n")
    commit()
    for key in (
        *"filter.evil.clean filter.evil.smudge filter.evil.process core.fsmonitor".split(),
        *"diff.external diff.evil.command diff.evil.textconv core.pager gpg.program".split(),
    ):
        git("config", key, str(spy))
    git("config", "log.showSignature", "true")
    write("src/main.js", "changed\n")
    (project / "spied").unlink(missing_ok=True)

    assert run("Dockerfile", "--since=HEAD").status == 0
    assert run("Dockerfile", "--history=5").status == 0
    assert not (project / "spied").exists()


@needs_git
@pytest.mark.usefixtures("repository")
def test_names_that_git_quotes(run: Run) -> None:
    strange = 'src/ä "b"\n\x01c.js'
    if os.name == "nt":
        strange = "src/ä b.js"
    write(strange, "new\n")

    found = run("Dockerfile", "--since=HEAD", "--format=json").document
    assert found["changed"]["paths"] == [strange]
    commit()
    document = run("Dockerfile", "--history=1", "--format=json").document
    assert [each["line"] for each in document["targets"][0]["steps"]] == [6, 7, 11]
