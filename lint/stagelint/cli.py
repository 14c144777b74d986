"""The command `stagelint`: arguments in, text and exit status out. Nothing else prints."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence

from stagelint import arguments, config
from stagelint.session import Session, UsageError

CLEAN, FINDINGS, ERROR, INTERRUPTED = 0, 1, 2, 130

#: Configuration of another program of this name, which runs commands on staged files.
_NAMESAKE = tuple(f".stagelint.{end}" for end in ("yml", "yaml", "json", "jsonc", "json5"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line *argv* (that of the process if None); returns the exit status."""
    try:
        command, given = arguments.parse(sys.argv[1:] if argv is None else argv)
        status = _COMMANDS[command](given)
        sys.stdout.flush()
        return status
    except (UsageError, config.ConfigError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whatever reads the output has had enough; keep the interpreter from complaining too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _fail("nobody reads the output any more")


def _fail(message: str) -> int:
    _complain(message)
    return ERROR


def _complain(message: str) -> None:
    from stagelint.report.terminal import escape

    print(f"stagelint: {escape(message)}", file=sys.stderr)


def _check(given: Namespace) -> int:
    from stagelint.check import run

    if not given.paths:
        namesake = next(filter(os.path.exists, _NAMESAKE), None)
        if namesake and not config.find(os.curdir):
            return _fail(
                f"this is the linter for Dockerfiles, and {namesake} is the configuration of"
                " another program called stagelint; name a path to lint, or call"
                " dockerfile-stagelint ."
            )
    report = run(Session(given))
    for line in report.errors:
        _complain(line)
    _print(report.output, sys.stdout)
    _print(report.notes, sys.stderr)
    return ERROR if report.errors else FINDINGS if report.failed else CLEAN


def _graph(given: Namespace) -> int:
    from stagelint.check import read
    from stagelint.model.file import File
    from stagelint.report import graph, terminal

    session = Session(given)
    source = read(given.path, given.stdin_filename)
    if source.error:
        return _fail(f"{source.path}: {source.error}")
    file = File(source, session.options_for(source))
    missing = [each.name for each in file.options.targets if file.find_target(each.name) is None]
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


def _rule(given: Namespace) -> int:
    from stagelint import catalogue

    session = Session(given)
    registry = session.registry(session.config_for(os.path.join(os.curdir, "Dockerfile")))
    if not given.all and not given.rule:
        return _fail("name a rule by its code or name, or say --all")
    codes = registry.expand(["ALL"]) if given.all else session.expand(registry, given.rule)
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


def _config(given: Namespace) -> int:
    session = Session(given)
    path = given.path
    if os.path.isdir(path):
        path = os.path.join(path, "Dockerfile")
    _print([config.show(session.config_for(path))], sys.stdout)
    return CLEAN


def _print(lines: Iterable[str], stream: object) -> None:
    """Write lines as UTF-8 whatever the locale, with surrogates as the bytes they stand for."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure:
        reconfigure(encoding="utf-8", errors="surrogateescape", newline="")
    write = stream.write  # type: ignore[attr-defined]
    for line in lines:
        write(line if line.endswith("\n") else line + "\n")


_COMMANDS = {"check": _check, "graph": _graph, "rule": _rule, "config": _config}
