"""One run: the settings of the command line and the configuration, for every file."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from stagelint import config, discover
from stagelint.config import Config
from stagelint.dialect import DIALECTS
from stagelint.engine import Others, nobody
from stagelint.model import byte_counts
from stagelint.model.file import AskedTarget, File, Options
from stagelint.model.project import Project
from stagelint.registry import ALWAYS, Registry, Ruleset, UnknownSelector, is_of_shellcheck
from stagelint.rule import Finding, Rule, Severity
from stagelint.source import Source, Span
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.cache.results import Results
    from stagelint.model.base_images import BaseImage
    from stagelint.model.context import Context
    from stagelint.model.dockerignore import DockerIgnore
    from stagelint.presets import Preset
    from stagelint.project.index import Index
    from stagelint.shellcheck.findings import ShellCheck
    from stagelint.trace import Trace
    from stagelint.verify.build import Wishes


#: The variable that says in which format findings are printed, if no option does.
OUTPUT_FORMAT = "STAGELINT_OUTPUT_FORMAT"

#: The formats that tell what findings are called while lines move.
_WITH_FINGERPRINTS = frozenset({"json", "json-lines", "gitlab"})

#: The variables that say that nothing is kept of this run and others, and where it is kept.
NO_CACHE, CACHE_DIR = "STAGELINT_NO_CACHE", "STAGELINT_CACHE_DIR"

#: A longer one is none of a build that anybody waits for.
_LONGEST_TRACE = 256 << 20


class UsageError(Exception):
    """The command line or the configuration asks for what cannot be; one line says what."""


class Session:
    """Settings by file. The command line wins over the configuration."""

    def __init__(self, arguments: Namespace) -> None:
        self.arguments = arguments
        self._registries: dict[tuple[str, ...], Registry] = {}
        self._rulesets: dict[tuple[str, tuple[str, ...]], Ruleset] = {}
        self._ruleset_of: dict[str, Ruleset] = {}
        self._configs = config.Configs(arguments.config, isolated=arguments.isolated)
        self._options: dict[str, Options] = {}
        self.notes: list[str] = []
        """What somebody should know of the run, a line each."""
        self._somewhere: frozenset[str] = frozenset()
        self._projects: dict[str, Project] = {}
        self._indexes: dict[str, Index] = {}
        self.listed: discover.Listed = {}
        """What git has listed in this run, by folder."""
        self._sizes: dict[str | None, list[BaseImage]] = {}
        self._contexts: dict[tuple[str, str], Context | None] = {}
        self.ignore_files: dict[str, Source] = {}
        """Texts of files like `.dockerignore`, by path, in the place of what is on disk."""

    def config_for(self, path: str) -> Config:
        """The configuration in force for the file *path*. Raises `config.ConfigError`."""
        return self._configs.for_file(path)

    @cached_property
    def main_config(self) -> Config:
        """The configuration of the current folder, for what concerns the whole run."""
        name = getattr(self.arguments, "stdin_filename", None)
        return self.config_for(name or os.path.join(os.curdir, "Dockerfile"))

    @cached_property
    def outputs(self) -> Sequence[tuple[str, str]]:
        """The formats of findings, each with its file; that is empty for stdout.

        Raises `UsageError`.
        """
        given, form = self.arguments, self.main_config.output_format
        if not (given.output_format or given.output_file or os.environ.get(OUTPUT_FORMAT)):
            return [(form, "")]
        from stagelint import outputs

        try:
            return outputs.chosen(given, os.environ.get(OUTPUT_FORMAT, ""), form)
        except ValueError as error:
            raise UsageError(str(error)) from None

    @property
    def unsafe(self) -> bool:
        return self.arguments.unsafe_fixes or self.main_config.unsafe_fixes

    @property
    def fail_level(self) -> Severity | None:
        """The least severity that makes a run fail; None if nothing does."""
        settings = self.main_config
        given, configured = _preset(self.arguments.preset), _preset(settings.preset)
        level = (
            self.arguments.fail_level
            or (given and given.fail_level)
            or settings.fail_level
            or (configured.fail_level if configured else "warning")
        )
        return None if level == "none" else Severity(level)

    @property
    def baseline_path(self) -> str | None:
        """The file of the findings to say nothing of, if there is one."""
        return self.arguments.baseline or self.main_config.baseline_path

    def is_excluded(self, path: str) -> bool:
        """Is *path* left out by the configuration or `--exclude`?"""
        extra = tuple(self.arguments.exclude or ())
        found = discover.find([path], self.config_for, force_exclude=True, extra_excludes=extra)
        return not list(found)

    # -- rules ---------------------------------------------------------------------------------

    def registry(self, settings: Config) -> Registry:
        """The rules there are under *settings*. Raises `UsageError`."""
        if settings.plugins not in self._registries:
            try:
                self._registries[settings.plugins] = Registry(settings.plugins)
            except ImportError as error:
                raise UsageError(f"{settings.path}: plugin cannot be imported: {error}") from None
        return self._registries[settings.plugins]

    def expand(self, registry: Registry, selector: str) -> frozenset[str]:
        """The codes *selector* stands for. Raises `UsageError`."""
        try:
            return registry.expand([selector])
        except UnknownSelector as error:
            raise UsageError(str(error)) from None

    def ruleset_for(self, path: str) -> Ruleset:
        """The rules to run on the file *path*. Raises `UsageError`."""
        if path not in self._ruleset_of:
            self._ruleset_of[path] = self._ruleset(path)
        return self._ruleset_of[path]

    def _ruleset(self, path: str) -> Ruleset:
        settings = self.config_for(path)
        key = (settings.path, tuple(self._ignored_at(path, settings)))
        if key not in self._rulesets:  # the codes are thousands with those of ShellCheck
            registry = self.registry(settings)
            ignored = self._ignored(path, settings, registry)
            codes = self._codes(settings, registry)
            severities = {
                code: Severity(level)
                for selector, level in settings.severity.items()
                for code in _expand(registry, [selector], settings)
            }
            heeds = settings.ignore_comments and not self.arguments.no_ignore_comments
            self._rulesets[key] = Ruleset(
                registry, codes, ignored, severities, heeds_comments=heeds
            )
        return self._rulesets[key]

    def rule(self, code: str) -> type[Rule] | None:
        """The rule of a *code* that this run has found; None if the code is another program's."""
        for registry in self._registries.values():
            for rule in registry.load([code]):
                return rule
        return None

    def is_silenced(self, finding: Finding) -> bool:
        """Is a finding in a file that is no Dockerfile switched off there, or the file left out?"""
        path = finding.source.path
        if finding.code not in self.ruleset_for(path).codes:
            return True
        settings = self.config_for(path)
        return settings.is_excluded(path)

    def _codes(self, settings: Config, registry: Registry) -> frozenset[str]:
        arguments = self.arguments
        chosen = (
            _select(registry, _words(arguments.select), "--select")
            or _of_preset(registry, arguments.preset)
            or _select(registry, settings.select, settings)
            or _of_preset(registry, settings.preset)
            or registry.defaults
        )
        chosen |= registry.expand(ALWAYS)
        chosen |= _select(registry, _words(arguments.extend_select), "--extend-select")
        return chosen | _select(registry, settings.extend_select, settings)

    def _ignored_at(self, path: str, settings: Config) -> Iterator[str]:
        """What is ignored in *path* and not in all files, as it is written."""
        yield from settings.ignores_for(path)
        for item in self.arguments.per_file_ignores or ():
            pattern, _, selectors = item.rpartition(":")
            if settings.matches(pattern, path):
                yield selectors

    def _ignored(self, path: str, settings: Config, registry: Registry) -> frozenset[str]:
        ignored = _expand(registry, _words(self.arguments.ignore), "--ignore")
        ignored |= _expand(registry, settings.ignore, settings)
        ignored |= _expand(registry, settings.ignores_for(path), settings)
        for item in self.arguments.per_file_ignores or ():
            pattern, colon, selectors = item.rpartition(":")
            if not colon:
                raise UsageError(f"--per-file-ignores takes GLOB:RULES, not `{item}`")
            codes = _expand(registry, selectors.split(","), "--per-file-ignores")
            if settings.matches(pattern, path):
                ignored |= codes
        return ignored

    # -- ShellCheck ----------------------------------------------------------------------------

    def look_at_scripts(self, sources: Iterable[Source]) -> None:
        """Have ShellCheck look at all files at once for which it is selected, if it is there.

        Raises `UsageError` if nothing else is selected, and it is not.
        """
        wanted = [each for each in sources if self.ruleset_for(each.path).of_shellcheck]
        if not wanted:
            return
        if self._shellcheck is None:
            self._miss_shellcheck(wanted[0].path)
            return
        self._shellcheck.look_at(File(each, self.options_for(each)) for each in wanted)

    def others_for(self, path: str) -> Others:
        """What asks ShellCheck about the file *path*, if it is selected and there."""
        codes = self.ruleset_for(path).of_shellcheck
        program = self._shellcheck if codes else None
        return (lambda file: program.findings(file, codes)) if program else nobody

    @cached_property
    def _shellcheck(self) -> ShellCheck | None:
        from stagelint import shellcheck

        program = shellcheck.find()
        if program is None:
            return None
        from stagelint.shellcheck.findings import ShellCheck

        return ShellCheck(program, self.notes.append)

    def _miss_shellcheck(self, path: str) -> None:
        """Say so to who asked for ShellCheck by name. Raises `UsageError`."""
        settings, given = self.config_for(path), self.arguments
        words = _words(given.select) + _words(given.extend_select)
        if not any(map(is_of_shellcheck, (*words, *settings.select, *settings.extend_select))):
            return
        missing = "there is no `shellcheck`: pip install 'dockerfile-stagelint[shellcheck]'"
        always = self.registry(settings).expand(ALWAYS)
        ruleset = self.ruleset_for(path)
        if not ruleset.codes - ruleset.of_shellcheck - always:
            raise UsageError(f"nothing but ShellCheck is selected, and {missing}")
        self.notes.append(f"{missing}; codes SC are not checked")

    # -- the repository ------------------------------------------------------------------------

    def project_for(self, path: str) -> Project | None:
        """The repository that the file or folder *path* lies in, or the one of `--project`."""
        root = self.arguments.project
        if root is None:
            root = discover.repository_of(os.path.join(path, "") if os.path.isdir(path) else path)
        if root is None or path in ("", "-"):
            return None
        if root not in self._projects:
            self._projects[root] = self._project(root)
        return self._projects[root]

    def _project(self, root: str) -> Project:
        if self.results is None:
            return self.project_with(root)
        from stagelint.project import indexed

        self._indexes[root] = indexed(root, self._file, self.results.folder, self.listed)
        return self._indexes[root].project

    def read_project(self, path: str) -> None:
        """Know the builds of the repository that *path* lies in, before they are asked for."""
        project = self.project_for(path)
        if project and self.results:
            self.index_of(project).answer("builds", "")
        elif project:
            _ = project.builds  # which reads them

    def index_of(self, project: Project) -> Index:
        """What results depend on of a *project* of this session."""
        return self._indexes[project.root]

    def project_with(self, root: str, changed: Mapping[str, Source] | None = None) -> Project:
        """The repository in the folder *root*, with other texts for some of its files."""
        from stagelint.project import project

        return project(root, self._file, changed)

    def _file(self, source: Source) -> File:
        return File(source, self.options_for(source))

    # -- sizes ---------------------------------------------------------------------------------

    def sizes_for(self, path: str) -> list[BaseImage]:
        """What is known of base images where the file *path* lies. Each source is read once.

        Raises `UsageError` and `config.ConfigError`.
        """
        where = self.config_for(path).sizes_path
        if where not in self._sizes:
            from stagelint import sizes  # only what speaks of sizes needs it

            self._sizes[where] = sizes.merged(sizes.known(where), self._of_engine)
        return self._sizes[where]

    @cached_property
    def _of_engine(self) -> list[BaseImage]:
        """What the engine of `--sizes-from` has."""
        name = getattr(self.arguments, "sizes_from", None)
        if name is None:
            return []
        from stagelint.sizes import engines

        try:
            return engines.images(name)
        except engines.EngineError as error:
            raise UsageError(f"--sizes-from {error}") from None

    # -- the build -----------------------------------------------------------------------------

    @cached_property
    def trace(self) -> Trace | None:
        """What the steps of a build took, from the file of `--trace`. Raises `UsageError`."""
        path = getattr(self.arguments, "trace", None)
        if path is None:
            return None
        from stagelint.trace import Trace, TraceError

        try:
            data = discover.read_regular(path, _LONGEST_TRACE)
            if data is None:
                raise TraceError(f"larger than {_LONGEST_TRACE >> 20} MiB")
            return Trace(data.decode("utf-8", "surrogateescape").splitlines())
        except OSError as error:
            raise UsageError(f"{path}: {(error.strerror or str(error)).lower()}") from None
        except TraceError as error:
            raise UsageError(f"{path}: {error}") from None

    def look_for_targets(self, sources: Iterable[Source]) -> None:
        """With several files, `--target` need not be in each: note which ones are somewhere."""
        sources = list(sources)
        asked = self.arguments.target
        if not asked or len(sources) < 2:
            return
        files = [File(source, options_of(self.arguments, source)) for source in sources]
        self._somewhere = frozenset(
            name for name in asked if any(file.find_target(name) is not None for file in files)
        )

    def options_for(self, source: Source) -> Options:
        """What is known of the build of *source*. Raises `UsageError`."""
        settings = self.config_for(source.path)
        if settings.path not in self._options:
            self._options[settings.path] = _options_under(self.arguments, settings)
        options = self._options[settings.path]._replace(
            targets=_targets(self.arguments, source, settings),
            project=lambda: self.project_for(source.path),
            sizes=lambda: self.sizes_for(source.path),
            ignore_file=self._ignore_file_of(source.path),
            contexts_at=lambda: self.contexts_of(source.path),
            seconds=self.trace.seconds if self.trace else None,
        )
        if self._somewhere:
            file = File(source, options)
            options = options._replace(
                targets=tuple(
                    target
                    for target in options.targets
                    if target.source is not source
                    or target.name not in self._somewhere
                    or file.find_target(target.name) is not None
                )
            )
        return options

    def contexts_of(self, path: str) -> Iterator[Context]:
        """What may be the build context of the Dockerfile *path*: see `Options.contexts_at`.

        Of `--context`, that alone; else the folder it lies in, and those above in the repository.
        """
        given = getattr(self.arguments, "context", None)
        if path in ("", "-") and given is None:
            return
        from stagelint import contexts

        own = f"{path}.dockerignore"
        own = own if os.path.isfile(own) else ""
        for folder in [given] if given else discover.folders_above(path):
            key = (folder, own)
            if key not in self._contexts:
                ignore = self._ignore_file_of(path, folder)
                found = contexts.read(folder, ignore() if ignore else None, self.cache_folder)
                self._contexts[key] = found
            context = self._contexts[key]
            if context:
                yield context

    def ignore_by(self, path: str, source: Source | None) -> None:
        """From now on let the file *path* say what *source* says; if None, what is on disk."""
        self.ignore_files.pop(path, None)
        if source:
            self.ignore_files[path] = source
        self._contexts.clear()

    def _ignore_file_of(
        self, path: str, context: str | None = None
    ) -> Callable[[], DockerIgnore | None] | None:
        """What leaves files out of the *context* of the Dockerfile *path*; if None, of its folder."""
        name = self.ignore_name_of(path, context)
        if name is None:
            return None

        def read() -> DockerIgnore | None:
            from stagelint.model.dockerignore import DockerIgnore

            source = self.ignore_files.get(name) or discover.read(name)
            return None if source.error else DockerIgnore(source)

        return read

    def ignore_name_of(self, path: str, context: str | None = None) -> str | None:
        """The file that leaves files out of the *context* of the Dockerfile *path*, if there is one."""
        folder = os.path.dirname(path) if context is None else context
        beside = os.path.normpath(os.path.join(folder, ".dockerignore"))
        names = (f"{path}.dockerignore", beside)
        return next((x for x in names if x in self.ignore_files or os.path.isfile(x)), None)

    @cached_property
    def asks_for_marks(self) -> bool:
        """Will somebody want to know what findings are called while lines move?"""
        named = any(form in _WITH_FINGERPRINTS for form, _ in self.outputs)
        return named or self.results is not None or self.baseline_path is not None

    # -- what earlier runs have found ----------------------------------------------------------

    @cached_property
    def results(self) -> Results | None:
        """What earlier runs have found, if this one is to know it."""
        given = self.arguments
        fresh = ("fix", "fix_only", "diff", "verify", "optimizing", "no_cache")
        if any(getattr(given, each, True) for each in fresh) or given.paths == ["-"]:
            return None
        if given.add_ignore is not None or given.sizes_from or os.environ.get(NO_CACHE):
            return None
        path = self.cache_folder
        if path is None:
            return None
        from stagelint.cache.folder import Folder
        from stagelint.cache.results import Results

        return Results(self, Folder(path))

    @property
    def cache_folder(self) -> str | None:
        """Where results are kept: as the environment or the configuration says, else beside that, or
        at the top of the repository. Without one of these they are not."""
        said = os.environ.get(CACHE_DIR) or self.main_config.cache_path
        if said:
            return said
        top = os.path.dirname(os.path.abspath(self.main_config.path)) if self._is_found else None
        top = top or discover.repository_of(os.path.join(os.curdir, ""))
        return os.path.join(top, config.CACHE) if top else None

    @property
    def _is_found(self) -> bool:
        """Is there a configuration that lies where it holds?"""
        return bool(self.main_config.path) and not self.arguments.config


