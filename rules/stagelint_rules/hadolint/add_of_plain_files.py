from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.archives import may_be_archive, may_unpack
from stagelint.model.context import Context
from stagelint.model.moments import Moment
from stagelint.rule import Bad, Finding, Good, Rule, Severity

#: Flags that only ADD has.
_OWN_FLAGS = frozenset({"checksum", "keep-git-dir", "unpack"})

_BY_CONTENT = "no source is an archive: their first bytes were read"
_BY_NAME = "no source is an archive that does not look like one by its name"


class AddOfPlainFiles(Rule):
    """An ADD does what COPY does.

    ADD unpacks what it takes for an archive, and reaches out to the network; COPY only copies.
    Whoever reads an ADD has to find out which of it is meant.

    It speaks of an ADD whose sources are all files and folders of the build context. Unlike
    hadolint it is silent if one of them may be an archive or an address: by its name, behind a
    wildcard, or since only the build knows a variable; about a repository of git, and about
    `--unpack`. It is information and no error, since the image is the same.

    The fix writes COPY. ADD knows an archive by its first bytes, not by its name: where the build
    context is at hand, they are read. Where it is not, the image is the same unless a file is an
    archive that does not look like one. `--verify` shows it.
    """

    code = "DL3020"
    severity = Severity.INFO
    default = False
    words = ("add",)
    examples = (
        Bad(
            """
            FROM debian:12
            ARG CONF=conf
            ADD . /src
            ^^^ nothing here needs ADD: COPY does the same
            ADD *.py /src/
            ^^^ nothing here needs ADD: COPY does the same
            add --chown=app $CONF/app.ini README /etc/
            ^^^ nothing here needs ADD: COPY does the same
            ONBUILD ADD ["app.jar", "/srv/app.jar"]
                    ^^^ nothing here needs ADD: COPY does the same
            """,
            fixed="""
            FROM debian:12
            ARG CONF=conf
            COPY . /src
            COPY *.py /src/
            copy --chown=app $CONF/app.ini README /etc/
            ONBUILD COPY ["app.jar", "/srv/app.jar"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            FROM debian:12
            ADD app.ini /etc/
            ^^^ nothing here needs ADD: COPY does the same
            --- app.ini
            [app]
            """,
            fixed="""
            --- Dockerfile
            FROM debian:12
            COPY app.ini /etc/
            """,
            unsafe=True,
        ),
        Good(
            """
            --- Dockerfile
            # the file begins as bzip2 does
            FROM debian:12
            ADD rootfs /
            --- rootfs
            BZh91AY&SY
            """
        ),
        Good(
            """
            FROM debian:12
            ARG SOURCE
            ADD rootfs.tar.xz /
            ADD app.tgz conf /opt/
            ADD rootfs* /
            ADD $SOURCE /src
            ADD https://example.com/app.jar /srv/
            ADD git@example.com:team/app.git /src
            ADD --unpack=true rootfs /
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        message = "nothing here needs ADD: COPY does the same"
        for stage in file.stages:
            for own, moment in zip(
                file.histories[stage.index].own, file.written(stage), strict=True
            ):
                node = moment.instruction
                if node.keyword != "ADD" or not _only_copies(moment):
                    continue
                # An ONBUILD reads the context of another build.
                context = file.context if own is moment else None
                heads = _heads(context, moment) if context else None
                if heads is not None and any(map(may_unpack, heads)):
                    continue
                word = "copy" if node.raw_keyword.islower() else "COPY"
                edit = Edit(node.keyword_span, word)
                fix = Fix("write COPY", (edit,), Guarantee.SAME_IMAGE)
                holds = _BY_NAME if heads is None else _BY_CONTENT
                yield self.finding(
                    file, node.keyword_span, message, fix=fix, stage=stage, holds=(holds,)
                )


def _only_copies(moment: Moment) -> bool:
    node = moment.instruction
    sources = node.arguments[:-1]
    return (
        bool(sources)
        and all(not _is_special(moment.expand(each.value)) for each in sources)
        and not any(flag.name in _OWN_FLAGS for flag in node.flags)
    )


def _heads(context: Context, moment: Moment) -> list[bytes] | None:
    """How the files begin that an ADD names; None if that is not known of each."""
    entries = [entry for each in moment.local_sources for entry in context.match(each)]
    heads = [context.head(each.path) for each in entries if not each.is_folder]
    known = [each for each in heads if each is not None]
    return known if len(known) == len(heads) else None


def _may_match_archive(source: str) -> bool:
    """Does a pattern end so that an archive may match?"""
    found = re.search(r"[*?\]\[]([^*?\]\[]*)\Z", source)
    return found is not None and not re.search(r"\.\w+\Z|/\Z", found[1])


def _is_special(source: str | None) -> bool:
    """May ADD do more with *source* than copy it?"""
    return (
        not source
        or may_be_archive(source)
        or _may_match_archive(source)
        or source.startswith("<<")
        or "://" in source
        or re.match(r"[\w.-]+@[\w.-]+:", source) is not None
        or source.endswith(".git")
    )
