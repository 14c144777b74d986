"""The configuration file: finding it, reading it, and telling which files it speaks of."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, cast

from stagelint.dialect import BUILDKIT, DIALECTS
from stagelint.source import Source, Span
from stagelint.syntax.characters import nearest, quoted

FORMATS = ("text", "concise", "json", "json-lines")
LEVELS = ("error", "warning", "info", "style", "none")
PYPROJECT = "pyproject.toml"
#: In one folder the first of these counts. `.stagelint.yml` and its like are another tool's.
NAMES = (".stagelint.toml", "stagelint.toml", PYPROJECT)

_CHOICES = {"dialect": tuple(DIALECTS), "fail-level": LEVELS, "output-format": FORMATS}
_LISTS = ("select", "extend-select", "ignore", "exclude", "include", "ships", "plugins")
_TABLES = ("targets", "per-file-ignores", "build-args")
_KEYS = (*_LISTS, *_CHOICES, "unsafe-fixes", *_TABLES)

#: Comments, multi-line strings, beginnings of lines; then what may be a key or a value.
_TOKEN = (
    r"""#[^\n]*|"{3}.*?"{3}|\'{3}.*?\'{3}|\n[ \t]*\[?"""
    r"""|"((?:[^"\\\n]|\\.)*)"|\'([^\'\n]*)\'|([\w-]+)"""
)
_HEADER = r"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*stagelint(?![\w-])"


class ConfigError(Exception):
    """A configuration file that cannot be used; the message is one line for the user."""


class TargetEntry(NamedTuple):
    """Somebody builds target *name* of the files that *pattern* matches."""

    pattern: str
    name: str
    span: Span
    """Where the name stands in the configuration file; Span(0, 0) if that is unknown."""


class Config(NamedTuple):
    """The settings for some files. The path globs are relative to *root*."""

    select: tuple[str, ...] = ()
    """Rules that run; empty for the default ones."""
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = {}
    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    """Files to discover besides those that are called like a Dockerfile."""
    used_targets: tuple[str, ...] = ()
    """Names that count as used wherever a stage has one."""
    targets: tuple[TargetEntry, ...] = ()
    ships: tuple[str, ...] = ()
    build_args: Mapping[str, str] = {}
    dialect: str = BUILDKIT.name
    fail_level: str = "warning"
    output_format: str = "text"
    unsafe_fixes: bool = False
    plugins: tuple[str, ...] = ()
    path: str = ""
    """The configuration file; empty for none."""
    root: str = ""
    """Empty for the current folder."""
    source: Source | None = None
    """The text of the configuration file."""

    def matches(self, glob: str, path: str, *, above: bool = True) -> bool:
        """Does *glob* match *path*, or if *above* a folder it lies in?

        *path* is absolute or relative to the current folder, *glob* speaks of what is below the
        root: see `matches` of this module.
        """
        try:
            relative = os.path.relpath(path, self.root or os.curdir)
        except ValueError:  # another drive
            relative = os.path.abspath(path)
        return matches(glob, relative.replace(os.sep, "/"), above=above)

    def is_excluded(self, path: str, *, above: bool = True) -> bool:
        """Does `exclude` match *path*, or if *above* a folder it lies in?"""
        return any(self.matches(glob, path, above=above) for glob in self.exclude)

    def is_included(self, path: str) -> bool:
        """Does `include` match the file *path* itself?"""
        return any(self.matches(glob, path, above=False) for glob in self.include)

    def ignores_for(self, path: str) -> tuple[str, ...]:
        """The selectors that `per-file-ignores` names for *path*."""
        table = self.per_file_ignores
        return tuple(name for glob in table if self.matches(glob, path) for name in table[glob])

    def targets_for(self, path: str) -> tuple[TargetEntry, ...]:
        """The targets that the table `targets` names for *path*."""
        return tuple(entry for entry in self.targets if self.matches(entry.pattern, path))


