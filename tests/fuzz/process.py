"""One run of libFuzzer, which ends its process: `python -m tests.fuzz.process TARGET OPTION...`."""

from __future__ import annotations

import random
import sys
from importlib import import_module
from typing import Any

atheris: Any = import_module("atheris")  # there is none for some machines

with atheris.instrument_imports(include=["stagelint", "stagelint_rules"]):
    from tests.fuzz.targets import TARGETS

    TARGET = TARGETS[sys.argv[1]]
    for text in TARGET.seeds()[::20]:  # which imports what it needs
        TARGET.check(text)

from tests.fuzz.mutation import mutated


def main() -> None:
    words = TARGET.words()

    def one(data: bytes) -> None:
        TARGET.check(data.decode("utf-8", "surrogateescape"))

    def mutator(data: bytes, longest: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < 0.4:
            return atheris.Mutate(data, len(data))
        return mutated(data, words, chance)[:longest]

    atheris.Setup([sys.argv[0], *sys.argv[2:]], one, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
