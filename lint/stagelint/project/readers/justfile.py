"""just: the recipes, with their parameters and with variables as far as they are plain text."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.model.project import Build
from stagelint.project import paths, quoted, script
from stagelint.project.command import TELLING, Asker
from stagelint.project.files import Files
from stagelint.project.paths import HERE
from stagelint.project.text import STEPS, Piece, Text, combine, expand
from stagelint.source import Source, Span
from stagelint.tuples import NamedTuple

_STRING = r"'''(?:.|\n)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'[^']*'|\"(?:[^\"\\]|\\.)*\""
_VALUE = rf"(?:{_STRING}|`[^`\n]*`|\([^()\n]*\)|\w[\w-]*(?:\([^()\n]*\))?)"
_PARAMETER = re.compile(
    rf"[ \t]+(?P<sign>[$*+]*)(?P<name>[A-Za-z_][\w-]*)(?:[ \t]*=[ \t]*(?P<default>{_VALUE}))?"
)
_RECIPE = re.compile(
    rf"@?(?P<name>[A-Za-z_][\w-]*)"
    rf"(?P<parameters>(?:[ \t]+[$*+]*[A-Za-z_][\w-]*(?:[ \t]*=[ \t]*{_VALUE})?)*)[ \t]*:(?!=)"
    r"(?P<needs>[^\n#]*)"
)
_VARIABLE = re.compile(r"(?P<export>export[ \t]+)?(?P<name>[A-Za-z_][\w-]*)[ \t]*:=[ \t]*")
_SETTING = re.compile(r"set[ \t]+working-directory[ \t]*:=[ \t]*")
_FOLDER = re.compile(rf"\[[ \t]*working-directory[ \t]*[:(][ \t]*(?P<folder>{_STRING})")
_IMPORT = re.compile(rf"import\??[ \t]+(?P<path>{_STRING})")
#: `(recipe "argument")` among what a recipe needs.
_NEED = re.compile(r"\([ \t]*(?P<name>[A-Za-z_][\w-]*)(?P<arguments>[^()\n]*)\)")
_TERM = re.compile(
    rf"[ \t]*(?:(?P<string>{_STRING})|(?P<function>\w+)\([ \t]*(?P<arguments>[^()\n]*)\)"
    r"|(?P<variable>[A-Za-z_][\w-]*)|(?P<command>`[^`\n]*`))[ \t]*(?P<operator>[+/]?)"
)
_REFERENCE = re.compile(r"(?P<braces>\{\{\{\{)|\{\{(?P<expression>[^{}\n]*)\}\}")
_ENVIRONMENT = ("env", "env_var_or_default")
_FOLDERS = ("justfile_directory", "justfile_dir", "source_directory", "source_dir")
_DEPTH = 10


class _Recipe(NamedTuple):
    name: str
    parameters: tuple[tuple[str, str, Text | None], ...]
    """Their signs, names and defaults."""
    needs: Text
    lines: tuple[Text, ...]
    """What stands below, line by line; a backslash at its end takes the next line with it."""
    folder: Text | None
    is_here: bool
    """Does it run in the folder of the file?"""


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds of the recipes in *source*, which are run in its folder."""
    yield from _Justfile(source, files).builds()


