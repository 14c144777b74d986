from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix
from stagelint.model import File
from stagelint.model.rewriting import remove
from stagelint.model.suppressions import Owner, Suppression
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span
from stagelint.syntax.nodes import Item


class UnusedSuppression(Rule):
    """A `# stagelint: ignore[...]`, or one of another linter, that silences nothing.

    It hides the next real finding in its place. The fix removes the selector, and the comment
    when it was the last one; a reason written behind it goes with it. It speaks of
    `# hadolint ignore=...` and of BuildKit's `# check=skip=...` as well, also of those that their
    owners pass over without a word. The directive `# check=` is part of the build: no fix changes it.
    """

    code = "SL001"
    words = ("stagelint", "hadolint", "skip")
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
                                       ^^^^^^^^^^^ unused suppression: no rule is called `unused-stag`; did you mean `unused-stage`?
            FROM base AS base
            """,
            fixed="""
            FROM alpine AS base
            # stagelint: ignore[SL108]
            FROM base AS base
            """,
        ),
        Bad(
            """
            # hadolint ignore=DL9999,SC1091 # as it was
                              ^^^^^^ unused suppression: no rule is called `DL9999`
            FROM alpine
            """,
            fixed="""
            # hadolint ignore=SC1091 # as it was
            FROM alpine
            """,
        ),
        Bad(
            """
            # hadolint ignore DL3006
            ^^^^^^^^^^^^^^^^^^^^^^^^ unused suppression: hadolint does not read this; it reads `# hadolint ignore=DL3006`, and a reason after another `#`
            FROM alpine
            """
        ),
        Bad(
            """
            # check=skip=StageNamesCasing
                         ^^^^^^^^^^^^^^^^ unused suppression: BuildKit has no check called `StageNamesCasing`; did you mean `StageNameCasing`?
            FROM alpine
            """
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
        fixes = _fixes(file) if file.unused_suppressions else {}
        for suppression, reason in file.unused_suppressions:
            yield self.finding(
                file,
                suppression.span,
                f"unused suppression: {reason}",
                fix=fixes.get(suppression.comment),
            )
        for mistake in file.unread_comments:
            yield self.finding(file, mistake.span, f"unused suppression: {mistake.message}")


def _fixes(file: File) -> dict[Span, Fix]:
    """Take the unused selectors of a comment away, all at once; by where the comment stands."""
    unused = {suppression for suppression, _ in file.unused_suppressions}
    comments: dict[Span, list[Suppression]] = {}
    for each in file.comments.suppressions:
        comments.setdefault(each.comment, []).append(each)
    items = {item.span: item for item in file.tree.items}
    return {
        line: _fix(file, selectors, [each for each in selectors if each not in unused], items)
        for line, selectors in comments.items()
        if not unused.isdisjoint(selectors)
        and not (selectors[0].owner is Owner.BUILDKIT and selectors[0].scope is None)
    }


def _fix(
    file: File, selectors: list[Suppression], used: list[Suppression], items: dict[Span, Item]
) -> Fix:
    first, last, line = selectors[0].span, selectors[-1].span, selectors[0].comment
    if used:
        comma = file.source.text[first.end : selectors[1].span.start]
        edit = Edit(Span(first.start, last.end), comma.join(each.selector for each in used))
        return Fix("Remove the selectors without use", (edit,))
    item = items.get(line)
    return Fix("Remove the comment", (remove(file, [item]) if item else Edit(line),))
