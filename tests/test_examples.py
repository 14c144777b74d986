"""Every example of every rule is a test."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent

import pytest
from _pytest.mark import ParameterSet

from stagelint import discover
from stagelint.arguments import parse
from stagelint.catalogue import unmarked
from stagelint.edit import Guarantee, apply
from stagelint.engine import fix, lint, lint_project
from stagelint.model import File, Options
from stagelint.project import project
from stagelint.registry import Ruleset, rules_of
from stagelint.rule import Bad, Finding, Good, Rule
from stagelint.session import Session, options_of
from stagelint.sizes import shipped
from stagelint.source import Source

RULES = list(rules_of("stagelint_rules"))


def cases(*, of_repositories: bool) -> list[ParameterSet]:
    return [
        pytest.param(rule, example, id=f"{rule.name()}-{type(example).__name__.lower()}-{number}")
        for rule in RULES
        for number, example in enumerate(rule.examples, 1)
        if of_repositories == dedent(example.text).startswith("\n--- ")
    ]


def needed(rule: type[Rule]) -> list[type[Rule]]:
    """A rule about suppressions needs the others to have spoken."""
    return RULES if rule.late else [rule]


def mark(rule: type[Rule], source: Source, options: Options) -> str:
    found = lint(File(source, options), Ruleset.of(needed(rule)))
    return marked_with(source, [each for each in found if each.code == rule.code])


def marked_with(source: Source, findings: Iterable[Finding]) -> str:
    marks: dict[int, str] = {}
    for finding in findings:
        line, column = source.position(finding.span.start)
        end = min(finding.span.end, source.line_span(line).end)
        carets = "^" * max(1, end - finding.span.start)
        marks[line] = marks.get(line, "") + f"{' ' * (column - 1)}{carets} {finding.message}\n"
    lines = source.text.splitlines(True)
    return "".join(line + marks.get(number, "") for number, line in enumerate(lines, 1))


def fixed(rule: type[Rule], source: Source, options: Options, *, unsafe: bool) -> str:
    def accepts(guarantee: Guarantee) -> bool:
        return unsafe or guarantee.is_safe

    result = fix(source, options, Ruleset.of(needed(rule)), accepts)
    assert result.withheld == []
    return result.source.text


def made(finding: Finding) -> str:
    """What its fix makes of the file that it lies in."""
    assert finding.fix
    return apply(finding.source.text, [finding.fix])[0]


def files(text: str) -> dict[str, str]:
    """Those of a repository that is written as one text, by name."""
    _, *parts = re.split(r"^--- (.*)\n", dedent(text), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize(("rule", "example"), cases(of_repositories=True))
def test_example_with_a_repository(
    rule: type[Rule], example: Good | Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    marked = files(example.text)
    for name, text in marked.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(unmarked(text))
        path.chmod(0o644)  # whatever the umask is

    session = Session(parse(example.arguments.split())[1])
    repository = project(".", File)
    found = list(lint_project(repository, Ruleset.of([rule])))
    expected = files(example.fixed or "") if isinstance(example, Bad) else {}
    for source in (discover.read(name) for name in marked if discover.is_dockerfile(name)):
        options = session.options_for(source)._replace(project=lambda: repository, sizes=shipped)
        file = File(source, options)
        found += lint(file, Ruleset.of([rule]))
        after = expected.get(source.path, source.text)
        assert fixed(rule, source, options, unsafe=True) == after
        is_safe = isinstance(example, Bad) and not example.unsafe
        assert fixed(rule, source, options, unsafe=False) == (after if is_safe else source.text)

    beside = {each.source.path: each for each in found if each.fix and each.source.path in expected}
    for name, text in expected.items():
        if not discover.is_dockerfile(name):
            assert made(beside[name]) == text
    for name, text in marked.items():
        source = Source.from_bytes(name, Path(name).read_bytes())
        here = [each for each in found if each.source.path == name]
        assert marked_with(source, here) == text


@pytest.mark.parametrize(("rule", "example"), cases(of_repositories=False))
def test_example(rule: type[Rule], example: Good | Bad) -> None:
    marked = dedent(example.text).lstrip("\n")
    source = Source("Dockerfile", unmarked(marked))
    options = options_of(parse(example.arguments.split())[1], source)._replace(sizes=shipped)

    assert mark(rule, source, options) == marked
    if isinstance(example, Bad):
        expected = dedent(example.fixed).lstrip("\n") if example.fixed else source.text
        assert fixed(rule, source, options, unsafe=True) == expected
        safely = source.text if example.unsafe else expected
        assert fixed(rule, source, options, unsafe=False) == safely
