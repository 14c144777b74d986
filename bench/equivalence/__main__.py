"""Pairs of Dockerfiles by stagelint and by BuildKit: `python -m bench.equivalence --pairs 5000`.

Prints a table of counts by kind of pair; exits with 1 if stagelint calls one pair the same that
BuildKit does not, or misses too many that are.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.equivalence import builders, table
from bench.equivalence.bake import Bake
from bench.equivalence.images import Images
from bench.equivalence.judge import Judge, Judgement, Pair
from bench.equivalence.pairs import fixed_pairs, mutated_pairs
from bench.equivalence.texts import texts, texts_below

#: So many pairs are judged together; the more, the better the calls are filled.
CHUNK = 96


def judged(daemon: builders.Docker, pairs: Iterable[Pair]) -> Iterator[Judgement]:
    """What comes of every pair, one after the other."""
    images = Images(daemon)
    judge = Judge(Bake(daemon, images), images)
    remaining = iter(pairs)
    while some := list(itertools.islice(remaining, CHUNK)):
        yield from judge.judge(some)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.equivalence", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5000, help="so many mutations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--below", type=Path, help="mutate the Dockerfiles of this folder instead")
    parser.add_argument("--report", type=Path, help="write violations and misses to this file")
    options = parser.parse_args()
    sources = texts_below(options.below) if options.below else texts()
    pairs = itertools.chain(
        fixed_pairs(options.seed, sources), mutated_pairs(options.seed, options.pairs, sources)
    )
    found: list[Judgement] = []
    with builders.docker(busybox=False) as daemon:
        for each in judged(daemon, pairs):
            found.append(each)
            if each.is_violation:
                print(table.described(each), file=sys.stderr)
            if len(found) % CHUNK == 0:
                print(f"{len(found)} pairs", file=sys.stderr, flush=True)
    if options.report:
        wrong = [each for each in found if each.is_violation or each.is_missed]
        options.report.write_text("\n".join(map(table.described, wrong)), "utf-8")
    counts = table.rows(found)
    print(table.text(counts))
    broken = table.complaints(counts[-1])
    print(*broken, sep="\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
