"""The full text format: every finding with its lines, the reason and the cure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stagelint.edit import Fix
from stagelint.model.roles import Role
from stagelint.report.excerpt import excerpt
from stagelint.report.parts import is_applicable, mark, painted_code, painted_place, place
from stagelint.report.terminal import Style, escape
from stagelint.rule import Finding

#: Related places shown of one finding.
MAX_RELATED = 10


def render(findings: Iterable[Finding], *, color: bool, unsafe: bool) -> Iterator[str]:
    """The lines, without newlines, that show *findings* in the order given; each ends in a blank one.

    *unsafe* says that `--fix` would apply unsafe fixes too. Everything that stems from a file is
    escaped.
    """
    style = Style(color)
    for finding in findings:
        yield _header(finding, style, unsafe=unsafe)
        width, lines = excerpt(finding.source, finding.span, style, finding.severity)
        yield from lines
        bullet = f"{'':{width}} {style.frame('=')}"
        for label, text in _remarks(finding, unsafe=unsafe):
            yield f"{bullet} {style.bold(label)}: {escape(text)}"
        yield ""


def _header(finding: Finding, style: Style, *, unsafe: bool) -> str:
    parts = [
        painted_place(finding, style),
        painted_code(finding, style),
        f"{style.bold(finding.name)}:",
        escape(finding.message),
        mark(finding, style, unsafe=unsafe),
        style.dim(_whereabouts(finding)),
    ]
    return " ".join(part for part in parts if part)


def _whereabouts(finding: Finding) -> str:
    """The stage, if it does not ship and the message does not speak of it anyway."""
    if finding.stage is None or finding.role not in (Role.BUILDER, Role.TARGET):
        return ""
    name = f"`{finding.stage}`"
    return "" if name in finding.message else f"(in {escape(name)}, which does not ship)"


def _remarks(finding: Finding, *, unsafe: bool) -> Iterator[tuple[str, str]]:
    """What is said below the lines, each with its label."""
    if finding.why:
        yield "why", finding.why
    if finding.fix:
        yield "fix", f"{finding.fix.title} ({_applied_by(finding.fix, unsafe=unsafe)})"
    if finding.note:
        yield "note", finding.note
    if finding.url:
        yield "see", finding.url
    for related in finding.related[:MAX_RELATED]:
        yield "related", f"{place(related.source, related.span)}: {related.message}"
    if len(finding.related) > MAX_RELATED:
        yield "related", f"and {len(finding.related) - MAX_RELATED} more"


def _applied_by(fix: Fix, *, unsafe: bool) -> str:
    if fix.guarantee.is_safe:
        return "safe: --fix applies it"
    if is_applicable(fix, unsafe=unsafe):
        return f"{fix.guarantee}: --fix applies it"
    if fix.guarantee.is_shown_by_a_build:
        return f"{fix.guarantee}: --fix --verify applies it"
    return f"--unsafe-fixes applies it: {fix.guarantee}"
