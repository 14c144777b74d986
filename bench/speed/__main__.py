"""stagelint beside hadolint and tally: one file, all files, memory, a repository, fixes.

    python -m bench.speed                    # the fixtures
    python -m bench.speed --corpus FOLDER    # other Dockerfiles

Prints tables in Markdown. Every command is a process of its own; all run in turns, several times.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path

from bench.speed import inputs, linters
from bench.speed.linters import HADOLINT, STAGELINT, Linter
from bench.speed.measure import Cost, Summary, in_turns, ratio, run

PYTHON = "python -c pass"
WARM = f"{STAGELINT}, warm cache"
#: The memory and, in times of `python -c pass`, the CPU that one file may take; see tests/test_startup.py.
PEAK, COLD = 60, 6

Costs = dict[str, list[Cost]]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def one_file(tools: Sequence[Linter], folder: Path, times: int) -> Costs:
    """A file of 136 lines, linted cold."""
    (folder / "Dockerfile").write_text(inputs.one_file(), "utf-8")
    runs = {each.name: partial(run, (*each.command, "Dockerfile"), folder) for each in tools}
    runs[PYTHON] = partial(run, (sys.executable, "-c", "pass"), folder)
    return in_turns(runs, times)


def all_files(tools: Sequence[Linter], names: list[str], folder: Path, times: int) -> Costs:
    """The files *names*, linted cold by one process."""
    return in_turns(
        {each.name: partial(run, (*each.command, *names), folder) for each in tools}, times
    )


def fixes(tools: Sequence[Linter], names: list[str], folder: Path, times: int) -> Costs:
    """The same files, linted and fixed in place."""

    def fixed(tool: Linter) -> Cost:
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(folder, copy, dirs_exist_ok=True)
            return run((*tool.command, *tool.fix, *names), Path(copy))

    return in_turns({each.name: partial(fixed, each) for each in tools if each.fix}, times)


def again(tools: Sequence[Linter], names: list[str], folder: Path, times: int) -> Costs:
    """The same files by all cores, and by one process that knows what the run before it found."""
    (tool,) = (each for each in tools if each.name == STAGELINT)
    kept = {"STAGELINT_CACHE_DIR": str(folder.parent / "kept")}
    return in_turns(
        {
            STAGELINT: partial(run, (*tool.command, *names), folder),
            WARM: partial(run, (*tool.command, *names), folder, kept),
            f"{STAGELINT} --jobs 0": partial(run, (*tool.command, "--jobs", "0", *names), folder),
        },
        times,
    )


def index(tools: Sequence[Linter], folder: Path, times: int) -> Costs:
    """A repository of 2,000 files, read to see what asks for which stage; others read no repository."""
    inputs.repository(folder, 2000)
    (tool,) = (each for each in tools if each.name == STAGELINT)
    return in_turns(
        {
            STAGELINT: partial(run, (*tool.command, "--no-cache", "."), folder),
            WARM: partial(run, (*tool.command, "."), folder),
        },
        times,
    )


def cell(values: Sequence[float], form: str) -> str:
    """Median and, in brackets, least and most."""
    return "{} ({}–{})".format(*(format(each, form) for each in Summary.of(values)))


def rows(title: str, costs: Costs) -> Iterator[str]:
    """A row for each command."""
    yield from ("", f"{title}:", "", "| | seconds | CPU seconds | peak MiB |", "|---|---|---|---|")
    for name, found in costs.items():
        seconds, cpu, peak = (
            cell([getattr(each, figure) for each in found], form)
            for figure, form in (("seconds", ".3f"), ("cpu", ".3f"), ("peak", ".0f"))
        )
        yield f"| {name} | {seconds} | {cpu} | {peak} |"


def verdict(is_met: bool) -> str:
    return "met" if is_met else "missed"


def ratios(costs: Costs) -> Iterator[str]:
    """How many times faster than the others, and whether that is what is wanted."""
    yield from ("", "| all files | seconds | CPU seconds | wanted | |", "|---|---|---|---|---|")
    for bar in linters.BARS:
        if bar.ours not in costs or bar.theirs not in costs:
            continue
        ours, theirs = costs[bar.ours], costs[bar.theirs]
        wall, cpu = ratio(ours, theirs, "seconds"), ratio(ours, theirs, "cpu")
        met = verdict(wall.middle >= bar.times) if bar.times else ""
        yield (
            f"| {bar.ours} beside {bar.theirs} | {wall.middle:.1f} ({wall.least:.1f}–{wall.most:.1f})"
            f" | {cpu.middle:.1f} ({cpu.least:.1f}–{cpu.most:.1f}) | {bar.times or ''} | {met} |"
        )


def of_one(costs: Costs) -> Iterator[str]:
    """What is wanted of a run on one file."""
    ours, bare = costs[STAGELINT], costs[PYTHON]
    above = Summary.of([a.cpu - b.cpu for a, b in zip(ours, bare, strict=True)]).middle
    least = Summary.of([each.cpu for each in bare]).middle
    peak = Summary.of([each.peak for each in ours]).middle
    hadolint = ratio(ours, costs[HADOLINT], "seconds").middle
    yield ""
    yield (
        f"- one file, CPU above `{PYTHON}`: {above * 1000:.0f} ms, {above / least:.1f} times that"
        f" (at most {COLD}): {verdict(above <= COLD * least)}"
    )
    yield f"- one file, {hadolint:.2f} times as fast as hadolint (at least 1): {verdict(hadolint >= 1)}"
    yield f"- one file, peak {peak:.0f} MiB (at most {PEAK}): {verdict(peak <= PEAK)}"


def measured(given: argparse.Namespace, folder: Callable[[str], Path]) -> Iterator[str]:
    """The tables."""
    programs = linters.installed(given.peers)
    tools = linters.linters(programs)
    if given.without_scripts:
        tools = [each for each in tools if each.name not in linters.WITH_SCRIPTS]
    times, flat = given.times, folder("all")
    found = inputs.dockerfiles(given.corpus)[:: given.every]
    names = inputs.copied(found, flat)
    for tool in tools:
        names = linters.read_by_all(tool, names, flat, say)
    lines = sum((flat / name).read_bytes().count(b"\n") for name in names)
    yield (
        f"{date.today()}, {platform.system()} on {platform.machine()}, {os.cpu_count()} processors;"
        f" {linters.versions(programs)}; {len(names)} files, {lines} lines"
        f" ({len(found) - len(names)} left out, at which a linter stops); median (least–most) of"
        f" {times} runs."
    )
    cold = one_file(tools, folder("one"), times)
    yield from rows("One file of 136 lines, cold", cold)
    yield from of_one(cold)
    every = all_files(tools, names, flat, times)
    yield from rows("All files, cold", every)
    yield from ratios(every)
    warm = again(tools, names, flat, times)
    yield from rows("All files again", warm)
    yield ""
    for name in list(warm)[1:]:
        wall, cpu = (ratio(warm[name], warm[STAGELINT], each).middle for each in ("seconds", "cpu"))
        yield f"- {name}: {wall:.1f} times as fast; by CPU seconds, {cpu:.1f} times"
    yield from rows("All files, `--fix`", fixes(tools, names, flat, times))
    yield from rows("A repository of 2,000 files", index(tools, folder("repository"), times))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--corpus", type=Path, default=inputs.FIXTURES, metavar="FOLDER")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth file")
    parser.add_argument("--times", type=int, default=5, metavar="N", help="runs of each command")
    parser.add_argument(
        "--without-scripts",
        action="store_true",
        help="leave out what takes most of the time: ShellCheck, but for hadolint",
    )
    parser.add_argument(
        "--peers",
        type=Path,
        default=Path(tempfile.gettempdir()) / "stagelint-peers",
        metavar="FOLDER",
        help="where the other linters are, or are installed",
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:

        def folder(name: str) -> Path:
            made = Path(scratch) / name
            made.mkdir()
            return made

        for line in measured(given, folder):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
