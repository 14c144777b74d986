"""Pairs of Dockerfiles to compare, the same ones for the same seed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random

from bench.equivalence.assignments import assignments
from bench.equivalence.judge import Pair
from bench.equivalence.mutations import MUTATIONS, mutate
from bench.equivalence.reading import file_of
from bench.equivalence.texts import Sources, Text
from stagelint.engine import fix
from stagelint.model import Options
from stagelint.registry import Registry, Ruleset
from stagelint.source import Source

#: What `--fix` makes of a file.
FIXED = "fixed"

#: Two mutations of one file.
TWICE = "two-at-once"

#: Mutations that mostly change the build, which are taken twice as often for balance.
_CHANGING = (
    *("word-changed", "word-in-other-case", "value-changed", "default-changed", "pairs-reordered"),
    *("instruction-deleted", "instruction-duplicated", "instruction-added", "neighbours-swapped"),
    *("flag-added", "flag-removed", "last-stage-added", "base-exchanged", "stage-arg-added"),
    *("heredoc-body-changed", "default-in-place", "stages-swapped-alone"),
)

#: So many files are tried before a mutation has nothing to change.
_TRIES = 200


def fixed_pairs(seed: int, sources: Sources) -> Iterator[Pair]:
    """Every file that has safe fixes, and what becomes of it."""
    registry = Registry()
    ruleset = Ruleset(registry, registry.defaults)
    for found in itertools.chain(*sources.values()):
        done = fix(Source("Dockerfile", found.text), Options(), ruleset)
        if done.source.text != found.text:
            yield _pair(FIXED, found, done.source.text, Random(f"{seed} {found.origin}"))


def mutated_pairs(seed: int, count: int, sources: Sources) -> Iterator[Pair]:
    """*count* different pairs, of every kind about as many."""
    random = Random(seed)
    seen: set[tuple[str, str]] = set()
    kinds = [*MUTATIONS, *_CHANGING, *[TWICE] * 5]
    for kind in itertools.islice(itertools.cycle(kinds), 50 * count):
        if len(seen) == count:
            return
        pair = _mutated(kind, sources, random)
        if pair is not None and (pair.before, pair.after) not in seen:
            seen.add((pair.before, pair.after))
            yield pair


def _mutated(kind: str, sources: Sources, random: Random) -> Pair | None:
    for _ in range(_TRIES):
        found = _some(sources, random)
        after = _changed(kind, found.text, random)
        if after is not None:
            return _pair(kind, found, after, random)
    return None


def _some(sources: Sources, random: Random) -> Text:
    """A file that is accepted, or now and then one that is not; from every source as often."""
    while True:
        found = random.choice(sources[random.choice(list(sources))])
        if random.random() < 0.05 or not file_of(found.text).is_rejected:
            return found


def _changed(kind: str, text: str, random: Random) -> str | None:
    if kind != TWICE:
        return mutate(text, MUTATIONS[kind], random)
    once = mutate(text, random.choice(list(MUTATIONS.values())), random)
    return None if once is None else mutate(once, random.choice(list(MUTATIONS.values())), random)


def _pair(kind: str, found: Text, after: str, random: Random) -> Pair:
    before = found.text
    tried = assignments(file_of(before), file_of(after), random)
    return Pair(kind, found.origin, before, after, tried)
