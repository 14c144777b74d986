from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from itertools import groupby

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.byte_counts import rounded
from stagelint.model.context import Context
from stagelint.model.context_readers import Reader, needed_by, readers
from stagelint.model.gains import Amount, Gain, Known
from stagelint.model.leftovers import Leftover, leftovers, patterns
from stagelint.model.remaking import Remaking
from stagelint.rule import Bad, Finding, Good, Related, Rule, Severity
from stagelint.source import Source, Span

#: So many are named in a title.
_MOST_NAMES = 4
_UNREAD = "no program reads them by a name that it puts together"


class LeftoversInContext(Rule):
    """What lies about in the build context is copied with the sources.

    Every change of it runs again what follows the COPY, and it ships where the COPY does. `.git`
    changes with every commit and fetch, and `node_modules`, which was installed for another machine,
    takes the place of what the build installs.

    It speaks of `.git`, of installed dependencies and virtual environments, of what compilers and
    bundlers of the build make anew, and of caches of tools, where a COPY, an ADD or a bind mount of a
    folder above brings them, and counts their bytes on disk. The fix writes them into
    `.dockerignore`, or into the `Dockerfile.dockerignore` that is read in its place. Other files reach
    the image then, and a program could look for them, so it is not safe.

    It refuses what the build does not make anew, what another instruction copies, and `.git` where
    a command or a source asks git, say for a version.
    """

    code = "SL313"
    severity = Severity.INFO
    default = False
    words = ("copy", "add", "mount")
    examples = (
        Bad(
            """
            --- Dockerfile
            FROM node:22-slim
            WORKDIR /app
            COPY . .
            RUN npm ci
            CMD ["node", "server.js"]
            --- .dockerignore
            # our own notes
            *.md
            ^^^^ a copied folder has 48 B that the build makes anew or never reads: `node_modules` (27 B) and `.git` (21 B)
            --- .git/HEAD
            ref: refs/heads/main
            --- node_modules/left-pad/index.js
            module.exports = () => {};
            --- package.json
            {"dependencies": {"left-pad": "1"}}
            --- server.js
            """,
            fixed="""
            --- .dockerignore
            # our own notes
            *.md
            .git
            node_modules
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            # a version comes from git
            FROM golang:1.26
            COPY . /src
            WORKDIR /src
            RUN make
            --- .dockerignore
            *.md
            ^^^^ a copied folder has 21 B of `.git`
            --- .git/HEAD
            ref: refs/heads/main
            --- Makefile
            VERSION = $(shell git describe --tags)
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # another Dockerfile copies what was compiled outside
            FROM rust:1
            COPY . /src
            WORKDIR /src
            RUN cargo build
            --- small.Dockerfile
            FROM scratch
            COPY target/release/app /
            --- .dockerignore
            *.md
            ^^^^ a copied folder has 5 B of `target`
            --- .gitignore
            /target
            --- Cargo.toml
            --- target/release/app
            ELF.
            """,
        ),
        Good(
            """
            --- Dockerfile
            # nothing here installs them, so they are copied on purpose
            FROM node:22-slim
            COPY . /app
            CMD ["node", "/app/server.js"]
            --- .dockerignore
            *.md
            --- node_modules/left-pad/index.js
            --- package.json
            --- server.js
            """
        ),
        Good(
            """
            --- Dockerfile
            # what was compiled is wanted
            FROM eclipse-temurin:21-jre
            COPY target/app.jar /
            --- .dockerignore
            *.md
            --- .git/HEAD
            --- .gitignore
            target/
            --- pom.xml
            --- target/app.jar
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        context = None if file.is_huge else file.context
        reading = list(readers(file)) if context else []
        if context is None or not reading:
            return
        known = list(leftovers(context))
        found = [
            each
            for each in known
            if any(reader.brings(context, each.path) for reader in reading)
            and not any(reader.names(each.path) for reader in reading)
        ]
        making = Remaking(file, context)
        found = [each for each in found if making.makes(each)]
        unneeded: list[Leftover] = []
        for name, group in groupby(sorted(found, key=_by_name), key=_by_name):
            same = list(group)
            note = needed_by(file, context, same, known)
            if note:
                message = f"a copied folder has {_bytes(same)} of `{name}`"
                yield self._finding(file, context, reading, same, message, note=note)
            else:
                unneeded += same
        if unneeded:
            message = (
                f"a copied folder has {_bytes(unneeded)} that the build makes anew or never reads:"
                f" {_listed(unneeded)}"
            )
            fix = _fix(context, unneeded, known)
            yield self._finding(file, context, reading, unneeded, message, fix=fix)

    def _finding(
        self,
        file: File,
        context: Context,
        reading: Sequence[Reader],
        found: Sequence[Leftover],
        message: str,
        *,
        fix: Fix | None = None,
        note: str = "",
    ) -> Finding:
        bringing = [
            each for each in reading if any(each.brings(context, one.path) for one in found)
        ]
        ships = any(each.copies and each.moment.stage.index in file.ships for each in bringing)
        size = Amount(sum(each.size for each in found), Known.CONTEXT)
        source = _ignore_file(context)
        last = source.position(len(source.text.rstrip())).line
        place = bringing[0].moment.instruction.code_span
        return self.finding(
            file,
            source.line_span(last),
            message,
            source=source,
            related=(Related(file.source, place, "copied here"),),
            fix=fix,
            note=f"not fixed: {note}" if note else "",
            gain=Gain(shipped=size if ships else None, context=size),
            holds=() if note else (f"the build context is `{context.root}`", _UNREAD),
        )


def _by_name(leftover: Leftover) -> str:
    return leftover.name


def _bytes(found: Sequence[Leftover]) -> str:
    return rounded(sum(each.size for each in found))


def _listed(found: Sequence[Leftover]) -> str:
    """By name, the largest first: `node_modules` (231 MB) and `.git` (12 MB)."""
    sizes: dict[str, int] = {}
    for each in found:
        sizes[each.name] = sizes.get(each.name, 0) + each.size
    ranked = sorted(sizes.items(), key=lambda item: -item[1])
    words = [f"`{name}` ({rounded(size)})" for name, size in ranked]
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _ignore_file(context: Context) -> Source:
    """What leaves files out; an empty text where there is none yet."""
    if context.ignore:
        return context.ignore.source
    return Source(posixpath.normpath(posixpath.join(context.root, ".dockerignore")), "")


def _fix(context: Context, found: Sequence[Leftover], known: Sequence[Leftover]) -> Fix:
    source = _ignore_file(context)
    lines = [
        pattern
        for _, group in groupby(found, key=_by_name)
        for pattern in patterns(context, list(group), known)
    ]
    end = len(source.text)
    is_open = bool(source.text) and not source.text.endswith("\n")
    text = "".join(f"{line}{source.newline}" for line in lines)
    edit = Edit(Span(end, end), source.newline * is_open + text)
    named = [f"`{line}`" for line in lines]
    if len(named) > _MOST_NAMES + 1:
        named[_MOST_NAMES:] = [f"{len(named) - _MOST_NAMES} more"]
    title = f"Leave {', '.join(named)} out of the build context"
    return Fix(title, (edit,), Guarantee.BEHAVIOUR)
