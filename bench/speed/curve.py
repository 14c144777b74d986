"""Is the cost linear in files and in bytes? `python -m bench.speed.curve [--corpus FOLDER]`.

Small files are mutations of those of the corpus: lines left out, said twice, moved. Large ones are
many such files in a row, which are one of many stages. Prints a table in Markdown; each row is one run.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.speed import inputs
from bench.speed.measure import Cost, run

FILES = (1_000, 10_000, 100_000)
BYTES = (10_000, 100_000, 1_000_000, 10_000_000)
#: A longer one of the corpus would decide what a thousand cost.
_SMALL = 4_000

_COMMAND = (sys.executable, "-m", "stagelint", "--isolated", "--output-format", "concise")


def mutation(lines: Sequence[str], chance: random.Random) -> list[str]:
    """*lines* with some left out, some said twice and two of them in each other's place."""
    made = [line for line in lines for _ in range(chance.choice((0, 1, 1, 1, 1, 1, 1, 1, 1, 2)))]
    if len(made) > 1:
        one, other = chance.randrange(len(made)), chance.randrange(len(made))
        made[one], made[other] = made[other], made[one]
    return made


def mutations(corpus: Path, chance: random.Random) -> Iterator[bytes]:
    """Mutations of small files of *corpus*, without end."""
    texts = [path.read_bytes() for path in inputs.dockerfiles(corpus)]
    originals = [
        text.decode("utf-8", "surrogateescape").splitlines(keepends=True)
        for text in texts
        if len(text) < _SMALL
    ]
    while True:
        text = "".join(mutation(chance.choice(originals), chance))
        yield text.encode("utf-8", "surrogateescape")


def many(texts: Iterator[bytes], count: int) -> tuple[int, Cost]:
    """How many bytes *count* files have, and what they cost."""
    total = 0
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(count):
            folder = Path(scratch, str(number // 1000), str(number))
            folder.mkdir(parents=True)
            total += (folder / "Dockerfile").write_bytes(next(texts))
        return total, run((*_COMMAND, "."), Path(scratch))


def large(texts: Iterator[bytes], size: int) -> tuple[int, Cost]:
    """How many bytes a file of about *size* has, and what it costs."""
    data = bytearray()
    while len(data) < size:
        data += next(texts) + b"\n"
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, "Dockerfile").write_bytes(data)
        return len(data), run((*_COMMAND, "Dockerfile"), Path(scratch))


def row(what: str, total: int, cost: Cost, unit: str, count: float) -> str:
    each = cost.cpu / count * 1000
    return f"| {what} | {total / 1e6:.2f} MB | {cost.cpu:.2f} | {each:.2f} ms a {unit} | {cost.peak:.0f} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.speed.curve")
    parser.add_argument("--corpus", type=Path, default=inputs.FIXTURES, metavar="FOLDER")
    parser.add_argument("--most-files", type=int, default=FILES[-1], metavar="N")
    given = parser.parse_args()
    texts = mutations(given.corpus, random.Random(1))
    print("| | | CPU seconds | | peak MiB |\n|---|---|---|---|---|", flush=True)
    for size in BYTES:
        total, cost = large(texts, size)
        print(row("one file", total, cost, "KB", total / 1000), flush=True)
    for count in (each for each in FILES if each <= given.most_files):
        total, cost = many(texts, count)
        print(row(f"{count:,} files", total, cost, "file", count), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
