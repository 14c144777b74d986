from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File, cost
from stagelint.model.archives import is_archive, unpacked
from stagelint.model.dispatch import REMOTE
from stagelint.model.gains import Gain
from stagelint.model.joining import bars_joining, is_commented, join
from stagelint.model.moments import Moment
from stagelint.model.mounting import bars_mounts
from stagelint.model.rewriting import take_away
from stagelint.model.run_editing import without_path
from stagelint.model.stages import Stage
from stagelint.model.unpacking import (
    Unpacking,
    fetched,
    is_folder,
    is_removed_with_others,
    may_touch,
    names,
    only_moves,
    reads,
    removal,
    sets_owners,
    unpackings,
)
from stagelint.model.users import is_root
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity
from stagelint.source import Span
from stagelint.syntax.nodes import Instruction

#: A release of docker/dockerfile that expands variables in mounts.
_MOUNTS_VARIABLES = (1, 10)
_VARIABLE = r"\$\{?([A-Za-z_]\w*)"


class ArchiveBesideContents(Rule):
    """An archive or a package ships in one layer, and what was unpacked of it in another.

    Every host that runs the image fetches both, though a RUN removes the archive and none can see it.

    It speaks of what a COPY or ADD brings and one RUN unpacks or installs, and of what a RUN fetches
    and another one removes. What is copied the fix mounts for that RUN, where nothing else is known
    to need it, and takes the `rm` out, which would fail. What is fetched it removes in the RUN that
    fetches it, which the next ones become a part of. A real build, as `--verify` makes, gives the same
    files. ADD would unpack a `tar` by itself, but not always as the RUN does: with other owners, or
    with all that is in it.
    """

    code = "SL304"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    words = ("copy", "add", "curl", "wget")
    examples = (
        Bad(
            """
            --- Dockerfile
            FROM debian:trixie-slim
            WORKDIR /opt/app
            COPY app.tar.gz LICENSE ./
                 ^^^^^^^^^^ `app.tar.gz` stays in this layer, though a RUN unpacks and removes it
            RUN tar -xzf app.tar.gz && rm app.tar.gz
            --- app.tar.gz
            packed
            --- LICENSE
            free
            """,
            fixed="""
            --- Dockerfile
            FROM debian:trixie-slim
            WORKDIR /opt/app
            COPY LICENSE ./
            RUN --mount=type=bind,source=app.tar.gz,target=/opt/app/app.tar.gz \\
                tar -xzf app.tar.gz
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian:trixie-slim
            COPY --from=build /out/tool.deb /out/other.deb /tmp/
                              ^^^^^^^^^^^^^ `tool.deb` stays in this layer, though a RUN unpacks and removes it
                                            ^^^^^^^^^^^^^^ `other.deb` stays in this layer, though a RUN unpacks and removes it
            RUN apt-get update \\
             && apt-get install -y /tmp/tool.deb /tmp/other.deb \\
             && rm -rf /tmp/tool.deb /tmp/other.deb \\
             && rm -rf /var/lib/apt/lists/*
            """,
            fixed="""
            FROM debian:trixie-slim
            RUN --mount=type=bind,from=build,source=/out/tool.deb,target=/tmp/tool.deb \\
                --mount=type=bind,from=build,source=/out/other.deb,target=/tmp/other.deb \\
                apt-get update \\
             && apt-get install -y /tmp/tool.deb /tmp/other.deb \\
             && rm -rf /var/lib/apt/lists/*
            """,
            unsafe=True,
        ),
        Bad(
            """
            # removed by a RUN of its own
            FROM fedora:43
            ENV PRODUCT=product-1.2.zip
            RUN mkdir /u01
            COPY bin/$PRODUCT /u01/
                 ^^^^^^^^^^^^ `product-1.2.zip` stays in this layer, though a RUN unpacks and removes it
            RUN unzip -q /u01/$PRODUCT -d /opt
            RUN rm /u01/$PRODUCT
            """,
            fixed="""
            # removed by a RUN of its own
            FROM fedora:43
            ENV PRODUCT=product-1.2.zip
            RUN mkdir /u01
            RUN --mount=type=bind,source=bin/$PRODUCT,target=/u01/$PRODUCT \\
                unzip -q /u01/$PRODUCT -d /opt
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian:trixie
            WORKDIR /tmp
            RUN curl -fLo app.tgz https://example.com/app.tgz
            RUN tar -xzf app.tgz -C /opt
            RUN rm app.tgz
                ^^^^^^^^^^ `app.tgz` is removed here, and stays in the layer of the RUN that fetches it
            """,
            fixed="""
            FROM debian:trixie
            WORKDIR /tmp
            RUN curl -fLo app.tgz https://example.com/app.tgz \\
                && tar -xzf app.tgz -C /opt \\
                && rm app.tgz
            """,
            unsafe=True,
        ),
        Bad(
            """
            # it is not removed; another RUN may read it; the folder may be new; what gives it is no file
            FROM debian:trixie
            COPY kept.tgz read.tgz /tmp/
                 ^^^^^^^^ `kept.tgz` stays in this layer, though a RUN unpacks it
                          ^^^^^^^^ `read.tgz` stays in this layer, though a RUN unpacks and removes it
            RUN tar -xf /tmp/kept.tgz -C /opt
            RUN ls /tmp
            RUN tar -xf /tmp/read.tgz -C /opt && rm /tmp/read.tgz
            COPY app.zip /new/
                 ^^^^^^^ `app.zip` stays in this layer, though a RUN unpacks and removes it
            RUN unzip /new/app.zip -d /opt && rm /new/app.zip
            ADD https://example.com/web.tgz /tmp/
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^ `web.tgz` stays in this layer, though a RUN unpacks and removes it
            RUN tar -xf /tmp/web.tgz -C /opt && rm /tmp/web.tgz
            """,
        ),
        Bad(
            """
            # what is mounted cannot be given to anybody; a failure that is not heeded; another user
            FROM debian:trixie
            COPY a.tgz b.tgz /tmp/
                 ^^^^^ `a.tgz` stays in this layer, though a RUN unpacks and removes it
                       ^^^^^ `b.tgz` stays in this layer, though a RUN unpacks and removes it
            RUN chown -R www-data /tmp && tar -xf /tmp/a.tgz -C /opt && rm /tmp/a.tgz
            RUN tar -xf /tmp/b.tgz -C /opt; rm /tmp/b.tgz
            USER www-data
            COPY --chown=www-data c.tgz /tmp/
                                  ^^^^^ `c.tgz` stays in this layer, though a RUN unpacks and removes it
            RUN tar -xf /tmp/c.tgz -C /tmp/c && rm /tmp/c.tgz
            """,
        ),
        Bad(
            """
            # a folder is changed to, another RUN stands in between
            FROM debian:trixie
            RUN cd /tmp && wget https://example.com/app.tgz
            RUN tar -xzf /tmp/app.tgz -C /opt && rm /tmp/app.tgz
                                                 ^^^^^^^^^^^^^^^ `app.tgz` is removed here, and stays in the layer of the RUN that fetches it
            RUN wget -O /tmp/web.tgz https://example.com/web.tgz
            RUN make -C /src
            RUN tar -xzf /tmp/web.tgz -C /web && rm /tmp/web.tgz
                                                 ^^^^^^^^^^^^^^^ `web.tgz` is removed here, and stays in the layer of the RUN that fetches it
            """,
        ),
        Good(
            """
            FROM debian:trixie AS build
            COPY app.tgz /tmp/
            RUN tar -xf /tmp/app.tgz -C /opt && rm /tmp/app.tgz
            FROM debian:trixie
            COPY --from=build /opt /opt
            ADD web.tar.gz /web
            COPY data.zip /data/
            RUN wget https://example.com/app.tgz && tar -xf app.tgz -C /opt && rm app.tgz
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in () if file.is_huge else self.stages(file):
            moments = file.histories[stage.index].own
            for at, moment in enumerate(moments):
                if moment.instruction.keyword in ("COPY", "ADD"):
                    for found in unpackings(moments, at):
                        yield self._copied(file, stage, found)
                for path in fetched(moment):
                    yield from self._fetched(file, stage, moments[at:], path)

    def _copied(self, file: File, stage: Stage, found: Unpacking) -> Finding:
        name = posixpath.basename(found.path)
        note = _objection(file, found) or _users(file, found)
        fix = None if note else _mounted(file, found)
        if fix is None and not note:
            note = "`rm` cannot be taken out of what the RUN does"
        node, source = found.copy.instruction, found.source
        is_gone = any(is_removed_with_others(each, found.path) for each in found.below)
        and_removes = "and removes " if is_gone else ""
        shipped = None if node.flag("from") else cost.brought(file, source.value)
        is_same = node.keyword == "COPY" and not node.flag("from") and is_archive(name)
        is_same = is_same and any(
            posixpath.basename(e) == name for e in unpacked(found.reader.calls)
        )
        return self.finding(
            file,
            node.logical.span(source.start, source.end),
            f"`{name}` stays in this layer, though a RUN unpacks {and_removes}it",
            stage=stage,
            fix=fix,
            note=f"not fixed: {note}" if note else "",
            related=(Related(file.source, found.reader.instruction.code_span, "this unpacks it"),),
            aliases=("DL3010",) if is_same else (),
            gain=Gain(shipped=shipped, ships_less=True, layers=int(len(node.arguments) == 2)),
            holds=("nothing else reads it until it is removed (checked)",) if fix else (),
        )

    def _fetched(
        self, file: File, stage: Stage, moments: Sequence[Moment], path: str
    ) -> Iterator[Finding]:
        if not any(removal(each, path) for each in moments[1:]):
            return
        last = max(at for at, each in enumerate(moments) if names(each, path))
        call = removal(moments[last], path)
        if call is None or last == 0:
            return
        between = moments[: last + 1]
        runs = [each for each in between if each.instruction.keyword == "RUN"]
        is_of_it = all(names(each, path) or only_moves(each) for each in runs[1:])
        note = "" if is_of_it else "another RUN stands in between"
        note = note or bars_joining(between)
        if not note and any(is_commented(file, each) for each in runs[1:]):
            note = "a comment stands between the RUNs"
        edits = () if note else join(runs)
        if not edits and not note:
            note = "nothing can be put behind what the RUN does"
        gone = tuple(take_away(file, [each.instruction]) for each in runs[1:])
        name = posixpath.basename(path)
        title = f"Remove `{name}` in the RUN that fetches it"
        yield self.finding(
            file,
            call.span,
            f"`{name}` is removed here, and stays in the layer of the RUN that fetches it",
            stage=stage,
            fix=Fix(title, (*edits, *gone), Guarantee.SAME_IMAGE) if edits else None,
            note=f"not fixed: {note}" if note else "",
            related=(Related(file.source, runs[0].instruction.code_span, "this fetches it"),),
            aliases=("SL305",),
            gain=Gain(ships_less=True, layers=len(runs) - 1),
        )


def _objection(file: File, found: Unpacking) -> str:
    """Why it cannot be mounted in the place where it is copied to; empty if it can."""
    node, run, source = found.copy.instruction, found.reader.instruction, found.source.value
    if found.removal is None:
        is_gone = any(is_removed_with_others(each, found.path) for each in found.below)
        return (
            "it is removed with other files"
            if is_gone
            else "it is not removed, and may be meant to stay"
        )
    if re.match(REMOTE, source) or (node.keyword == "ADD" and found.copy.expand(source) is None):
        return "what an address gives cannot be mounted"
    if node.is_json or re.search(r"[*?\[\]\\,\"'\s]", source + found.path):
        return "its name is a pattern, or cannot be written in a mount"
    barred = bars_mounts(file)
    if barred:
        return barred
    if "$" in source and not _is_fixed(file, found):
        return "a builder may say that it is called otherwise"
    if run.is_json or run.heredocs:
        return "what unpacks it is no line of commands"
    chain = file.moments_behind(found.copy.stage)
    folder = posixpath.dirname(found.path)
    is_there = len(node.arguments) > 2 or is_folder(chain[: chain.index(found.copy)], folder)
    return "" if is_there else f"the COPY may make the folder `{folder}`"


def _is_fixed(file: File, found: Unpacking) -> bool:
    """Does the file alone say how it is called, and is that the same in a mount?"""
    name = posixpath.basename(found.source.value)
    in_name = {match[1] for match in re.finditer(_VARIABLE, name)}
    in_source = {match[1] for match in re.finditer(_VARIABLE, found.source.value)}
    args = {
        pair.key
        for each in file.chain(found.copy.stage)
        for a in each.by_keyword("ARG")
        for pair in a.pairs
    }
    later = {pair.key for each in found.between for pair in each.instruction.pairs}
    is_known = file.tree.frontend.version >= _MOUNTS_VARIABLES
    return is_known and in_name.isdisjoint(args) and in_source.isdisjoint(later)


def _users(file: File, found: Unpacking) -> str:
    """What else may read or change it, until it is removed; empty if nothing does."""
    is_readable = _is_readable(file, found)
    node = found.copy.instruction
    if (node.flag("chown") or node.flag("chmod")) and not is_readable:
        return "who unpacks it may not be allowed to read it"
    for moment in found.between:
        if moment.instruction.keyword == "RUN" and not moment.calls:
            return "a RUN cannot be read, and may need it"
        for call in moment.calls:
            is_meant = moment is found.reader and reads(call, found.path)
            is_meant = is_meant or (
                moment is not found.reader and is_readable and sets_owners(call)
            )
            if call is not found.removal and not is_meant and may_touch(call, found.path):
                named = f"`{call.name}`" if call.name else "a command that a variable names"
                return f"{named} may read or change it, too"
    return ""


def _is_readable(file: File, found: Unpacking) -> bool:
    """May whoever unpacks it read it, whatever is done to its owner and its mode?"""
    if is_root(found.reader.user or "?"):
        return True
    if found.copy.instruction.flag("from") or file.context is None:
        return False
    return all(entry.mode & 0o004 for entry in file.context.match(found.source.value))


def _mounted(file: File, found: Unpacking) -> Fix | None:
    assert found.removal and found.remover
    node, words = found.copy.instruction, found.copy.instruction.arguments
    gone = without_path(file, found.remover, found.removal, found.path)
    if gone is None:
        return None
    copied = take_away(file, [node])
    if len(words) > 2:
        start, end = found.source.start, words[words.index(found.source) + 1].start
        copied = Edit(Span(node.logical.offset(start), node.logical.offset(end)))
    title = f"Mount `{posixpath.basename(found.path)}` for the RUN that unpacks it"
    return Fix(title, (copied, _mount(file, found), gone), Guarantee.SAME_IMAGE)


def _mount(file: File, found: Unpacking) -> Edit:
    run: Instruction = found.reader.instruction
    flag = found.copy.instruction.flag("from")
    origin = f"from={flag.value}," if flag else ""
    source = found.source.value.removeprefix("./")
    name = posixpath.basename(source)
    target = posixpath.join(posixpath.dirname(found.path), name) if "$" in name else found.path
    text = f"--mount=type=bind,{origin}source={source},target={target}"
    at = run.logical.offset(run.rest_start)
    return Edit(Span(at, at), f"{text} {run.escape}{file.source.newline}    ")
