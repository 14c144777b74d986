from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.rewriting import rename
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Related, Rule, Severity


class DuplicateStageName(Rule):
    """Two stages of one name.

    Which of them a name means depends on the builder and the place. BuildKit takes the last one for
    `--target` and `--from`, kaniko the first, and the classic builder refuses the file; a FROM in
    between means the one above it. The fix renames the earlier stage and the FROMs that mean it.
    """

    code = "SL108"
    aliases = ("BK005", "DuplicateStageName", "DL3024")
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
        if len({stage.name for stage in file.stages}) == len(file.stages):
            return
        seen: dict[str, Stage] = {}
        taken = {stage.name for stage in file.stages}
        taken |= {each.raw.lower() for each in file.graph.references if each.needs is None}
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
                fix=_fix(file, earlier, taken),
                stage=stage,
                related=(Related(file.source, earlier.opening.code_span, "the earlier one"),),
            )


def _fix(file: File, earlier: Stage, taken: set[str | None]) -> Fix:
    """Rename the *earlier* stage, to what is not *taken*, and all that means it."""
    name = next(
        name for number in count(earlier.index) if (name := f"{earlier.name}-{number}") not in taken
    )
    title = f"Rename stage {earlier.index} to `{name}`"
    return Fix(title, rename(file, earlier, name), Guarantee.BEHAVIOUR)
