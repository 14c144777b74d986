from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.graph import EdgeKind
from stagelint.model.rewriting import refer, rename_stage
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Related, Rule, Severity


class DuplicateStageName(Rule):
    """Two stages of one name.

    BuildKit takes the last of them for `--target` and `--from`, kaniko the first, and the classic
    builder refuses the file; a FROM in between means the one above it. The fix renames the earlier
    stage and the FROMs that mean it.
    """

    code = "SL108"
    examples = (
        Bad(
            """
            FROM alpine AS base
            FROM base AS tools
            FROM debian AS base
                           ^^^^ stage 0 is called `base` too
            COPY --from=tools /a /a
            """,
            fixed="""
            FROM alpine AS base-0
            FROM base-0 AS tools
            FROM debian AS base
            COPY --from=tools /a /a
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM alpine AS base
            FROM base AS tools
            COPY a /a
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        seen: dict[str, Stage] = {}
        for stage in file.stages:
            if stage.name is None or not stage.name_span:
                continue
            earlier = seen.get(stage.name)
            seen[stage.name] = stage
            if earlier is None:
                continue
            fatal = file.options.dialect.duplicate_wins == "error"
            yield self.finding(
                file,
                stage.name_span,
                f"stage {earlier.index} is called `{stage.name}` too",
                severity=Severity.ERROR if fatal else None,
                fix=_fix(file, earlier),
                stage=stage,
                related=(Related(file.source, earlier.opening.code_span, "the earlier one"),),
            )


def _fix(file: File, earlier: Stage) -> Fix:
    """Rename the *earlier* stage and every FROM that means it."""
    taken = {stage.name for stage in file.stages}
    taken |= {each.raw.lower() for each in file.graph.references if each.needs is None}
    names = (f"{earlier.name}-{number}" for number in range(earlier.index, len(taken) + 99999))
    name = next(each for each in names if each not in taken)
    edits = [rename_stage(earlier, name)]
    for reference in file.graph.references:
        if reference.needs == earlier.index and reference.kind is EdgeKind.BASE:
            edits.append(refer(reference, name))
    return Fix(f"Rename stage {earlier.index} to `{name}`", tuple(edits), Guarantee.BEHAVIOUR)
