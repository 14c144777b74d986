"""Ways to change a Dockerfile, some of which keep the build."""

from __future__ import annotations

from types import ModuleType

from bench.equivalence.mutations import instructions, layout, references, stages, variables
from bench.equivalence.mutations.draft import Draft, Mutation, mutate

__all__ = ["MUTATIONS", "Draft", "mutate"]


def _of(module: ModuleType) -> dict[str, Mutation]:
    return {
        name.replace("_", "-"): value
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    }


#: Name -> mutation, all functions of the modules of this package.
MUTATIONS: dict[str, Mutation] = {
    name: mutation
    for module in (stages, references, variables, layout, instructions)
    for name, mutation in _of(module).items()
}
