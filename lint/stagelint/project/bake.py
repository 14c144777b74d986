"""What the bake files of a folder have in common, whatever their format: targets that inherit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Protocol

from stagelint.model.project import Build, Value
from stagelint.project import paths
from stagelint.project.files import Files
from stagelint.project.text import Text
from stagelint.source import Source, Span

_FILES = re.compile(
    r"(?:^|/)(?:[^/]*bake[^/]*\.(?:hcl|json)|(?:docker-)?compose(?:\.override)?\.ya?ml)$"
)
#: What may be the name of a target: a label in HCL, a key in JSON or YAML.
_NAMED = re.compile(
    r"""(?:\btarget[ \t]+"|^[ \t]*["']?|[{,]\s*["'])([\w.-]+)(?=["']?\s*[:{]|"[ \t]*\{)""",
    re.MULTILINE,
)


#: What says that a target does not lie where one does that says nothing.
_PLACING = re.compile(
    r"""context["']?[ \t]*[:=][ \t]*["']?(?!\.?/?["']?\s)|dockerfile["']?[ \t]*[:=]"""
)
_NEAR = 400


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


#: A target inherits from so many at most; of more, nothing is known.
_LONGEST = 100


class Folder:
    """The targets that files of a folder define together."""

    def __init__(
        self,
        targets: Mapping[str, Sequence[Target]],
        grouped: frozenset[str],
        elsewhere: frozenset[str] = frozenset(),
    ) -> None:
        """*targets* by name, those of later files first; *grouped* are the names groups list.

        A name that is *elsewhere* stands in files of other formats or folders too, which bake may
        be given together with these.
        """
        self.targets = targets
        self.elsewhere = elsewhere
        every = (each for some in targets.values() for each in some)
        inherited = {name.text for each in every for name in each.listed("inherits") or ()}
        self._abstract = inherited - grouped
        """What is there to be inherited from, and perhaps never built."""

    def builds(self, target: Target, base: paths.Base) -> Iterator[Build]:
        """The builds of *target*, one for each of what its fields may be."""
        for variant in target.variants():
            chain = list(self._chain(variant))
            if all(each.texts("dockerfile-inline") is None for each in chain):
                yield from self._builds(variant, chain, base)

    def _builds(self, target: Target, chain: Sequence[Target], base: paths.Base) -> Iterator[Build]:
        whole = Text.of(target.source, target.span)
        is_whole = target.name not in self.elsewhere and self._is_whole(chain)
        is_single = len(self.targets.get(target.name, ())) == 1  # else another may say otherwise
        is_placed = base.is_certain and is_whole and is_single and target.name not in self._abstract
        missing: Sequence[Text | None] = (
            [None] if is_whole else [Text.unknown(target.source, target.span)]
        )
        fields = [
            _first(chain, "context") or missing,
            _first(chain, "dockerfile") or [None],
            _first(chain, "target") or missing,
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
                args=_values(chain, "args"),
                contexts=_values(chain, "contexts"),
                uncached=_values(chain, "no-cache-filter"),
            )

    def _is_whole(self, chain: Sequence[Target]) -> bool:
        """Is everything known that the targets inherit from?"""
        if len(chain) >= _LONGEST:
            return False
        parents = (name.text for each in chain for name in each.listed("inherits") or ())
        return all(name in self.targets and name not in self.elsewhere for name in parents)

    def _chain(self, target: Target) -> Iterator[Target]:
        """*target*, what is merged with it, and what it inherits from; the strongest first."""
        seen: set[tuple[int, Span]] = set()
        waiting = [target]
        while waiting and len(seen) < _LONGEST:
            each = waiting.pop()
            place = (id(each.source), each.span)
            if place in seen:
                continue
            seen.add(place)
            yield each
            merged = self.targets.get(each.name, ()) if each is target else ()
            parents = [
                one
                for name in reversed(each.listed("inherits") or [])
                for one in self.targets.get(name.text, ())
            ]
            waiting += reversed([*parents, *merged])


def named_beside(path: str, files: Files, *, merged: str) -> frozenset[str]:
    """Targets that files in the folder of *path* place too, but those whose names end in *merged*.

    Bake reads files of all formats together, and Compose files among them.
    """
    found: set[str] = set()
    for each in files.beside(path):
        if each != path and not each.endswith(merged) and _FILES.search(each):
            source = files.source(each)
            text = source.text if source else ""
            for match in _NAMED.finditer(text):
                if _PLACING.search(text, match.end(), match.end() + _NEAR):
                    found.add(match[1])
    return frozenset(found)


def _first(chain: Sequence[Target], field: str) -> Sequence[Text | None] | None:
    """What a field is in the first of the targets that sets it."""
    return next((found for each in chain if (found := each.texts(field)) is not None), None)


def _values(chain: Sequence[Target], field: str) -> tuple[Value, ...]:
    """All keys or entries: tables are merged, and a list is taken from the first that has it."""
    found: list[Text] = []
    for each in chain:
        entries = each.listed(field) if field == "no-cache-filter" else each.keys(field)
        found += entries or []
        if entries is not None and field == "no-cache-filter":
            break
    return tuple(text.value for text in {each.text: each for each in reversed(found)}.values())
