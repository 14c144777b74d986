"""Findings as tests that fail, in the XML of JUnit: a suite a file, a test a finding."""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.report.interchange import NAME, Run, by_path, message, remarks
from stagelint.report.xml_text import DECLARATION, escaped, start
from stagelint.rule import Finding

PACKAGE = f"org.{NAME}"


def render(run: Run) -> Iterator[str]:
    """The lines of one XML document. A run without findings is one test that passes."""
    suites = by_path(run.findings)
    count = len(run.findings)
    yield DECLARATION
    total = {"name": NAME, "tests": count or 1, "failures": count, "errors": 0}
    yield f"{start('testsuites', total)}>"
    for path, findings in suites.items():
        yield f"  {start('testsuite', _suite(path, len(findings), len(findings)))}>"
        for finding in findings:
            yield from _case(path, finding)
        yield "  </testsuite>"
    if not suites:
        yield f"  {start('testsuite', _suite(NAME, 1, 0))}>"
        yield f"    {start('testcase', {'name': 'no findings', 'classname': NAME})}/>"
        yield "  </testsuite>"
    yield "</testsuites>"


def _suite(name: str, tests: int, failures: int) -> dict[str, object]:
    counts = {"tests": tests, "failures": failures, "errors": 0}
    return {"name": name, "package": PACKAGE, **counts}


def _case(path: str, finding: Finding) -> Iterator[str]:
    line, column = finding.source.position(finding.span.start)
    case = {"name": f"{PACKAGE}.{finding.code}", "classname": path, "line": line, "column": column}
    said = {"message": message(finding), "type": finding.severity.value}
    text = "\n".join((f"line {line}, column {column}: {message(finding)}", *remarks(finding)))
    yield f"    {start('testcase', case)}>"
    yield f"      {start('failure', said)}>{escaped(text)}</failure>"
    yield "    </testcase>"
