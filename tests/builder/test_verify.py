"""Verification by real builders: what they call the same, and that nothing of it remains."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.equivalence.builders import program, waits_until

ROOT = Path(__file__).parents[2]

#: A numeric reference, and a stage nobody needs.
TEXT = """\
FROM busybox
RUN mkdir /out && echo hello > /out/hello

FROM busybox AS dead
RUN echo dead > /dead

FROM busybox
COPY --from=0 /out/hello /bin/hello
COPY data /data
ENV A=1
CMD ["cat", "/bin/hello"]
"""
FIXED = TEXT.replace("FROM busybox\nRUN mkdir", "FROM busybox AS {name}\nRUN mkdir").replace(
    "--from=0", "--from={name}"
)

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
        at = file.source.text.find("A=1")
        if at >= 0:
            edit = Edit(Span(at, at + 3), "A=2")
            fix = Fix("Say A=2", (edit,), Guarantee.SAME_IMAGE)
            yield self.finding(file, Span(at, at + 3), "A is 1", fix=fix)
'''


class Ran(NamedTuple):
    status: int
    out: str
    err: str


class Project(NamedTuple):
    """A folder to build, and the builder that does it."""

    folder: Path
    builder: str
    env: Mapping[str, str]
    known: frozenset[str] = frozenset()
    """Images that were there before."""

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        # A shell may have told the tests, and so their children, to ignore Ctrl-C.
        code = (
            "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
            " from stagelint.cli import main; sys.exit(main())"
        )
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def stagelint(self, *arguments: str) -> Ran:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=300)
        return Ran(process.returncode, out, err)

    def verify(self, old: str, new: str, *arguments: str) -> Ran:
        self.write("old", old)
        self.write("new", new)
        return self.stagelint("verify", "old", "new", "--with", self.builder, *arguments)

    def images(self) -> list[str]:
        """What the builder's store has of verifications."""
        listed = subprocess.run(
            [program(self.builder), "images"],
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
        )
        words = (line.split() for line in listed.stdout.splitlines())
        names = {":".join(each[:2]) for each in words if "stagelint" in each[0]}
        return sorted(names - self.known)

    def rests(self) -> list[str]:
        """What is left of a verification: files, images, and processes that run something of it."""
        files = [each.name for each in Path(self.env["TMPDIR"]).glob("stagelint-*")]
        return files + self.images() + self.processes()

    def processes(self) -> list[str]:
        """Those that this project's builds started, by the odd time they sleep."""
        found: list[str] = []
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = each.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"sleep" in words and SLEEP.encode() in words:
                found.append(b" ".join(words).decode())
        return found


SLEEP = "271.828"


