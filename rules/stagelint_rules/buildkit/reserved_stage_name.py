from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.rewriting import rename
from stagelint.model.stages import RESERVED
from stagelint.rule import Bad, Finding, Good, Rule


class ReservedStageName(Rule):
    """A stage called `scratch` or `context`.

    These names mean the empty base and the build context, so a FROM does not find the stage. The fix
    gives it another name; a `--target` in use elsewhere has to follow. BuildKit's own check
    `ReservedStageName`.
    """

    code = "BK006"
    aliases = ("ReservedStageName", "DL3063")
    words = ("scratch", "context")
    examples = (
        Bad(
            """
            FROM alpine AS context
                           ^^^^^^^ `context` has a meaning of its own to builders
            FROM scratch
            COPY --from=context /a /a
            """,
            fixed="""
            FROM alpine AS context-stage
            FROM scratch
            COPY --from=context-stage /a /a
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM alpine AS contexts
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            if stage.name in RESERVED and stage.name_span:
                taken = {each.name for each in file.stages}
                names = (f"{stage.name}-stage{number or ''}" for number in count())
                name = next(name for name in names if name not in taken)
                edits = rename(file, stage, name)
                fix = Fix(f"Rename the stage to `{name}`", edits, Guarantee.BEHAVIOUR)
                message = f"`{stage.name}` has a meaning of its own to builders"
                yield self.finding(file, stage.name_span, message, fix=fix, stage=stage)
