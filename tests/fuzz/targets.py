"""What is fuzzed: for each reader the texts to begin with, and what must hold for any text."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

from stagelint import baseline, changes, commits, config, globs, migrate, trace
from stagelint.edit import Guarantee
from stagelint.engine import fix, lint, prove
from stagelint.model import File, Options
from stagelint.model import dockerignore as ignoring
from stagelint.model.expansion import (
    ExpansionError,
    can_fail,
    expand,
    expand_heredoc,
    expand_words,
    pieces,
)
from stagelint.model.project import Build, Value
from stagelint.model.rebuild import Rebuild
from stagelint.model.vertices import Incomparable
from stagelint.project.files import Files
from stagelint.project.hints import mentions
from stagelint.project.readers import reader_of
from stagelint.project.yaml import Broken
from stagelint.registry import Registry, Ruleset, rules_of
from stagelint.silence import silence
from stagelint.sizes import files as sizes
from stagelint.source import Source
from stagelint.syntax import parse, shell
from stagelint.syntax.nodes import Instruction
from stagelint.syntax.shell import Kind, Part
from stagelint.syntax.validate import KEYWORDS
from tests.fuzz.mutation import words_of

FIXTURES = Path(__file__).parents[2] / "fixtures"
REGISTRY = Registry()


class Target(NamedTuple):
    """Something that reads."""

    seeds: Callable[[], list[str]]
    check: Callable[[str], None]
    """Raises if something does not hold for a text."""

    def words(self) -> list[bytes]:
        """What mutations put in."""
        return words_of(self.seeds())


@cache
def everything() -> Ruleset:
    """All rules but those of another program."""
    list(rules_of("stagelint_rules"))
    return Ruleset(REGISTRY, REGISTRY.expand(("SL", "BK", "DL")))


# -- Dockerfiles -----------------------------------------------------------------------------------


@cache
def dockerfiles() -> list[str]:
    """Those of the fixtures, and the small ones of the rules' examples."""
    found = [text_of(path) for path in sorted(FIXTURES.glob("**/Dockerfile"))]
    for rule in rules_of("stagelint_rules"):
        texts = [dedent(each.text) for each in rule.examples if "--- " not in each.text]
        found += [re.sub(r"(?m)^ *\^+ .*\n", "", text) for text in texts]
    found += [
        f"FROM debian:12 AS a\nRUN make\n{keyword}\nRUN rm /x\n" for keyword in sorted(KEYWORDS)
    ]
    return [each for each in dict.fromkeys(found) if len(each) < 3000]


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def check_parser(text: str) -> None:
    """Every character belongs to one piece, and all facts of the file can be asked for."""
    tree = parse(text)
    assert str(tree) == text
    end = 0
    for item in tree.items:
        assert item.start == end < item.end
        end = item.end
        at = item.start
        for piece in item.pieces if isinstance(item, Instruction) else ():
            assert at == piece.start <= piece.end
            at = piece.end
    assert end == len(text)
    for instruction in tree.instructions:
        logical = instruction.logical
        assert all(text[logical.offset(at)] == sign for at, sign in enumerate(logical.text))
    file = File(Source("Dockerfile", text))
    assert all(0 <= each.span.start <= each.span.end <= len(text) for each in file.problems)
    with suppress(Incomparable):
        for stage in () if file.problems else file.stages:
            Rebuild(file).steps(stage.index)


def check_fixes(text: str) -> None:
    """No rule fails, and all fixes settle and add no error.

    What they promise is proven by whoever makes them; one that fails is withheld, and may be here.
    """
    source = Source("Dockerfile", text)
    file = File(source)
    findings = lint(file, everything())
    assert all(0 <= each.span.start <= each.span.end <= max(1, len(text)) for each in findings)
    assert len(prove(file, findings)) == len(findings)
    before = {problem.kind for problem in file.problems}
    for accepts in (_is_safe, _is_any):
        once = fix(source, Options(), everything(), accepts)
        assert {problem.kind for problem in File(once.source).problems} <= before
        twice = fix(once.source, Options(), everything(), accepts)
        assert twice.source.text == once.source.text, once.source.text


