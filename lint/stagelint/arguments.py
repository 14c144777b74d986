"""The command line: what may be written on it. Only the parser of the chosen command is built."""

from __future__ import annotations

import contextlib
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from functools import cache

from stagelint import __version__
from stagelint.config import BUILDER_STAGES, FORMATS, LEVELS, PRESETS
from stagelint.dialect import DIALECTS
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

    from _typeshed import SupportsWrite

COMMANDS = (
    *(
        "check",
        "optimize",
        "graph",
        "impact",
        "refs",
        "rename",
        "verify",
        "catalog",
        "rule",
        "config",
        "migrate",
        "clean",
    ),
    "completion",
)
BUILDERS = ("auto", "docker", "buildah", "podman")
#: Where sizes are kept if nothing says where.
SIZES_FILE = "stagelint-sizes.json"
ENGINES = ("docker", "podman", "buildah")
_ADD_IGNORE = "--add-ignore"
#: More seconds than threads can wait.
_FOREVER = 1e8

_OVERVIEW = """\
commands:
  check    lint files and folders (the default: `stagelint --fix` is `stagelint check --fix`)
  optimize list what makes images smaller and rebuilds faster, with what it gains; do it
  graph    show the stages of a file, what they need, and what ships
  impact   show which steps run again after a change, and what they take
  refs     show who asks for which stage, in all files of a repository
  rename   rename a stage, in all files of a repository
  verify   build two files with a real builder, and compare the images
  catalog  show or ask registries for the sizes of base images
  rule     explain a rule
  config   show the settings in force, or the schema of their file
  migrate  turn a configuration of hadolint into one of stagelint
  clean    remove what is kept of earlier runs
  completion  print what completes words in a shell

`stagelint COMMAND --help` says more. Exit status: 0 clean or all fixed, 1 findings, 2 error.
"""


@cache
def _width() -> int:
    """Of the help, in columns: as argparse finds it, which loads shutil to that end."""
    with contextlib.suppress(ValueError):
        return int(os.environ.get("COLUMNS", "")) - 2
    with contextlib.suppress(OSError, ValueError):
        if sys.__stdout__:
            return (os.get_terminal_size(sys.__stdout__.fileno()).columns or 80) - 2
    return 78


def _formatter(prog: str) -> RawDescriptionHelpFormatter:
    """argparse makes one for every argument there is."""
    return RawDescriptionHelpFormatter(prog, width=_width())


def parse(argv: Sequence[str]) -> tuple[str, Namespace]:
    """The command and its arguments. Raises `SystemExit` for --help, --version and mistakes."""
    arguments = list(argv)
    command = arguments.pop(0) if arguments and arguments[0] in COMMANDS else "check"
    # argparse would take the next word for the reason, which is more likely a path.
    arguments = [f"{each}=" if each == _ADD_IGNORE else each for each in arguments]
    return command, parser_of(command).parse_args(arguments)


def parser_of(command: str) -> ArgumentParser:
    """What reads the arguments of one of the `COMMANDS`."""
    parser = _Parser(
        prog="stagelint" if command == "check" else f"stagelint {command}",
        description="Lint Dockerfiles and their stages; fix them without changing the build.",
        epilog=_OVERVIEW if command == "check" else None,
        formatter_class=_formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"stagelint {__version__}")
    parser.set_defaults(
        preset=None, builder_stages=None, no_ignore_comments=False, optimizing=False
    )
    _PARSERS[command](parser)
    return parser


def summaries() -> dict[str, str]:
    """What each command does, in a line."""
    lines = [line for line in _OVERVIEW.splitlines() if line.startswith("  ")]
    return {
        command: text.strip()
        for command, _, text in (line.strip().partition(" ") for line in lines)
    }


