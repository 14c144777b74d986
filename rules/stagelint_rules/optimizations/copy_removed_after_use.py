from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File, cost
from stagelint.model.binding import Binding, bind
from stagelint.model.gains import Gain
from stagelint.model.mounting import add_mounts
from stagelint.model.passing import Brought, Passing, passings
from stagelint.model.rewriting import take_away
from stagelint.model.run_editing import without_path
from stagelint.model.stages import Stage
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity
from stagelint.source import Span


class CopyRemovedAfterUse(Rule):
    """What a COPY brings is removed by a RUN, and ships in the layer of the COPY all the same.

    Every host that runs the image fetches it, though no container can see it: wheels that another
    stage has built are often the larger part of an image.

    The fix has the one RUN that needs the files mount them, `RUN --mount=type=bind`, and takes the
    `rm` out, which would fail. A RUN that builds in the folder may write there: what it writes is gone
    afterwards. A real build, as `--verify` makes, gives the same files: what BuildKit creates to mount
    on, it takes away again. It is not fixed where more than that RUN may need the files, where
    something else may be in their place, and where a program of which nothing is known is told of them
    or runs among them: it might move or remove them, which is not possible with a mount.

    Archives that a RUN unpacks are for `archive-beside-contents`.
    """

    code = "SL310"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    words = ("rm",)
    examples = (
        Bad(
            """
            FROM python:3.13-slim
            COPY --from=build /wheels /wheels
                              ^^^^^^^ `/wheels` stays in this layer, though a RUN removes it
            RUN pip install --no-cache-dir /wheels/*.whl && rm -rf /wheels
            """,
            fixed="""
            FROM python:3.13-slim
            RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \\
                pip install --no-cache-dir /wheels/*.whl
            """,
            unsafe=True,
        ),
        Good(
            """
            FROM debian:trixie AS build
            COPY list.txt /tmp/
            RUN xargs apt-get install -y < /tmp/list.txt && rm /tmp/list.txt
            FROM debian:trixie
            COPY app.zip /tmp/
            RUN unzip /tmp/app.zip -d /opt && rm /tmp/app.zip
            COPY --from=build /out /opt/out
            RUN rm -rf /opt/out/tests
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in () if file.is_huge else self.stages(file):
            for passing in passings(file.histories[stage.index].own):
                yield self._passing(file, stage, passing)

    def _passing(self, file: File, stage: Stage, passing: Passing) -> Finding:
        bound = bind(file, passing)
        fix = None if isinstance(bound, str) else _mounted(file, passing, bound)
        note = bound if isinstance(bound, str) else ""
        if fix is None and not note:
            note = "`rm` cannot be taken out of what the RUN does"
        first, *others = passing.brought
        related = [passing.remover.instruction.code_span, *map(_span, others)]
        said = ("this removes it", *("this brings some of it, too" for _ in others))
        sizes = [cost.brought(file, each.source.value) for each in _of_context(passing.brought)]
        return self.finding(
            file,
            _span(first),
            f"`{passing.path}` stays in this layer, though a RUN removes it",
            stage=stage,
            fix=fix,
            note=f"not fixed: {note}" if note else "",
            related=tuple(
                Related(file.source, span, text) for span, text in zip(related, said, strict=True)
            ),
            gain=Gain(
                shipped=cost.added([*sizes, *[None] * (len(passing.brought) - len(sizes))]),
                ships_less=True,
                layers=sum(1 for _, is_all in _by_copy(passing.brought) if is_all),
            ),
            holds=(f"nothing else needs `{passing.path}` (checked)",) if fix else (),
        )


def _span(brought: Brought) -> Span:
    node, source = brought.copy.instruction, brought.source
    return node.logical.span(source.start, source.end)


def _of_context(brought: Sequence[Brought]) -> list[Brought]:
    return [each for each in brought if not each.copy.instruction.flag("from")]


def _by_copy(brought: Sequence[Brought]) -> Iterator[tuple[list[Brought], bool]]:
    """What each COPY brings of it, and whether that is all that it brings."""
    copies = {id(each.copy): each.copy for each in brought}
    for copy in copies.values():
        of_it = [each for each in brought if each.copy is copy]
        yield of_it, len(of_it) == len(copy.instruction.arguments) - 1


def _mounted(file: File, passing: Passing, bound: Binding) -> Fix | None:
    gone = without_path(file, passing.remover, passing.removal, passing.path)
    if gone is None:
        return None
    mount = add_mounts(bound.run.instruction, bound.options(), file.source.newline)
    title = f"Mount `{posixpath.basename(passing.path)}` for the RUN that needs it"
    return Fix(title, (*_taken(file, passing.brought), mount, gone), Guarantee.SAME_IMAGE)


def _taken(file: File, brought: Sequence[Brought]) -> Iterator[Edit]:
    """Edits that take what is *brought* out of its COPYs, or away with them."""
    for of_it, is_all in _by_copy(brought):
        node = of_it[0].copy.instruction
        if is_all:
            yield take_away(file, [node])
            continue
        for source in (each.source for each in of_it):
            after = node.arguments[node.arguments.index(source) + 1].start
            yield Edit(Span(node.logical.offset(source.start), node.logical.offset(after)))
