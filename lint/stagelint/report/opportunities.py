"""What `stagelint optimize` finds, and what it did, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stagelint.edit import Fix
from stagelint.model import byte_counts
from stagelint.model.gains import Amount, Gain
from stagelint.optimize import order
from stagelint.report import summary
from stagelint.report.parts import painted_place, plural
from stagelint.report.terminal import Style, escape
from stagelint.rule import Finding


def render(
    findings: Iterable[Finding], *, color: bool, unsafe: bool, fixed: summary.Fixed | None = None
) -> Iterator[str]:
    """The lines, without newlines, that list *findings*, what gains most first."""
    style = Style(color)
    ranked = sorted(findings, key=order)
    for number, finding in enumerate(ranked, 1):
        yield from _opportunity(number, finding, style)
    if fixed and fixed.findings:
        yield f"Made {plural(fixed.findings, 'change')}, {plural(len(ranked), 'finding')} left."
    elif ranked:
        files = len({each.source.path for each in ranked})
        fixes = sum(each.fix is not None for each in ranked)
        found = "1 opportunity" if len(ranked) == 1 else f"{len(ranked)} opportunities"
        yield f"Found {found} in {plural(files, 'file')}, {fixes or 'none'} with a fix."
    else:
        yield "Nothing to gain was found."
    offer = summary.offer(ranked, unsafe=unsafe, fixing=fixed is not None)
    if offer:
        yield offer


def _opportunity(number: int, finding: Finding, style: Style) -> Iterator[str]:
    title = style.bold(f"{finding.code} {finding.name}")
    yield f"{number}. {painted_place(finding, style)} {title}"
    yield f"   {escape(finding.message)}"
    rows = [("saves", said(finding.gain))] if finding.gain else []
    if finding.fix:
        rows.append(("fix", f"{finding.fix.title} ({finding.fix.guarantee})"))
    rows += [("holds" if not at else "", each) for at, each in enumerate(finding.holds)]
    if finding.note:
        rows.append(("note", finding.note))
    for name, text in rows:
        label = f"{name}:" if name else ""
        yield f"   {style.cyan(f'{label:<6}')} {escape(text)}"
    yield ""


def made(findings: Sequence[Finding]) -> Iterator[str]:
    """A line for each change that was made, in order."""
    for number, finding in enumerate(findings, 1):
        fix: Fix | None = finding.fix
        if fix:
            gain = f": {said(finding.gain)}" if finding.gain else ""
            line = f"{number}. {fix.title} ({finding.code}, {fix.guarantee}){gain}"
            yield escape(line)


def said(gain: Gain) -> str:
    """`368 MB shipped (catalogue), 1 layer, 2 steps after a change of ...`; what is not known says so."""
    parts: list[str] = []
    if gain.shipped:
        parts.append(f"{_bytes(gain.shipped)} shipped ({gain.shipped.known})")
    elif gain.ships_less:
        parts.append("bytes shipped (how many is unknown)")
    if gain.layers:
        parts.append(plural(gain.layers, "layer"))
    if gain.context:
        parts.append(f"{_bytes(gain.context)} sent to the builder ({gain.context.known})")
    if gain.steps:
        time = ""
        if gain.seconds:
            least = "at least " if gain.seconds.at_least else ""
            time = f", {least}{gain.seconds.value:.1f} s ({gain.seconds.known})"
        after = f" after {gain.when}" if gain.when else ""
        parts.append(f"{plural(gain.steps, 'step')}{after}{time}")
    if gain.faster:
        parts.append("time of a step that runs again (how much is unknown)")
    return ", ".join(parts) or "nothing that can be counted"


def _bytes(amount: Amount) -> str:
    shown = byte_counts.rounded(int(amount.value))
    return f"at least {shown}" if amount.at_least else shown