class Configs:
    """The configuration of every file: the nearest one, or one for all. Each is read once."""

    def __init__(self, path: str | None = None, *, isolated: bool = False) -> None:
        """Use the configuration *path* for all files, or none if *isolated*.

        The globs of *path* are then relative to the current folder. Raises `ConfigError`.
        """
        self._only: Config | None = None
        if isolated:
            self._only = Config(root=os.getcwd())
        elif path:
            self._only = load(path, os.getcwd())
        self._known: dict[str, Config] = {}

    def for_file(self, path: str) -> Config:
        """The configuration that holds for the file *path*. Raises `ConfigError`."""
        return self.for_folder(os.path.dirname(path))

    def for_folder(self, folder: str) -> Config:
        """The configuration that holds for the files in *folder*. Raises `ConfigError`."""
        if self._only is not None:
            return self._only
        if folder in self._known:
            return self._known[folder]
        climbed = [folder]
        for at in _upwards(folder):
            if at in self._known:
                config = self._known[at]
                break
            climbed.append(at)
            path = _in_folder(at)
            if path is not None:
                config = load(_near(path))
                break
        else:
            config = Config(root=os.getcwd())
        self._known.update(dict.fromkeys(climbed, config))
        return config


def find(folder: str) -> str | None:
    """The configuration file for *folder*: its own, or that of the nearest folder above."""
    found = (_in_folder(at) for at in _upwards(folder))
    return next((_near(path) for path in found if path is not None), None)


def load(path: str, root: str = "") -> Config:
    """Read and check the configuration file *path*. Raises `ConfigError`.

    Its globs are relative to *root*, by default the folder it lies in.
    """
    source = _read(path)
    document = _parse(source)
    values = _table_of(document) if os.path.basename(path) == PYPROJECT else document
    if values is None:
        line = line_of(source.text, "tool")
        raise ConfigError(f"{shown(path)}:{line}: there is no table [tool.stagelint]")
    root = root or os.path.dirname(os.path.abspath(path))
    return _Settings(source, values).config(root)


def line_of(text: str, word: str) -> int:
    """The line of the configuration *text* where *word* stands, as a key if it is one; else 1."""
    return text.count("\n", 0, _Places(text).find_any(word).start) + 1


def show(config: Config) -> str:
    """The settings as TOML text, after a comment that says which file they come from."""
    origin = f"from {shown(config.path)}" if config.path else "no configuration file"
    keys = (*_LISTS, *_CHOICES, "unsafe-fixes")
    lines = [f"# {origin}", *(f"{key} = {_toml(getattr(config, _field(key)))}" for key in keys)]
    by_pattern: dict[str, tuple[str, ...]] = {}
    for entry in config.targets:
        by_pattern[entry.pattern] = (*by_pattern.get(entry.pattern, ()), entry.name)
    if not by_pattern:
        lines.append(f"targets = {_toml(config.used_targets)}")
    tables: dict[str, Mapping[str, object]] = {
        **({"targets": by_pattern} if by_pattern else {}),
        "per-file-ignores": config.per_file_ignores,
        "build-args": config.build_args,
    }
    for name, table in tables.items():
        lines += ("", f"[{name}]")
        lines += (f"{_toml(key)} = {_toml(value)}" for key, value in table.items())
    return "\n".join(lines) + "\n"


def shown(text: str) -> str:
    """*text* for a line on a terminal: control characters are escaped."""
    return text if text.isprintable() else quoted(text)[1:-1]


# -- globs ---------------------------------------------------------------------------------------


def matches(glob: str, path: str, *, above: bool = True) -> bool:
    """Does *glob* match *path* (relative, `/` between names), or if *above* a folder it lies in?

    A glob without `/` matches any name on the path, another one starts at the root. `*` and `?`
    stay within a name, `**` stands for any number of names.
    """
    regex = _regex(glob)
    return bool(regex.match(f"{path}/") if above else regex.fullmatch(f"{path}/"))


@cache
def _regex(glob: str) -> re.Pattern[str]:
    """For paths that end in `/`. Atomic groups, so that no glob takes long.

    They lose nothing: the first place where what stands between two stars fits leaves most.
    """
    if not glob:
        return re.compile(r"(?!)")
    parts = [part for part in glob.split("/") if part not in ("", ".")] or ["**"]
    if "/" not in glob.rstrip("/"):
        parts.insert(0, "**")
    runs = [""]
    for part in parts:
        if part == "**":
            runs.append("")
        else:
            runs[-1] += _name_regex(part) + "/"
    regex = runs[0] + "".join(f"(?>(?:[^/]+/)*?{run})" for run in runs[1:-1])
    if len(runs) > 1:
        regex += f"(?:[^/]+/)*{runs[-1]}" if runs[-1] else "(?:[^/]+/)+"
    try:
        return re.compile(regex)
    except re.error:  # a range that is the wrong way round
        return re.compile(re.escape(glob) + "/")


