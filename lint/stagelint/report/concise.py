"""The concise text format: one line a finding, which editors and `grep` understand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stagelint.report.parts import mark, painted_code, painted_place
from stagelint.report.terminal import Style, escape
from stagelint.rule import Finding


def render(findings: Iterable[Finding], *, color: bool, unsafe: bool) -> Iterator[str]:
    """`path:line:column: severity code [*] message` for each finding, without newlines."""
    style = Style(color)
    for finding in findings:
        parts = (
            painted_place(finding, style),
            painted_code(finding, style),
            mark(finding, style, unsafe=unsafe),
            escape(finding.message),
        )
        yield " ".join(part for part in parts if part)
