from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.base_images import describe
from stagelint.model.compiling import compilations
from stagelint.model.families import Kind
from stagelint.model.gains import Gain
from stagelint.model.graph import EdgeKind, Reference
from stagelint.model.packages import packages
from stagelint.model.stages import Stage
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule

#: All that an image has: `/`, `/.`, `/*`.
_WHOLE = r"/+[.*]?/*"


class WholeRootCopied(Rule):
    """A whole file system copied over that of a released image.

    It overwrites the system of the image, users and package lists too, and ships all that the source
    has. It speaks of `COPY --from=x / /` (and `/. /`, `/* /`) where `x` is a whole operating system:
    an image of a known one, or a stage upon such an image or one that runs commands.

    `/` is right to copy where `x` was made for it, and the rule is silent: stages that begin with
    `FROM scratch` and were assembled to be copied, images of which nothing is known, such as
    `tonistiigi/xx`, and distroless ones. So it is if the stage that copies is itself `FROM scratch`,
    which makes one layer of another stage, unless that one compiles: then sources and compiler ship.
    Whether a stage was assembled by deleting what is not needed cannot be known.
    """

    code = "SL205"
    aliases = ("DL3067",)
    roles = SHIPPED
    examples = (
        Bad(
            """
            FROM golang:1.26 AS build
            RUN go build -o /usr/local/bin/app .
            FROM debian:trixie-slim
            COPY --from=build / /
            ^^^^^^^^^^^^^^^^^^^^^ all of `build`, system included, is copied over that of this stage
            CMD ["app"]
            """
        ),
        Bad(
            """
            FROM golang:1.26 AS build
            RUN go build -o /app .
            FROM scratch
            COPY --from=build /. /
            ^^^^^^^^^^^^^^^^^^^^^^ all of `build`, which compiles, is copied
            CMD ["/app"]
            """
        ),
        Bad(
            """
            FROM debian:trixie-slim
            COPY --from=python:3.13-slim /* /
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ all of `python:3.13-slim`, system included, is copied over that of this stage
            """
        ),
        Good(
            """
            # one layer of many
            FROM debian:trixie-slim AS base
            RUN apt-get update && apt-get install -y curl
            FROM scratch
            COPY --from=base / /
            CMD ["bash"]
            """
        ),
        Good(
            """
            # assembled to be copied
            FROM golang:1.26 AS build
            RUN go build -o /app .
            FROM scratch AS files
            COPY --from=build /app /usr/local/bin/app
            FROM debian:trixie-slim
            COPY --from=files / /
            COPY --from=tonistiigi/xx / /
            """
        ),
        Good(
            """
            FROM golang:1.26 AS build
            RUN make install DESTDIR=/rootfs
            FROM debian:trixie-slim
            COPY --from=build /rootfs/ /
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for reference in file.graph.of(stage.index):
                if reference.kind is EdgeKind.COPY and _is_whole(reference):
                    finding = self._whole(file, stage, reference)
                    if finding:
                        yield finding

    def _whole(self, file: File, stage: Stage, reference: Reference) -> Finding | None:
        source = None if reference.needs is None else file.stages[reference.needs]
        compiles = source is not None and _compiles(file, source)
        if file.chain(stage)[0].base.is_scratch:
            if not compiles:
                return None
            what = "which compiles, is copied"
        elif _is_system(file, source, reference.image):
            what = "system included, is copied over that of this stage"
        else:
            return None
        related: tuple[Related, ...] = ()
        if source:
            related = (Related(file.source, source.opening.code_span, "what is copied"),)
        return self.finding(
            file,
            reference.instruction.code_span,
            f"all of `{source.label if source else reference.raw}`, {what}",
            stage=stage,
            note="copy the files that are needed",
            related=related,
            gain=Gain(ships_less=True),
        )


def _is_whole(reference: Reference) -> bool:
    words = [each.value for each in reference.instruction.arguments]
    return (
        len(words) > 1
        and words[-1] == "/"
        and any(re.fullmatch(_WHOLE, word) for word in words[:-1])
    )


def _compiles(file: File, source: Stage) -> bool:
    """Does it compile, and leave in place what it compiles with?"""
    calls = [call for moment in file.moments_behind(source) for call in moment.calls]
    is_cleaned = any(each.is_removal for each in packages(calls))
    return not is_cleaned and any(True for _ in compilations(calls))


def _is_system(file: File, source: Stage | None, reference: str | None) -> bool:
    """Is it a whole operating system?"""
    if source is None:
        image = describe(reference, file.options.mirrors) if reference else None
    elif file.chain(source)[0].base.is_scratch:
        return False
    else:
        image = file.histories[source.index].image
        if any(moment.instruction.keyword == "RUN" for moment in file.moments_behind(source)):
            return True
    return image is not None and image.kind is not Kind.STATIC and image.has_shell
