"""What commands cost: as whole processes, in turns, several times."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

#: What every linter here ends with: clean, or with findings.
_ENDS = (0, 1)
#: Python would compile its modules anew in each run, and write each line by itself.
_UNSET = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")


class Cost(NamedTuple):
    """Of one process and of those it waited for."""

    seconds: float
    cpu: float
    """Seconds of all processors, of user and system."""
    peak: float
    """The most memory of one of them, in MiB; never less than that of the process that asks."""


class Summary(NamedTuple):
    """Of several runs."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Summary:
        return cls(median(values), min(values), max(values))


def environment() -> dict[str, str]:
    """That of a measured process."""
    return {key: value for key, value in os.environ.items() if key not in _UNSET}


def run(command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None) -> Cost:
    """Run *command* in *folder*, with more *variables* in its environment.

    Raises `RuntimeError` if it ends as no linter does.
    """
    begin = perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment() | dict(variables or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in _ENDS:
        raise RuntimeError(f"{command[:6]} ends with {process.returncode}")
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def in_turns(runs: Mapping[str, Callable[[], Cost]], times: int) -> dict[str, list[Cost]]:
    """What each of *runs* costs, after one that is not counted.

    All meet the same hours of the machine: one after the other, another one first in each round.
    """
    names = list(runs)
    found: dict[str, list[Cost]] = {name: [] for name in names}
    for name in names:
        runs[name]()
    for number in range(times):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(runs[name]())
    return found


def ratio(ours: Sequence[Cost], theirs: Sequence[Cost], figure: str) -> Summary:
    """How many times ours theirs is, of the *figure* of `Cost` that is named, round by round."""
    pairs = zip(ours, theirs, strict=True)
    return Summary.of([getattr(their, figure) / getattr(our, figure) for our, their in pairs])
