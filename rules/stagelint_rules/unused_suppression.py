from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix
from stagelint.model import File
from stagelint.model.rewriting import remove
from stagelint.model.suppressions import Suppression
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span


class UnusedSuppression(Rule):
    """A `# stagelint: ignore[...]` that silences nothing.

    It hides the next real finding in its place. The fix removes the selector, and the comment
    when it was the last one; a reason written behind it goes with it.
    """

    code = "SL001"
    severity = Severity.INFO
    late = True
    examples = (
        Bad(
            """
            # stagelint: ignore[SL101] somebody's target
                                ^^^^^ unused suppression: `SL101` finds nothing here
            FROM alpine
            """,
            fixed="""
            FROM alpine
            """,
        ),
        Bad(
            """
            FROM alpine AS base
            # stagelint: ignore[SL108, unused-stag]
                                       ^^^^^^^^^^^ unused suppression: no rule is called `unused-stag`
            FROM base AS base
            """,
            fixed="""
            FROM alpine AS base
            # stagelint: ignore[SL108]
            FROM base AS base
            """,
        ),
        Good(
            """
            FROM alpine AS base
            # stagelint: ignore[SL108] taken over on purpose
            FROM base AS base
            """,
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        unused = [suppression for suppression, _ in file.unused_suppressions]
        for suppression, reason in file.unused_suppressions:
            siblings = [each for each in file.suppressions if each.comment == suppression.comment]
            yield self.finding(
                file,
                suppression.span,
                f"unused suppression: {reason}",
                fix=_fix(file, suppression, [each for each in siblings if each not in unused]),
            )


def _fix(file: File, suppression: Suppression, used: list[Suppression]) -> Fix:
    """Take the unused selectors of the comment away, all at once."""
    text = file.source.text
    line = suppression.comment
    if used:
        start = text.index("[", line.start) + 1
        end = text.index("]", start)
        selectors = ", ".join(each.selector for each in used)
        return Fix("Remove the selectors without use", (Edit(Span(start, end), selectors),))
    title = "Remove the comment"
    item = next((each for each in file.tree.items if each.span == line), None)
    return Fix(title, (remove(file, [item]) if item else Edit(line),))
