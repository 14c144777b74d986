from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.graph import EdgeKind, Reference
from stagelint.model.naming import purpose
from stagelint.model.rewriting import by_name, refer, remove, territory
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Rule, Severity


class UnusedStage(Rule):
    """A stage that no known target needs.

    Whoever reads the file has to find out that it does not matter. The last stage is a target, and
    so is what `--target`, `targets` in the configuration or `# stagelint: target` above a FROM
    name. BuildKit skips an unused stage; the classic builder and kaniko build it in vain.

    In a git repository, so are the targets that its other files ask for: Compose, Bake, GitHub
    Actions, Makefiles, scripts. A named stage that none of them can mean, of a file that some of
    them build, is almost certainly left over. `stagelint refs` shows who asks for what.

    Nobody can ask for a stage without a name, so an unused one is dead, and the fix removes it; a
    number that would shift becomes a name. A named stage may be somebody's `--target`, and a stage
    that tests was meant to run, so they are removed with `--unsafe-fixes` only.
    """

    code = "SL101"
    settings = ("targets", "ships")
    examples = (
        Bad(
            """
            FROM golang
            RUN go build -o /app

            # nobody copies from this one
            FROM alpine
            ^^^^^^^^^^^ stage 1 is not needed by any target, and cannot be asked for by name
            RUN apk add curl

            FROM scratch
            COPY --from=0 /app /app
            """,
            fixed="""
            FROM golang
            RUN go build -o /app

            FROM scratch
            COPY --from=0 /app /app
            """,
        ),
        Bad(
            """
            FROM alpine
            ^^^^^^^^^^^ stage 0 is not needed by any target, and cannot be asked for by name
            FROM golang
            RUN go build -o /app
            FROM scratch
            COPY --from=1 /app /app
            """,
            fixed="""
            FROM golang AS build
            RUN go build -o /app
            FROM scratch
            COPY --from=build /app /app
            """,
        ),
        Bad(
            """
            ARG BASE=debian
            FROM alpine
            ^^^^^^^^^^^ stage 0 is not needed by any target, and cannot be asked for by name
            FROM golang
            RUN go build -o /app
            FROM $BASE
            COPY --from=1 /app /app
            """,
            fixed="""
            ARG BASE=debian
            FROM golang
            RUN go build -o /app
            FROM $BASE
            COPY --from=0 /app /app
            """,
        ),
        Bad(
            """
            FROM alpine AS tools
            ^^^^^^^^^^^^^^^^^^^^ stage `tools` is needed only if somebody builds it by name
            FROM scratch
            COPY app /app
            """,
            fixed="""
            FROM scratch
            COPY app /app
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM golang
            ^^^^^^^^^^^ stage 0 is not needed by any target, and cannot be asked for by name
            RUN go test ./...
            FROM scratch
            COPY app /app
            """,
            fixed="""
            FROM scratch
            COPY app /app
            """,
            unsafe=True,
        ),
        Good(
            """
            # stagelint: target
            FROM alpine AS dev
            FROM scratch
            COPY app /app
            """
        ),
        Good(
            """
            ARG VARIANT=release
            FROM golang AS build-release
            FROM golang AS build-debug
            FROM build-$VARIANT
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        needed = file.graph.may_need(*file.shipped)
        if len(needed) == len(file.stages):
            return  # most files: the repository need not be read
        needed |= file.graph.may_need(*file.asked)
        unused = [stage for stage in file.stages if stage.index not in needed]
        if not unused:
            return
        selectable = {stage.index for stage in unused if file.table.selectable(stage)}
        alive = needed | file.graph.may_need(*selectable)
        shared = _TriggersMayCopy(file, unused)
        for stage in unused:
            if stage.index in alive:
                yield self._somebodys_target(file, stage, selectable)
            else:
                yield self._dead(file, stage, shared.stage)

    def _somebodys_target(self, file: File, stage: Stage, selectable: set[int]) -> Finding:
        in_vain = file.options.dialect.builds_all_up_to_target
        certain, reason = (False, "") if file.is_huge else _is_left_over(file, stage, selectable)
        if in_vain:
            builder = file.options.dialect.title
            message = f"stage `{stage.label}` is not needed, and {builder} builds it in vain"
        elif certain:
            message = (
                f"stage `{stage.label}` is not needed, and no file of the repository asks for it"
            )
        elif file.table.selectable(stage):
            message = f"stage `{stage.label}` is needed only if somebody builds it by name"
        else:
            message = f"stage `{stage.label}` is needed only by stages that no known target needs"
        fix, note = _removal(file, stage, Guarantee.BEHAVIOUR)
        return self.finding(
            file,
            stage.opening.code_span,
            message,
            severity=Severity.WARNING if in_vain or certain else Severity.INFO,
            stage=stage,
            fix=fix,
            note=note or reason or "declare it with `# stagelint: target` above the FROM if it is",
            certain=certain,
        )

    def _dead(self, file: File, stage: Stage, heir: Stage | None) -> Finding:
        if stage.raw_name is None:
            message = (
                f"stage {stage.index} is not needed by any target, and cannot be asked for by name"
            )
        else:
            message = f"stage `{stage.label}` is not needed, and a later one has taken its name"
        reason = ""
        if heir:
            reason = f"`FROM {heir.base.raw}` may bring an ONBUILD that copies by number"
        elif purpose(stage) == "test":
            reason = "its tests look as if they were meant to run; name the stage, and build it"
        guarantee = Guarantee.BEHAVIOUR if reason else _of_removal(file)
        fix, note = _removal(file, stage, guarantee)
        if reason and not note:
            note = f"not safe: {reason}"
        return self.finding(
            file,
            stage.opening.code_span,
            message,
            severity=Severity.INFO if heir else None,
            stage=stage,
            fix=fix,
            note=note,
        )


def _is_left_over(file: File, stage: Stage, selectable: set[int]) -> tuple[bool, str]:
    """Is it certain that no file of the repository asks for *stage*, or for what needs it?

    If not, why. The stages that have a name to be asked for are *selectable*.
    """
    requests = file.requests
    if requests is None:
        return False, ""
    for index in _users(file, stage.index) & selectable:
        build = requests.perhaps_for(file.stages[index].name or "")
        if build:
            verb = "mentions" if build.is_hint else "may ask for"
            return False, f"{build.where} {verb} it"
    return requests.are_known, ""


def _of_removal(file: File) -> Guarantee:
    """Some builders build even what nothing needs: then steps vanish, and the image is the same."""
    in_vain = file.options.dialect.builds_all_up_to_target
    return Guarantee.SAME_IMAGE if in_vain else Guarantee.SAME_BUILD


def _removal(file: File, stage: Stage, guarantee: Guarantee) -> tuple[Fix | None, str]:
    """The fix that removes *stage* and all that needs it, or why there is none."""
    if file.is_huge:  # to look at all others for each stage would cost their square
        return None, "not fixed: the file is larger than any that people write"
    gone = _users(file, stage.index)
    shifted = [
        reference
        for index, references in file.graph.by_index.items()
        if index > min(gone) and index not in gone
        for reference in references
        if reference.stage not in gone
    ]
    # Where a variable in a FROM could mean the name a stage would get, the number is changed.
    numbered = [each for each in shifted if _name_could_be_taken(file, each)]
    edits = by_name(file, (each for each in shifted if not _name_could_be_taken(file, each)))
    if isinstance(edits, str):
        return None, f"not fixed: numbers would shift, and {edits}"
    removals = tuple(remove(file, territory(file, file.stages[index])) for index in sorted(gone))
    title = f"Remove the stage `{stage.label}`" + (" and what needs it" if len(gone) > 1 else "")
    renumbering = tuple(
        refer(each, str((each.needs or 0) - sum(index < (each.needs or 0) for index in gone)))
        for each in numbered
    )
    return Fix(title, removals + edits + renumbering, guarantee), ""


def _name_could_be_taken(file: File, reference: Reference) -> bool:
    stage = file.stages[reference.needs or 0]
    if stage.raw_name is not None or reference.kind is EdgeKind.ONBUILD:
        return False
    return file.naming.captured_by(stage) is not None


def _users(file: File, stage: int) -> set[int]:
    """*stage* and every stage that needs it."""
    found: set[int] = set()
    pending = [stage]
    while pending:
        index = pending.pop()
        if index not in found:
            found.add(index)
            pending += file.graph.used_by(index)
    return found


class _TriggersMayCopy:
    """Finds a stage above whose base image may bring an ONBUILD that copies by number."""

    def __init__(self, file: File, unused: list[Stage]) -> None:
        first = min(stage.index for stage in unused)
        self.stage = next(
            (
                stage
                for stage in file.stages[first + 1 :]
                if stage.base.stage is None
                and not stage.base.is_scratch
                and not any(stage.by_keyword("COPY", "RUN"))
            ),
            None,
        )
