from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.heirs import AT_RUN_TIME, mentions, replaced
from stagelint.model.project import Build
from stagelint.model.rewriting import remove
from stagelint.model.roles import Role
from stagelint.model.scope import PLATFORM_ARGS
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Related, Rule, Severity
from stagelint.syntax.nodes import Instruction, PieceKind

#: They say something of the image alone; a WORKDIR makes a folder, USER and SHELL are for RUN.
CONFIG = ("CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "STOPSIGNAL", "VOLUME")

#: Variables with a meaning to the builder, or to every program.
BUILDERS_OWN = re.compile(
    r"(?:HTTPS?|FTP|NO|ALL)_PROXY|(?:BUILDKIT|BUILDX|DOCKER)_\w+|SOURCE_DATE_EPOCH|TARGETSTAGE",
    re.IGNORECASE,
)

#: Expansions that end the build for some values.
MAY_FAIL = re.compile(r"\$\{\w+(?::?\?|[#%/])")


class DeadInstruction(Rule):
    """An instruction without an effect on any image or step.

    Whoever reads it takes it for something that holds. It is dead if

    - a later CMD, ENTRYPOINT, HEALTHCHECK or STOPSIGNAL of the same stage replaces it,
    - it is one of those or EXPOSE, LABEL or VOLUME in a stage that is only copied from, or every
      stage that is built on it replaces it: an ENTRYPOINT also resets the CMD that it inherits,
    - it is an ARG, or an ENV of such a stage, and no later RUN, no expansion and no stage built on
      it can read it. Any RUN may read any variable,
    - it is an ARG before the first FROM, and neither a FROM nor the `ARG NAME` of a stage takes it.

    A stage with a name can be somebody's `--target`, and then its config counts. So in a builder
    with a name this is only worth knowing, and the fix is not safe. A CMD, ENTRYPOINT or HEALTHCHECK
    there is left alone if any text of the repository seems to ask for the stage. Nothing is said of stages that nothing needs (SL101), nor of ARGs
    that mean something to the builder, such as `HTTP_PROXY` and `SOURCE_DATE_EPOCH`.

    The fix removes the instruction. Files and config stay the same, but an ARG, too, leaves a line
    in the history of the image, so its digest may change. Where the ARG seems to be
    meant for something that cannot see it, there is no fix: a stage sees one from before the first
    FROM only after an `ARG NAME` of its own, a FROM sees none of a stage, and CMD, ENTRYPOINT and
    HEALTHCHECK, which run in the container, see none at all. (BuildKit v0.25.2, tried.)
    """

    code = "SL209"
    examples = (
        Bad(
            """
            FROM golang
            EXPOSE 8080
            ^^^^^^^^^^^ EXPOSE has no effect: stage 0 is only copied from, and cannot be built by name
            RUN go build -o /app

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
            CMD ["sh"]
            ^^^^^^^^^^ CMD has no effect, since another one follows
            RUN apk add app
            CMD ["app"]
            """,
            fixed="""
            FROM alpine
            RUN apk add app
            CMD ["app"]
            """,
        ),
        Bad(
            """
            ARG VERSION=1
            ARG RELEASE=bookworm
            ^^^^^^^^^^^^^^^^^^^^ ARG has no effect: no FROM and no stage takes `RELEASE`
            FROM debian
            ARG VERSION
            LABEL version=$VERSION
            ARG DATE
            ^^^^^^^^ ARG has no effect: nothing below can read `DATE`
            CMD ["bash"]
            """,
            fixed="""
            ARG VERSION=1
            FROM debian
            ARG VERSION
            LABEL version=$VERSION
            CMD ["bash"]
            """,
        ),
        Bad(
            """
            FROM node AS build
            RUN npm ci
            EXPOSE 3000
            ^^^^^^^^^^^ EXPOSE has no effect unless somebody builds the stage `build` by its name
            FROM nginx
            COPY --from=build /dist /usr/share/nginx/html
            """,
            fixed="""
            FROM node AS build
            RUN npm ci
            FROM nginx
            COPY --from=build /dist /usr/share/nginx/html
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian AS base
            CMD ["bash"]
            ^^^^^^^^^^^^ CMD has no effect unless somebody builds the stage `base` by its name
            FROM base
            ENTRYPOINT ["app"]
            """,
            fixed="""
            FROM debian AS base
            FROM base
            ENTRYPOINT ["app"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            ARG VERSION=1
            ^^^^^^^^^^^^^ ARG has no effect: no FROM and no stage takes `VERSION`
            FROM debian
            RUN curl https://example.com/app-$VERSION.tgz
            ARG PORT=80
            ^^^^^^^^^^^ ARG has no effect: nothing below can read `PORT`
            CMD app --port $PORT
            """
        ),
        Good(
            """
            FROM golang
            ENV CGO_ENABLED=0
            ARG TAGS
            RUN go build -o /app
            ARG HTTP_PROXY
            WORKDIR /src

            FROM scratch AS debug
            CMD ["/app"]
            ENTRYPOINT ["/debugger"]

            FROM debug
            ENV PORT=80
            COPY --from=0 /app /app
            """,
            arguments="--target debug",
        ),
        Good(
            """
            ARG BASE=prod
            FROM alpine AS prod
            CMD ["app"]
            FROM alpine AS dev
            CMD ["app", "--debug"]
            FROM $BASE
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        if file.is_rejected:
            return
        yield from self._globals(file)
        for stage in file.stages:
            undone = dict(replaced(stage))
            for instruction, later in undone.items():
                yield self._replaced(file, stage, instruction, later)
            if stage.index in file.heirs.open:
                continue
            for instruction in stage.by_keyword("ARG"):
                yield from self._arg(file, stage, instruction)
            for instruction in stage.by_keyword("ENV", *CONFIG):
                if instruction not in undone:
                    yield from self._config(file, stage, instruction)

    def _replaced(
        self, file: File, stage: Stage, instruction: Instruction, later: Instruction
    ) -> Finding:
        fix, note = _removal(file, instruction)
        return self.finding(
            file,
            instruction.code_span,
            f"{instruction.keyword} has no effect, since another one follows",
            fix=fix,
            note=note,
            stage=stage,
            related=(Related(file.source, later.code_span, "this one holds"),),
        )

    def _config(self, file: File, stage: Stage, instruction: Instruction) -> Iterator[Finding]:
        heirs = file.heirs.keep(stage, instruction.keyword)
        ends = file.shipped | ({*range(len(file.stages))} if _all_are_targets(file) else set())
        if not ends.isdisjoint(heir.index for heir in heirs) or _counts(file, instruction):
            return
        names = [pair.key for pair in instruction.pairs if instruction.keyword == "ENV"]
        if names and file.heirs.read(stage, instruction, names):
            return
        targets = [heir for heir in heirs if file.table.selectable(heir)]
        if any(not file.graph.used_by(target.index) for target in targets):
            return  # it has no other use than to be a target
        if file.role_of(stage) is Role.UNUSED or any(each.index in file.asked for each in targets):
            return
        if not targets:
            yield self._of_builder(file, stage, instruction)
            return
        asking = _perhaps_asking(file, targets)
        if asking is None or instruction.keyword not in AT_RUN_TIME:
            yield self._of_target(file, stage, instruction, targets, asking)

    def _of_builder(self, file: File, stage: Stage, instruction: Instruction) -> Finding:
        fix, note = _removal(file, instruction)
        why = "cannot be built by name" if stage.name is None else "a later one has its name"
        known = f"`{stage.name}`" if stage.name else str(stage.index)
        message = f"{instruction.keyword} has no effect: stage {known} is only copied from, and {why}"
        return self.finding(file, instruction.code_span, message, fix=fix, note=note, stage=stage)

    def _of_target(
        self,
        file: File,
        stage: Stage,
        instruction: Instruction,
        targets: list[Stage],
        asking: Build | None,
    ) -> Finding:
        fix, note = _removal(file, instruction, Guarantee.BEHAVIOUR)
        why = f"{asking.where} may ask for it" if asking else "the image of that build would differ"
        names = " or ".join(f"`{each.name}`" for each in targets)
        many = "one of the stages" if len(targets) > 1 else "the stage"
        return self.finding(
            file,
            instruction.code_span,
            f"{instruction.keyword} has no effect unless somebody builds {many} {names} by its name",
            severity=Severity.INFO,
            fix=fix,
            note=note or f"not safe: {why}",
            stage=stage,
            certain=False,
        )

    def _arg(self, file: File, stage: Stage, instruction: Instruction) -> Iterator[Finding]:
        names = [pair.key for pair in instruction.pairs]
        if _is_for_the_builder(instruction) or file.heirs.read(stage, instruction, names):
            return
        if file.role_of(stage) is Role.UNUSED:
            return
        fix, note = _removal_of_arg(file, instruction)
        below = file.heirs.after(stage, instruction)
        blind = [each for each in below if each.keyword in AT_RUN_TIME and mentions(each, names)]
        openings = [each.opening for each in file.stages[stage.index + 1 :]]
        if blind:
            fix, note = None, f"{blind[0].keyword} runs in the container, which has no ARG"
        elif any(mentions(each, names) for each in openings):
            fix, note = None, "a FROM sees only an ARG before the first FROM"
        yield self.finding(
            file,
            instruction.code_span,
            f"ARG has no effect: nothing below can read {_listed(names)}",
            fix=fix,
            note=note,
            stage=stage,
        )

    def _globals(self, file: File) -> Iterator[Finding]:
        for instruction in file.globals.instructions:
            names = {pair.key for pair in instruction.pairs}
            if names & PLATFORM_ARGS or _is_for_the_builder(instruction) or _taken(file, names):
                continue
            fix, note = _removal_of_arg(file, instruction)
            if any(mentions(each, names) for stage in file.stages for each in stage.instructions):
                fix, note = None, "a stage sees it only after an `ARG` of its own that names it"
            yield self.finding(
                file,
                instruction.code_span,
                f"ARG has no effect: no FROM and no stage takes {_listed([*names])}",
                fix=fix,
                note=note,
            )


def _listed(names: list[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


def _all_are_targets(file: File) -> bool:
    return file.options.dialect.target_by_index


def _counts(file: File, instruction: Instruction) -> bool:
    """Does a builder but BuildKit see it in a stage that is only copied from?

    They keep an image of each stage, and throw away what a RUN changes in a volume.
    """
    is_buildkit = file.options.dialect.name == "buildkit"
    return not is_buildkit and instruction.keyword in ("LABEL", "VOLUME")


def _perhaps_asking(file: File, targets: list[Stage]) -> Build | None:
    """A build that may be one of *targets*, though nobody can tell by reading."""
    for target in targets if file.requests else ():
        build = file.requests.perhaps_for(target.name or "") if file.requests else None
        if build:
            return build
    return None


def _is_for_the_builder(arg: Instruction) -> bool:
    return bool(MAY_FAIL.search(arg.rest)) or any(
        BUILDERS_OWN.fullmatch(pair.key) or not pair.key.isidentifier() for pair in arg.pairs
    )


def _taken(file: File, names: set[str]) -> bool:
    """Does a FROM, another ARG before the first, or the ARG of a stage take one of *names*?"""
    openings = [stage.opening for stage in file.stages]
    if any(mentions(each, names) for each in (*openings, *file.globals.instructions)):
        return True
    if any("onbuild" in stage.base.raw for stage in file.stages):
        return True
    return any(
        pair.key in names
        for stage in file.stages
        for each in (*stage.by_keyword("ARG"), *stage.triggers)
        for pair in each.pairs
    )


def _removal_of_arg(file: File, arg: Instruction) -> tuple[Fix | None, str]:
    names = {pair.key for pair in arg.pairs}
    for build in file.requests.builds if file.requests else ():
        if any(given.text in names for given in build.args):
            fix, note = _removal(file, arg, Guarantee.BEHAVIOUR)
            return fix, note or f"not safe: {build.where} gives it, and the builder would complain"
    return _removal(file, arg)


def _removal(
    file: File, instruction: Instruction, guarantee: Guarantee = Guarantee.SAME_BUILD
) -> tuple[Fix | None, str]:
    """The fix that removes *instruction*, or why there is none."""
    if any(piece.kind is PieceKind.COMMENT for piece in instruction.pieces):
        return None, "not fixed: there are comments in it"
    note = ""
    if guarantee.is_safe and "$" in instruction.rest and instruction.keyword not in ("ARG", "CMD"):
        checked = instruction.keyword in ("STOPSIGNAL", "EXPOSE", "VOLUME")
        if checked or MAY_FAIL.search(instruction.rest):
            guarantee = Guarantee.BEHAVIOUR
            note = "not safe: some values of its variables would end the build"
    edits = (remove(file, [instruction]),)
    return Fix(f"Remove the {instruction.keyword}", edits, guarantee), note
