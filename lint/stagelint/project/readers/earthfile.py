"""Earthly: `FROM DOCKERFILE`, and the commands of targets that run outside of containers."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Sequence

from stagelint.model.project import Build
from stagelint.project import paths, script
from stagelint.project.command import Asker
from stagelint.project.files import Files
from stagelint.project.text import Piece, Text
from stagelint.source import Source

_LINE = re.compile(r"[^\n]*(?:(?<=\\)\n[^\n]*|(?<=\\\r)\n[^\n]*)*(?:\n|\Z)")
_TARGET = re.compile(r"(?P<name>[A-Za-z][\w.-]*):\s*$")
_COMMAND = re.compile(r"[ \t]*(?P<name>FROM[ \t]+DOCKERFILE|RUN|ARG|LET|LOCALLY)(?![\w])[ \t]*")
_OPTIONS = re.compile(r"(?:--[\w-]+(?:=\S*)?[ \t]+)*")
_VALUE = re.compile(
    r"(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*(?P<quote>[\"']?)(?P<value>[^\s\"']+)(?P=quote)"
)


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds in *source*, whose paths are relative to it."""
    base = paths.of_file(files.path_of(source), is_certain=True)
    above: dict[str, Sequence[Text]] = {}
    known = ChainMap(above)
    asker, is_local = Asker("earthly", "", base), False
    for line in _lines(source):
        target = _TARGET.match(line.text)
        command = _COMMAND.match(line.text)
        if target:
            asker, is_local = asker._replace(label=f"target {target['name']}"), False
            known = ChainMap[str, Sequence[Text]]({}, above)
        elif command:
            rest = line[command.end() :]
            if command["name"] in ("ARG", "LET"):
                known.update(_set(rest, is_default=command["name"] == "ARG"))
            elif command["name"] == "LOCALLY":
                is_local = True
            elif command["name"] != "RUN":
                head = Piece("docker build ", source, rest.span)
                yield from script.builds(Text((head, *rest.pieces)), asker, known)
            elif is_local:
                rest = rest[_options_end(rest.text) :]
                yield from script.builds(rest, asker, known)


def _lines(source: Source) -> Iterator[Text]:
    """Logical lines; a backslash at the end of a line takes the next one with it."""
    whole, at = Text.of(source), 0
    while at < len(source.text):
        match = _LINE.match(source.text, at)
        assert match is not None
        yield whole[at : match.end()]
        at = match.end()


def _options_end(text: str) -> int:
    match = _OPTIONS.match(text)
    return match.end() if match else 0


def _set(text: Text, *, is_default: bool) -> dict[str, Sequence[Text]]:
    """What an argument or a variable is given."""
    match = _VALUE.match(text.text, _options_end(text.text))
    if match is None or "$" in match["value"]:
        return {}
    value = text[match.start("value") : match.end("value")]
    return {match["name"]: [value.as_default() if is_default else value]}
