"""tox: the commands of the environments in `tox.ini` and `setup.cfg`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from stagelint.model.project import Build
from stagelint.project import paths, script
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.paths import HERE
from stagelint.project.text import STEPS, Piece, Text, expand
from stagelint.source import Source

#: A section, or a key with its value, which goes on in the lines that are indented.
_LINE = re.compile(
    r"^\[(?P<section>[^\]\n]+)\]|^(?P<key>[A-Za-z_][\w.-]*)[ \t]*=(?P<value>[^\n]*(?:\n(?:[ \t][^\n]*)?)*)",
    re.MULTILINE,
)
#: `py3,!docs: - command`: the environments that run a command, and signs before it.
_BEFORE = re.compile(r"^[ \t]*(?:[\w.!,{}-]+:[ \t]+)?(?:[-!@][ \t]+)*", re.MULTILINE)
_FIELD = re.compile(
    r"\{(?:(?P<folder>toxinidir|tox_root)|(?P<slash>/)|posargs(?P<arguments>:[^{}]*)?"
    r"|env:\w+(?P<default>:[^{}]*)?|\[(?P<section>[^\]{}]+)\](?P<key>[\w.-]+)|[^{}\n]*)\}"
)
_DEPTH = 5

_Values = Mapping[tuple[str, str], Text]


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds in the commands of *source*, which tox runs in its folder."""
    values = _values(source)
    base = paths.of_file(files.path_of(source), is_certain=True)
    for (section, key), value in values.items():
        if key.startswith("commands"):
            folder = values.get((section, "changedir")) or values.get((section, "change_dir"))
            expansion = _Expansion(values)
            here = base.within(expansion.of(folder.strip())[0].text) if folder else base
            asker = Asker("tox", section, here)
            for text in expansion.of(value):
                yield from script.builds(text, asker)


def _values(source: Source) -> _Values:
    """Every value, by its section and its key."""
    found: dict[tuple[str, str], Text] = {}
    section, whole = "", Text.of(source)
    for match in _LINE.finditer(source.text):
        if match["section"]:
            section = match["section"]
        else:
            found[section, match["key"]] = whole[match.start("value") : match.end("value")]
    return found


class _Expansion:
    """Replaces fields by what they stand for."""

    def __init__(self, values: _Values) -> None:
        self.values = values
        self.steps = 0

    def of(self, text: Text, depth: int = 0) -> list[Text]:
        """What *text* may be."""

        def value(match: re.Match[str], whole: Text) -> Sequence[Text]:
            return self._field(match, whole, depth)

        texts = expand(text, _BEFORE, lambda _, whole: [whole[0:0]])
        return [each for text in texts for each in expand(text, _FIELD, value)]

    def _field(self, match: re.Match[str], whole: Text, depth: int) -> Sequence[Text]:
        if match["folder"]:
            return [_written(HERE, whole)]
        if match["slash"]:
            return [whole[1:2]]
        default = "arguments" if match["arguments"] else "default"
        if match[default]:
            start, end = (at - match.start() for at in match.span(default))
            return [whole[start + 1 : end].as_default()]
        if whole.text == "{posargs}":
            return [_written('"$@"', whole)]
        self.steps += 1
        other = self.values.get((match["section"] or "", match["key"] or ""))
        if other is not None and depth < _DEPTH and self.steps < STEPS:
            return self.of(other.strip(), depth + 1)
        return [whole.as_unknown()]


def _written(text: str, whole: Text) -> Text:
    """What a field stands for, written for a shell."""
    return Text([Piece(text, whole.source, whole.span)])
