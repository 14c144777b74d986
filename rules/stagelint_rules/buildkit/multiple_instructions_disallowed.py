from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix
from stagelint.model import File
from stagelint.model.heirs import replacements
from stagelint.model.rewriting import remove
from stagelint.rule import Bad, Finding, Good, Related, Rule
from stagelint.syntax.nodes import PieceKind

_ONCE = ("CMD", "ENTRYPOINT", "HEALTHCHECK")


class MultipleInstructionsDisallowed(Rule):
    """A CMD, ENTRYPOINT or HEALTHCHECK that a later one of the stage replaces.

    Only the last one holds; whoever reads the first is misled. It stands at each but the last;
    hadolint names the later ones instead. The fix removes it. BuildKit's own check
    `MultipleInstructionsDisallowed`; SL209 knows more that has no effect.
    """

    code = "BK014"
    aliases = ("MultipleInstructionsDisallowed", "DL3012", "DL4003", "DL4004")
    words = ("cmd", "entrypoint", "healthcheck")
    examples = (
        Bad(
            """
            FROM alpine
            CMD ["a"]
            ^^^^^^^^^ this `CMD` does not hold: another one follows
            RUN b
            CMD ["b"]
            """,
            fixed="""
            FROM alpine
            RUN b
            CMD ["b"]
            """,
        ),
        Good(
            """
            FROM alpine AS a
            CMD ["a"]
            FROM a
            CMD ["b"]
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for each, later in replacements(stage):
                if each.keyword not in _ONCE:
                    continue
                has_comment = bool(each.spans(PieceKind.COMMENT))
                fix = Fix(f"Remove the {each.keyword}", (remove(file, [each]),))
                yield self.finding(
                    file,
                    each.code_span,
                    f"this `{each.keyword}` does not hold: another one follows",
                    fix=None if has_comment else fix,
                    note="not fixed: there are comments in it" if has_comment else "",
                    stage=stage,
                    related=(Related(file.source, later.code_span, "this one holds"),),
                )
