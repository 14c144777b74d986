"""Pairs of Dockerfiles by stagelint and by BuildKit: `python -m bench.equivalence --pairs 5000`.

Prints a table of counts by kind of pair; exits with 1 if stagelint calls one pair the same that
BuildKit does not, or misses too many that are.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
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

#: So many pairs are judged before the daemon is replaced, and with it all that it remembers.
TURN = 4 * CHUNK


def judged(daemon: builders.Docker, pairs: Iterable[Pair]) -> Iterator[Judgement]:
    """What comes of every pair, one after the other."""
    images = Images(daemon)
    judge = Judge(Bake(daemon, images), images)
    remaining = iter(pairs)
    while some := list(itertools.islice(remaining, CHUNK)):
        yield from judge.judge(some)


def judged_in_turns(pairs: Iterable[Pair], jobs: int) -> Iterator[Judgement]:
    """The same for very many, by *jobs* daemons at once, each for a while: their stores are in memory."""
    with multiprocessing.Pool(jobs, builders.clean_up_when_told_to_end) as pool:
        for found in pool.imap(_judged_by_a_new_daemon, _turns(pairs)):
            yield from found


def _turns(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    remaining = iter(pairs)
    while some := list(itertools.islice(remaining, TURN)):
        yield some


def _judged_by_a_new_daemon(pairs: list[Pair]) -> list[Judgement]:
    with builders.docker(busybox=False) as daemon:
        return list(judged(daemon, pairs))


def main() -> int:
    options = _options()
    builders.clean_up_when_told_to_end()
    sources = texts_below(options.below) if options.below else texts()
    fixed = fixed_pairs(options.seed, sources)
    mutated = mutated_pairs(options.seed, options.pairs, sources)
    found: list[Judgement] = []
    with options.report.open("w", encoding="utf-8") as report:
        for each in judged_in_turns(itertools.chain(fixed, mutated), options.jobs):
            found.append(each)
            if each.is_violation or each.is_missed:
                print(table.described(each), file=report, flush=True)
            if len(found) % TURN == 0:
                print(table.text([table.row("so far", found)]), file=sys.stderr, flush=True)
    counts = table.rows(found)
    print(table.text(counts))
    broken = table.complaints(counts[-1])
    print(*broken, sep="\n")
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.equivalence", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5000, help="so many mutations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="so many daemons")
    parser.add_argument("--below", type=Path, help="mutate the Dockerfiles of this folder instead")
    parser.add_argument(
        "--report",
        type=Path,
        default=Path(os.devnull),
        help="write violations and misses to this file",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
