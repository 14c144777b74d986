"""What the text formats have in common."""

from __future__ import annotations

from stagelint.edit import Fix
from stagelint.report.terminal import Style, escape
from stagelint.rule import Finding
from stagelint.source import Source, Span


def place(source: Source, span: Span) -> str:
    """`path:line:column` of the start of *span*, fit for a terminal."""
    line, column = source.position(span.start)
    return f"{escape(source.path)}:{line}:{column}"


def painted_place(finding: Finding, style: Style) -> str:
    """The place of *finding*, its path set off from the numbers."""
    line, column = finding.source.position(finding.span.start)
    colon = style.cyan(":")
    return f"{style.bold(escape(finding.source.path))}{colon}{line}{colon}{column}{colon}"


def painted_code(finding: Finding, style: Style) -> str:
    """Severity and code; the colour only repeats what the word says."""
    return style.severity(f"{finding.severity} {finding.code}", finding.severity)


def is_applicable(fix: Fix | None, *, unsafe: bool) -> bool:
    """Would `--fix` apply it, given whether `--unsafe-fixes` is on?"""
    return fix is not None and (unsafe or fix.guarantee.is_safe)


def mark(finding: Finding, style: Style, *, unsafe: bool) -> str:
    """`[*]` if `--fix` would apply the fix of *finding*, else nothing."""
    return style.cyan("[*]") if is_applicable(finding.fix, unsafe=unsafe) else ""


def plural(count: int, noun: str) -> str:
    """`1 finding`, `2 findings`, `2 fixes`: a count and a regular noun."""
    ending = "" if count == 1 else "es" if noun.endswith("x") else "s"
    return f"{count} {noun}{ending}"


def human(size: int) -> str:
    """A number of bytes: `5 B`, `1.2 kB`, `3.4 MB`."""
    value, units = float(size), iter(("B", "kB", "MB", "GB", "TB"))
    unit = next(units)
    while value >= 999.95 and unit != "TB":
        value, unit = value / 1000, next(units)
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"
