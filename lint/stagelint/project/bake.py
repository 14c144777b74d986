"""What the bake files of a folder have in common, whatever their format: targets that inherit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Protocol

from stagelint.model.project import Build, Value
from stagelint.project import paths
from stagelint.project.text import Text
from stagelint.source import Source, Span

#: Targets inherit from each other so deep.
_DEPTH = 10


class Target(Protocol):
    """A target of a bake file. Fields are asked for by the names that bake has for them."""

    name: str
    source: Source
    span: Span

    def texts(self, field: str) -> list[Text] | None:
        """What a field may be; None if the target does not set it."""
        ...

    def listed(self, field: str) -> list[Text] | None:
        """The entries of a list."""
        ...

    def keys(self, field: str) -> list[Text] | None:
        """The keys of a table."""
        ...

    def variants(self) -> Sequence[Target]:
        """The targets that a matrix makes of it; itself without one."""
        ...


class Folder:
    """The targets that files of a folder define together."""

    def __init__(self, targets: Mapping[str, Sequence[Target]], grouped: frozenset[str]) -> None:
        """*targets* by name, those of later files first; *grouped* are the names groups list."""
        self.targets = targets
        every = (each for some in targets.values() for each in some)
        inherited = {name.text for each in every for name in each.listed("inherits") or ()}
        self._abstract = inherited - grouped
        """What is there to be inherited from, and perhaps never built."""

    def builds(self, target: Target, base: paths.Base) -> Iterator[Build]:
        """The builds of *target*, one for each of what its fields may be."""
        for variant in target.variants():
            if self._first(variant, "dockerfile-inline") is None:
                yield from self._builds(variant, base)

    def _builds(self, target: Target, base: paths.Base) -> Iterator[Build]:
        whole = Text.of(target.source, target.span)
        is_placed = base.is_certain and target.name not in self._abstract
        fields = [
            self._first(target, name) or [None] for name in ("context", "dockerfile", "target")
        ]
        for context, dockerfile, stage in product(*fields):
            yield Build(
                "bake",
                f"target {target.name}",
                target.source,
                target.span,
                paths.dockerfiles(base, context, dockerfile, whole, in_context=True),
                is_placed=is_placed,
                target=stage.value if stage and stage.text else None,
                args=self._values(target, "args"),
                contexts=self._values(target, "contexts"),
                uncached=self._values(target, "no-cache-filter"),
            )

    def _first(self, target: Target, field: str) -> Sequence[Text | None] | None:
        """What the field is in the target, or in the first of those it inherits from that sets it."""
        for each in self._chain(target, 0):
            found = each.texts(field)
            if found is not None:
                return found
        return None

    def _values(self, target: Target, field: str) -> tuple[Value, ...]:
        """All keys or entries: tables are merged, and a list is taken from the first that has it."""
        found: list[Text] = []
        for each in self._chain(target, 0):
            entries = each.listed(field) if field == "no-cache-filter" else each.keys(field)
            found += entries or []
            if entries is not None and field == "no-cache-filter":
                break
        return tuple(text.value for text in {each.text: each for each in reversed(found)}.values())

    def _chain(self, target: Target, depth: int) -> Iterator[Target]:
        """*target*, what is merged with it, and what it inherits from; the strongest first."""
        yield target
        if depth > _DEPTH:
            return
        parents = target.listed("inherits") or []
        for parent in reversed(parents):
            for each in self.targets.get(parent.text, ()):
                yield from self._chain(each, depth + 1)
        for each in self.targets.get(target.name, ()) if depth == 0 else ():
            if each.span != target.span or each.source is not target.source:
                yield from self._chain(each, depth + 1)
