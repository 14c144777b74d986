"""The command `stagelint`: arguments in, text and exit status out. Nothing else prints."""

from __future__ import annotations

import contextlib
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from io import TextIOWrapper

from stagelint import arguments, config, discover
from stagelint.session import Session, UsageError
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

CLEAN, FINDINGS, ERROR = 0, 1, 2
#: What shells say of a program that Ctrl-C ended, or that nobody reads any more.
INTERRUPTED, UNREAD = 130, 141

#: Configuration of another program of this name, which runs commands on staged files.
_NAMESAKE = tuple(f".stagelint.{end}" for end in ("yml", "yaml", "json", "jsonc", "json5"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line *argv* (that of the process if None); returns the exit status."""
    try:
        command, given = arguments.parse(sys.argv[1:] if argv is None else argv)
        status = _COMMANDS[command](given)
        if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison]
            sys.stdout.flush()
        return status
    except (UsageError, config.ConfigError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return UNREAD
    except MemoryError:
        return _fail("out of memory")
    except OSError as error:
        _discard_output()
        return _fail(_reason(error))


def _discard_output() -> None:
    """Keep the interpreter from trying to write what is left, and complaining, as it exits."""
    with contextlib.suppress(OSError, AttributeError):  # closed, or no real file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _reason(error: OSError) -> str:
    try:
        os.getcwd()
    except OSError:
        return "the current folder does not exist any more"
    reason = (error.strerror or str(error)).lower()
    return f"{error.filename}: {reason}" if error.filename else reason


def _fail(message: str) -> int:
    _complain(message)
    return ERROR


def _complain(message: str) -> None:
    from stagelint.report.terminal import escape

    _print([f"stagelint: {escape(message)}"], sys.stderr)


def _check(given: Namespace) -> int:
    from stagelint.check import run

    if not (given.paths or given.config or given.isolated or given.optimizing):
        namesake = next(filter(os.path.exists, _NAMESAKE), None)
        if namesake and not config.find(os.curdir):
            return _fail(
                f"this is the linter for Dockerfiles, and {namesake} is the configuration of"
                " another program called stagelint; name a path to lint: `dockerfile-stagelint .`"
            )
    report = run(Session(given), _progress())
    for line in report.errors:
        _complain(line)
    _print(report.output, sys.stdout, end="" if report.is_text else "\n")
    _print(report.notes, sys.stderr)
    return ERROR if report.errors else FINDINGS if report.failed else CLEAN


def _graph(given: Namespace) -> int:
    from stagelint.model.file import File
    from stagelint.report import graph, terminal

    session = Session(given)
    source = discover.read_named(given.path, given.stdin_filename)
    if source.error:
        return _fail(f"{source.path}: {source.error}")
    file = File(source, session.options_for(source))
    missing = [name for name in given.target if file.find_target(name) is None]
    if missing:
        return _fail(f"{source.path}: there is no target `{missing[0]}`")
    if given.format == "json":
        import json

        lines: Iterable[str] = [json.dumps(graph.document(file), indent=2)]
    elif given.format == "text":
        color = terminal.wants_color(given.color, sys.stdout, os.environ)
        lines = graph.text(file, terminal.Style(color))
    else:
        lines = graph.mermaid(file) if given.format == "mermaid" else graph.dot(file)
    _print(lines, sys.stdout)
    return CLEAN


def _impact(given: Namespace) -> int:
    from stagelint.impact import Inquiry, file_of
    from stagelint.report import impact, terminal

    if given.against and given.history is None:
        return _fail("--against goes with --history")
    has_change = given.changed or given.since is not None or given.arg or given.base
    if bool(has_change) == (given.history is not None):
        return _fail(
            "say what has changed: --changed, --since, --arg or --base; or --history alone"
        )
    session = Session(given)
    inquiry = Inquiry(file_of(given.path, session), session)
    style = terminal.Style(terminal.wants_color(given.color, sys.stdout, os.environ))
    is_json = given.format == "json"
    if given.history is not None:
        history = inquiry.history(file_of(each, session) for each in given.against)
        document = impact.history_document(history) if is_json else {}
        lines = impact.history_text(history, style)
    else:
        found = inquiry.impact()
        document = impact.document(found) if is_json else {}
        lines = impact.text(found, style)
    if is_json:
        import json

        lines = iter([json.dumps(document, indent=2)])
    _print(lines, sys.stdout)
    _print([f"stagelint: {terminal.escape(note)}" for note in inquiry.notes], sys.stderr)
    return CLEAN


def _refs(given: Namespace) -> int:
    from stagelint.report import refs, terminal

    session = Session(given)
    path = given.path
    project = session.project_for(path or os.curdir)
    if project is None:
        return _fail("this is no git repository; say which folder is: --project DIR")
    only = project.path_of(path) if path else None
    if path and (only is None or project.dockerfile(only) is None):
        return _fail(f"{path}: no such Dockerfile in the repository {project.root}")
    table = refs.table(project, only)
    if given.format == "json":
        import json

        _print([json.dumps(refs.document(table, project), indent=2)], sys.stdout)
    else:
        color = terminal.wants_color(given.color, sys.stdout, os.environ)
        _print(refs.text(table, terminal.Style(color)), sys.stdout)
    _print([f"stagelint: {terminal.escape(note)}" for note in project.notes], sys.stderr)
    return CLEAN


def _rename(given: Namespace) -> int:
    from stagelint.project.rename import Refused, plan
    from stagelint.report import diff, parts, terminal

    session = Session(given)
    project = session.project_for(given.path)
    path = project.path_of(given.path) if project else None
    if project is None or path is None:
        return _fail(f"{given.path} lies in no git repository; say which folder is: --project DIR")
    try:
        renaming = plan(
            project,
            path,
            (given.old, given.new),
            lambda changed: session.project_with(project.root, changed),
        )
        if not given.diff:
            discover.replace_all(
                [(each.before.path, each.before, each.after) for each in renaming.changes]
            )
    except Refused as refused:
        for reason in refused.reasons:
            _complain(reason)
        return _fail(f"`{given.old}` is not renamed; nothing was written")
    except discover.ReplaceError as error:
        return _fail(str(error))
    if given.diff:
        color = terminal.wants_color(given.color, sys.stdout, os.environ)
        escaped = terminal.is_terminal(sys.stdout)
        for before, after in renaming.changes:
            text = diff.render(before.path, before.text, after.text, color=color, escaped=escaped)
            _print([text], sys.stdout, end="")
    elif not given.quiet:
        files = parts.plural(len(renaming.changes), "file")
        _print([f"Renamed `{given.old}` to `{given.new}` in {files}."], sys.stdout)
    for place in renaming.mentions:
        _complain(f"{place} mentions `{given.old}` as well, and was left alone")
    return CLEAN


def _verify(given: Namespace) -> int:
    from stagelint.model.file import File
    from stagelint.report import terminal, verification
    from stagelint.session import wishes_of
    from stagelint.verify import Rewrite, verify
    from stagelint.verify.process import orderly_end

    if given.old == given.new == "-":
        return _fail("only one of the two files can be stdin (-)")
    session = Session(given)
    old, new = sources = [discover.read_named(path, None) for path in (given.old, given.new)]
    for source in sources:
        if source.error:
            return _fail(f"{source.path}: {source.error}")
    folders = {os.path.dirname(os.path.abspath(each.path)) for each in sources if each.path != "-"}
    if given.context is None and len(folders) > 1:
        return _fail("the two files lie in different folders: say which --context they build in")
    options = session.options_for(old)
    rewrite = Rewrite(File(old, options), File(new, options), given.but_caches)
    wishes = wishes_of(given)._replace(context=given.context or folders.pop())
    with orderly_end():
        (verdict,) = verify([rewrite], wishes, _progress())
    color = terminal.wants_color(given.color, sys.stdout, os.environ)
    _print(verification.render(verdict, color=color, quiet=given.quiet), sys.stdout)
    return {"same": CLEAN, "different": FINDINGS, "unknown": ERROR}[verdict.outcome]


def _progress() -> Callable[[str], None]:
    """Shows what a long run is at, to somebody who sits at a terminal."""
    from stagelint.report import terminal

    if terminal.is_terminal(sys.stderr):
        return lambda line: _print([terminal.escape(line)], sys.stderr)
    return lambda line: None


def _catalog(given: Namespace) -> int:
    return {"list": _list_sizes, "update": _update_sizes}[given.action](given)


def _list_sizes(given: Namespace) -> int:
    from stagelint.report import sizes

    rows = Session(given).sizes_for(os.path.join(os.curdir, "Dockerfile"))
    chosen, unknown = sizes.chosen(rows, given.images)
    _print(sizes.table(chosen), sys.stdout)
    for name in unknown:
        _complain(f"{name}: no size is known (stagelint catalog update {name})")
    return ERROR if unknown else CLEAN


def _update_sizes(given: Namespace) -> int:
    from stagelint.report import sizes
    from stagelint.sizes import files, registry

    settings = Session(given).main_config
    path = given.output or settings.sizes_path or arguments.SIZES_FILE
    if not os.path.isdir(os.path.dirname(path) or os.curdir):
        return _fail(f"{path}: there is no such folder")
    before = discover.read(path) if os.path.lexists(path) else None
    if before and before.error:
        return _fail(f"{path}: {before.error}")
    rows = files.rows_of(before) if before else []
    try:
        found = registry.look_up(
            given.images, given.platform, timeout=given.timeout, plain_http=given.plain_http
        )
        files.save(path, before, files.replaced(rows, found))
    except registry.RegistryError as error:
        for reason in error.reasons:
            _complain(reason)
        return _fail("nothing was written")
    except discover.ReplaceError as error:
        return _fail(f"{path}: {error}")
    _print(sizes.table(found), sys.stdout)
    _print(sizes.written(found, path, settings), sys.stdout)
    return CLEAN


def _rule(given: Namespace) -> int:
    from stagelint import catalogue
    from stagelint.registry import is_of_shellcheck

    session = Session(given)
    registry = session.registry(session.config_for(os.path.join(os.curdir, "Dockerfile")))
    if not given.all and not given.rule:
        return _fail("name a rule by its code or name, or say --all")
    codes = registry.expand(["ALL"]) if given.all else session.expand(registry, given.rule)
    if not given.all and is_of_shellcheck(given.rule):
        return _of_shellcheck(given)
    rules = registry.load(codes)
    if given.output_format == "json":
        import json

        lines: Iterable[str] = [json.dumps([catalogue.record(rule) for rule in rules], indent=2)]
    elif given.output_format == "markdown":
        lines = (catalogue.page(rule) for rule in rules)
    else:
        lines = (catalogue.plain([rule]) for rule in rules)
    _print(lines, sys.stdout)
    return CLEAN


def _of_shellcheck(given: Namespace) -> int:
    from stagelint.shellcheck import page

    if given.output_format == "json":
        import json

        _print([json.dumps([page.document(given.rule)], indent=2)], sys.stdout)
    else:
        is_markdown = given.output_format == "markdown"
        _print([page.page(given.rule, markdown=is_markdown)], sys.stdout)
    return CLEAN


def _config(given: Namespace) -> int:
    from stagelint.settings import show

    if given.action == "schema":
        from stagelint import schema

        _print([schema.text()], sys.stdout)
        return CLEAN
    session = Session(given)
    path = given.path
    if os.path.isdir(path):
        path = os.path.join(path, "Dockerfile")
    _print([show(session.config_for(path))], sys.stdout)
    return CLEAN


def _migrate(given: Namespace) -> int:
    from stagelint import migrate
    from stagelint.source import Source

    session = Session(given)
    path = given.path or next(filter(os.path.exists, migrate.NAMES), None)
    if path is None:
        return _fail(f"there is no {' and no '.join(migrate.NAMES)} here; name the file")
    try:
        registry = session.registry(session.main_config)
        found = migrate.migrate(discover.read(path), registry)
    except migrate.MigrationError as error:
        return _fail(str(error))
    for line in found.left:
        _complain(line)
    existing = config.in_folder(os.curdir) if given.write else None
    if not given.write or existing:
        _print([found.text], sys.stdout)
    if existing:
        below = " below [tool.stagelint]" if existing.endswith(config.PYPROJECT) else ""
        name = os.path.basename(existing)
        return _fail(f"{name} is there already and was left alone; add this to it{below}")
    if given.write:
        discover.create(migrate.WRITTEN, Source(migrate.WRITTEN, found.text))
    return CLEAN


def _clean(given: Namespace) -> int:
    from stagelint.cache.folder import Folder

    path = Session(given).cache_folder
    is_there = path is not None and Folder(path).remove()
    _print([f"Removed {path}." if is_there else "There is no cache."], sys.stdout)
    return CLEAN


def _completion(given: Namespace) -> int:
    from stagelint import completion

    if given.words:
        _print(completion.candidates(given.shell, given.words), sys.stdout)
    else:
        _print([completion.SCRIPTS[given.shell]], sys.stdout)
    return CLEAN


def _print(lines: Iterable[str], stream: TextIO | None, end: str = "\n") -> None:
    """Write lines as UTF-8 whatever the locale, with surrogates as the bytes they stand for.

    What does not end in *end* gets it. Nothing is written to a *stream* that was closed at start;
    that stderr is full or unread changes nothing, since nobody could be told.
    """
    if stream is None:
        return
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="surrogateescape", newline="")
    with contextlib.suppress(*((OSError,) if stream is sys.stderr else ())):
        for line in lines:
            stream.write(line if line.endswith(end) else line + end)


_COMMANDS = {
    "check": _check,
    "optimize": _check,
    "graph": _graph,
    "impact": _impact,
    "refs": _refs,
    "rename": _rename,
    "verify": _verify,
    "catalog": _catalog,
    "rule": _rule,
    "config": _config,
    "migrate": _migrate,
    "clean": _clean,
    "completion": _completion,
}
