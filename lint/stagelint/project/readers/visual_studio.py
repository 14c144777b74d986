"""Visual Studio: the Dockerfile of a project, and the stage that it debugs in."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.model.project import UNKNOWN, Build, Value
from stagelint.project import paths, script
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.paths import HERE
from stagelint.project.text import STEPS, Piece, Text, expand, or_none
from stagelint.project.xml import Element, elements
from stagelint.source import Source

_TOOLS = "microsoft.visualstudio.azure.containers.tools.targets"
_STAGES = ("DockerfileFastModeStage", "ContainerFastModeStage")
_REFERENCE = re.compile(r"\$\((?P<name>\w+)\)|\$\([^()]*\)")
_FOLDERS = frozenset(("MSBuildThisFileDirectory", "MSBuildProjectDirectory", "ProjectDir"))
#: The first stage of a Dockerfile, in which a project is debugged if it names none.
_FIRST = re.compile(r"^[ \t]*FROM[ \t]+\S[^\n]*?[ \t]AS[ \t]+(\S+)", re.IGNORECASE | re.MULTILINE)
_FROM = re.compile(r"^[ \t]*FROM[ \t]", re.IGNORECASE | re.MULTILINE)
_DEPTH = 10


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds of a project, whose Dockerfile is relative to it, and of the commands it runs."""
    yield from _Project(source, files).builds()


class _Project:
    def __init__(self, source: Source, files: Files) -> None:
        self.files = files
        self.path = files.path_of(source)
        self.elements = files.parsed(source, elements)
        self.steps = 0
        self.properties: dict[str, list[Text]] = {}
        for each in self.elements:
            if each.text is not None:
                self.properties.setdefault(each.name, []).append(each.text)
        folder = posixpath.dirname(self.path)
        is_shared = self.path.lower().endswith((".props", ".targets"))
        self.base = paths.Base((UNKNOWN if is_shared else folder,), not is_shared, folder)

    def builds(self) -> Iterator[Build]:
        tools = next(filter(_is_tools, self.elements), None)
        stages = [text for name in _STAGES for text in self._values(name)]
        places = self._values("DockerfileFile")
        for file in or_none(places) if tools or stages or places else ():
            whole = file or (tools.tag if tools else stages[0])
            where = paths.dockerfiles(
                self.base, None, file or _written("Dockerfile", whole), whole, in_context=False
            )
            targets: list[Value | None] = [each.value for each in stages if each.text]
            if tools and not targets:
                targets += self._first(where, tools.tag)
            for target in (*targets, None):
                yield Build(
                    "visual-studio",
                    "",
                    whole.source,
                    target.span if target and target.source is whole.source else whole.span,
                    where,
                    is_placed=self.base.is_certain,
                    target=target,
                )
        asker = Asker("visual-studio", "", self.base)
        for element in self.elements:
            command = element.attributes.get("Command") if element.name == "Exec" else None
            for text in self._expanded(command, 0) if command else ():
                yield from script.builds(text, asker)

    def _first(self, where: Sequence[Value], tag: Text) -> Iterator[Value]:
        """The name of the first stage, which is meant where nothing is said."""
        path = next((each.text for each in where if self.files.exists(each.text)), None)
        source = self.files.source(path) if path is not None else None
        named = _FIRST.search(source.text) if source else None
        first = _FROM.search(source.text) if source else None
        if named and first and named.start() == first.start():
            yield _written(named[1], tag).value

    def _values(self, name: str) -> list[Text]:
        """What a property may be: one may be set on several conditions."""
        self.steps = 0
        return [
            text for given in self.properties.get(name, ()) for text in self._expanded(given, 0)
        ]

    def _expanded(self, text: Text, depth: int) -> list[Text]:
        """What *text* may be when its properties are replaced."""

        def value(match: re.Match[str], whole: Text) -> Sequence[Text]:
            self.steps += 1
            found = self.properties.get(match["name"] or "", ())
            if match["name"] in _FOLDERS:
                return [_written(HERE, whole)]
            if not found or depth > _DEPTH or self.steps > STEPS:
                return [whole.as_unknown()]
            return [one for each in found for one in self._expanded(each, depth + 1)]

        return expand(text, _REFERENCE, value)


def _is_tools(element: Element) -> bool:
    """Does it bring the tools that build images?"""
    included = element.attributes.get("Include") if element.name == "PackageReference" else None
    return included is not None and included.text.lower() == _TOOLS


def _written(text: str, place: Text) -> Text:
    return Text([Piece(text, place.source, place.span)])
