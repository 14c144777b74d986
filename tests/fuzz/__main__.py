"""Looks for a text that breaks what holds for any text: `python -m tests.fuzz TARGET --seconds 30`.

Texts are made from those of `fixtures/` and of the rules' examples, and from those that reached
something new (atheris, libFuzzer): others in each run, but for one with a `--seed`. It ends at the
first that raises, takes longer than `TIMEOUT` or more than `MEMORY`, and says where it lies;
`python -m tests.fuzz TARGET FILE` tries it again. Mended, it belongs in `found/TARGET`.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.targets import TARGETS

#: Of the texts to begin with, those that a second is given: others in every run, as trying them is
#: not to take all the time there is.
SEEDS = 5
#: Seconds for one text; megabytes for all; characters of a text.
TIMEOUT, MEMORY, LONGEST = 10, 1024, 4096
FOUND = Path(__file__).parent / "found"


def main() -> int:
    """Runs the command line. The status is that of libFuzzer: 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("files", nargs="*", type=Path, help="texts to try, instead of new ones")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="the same texts again; 0 for others")
    parser.add_argument("--corpus", type=Path, help="a folder where texts that reach more are kept")
    given = parser.parse_args()
    if given.files:
        for path in given.files:
            TARGETS[given.target].check(path.read_bytes().decode("utf-8", "surrogateescape"))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        corpus = given.corpus or Path(folder) / "new"
        corpus.mkdir(parents=True, exist_ok=True)
        seeds = Path(folder) / "seeds"
        chance = random.Random(given.seed or None)
        write_seeds(given.target, seeds, SEEDS * given.seconds, chance)
        options = [f"-max_total_time={given.seconds}", f"-timeout={TIMEOUT}", "-verbosity=1"]
        options += [f"-seed={given.seed}"]
        options += [f"-rss_limit_mb={MEMORY}", f"-max_len={LONGEST}", "-print_final_stats=1"]
        # In a process of its own: libFuzzer ends the one it runs in.
        command = [sys.executable, "-m", "tests.fuzz.process", given.target, *options]
        environment = {**os.environ, "PYTHONHASHSEED": str(given.seed) if given.seed else "random"}
        ended = subprocess.run([*command, str(corpus), str(seeds)], env=environment, check=False)
        return ended.returncode


def write_seeds(target: str, folder: Path, most: int, chance: random.Random) -> None:
    """*most* of the texts to begin with, a file each in the new *folder*, and all that were found."""
    folder.mkdir()
    texts = TARGETS[target].seeds()
    for number, text in enumerate(chance.sample(texts, min(most, len(texts)))):
        (folder / str(number)).write_bytes(text.encode("utf-8", "surrogateescape"))
    for path in (FOUND / target).glob("*"):
        (folder / path.name).write_bytes(path.read_bytes())


if __name__ == "__main__":
    os.environ.setdefault("NO_COLOR", "1")
    sys.exit(main())