def wishes_of(arguments: Namespace) -> Wishes:
    """What the command line says of the builds of a verification. Raises `UsageError`."""
    from stagelint.verify.build import Wishes

    builder = arguments.verify_with
    if arguments.buildx_builder:
        if builder not in ("auto", "docker"):
            raise UsageError(f"--buildx-builder is an instance of docker buildx, not of {builder}")
        builder = "docker"
    return Wishes(
        builder=builder,
        targets=tuple(arguments.verify_target),
        context=arguments.context,
        secrets=tuple(arguments.secret),
        ssh=tuple(arguments.ssh),
        buildx_builder=arguments.buildx_builder,
        timeout=arguments.timeout,
        jobs=arguments.jobs or 2,
    )


def options_of(arguments: Namespace, source: Source) -> Options:
    """What the command line alone says of the build of *source*. Raises `UsageError`."""
    settings = Config()
    targets = _targets(arguments, source, settings)
    return _options_under(arguments, settings)._replace(targets=targets)


def _options_under(arguments: Namespace, settings: Config) -> Options:
    """What the command line and the configuration say of every build. Raises `UsageError`."""
    return Options(
        dialect=DIALECTS[arguments.dialect or settings.dialect],
        build_args={**settings.build_args, **_build_args(arguments.build_arg)},
        used=frozenset(settings.used_targets),
        ships=frozenset(settings.ships),
        mirrors=settings.registry_mirrors,
        may_change_libc=settings.allow_libc_change,
        budget=byte_counts.parse(settings.final_base_budget),
        builders_too=_builders_too(arguments, settings),
        trusted_registries=settings.trusted_registries,
        label_schema=settings.label_schema,
        strict_labels=settings.strict_labels,
    )


