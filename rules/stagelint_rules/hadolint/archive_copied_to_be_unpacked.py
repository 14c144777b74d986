from __future__ import annotations

import posixpath
from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.archives import is_archive, unpacked
from stagelint.model.moments import Moment
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity
from stagelint.syntax.nodes import Argument


class ArchiveCopiedToBeUnpacked(Rule):
    """A COPY brings an archive that a later RUN unpacks.

    The archive stays in the layer of the COPY, even if the RUN removes it: the image has it twice.
    ADD unpacks a local archive of `tar`, compressed or not, and leaves no archive behind.

    It speaks of stages that ship, and of archives of the build context that a later RUN of the
    stage gives to `tar`. Unlike hadolint it is silent where ADD would not do the same: about a
    single file compressed by `gzip` or `xz`, which ADD does not unpack, and about a `tar` that
    leaves out parts of the archive or of its paths. It knows `tar xf` without a dash as well.
    """

    code = "DL3010"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    widens = True
    words = ("tar",)
    examples = (
        Bad(
            """
            FROM debian:12
            COPY app.tar.gz conf /opt/
                 ^^^^^^^^^^ a RUN unpacks `app.tar.gz`, which stays in this layer; ADD would unpack it
            RUN cd /opt && tar xzf app.tar.gz && rm app.tar.gz
            """
        ),
        Bad(
            """
            FROM debian:12
            COPY ["dist/app.tgz", "/tmp/release.tgz"]
                  ^^^^^^^^^^^^^^ a RUN unpacks `app.tgz`, which stays in this layer; ADD would unpack it
            RUN ["tar", "-C", "/opt", "-xf", "/tmp/release.tgz"]
            """
        ),
        Good(
            """
            FROM golang:1.25 AS build
            COPY vendor.tar /
            RUN tar -xf /vendor.tar
            FROM debian:12
            COPY --from=build /app.tar /app.tar
            COPY a.tar.gz b.tar c.sql.gz /tmp/
            RUN tar -xf /app.tar && tar -xf /tmp/a.tar.gz --strip-components=1 && gunzip /tmp/c.sql.gz
            RUN tar -tf /tmp/b.tar && tar -xf /tmp/b.tar conf/
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            moments = file.moments(stage)
            last = {
                posixpath.basename(path): at
                for at, moment in enumerate(moments)
                for path in unpacked(moment.calls)
            }
            for at, moment in enumerate(moments):
                for source, arrived in _archives(moment):
                    if last.get(arrived, 0) > at:
                        name = posixpath.basename(source.value)
                        message = f"a RUN unpacks `{name}`, which stays in this layer; ADD would unpack it"
                        span = moment.instruction.logical.span(source.start, source.end)
                        yield self.finding(file, span, message, stage=stage)


def _archives(moment: Moment) -> Iterator[tuple[Argument, str]]:
    """The archives that a COPY brings from the build context, and what they are called then."""
    node = moment.instruction
    if node.keyword != "COPY" or node.flag("from") or len(node.arguments) < 2:
        return
    *sources, target = node.arguments
    for source in sources:
        name = posixpath.basename(source.value)
        if is_archive(name):
            is_folder = len(sources) > 1 or target.value.endswith(("/", "."))
            yield source, name if is_folder else posixpath.basename(target.value)
