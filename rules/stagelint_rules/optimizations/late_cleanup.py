from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence

from stagelint.edit import Fix, Guarantee
from stagelint.model import File
from stagelint.model.caches import CACHES, filled
from stagelint.model.calls import Call
from stagelint.model.families import SYSTEM
from stagelint.model.gains import Gain
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import is_in
from stagelint.model.rewriting import append_command, remove
from stagelint.model.stages import Stage
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity

#: What only empties the cache of a package manager, each the beginning of a call.
_CLEANERS = (
    *(("apt-get", "clean"), ("apt", "clean"), ("apt-get", "autoclean"), ("apt", "autoclean")),
    *(("yum", "clean"), ("dnf", "clean"), ("microdnf", "clean"), ("tdnf", "clean")),
    *(("apk", "cache", "clean"), ("zypper", "clean"), ("pip", "cache", "purge")),
    *(("pip3", "cache", "purge"), ("npm", "cache", "clean"), ("yarn", "cache", "clean")),
)
#: The managers of which each empties the cache.
_MANAGERS = {"apt": "apt-get", "pip3": "pip"}


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
            COPY app.tgz /tmp/
            RUN rm /tmp/app.tgz
            ^^^^^^^^^^^^^^^^^^^ this RUN removes what stays in the layer of another
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
            # that RUN only reads it
            FROM debian:12
            WORKDIR /app
            RUN wget https://example.com/app.zip
            RUN unzip app.zip
            RUN rm app.zip
            ^^^^^^^^^^^^^^ this RUN removes what stays in the layer of another
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
                if moment.instruction.keyword == "RUN" and _only_cleans(moment):
                    yield from self._cleanup(file, stage, moments[:at], moment)

    def _cleanup(
        self, file: File, stage: Stage, before: Sequence[Moment], cleanup: Moment
    ) -> Iterator[Finding]:
        above = [each for each in before if each.instruction.keyword in ("RUN", "COPY", "ADD")]
        producer = _producer(file, above, cleanup)
        if producer is None:
            return  # it may be about what the base has
        note = _objection(above, cleanup, producer)
        fix = None if note else _fix(file, producer, cleanup)
        if fix is None and not note:
            note = "the command cannot be put at the end of that RUN"
        related = (Related(file.source, producer.instruction.code_span, "this leaves it"),)
        yield self.finding(
            file,
            cleanup.instruction.code_span,
            "this RUN removes what stays in the layer of another",
            stage=stage,
            fix=fix,
            note=f"not fixed: {note}" if note else "",
            related=related,
            gain=Gain(ships_less=True, layers=1),
        )


def _only_cleans(run: Moment) -> bool:
    """Does it nothing but remove files and empty caches?"""
    commands = run.calls
    return bool(commands) and all(
        (each.name == "rm" and _removed(each)) or any(each.starts(*words) for words in _CLEANERS)
        for each in commands
    )


def _removed(call: Call) -> list[str]:
    """What a call of `rm` removes, as absolute paths; none if one is not known."""
    paths = [absolute(word, call.directory) for word in call.words] if call.is_known else []
    return [] if None in paths else [each.rstrip("/") for each in paths if each]


def _producer(file: File, above: Sequence[Moment], cleanup: Moment) -> Moment | None:
    """The last instruction known to make something of what *cleanup* removes, or that may."""
    folders = [
        folder
        for call in cleanup.calls
        if call.name == "rm"
        for path in _removed(call)
        if (folder := re.split(r"/[^/]*[*?\[{]", path)[0])
    ]
    managers = {_MANAGERS.get(call.name, call.name) for call in cleanup.calls} - {"rm"}
    for makes in (_makes, _may_make):
        for moment in reversed(above):
            if makes(file, moment, folders) or _fills(moment, folders, managers):
                return moment
    return None


def _fills(run: Moment, folders: Sequence[str], managers: Collection[str]) -> bool:
    """Does it leave something in a cache that is emptied, by its manager or as a folder?"""
    for cache in CACHES:
        places = [each for each in cache.folders for folder in folders if is_in(each, folder)]
        for told in filled(run, cache):
            if places or told.program in managers:
                return True
    return False


def _makes(file: File, moment: Moment, folders: Sequence[str]) -> bool:
    """Does it make one of *folders*, or something in it?"""
    if moment.instruction.keyword != "RUN" and not moment.instruction.flag("from"):
        target = moment.path(moment.instruction.arguments[-1].value) or ""
        names = [posixpath.basename(each.rstrip("/")) for each in moment.local_sources]
        paths = [target.rstrip("/"), *(posixpath.join(target, name) for name in names)]
    else:
        found = file.outputs[moment.stage.index].found
        paths = [each.path for each in found if each.moment is moment and each.path not in SYSTEM]
    return any(is_in(path, folder) for path in paths if path != "/" for folder in folders)


def _may_make(file: File, moment: Moment, folders: Sequence[str]) -> bool:
    """Does it fill a folder around one of *folders*, which is none of the system?"""
    return any(
        each.moment is moment and each.is_open and is_in(folder, each.path)
        for each in file.outputs[moment.stage.index].found
        if each.path != "/" and each.path not in SYSTEM
        for folder in folders
    )


def _objection(above: Sequence[Moment], cleanup: Moment, producer: Moment) -> str:
    """What stands against doing it in the RUN that makes it; empty if nothing does."""
    if producer.instruction.keyword != "RUN":
        return "the files are copied: mount them for the RUN that needs them, instead"
    at = above.index(producer)
    names = [posixpath.basename(path) for call in cleanup.calls for path in _removed(call)]
    if any(name and name in str(each.instruction) for each in above[:at] for name in names):
        return "an instruction above that one names it too, and may have made it"
    between = above[at + 1 :]
    if any(each.instruction.keyword == "RUN" for each in between):
        return "a RUN in between may need them"
    if between:
        return "what is copied in between may be removed as well"
    if (producer.user, producer.shell) != (cleanup.user, cleanup.shell):
        return "it is run by another user, or with another shell"
    if producer.instruction.flags or cleanup.instruction.flags:
        return "one of the two has mounts or other options"
    script = cleanup.instruction.script
    if cleanup.instruction.heredocs or re.search(r"[;|\\n$`]|(?<!&)&(?!&)", script.strip()):
        return "it is more than commands joined by `&&`"
    is_elsewhere = any(each.directory != cleanup.directory for each in producer.calls)
    if is_elsewhere and any(_is_relative(each) for each in cleanup.calls):
        return "a path is relative, and that RUN changes the folder"
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
    gone = remove(file, [cleanup.instruction])
    return Fix("Remove it in the RUN that makes it", (*edits, gone), Guarantee.SAME_IMAGE)
