from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.calls import Call
from stagelint.model.families import SYSTEM
from stagelint.model.go_imports import imports
from stagelint.model.graph import EdgeKind, Reference
from stagelint.model.linking import Circumstances, Linking, installed, linked
from stagelint.model.moments import Moment
from stagelint.model.outputs import in_force
from stagelint.model.stages import Stage
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity
from stagelint.source import Span


class LibcMismatch(Rule):
    """A program that needs another C library than the image it is copied to has.

    It does not start: the kernel does not find the loader, and says `no such file or directory`.
    """

    code = "SL206"
    roles = SHIPPED
    examples = (Bad(""), Good(""))

    def check(self, file: File) -> Iterator[Finding]:
        if len(file.stages) > _MOST_STAGES or file.is_rejected:
            return
        for stage in self.stages(file):
            libc = _libc(file, stage)
            if libc is None or not _runs(file, stage) or _is_mended(file, stage):
                continue
            moments = {id(each.instruction): each for each in file.moments(stage)}
            for reference in file.graph.of(stage.index):
                moment = moments.get(id(reference.instruction))
                if reference.kind is EdgeKind.COPY and reference.needs is not None and moment:
                    yield from self._copied(file, moment, reference, libc)

    def _copied(
        self, file: File, moment: Moment, reference: Reference, libc: str
    ) -> Iterator[Finding]:
        stage = file.stages[reference.stage]
        instruction = moment.instruction
        for argument in instruction.arguments[:-1]:
            path = moment.path(argument.value, "/")
            found = _program(file, stage, moment, reference, path) if path else None
            if not found or found[0].libc == libc or _brings_loader(file, stage, moment):
                continue
            linking, call = found
            has = f"has {libc}" if libc else "has no C library"
            likely = "" if linking.is_certain else "likely "
            related: tuple[Related, ...] = ()
            if call:
                related = (Related(file.source, call.span, linking.because),)
            yield self.finding(
                file,
                instruction.logical.span(argument.start, argument.end),
                f"`{path}` {likely}needs {linking.libc}, and `{_base(file, stage)}` {has}",
                severity=None if linking.is_certain else Severity.INFO,
                fix=_without_cgo(file, call) if call else None,
                note="" if call else linking.because,
                stage=stage,
                related=related,
                certain=linking.is_certain,
            )


#: Each stage has all paths of those it is built on, and nobody writes such files.
_MOST_STAGES = 500

#: What makes programs of the other C library run, or static ones of dynamic ones.
_MENDS = re.compile(r"gcompat|libc6-compat|glibc|ld-linux|ld-musl|musl|patchelf|staticx")
_LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1")


def _libc(file: File, stage: Stage) -> str | None:
    """`glibc`, `musl`, empty for none; None if it is not known."""
    if file.chain(stage)[0].base.is_scratch:
        return ""
    image = file.histories[stage.index].image
    if image is None or image.os in ("windows", "busybox"):
        return None
    return image.libc


def _base(file: File, stage: Stage) -> str:
    return file.chain(stage)[0].base.raw


def _runs(file: File, stage: Stage) -> str:
    """The name of the program that the image runs; empty if that is not said."""
    found = ""
    for moment in file.moments_behind(stage):
        if moment.instruction.keyword in ("ENTRYPOINT", "CMD"):
            arguments = moment.instruction.arguments
            first = arguments[0].value if arguments else ""
            if moment.instruction.keyword == "ENTRYPOINT" or not found:
                found = posixpath.basename((first.split() or [""])[0])
    return found


def _is_mended(file: File, stage: Stage) -> bool:
    return any(
        _MENDS.search(str(moment.instruction))
        for moment in file.moments_behind(stage)
        if moment.instruction.keyword == "RUN"
    )


def _brings_loader(file: File, stage: Stage, copy: Moment) -> bool:
    """May another COPY than *copy* bring what starts the program?"""
    return any(
        output.may_be(loader)
        for output in file.outputs[stage.index].found
        if output.moment
        and output.moment.instruction.keyword in ("COPY", "ADD")
        and output.moment.instruction is not copy.instruction
        for loader in _LOADERS
    )


def _program(
    file: File, stage: Stage, moment: Moment, reference: Reference, path: str
) -> tuple[Linking, Call | None] | None:
    """How what is copied from *path* is linked, and what compiled it, if it was compiled here."""
    assert reference.needs is not None
    outputs = file.outputs[reference.needs]
    path = path.rstrip("/")
    made = outputs.maker(path)
    if made is None:
        return None
    output, at = made
    source = file.stages[at]
    libc = _libc(file, source) or ""
    call = output.call
    if output.path in SYSTEM and output.is_open:
        is_plain = not any(each.path == "/" for each in file.outputs[at].found)
        found = installed(path, libc) if is_plain else None
        return (found, None) if found else None
    if call is None or output.moment is None or not libc:
        return None
    if any(
        _MENDS.search(each.instruction.rest) for each in file.moments_behind(source) if each.calls
    ):
        return None
    name = _runs(file, stage)
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
    given = Circumstances(
        libc,
        in_force(compiled, call),
        words,
        imports=lambda: imports(file, compiled, call, words),
        has_cgo=has_cgo,
        listens=is_run and is_exposed,
    )
    linking = linked(call, path, given)
    return (linking, call) if linking else None


def _without_cgo(file: File, call: Call) -> Fix | None:
    """Compile without cgo, where the call stands in the file as it is run."""
    text = file.source.text
    if call.name != "go" or not text.startswith("go", call.span.start):
        return None
    before = re.search(r"\bCGO_ENABLED=1(?=(?:\s+\w+=[^\s;&|]*)*\s+\Z)", text[: call.span.start])
    edit = Edit(Span(call.span.start, call.span.start), "CGO_ENABLED=0 ")
    if before:
        edit = Edit(Span(before.end() - 1, before.end()), "0")
    return Fix("Compile without cgo", (edit,), Guarantee.BEHAVIOUR)