class _Justfile:
    def __init__(self, source: Source, files: Files) -> None:
        self.steps = 0
        self.variables: dict[str, list[Text]] = {}
        self.exported: set[str] = set()
        self.recipes: list[_Recipe] = []
        """Those of the file itself: what it imports is read as well."""
        path = files.path_of(source)
        for each in _imported(source, path, files):
            self._define(each)
        setting = self._define(source)
        name = posixpath.basename(path).lower()
        base = paths.of_file(path, is_certain=name in ("justfile", ".justfile"))
        self.base = base.within(self._value(setting, {})[0].text) if setting else base
        self.calls = self._calls()

    def _define(self, source: Source) -> Text | None:
        """Take the variables and the recipes of a file, and give the folder that it sets."""
        whole, text, folder, is_here, setting = Text.of(source), source.text, None, True, None
        self.recipes = []
        at = 0
        while at < len(text):
            end = _line_end(text, at)
            variable = _VARIABLE.match(text, at, end)
            recipe = _RECIPE.match(text, at)
            if text.startswith("[", at):
                found = _FOLDER.match(text, at, end)
                folder = whole[found.start("folder") : found.end("folder")] if found else folder
                is_here = is_here and not text.startswith("[no-cd", at)
            elif variable:
                value = _whole_value(text, variable.end(), end)
                if variable["export"]:
                    self.exported.add(variable["name"])
                self.variables.setdefault(variable["name"], []).append(
                    whole[variable.end() : value]
                )
                end = max(end, value)
            elif recipe:
                needs = whole[recipe.start("needs") : recipe.end("needs")]
                lines, end = _body(source, _line_end(text, recipe.end()))
                parameters = tuple(_parameters(whole, recipe))
                each = _Recipe(recipe["name"], parameters, needs, lines, folder, is_here)
                self.recipes.append(each)
                folder, is_here = None, True
            elif match := _SETTING.match(text, at, end):
                setting = whole[match.end() : end]
            at = end + 1
        return setting

    def _calls(self) -> dict[str, list[list[Text]]]:
        """What recipes are given by those that need them."""
        found: dict[str, list[list[Text]]] = {}
        for recipe in self.recipes:
            for match in _NEED.finditer(recipe.needs.text):
                start = match.start("arguments")
                values = list(re.finditer(_VALUE, match["arguments"]))
                words = [recipe.needs[start + one.start() : start + one.end()] for one in values]
                found.setdefault(match["name"], []).append(words)
        return found

    def builds(self) -> Iterator[Build]:
        for recipe in self.recipes:
            self.steps = 0
            base = self.base._replace(is_certain=self.base.is_certain and recipe.is_here)
            if recipe.folder:
                base = base.within(self._value(recipe.folder, {})[0].text)
            asker = Asker("just", f"recipe {recipe.name}", base)
            for line in _scripts(recipe):
                if self._may_build(line):
                    for known in self._bound(recipe):
                        environment = {**self._environment(), **known}
                        for text in self._expanded(line, known):
                            yield from script.builds(text, asker, environment)

    def _may_build(self, line: Text) -> bool:
        low = line.text.lower()
        return any(word in low for word in ("build", "bud", "bake", *TELLING))

    def _environment(self) -> dict[str, Sequence[Text]]:
        """What the variables may be that are exported."""
        return {name: self._variable(name, 0) for name in self.exported}

    def _variable(self, name: str, depth: int) -> list[Text]:
        given = self.variables.get(name, ())
        return [text for each in given for text in self._value(each, {}, depth + 1)]

    def _bound(self, recipe: _Recipe) -> Iterator[dict[str, Sequence[Text]]]:
        """What the parameters of a recipe are: in each of its calls, and when a user calls it."""
        calls = self.calls.get(recipe.name, []) if recipe.parameters else []
        for words in calls:
            yield self._given(recipe, words)
        if not calls or not recipe.name.startswith("_"):
            yield self._given(recipe, [])

    def _given(self, recipe: _Recipe, words: Sequence[Text]) -> dict[str, Sequence[Text]]:
        found: dict[str, Sequence[Text]] = {}
        for at, (sign, name, default) in enumerate(recipe.parameters):
            place = default or recipe.needs
            if at < len(words):
                found[name] = self._value(words[at], {})
            elif default is not None:
                found[name] = [text.as_default() for text in self._value(default, found)]
            elif "*" in sign or "+" in sign:
                found[name] = [Text([Piece('"$@"', place.source, place.span)])]
            else:
                found[name] = [place.as_unknown()]
        return found

    # -- values ----------------------------------------------------------------------------------

    def _expanded(self, line: Text, known: dict[str, Sequence[Text]]) -> list[Text]:
        def value(match: re.Match[str], whole: Text) -> Sequence[Text]:
            if match["braces"]:
                return [whole[:2]]
            return self._value(whole[2:-2], known)

        return expand(line, _REFERENCE, value)

    def _value(
        self, expression: Text, known: dict[str, Sequence[Text]], depth: int = 0
    ) -> Sequence[Text]:
        """What an expression may be: strings and variables, with `+` and `/` between them."""
        unknown = [expression.as_unknown()]
        text, at = expression.text.rstrip(), 0
        parts: list[Sequence[Text]] = []
        self.steps += 1
        if depth > _DEPTH or self.steps > STEPS:
            return unknown
        while at < len(text):
            term = _TERM.match(text, at)
            if term is None:
                return unknown
            parts.append(self._term(expression, term, known, depth) or unknown)
            if term["operator"]:
                slash = expression[term.end() - 1 : term.end()]
                parts += [[slash]] if term["operator"] == "/" else []
            elif term.end() < len(text) and not text.startswith("#", term.end()):
                return unknown
            at = term.end() if term["operator"] else len(text)
        return (
            list(combine(parts, expression)) if len(parts) > 1 else parts[0] if parts else unknown
        )

    def _term(
        self,
        expression: Text,
        term: re.Match[str],
        known: dict[str, Sequence[Text]],
        depth: int,
    ) -> Sequence[Text]:
        """What a part of an expression may be; nothing if that is not known."""
        if term["string"]:
            string = expression[term.start("string") : term.end("string")]
            width = 3 if string.text[:3] in ("'''", '"""') else 1
            inner = string[width:-width]
            return [inner if string.text[0] == "'" else quoted.unescaped(inner)]
        if term["variable"]:
            if term["variable"] in known:
                return known[term["variable"]]
            return self._variable(term["variable"], depth)
        if term["function"] in _FOLDERS:
            return [Text([Piece(HERE, expression.source, expression.span)])]
        if term["function"] in _ENVIRONMENT:
            start = term.start("arguments")
            comma = term["arguments"].find(",")
            if comma >= 0:
                default = expression[start + comma + 1 : term.end("arguments")]
                values = self._value(default.strip(), known, depth + 1)
                return [text.as_default() for text in values]
        return []


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _whole_value(text: str, start: int, end: int) -> int:
    """Where the value of a variable ends: strings may have several lines."""
    string = re.compile(_STRING).match(text, start)
    return _line_end(text, string.end()) if string and string.end() > end else end


