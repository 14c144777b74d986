"""Several programs at once in one folder: a file is as somebody has written it, or fixed, and runs end well.

What happens between two steps of one run is in `test_faults.py`. Here nobody says when.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BROKEN = "# {}\nFROM golang\nRUN make\n\nFROM scratch\nCOPY --from=0 /a /a\n"
FIXED = BROKEN.replace("golang", "golang AS build").replace("=0", "=build")
COMPOSE = "services:\n  web:\n    build:\n      context: {}\n      target: build\n"

#: Files, runs at the same time, and runs in turn.
FILES, RUNS, TURNS = 40, 6, 8

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def folder(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(str(ROOT / x) for x in ("lint", "rules")))
    monkeypatch.delenv("STAGELINT_NO_CACHE", raising=False)
    for number in range(FILES):
        write(f"{number}/Dockerfile", BROKEN.format(number))
    return empty_folder


def write(path: str, text: str) -> None:
    """As an editor does that loses nothing: beside it, and then in its place."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    beside = f"{path}.{random.random()}.new"
    Path(beside).write_text(text, "utf-8")
    os.replace(beside, path)


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "stagelint", "--isolated", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return process.returncode, out, err


@contextmanager
def meanwhile(happens: Callable[[], object]) -> Generator[None]:
    """Let *happens* happen over and over, in a thread; what it raises is raised in the end."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.is_set():
            happens()

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run)
        try:
            yield
        finally:
            is_over.set()
        running.result()


def texts() -> list[str]:
    return [Path(f"{number}/Dockerfile").read_text("utf-8") for number in range(FILES)]


def left_over() -> list[str]:
    return [each.name for each in Path().rglob(".stagelint-*")]


def test_several_runs_fix_the_same_files() -> None:
    for status, _, err in map(end, [start("--fix-only", ".") for _ in range(RUNS)]):
        assert status in (0, 2)  # 2: another was quicker, and that was seen
        assert all("changed while it was being fixed" in line for line in err.splitlines())

    assert texts() == [FIXED.format(number) for number in range(FILES)]
    assert left_over() == []


def test_what_an_editor_saves_is_fixed_or_left() -> None:
    saved = 0

    def save() -> None:
        nonlocal saved
        saved += 1
        write(f"{saved % FILES}/Dockerfile", BROKEN.format(f"{saved % FILES} {saved}"))

    with meanwhile(save):
        for _ in range(TURNS):
            assert end(start("--fix-only", "."))[0] in (0, 2)

    for number, text in enumerate(texts()):
        version = text.partition("\n")[0][2:]
        assert version.split()[0] == str(number)
        assert text in (BROKEN.format(version), FIXED.format(version))
    assert left_over() == []
    assert end(start("--fix-only", "."))[0] == 0
    assert all("AS build" in each for each in texts())


def test_a_cache_that_is_removed_while_it_is_used() -> None:
    subprocess.run(["git", "init", "--quiet"], check=True)
    write("compose.yaml", COMPOSE.format("1"))
    expected = end(start("--no-cache", "."))[:2]

    with meanwhile(lambda: end(start("clean"))):
        for _ in range(TURNS):
            runs = [start("."), start("--jobs", "2", "."), start(".")]
            assert [end(each)[:2] for each in runs] == [expected] * len(runs)

    assert [end(start("."))[:2] for _ in range(2)] == [expected] * 2


def test_a_repository_that_changes_while_it_is_read() -> None:
    subprocess.run(["git", "init", "--quiet"], check=True)
    chance = random.Random(1)

    def change() -> None:
        number = chance.randrange(FILES)
        with suppress(OSError):
            match chance.randrange(5):
                case 0:
                    shutil.rmtree(str(number))
                case 1:
                    os.rename(str(number), f"{number}-moved")
                case 2:
                    write("compose.yaml", COMPOSE.format(number))
                case 3:
                    os.symlink(str(number), f"{number}-link")
                case _:
                    write(f"{number}/Dockerfile", BROKEN.format(chance.random()))

    with meanwhile(change):
        for turn in range(TURNS):
            more = ["--fix-only"] if turn % 2 else ["--output-format", "json"]
            status, _, err = end(start(*more, "."))
            assert status in (0, 1, 2)
            assert status != 2 or err

    assert left_over() == []
