"""Names for stages that have none: what they do, and nothing another part of the file could mean."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model import images
from stagelint.model.graph import StageGraph
from stagelint.model.scope import LISTS_OF_STAGES
from stagelint.model.stages import RESERVED, Stage
from stagelint.syntax.characters import nearest

_TEST = (
    r"\b(?:go test|cargo test|pytest|tox|(?:npm|yarn|pnpm|bun)(?: run)? test|mvn test|"
    r"dotnet test|make (?:test|check)|gradlew? test)\b"
)
_BUILD = (
    r"\b(?:go (?:build|get|install)|cargo (?:build|get|install)|make|cmake|ninja|gcc|g\+\+|clang|rustc|"
    r"(?:npm|yarn|pnpm|bun)(?: run)? (?:build|bundle|compile)|npx tsc|tsc|webpack|ng build|"
    r"vite build|mvn\S*|gradlew?|sbt|javac|dotnet (?:build|publish)|python3? setup\.py|"
    r"pip3? wheel|swift build|zig build|bazel build|hugo|jekyll build|mix release)\b"
)
_DEPS = (
    r"\b(?:npm (?:ci|i|install)|yarn(?: install)?|pnpm (?:i|install|fetch)|bun install|"
    r"pip3? install|poetry install|uv (?:sync|pip install)|go mod download|bundle install|"
    r"composer install|cargo fetch|dotnet restore)\b"
)


#: Names of images that a new name is compared with; more stand in no real file.
_MOST_COMPARED = 50


def purpose(stage: Stage) -> str | None:
    """What the RUN commands of *stage* are for: `build`, `deps` or `test`, if it is plain."""
    commands = "\n".join(" ".join(run.script.split()) for run in stage.by_keyword("RUN"))
    for name, pattern in (("build", _BUILD), ("deps", _DEPS), ("test", _TEST)):
        if re.search(pattern, commands):
            return name
    return None


class Naming:
    """Chooses names; the same file always gets the same ones."""

    def __init__(self, graph: StageGraph) -> None:
        self._taken = set(_spoken_for(graph))
        self._images = [
            name
            for name in {each.raw.lower() for each in graph.references if each.image}
            if not any(char in name for char in "/:@.")
        ][:_MOST_COMPARED]
        self._open = [(stage, stage.base.pattern) for stage in graph.stages if stage.base.pattern]
        self._chosen: dict[int, str] = {}
        for stage in graph.stages:
            if stage.raw_name is None:
                self._chosen[stage.index] = self._choose(stage)

    def __getitem__(self, stage: int) -> str:
        """The name chosen for an unnamed stage."""
        return self._chosen[stage]

    def fresh(self, word: str) -> str | None:
        """*word* for a new stage, or with a number; None if a FROM could mean it for some builder."""
        names = (word, *(f"{word}-{number}" for number in range(2, 2 + len(self._taken))))
        name = next((each for each in names if self._is_free(each)), None)
        return None if name is None or any(p.match(name) for _, p in self._open) else name

    def captured_by(self, stage: Stage) -> Stage | None:
        """A stage whose FROM could mean *stage* by its chosen name, if a builder so wished."""
        name = self._chosen[stage.index]
        for later, pattern in self._open:
            if later.index > stage.index and pattern.match(name):
                return later
        return None

    def _choose(self, stage: Stage) -> str:
        name = next(each for each in _candidates(stage) if self._is_free(each))
        self._taken.add(name)
        return name

    def _is_free(self, name: str) -> bool:
        """Means it nothing yet, and does it look like no image that is referred to?"""
        return name not in self._taken and not nearest(name, self._images)


def _candidates(stage: Stage) -> Iterator[str]:
    what = purpose(stage)
    if what:
        yield what
        yield f"{what}-{stage.index}"
    yield f"stage-{stage.index}"
    number = 1
    while True:
        yield f"stage-{stage.index}-{number}"
        number += 1


def _spoken_for(graph: StageGraph) -> Iterator[str]:
    """Every name that already means something, or may for whoever reads it."""
    yield from RESERVED
    for stage in graph.stages:
        if stage.name:
            yield stage.name
        for instruction in stage.by_keyword("ARG", "ENV"):
            for pair in instruction.pairs:
                if pair.key in LISTS_OF_STAGES:
                    yield from re.split(r"[\s,\"']+", (pair.value or "").lower())
    for reference in graph.references:
        if reference.needs is None:
            yield reference.raw.lower()
            yield images.short(reference.raw.lower())
    for stage in graph.stages:
        for trigger in stage.triggers:
            source = trigger.flag("from")
            if source and source.value:
                yield source.value.lower()


def valid_name(raw: str) -> str:
    """The valid stage name nearest to *raw*, for one that BuildKit refuses."""
    name = re.sub(r"[^a-z0-9._-]+", "-", raw.lower())
    name = re.sub(r"([._-])[._-]*", r"\1", name).strip("._-")
    if not name:
        return "stage"
    return name[:100].rstrip("._-") if name[0].isalpha() else f"stage-{name[:100]}".rstrip("._-")