def _is_safe(guarantee: Guarantee) -> bool:
    return guarantee.is_safe


def _is_any(_guarantee: Guarantee) -> bool:
    return True


@cache
def commented() -> list[str]:
    """Dockerfiles with comments for linters, and directives."""
    found = [each for each in dockerfiles() if re.search("stagelint|hadolint|check=|escape=", each)]
    return [*found, "# hadolint global ignore=DL3008, shell=bash\n# hadolint shell=x\nFROM a\n"]


def check_suppressions(text: str) -> None:
    """Every selector stands where it says; comments that silence all findings do so, and settle."""
    source = Source("Dockerfile", text)
    for each in File(source).comments.suppressions:
        assert text[each.span.start : each.span.end] == each.selector
        assert each.comment.start <= each.span.start <= each.span.end <= each.comment.end
    once = silence(source, lambda _: Options(), everything(), list)
    twice = silence(once.source, lambda _: Options(), everything(), list)
    assert twice.source.text == once.source.text, once.source.text


# -- words and scripts -----------------------------------------------------------------------------


def words() -> list[str]:
    """Words to be expanded, below the variables they speak of."""
    known = "a=x\nb=long/er.tar.gz\nempty=\n"
    forms = "$a ${b} ${a:-$b} ${c:-${b:+x}} ${b#*/} ${b%%.*} ${b/[a-z]*/x} ${b//r/\\/} ${c?no}"
    return [known + each for each in ("\"$a\"\\$b'$c'", "${b%[!a]}", *forms.split(" "), forms)]


def check_expansion(text: str) -> None:
    """Words are expanded or refused; which may be refused is known before."""
    lines = text.split("\n")
    known = dict(line.split("=", 1) for line in lines if "=" in line)
    for line in lines:
        for escape in "\\`":
            for expanded in (expand, expand_words, pieces):
                _expanded(expanded, line, known.get, escape)
        _expanded(expand_heredoc, line, known.get)
        try:
            expand(line, known.get)
        except ExpansionError:
            with suppress(ExpansionError):  # whatever the variables
                assert can_fail(line) or "${" not in line


def _expanded(function: Callable[..., object], *arguments: object) -> None:
    with suppress(ExpansionError):
        function(*arguments)


@cache
def scripts() -> list[str]:
    """The scripts of fixtures, and those of RUN in Dockerfiles."""
    found = [text_of(path) for path in sorted(FIXTURES.glob("refs-*/**/*.sh"))]
    for text in dockerfiles():
        runs = (each for each in parse(text).instructions if each.keyword == "RUN")
        found += [text[each.start + 3 : each.end].strip() for each in runs]
    return [each for each in dict.fromkeys(found) if each]


def check_shell(text: str) -> None:
    """Commands lie in the script, words in commands and parts in words, in the order of the text."""
    for command in shell.commands(text):
        assert 0 <= command.start <= command.end <= len(text)
        end = command.start
        for word in command.words:
            assert end <= word.start <= word.end <= command.end
            end = word.end
            _check_parts(text, word.parts, word.start, word.end)
        for each in (*command.assignments, *command.redirections):
            assert command.start <= each.start <= each.end <= command.end


def _check_parts(text: str, parts: tuple[Part, ...], start: int, end: int) -> None:
    for part in parts:
        assert start <= part.start <= part.end <= end
        start = part.end
        _check_parts(text, part.operand, part.start, part.end)
        assert part.kind is not Kind.TEXT or text[part.start : part.end] == part.text


# -- what a text is called decides who reads it ----------------------------------------------------


def named(path: str, text: str) -> str:
    """A file, as one text: its path is the first line."""
    return f"{path}\n{text}"


