"""The configuration that means what one of hadolint (2.15.1) means, as TOML.

hadolint passes over what it does not know in silence, and over the whole file if a value is not of
its kind. Here each is said, and the rest counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from stagelint.config import FORMATS, LABEL_KINDS, SEVERITIES, shown
from stagelint.project.yaml import Broken, Node, documents
from stagelint.registry import Registry
from stagelint.settings import toml
from stagelint.source import Source
from stagelint.syntax.characters import nearest, quoted
from stagelint.tuples import NamedTuple

#: Where hadolint looks in the current folder; the first counts.
NAMES = (".hadolint.yaml", ".hadolint.yml")
#: What is written.
WRITTEN = "stagelint.toml"

#: What its keys are called here, if they mean the same.
_LISTS = {"ignored": "ignore", "trustedRegistries": "trusted-registries"}
_KEYS = (
    *_LISTS,
    "failure-threshold",
    "format",
    "formats",
    "label-schema",
    "no-color",
    "no-fail",
    "verbose",
    "override",
    "strict-labels",
    "disable-ignore-pragma",
)
#: Of every finding fails a run with the last two, as measured.
_LEVELS = {**{level: level for level in SEVERITIES}, "ignore": "style", "none": "style"}
_KINDS = {**{kind: kind for kind in LABEL_KINDS}, "rawtext": "text"}
_FORMATS = {"tty": "text", "codeclimate": "gitlab", "gitlab_codeclimate": "gitlab"}
_TRUE = {"true": True, "false": False}


class Migrated(NamedTuple):
    """What came of a configuration."""

    text: str
    """That of stagelint: TOML, with what is left out in comments."""
    left: list[str]
    """What was left out, with the place, a line each."""


class MigrationError(Exception):
    """The configuration cannot be read; the message is one line for the user."""


def migrate(source: Source, registry: Registry) -> Migrated:
    """Turn hadolint's configuration *source* into one of stagelint. Raises `MigrationError`."""
    if source.error:
        raise MigrationError(f"{shown(source.path)}: cannot be read: {source.error}")
    try:
        found = documents(source)
    except Broken as broken:
        raise MigrationError(f"{shown(source.path)}: is not YAML: {broken}") from None
    if len(found) > 1 or (found and not found[0].is_mapping):
        raise MigrationError(f"{shown(source.path)}: is no configuration of hadolint")
    return _Migration(source, registry).of(found[0] if found else None)


class _Migration:
    """One configuration on its way."""

    def __init__(self, source: Source, registry: Registry) -> None:
        self._source = source
        self._registry = registry
        self._settings: dict[str, object] = {"preset": "hadolint"}
        self._severities: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        self._left: list[str] = []

    def of(self, document: Node | None) -> Migrated:
        for key, value in document.items() if document else ():
            if key.plain in _KEYS:
                if not value.is_null:
                    self._take(key.plain, value)
            else:
                near = nearest(key.plain, list(_KEYS))
                hint = f"; did you mean {near[0]}?" if near else ""
                self._leave(key, f"hadolint has no key {quoted(key.plain)}{hint}")
        return Migrated("\n".join(self._lines()) + "\n", self._left)

    def _leave(self, node: Node, why: str) -> None:
        line = self._source.position(node.span.start).line
        self._left.append(shown(f"{self._source.path}:{line}: {why}"))

    # -- keys ----------------------------------------------------------------------------------

    def _take(self, key: str, value: Node) -> None:
        if key in _LISTS:
            words = self._strings(key, value)
            plain = (each.plain for each in words)
            self._settings[_LISTS[key]] = tuple(self._rules(words) if key == "ignored" else plain)
        elif key == "override":
            self._override(value)
        elif key == "label-schema":
            self._schema(value)
        elif key == "failure-threshold":
            level = self._choice(key, value, _LEVELS)
            if level:
                self._settings.setdefault("fail-level", level)
        elif key in ("format", "formats"):
            self._formats(self._strings(key, value) if key == "formats" else [value])
        else:
            self._switch(key, value)

    def _switch(self, key: str, value: Node) -> None:
        is_on = _TRUE.get(value.plain.lower())
        if is_on is None:
            self._leave(value, f"{key} must be true or false")
        elif key == "strict-labels":
            self._settings[key] = is_on
        elif key == "disable-ignore-pragma":
            self._settings["ignore-comments"] = not is_on
        elif key == "no-fail" and is_on:
            self._settings["fail-level"] = "none"
        elif is_on:
            how = ": --color never, on the command line" if key == "no-color" else ""
            self._leave(value, f"{key} has no equivalent{how}")

    def _override(self, value: Node) -> None:
        if not value.is_mapping:
            self._leave(value, "override must have lists of rules by severity")
        found: dict[str, list[str]] = {}
        for level, rules in value.items():
            if level.plain in SEVERITIES:
                words = self._strings(f"override.{level.plain}", rules)
                found[level.plain] = list(self._rules(words))
            else:
                self._leave(level, f"override has no severity {_quoted(level)}")
        for level in reversed(SEVERITIES):  # of a rule in several lists the worst counts
            self._severities.update(dict.fromkeys(found.get(level, ()), level))

    def _schema(self, value: Node) -> None:
        if not value.is_mapping:
            self._leave(value, "label-schema must have the kind of each label")
        for label, kind in value.items():
            known = self._choice(f"the kind of the label {_quoted(label)}", kind, _KINDS)
            if known:
                self._labels[label.plain] = known

    def _formats(self, values: Sequence[Node]) -> None:
        for value in values:
            form = _FORMATS.get(value.plain, value.plain)
            if form not in FORMATS:
                self._leave(value, f"there is no output format like {_quoted(value)}")
            elif "output-format" in self._settings:
                self._leave(value, f"there is one output format; add --output-format {form}")
            else:
                self._settings["output-format"] = form

    # -- values --------------------------------------------------------------------------------

    def _strings(self, key: str, value: Node) -> list[Node]:
        if not value.is_sequence:
            self._leave(value, f"{key} must be a list")
        for each in value.entries():
            if not each.is_scalar:
                self._leave(each, f"{key} must be a list of words")
        return [each for each in value.entries() if each.is_scalar]

    def _rules(self, words: Sequence[Node]) -> Iterator[str]:
        """Those that are rules here as well, each once."""
        said: set[str] = set()
        for each in words:
            code = each.plain
            if not self._registry.resolve(code):
                self._leave(each, self._registry.unknown(code))
            elif code not in said:
                said.add(code)
                yield code

    def _choice(self, what: str, value: Node, known: dict[str, str]) -> str:
        found = known.get(value.plain, "")
        if not found:
            self._leave(value, f"{what} cannot be {_quoted(value)}")
        return found

    # -- TOML ----------------------------------------------------------------------------------

    def _lines(self) -> Iterator[str]:
        name = os.path.basename(self._source.path)
        yield f"# What {shown(name)} means, by `stagelint migrate`."
        given = ((key, value) for key, value in self._settings.items() if value != ())
        yield from (f"{key} = {toml(value)}" for key, value in given)
        if self._left:
            yield ""
            yield "# Left out:"
            yield from (f"# {each}" for each in self._left)
        for table, values in (("severity", self._severities), ("label-schema", self._labels)):
            if values:
                yield ""
                yield f"[{table}]"
                yield from (f"{toml(key)} = {toml(value)}" for key, value in values.items())


def _quoted(node: Node) -> str:
    return quoted(node.plain) if node.is_scalar else "a list or a table"
