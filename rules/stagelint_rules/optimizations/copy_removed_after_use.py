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

    Every host that runs the image fetches it, though no container can see it.

    Wheels that another stage has built are often the larger part of an image. The fix has the one RUN
    that needs the files mount them, `RUN --mount=type=bind`, and takes the `rm` out, which would fail.
    A RUN that builds in the folder may write there: what it writes is gone afterwards. A real build, as
    `--verify` makes, gives the same files: what BuildKit creates to mount on, it takes away again.

    It is not fixed where more than that RUN may need the files, where something else may be in their
    place, and where a program of which nothing is known is told of them or runs among them: it might
    move or remove them, which is not possible with a mount. A script is read, if the build context is
    known: it must not say where it lies. Nor is it fixed for buildah, which leaves empty files and
    folders behind, and writes to the build context itself.

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
        Bad(
            """
            --- Dockerfile
            FROM python:3.13-slim
            WORKDIR /app
            COPY requirements.txt LICENSE ./
                 ^^^^^^^^^^^^^^^^ `/app/requirements.txt` stays in this layer, though a RUN removes it
            RUN pip install --no-cache-dir -r requirements.txt \\
             && rm requirements.txt
            --- requirements.txt
            flask==3.1.2
            --- LICENSE
            free
            """,
            fixed="""
            --- Dockerfile
            FROM python:3.13-slim
            WORKDIR /app
            COPY LICENSE ./
            RUN --mount=type=bind,source=requirements.txt,target=/app/requirements.txt \\
                pip install --no-cache-dir -r requirements.txt
            """,
            unsafe=True,
        ),
        Bad(
            """
            # it is built where it lies, and removed by a RUN of its own
            FROM buildpack-deps:trixie
            COPY . /usr/src/tool
                 ^ `/usr/src/tool` stays in this layer, though a RUN removes it
            RUN cd /usr/src/tool && make && make install
            RUN rm -rf /usr/src/tool
            """,
            fixed="""
            # it is built where it lies, and removed by a RUN of its own
            FROM buildpack-deps:trixie
            RUN --mount=type=bind,target=/usr/src/tool,rw \\
                cd /usr/src/tool && make && make install
            """,
            unsafe=True,
        ),
        Bad(
            """
            # of several COPYs, in a folder that is removed with them
            FROM debian:trixie-slim
            COPY packages.txt /tmp/setup/
                 ^^^^^^^^^^^^ `/tmp/setup` stays in this layer, though a RUN removes it
            COPY --from=keys /keys/app.gpg /tmp/setup/app.gpg
            RUN cp /tmp/setup/app.gpg /etc/apt/trusted.gpg.d/ \\
             && apt-get update \\
             && xargs apt-get install -y < /tmp/setup/packages.txt \\
             && rm -rf /tmp/setup /var/lib/apt/lists/*
            """,
            fixed="""
            # of several COPYs, in a folder that is removed with them
            FROM debian:trixie-slim
            RUN --mount=type=bind,source=packages.txt,target=/tmp/setup/packages.txt \\
                --mount=type=bind,from=keys,source=/keys/app.gpg,target=/tmp/setup/app.gpg \\
                cp /tmp/setup/app.gpg /etc/apt/trusted.gpg.d/ \\
             && apt-get update \\
             && xargs apt-get install -y < /tmp/setup/packages.txt \\
             && rm -rf /var/lib/apt/lists/*
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            # one script says nothing of its place, the other empties it
            FROM debian:trixie-slim
            COPY install.sh clean.sh /tmp/
                 ^^^^^^^^^^ `/tmp/install.sh` stays in this layer, though a RUN removes it
                            ^^^^^^^^ `/tmp/clean.sh` stays in this layer, though a RUN removes it
            RUN chmod +x /tmp/install.sh && /tmp/install.sh --all && rm /tmp/install.sh
            RUN bash -e /tmp/clean.sh && rm /tmp/clean.sh
            --- install.sh
            #!/bin/sh
            apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/* /tmp/downloads
            --- clean.sh
            #!/bin/sh
            rm -rf /var/tmp/* /tmp/*
            """,
            fixed="""
            --- Dockerfile
            # one script says nothing of its place, the other empties it
            FROM debian:trixie-slim
            COPY clean.sh /tmp/
            RUN --mount=type=bind,source=install.sh,target=/tmp/install.sh,rw \\
                chmod +x /tmp/install.sh && /tmp/install.sh --all
            RUN bash -e /tmp/clean.sh && rm /tmp/clean.sh
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM python:3.13-slim
            COPY list.txt /tmp/
                 ^^^^^^^^ `/tmp/list.txt` stays in this layer, though a RUN removes it
            RUN if [ -s /tmp/list.txt ]; then \\
                  pip install -r /tmp/list.txt; \\
                fi \\
             && rm /tmp/list.txt
            """,
            fixed="""
            FROM python:3.13-slim
            RUN --mount=type=bind,source=list.txt,target=/tmp/list.txt \\
                if [ -s /tmp/list.txt ]; then \\
                  pip install -r /tmp/list.txt; \\
                fi
            """,
            unsafe=True,
        ),
        Bad(
            """
            # by a pattern, or removed by one; with an owner; from a stage without a name; from an address
            FROM python:3.13-slim
            COPY lists/*.txt /tmp/lists/
                 ^^^^^^^^^^^ `/tmp/lists` stays in this layer, though a RUN removes it
            RUN pip install -r /tmp/lists/all.txt && rm -rf /tmp/lists
            COPY list.txt /tmp/
                 ^^^^^^^^ `/tmp/*` stays in this layer, though a RUN removes it
            RUN pip install -r /tmp/list.txt && rm -rf /tmp/*
            COPY --chown=1000 more.txt /tmp/
                              ^^^^^^^^ `/tmp/more.txt` stays in this layer, though a RUN removes it
            RUN pip install -r /tmp/more.txt && rm /tmp/more.txt
            COPY --from=0 /some.txt /tmp/
                          ^^^^^^^^^ `/tmp/some.txt` stays in this layer, though a RUN removes it
            RUN pip install -r /tmp/some.txt && rm /tmp/some.txt
            ADD https://example.com/all.txt /tmp/
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/tmp/all.txt` stays in this layer, though a RUN removes it
            RUN pip install -r /tmp/all.txt && rm /tmp/all.txt
            """
        ),
        Bad(
            """
            # what needs it is not known, may move it, may write beside it, or is more than one RUN
            FROM python:3.13-slim
            COPY install.sh /tmp/
                 ^^^^^^^^^^ `/tmp/install.sh` stays in this layer, though a RUN removes it
            RUN sh /tmp/install.sh && rm /tmp/install.sh
            COPY app.conf /tmp/
                 ^^^^^^^^ `/tmp/app.conf` stays in this layer, though a RUN removes it
            RUN mv /tmp/app.conf /etc/ && rm -f /tmp/app.conf
            COPY setup.py /tmp/tool/
                 ^^^^^^^^ `/tmp/tool` stays in this layer, though a RUN removes it
            RUN cd /tmp/tool && pip install . && rm -rf /tmp/tool
            COPY list.txt /tmp/
                 ^^^^^^^^ `/tmp/list.txt` stays in this layer, though a RUN removes it
            RUN cat /tmp/list.txt
            RUN pip install -r /tmp/list.txt && rm /tmp/list.txt
            """
        ),
        Bad(
            """
            # its folder may be new; something may be there before; the rest heeds no failure
            FROM python:3.13-slim
            COPY list.txt /new/
                 ^^^^^^^^ `/new/list.txt` stays in this layer, though a RUN removes it
            RUN pip install -r /new/list.txt && rm /new/list.txt
            WORKDIR /src
            COPY . .
                 ^ `/src` stays in this layer, though a RUN removes it
            RUN make install && rm -rf /src
            COPY all.txt /tmp/
                 ^^^^^^^ `/tmp/all.txt` stays in this layer, though a RUN removes it
            RUN pip install -r /tmp/all.txt; rm /tmp/all.txt
            """
        ),
        Bad(
            """
            FROM debian:trixie
            COPY list.txt /tmp/
                 ^^^^^^^^ `/tmp/list.txt` stays in this layer, though a RUN removes it
            RUN cat /tmp/list.txt && rm /tmp/list.txt
            """,
            arguments="--dialect buildah",
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
                layers=_layers(passing),
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


def _layers(passing: Passing) -> int:
    """How many layers there are no more: those of COPYs, and that of a RUN which only removes."""
    is_alone = passing.remover.calls == (passing.removal,)
    return is_alone + sum(is_all for _, is_all in _by_copy(passing.brought))


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
