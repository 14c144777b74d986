"""The last lines of the text formats, and the statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stagelint.report.parts import is_applicable, plural
from stagelint.report.terminal import Style
from stagelint.rule import Finding, Severity
from stagelint.tuples import NamedTuple


class Fixed(NamedTuple):
    """What fixing came to: findings gone, and fixes withheld since they could not be proven."""

    findings: int
    withheld: int = 0


def render(
    findings: Sequence[Finding], *, color: bool, unsafe: bool, fixed: Fixed | None = None
) -> Iterator[str]:
    """The lines, without newlines, that sum up *findings*, which are those left if it was fixed."""
    style = Style(color)
    if fixed and fixed.findings:
        yield f"Fixed {plural(fixed.findings, 'finding')}, {len(findings) or 'none'} left."
    elif findings:
        yield _found(findings)
    else:
        yield "All checks passed."
    text = offer(findings, unsafe=unsafe, fixing=fixed is not None)
    if text:
        yield text.replace("[*]", style.cyan("[*]"))
    if fixed and fixed.withheld:
        fixes = plural(fixed.withheld, "fix")
        yield style.red(f"{fixes} withheld: the proof failed, please report this.")


def _found(findings: Sequence[Finding]) -> str:
    files = len({finding.source.path for finding in findings})
    parts = by_severity(findings)
    return f"Found {plural(len(findings), 'finding')} ({parts}) in {plural(files, 'file')}."


def by_severity(findings: Sequence[Finding]) -> str:
    """`1 error, 2 warnings, 1 info`: how many there are of each severity, worst first."""
    counts = dict.fromkeys(Severity, 0)
    for finding in findings:
        counts[finding.severity] += 1
    return ", ".join(_counted(count, severity) for severity, count in counts.items() if count)


def _counted(count: int, severity: Severity) -> str:
    if severity in (Severity.ERROR, Severity.WARNING):
        return plural(count, severity)
    return f"{count} {severity}"


def offer(findings: Sequence[Finding], *, unsafe: bool, fixing: bool) -> str:
    """What could be fixed, empty if nothing. A run that fixes has done what it may, so `--fix` is no offer then."""
    fixes = [finding.fix for finding in findings if finding.fix]
    ready = sum(is_applicable(fix, unsafe=unsafe) for fix in fixes)
    left = [fix.guarantee for fix in fixes if not is_applicable(fix, unsafe=unsafe)]
    shown = sum(guarantee.is_shown_by_a_build for guarantee in left)
    others = {"--fix --verify": shown, "--unsafe-fixes": len(left) - shown}
    more = [(count, option) for option, count in others.items() if count]
    if ready and not fixing:
        rest = ", ".join(f"{count} more with {option}" for count, option in more)
        return f"[*] {ready} fixable with --fix{f' ({rest})' if rest else ''}."
    return " ".join(f"{count} fixable with {option}." for count, option in more)


class _Count:
    """How often a code was found, and how many of its findings `--fix` would mend."""

    def __init__(self, finding: Finding) -> None:
        self.code = finding.code
        self.name = finding.name
        self.found = 0
        self.applicable = 0

    @property
    def mark(self) -> str:
        if not self.applicable:
            return "[ ]"
        return "[*]" if self.applicable == self.found else "[-]"


def statistics(findings: Sequence[Finding], *, unsafe: bool = False) -> Iterator[str]:
    """Count, code and name of every code found, most first, in the columns of `ruff --statistics`.

    `[*]` says that `--fix` mends all of them, `[-]` some; without any the column is left out.
    """
    counts: dict[str, _Count] = {}
    for finding in findings:
        count = counts.setdefault(finding.code, _Count(finding))
        count.found += 1
        count.applicable += is_applicable(finding.fix, unsafe=unsafe)
    if not counts:
        return
    ranked = sorted(counts.values(), key=lambda count: (-count.found, count.code))
    digits = len(str(ranked[0].found))
    width = max(map(len, counts))
    marked = any(count.applicable for count in ranked)
    for count in ranked:
        mark = f"{count.mark} " if marked else ""
        yield f"{count.found:>{digits}}\t{count.code:<{width}}\t{mark}{count.name}"
