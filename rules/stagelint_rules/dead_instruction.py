from __future__ import annotations

from collections.abc import Iterator, Sequence

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.heirs import AT_RUN_TIME, may_end_the_build, replacements, variables
from stagelint.model.rewriting import remove
from stagelint.model.roles import Role
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Related, Rule
from stagelint.syntax.nodes import Instruction, PieceKind

#: They say something of the image alone; a WORKDIR makes a folder, USER and SHELL are for RUN.
CONFIG = ("CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "STOPSIGNAL", "VOLUME")

#: Why an instruction that seems to want an ARG cannot see it.
WHY_BLIND = {
    **{each: f"{each} runs in the container, which has no ARG" for each in AT_RUN_TIME},
    "FROM": "a FROM sees only an ARG before the first FROM",
}
OUTSIDE = "a stage sees it only after an `ARG` of its own that names it"


class DeadInstruction(Rule):
    """An instruction without an effect on any image or step.

    Whoever reads it takes it for something that holds. It is dead if

    - a later CMD, ENTRYPOINT, HEALTHCHECK or STOPSIGNAL of the same stage replaces it,
    - it is one of those or EXPOSE, LABEL or VOLUME, and no image that can be asked for has it: its
      stage has no name, or one that a later stage takes, and is not the last; and what is built on
      that stage replaces it, or cannot be asked for either. An ENTRYPOINT resets the CMD that its
      stage inherits,
    - it is an ENV of such a stage, or an ARG of any, and no later RUN, no expansion and no stage
      built on it can read it. Any RUN may read any variable,
    - it is an ARG before the first FROM, and neither a FROM nor the `ARG NAME` of a stage takes it.

    A stage with a name can be somebody's `--target`, so its config is never dead; nor is that of any
    stage to builders that keep an image of each. A WORKDIR makes a folder. Nothing is said of stages
    that nobody can ask for (SL101), nor of variables that builders know, such as `HTTP_PROXY`. What a
    script makes of the text of the file, say to find a version, is not known.

    The fix removes the instruction. Files and config stay the same; an ARG or CMD leaves a line in
    the history of its image, so that of a target may get another digest. It is not safe where a file
    of the repository gives a value for the ARG, since the builder would complain, nor for a CMD that
    a child resets, which leaves `ArgsEscaped` in the config. There is none for an ARG that something
    wants and cannot see: a stage sees one from before the first FROM only after an `ARG NAME` of its
    own, a FROM sees none of a stage, and CMD, ENTRYPOINT and HEALTHCHECK, which run in the container,
    see none at all. An expansion that can fail, as `${NAME:?}` does, is an effect. (BuildKit v0.25.2,
    tried.)
    """

    code = "SL209"
    examples = (
        Bad(
            """
            FROM golang
            EXPOSE 8080
            ^^^^^^^^^^^ `EXPOSE` has no effect: no image that can be asked for has it
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
            ^^^^^^^^^^ `CMD` has no effect: another one follows
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
            ^^^^^^^^^^^^^^^^^^^^ `ARG` has no effect: no FROM and no stage takes `RELEASE`
            FROM debian
            ARG VERSION
            LABEL version=$VERSION
            ARG DATE
            ^^^^^^^^ `ARG` has no effect: nothing below can read `DATE`
            ARG DATE=today
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
            ARG VERSION=1
            ^^^^^^^^^^^^^ `ARG` has no effect: no FROM and no stage takes `VERSION`
            FROM debian
            RUN curl https://example.com/app-$VERSION.tgz
            ARG PORT=80
            ^^^^^^^^^^^ `ARG` has no effect: nothing below can read `PORT`
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
            ARG CHECKED=${TAGS:?must be given}
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
        Bad(
            """
            FROM golang
            ENV CGO_ENABLED=0
            RUN go build -o /app
            ENV CGO_ENABLED=1
            ^^^^^^^^^^^^^^^^^ `ENV` has no effect: no image that can be asked for has it
            FROM scratch
            COPY --from=0 /app /app
            """,
            fixed="""
            FROM golang
            ENV CGO_ENABLED=0
            RUN go build -o /app
            FROM scratch
            COPY --from=0 /app /app
            """,
        ),
        Bad(
            """
            FROM debian AS build
            CMD ["bash"]
            ^^^^^^^^^^^^ `CMD` has no effect: no image that can be asked for has it
            LABEL vendor=us
            FROM build AS build
            ENTRYPOINT ["app"]
            """,
            fixed="""
            FROM debian AS build
            LABEL vendor=us
            FROM build AS build
            ENTRYPOINT ["app"]
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM node AS build
            EXPOSE 3000
            CMD ["npm", "start"]
            RUN npm ci
            FROM nginx
            COPY --from=build /dist /usr/share/nginx/html
            """
        ),
        Good(
            """
            FROM golang
            LABEL stage=build
            VOLUME /cache
            RUN go build -o /app
            FROM scratch
            COPY --from=0 /app /app
            """,
            arguments="--dialect classic",
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        if not file.is_read or file.is_rejected:
            return
        for arg in file.globals.instructions:
            if not file.heirs.is_taken(arg):
                why = f"no FROM and no stage takes {_named(arg)}"
                yield from self._says(file, None, [arg], why)
        for stage in file.stages:
            for each in self._dead(file, stage):
                if each.role is not Role.UNUSED or file.table.selectable(stage):
                    yield each

    def _dead(self, file: File, stage: Stage) -> Iterator[Finding]:
        for each, later in replacements(stage):
            holds = Related(file.source, later.code_span, "this one holds")
            yield from self._says(
                file, stage, [each], "another one follows", holds, aliases=("BK014",)
            )
        for args in file.heirs.unread_args(stage):
            why = f"nothing below can read {_named(args[0])}"
            yield from self._says(file, stage, args, why)
        for each in file.heirs.unheld(stage, CONFIG):
            yield from self._says(file, stage, [each], "no image that can be asked for has it")

    def _says(
        self,
        file: File,
        stage: Stage | None,
        dead: Sequence[Instruction],
        why: str,
        *related: Related,
        aliases: tuple[str, ...] = (),
    ) -> Iterator[Finding]:
        if not any(map(may_end_the_build, dead)):
            fix, note = _removal(file, stage, dead)
            message = f"`{dead[0].keyword}` has no effect: {why}"
            span = dead[0].code_span
            yield self.finding(
                file,
                span,
                message,
                fix=fix,
                note=note,
                stage=stage,
                related=related,
                aliases=aliases,
            )


def _named(arg: Instruction) -> str:
    return " or ".join(f"`{name}`" for name in variables(arg))


def _removal(
    file: File, stage: Stage | None, dead: Sequence[Instruction]
) -> tuple[Fix | None, str]:
    """The fix that removes them, or why there is none, or no safe one."""
    if any(each.spans(PieceKind.COMMENT) for each in dead):
        return None, "not fixed: there are comments in it"
    first = dead[0]
    fix = Fix(f"Remove the {first.keyword}", tuple(remove(file, [each]) for each in dead))
    unsafe = fix._replace(guarantee=Guarantee.BEHAVIOUR)
    if first.keyword == "ARG":
        blind = file.heirs.looks_for(stage, first)
        if blind:
            return None, f"not fixed: {WHY_BLIND.get(blind.keyword, OUTSIDE)}"
        given = file.requests and file.requests.giving(variables(first))
        if given:
            return unsafe, f"not safe: {given.where} gives it, and the builder would complain"
    elif stage and file.heirs.leaves_a_trace(stage, first):
        return unsafe, "not safe: images built on it would lose `ArgsEscaped`, which Windows reads"
    return fix, ""
