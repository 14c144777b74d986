"""What `--fix` makes of other people's Dockerfiles, with every rule there is.

    python -m bench.fixing [--every N] FOLDER...

fixes each Dockerfile below the folders twice over, with safe fixes alone and with all, and counts:
files that BuildKit accepts before and rejects after, second runs that change something, comments
that are gone, fixes that were withheld, and targets whose graph is another after safe fixes, as
stagelint sees it (`python -m bench.equivalence.corpus FOLDER` has BuildKit judge that). With
`--every N` only every Nth file is looked at. Prints a line for each file with something wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.check_parity import read, theirs
from bench.equivalence import builders
from bench.hadolint_parity import dockerfiles
from stagelint import discover, engine, proof
from stagelint.edit import Guarantee
from stagelint.model.file import File
from stagelint.registry import Registry, Ruleset
from stagelint.syntax.nodes import Comment, Instruction, PieceKind

REGISTRY = Registry()
EVERYTHING = Ruleset(REGISTRY, REGISTRY.expand(["ALL"]))


def safe(guarantee: Guarantee) -> bool:
    return guarantee.is_safe


def unsafe(guarantee: Guarantee) -> bool:
    return True


MODES = {"safe": safe, "unsafe": unsafe}


def comments(file: File) -> Counter[str]:
    """Every comment, those within instructions too, without what stagelint is told by them."""
    found: list[str] = []
    for item in file.tree.items:
        if isinstance(item, Comment):
            found.append(str(item).strip())
        elif isinstance(item, Instruction):
            spans = item.spans(PieceKind.COMMENT)
            found += (item.text[each.start : each.end].strip() for each in spans)
    return Counter(each for each in found if "stagelint:" not in each and "hadolint" not in each)


class Bench:
    """Fixes files, and asks a daemon what it thinks of them."""

    def __init__(self, docker: builders.Docker, empty: Path) -> None:
        self._docker = docker
        self._empty = empty
        self.counts: Counter[str] = Counter()

    def look_at(self, path: str) -> list[str]:
        """What is wrong with the fixes of a file, a line each."""
        file = read(discover.read(path))
        if not file.is_read or file.source.error:
            return []
        self.counts["files"] += 1
        was_rejected = bool(theirs(self._docker, file, self._empty).error)
        self.counts["rejected as they are"] += was_rejected
        lines: list[str] = []
        for mode in MODES:
            lines += (f"{path}\t{mode}\t{line}" for line in self._fix(file, mode, was_rejected))
        return lines

    def _fix(self, file: File, mode: str, was_rejected: bool) -> Iterator[str]:
        fixed = engine.fix(file.source, file.options, EVERYTHING, MODES[mode])
        for each in fixed.withheld:
            self.counts[f"{mode}: withheld"] += 1
            yield f"withheld: {each.finding.code}: {each.reason}"
        if fixed.source.text == file.source.text:
            return
        codes = sorted({each.code for each in fixed.applied})
        self.counts[f"{mode}: changed"] += 1
        self.counts[f"{mode}: fixes"] += len(fixed.applied)
        after = File(fixed.source, file.options)
        answer = theirs(self._docker, after, self._empty)
        if answer.error and not was_rejected:
            self.counts[f"{mode}: BuildKit rejects the result"] += 1
            yield f"rejected: {answer.error}: {codes}"
        again = engine.fix(fixed.source, file.options, EVERYTHING, MODES[mode])
        if again.source.text != fixed.source.text:
            self.counts[f"{mode}: a second run changes it"] += 1
            yield f"second run: {sorted({each.code for each in again.applied})}"
        lost = comments(file) - comments(after)
        if lost:
            self.counts[f"{mode}: comments lost"] += lost.total()
            yield f"comments lost: {codes}: {list(lost)[:3]}"
        if mode == "safe":
            try:
                proof.same_build(file, after)
            except proof.Difference as difference:
                self.counts["safe: another graph"] += 1
                yield f"graph: {difference}: {codes}"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.fixing")
    parser.add_argument("--every", type=int, default=1, metavar="N")
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    given: Any = parser.parse_args(argv)
    paths = dockerfiles(given.folders)[:: given.every]
    with (
        builders.docker(busybox=False) as docker,
        tempfile.TemporaryDirectory() as empty,
        ThreadPoolExecutor(2) as pool,
    ):
        bench = Bench(docker, Path(empty))
        for lines in pool.map(bench.look_at, paths):
            print(*lines, sep="\n", end="\n" * bool(lines))
    for name, count in sorted(bench.counts.items()):
        print(f"{count:7}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
