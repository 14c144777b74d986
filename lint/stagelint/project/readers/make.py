"""Makefiles: the recipes, with variables as far as they are plain text."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.model.project import Build
from stagelint.project import paths, script
from stagelint.project.command import TELLING, Asker
from stagelint.project.files import Files
from stagelint.project.text import MOST, STEPS, Piece, Text, expand, or_none
from stagelint.source import Source, Span
from stagelint.tuples import NamedTuple

_DEFINITION = re.compile(
    r"^(?:[^#=\t:]+:{1,2}[ \t]*)?[ \t]*(?:(?:export|override|private|define)[ \t]+)*(?P<name>[\w.-]+)[ \t]*"
    r"(?P<operator>:{0,3}=|\?=|\+=|!=)[ \t]*(?P<value>.*?)[ \t]*\r?$"
)
_RULE = re.compile(r"^(?P<targets>[^\s#=][^=#]*?)[ ]*:{1,2}(?!=)")
_REFERENCE = re.compile(
    r"\$(?:(?P<escaped>\$)|[({](?P<name>[\w.@<^*?%+-]+)[)}]|(?P<automatic>[@<^*?%+|])"
    r"|(?P<call>\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))|(?P<braced>\{[^{}]*\}))"
)
_INCLUDE = re.compile(r"^-?s?include[ \t]+(?P<names>[^#\n]+)", re.MULTILINE)
_BLOCK = re.compile(r"^[ \t]*(?:(?:export|override)[ \t]+)*define[ \t]+(?P<name>[\w.-]+)")
_COMMANDS = ("build", "bake", "bud")
#: A value that is put together from more pieces is not known.
_LONGEST = 500
#: Variables are looked into so deep.
_DEPTH = 20


class _Line(NamedTuple):
    """A logical line."""

    text: Text
    is_recipe: bool


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds in the recipes of a Makefile."""
    yield from _Makefile(source, files).builds()


class _Makefile:
    def __init__(self, source: Source, files: Files) -> None:
        self.path = files.path_of(source)
        self.lines = list(_lines(source))
        self.is_open = "$(eval" in source.text or "${eval" in source.text
        """Are variables set in ways that are not read?"""
        self.is_one_shell = ".ONESHELL" in source.text
        self.steps = 0
        self.variables: dict[str, list[Text | None]] = {}
        """What each is given; None is not known. A command line may always give another value."""
        self.values: dict[tuple[str, Text | None, int], list[Text]] = {}
        for each in _included(source, self.path, files):
            self._define(_lines(each))
        self._define(self.lines)

    def _define(self, lines: Sequence[_Line] | Iterator[_Line]) -> None:
        for line in lines:
            block = None if line.is_recipe else _BLOCK.match(line.text.text)
            found = None if line.is_recipe else _DEFINITION.match(line.text.text)
            if block:
                self.variables[block["name"]] = [None]
            elif found:
                operator = found["operator"]
                value = line.text[found.start("value") : found.end("value")]
                known = self.variables.setdefault(found["name"], [])
                before = known.pop() if operator == "+=" and known else None
                if before is not None:
                    value = Text((*before.pieces, *_blank(value), *value.pieces))
                known.append(None if operator == "!=" or len(value.pieces) > _LONGEST else value)

    def builds(self) -> Iterator[Build]:
        base = paths.of_file(self.path)
        if self.is_one_shell:
            base = base._replace(is_certain=False)
        targets: list[Text] = []
        for line in self.lines:
            if not line.is_recipe:
                found = _RULE.match(line.text.text)
                if found:
                    targets = line.text[found.start("targets") : found.end("targets")].split()
                continue
            if not self._may_build(line.text.text):
                continue
            names = [target.text for target in targets]
            self.steps = 0
            asker = Asker("make", f"rule {' '.join(names[:3])}" if names else "", base)
            uses_name = "$@" in line.text.text or "$(@)" in line.text.text
            for target in or_none(targets if uses_name else targets[:1]):
                for text in self._expanded(_command(line.text), target, 0):
                    yield from script.builds(text, asker)

    def _may_build(self, recipe: str) -> bool:
        low = recipe.lower()
        return any(word in low for word in (*_COMMANDS, *TELLING)) or any(
            word in value.text
            for name in _REFERENCE.finditer(recipe)
            for value in self.variables.get(name["name"] or "", ())
            for word in _COMMANDS
            if value is not None
        )

    def _expanded(self, text: Text, target: Text | None, depth: int) -> list[Text]:
        """What *text* may be when its variables are replaced."""

        def value(match: re.Match[str], whole: Text) -> Sequence[Text]:
            if match["escaped"]:
                return [whole[1:2]]
            name = match["name"] or match["automatic"]
            if name == "@" and target is not None and "%" not in target.text:
                return [target]
            if name == "CURDIR":
                return [whole.standing_for(".")]
            found = self._values(name or "", target, depth)
            if found is None:
                return [whole.as_unknown()]
            texts = [whole.as_unknown(), *found] if self.is_open else found
            return list({one.text: one for one in texts}.values())

        return expand(text, _REFERENCE, value)

    def _values(self, name: str, target: Text | None, depth: int) -> list[Text] | None:
        """What the variable *name* may be in a recipe of *target*; None if that cannot be told."""
        key = name, target, depth  # variables of variables of variables name the same ones
        if key in self.values:
            return self.values[key]
        self.steps += 1
        found = self.variables.get(name)
        if not found or depth > _DEPTH or self.steps > STEPS:
            return None
        texts: list[Text] = []
        for each in found[:MOST]:
            if each is None:
                return None
            texts += [one.as_default() for one in self._expanded(each, target, depth + 1)]
        if self.steps <= STEPS:  # else it is what was found before it took too long
            self.values[key] = texts
        return texts


def _blank(text: Text) -> tuple[Piece]:
    piece = text.pieces[0]
    return (piece._replace(text=" ", span=Span(piece.span.start, piece.span.start)),)


def _command(recipe: Text) -> Text:
    """A recipe without its tab and the signs before the command."""
    start = len(recipe.text) - len(recipe.text.lstrip("\t @+-"))
    return recipe[start:]


def _lines(source: Source) -> Iterator[_Line]:
    """Logical lines; a backslash at the end of a line takes the next one with it."""
    whole = Text.of(source)
    text, at = source.text, 0
    has_rule = False
    while at < len(text):
        end = at
        while True:
            newline = text.find("\n", end)
            end = len(text) if newline < 0 else newline
            stop = end - 1 if end > at and text[end - 1] == "\r" else end
            slashes = len(text[at:stop]) - len(text[at:stop].rstrip("\\"))
            if newline < 0 or slashes % 2 == 0:
                break
            end = newline + 1
        line = whole[at:end]
        is_recipe = has_rule and text.startswith("\t", at)
        has_rule = has_rule or bool(_RULE.match(line.text))
        yield _Line(line, is_recipe)
        at = end + 1


def _included(source: Source, path: str, files: Files) -> Iterator[Source]:
    for match in _INCLUDE.finditer(source.text):
        for name in match["names"].split():
            for folder in dict.fromkeys((posixpath.dirname(path), "")):
                found = paths.normal(posixpath.join(folder, name))
                other = files.source(found) if found and files.exists(found) else None
                if other is not None and other is not source:
                    yield other
                    break
