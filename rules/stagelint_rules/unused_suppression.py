from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix
from stagelint.model import File
from stagelint.model.rewriting import remove
from stagelint.model.suppressions import Owner, Suppression
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span


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
        unused = [suppression for suppression, _ in file.unused_suppressions]
        for suppression, reason in file.unused_suppressions:
            yield self.finding(
                file,
                suppression.span,
                f"unused suppression: {reason}",
                fix=_fix(file, suppression, unused),
            )
        for mistake in file.unread_comments:
            yield self.finding(file, mistake.span, f"unused suppression: {mistake.message}")


def _fix(file: File, suppression: Suppression, unused: list[Suppression]) -> Fix | None:
    """Take the unused selectors of the comment away, all at once."""
    if suppression.owner is Owner.BUILDKIT and suppression.scope is None:
        return None
    text, line = file.source.text, suppression.comment
    all_of_it = [each for each in file.comments.suppressions if each.comment == line]
    used = [each for each in all_of_it if each not in unused]
    if used:
        first, last = all_of_it[0].span, all_of_it[-1].span
        comma = text[first.end : all_of_it[1].span.start]
        selectors = comma.join(each.selector for each in used)
        edit = Edit(Span(first.start, last.end), selectors)
        return Fix("Remove the selectors without use", (edit,))
    title = "Remove the comment"
    item = next((each for each in file.tree.items if each.span == line), None)
    return Fix(title, (remove(file, [item]) if item else Edit(line),))