@cache
def repositories() -> dict[str, str]:
    """The files of all fixtures that name targets, by their path in their repository."""
    found: dict[str, str] = {}
    for folder in sorted(FIXTURES.glob("refs-*")):
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not name.startswith("expected/"):
                found.setdefault(name, text_of(path))
    return found


def files_that_ask() -> list[str]:
    return [named(path, text) for path, text in repositories().items() if reader_of(path)]


def check_readers(text: str) -> None:
    """Whoever reads the file, all that it finds stands in a file, where it says."""
    path, _, content = text.partition("\n")
    reader = reader_of(path)
    if reader is None or "\0" in text:
        return
    texts = repositories() | {path: content}
    files = Files("", {each: Source(each, text) for each, text in texts.items()})
    files.paths = sorted(texts)
    source = files.source(path)
    if source is None:
        return
    try:
        builds = list(reader.load()(source, files))
    except (Broken, RecursionError):
        builds = []
    files.paths = [path]
    builds += mentions(files, set())
    for build in builds:
        _check_build(build)


def _check_build(build: Build) -> None:
    assert build.where
    values = (*build.paths, *build.args, *build.contexts, *build.uncached)
    for value in (*values, *([build.target] if build.target else [])):
        _check_value(value)


def _check_value(value: Value) -> None:
    assert 0 <= value.span.start <= value.span.end <= len(value.source.text)
    assert value.may_be("build") in (True, False)
    assert value.shown is not None


def configurations() -> list[str]:
    """One of each file that says how to run."""
    toml = config_example()
    rows = [{"path": "a", "code": "SL101", "fingerprint": "x" * 16, "count": 1}]
    images = [{"name": "debian", "tag": "12", "platform": "linux/amd64", "compressed": 1}]
    hadolint = "ignored: [DL3008]\noverride: {error: [DL3009]}\ntrustedRegistries: [example.com]\n"
    return [
        named("stagelint.toml", toml),
        named("pyproject.toml", "[tool.stagelint]\n" + toml.partition("[")[0]),
        named(".hadolint.yaml", hadolint + "label-schema: {a: text}\nstrict-labels: true\n"),
        named("baseline.json", json.dumps({"version": 1, "findings": rows}, indent=1)),
        named("sizes.json", json.dumps({"version": 1, "images": images}, indent=1)),
    ]


def config_example() -> str:
    return """\
select = ["SL", "unused-stage"]
exclude = ["vendor/**/[!a-c]*", "*.old?"]
output-format = "sarif"
unsafe-fixes = true
final-base-budget = "150MB"

[targets]
"deploy/*" = ["a", 'b']
[per-file-ignores]
"**/x" = ["SL101"]
[severity]
SL101 = "error"
[build-args]
A.B = "c"
[label-schema]
"org.a" = "semver"
"""


def check_configuration(text: str) -> None:
    """A file that says how to run is read, or refused in one line that no terminal obeys."""
    path, _, content = text.partition("\n")
    name = Path(path.replace("\0", "")).name
    if name.endswith("yaml"):
        _refusable(lambda: migrate.migrate(Source(path, content), REGISTRY))
    elif name == "sizes.json":
        _refusable(lambda: sizes.rows_of(Source(path, content)))
    elif name in ("baseline.json", "stagelint.toml", "pyproject.toml"):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / name
            place.write_bytes(content.encode("utf-8", "surrogateescape"))
            load = baseline.load if name == "baseline.json" else _load
            _refusable(lambda: load(str(place)))


def _load(path: str) -> object:
    found = config.load(path)
    for file in ("a/b/c/Dockerfile", "vendor/" + "a" * 200):
        found.is_excluded(file)
        found.is_included(file)
        found.ignores_for(file)
        found.targets_for(file)
    return found


def _refusable(read: Callable[[], object]) -> None:
    try:
        read()
    except (config.ConfigError, migrate.MigrationError, baseline.BaselineError) as error:
        assert str(error).isprintable(), ascii(str(error))


# -- what decides which steps run again ------------------------------------------------------------