@pytest.fixture(params=["docker", "buildah"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """An empty project for each of the builders."""
    env: dict[str, str] = request.getfixturevalue(f"{request.param}_env")
    (tmp_path / "project").mkdir()
    (tmp_path / "tmp").mkdir()
    paths = [tmp_path / "plugins", ROOT / "lint", ROOT / "rules"]
    own = {"TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": os.pathsep.join(map(str, paths))}
    found = Project(tmp_path / "project", request.param, {**env, **own})
    found.write("data", "data\n")
    return found._replace(known=frozenset(found.images()))


def test_a_fix_is_an_identical_build(project: Project) -> None:
    file = project.write("Dockerfile", TEXT)
    done = project.stagelint("--fix-only", "--verify", "--verify-with", project.builder)
    text = file.read_text()
    name = text.split()[3]
    unit = "5 of 5 steps" if project.builder == "docker" else "3 of 3 layers"

    assert (done.status, text) == (0, FIXED.format(name=name))
    assert "Dockerfile: builds the same (by " in done.err
    assert f"  `stage-2`: identical build: {unit}\n" in done.err
    assert "  `dead`: identical build: " in done.err
    assert project.rests() == []


def test_a_promise_that_is_not_kept_is_refused(project: Project) -> None:
    plugin = project.folder.parent / "plugins" / "wrong_rules"
    plugin.mkdir(parents=True)
    (plugin / "__init__.py").touch()
    (plugin / "wrong_promise.py").write_text(WRONG)
    project.write("stagelint.toml", 'plugins = ["wrong_rules"]\nselect = ["XX900"]\n')
    file = project.write("Dockerfile", TEXT)
    done = project.stagelint("--fix", "--verify", "--verify-with", project.builder)

    assert (done.status, file.read_text()) == (1, TEXT)
    assert '    config: Env: ["A=1"] -> ["A=2"]\n' in done.err
    assert sorted(each.name for each in project.folder.iterdir()) == [
        "Dockerfile",
        "data",
        "stagelint.toml",
    ]
    assert project.rests() == []


# -- what is the same, and what is not -------------------------------------------------------------

STEPS = [
    "mkdir -p /opt/a/b && touch /opt/a/b/1 && ln -s a /opt/l && echo file > /opt/f",
    (
        "rm -rf /opt/a /bin/tac && mkdir /opt/a && echo x > /opt/a/x && ln /opt/a/x /opt/hard"
        " && chown 7:8 /opt/hard && chmod 4700 /opt/a/x"
    ),
    "rm /opt/f && mkdir /opt/f && mkfifo /opt/p",
]
REST = 'EXPOSE 80\nVOLUME /v\nUSER 7\nWORKDIR /w\nHEALTHCHECK CMD true\nSHELL ["/bin/sh", "-c"]\n'
ONE_LAYER = f"FROM busybox\nRUN {' && '.join(STEPS)}\n{REST}"
MANY_LAYERS = "".join(["FROM busybox\n", *(f"RUN {step}\n" for step in STEPS), REST])


def test_the_same_image_in_other_layers(project: Project) -> None:
    done = project.verify(MANY_LAYERS, ONE_LAYER)

    assert done.status == 0, done.out
    assert "same image: " in done.out
    assert project.rests() == []


CHANGES = [
    ("chmod 4700", "chmod 0700", "/opt/a/x: content (2 B -> 6 B), mode (4700 -> 0700), owner"),
    ("echo x", "echo other", "/opt/hard: content (2 B -> 6 B), mode (4700 -> 0700), owner"),
    ("chown 7:8", "chown 7:9", "owner (7:8 -> 7:9)"),
    ("ln -s a", "ln -s b", "/opt/l: target (a -> b)"),
    ("/bin/tac", "/bin/cat", "/bin/tac: only after"),
    ("USER 7", "USER 8", 'config: User: "7" -> "8"'),
    ("CMD true", "CMD false", 'config: Healthcheck: [{"Test": ["CMD-SHELL", "true"]}]'),
]


def test_what_differs_is_shown(project: Project) -> None:
    new = ONE_LAYER
    for one, other, _ in CHANGES:
        new = new.replace(one, other)
    done = project.verify(ONE_LAYER, new, "-q")

    assert [shown for _, _, shown in CHANGES if shown not in done.out] == [], done.out
    assert done.status == 1


def test_what_every_build_makes_anew_is_set_apart(project: Project) -> None:
    old = "FROM busybox\nRUN head -c 9 /dev/urandom > /random && echo 1 > /same\n"
    apart = "    differ as between two builds of the old file: 1 path\n        /random: "
    same = project.verify(old, old.replace("echo 1", "echo  1"))
    other = project.verify(old, old.replace("echo 1", "echo 2"))
    gone = project.verify(old, old.replace("> /random", "> /dev/null"))

    assert (same.status, apart in same.out) == (0, True), same
    assert (other.status, apart in other.out, "    /same: " in other.out) == (1, True, True), other
    assert (gone.status, "    /random: only before, 9 B\n" in gone.out) == (1, True), gone


def test_caches_may_differ_if_so_said(project: Project) -> None:
    old = "FROM busybox\nRUN mkdir -p /var/cache/apt\nRUN {}true\n"
    files = old.format("echo x > /var/cache/apt/x && "), old.format("")

    assert project.verify(*files).status == 1
    assert project.verify(*files, "--but-caches").status == 0


def test_a_target_without_a_step(project: Project) -> None:
    dead = "FROM busybox AS dead\n"
    old = TEXT.replace(dead, f"FROM scratch AS empty\nLABEL a=1\n\n{dead}")

    assert project.verify(old, old).out.startswith(
        f"old: builds the same (by {'docker buildx' if project.builder == 'docker' else 'buildah'})"
        f"\n  `empty`: identical build: 0 of 0 "
    )
    assert project.verify(old, old.replace("a=1", "a=2"), "--target=empty").status == 1


def test_what_the_user_gives_reaches_the_build(project: Project) -> None:
    (project.folder / "secret").write_text("of mine")
    value = 'a${b}%{c}$$"'
    text = (
        "FROM busybox\nARG X\nRUN --mount=type=secret,id=s test \"$(cat /run/secrets/s)\" = 'of mine'"
        f" && test \"$X\" = '{value}' && test ! -e /ignored\nCOPY . /all\nRUN test ! -e /all/secret\n"
    )
    project.write("old.dockerignore", "secret\n")
    project.write("new.dockerignore", "secret\n")
    if project.builder == "buildah":  # which reads the ignore file of the context alone, in 1.28
        project.write(".dockerignore", "secret\n")
    options = f"--secret=id=s,src=secret\n--build-arg=X={value}".split("\n")
    done = project.verify(text, text, *options)

    assert done.status == 0, done


# -- what cannot be told ---------------------------------------------------------------------------


def test_a_file_that_does_not_build(project: Project) -> None:
    broken = TEXT.replace("COPY data", "RUN echo so it ends; false\nCOPY data")
    old = project.verify(broken, TEXT)
    new = project.verify(TEXT, broken)

    assert (old.status, new.status) == (2, 1)
    assert old.out.startswith("old: could not tell: the old file does not build (")
    assert new.out.startswith("old: does not build the same: the new file does not build (by ")
    assert "  | so it ends\n" in old.out
    assert project.verify(broken, broken, "--target=dead").status == 0
    assert project.rests() == []


def test_a_builder_of_buildx_that_is_not_there(docker_env: dict[str, str], tmp_path: Path) -> None:
    folder = Project(tmp_path, "docker", {**docker_env, "PYTHONPATH": f"{ROOT}/lint:{ROOT}/rules"})
    done = folder.verify(TEXT, TEXT, "--buildx-builder=nowhere")

    assert done.status == 2
    assert 'docker: ERROR: no builder "nowhere" found' in done.out


# -- an end before the end -------------------------------------------------------------------------

SLEEPING = TEXT.replace("RUN echo dead", f"RUN sleep {SLEEP}; echo dead")


@pytest.mark.parametrize(("number", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGKILL", -9)])
def test_killed_while_a_step_runs(project: Project, number: str, status: int) -> None:
    file = project.write("Dockerfile", SLEEPING)
    process = project.start("--fix", "--verify", "--verify-with", project.builder)
    assert waits_until(lambda: bool(project.processes()), 60)
    process.send_signal(signal.Signals[number])
    process.communicate(timeout=60)

    assert (process.returncode, file.read_text()) == (status, SLEEPING)
    assert [each.name for each in project.folder.glob("*Dockerfile*")] == ["Dockerfile"]
    assert waits_until(lambda: not project.processes(), 20)
    if number != "SIGKILL":
        assert project.rests() == []


@pytest.mark.parametrize("seconds", [0.2, 0.4, 0.7, 1.0, 1.4])
def test_terminated_at_any_time(project: Project, seconds: float) -> None:
    text = TEXT.replace("echo dead", f"head -c 9000000 /dev/urandom >/{seconds}; echo dead")
    file = project.write("Dockerfile", text)
    process = project.start("--fix", "--verify", "--verify-with", project.builder)
    time.sleep(seconds)
    process.terminate()
    process.communicate(timeout=60)

    assert file.read_text() == text or process.returncode == 0
    assert [each.name for each in project.folder.glob("*Dockerfile*")] == ["Dockerfile"]
    assert project.rests() == []


def test_a_build_that_takes_too_long(project: Project) -> None:
    done = project.verify(SLEEPING, SLEEPING, "--timeout=3")

    assert (done.status, done.out.startswith("old: could not tell: it took longer than 3 ")) == (
        2,
        True,
    )
    assert project.rests() == []
