"""Edits that give a RUN mounts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model.cache_mounts import Place
from stagelint.model.file import File
from stagelint.model.keeping import Keeping, Told
from stagelint.model.moments import Moment
from stagelint.model.rewriting import add_option, may_assign
from stagelint.source import Span
from stagelint.syntax.nodes import Instruction


def bars_mounts(file: File) -> str:
    """Why a RUN is not to be given a bind mount in the place of a COPY; empty if nothing is against it."""
    dialect = file.options.dialect
    if not (dialect.runs_flags_and_heredocs and file.tree.frontend.has("RUN --mount")):
        return "what reads the file knows no mounts"
    return "" if dialect.clears_mounts else f"{dialect.title} leaves something of a mount behind"


def add_mounts(run: Instruction, mounts: Iterable[str], newline: str) -> Edit:
    """Give *run* the options *mounts*, each on a line of its own, before what it executes."""
    at = run.logical.offset(run.rest_start)
    if run.heredocs:
        return Edit(Span(at, at), "".join(f"{each} " for each in mounts))
    before = run.text[run.text.rfind("\n", 0, at) + 1 : at]
    indent = "    " if before.strip() else before
    return Edit(Span(at, at), "".join(f"{each} {run.escape}{newline}{indent}" for each in mounts))


def mount_caches(file: File, run: Moment, keeping: Keeping) -> Fix | None:
    """Have *run* keep what *keeping* says; None if its calls are not plainly written."""
    told = _tell(run, keeping)
    if told is None:
        return None
    words = [_mount(run, keeping.manager.name, place) for place in keeping.places]
    mount = add_mounts(run.instruction, words, file.source.newline)
    first = next((each for each in told if each.span == mount.span), Edit(mount.span))
    edits = (
        mount._replace(text=mount.text + first.text),
        *(each for each in told if each != first),
    )
    folders = " and ".join(f"`{place.folder}`" for place in keeping.places)
    mounted = "caches" if len(words) > 1 else "a cache"
    return Fix(f"Mount {mounted} at {folders}", edits, Guarantee.SAME_BUT_CACHES)


def _mount(run: Moment, name: str, place: Place) -> str:
    fields = ["type=cache"]
    if place.is_of_image and run.image:
        image = run.image.reference
        words = (name, image.path.rpartition("/")[2], image.tag)
        fields.append(f"id={re.sub(r'[^A-Za-z0-9_.-]', '-', '-'.join(filter(None, words)))}")
    fields.append(f"target={place.folder}")
    if place.is_locked:
        fields.append("sharing=locked")
    return f"--mount={','.join(fields)}"


def _tell(run: Moment, keeping: Keeping) -> list[Edit] | None:
    """Edits by which the calls use the folders; None if one cannot be made."""
    manager = keeping.manager
    edits: list[Edit] = []
    if not (manager.option or manager.setting):
        return edits
    for told in keeping.calls:
        words = (told.verb, *told.call.arguments)
        if any(word and re.fullmatch(manager.needless, word) for word in words):
            break  # nor do those after it need it
        if told.verb == "update":
            continue
        made = (
            _set(run, told, manager.setting) if manager.setting else _add(run, told, manager.option)
        )
        if not made:
            return None
        edits += made
    return edits


def _add(run: Moment, told: Told, option: str) -> tuple[Edit, ...]:
    is_apt = told.call.name == "apt"  # which deletes what it has installed, unless it is told
    more = " -o APT::Keep-Downloaded-Packages=true" if is_apt else ""
    if run.instruction.is_json:
        return ()
    return add_option(run.instruction, told.call, told.at, option + more)


def _set(run: Moment, told: Told, setting: str) -> tuple[Edit, ...]:
    at = told.call.span.start
    is_free = not (run.instruction.is_json or told.call.is_nested or told.call.wrappers)
    if is_free and may_assign(run.instruction.text, at):
        return (Edit(Span(at, at), f"{setting} "),)
    return ()
