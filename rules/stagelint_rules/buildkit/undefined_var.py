from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.expansion import UNKNOWN
from stagelint.model.families import WITHOUT_VARIABLES
from stagelint.model.lookups import Lookup, lookups
from stagelint.model.moments import Moment
from stagelint.model.scope import PLATFORM_ARGS
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.syntax.characters import nearest
from stagelint.syntax.nodes import Instruction


class UndefinedVar(Rule):
    """A variable that nothing sets.

    The builder puts nothing in its place, and says no word. An ARG is seen only after an `ARG NAME` of
    the stage itself, also one of the platform such as `TARGETARCH`. A base image may set any variable:
    the rule speaks of stages upon `scratch` or upon one of the plain systems of which it is known that
    they set `PATH` alone. The script of a RUN is the shell's. BuildKit's own check `UndefinedVar`.
    """

    code = "BK017"
    aliases = ("UndefinedVar",)
    words = ("$",)
    examples = (
        Bad(
            """
            FROM alpine
            ARG VERSION=1
            COPY app-$VERSON /app
                     ^^^^^^^ nothing sets `$VERSON` (did you mean `$VERSION`?)
            """,
            fixed="""
            FROM alpine
            ARG VERSION=1
            COPY app-$VERSION /app
            """,
            unsafe=True,
        ),
        Bad(
            """
            ARG VERSION=1
            FROM scratch
            LABEL version=$VERSION
                          ^^^^^^^^ nothing sets `$VERSION` (it needs an `ARG VERSION` in this stage)
            """
        ),
        Good(
            """
            FROM python:3.13
            ENV PATH=$GEM_HOME/bin:$PATH
            FROM alpine
            ARG TARGETARCH
            COPY app-$TARGETARCH /app
            RUN echo $NOTHING
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in file.stages:
            for moment in file.moments(stage):
                said: set[str] = set()
                for each in lookups(moment.instruction):
                    if _is_set_by(moment.instruction, each):
                        continue
                    if each.name not in said and _is_undefined(file, stage, moment, each.name):
                        said.add(each.name)
                        yield self._says(file, stage, moment, each)

    def _says(self, file: File, stage: Stage, moment: Moment, found: Lookup) -> Finding:
        name, span = found
        hint, fix = "", None
        near = next(iter(nearest(name, sorted(_known(file, moment)))), None)
        text = file.source.text[span.start : span.end]
        if name in PLATFORM_ARGS or name in file.globals.declared:
            hint = f" (it needs an `ARG {name}` in this stage)"
        elif near:
            hint = f" (did you mean `${near}`?)"
            # an ARG may be called what no `$` can name
            if text.count(name) == 1 and near.isidentifier() and near.isascii():
                edit = Edit(span, text.replace(name, near))
                fix = Fix(f"Write `${near}`", (edit,), Guarantee.BEHAVIOUR)
        message = f"nothing sets `${name}`{hint}"
        severity = Severity.INFO if file.is_rejected else None
        return self.finding(file, span, message, severity=severity, fix=fix, stage=stage)


def _is_set_by(node: Instruction, found: Lookup) -> bool:
    """Does an ARG itself declare the variable in front of the place where it is looked up?"""
    return node.keyword == "ARG" and any(
        pair.key == found.name and node.logical.offset(pair.start) < found.span.start
        for pair in node.pairs
    )


def _is_undefined(file: File, stage: Stage, moment: Moment, name: str) -> bool:
    if name == "PATH" or moment.declares(name):
        return False
    value = moment.variable(name)
    if value is not UNKNOWN:
        return value is None
    image = file.histories[stage.index].image
    return image is not None and image.family.path in WITHOUT_VARIABLES


def _known(file: File, moment: Moment) -> set[str]:
    """The names in force at *moment*."""
    stages = file.chain(moment.stage)
    pairs = (
        pair.key
        for stage in stages
        for each in stage.by_keyword("ARG", "ENV")
        if stage is not moment.stage or each.start < moment.instruction.start
        for pair in each.pairs
    )
    return set(pairs)
