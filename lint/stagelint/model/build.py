"""What is built: one vertex an instruction, with a digest that stands for its result.

Equal digests mean the same result in every build there could be: whatever `--build-arg`s are
given, whatever the platform, the build context and the base images are. Comments, layout, dead
stages and the order of stages do not count; a stage counts by what it is, not by its name, unless
something can read the name. What cannot be known enters as a symbol, equal only to itself.

The vertices are those of BuildKit's own graph (v0.25.2, observed); where it could go either way,
digests differ. Metadata makes no vertex: it is in the config of a stage's image. Not modelled is
a bug of v0.25.2 (mended in frontend 1.24): stages of one parent stage share the maps of its config,
so that a label of one can show up in another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from stagelint.model.scope import LISTS_OF_STAGES
from stagelint.model.symbols import digest, evaluate
from stagelint.model.variables import GlobalVariables
from stagelint.model.vertices import Budget, StageBuild, StageReader, Vertex
from stagelint.model.who_builds import Anybody
from stagelint.syntax.characters import lower
from stagelint.tuples import NamedTuple
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.model.file import File


class Target(NamedTuple):
    """What a build of one stage gives."""

    files: str
    """Digest of the last vertex."""
    config: dict[str, str]
    """A digest for every part of the image config, by its name there."""
    name: str
    """What TARGETSTAGE is, where the file speaks of it; else empty."""
    conditions: set[str]
    """Stand for the words that some builder's values make fail."""
    above: tuple[str, ...]
    """Digests of the stages above that are built though not needed, if the builder does that."""


class BuildGraph:
    """The vertices and configs of all stages of a file that BuildKit accepts.

    Raises `Incomparable`.
    """

    def __init__(self, file: File, builder: Anybody | None = None) -> None:
        """With a *builder*, digests are equal if that one builds the same; if None, if anybody does."""
        self._file = file
        self.globals = GlobalVariables(file.globals.instructions, builder or Anybody())
        self.stages: list[StageBuild] = []
        budget = Budget()
        for stage in file.stages:
            reader = StageReader(file, stage, self.globals, self.stages, budget)
            self.stages.append(reader.read())

    def target(self, index: int, name: str = "") -> Target:
        """What `--target NAME` gives, which selects the stage with that *index*."""
        built = self.stages[index]
        asked = name or self._file.stages[index].raw_name or "default"
        known = asked if self.globals.reads_target else ""
        all_above = self._file.options.dialect.builds_all_up_to_target
        above = tuple(each.files for each in self.stages[:index]) if all_above else ()
        return Target(built.files, built.parts, known, built.conditions, above)

    @property
    def fails(self) -> bool:
        """Can the last stage not be built, whoever builds?"""
        return self.stages[-1].fails

    @cached_property
    def conditions(self) -> set[str]:
        """Stand for all that BuildKit works out whatever is built, and that an ARG can make fail."""
        found = set(self.globals.conditions)
        for stage in self._file.stages:
            platform = (stage.platform and stage.platform.value) or ""
            words = [
                evaluate(each, self.globals.lookup, stage.opening.escape)
                for each in (stage.base.raw, platform)
            ]
            if not all(isinstance(word, str) for word in words):
                found.add(digest("FROM", words))
        return found

    def listed(self, called: Mapping[str, str] | None = None) -> str:
        """Stands for the stages that ARGs may list, if there are such ARGs; else empty.

        *called* are other names for stages, by their own; these then mean none.
        """
        names = {**dict.fromkeys((called or {}).values(), "?"), **(called or {})}

        def known_as(text: str | None) -> str | None:
            if text is None or not names:
                return text
            return re.sub(r"[\w.-]+", lambda word: names.get(lower(word[0]), word[0]), text)

        instructions = [each for each in self._file.tree.instructions if each.keyword == "ARG"]
        instructions += [trigger for stage in self._file.stages for trigger in stage.triggers]
        pairs = [pair for each in instructions for pair in each.pairs]
        lists = [
            (pair.key, known_as(pair.value), self.globals.lookup(pair.key))
            for pair in pairs
            if pair.key in LISTS_OF_STAGES
        ]
        stages = zip(self._file.stages, self.stages, strict=True)
        found = [(known_as(stage.name), built.files) for stage, built in stages]
        return digest(lists, found) if lists else ""

    @cached_property
    def vertices(self) -> dict[str, Vertex]:
        """All vertices by digest, in the order of the file."""
        found: dict[str, Vertex] = {}
        for stage in self.stages:
            for vertex in stage.vertices:
                found.setdefault(vertex.digest, vertex)
        return found

    def behind(self, files: str) -> list[Vertex]:
        """The vertices that *files*, the digest of one, is the result of; in file order."""
        needed: set[str] = set()
        pending = [files]
        while pending:
            each = pending.pop()
            if each not in needed and each in self.vertices:
                needed.add(each)
                pending += self.vertices[each].inputs
        return [vertex for each, vertex in self.vertices.items() if each in needed]
