"""The configuration file: finding it, reading it, and telling which files it speaks of."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from stagelint import globs
from stagelint.dialect import BUILDKIT
from stagelint.source import Source, Span
from stagelint.syntax.characters import quoted
from stagelint.tuples import NamedTuple
from stagelint.typed import cast

#: The formats of findings, and what each is for. All but the first four are modules of `report` with
#: a function `render(run)`, called so but for `-` instead of `_`.
FORMATS = {
    "text": "people: every finding with its lines, the reason and the cure",
    "concise": "one line a finding",
    "json": "programs and editors, in the shape of ruff's",
    "json-lines": "the same, an object a line",
    "sarif": "GitHub code scanning and other readers of SARIF 2.1.0",
    "github": "annotations of GitHub Actions",
    "gitlab": "the Code Quality report of GitLab",
    "azure": "issues of Azure Pipelines",
    "rdjson": "reviewdog, with suggestions",
    "checkstyle": "Jenkins, reviewdog and others",
    "junit": "what shows results of tests",
    "sonarqube": "SonarQube 10.3 and newer, as generic issues",
    "gnu": "Emacs, Vim and Visual Studio Code, as GCC prints them",
    "markdown": "comments on pull requests, and `$GITHUB_STEP_SUMMARY`",
    "hadolint-json": "programs that read the JSON of hadolint",
}
LEVELS = ("error", "warning", "info", "style", "none")
SEVERITIES = LEVELS[:-1]
BUILDER_STAGES = ("quiet", "all")
#: What the value of a label may have to be; see `model.labels`.
LABEL_KINDS = ("text", "url", "rfc3339", "spdx", "hash", "semver", "email")
#: The names of `presets.PRESETS`, which knows the rules, and is not for a parser to load.
PRESETS = ("buildkit", "hadolint", "optimize", "strict")
PYPROJECT = "pyproject.toml"
#: The folder of what runs have found, beside the configuration or at the top of the repository.
CACHE = ".stagelint_cache"
#: In one folder the first of these counts. `.stagelint.yml` and its like are another tool's.
NAMES = (".stagelint.toml", "stagelint.toml", PYPROJECT)
#: Bytes of a configuration file.
_LIMIT = 1 << 19


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
    registry_mirrors: Mapping[str, str] = {}
    """Registries, or folders of them, that mirror others, and what they mirror."""
    final_base_budget: str = ""
    """How large the base of what ships may be, compressed: `150MB`; empty for any size."""
    allow_libc_change: bool = False
    """May advice cross from one C library to another?"""
    build_args: Mapping[str, str] = {}
    dialect: str = BUILDKIT.name
    fail_level: str = ""
    """Empty for that of the preset."""
    preset: str = ""
    """A name of `presets.PRESETS`: what runs if `select` does not say; empty for the default."""
    builder_stages: str = ""
    """`all` if rules that care for what ships alone speak of all stages; empty for the preset's."""
    severity: Mapping[str, str] = {}
    """How severe the findings of some rules are."""
    trusted_registries: tuple[str, ...] = ()
    label_schema: Mapping[str, str] = {}
    """Labels that an image must have, with the kind of their value."""
    strict_labels: bool = False
    """Are labels wrong that the schema does not have?"""
    ignore_comments: bool = True
    """Do comments silence rules?"""
    output_format: str = "text"
    unsafe_fixes: bool = False
    plugins: tuple[str, ...] = ()
    sizes: str = ""
    """A file with sizes of base images, relative to the configuration file; empty for none."""
    baseline: str = ""
    """A file with findings to say nothing of, relative to the configuration file; or empty."""
    cache_dir: str = ""
    """A folder for what runs have found, relative to the configuration file; empty for the usual."""
    path: str = ""
    """The configuration file; empty for none."""
    root: str = ""
    """Empty for the current folder."""
    source: Source | None = None
    """The text of the configuration file."""

    @property
    def sizes_path(self) -> str | None:
        """Where the file `sizes` lies."""
        return os.path.join(os.path.dirname(self.path), self.sizes) if self.sizes else None

    @property
    def baseline_path(self) -> str | None:
        """Where the file `baseline` lies."""
        return os.path.join(os.path.dirname(self.path), self.baseline) if self.baseline else None

    @property
    def cache_path(self) -> str | None:
        """Where the folder `cache_dir` lies."""
        return os.path.join(os.path.dirname(self.path), self.cache_dir) if self.cache_dir else None

    def matches(self, glob: str, path: str, *, above: bool = True) -> bool:
        """Does *glob* match *path*, or if *above* a folder it lies in?

        *path* is absolute or relative to the current folder, *glob* speaks of what is below the
        root: see `matches` of this module.
        """
        try:
            relative = os.path.relpath(path, self.root or os.curdir)
        except ValueError:  # another drive
            relative = os.path.abspath(path)
        return globs.matches(glob, relative.replace(os.sep, "/"), above=above)

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
            path = in_folder(at)
            if path is not None:
                config = load(_near(path))
                break
        else:
            config = Config(root=os.getcwd())
        self._known.update(dict.fromkeys(climbed, config))
        return config


def find(folder: str) -> str | None:
    """The configuration file for *folder*: its own, or that of the nearest folder above."""
    found = (in_folder(at) for at in _upwards(folder))
    return next((_near(path) for path in found if path is not None), None)


def load(path: str, root: str = "") -> Config:
    """Read and check the configuration file *path*. Raises `ConfigError`.

    Its globs are relative to *root*, by default the folder it lies in.
    """
    from stagelint.settings import Settings, line_of

    source = _read(path)
    document = _parse(source)
    values = _table_of(document) if os.path.basename(path) == PYPROJECT else document
    if values is None:
        line = line_of(source.text, "tool")
        raise ConfigError(f"{shown(path)}:{line}: there is no table [tool.stagelint]")
    root = root or os.path.dirname(os.path.abspath(path))
    return Settings(source, values).config(root)


def shown(text: str) -> str:
    """*text* for a line on a terminal: control characters are escaped."""
    return text if text.isprintable() else quoted(text)[1:-1]


# -- reading -------------------------------------------------------------------------------------


def _upwards(folder: str) -> Iterator[str]:
    at = os.path.abspath(folder or os.curdir)
    while True:
        yield at
        parent = os.path.dirname(at)
        if parent == at:
            return
        at = parent


def in_folder(folder: str) -> str | None:
    """The configuration file that lies in *folder* itself."""
    for name in NAMES:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and (name != PYPROJECT or _has_table(path)):
            return path
    return None


def _has_table(path: str) -> bool:
    """Has *path* a table for stagelint? One that cannot be read as TOML may have: `load` tells."""
    try:
        with open(path, "rb") as file:
            data = file.read(_LIMIT + 1)
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
            data = file.read(_LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{shown(path)}: cannot be read: {reason.lower()}") from None
    if len(data) > _LIMIT:
        raise ConfigError(f"{shown(path)}: larger than {_LIMIT >> 10} KiB")
    return Source.from_bytes(path, data)


def _parse(source: Source) -> dict[str, object]:
    """The TOML document in *source*. Raises `ConfigError`."""
    from stagelint.syntax import toml

    data, text, problem = source.to_bytes(), "", ""
    try:
        text = data.decode("utf-8-sig")
        return toml.loads(text)
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
    tool = as_table(document.get("tool"))
    return as_table(tool.get("stagelint")) if tool else None


def as_table(value: object) -> dict[str, object] | None:
    """*value* if it is a TOML table."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else None