def _parameters(whole: Text, recipe: re.Match[str]) -> Iterator[tuple[str, str, Text | None]]:
    for match in _PARAMETER.finditer(whole.text, *recipe.span("parameters")):
        start, end = match.span("default")
        yield match["sign"], match["name"], whole[start:end] if start >= 0 else None


def _body(source: Source, at: int) -> tuple[tuple[Text, ...], int]:
    """The lines that are indented, from the line end *at* on, and where they end."""
    whole, text = Text.of(source), source.text
    lines: list[Text] = []
    while at < len(text) and (not text[at + 1 : at + 2].strip()):
        start, end = at + 1, _line_end(text, at + 1)
        if start >= len(text):
            break
        while text[start:end].rstrip("\r").endswith("\\") and end < len(text):
            end = _line_end(text, end + 1)
        lines.append(whole[start:end])
        at = end
    return tuple(lines), at


def _scripts(recipe: _Recipe) -> Iterator[Text]:
    """The lines, each of which a shell of its own runs; all of them below a `#!`."""
    first = next((each for each in recipe.lines if each.text.strip()), None)
    if first is not None and first.text.lstrip().startswith("#!"):
        start, end = recipe.lines[0].span.start, recipe.lines[-1].span.end
        if re.search(r"sh\b", first.text):
            yield Text.of(first.source, Span(start, end))
        return
    for line in recipe.lines:
        yield line[len(line.text) - len(line.text.lstrip(" \t@-")) :]


def _imported(source: Source, path: str, files: Files) -> Iterator[Source]:
    for match in re.finditer(rf"^{_IMPORT.pattern}", source.text, re.MULTILINE):
        name = match["path"].strip("'\"")
        found = paths.normal(posixpath.join(posixpath.dirname(path), name))
        other = files.source(found) if found and files.exists(found) else None
        if other is not None and other is not source:
            yield other
