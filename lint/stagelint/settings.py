"""What stands in a configuration file: each setting checked, and where a word of it stands."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from stagelint.config import (
    BUILDER_STAGES,
    FORMATS,
    LABEL_KINDS,
    LEVELS,
    PRESETS,
    SEVERITIES,
    Config,
    ConfigError,
    TargetEntry,
    as_table,
    shown,
)
from stagelint.dialect import DIALECTS
from stagelint.model import byte_counts
from stagelint.source import Source, Span
from stagelint.syntax.characters import nearest, quoted

_CHOICES = {
    "preset": PRESETS,
    "builder-stages": BUILDER_STAGES,
    "dialect": tuple(DIALECTS),
    "fail-level": LEVELS,
    "output-format": tuple(FORMATS),
}
_LISTS = (
    "select",
    "extend-select",
    "ignore",
    "exclude",
    "include",
    "ships",
    "trusted-registries",
    "plugins",
)
_SWITCHES = ("unsafe-fixes", "allow-libc-change", "strict-labels", "ignore-comments")
_BUDGET = "final-base-budget"
_FILES = ("sizes", "baseline", "cache-dir")
_TABLES = (
    "targets",
    "per-file-ignores",
    "severity",
    "build-args",
    "registry-mirrors",
    "label-schema",
)
_KEYS = (*_LISTS, *_CHOICES, *_SWITCHES, _BUDGET, *_FILES, *_TABLES)

#: What holds for a choice that neither the file nor a preset makes.
_UNSAID = {"preset": "none", "builder-stages": "quiet", "fail-level": "warning"}

#: Comments, multi-line strings, beginnings of lines; then what may be a key or a value.
_TOKEN = (
    r"""#[^\n]*|"{3}.*?"{3}|\'{3}.*?\'{3}|\n[ \t]*\[?"""
    r"""|"((?:[^"\\\n]|\\.)*)"|\'([^\'\n]*)\'|([\w-]+)"""
)
_HEADER = r"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*stagelint(?![\w-])"


def line_of(text: str, word: str) -> int:
    """The line of the configuration *text* where *word* stands, as a key if it is one; else 1."""
    return text.count("\n", 0, _Places(text).find_any(word).start) + 1


def kinds() -> dict[str, str | tuple[str, ...]]:
    """Every key with the kind of its value: the choices, if it has some, or what it is else."""
    kind: dict[str, str | tuple[str, ...]] = {
        **dict.fromkeys(_LISTS, "list"),
        **dict.fromkeys(_SWITCHES, "switch"),
        **dict.fromkeys(_TABLES, "table"),
        _BUDGET: "size",
        **_CHOICES,
    }
    return {key: kind.get(key, "file") for key in _KEYS}


def show(config: Config) -> str:
    """The settings as TOML text, after a comment that says which file they come from."""
    origin = f"from {shown(config.path)}" if config.path else "no configuration file"
    keys = (*_LISTS, *_CHOICES, *_SWITCHES, _BUDGET, *_FILES)
    lines = [f"# {origin}", *(_shown(config, key) for key in keys)]
    by_pattern: dict[str, tuple[str, ...]] = {}
    for entry in config.targets:
        by_pattern[entry.pattern] = (*by_pattern.get(entry.pattern, ()), entry.name)
    if not by_pattern:
        lines.append(f"targets = {toml(config.used_targets)}")
    tables: dict[str, Mapping[str, object]] = {
        **({"targets": by_pattern} if by_pattern else {}),
        "per-file-ignores": config.per_file_ignores,
        "severity": config.severity,
        "build-args": config.build_args,
        "registry-mirrors": config.registry_mirrors,
        "label-schema": config.label_schema,
    }
    for name, table in tables.items():
        lines += ("", f"[{name}]")
        lines += (f"{toml(key)} = {toml(value)}" for key, value in table.items())
    return "\n".join(lines) + "\n"


def _shown(config: Config, key: str) -> str:
    """A setting; what is left to the preset stands in a comment."""
    value = getattr(config, _field(key))
    if value == "" and key in _CHOICES:
        return f"# {key}: as the preset has it" if config.preset else f"# {key}: {_UNSAID[key]}"
    return f"{key} = {toml(value)}"


