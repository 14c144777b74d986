from __future__ import annotations

from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.lookups import in_flag, in_words
from stagelint.rule import Bad, Finding, Good, Rule
from stagelint.syntax.characters import nearest


class UndefinedArgInFrom(Rule):
    """A variable in a FROM that no ARG above the first FROM declares.

    It is always empty, whatever a builder is given. A FROM sees neither the ARGs of a stage nor any
    ENV; it sees the platform, such as `$TARGETARCH`. A default, as in `${A:-b}`, does not change that
    nobody can set it. If a declared one is called nearly so, the fix takes that. BuildKit's own check
    `UndefinedArgInFrom`.
    """

    code = "BK010"
    aliases = ("UndefinedArgInFrom",)
    words = ("$",)
    examples = (
        Bad(
            """
            ARG VERSION=3.22
            FROM alpine:$VERSON
                        ^^^^^^^ no ARG above the first FROM declares `VERSON` (did you mean `VERSION`?)
            """,
            fixed="""
            ARG VERSION=3.22
            FROM alpine:$VERSION
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM alpine
            ARG TAG=1
            FROM --platform=${PLATFORM:-linux/amd64} app:$TAG
                            ^^^^^^^^^^^^^^^^^^^^^^^^ no ARG above the first FROM declares `PLATFORM`
                                                         ^^^^ no ARG above the first FROM declares `TAG`
            """
        ),
        Good(
            """
            ARG TAG
            FROM --platform=$BUILDPLATFORM app:${TAG:-1}-$TARGETARCH
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        declared = file.globals.declared
        for stage in file.stages:
            node = stage.opening
            for name, span in (*in_flag(node, "platform"), *in_words(node, node.arguments[:1])):
                if name in declared:
                    continue
                near = next(iter(nearest(name, sorted(declared))), None)
                hint = f" (did you mean `{near}`?)" if near else ""
                text = file.source.text[span.start : span.end]
                fix = None
                # an ARG may be called what no `$` can name
                if near and text.count(name) == 1 and near.isidentifier() and near.isascii():
                    edit = Edit(span, text.replace(name, near))
                    fix = Fix(f"Write `{near}`", (edit,), Guarantee.BEHAVIOUR)
                message = f"no ARG above the first FROM declares `{name}`{hint}"
                yield self.finding(file, span, message, fix=fix, stage=stage, aliases=("BK009",))