def _name_regex(glob: str) -> str:
    runs = [""]
    for token in re.findall(r"\*+|\?|\[[!^]?(?:\][^\]]*|[^\]]+)\]|.", glob, re.DOTALL):
        if token[0] == "*":
            runs.append("")
        elif token == "?":
            runs[-1] += "[^/]"
        elif len(token) == 1:
            runs[-1] += re.escape(token)
        else:
            inverted = token[1] in "!^" and len(token) > 3
            body = re.escape(token[2:-1] if inverted else token[1:-1])
            body = re.sub(r"(?<=\w)\\-(?=\w)", "-", body)
            runs[-1] += f"(?!/)[{'^' if inverted else ''}{body}]"
    if len(runs) == 1:
        return runs[0]
    return runs[0] + "".join(f"(?>[^/]*?{run})" for run in runs[1:-1]) + f"[^/]*{runs[-1]}"


# -- reading -------------------------------------------------------------------------------------


def _upwards(folder: str) -> Iterator[str]:
    at = os.path.abspath(folder or os.curdir)
    while True:
        yield at
        parent = os.path.dirname(at)
        if parent == at:
            return
        at = parent


def _in_folder(folder: str) -> str | None:
    for name in NAMES:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and (name != PYPROJECT or _has_table(path)):
            return path
    return None


def _has_table(path: str) -> bool:
    """Has *path* a table for stagelint? One that cannot be read as TOML may have: `load` tells."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return False
    if b"tool.stagelint" not in data:
        return False
    try:
        return _table_of(_parse(Source.from_bytes(path, data))) is not None
    except ConfigError:
        return True


def _near(path: str) -> str:
    """*path* as the user would write it: relative if it lies below the current folder."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return path if relative.split(os.sep)[0] == os.pardir else relative


def _read(path: str) -> Source:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{shown(path)}: cannot be read: {reason.lower()}") from None
    return Source.from_bytes(path, data)


def _parse(source: Source) -> dict[str, object]:
    """The TOML document in *source*. Raises `ConfigError`."""
    import tomllib

    data, text, problem = source.to_bytes(), "", ""
    try:
        text = data.decode("utf-8-sig")
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        line, problem = data.count(b"\n", 0, error.start) + 1, "is not UTF-8"
    except RecursionError:
        line, problem = 1, "is nested too deeply"
    except ValueError as error:  # besides its own error, tomllib lets int() complain
        message = str(error)
        place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)\Z", message)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1 if place else 1
        reason = message[: place.start()] if place else message
        problem = f"is not TOML: {shown(reason[:1].lower() + reason[1:])}"
    raise ConfigError(f"{shown(source.path)}:{line}: {problem}")


def _table_of(document: dict[str, object]) -> dict[str, object] | None:
    """The table `[tool.stagelint]` of a pyproject.toml, if it has one."""
    tool = _table(document.get("tool"))
    return _table(tool.get("stagelint")) if tool else None


def _table(value: object) -> dict[str, object] | None:
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _strings(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    items = cast("list[object]", value)
    found = tuple(item for item in items if isinstance(item, str))
    return found if len(found) == len(items) else None


class _Settings:
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
        used = _strings(self.values.get("targets"))
        return Config(
            **found,
            per_file_ignores=self._lists("per-file-ignores", "a table of globs and lists of rules"),
            used_targets=used or (),
            targets=() if used is not None else tuple(self._targets()),
            build_args=self._build_args(),
            unsafe_fixes=self._switch("unsafe-fixes"),
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
            hint = f"; did you mean [{_toml(value)}]?" if isinstance(value, str) else ""
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
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self._error(key, f"{key} must be true or false")
        return value

    def _table(self, key: str, shape: str) -> dict[str, object]:
        table = _table(self.values.get(key, {}))
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

    def _build_args(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in self._table("build-args", "a table of names and strings").items():
            if not isinstance(value, str):
                hint = f'; did you mean "{value}"?' if isinstance(value, int | float) else ""
                raise self._error(name, f"{quoted(name)} in build-args must be a string{hint}")
            found[name] = value
        return found

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


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(map(_toml_char, value)) + '"'
    return f"[{', '.join(map(_toml, cast('tuple[str, ...]', value)))}]"


def _toml_char(char: str) -> str:
    code = ord(char)
    if char in '"\\':
        return f"\\{char}"
    if 0xD800 <= code <= 0xDFFF:  # TOML has no way to write these
        return "\\ufffd"
    if char.isprintable():
        return char
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