def ignore_files() -> list[str]:
    """Patterns of a build context."""
    found = [text_of(path) for path in sorted(FIXTURES.glob("**/*.dockerignore"))]
    return [*found, "# c\n*\n!src/**/[a-z-]*.j?\n\\a\n**/**/x*y*z\n/../b/\n[^a]\n*a*b*c*d*e*f*g*\n"]


def check_dockerignore(text: str) -> None:
    """Any path is left out or not, in time."""
    ignore = ignoring.DockerIgnore(Source(".dockerignore", text))
    for path in ("src/a/main.js", "x" * 300, "a/" * 60 + "y", "/".join("ab" * 40)):
        assert ignore.leaves_out(path) in (True, False)
        for pattern in ignore.patterns:
            globs.matches(pattern, path)


TRACED = "FROM busybox AS build\nRUN make $V\nFROM busybox\nCOPY --link --from=build /a /b\n"


def traces() -> list[str]:
    """What `docker buildx build --progress=rawjson` prints."""
    names = ["[build 1/2] FROM busybox", "[build 2/2] RUN make 1", "[stage-1 2/2] COPY /a /b"]
    began, ended = "2026-11-26T10:00:00.5Z", "2026-11-26T10:00:02.123456789Z"
    rows = [
        {
            "digest": f"sha256:{n}",
            "name": name,
            "started": began,
            "completed": ended,
            "cached": not n,
        }
        for n, name in enumerate(names)
    ]
    log = {"vertex": "sha256:1", "stream": 1, "data": "b2sK", "timestamp": began}
    told = [{"vertexes": rows[:1]}, {"vertexes": rows[1:]}, {"logs": [log]}]
    return ["\n".join(map(json.dumps, told))]


def check_trace(text: str) -> None:
    """A trace is read or refused, and tells a number of seconds of a step or nothing."""
    try:
        read = trace.Trace(text.split("\n"))
    except trace.TraceError:
        return
    file = File(Source("Dockerfile", TRACED))
    for step in Rebuild(file).steps(1):
        seconds = read.seconds(step)
        assert seconds is None or seconds >= 0


class Told(changes.Repository):
    """A repository of which git says whatever it is given."""

    def __init__(self, said: str) -> None:
        self.root = "/nowhere"
        self._said = said

    def git(self, *arguments: str) -> str:
        return self._said

    def ask(self, *arguments: str) -> tuple[int, str, str]:
        return 0, self._said, self._said


def told_by_git() -> list[str]:
    """A log and a difference of names, and patches."""
    patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +3 @@\n-a\n-b\n+c\n\\ No newline\n"
    quoted = (
        'diff --git "a/\\303\\251" b/x\n--- /dev/null\n+++ "b/\\303\\t\\""\n@@ -0,0 +1 @@\n+a\n'
    )
    log = f"\x01{'0' * 40}\0\na/b\0c\nd\0\x01{'a' * 64}\0\nx\0"
    return [log, patch + quoted, "a\0b\nc\0", "100644 blob abc\ta\0"]


def check_git(text: str) -> None:
    """Whatever git says, names of files come of it."""
    told = Told(text)
    names = [name for commit in commits.last(told, 9) for name in commit.names]
    names += commits.unlike(told, "x")
    assert all(isinstance(name, str) for name in names)
    assert commits.text(told, "x", "y") == text
    for name, changed in changes.read_patch(text):
        told.full(name.replace("\0", ""))
        assert changed.touches(1, 2) in (True, False)


TARGETS = {
    "parser": Target(dockerfiles, check_parser),
    "expansion": Target(words, check_expansion),
    "shell": Target(scripts, check_shell),
    "fixes": Target(dockerfiles, check_fixes),
    "suppressions": Target(commented, check_suppressions),
    "configuration": Target(configurations, check_configuration),
    "readers": Target(files_that_ask, check_readers),
    "dockerignore": Target(ignore_files, check_dockerignore),
    "trace": Target(traces, check_trace),
    "git": Target(told_by_git, check_git),
}
