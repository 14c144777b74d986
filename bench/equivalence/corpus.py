"""Real Dockerfiles before and after `--fix`: `python -m bench.equivalence.corpus FOLDER`.

Every Dockerfile below the folder is fixed as `stagelint --fix` would, and BuildKit compares all
targets of those that changed. Prints counts; exits with 1 if a target differs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

from bench.equivalence import builders, table
from bench.equivalence.__main__ import judged_in_turns
from bench.equivalence.assignments import assignments
from bench.equivalence.judge import Judgement, Pair, Verdict
from bench.equivalence.reading import file_of
from bench.equivalence.texts import comparable, dockerfiles
from stagelint.engine import fix
from stagelint.model import Options
from stagelint.registry import Registry, Ruleset
from stagelint.source import Source


class Corpus:
    """The files of a folder, and what happened to those that need no comparison."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counts: Counter[str] = Counter()
        registry = Registry()
        self._ruleset = Ruleset(registry, registry.defaults)

    def pairs(self) -> Iterator[Pair]:
        """Every file that `--fix` changes, as it was and as it is then."""
        for origin, data in dockerfiles(self.folder):
            self.counts["files"] += 1
            text = comparable(data)
            if text is None:
                self.counts["skipped: not UTF-8, or for another frontend"] += 1
            elif file_of(text).is_rejected:
                self.counts["skipped: stagelint says that BuildKit rejects it"] += 1
            else:
                after = self._fixed(text)
                self.counts["changed by --fix" if after != text else "left as they are"] += 1
                if after != text:
                    yield self._pair(origin, text, after)

    def _fixed(self, text: str) -> str:
        source = Source("Dockerfile", text)
        return fix(source, Options(), self._ruleset).source.text

    def _pair(self, origin: str, before: str, after: str) -> Pair:
        tried = assignments(file_of(before), file_of(after), Random(origin))
        return Pair("corpus", origin, before, after, tried)

    def count(self, judgement: Judgement) -> None:
        """Adds what BuildKit said of a pair."""
        self.counts[f"changed, BuildKit: {judgement.verdict}"] += 1
        self.counts["targets compared, with every set of arguments"] += judgement.builds
        self.counts["targets that differ"] += judgement.differing


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.equivalence.corpus", description=__doc__)
    parser.add_argument("folder", type=Path)
    builders.clean_up_when_told_to_end()
    corpus = Corpus(parser.parse_args().folder)
    for judgement in judged_in_turns(corpus.pairs(), os.cpu_count() or 1):
        corpus.count(judgement)
        if judgement.verdict is not Verdict.EQUAL:
            print(table.described(judgement), file=sys.stderr)
    for name, count in sorted(corpus.counts.items()):
        print(f"{count:7}  {name}")
    return 1 if corpus.counts["targets that differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
