from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.archives import is_packed
from stagelint.model.caches import CACHES, Cache, filled
from stagelint.model.calls import Call
from stagelint.model.families import SYSTEM
from stagelint.model.gains import Gain
from stagelint.model.joining import is_and_list, is_commented, leaves_state
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import is_in
from stagelint.model.passing import passings
from stagelint.model.placement import destination
from stagelint.model.rewriting import append_command, take_away
from stagelint.model.stages import Stage
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity
from stagelint.tuples import NamedTuple


class LateCleanup(Rule):
    """A RUN removes what another RUN has left, and that stays in the layer below.

    Every host that runs the image fetches the files, and none can see them.

    It speaks of a RUN in a layer that ships and that does nothing but remove files, or empty the
    cache of a package manager. The fix has the RUN that made the files do so as its last step; a
    build of both, which `--verify` makes, gives the same files. It is made where that is known to be
    the RUN right before it, run by the same user with the same shell, without mounts, and nothing is
    copied in between. It is silent about what the base image brings.
    """

    code = "SL305"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    words = ("rm", "clean", "purge")
    examples = (
        Bad(
            """
            FROM debian:12
            RUN apt-get update && apt-get install -y curl
            RUN rm -rf /var/lib/apt/lists/*
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this RUN removes what stays in the layer of another
            """,
            fixed="""
            FROM debian:12
            RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM debian:12-slim
            WORKDIR /tmp
            RUN curl -o app.tar.gz https://example.com/app.tar.gz \\
             && tar -xzf app.tar.gz -C /opt
            ENV APP=/opt/app
            RUN rm /tmp/app.tar.gz
            ^^^^^^^^^^^^^^^^^^^^^^ this RUN removes what stays in the layer of another
            """,
            fixed="""
            FROM debian:12-slim
            WORKDIR /tmp
            RUN curl -o app.tar.gz https://example.com/app.tar.gz \\
             && tar -xzf app.tar.gz -C /opt \\
             && rm /tmp/app.tar.gz
            ENV APP=/opt/app
            """,
            unsafe=True,
        ),
        Bad(
            """
            # another RUN comes in between, which may need them
            FROM debian:12
            RUN apt-get update && apt-get install -y curl
            RUN ./setup.sh
            RUN rm -rf /var/lib/apt/lists/*
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this RUN removes what stays in the layer of another
            """,
        ),
        Bad(
            """
            # another user, another shell, a failure that is not heeded
            FROM debian:12
            RUN apt-get update && apt-get install -y curl
            USER app
            RUN rm -rf /var/lib/apt/lists/*
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this RUN removes what stays in the layer of another
            USER root
            RUN apt-get update && apt-get install -y git
            RUN rm -rf /var/lib/apt/lists/*; rm -rf /tmp/*
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this RUN removes what stays in the layer of another
            """,
        ),
        Bad(
            """
            # what is copied stays in the layer of the COPY
            FROM debian:12
            RUN apt-get update && apt-get install -y curl
            COPY setup /srv/setup
            RUN rm -rf /srv/setup/tests
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^ this RUN removes what stays in the layer of another
            """,
        ),
        Good(
            """
            FROM debian:12 AS build
            RUN apt-get update && apt-get install -y curl
            RUN rm -rf /var/lib/apt/lists/*
            FROM debian:12
            RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*
            RUN rm -f /etc/nologin && make install
            COPY --from=build /usr/bin/curl /curl
            COPY setup.sh /tmp/
            RUN rm /tmp/setup.sh
            """
        ),
        Bad(
            """
            FROM debian:12
            WORKDIR /resin
            RUN curl -sL https://example.com/resin.tar.gz | tar xz --strip-components=1
            RUN rm -rf webapps/*
            ^^^^^^^^^^^^^^^^^^^^ this RUN removes what stays in the layer of another
            CMD ["java", "-jar", "lib/resin.jar"]
            """,
            fixed="""
            FROM debian:12
            WORKDIR /resin
            RUN curl -sL https://example.com/resin.tar.gz | tar xz --strip-components=1 && rm -rf webapps/*
            CMD ["java", "-jar", "lib/resin.jar"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            # the lists stay in the layer of yet another; what a comment is about
            FROM debian:12
            RUN apt-get update
            RUN apt-get install -y curl
            RUN rm -rf /var/lib/apt/lists/* /var/cache/apt/*
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this RUN removes what stays in the layer of another
            RUN wget -O /tmp/tools.tgz https://example.com/tools.tgz && tar -xzf /tmp/tools.tgz -C /opt
            # the archive is not needed any more
            RUN rm /tmp/tools.tgz
            ^^^^^^^^^^^^^^^^^^^^^ this RUN removes what stays in the layer of another
            """,
        ),
        Bad(
            """
            # that RUN only reads it
            FROM debian:12
            WORKDIR /app
            RUN wget https://example.com/app.zip
            RUN unzip app.zip
            RUN rm app.zip
            ^^^^^^^^^^^^^^ this RUN removes what stays in the layer of another
            """,
        ),
        Bad(
            """
            # the shell is another one, a variable too; the folder that is removed is made anew
            FROM debian:12
            ENV APP=app
            RUN set -u; mkdir -p /build && curl -o /build/app https://example.com/app
            RUN rm -rf /build/$APP
            ^^^^^^^^^^^^^^^^^^^^^^ this RUN removes what stays in the layer of another
            RUN mkdir /tmp/tools && curl -o /tmp/tools/web https://example.com/web
            WORKDIR /tmp/tools
            RUN rm -rf /tmp/tools
            ^^^^^^^^^^^^^^^^^^^^^ this RUN removes what stays in the layer of another
            """,
        ),
        Good(
            """
            # it removes what the base has
            FROM nginx
            RUN rm /etc/nginx/conf.d/default.conf
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in () if file.is_huge else self.stages(file):
            moments = file.written(stage)
            for at, moment in enumerate(moments):
                cleanup = _cleanup(moment) if moment.instruction.keyword == "RUN" else None
                if cleanup:
                    yield from self._late(file, stage, moments[:at], cleanup)

    def _late(
        self, file: File, stage: Stage, before: Sequence[Moment], cleanup: _Cleanup
    ) -> Iterator[Finding]:
        above = [each for each in before if each.instruction.keyword in ("RUN", "COPY", "ADD")]
        producer = _producer(file, above, cleanup)
        if producer is None:
            return  # it may be about what the base has
        if producer.instruction.keyword != "RUN":
            is_passing = any(
                each.remover is cleanup.run for each in passings([*before, cleanup.run])
            )
            if is_passing or all(map(is_packed, cleanup.names)):
                return  # SL304 speaks of archives that are copied, SL310 of other files
        between = before[before.index(producer) + 1 :]
        note = _objection(file, above, cleanup, producer) or _changed(between, cleanup, producer)
        if not note and is_commented(file, cleanup.run):
            note = "a comment above it would speak of something else"
        fix = None if note else _fix(file, producer, cleanup.run)
        if fix is None and not note:
            note = "the command cannot be put at the end of that RUN"
        related = (Related(file.source, producer.instruction.code_span, "this leaves it"),)
        yield self.finding(
            file,
            cleanup.run.instruction.code_span,
            "this RUN removes what stays in the layer of another",
            stage=stage,
            fix=fix,
            note=f"not fixed: {note}" if note else "",
            related=related,
            gain=Gain(ships_less=not all(map(_is_idle, cleanup.run.calls)), layers=1),
        )


class _Cleanup(NamedTuple):
    """A RUN that does nothing but remove files and empty caches."""

    run: Moment
    paths: tuple[str, ...]
    """What it removes; absolute, and may be patterns."""
    folders: tuple[str, ...]
    """The paths, and for a pattern the folder around."""
    caches: tuple[Cache, ...]
    """What it empties of a package manager, by its command or as a folder."""

    @property
    def names(self) -> list[str]:
        return [posixpath.basename(path) for path in self.paths]


def _cleanup(run: Moment) -> _Cleanup | None:
    """What *run* cleans; None if it does more, or what it removes is not known."""
    paths: list[str] = []
    emptied: list[Cache] = []
    for call in run.calls:
        removed = _removed(call) if call.name == "rm" else []
        told = [e for e in CACHES if any(call.starts(*words) for words in e.cleaners)]
        if not removed and not told:
            return None
        paths += removed
        emptied += told
    folders = tuple(filter(None, (re.split(r"/[^/]*[*?\[{]", path)[0] for path in paths)))
    caches = tuple(
        each
        for each in CACHES
        if each in emptied or any(is_in(a, b) for a in each.folders for b in folders)
    )
    return _Cleanup(run, tuple(paths), folders, caches) if run.calls else None


def _is_idle(call: Call) -> bool:
    """Is it `apt-get clean`, which an image of Debian or Ubuntu does after each install anyway?"""
    return call.name in ("apt", "apt-get")


def _removed(call: Call) -> list[str]:
    """What a call of `rm` removes, as absolute paths; none if one is not known."""
    paths = [absolute(word, call.directory) for word in call.words] if call.is_known else []
    return [] if None in paths else [each.rstrip("/") for each in paths if each]


def _producer(file: File, above: Sequence[Moment], cleanup: _Cleanup) -> Moment | None:
    """The last instruction known to make something of what *cleanup* removes, or that may."""
    for makes in (_leaves, _may_make):
        for moment in reversed(above):
            if makes(file, moment, cleanup):
                return moment
    return None


def _leaves(file: File, moment: Moment, cleanup: _Cleanup) -> bool:
    """Is *moment* known to make something of what *cleanup* removes?"""
    made = [path for path in _made(file, moment) if path != "/"]
    if any(is_in(path, folder) for path in made for folder in cleanup.folders):
        return True
    return any(any(filled(moment, cache)) for cache in cleanup.caches)


def _made(file: File, moment: Moment) -> list[str]:
    """The paths of what *moment* makes."""
    if moment.instruction.keyword != "RUN" and not moment.instruction.flag("from"):
        target = destination(moment) or ""
        names = [posixpath.basename(each.rstrip("/")) for each in moment.local_sources]
        return [target.rstrip("/"), *(posixpath.join(target, name) for name in names)]
    found = file.outputs[moment.stage.index].made_by(moment)
    return [each.path for each in found if each.path not in SYSTEM]


def _may_make(file: File, moment: Moment, cleanup: _Cleanup) -> bool:
    """Does it fill a folder around what *cleanup* removes, which is none of the system?"""
    return any(
        each.is_open and is_in(folder, each.path)
        for each in file.outputs[moment.stage.index].made_by(moment)
        if each.path != "/" and each.path not in SYSTEM
        for folder in cleanup.folders
    )


def _objection(file: File, above: Sequence[Moment], cleanup: _Cleanup, producer: Moment) -> str:
    """What stands against doing it in the RUN that makes it; empty if nothing does."""
    if producer.instruction.keyword != "RUN":
        return "the files are copied: mount them for the RUN that needs them, instead"
    at = above.index(producer)
    names = [each for each in cleanup.names if each]
    if any(name in str(each.instruction) for each in above[:at] for name in names):
        return "an instruction above that one names it too, and may have made it"
    if any(_leaves(file, each, cleanup) for each in above[:at]):
        return "another RUN leaves some of it, too"
    between = above[at + 1 :]
    if any(each.instruction.keyword == "RUN" for each in between):
        return "a RUN in between may need them"
    if between:
        return "what is copied in between may be removed as well"
    return ""


def _changed(between: Sequence[Moment], cleanup: _Cleanup, producer: Moment) -> str:
    """What is not for the RUN that makes it as it is for *cleanup*; empty if all is."""
    run = cleanup.run
    if (producer.user, producer.shell) != (run.user, run.shell):
        return "it is run by another user, or with another shell"
    if producer.instruction.flags or run.instruction.flags:
        return "one of the two has mounts or other options"
    if run.instruction.heredocs or not is_and_list(run.instruction):
        return "it is more than commands joined by `&&`"
    if leaves_state(producer, besides_folder=True):
        return "that RUN changes the shell, and the removal would see it"
    is_elsewhere = any(each.directory != run.directory for each in producer.calls)
    if is_elsewhere and any(_is_relative(each) for each in run.calls):
        return "a path is relative, and that RUN changes the folder"
    for each in between:
        path = each.path(each.instruction.rest) if each.instruction.keyword == "WORKDIR" else None
        if path and any(is_in(path, place) for place in cleanup.paths):
            return f"`WORKDIR {path}` makes it in between"
        if each.instruction.keyword in ("ARG", "ENV") and "$" in run.instruction.script:
            return "a variable may be set in between"
    return ""


def _is_relative(call: Call) -> bool:
    return call.name == "rm" and any(not word.startswith("/") for word in call.words)


def _fix(file: File, producer: Moment, cleanup: Moment) -> Fix | None:
    command = " ".join(cleanup.instruction.script.split())
    if cleanup.instruction.is_json or not producer.calls:
        return None
    edits = append_command(producer.instruction, command, producer.calls[-1])
    if not edits:
        return None
    gone = take_away(file, [cleanup.instruction])
    return Fix("Remove it in the RUN that makes it", (*edits, gone), Guarantee.SAME_IMAGE)
