"""Which C library an image has, and which one a program needs that is copied to it."""

from __future__ import annotations

import posixpath
import re

from stagelint.model.calls import Call
from stagelint.model.families import SYSTEM
from stagelint.model.file import File
from stagelint.model.linking import Circumstances, Imports, Linking, installed, linked
from stagelint.model.moments import Moment
from stagelint.model.outputs import in_force
from stagelint.model.stages import Stage

#: What brings another C library to an image with this one, or makes static programs of dynamic ones.
_MENDS = {
    "glibc": r"musl|patchelf|staticx",
    "musl": r"gcompat|libc6-compat|glibc|ld-linux|patchelf|staticx",
    "": r"ld-linux|ld-musl|glibc|musl",
}
_LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1")


def libc_of(file: File, stage: Stage) -> str | None:
    """`glibc`, `musl`, empty for none; None if it is not known."""
    if file.chain(stage)[0].base.is_scratch:
        return ""
    image = file.histories[stage.index].image
    if image is None or image.os in ("windows", "busybox"):
        return None
    return image.libc


def runs(file: File, stage: Stage) -> str:
    """The name of the program that the image runs; empty if that is not said."""
    found = ""
    for moment in file.moments_behind(stage):
        if moment.instruction.keyword in ("ENTRYPOINT", "CMD"):
            arguments = moment.instruction.arguments
            first = arguments[0].value if arguments else ""
            if moment.instruction.keyword == "ENTRYPOINT" or not found:
                found = posixpath.basename((first.split() or [""])[0])
    return found


def is_mended(file: File, stage: Stage) -> bool:
    """Does it do something that lets programs of another C library run, or makes such?"""
    pattern = _MENDS[libc_of(file, stage) or ""]
    return any(
        re.search(pattern, str(moment.instruction))
        for moment in file.moments_behind(stage)
        if moment.instruction.keyword == "RUN"
    )


def brings_loader(file: File, stage: Stage, copy: Moment) -> bool:
    """May another COPY than *copy* bring what starts the program?"""
    return any(
        output.may_be(loader)
        for output in file.outputs[stage.index].found
        if output.moment
        and output.moment.instruction.keyword in ("COPY", "ADD")
        and output.moment.instruction is not copy.instruction
        for loader in _LOADERS
    )


def copied_program(
    file: File, stage: Stage, source: Stage, path: str
) -> tuple[Linking, Call | None, str] | None:
    """As `_program`, with its path: *path*, or that of what *stage* runs in this folder."""
    inside = posixpath.join(path, runs(file, stage))
    for each in dict.fromkeys((path.rstrip("/"), inside)):
        found = _program(file, stage, source, each)
        if found:
            return *found, each
    return None


def _program(
    file: File, stage: Stage, source: Stage, path: str
) -> tuple[Linking, Call | None] | None:
    """How *path* of *source* is linked, and what compiled it, if it was compiled here."""
    made = file.outputs[source.index].maker(path)
    if made is None:
        return None
    output, at = made
    builder = file.stages[at]
    libc = libc_of(file, builder) or ""
    call = output.call
    if output.path in SYSTEM and output.is_open:
        is_plain = not any(each.path == "/" for each in file.outputs[at].found)
        found = installed(path, libc) if is_plain else None
        return (found, None) if found else None
    if call is None or output.moment is None or not libc:
        return None
    if is_mended(file, builder):
        return None
    name = runs(file, stage)
    is_run = posixpath.basename(path) == name
    image = file.histories[at].image
    has_cgo = libc == "glibc" and image is not None and image.family.language == "go"
    is_exposed = any(each.instruction.keyword == "EXPOSE" for each in file.moments_behind(stage))
    if output.is_open and call.name not in ("cargo", "swift", "dotnet") and not is_run:
        return None
    if call.name == "dotnet" and (output.path != path or name == "dotnet"):
        return None
    words = tuple(file.source.text[span.start : span.end] for span in call.spans)
    compiled = output.moment

    def imports() -> Imports:
        from stagelint.model import go_imports  # few programs are in Go, with cgo

        return go_imports.imports(file, compiled, call, words)

    given = Circumstances(
        libc,
        in_force(compiled, call),
        words,
        imports=imports,
        has_cgo=has_cgo,
        listens=is_run and is_exposed,
    )
    linking = linked(call, path, given)
    return (linking, call) if linking else None