def _targets(arguments: Namespace, source: Source, settings: Config) -> tuple[AskedTarget, ...]:
    """What the command line and the configuration ask for of *source*."""
    targets = [AskedTarget(name, source, Span(0, 0), "--target") for name in arguments.target]
    if settings.source:
        targets += [
            AskedTarget(each.name, settings.source, each.span, "the configuration")
            for each in settings.targets_for(source.path)
        ]
    return tuple(targets)


def _builders_too(arguments: Namespace, settings: Config) -> bool:
    """Do rules that care for what ships alone speak of all stages? A preset says it, too."""
    said = (
        arguments.builder_stages,
        _default_of(arguments.preset),
        settings.builder_stages,
        _default_of(settings.preset),
    )
    return next(filter(None, said), "") == "all"


def _default_of(preset: str | None) -> str:
    found = _preset(preset)
    return "all" if found and found.builders_too else ""


def _build_args(given: Iterable[str]) -> Mapping[str, str]:
    """`NAME=VALUE`; a bare `NAME` takes its value from the environment, as docker build does."""
    found: dict[str, str] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not name:
            raise UsageError(f"--build-arg takes NAME=VALUE, not `{item}`")
        if equals:
            found[name] = value
        elif name in os.environ:
            found[name] = os.environ[name]
    return found


def _words(given: Iterable[str] | None) -> list[str]:
    return [word.strip() for item in given or () for word in item.split(",") if word.strip()]


def _preset(name: str | None) -> Preset | None:
    if not name:
        return None
    from stagelint.presets import PRESETS  # most runs name none

    return PRESETS[name]


def _of_preset(registry: Registry, name: str | None) -> frozenset[str]:
    preset = _preset(name)
    return preset.codes(registry) if preset else frozenset()


def _select(registry: Registry, selectors: Iterable[str], where: Config | str) -> frozenset[str]:
    """The codes to run: the beginning of a code selects rules with such an alias, too."""
    return _expand(registry, selectors, where, families=True)


def _expand(
    registry: Registry, selectors: Iterable[str], where: Config | str, *, families: bool = False
) -> frozenset[str]:
    try:
        return registry.expand(selectors, families=families)
    except UnknownSelector as error:
        if isinstance(where, str):
            raise UsageError(f"{where}: {error}") from None
        from stagelint.settings import line_of

        text = where.source.text if where.source else ""
        word = next(each for each in selectors if f"`{each}`" in str(error))
        raise UsageError(f"{where.path}:{line_of(text, word)}: {error}") from None
