"""How often each optimization is offered, and why it is not: `python -m bench.offers FOLDER...`.

Every Dockerfile below the folders is looked at alone, without its build context. Prints a row for
each rule: findings, those with a fix by guarantee, and below it the reasons of the others, most often
first, with what stands in backticks left out. Every fix is made alone, and all together by the driver
of `stagelint optimize`; exits with 1 if a result is not accepted, or a second run changes it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator

from bench.hadolint_parity import dockerfiles
from stagelint import discover, engine, optimize, sizes
from stagelint.edit import Guarantee
from stagelint.model.file import File, Options
from stagelint.presets import PRESETS
from stagelint.registry import Registry, Ruleset
from stagelint.rule import Finding
from stagelint.source import Source

REGISTRY = Registry()
#: Reasons shown of a rule.
_MOST = 8


class Count:
    """What came of one rule."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.offers: Counter[Guarantee] = Counter()
        self.reasons: Counter[str] = Counter()

    def take(self, finding: Finding) -> None:
        self.files.add(finding.source.path)
        if finding.fix:
            self.offers[finding.fix.guarantee] += 1
        else:
            self.reasons[re.sub(r"`[^`]*`|\d+", "...", finding.note) or "no fix"] += 1

    def rows(self, rule: str) -> Iterator[str]:
        """The rule's own row, and one for each reason why it offers nothing."""
        offered = ", ".join(f"{count} {kind}" for kind, count in self.offers.most_common())
        refused = self.reasons.total()
        yield f"{rule}: {len(self.files)} files; offers: {offered or 'none'}; refused: {refused}"
        yield from (f"    {n:5} {reason}" for reason, n in self.reasons.most_common(_MOST))


class Bench:
    """Looks at files one by one."""

    def __init__(self, ruleset: Ruleset, options: Options) -> None:
        self._ruleset = ruleset
        self._options = options
        self.counts: dict[str, Count] = {}
        self.read = 0

    def look_at(self, path: str) -> Iterator[str]:
        """What is wrong with the fixes of a file, a line each."""
        file = File(discover.read(path), self._options)
        if file.source.error or not file.is_read or file.is_rejected:
            return
        self.read += 1
        for finding in engine.lint(file, self._ruleset):
            if finding.code in self._ruleset.codes:
                key = f"{finding.code} {finding.name}"
                self.counts.setdefault(key, Count()).take(finding)
            if finding.fix and finding.source is file.source:
                _, reason, _ = engine.one(file, finding)
                if reason is not None:
                    yield f"{path}: {finding.code}: not accepted: {reason}"
        yield from self._drive(path, file)

    def _drive(self, path: str, file: File) -> Iterator[str]:
        fixed = self._fix(file.source)
        for each in fixed.withheld:
            yield f"{path}: {each.finding.code}: withheld together with others: {each.reason}"
        again = self._fix(fixed.source)
        if again.source.text != fixed.source.text:
            codes = sorted({each.code for each in again.applied})
            yield f"{path}: a second run changes it: {codes}"

    def _fix(self, source: Source) -> engine.Fixed:
        return optimize.fix(
            source, self._options, self._ruleset, lambda _: True, lambda _: self._options
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.offers", description=__doc__)
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    parser.add_argument("--select", metavar="RULES", help="these alone, comma-separated")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth file")
    given = parser.parse_args()
    selected: Iterable[str] = given.select.split(",") if given.select else ()
    codes = REGISTRY.expand(selected) if given.select else PRESETS["optimize"].codes(REGISTRY)
    bench = Bench(Ruleset(REGISTRY, codes), Options(sizes=sizes.known))
    wrong = 0
    for path in dockerfiles(given.folders)[:: given.every]:
        for line in bench.look_at(path):
            wrong += 1
            print(line, flush=True)
    print(f"{bench.read} files read, {wrong} wrong")
    for rule in sorted(bench.counts):
        print(*bench.counts[rule].rows(rule), sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
