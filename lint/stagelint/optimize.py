"""The driver of optimizations: one at a time, what gains most first, each proven before the next."""

from __future__ import annotations

from collections.abc import Callable

from stagelint import engine
from stagelint.edit import Guarantee
from stagelint.model.file import File, Options
from stagelint.model.gains import Gain
from stagelint.registry import Ruleset
from stagelint.rule import Finding
from stagelint.source import Source

#: No file has so much to gain; what goes on longer is a defect.
MOST = 100


def order(finding: Finding) -> tuple[tuple[float, ...], str, int]:
    """Least for what gains most; of the same gain, by file, and what stands first in it."""
    gain = finding.gain or Gain()
    return tuple(-each for each in gain.order), finding.source.path, finding.span.start


def fix(
    source: Source,
    options: Options,
    ruleset: Ruleset,
    accepts: Callable[[Guarantee], bool],
    options_for: Callable[[Source], Options],
) -> engine.Fixed:
    """Make every change whose guarantee *accepts* takes, one after the other.

    What is left is worked out anew after each, so that one may build on what another made. A text
    that was there before is not come back to; a change that is not proven is withheld.
    """
    applied: list[Finding] = []
    withheld: dict[tuple[str, str], engine.Withheld] = {}
    unjudged = 0
    seen = {source.text}
    while len(applied) < MOST:
        file = File(source, options)
        fixable = [
            each
            for each in engine.lint(file, ruleset)
            if each.fix and each.source is source and accepts(each.fix.guarantee) and _gains(each)
        ]
        for finding in sorted(fixable, key=order):
            text, reason, is_judged = engine.one(file, finding)
            if reason is None and text not in seen:
                break
            if reason is not None:
                withheld[finding.code, finding.message] = engine.Withheld(finding, reason)
        else:
            break
        seen.add(text)
        applied.append(finding)
        unjudged += not is_judged
        source = Source(source.path, text)
        options = options_for(source)
    return engine.Fixed(source, applied, list(withheld.values()), unjudged)


def _gains(finding: Finding) -> bool:
    """Is it worth a change? What builds the same may be for the reader alone."""
    if finding.fix and finding.fix.guarantee.is_safe:
        return True
    return finding.gain is None or any(finding.gain.order)
