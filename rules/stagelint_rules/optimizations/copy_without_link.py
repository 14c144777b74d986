from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File, cost
from stagelint.model.context import clean
from stagelint.model.moments import Moment
from stagelint.model.plain_folders import PlainFolders
from stagelint.model.stages import Stage
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity
from stagelint.source import Span

#: Folders of the base that have nothing but programs in them.
_PROGRAMS = ("/usr/bin", "/usr/local/bin")
_FEATURE = "COPY --link"
_HOLDS = (
    "the builder can merge layers; with Docker's older image store nothing changes",
    "it is built by BuildKit: buildah 1.28, for one, does not know `--link`",
)


class CopyWithoutLink(Rule):
    """A last layer is copied anew when the base image is updated.

    Whoever pushes and pulls the image transfers all of its layers again, though the files are the same.
    With `--link` the files of a COPY are a layer of their own, which depends on nothing below it and
    stays the same: an update of the base transfers the base.

    It speaks of the COPYs below the last RUN of a stage that ships and is built on an image. `--link`
    makes the folders that lead to the files anew, as root's and with mode 0755, and follows no link
    among them: a `COPY --link` to `/lib` takes the place of the link that it is, and leaves an image
    that does not start. So the fix is made only where these folders are known to be such: those that
    WORKDIR and COPY made, and some of the base images of Debian, Ubuntu and Alpine Linux.

    It refuses owners, since `--link` gives the folders to them as well, modes, beside which BuildKit
    does not heed it, and files that are copied to what may be a folder or a link.
    """

    code = "SL312"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    words = ("copy",)
    examples = (
        Bad(
            """
            FROM golang:1.26 AS build
            RUN go install example.com/app@v1.0.0
            FROM debian:12-slim
            RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates
            WORKDIR /srv/app
            COPY --from=build /go/bin/app /usr/local/bin/
            ^^^^ an update of `debian:12-slim` makes this layer anew
            COPY . .
            ^^^^ an update of `debian:12-slim` makes this layer anew
            CMD ["app"]
            """,
            fixed="""
            FROM golang:1.26 AS build
            RUN go install example.com/app@v1.0.0
            FROM debian:12-slim
            RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates
            WORKDIR /srv/app
            COPY --link --from=build /go/bin/app /usr/local/bin/
            COPY --link . .
            CMD ["app"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            # what `/bin` is differs, who owns a home does too, and so may what RUNs do
            FROM debian:12-slim
            RUN useradd --create-home app && mkdir /data && chown app /data
            COPY run.sh /bin/
            ^^^^ an update of `debian:12-slim` makes this layer anew
            COPY run.sh /home/app/
            ^^^^ an update of `debian:12-slim` makes this layer anew
            COPY table.csv /data/
            ^^^^ an update of `debian:12-slim` makes this layer anew
            """,
        ),
        Bad(
            """
            # a folder would get another owner, or a file would take its place; a mode goes before `--link`
            FROM alpine:3.22
            WORKDIR /app
            COPY --chown=1000 server.py ./
            ^^^^ an update of `alpine:3.22` makes this layer anew
            COPY server.py /app
            ^^^^ an update of `alpine:3.22` makes this layer anew
            COPY --chmod=755 server.py ./
            ^^^^ an update of `alpine:3.22` makes this layer anew
            """,
        ),
        Bad(
            """
            # `yarn` is a link in this image, and without `--link` the file that it leads to is written
            FROM node:22
            COPY yarn /usr/local/bin/yarn
            ^^^^ an update of `node:22` makes this layer anew
            """,
        ),
        Bad(
            """
            # a build may be given another folder
            FROM debian:12
            ARG PREFIX=/opt/app
            COPY site/ $PREFIX/site/
            ^^^^ an update of `debian:12` makes this layer anew
            """,
        ),
        Bad(
            """
            # nothing is known of the folders of this image
            FROM example.com/base:1
            COPY site/ /site/
            ^^^^ an update of `example.com/base:1` makes this layer anew
            """,
        ),
        Good(
            """
            FROM debian:12
            COPY . /app
            RUN make -C /app
            """
        ),
        Good(
            """
            FROM scratch
            COPY app /app
            """
        ),
        Good(
            """
            # syntax=docker/dockerfile:1.3
            FROM debian:12
            COPY app /app/
            """
        ),
        Good(
            """
            FROM debian:12
            COPY app /app/
            """,
            "--dialect classic",
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        is_known = file.options.dialect.name == "buildkit" and file.tree.frontend.has(_FEATURE)
        for index in sorted(file.shipped) if is_known and not file.is_huge else ():
            stage = file.stages[index]
            image = file.chain(stage)[0].base.image
            own = file.histories[index].own
            last = max(
                (at for at, each in enumerate(own) if each.instruction.keyword == "RUN"), default=-1
            )
            for moment in own[last + 1 :] if image else ():
                node = moment.instruction
                if node.keyword == "COPY" and not node.flag("link"):
                    yield self._finding(file, stage, moment, image or "")

    def _finding(self, file: File, stage: Stage, copy: Moment, image: str) -> Finding:
        node = copy.instruction
        note = _objection(file, stage, copy)
        at = node.keyword_span.end
        fix = Fix("Add `--link`", (Edit(Span(at, at), " --link"),), Guarantee.SAME_IMAGE)
        return self.finding(
            file,
            node.keyword_span,
            f"an update of `{image}` makes this layer anew",
            stage=stage,
            fix=None if note else fix,
            note=f"not fixed: {note}" if note else "",
            gain=cost.kept_in_cache(file, [node], f"an update of `{image}`"),
            holds=() if note else _HOLDS,
        )


def _objection(file: File, stage: Stage, copy: Moment) -> str:
    """Why `--link` might make another image; empty if it does not."""
    node = copy.instruction
    target = copy.path(node.arguments[-1].value) if node.arguments else None
    owner = node.flag("chown")
    if target is None or not _is_fixed(file, stage, copy):
        return "where it copies to is not known"
    if owner and not re.fullmatch("0(?::0)?", owner.value or ""):
        return "`--link` knows no names of owners, and gives the folders above to them as well"
    if node.flag("chmod"):
        return "BuildKit does not heed `--link` beside `--chmod`"
    if node.flag("parents"):
        return "`--parents` makes folders of its own"
    moments = file.moments_behind(stage)
    folders = PlainFolders(file, stage, moments[: moments.index(copy)])
    bare = target.rstrip("/") or "/"
    kind = _kind(file, copy)
    is_inside = target.endswith("/") or kind == "folder"
    folder = bare if is_inside else posixpath.dirname(bare)
    reason = folders.objection(folder)
    if reason:
        return reason
    if not is_inside and not folders.is_new(bare):
        if not _is_called_like_a_file(copy, bare):
            return f"`{bare}` may be a folder, into which a file is copied without `--link`"
        if folders.may_be_link(bare):
            return f"`{bare}` may be a link, which `--link` replaces"
    if kind != "file" and folders.is_of_base(folder) and folder not in _PROGRAMS:
        return f"a folder that is copied to `{folder}` may meet a link there"
    if folders.links_in(folder if kind == "folder" else bare):
        return f"a RUN above may have made a link in `{folder}`"
    return ""


def _is_fixed(file: File, stage: Stage, copy: Moment) -> bool:
    """Is where it copies to the same whatever arguments a build is given?"""
    words = [copy.instruction.arguments[-1].value]
    if not words[0].startswith("/"):
        moments = file.moments_behind(stage)
        above = (each.instruction for each in moments[: moments.index(copy)])
        words += (each.rest for each in above if each.keyword == "WORKDIR")
    scope, escape = file.histories[stage.index].scope, copy.instruction.escape
    return all(scope.is_fixed(each, escape) for each in words)


def _is_called_like_a_file(copy: Moment, target: str) -> bool:
    """Is *target* a program among others, or has it the name of the only source?"""
    sources = copy.local_sources
    is_same = len(sources) == 1 and posixpath.basename(sources[0]) == posixpath.basename(target)
    has_ending = re.search(r"[^.]\.\w+\Z", target) is not None and not target.endswith(".d")
    return posixpath.dirname(target) in _PROGRAMS or (is_same and has_ending)


def _kind(file: File, copy: Moment) -> str:
    """What the sources are: `file`, `folder`, or empty if that is not known or they are both."""
    node = copy.instruction
    sources = copy.local_sources
    if node.heredocs or not sources or len(sources) < len(node.arguments) - 1:
        return ""
    if node.flag("from"):
        ends = {source.endswith("/") or source in (".", "..") for source in sources}
        return "folder" if ends == {True} else "file" if _are_made_as_files(file, copy) else ""
    if all(clean(source) == "." for source in sources):
        return "folder"
    context = file.context
    entries = [entry for source in sources for entry in (context.match(source) if context else ())]
    kinds = {entry.is_folder for entry in entries if not entry.is_link}
    return "" if len(kinds) != 1 else "folder" if kinds == {True} else "file"


def _are_made_as_files(file: File, copy: Moment) -> bool:
    """Are the sources what a compiler or the like is told to write, in the stage they are copied from?"""
    stages = (source for each, _, source in file.copies(copy.stage) if each is copy)
    made = {
        each.path
        for stage in stages
        for each in file.outputs[stage.index].found
        if each.call and not each.is_open and each.call.name != "mkdir"
    }
    return made.issuperset(posixpath.normpath(f"/{each}") for each in copy.local_sources)