class _Parser(ArgumentParser):
    """Says what is wrong in one line, and lets no argument drive the terminal."""

    def error(self, message: str) -> NoReturn:
        from stagelint.report.terminal import escape

        self.exit(2, f"{self.prog}: {escape(message)} (see {self.prog} --help)\n")

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """Raises `OSError` if the help cannot be written, which argparse would pass over."""
        if file is None or file is not sys.stdout:
            super()._print_message(message, file)
        else:
            print(message, end="", flush=True)


def _check(parser: ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files, folders, or - for stdin")
    fixing = parser.add_argument_group("fixing")
    fixing.add_argument("--fix", action="store_true", help="apply the fixes that keep the build")
    fixing.add_argument("--fix-only", action="store_true", help="as --fix, and report nothing")
    fixing.add_argument(
        "--unsafe-fixes", action="store_true", help="apply or show the other fixes as well"
    )
    fixing.add_argument("--diff", action="store_true", help="show what --fix would change")
    fixing.add_argument("--show-fixes", action="store_true", help="list the fixes that were made")
    _adoption(parser)
    _verification(parser)
    rules = parser.add_argument_group("rules (codes, prefixes, names or ALL; comma-separated)")
    rules.add_argument("--select", action="append", metavar="RULES", help="run these")
    rules.add_argument("--extend-select", action="append", metavar="RULES", help="run these too")
    rules.add_argument("--ignore", action="append", metavar="RULES", help="do not run these")
    rules.add_argument(
        "--per-file-ignores", action="append", metavar="GLOB:RULES", help="not in these files"
    )
    rules.add_argument(
        "--preset", choices=PRESETS, metavar="NAME", help=f"run a set: {_one_of(PRESETS)}"
    )
    rules.add_argument(
        "--builder-stages",
        choices=BUILDER_STAGES,
        metavar="WHETHER",
        help="whether rules for what ships speak of other stages: quiet (default) or all",
    )
    rules.add_argument("--no-ignore-comments", action="store_true", help="comments silence no rule")
    _build(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--output-format",
        action="append",
        type=_output,
        metavar="FORMAT[:FILE]",
        help=f"print or write findings so; may be given again: {_one_of(tuple(FORMATS))}",
    )
    output.add_argument("-o", "--output-file", metavar="FILE", help="write there what is printed")
    output.add_argument("--fail-level", choices=LEVELS, metavar="LEVEL", help=_one_of(LEVELS))
    output.add_argument("-e", "--exit-zero", action="store_true", help="exit 0 despite findings")
    output.add_argument("--statistics", action="store_true", help="count the findings of each rule")
    output.add_argument("-q", "--quiet", action="store_true", help="print findings only")
    _color(output.add_argument)
    files = parser.add_argument_group("files")
    files.add_argument("--stdin-filename", metavar="PATH", help="the path of what stdin holds")
    files.add_argument("--exclude", action="append", metavar="GLOB", help="leave these out as well")
    files.add_argument(
        "--force-exclude", action="store_true", help="leave out excluded files though named"
    )
    files.add_argument(
        "--jobs",
        type=_jobs,
        metavar="N",
        help="look at N files at a time, auto or 0 for all cores (default: if there are many);"
        " verify N (2)",
    )
    files.add_argument(
        "--no-cache", action="store_true", help="look at all files, whatever earlier runs found"
    )
    _project(files.add_argument)
    _configuration(files.add_argument)


def _optimize(parser: ArgumentParser) -> None:
    _check(parser)
    parser.description = (
        "List what would make images smaller and rebuilds faster, what gains most first, and do it:"
        " with --fix what builds the same, with --fix --verify what a real build shows to give the"
        " same image, with --unsafe-fixes all of it."
    )
    parser.epilog = "Exit status: 0, or 1 if --fail-level or --diff says so, 2 error."
    _trace(parser.add_argument)
    parser.set_defaults(preset="optimize", optimizing=True)


def _adoption(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("starting clean (say nothing of what was there before)")
    group.add_argument(
        _ADD_IGNORE,
        type=_reason,
        metavar="[=REASON]",
        help="write comments that silence what is found, after --fix if that is given",
    )
    group.add_argument("--baseline", metavar="FILE", help="say nothing of the findings in FILE")
    group.add_argument(
        "--update-baseline", action="store_true", help="write what is found to that file"
    )
    group.add_argument(
        "--since", metavar="REF", help="only what lines say that changed since this commit"
    )
    group.add_argument("--staged", action="store_true", help="only what staged lines say")


def _reason(text: str) -> str:
    if not text.isprintable():
        raise ArgumentTypeError("a reason is one line of text")
    return text.strip()


def _graph(parser: ArgumentParser) -> None:
    parser.add_argument("path", metavar="FILE", help="a Dockerfile, or - for stdin")
    parser.add_argument(
        "--format", choices=("text", "json", "mermaid", "dot"), default="text", help="default: text"
    )
    parser.add_argument("--stdin-filename", metavar="PATH", help="the path of what stdin holds")
    _build(parser)
    _color(parser.add_argument)
    _project(parser.add_argument)
    _configuration(parser.add_argument)


def _impact(parser: ArgumentParser) -> None:
    parser.description = (
        "Show which steps of a build run again after a change, as BuildKit caches them, and the chain"
        " of them that takes longest."
    )
    parser.epilog = "Nothing is built. Exit status: 0 told, 2 cannot be told."
    parser.add_argument("path", metavar="FILE", help="a Dockerfile, or - for stdin")
    changes = parser.add_argument_group("what has changed")
    changes.add_argument(
        "--changed", nargs="+", action="extend", default=[], metavar="PATH", help="these files"
    )
    changes.add_argument(
        "--since", metavar="REF", help="all that changed since this commit, FILE itself as well"
    )
    changes.add_argument(
        "--arg", action="append", default=[], metavar="NAME", help="the value given for this ARG"
    )
    changes.add_argument(
        "--base", action="append", default=[], metavar="IMAGE", help="what this image holds"
    )
    changes.add_argument(
        "--history",
        type=_number,
        metavar="N",
        help="instead: what each of the last N commits changed, on average",
    )
    changes.add_argument(
        "--against", action="append", default=[], metavar="FILE", help="and the same with this file"
    )
    build = parser.add_argument_group("the build")
    build.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="NAME",
        help="of this target alone, an empty name for the last stage (default: all that are known)",
    )
    _build_arg(build.add_argument)
    build.add_argument(
        "--platform", metavar="OS/ARCH", help="for which it is (default: linux and this machine's)"
    )
    build.add_argument(
        "--context",
        type=_folder,
        metavar="DIR",
        help="the build context (default: where FILE lies)",
    )
    _trace(build.add_argument)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    parser.add_argument("--stdin-filename", metavar="PATH", help="the path of what stdin holds")
    _color(parser.add_argument)
    _project(parser.add_argument)
    _configuration(parser.add_argument)
    parser.set_defaults(dialect=None)


def _trace(add: Callable[..., object]) -> None:
    add(
        "--trace",
        metavar="FILE",
        help="what steps took: the output of docker buildx build --progress=rawjson",
    )


def _refs(parser: ArgumentParser) -> None:
    parser.description = "Show who asks for which stage of which Dockerfile in a repository."
    parser.add_argument("path", nargs="?", metavar="FILE", help="of this Dockerfile alone")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    _color(parser.add_argument)
    _project(parser.add_argument)
    _configuration(parser.add_argument)
    parser.set_defaults(target=[], dialect=None, build_arg=[], stdin_filename=None)


def _rename(parser: ArgumentParser) -> None:
    parser.description = (
        "Rename a stage in its Dockerfile and in every file of the repository that names it."
    )
    parser.epilog = "Nothing is written unless all of it can be. Exit status: 0 renamed, 2 refused."
    parser.add_argument("path", metavar="FILE", help="the Dockerfile")
    parser.add_argument("old", metavar="OLD", help="the name of a stage")
    parser.add_argument("new", metavar="NEW", help="its new name")
    parser.add_argument("--diff", action="store_true", help="show what would change, write nothing")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing if it worked")
    _color(parser.add_argument)
    _project(parser.add_argument)
    _configuration(parser.add_argument)
    parser.set_defaults(target=[], dialect=None, build_arg=[], stdin_filename=None)


def _project(add: Callable[..., object]) -> None:
    add(
        "--project",
        type=_folder,
        metavar="DIR",
        help="the repository that builds the files (default: the git repository around them)",
    )


def _folder(text: str) -> str:
    import os

    if not os.path.isdir(text):
        raise ArgumentTypeError(f"`{text}` is no folder")
    return text


def _verification(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("verification by a real build")
    group.add_argument(
        "--verify",
        action="store_true",
        help="write only what builds the same images; fixes that promise that count as safe",
    )
    _verifying(group.add_argument, "--verify-with", "--verify-target")
    group.add_argument(
        "--keep-failed", action="store_true", help="keep what did not verify, as FILE.failed"
    )


def _verify(parser: ArgumentParser) -> None:
    parser.description = (
        "Build the targets of two Dockerfiles with a real builder and compare the images."
    )
    parser.epilog = "Exit status: 0 same, 1 different, 2 could not tell."
    parser.add_argument("old", metavar="OLD", help="a Dockerfile, or - for stdin")
    parser.add_argument("new", metavar="NEW", help="another, which should build the same")
    _verifying(parser.add_argument, "--with", "--target")
    parser.add_argument(
        "--but-caches", action="store_true", help="caches of package managers and logs may differ"
    )
    _build_arg(parser.add_argument)
    parser.add_argument("-q", "--quiet", action="store_true", help="print differences only")
    _color(parser.add_argument)
    _configuration(parser.add_argument)
    parser.set_defaults(target=[], dialect=None, stdin_filename=None, jobs=1, project=None)


def _verifying(add: Callable[..., object], builder: str, target: str) -> None:
    add(
        builder,
        dest="verify_with",
        choices=BUILDERS,
        default="auto",
        metavar="BUILDER",
        help=f"{_one_of(BUILDERS)} (the first that works)",
    )
    add(
        target,
        dest="verify_target",
        action="append",
        default=[],
        metavar="NAME",
        help="build this target alone, an empty name for the last stage (default: all)",
    )
    add("--buildx-builder", metavar="NAME", help="the instance of buildx that builds")
    add(
        "--context",
        type=_folder,
        metavar="DIR",
        help="the build context (default: where the file lies)",
    )
    add("--timeout", type=_seconds, metavar="SECONDS", help="for the builds of one file")
    add("--secret", action="append", default=[], metavar="SPEC", help="as docker build")
    add("--ssh", action="append", default=[], metavar="SPEC", help="as docker build")


def _output(text: str) -> tuple[str, str]:
    from stagelint import outputs

    try:
        return outputs.parse(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < _FOREVER:
        raise ArgumentTypeError(f"`{text}` is no number of seconds")
    return seconds


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
        raise ArgumentTypeError(f"`{text}` is no number above 0")
    return int(text[:9])


def _jobs(text: str) -> int:
    return 0 if text in ("auto", "0") else _number(text)


def _catalog(parser: ArgumentParser) -> None:
    parser.description = "What is known of the sizes of base images."
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|update")
    listing = actions.add_parser("list", help="show what is known", allow_abbrev=False)
    listing.description = "Show what is known of the sizes of base images."
    listing.add_argument("images", nargs="*", metavar="IMAGE", help="of these, or of these tags")
    _sizes_from(listing.add_argument)
    _configuration(listing.add_argument)
    update = actions.add_parser("update", help="ask registries", allow_abbrev=False)
    update.description = (
        "Ask the registries of images how large these are, and keep it in a file. Credentials are"
        " those of `docker login`."
    )
    update.epilog = "Nothing is written unless all are known. Exit status: 0 written, 2 failed."
    update.add_argument("images", nargs="+", metavar="IMAGE", help="as after FROM")
    update.add_argument(
        "--output", metavar="FILE", help="default: `sizes` of the configuration, or " + SIZES_FILE
    )
    update.add_argument(
        "--platform",
        type=_platform,
        default="linux/amd64",
        metavar="OS/ARCH[/VARIANT]",
        help="default: linux/amd64",
    )
    update.add_argument(
        "--timeout", type=_seconds, default=120.0, metavar="SECONDS", help="for all of it (120)"
    )
    update.add_argument(
        "--plain-http", action="store_true", help="ask registries without TLS, and no credentials"
    )
    _configuration(update.add_argument)


def _platform(text: str) -> str:
    from stagelint.sizes.files import is_platform

    if not is_platform(text):
        raise ArgumentTypeError(f"`{text}` is no platform like linux/arm64 or linux/arm/v7")
    return text


def _rule(parser: ArgumentParser) -> None:
    parser.add_argument("rule", nargs="?", metavar="CODE|NAME")
    parser.add_argument("--all", action="store_true", help="explain every rule")
    parser.add_argument(
        "--output-format",
        choices=("text", "markdown", "json"),
        default="text",
        help="default: text",
    )
    _configuration(parser.add_argument)


def _config(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("show", "schema"),
        help="show the settings for PATH, or print the JSON schema of the configuration",
    )
    parser.add_argument("path", nargs="?", default=".", metavar="PATH")
    _configuration(parser.add_argument)


def _migrate(parser: ArgumentParser) -> None:
    parser.description = "Turn a configuration of hadolint into one of stagelint."
    parser.epilog = "Exit status: 0 done, 2 cannot be read or written."
    parser.add_argument("path", nargs="?", metavar="FILE", help="default: .hadolint.yaml")
    parser.add_argument(
        "--write", action="store_true", help="write stagelint.toml into the current folder"
    )
    _configuration(parser.add_argument)


def _clean(parser: ArgumentParser) -> None:
    parser.description = "Remove what is kept of earlier runs."
    parser.epilog = "Exit status: 0 done, 2 cannot be removed."
    _configuration(parser.add_argument)


def _completion(parser: ArgumentParser) -> None:
    parser.description = "Print what makes a shell complete the words of a command line."
    parser.epilog = "In ~/.bashrc: source <(stagelint completion bash)"
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell")
    parser.add_argument("words", nargs="*", metavar="WORD", help="complete the last of these")


def _build(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("the build")
    group.add_argument(
        "--target", action="append", default=[], metavar="NAME", help="somebody builds this target"
    )
    _build_arg(group.add_argument)
    group.add_argument(
        "--dialect", choices=tuple(DIALECTS), metavar="BUILDER", help=_one_of(tuple(DIALECTS))
    )
    _sizes_from(group.add_argument)


def _sizes_from(add: Callable[..., object]) -> None:
    add(
        "--sizes-from",
        choices=ENGINES,
        metavar="ENGINE",
        help=f"ask for the sizes of the base images it has: {_one_of(ENGINES)}",
    )


def _build_arg(add: Callable[..., object]) -> None:
    add("--build-arg", action="append", default=[], metavar="NAME=VALUE", help="as docker build")


def _color(add: Callable[..., object]) -> None:
    add("--color", choices=("auto", "always", "never"), default="auto", metavar="WHEN", help="auto")


def _configuration(add: Callable[..., object]) -> None:
    add("--config", metavar="FILE", help="use this configuration for all files")
    add("--isolated", action="store_true", help="use no configuration file")


def _one_of(values: Sequence[str]) -> str:
    return ", ".join(values)


_PARSERS = {
    "check": _check,
    "optimize": _optimize,
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