class Settings:
    """The settings of one file, checked as they are taken out. All methods raise `ConfigError`."""

    def __init__(self, source: Source, values: dict[str, object]) -> None:
        self.source = source
        self.values = values

    def config(self, root: str) -> Config:
        """All of them."""
        for key in self.values:
            if key not in _KEYS:
                raise self._error(key, f"unknown key {quoted(key)}; {_hint(key, _KEYS)}")
        found: dict[str, Any] = {_field(key): self._list(key) for key in self._given(_LISTS)}
        found |= {_field(key): self._choice(key) for key in self._given(_CHOICES)}
        found |= {_field(key): self._switch(key) for key in self._given(_SWITCHES)}
        used = _strings(self.values.get("targets"))
        return Config(
            **found,
            per_file_ignores=self._lists("per-file-ignores", "a table of globs and lists of rules"),
            used_targets=used or (),
            targets=() if used is not None else tuple(self._targets()),
            build_args=self._strings("build-args"),
            severity=self._strings("severity", SEVERITIES),
            registry_mirrors=self._strings("registry-mirrors"),
            label_schema=self._strings("label-schema", LABEL_KINDS),
            final_base_budget=self._budget(),
            sizes=self._path("sizes"),
            baseline=self._path("baseline"),
            cache_dir=self._path("cache-dir"),
            path=self.source.path,
            root=root,
            source=self.source,
        )

    def _given(self, keys: Iterable[str]) -> list[str]:
        return [key for key in keys if key in self.values]

    def _error(self, word: str, message: str) -> ConfigError:
        line = line_of(self.source.text, word)
        return ConfigError(f"{shown(self.source.path)}:{line}: {message}")

    def _list(self, key: str) -> tuple[str, ...]:
        value = self.values[key]
        names = _strings(value)
        if names is None:
            hint = f"; did you mean [{toml(value)}]?" if isinstance(value, str) else ""
            raise self._error(key, f"{key} must be a list of strings{hint}")
        return names

    def _choice(self, key: str) -> str:
        value, known = self.values[key], _CHOICES[key]
        if not isinstance(value, str):
            raise self._error(key, f"{key} must be a string; {_hint('', known)}")
        if value not in known:
            raise self._error(key, f"unknown {key} {quoted(value)}; {_hint(value, known)}")
        return value

    def _switch(self, key: str) -> bool:
        value = self.values[key]
        if not isinstance(value, bool):
            raise self._error(key, f"{key} must be true or false")
        return value

    def _path(self, key: str) -> str:
        value = self.values.get(key, "")
        if not isinstance(value, str):
            raise self._error(key, f"{key} must be the name of a file")
        return value

    def _table(self, key: str, shape: str) -> dict[str, object]:
        table = as_table(self.values.get(key, {}))
        if table is None:
            raise self._error(key, f"{key} must be {shape}")
        return table

    def _lists(self, key: str, shape: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for glob, value in self._table(key, shape).items():
            names = (value,) if isinstance(value, str) else _strings(value)
            if names is None:
                message = f"{quoted(glob)} in {key} must be a list of strings or one string"
                raise self._error(glob, message)
            found[glob] = names
        return found

    def _strings(self, key: str, known: tuple[str, ...] = ()) -> dict[str, str]:
        """A table of strings, of those in *known* if there are any."""
        found: dict[str, str] = {}
        for name, value in self._table(key, "a table of names and strings").items():
            if not isinstance(value, str):
                hint = f'; did you mean "{value}"?' if isinstance(value, int | float) else ""
                raise self._error(name, f"{quoted(name)} in {key} must be a string{hint}")
            if known and value not in known:
                message = f"{quoted(name)} in {key} cannot be {quoted(value)}"
                raise self._error(name, f"{message}; {_hint(value, known)}")
            found[name] = value
        return found

    def _budget(self) -> str:
        value = self.values.get(_BUDGET, "")
        if not isinstance(value, str) or (value and byte_counts.parse(value) is None):
            raise self._error(_BUDGET, f'{_BUDGET} must be a size such as "150MB"')
        return value

    def _targets(self) -> Iterator[TargetEntry]:
        shape = "a list of names or a table of globs and names"
        places = _Places(self.source.text)
        at = places.find_any("targets")
        for pattern, names in self._lists("targets", shape).items():
            at = places.find(pattern, at.end, key=True) or at
            for name in names:
                place = places.find(name, at.end, key=False)
                at = place or at
                yield TargetEntry(pattern, name, place or Span(0, 0))


def _field(key: str) -> str:
    return key.replace("-", "_")


def _hint(word: str, known: Iterable[str]) -> str:
    near = nearest(word, list(known))
    return f'did you mean "{near[0]}"?' if near else f"known are {', '.join(known)}"


class _Places:
    """Where words stand in TOML text, as keys or as values, without their quotes."""

    def __init__(self, text: str) -> None:
        header = re.compile(_HEADER, re.MULTILINE).search(text)
        start = header.end() if header else 0
        follows = re.compile(r"[ \t]*[=.]")
        in_header = bool(header) or text.lstrip().startswith("[")
        self._spans: dict[tuple[str, bool], list[Span]] = {}
        for token in re.compile(_TOKEN, re.DOTALL).finditer(text, start):
            if token[0][0] == "\n":
                in_header = token[0][-1] == "["
            elif token.lastindex:
                is_key = in_header or bool(follows.match(text, token.end()))
                span = Span(*token.span(token.lastindex))
                self._spans.setdefault((token[token.lastindex], is_key), []).append(span)

    def find(self, word: str, start: int = 0, *, key: bool) -> Span | None:
        """The first place of *word* from *start* on."""
        spans = self._spans.get((word, key), [])
        at = bisect_left(spans, (start, 0))
        return spans[at] if at < len(spans) else None

    def find_any(self, word: str) -> Span:
        """The first place of *word*, rather as a key; Span(0, 0) if there is none."""
        return self.find(word, key=True) or self.find(word, key=False) or Span(0, 0)


def toml(value: object) -> str:
    """A switch, a string or a list of strings as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(map(_toml_char, value)) + '"'
    return f"[{', '.join(map(toml, cast('tuple[str, ...]', value)))}]"


def _toml_char(char: str) -> str:
    code = ord(char)
    if char in '"\\':
        return f"\\{char}"
    if 0xD800 <= code <= 0xDFFF:  # TOML has no way to write these
        return "\\ufffd"
    if char.isprintable():
        return char
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _strings(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    items = cast("list[object]", value)
    found = tuple(item for item in items if isinstance(item, str))
    return found if len(found) == len(items) else None
