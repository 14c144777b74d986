"""Where COPYs put what they bring, and which folders are there before them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from itertools import takewhile

from stagelint.model import inventory
from stagelint.model.archives import may_unpack
from stagelint.model.contents import PATH
from stagelint.model.context import Context, clean
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import is_in, made_by_run
from stagelint.syntax.nodes import Argument
from stagelint.tuples import NamedTuple

#: Endings of files that are no folders.
_FILES = (
    r".*[^/]\.(?:sh|bash|py|js|mjs|cjs|ts|rb|pl|php|conf|cfg|cnf|ini|env|json|ya?ml|toml|xml|txt|md|html|css"
    r"|sql|properties|service|jar|war|so|crt|pem|key|lock|tmpl|tpl|j2|gz|tgz|zip|whl|deb|rpm|exe|dll)"
)


def between(folder: str, path: str) -> list[str]:
    """*folder*, the folders below it that lead to *path*, and *path*, outermost first."""
    found = [path]
    while found[-1] not in (folder, "/"):
        found.append(posixpath.dirname(found[-1]))
    return found[::-1]


def destination(copy: Moment) -> str | None:
    """The absolute path that a COPY or ADD names last, without a slash at its end.

    None if that is not known, or it names none yet.
    """
    words = copy.instruction.arguments
    path = copy.path(words[-1].value) if words else None
    return path if path is None else path.rstrip("/") or "/"


def is_file(file: File, copy: Moment, source: str) -> bool:
    """Is the *source* of a COPY, or all that it stands for, certainly a file and not a folder?"""
    if copy.instruction.flag("from") is None and file.context is not None:
        entries = file.context.match(source)
        return bool(entries) and not any(each.is_folder or each.is_link for each in entries)
    return re.fullmatch(_FILES, source) is not None or _is_made_as_file(file, copy, source)


def _is_made_as_file(file: File, copy: Moment, source: str) -> bool:
    """Does the stage that *copy* copies from make a file at *source*?"""
    path = absolute(source, "/")
    return any(
        each.path == path
        and not each.is_open
        and each.call is not None
        and each.call.name != "mkdir"
        for other, _, stage in file.copies(copy.stage)
        if other is copy
        for each in file.outputs[stage.index].found
    )


def before(file: File, moment: Moment) -> Iterator[Moment]:
    """What a stage and those it is built on do before *moment*, one of the stage's own."""
    return takewhile(lambda each: each is not moment, file.moments_behind(moment.stage))


def is_there(file: File, moment: Moment, folder: str) -> bool:
    """Is *folder* certainly there before *moment*?"""
    if inventory.has_folder(moment.image, folder) or inventory.is_empty(moment.image, folder):
        return True
    return any(is_in(path, folder) for each in before(file, moment) for path in _made(each))


def _made(moment: Moment) -> Iterator[str]:
    """Folders that certainly are there after *moment*."""
    node = moment.instruction
    if node.keyword == "WORKDIR":
        yield (moment.path(node.rest) or "/").rstrip("/") or "/"
    elif node.keyword in ("COPY", "ADD"):
        path = moment.path(node.arguments[-1].value) or "/"
        yield posixpath.dirname(path) or "/"
    elif node.keyword == "RUN":
        for output in made_by_run(moment):
            if output.call and output.call.name == "mkdir" and not output.call.is_conditional:
                yield output.path


class Placed(NamedTuple):
    """A file that a COPY or ADD brings, or a folder within one that it brings."""

    path: str
    """Where it lies in the image; absolute."""
    source: Argument
    """The word that it is, or is in, or that stands for it."""
    mode: int | None
    """Its permissions if nothing says otherwise; None if that is not known."""
    size: int | None
    """In bytes; None if that is not known."""
    is_folder: bool = False
    is_link: bool = False


def placed(file: File, copy: Moment, told: Collection[str] = ()) -> list[Placed] | None:
    """All that *copy* brings; None if that cannot be told.

    *told* are paths that are known to be there afterwards. Folders that it makes around are not among
    what it brings, nor is the one that it copies the contents of a folder to: it has those permissions
    that it had, or 0755 (BuildKit v0.25.2).
    """
    node = copy.instruction
    place = copy.path(node.arguments[-1].value) if len(node.arguments) > 1 else None
    inline = {each.word_start: each for each in node.heredocs}
    if place is None or node.flag("parents") or node.flag("exclude"):
        return None
    found: list[Placed] = []
    for word in node.arguments[:-1]:
        if word.start in inline:
            heredoc = inline[word.start]
            size = heredoc.body.end - heredoc.body.start
            path = _arrival(file, copy, place, heredoc.delimiter, told)
            brought = [Placed(path, word, 0o644, size)] if path else None
        else:
            brought = _from_source(file, copy, place, word, told)
        if brought is None:
            return None
        found += brought
    return found


def _from_source(
    file: File, copy: Moment, place: str, word: Argument, told: Collection[str]
) -> list[Placed] | None:
    """What the source *word* brings to *place*; None if that cannot be told."""
    source = copy.expand(word.value)
    if source is None or source not in copy.local_sources:
        return None
    if file.context is not None and not copy.instruction.flag("from"):
        return _from_context(file, file.context, copy, place, word, told)
    is_pattern = re.search(r"[*?\[\\]", source) is not None
    if copy.instruction.keyword == "ADD" or is_pattern or not is_file(file, copy, source):
        return None
    path = _arrival(file, copy, place, posixpath.basename(source), told)
    return [Placed(path, word, None, None)] if path else None


def _from_context(
    file: File,
    context: Context,
    copy: Moment,
    place: str,
    word: Argument,
    told: Collection[str],
) -> list[Placed] | None:
    source = copy.expand(word.value) or ""
    entries = context.match(source)
    is_pattern = any(each.path != clean(source) for each in entries)
    if not entries or (is_pattern and not place.endswith("/")):
        return None
    found: list[Placed] = []
    for entry in entries:
        if entry.is_link:
            return None
        if entry.is_folder:
            for each in context.below(entry.path):
                path = posixpath.join(place, posixpath.relpath(each.path, entry.path))
                kind = each.is_folder, each.is_link
                found.append(Placed(path, word, each.mode, each.size, *kind))
            continue
        at = _arrival(file, copy, place, posixpath.basename(entry.path), told)
        if at is None or (copy.instruction.keyword == "ADD" and _unpacks(context, entry.path)):
            return None
        found.append(Placed(at, word, entry.mode, entry.size))
    return found


def _unpacks(context: Context, path: str) -> bool:
    """May ADD unpack the file at *path* of the context?"""
    head = context.head(path)
    return head is None or may_unpack(head)


def _arrival(file: File, copy: Moment, place: str, name: str, told: Collection[str]) -> str | None:
    """Where a file called *name* arrives that is copied to *place*; None if that is not certain."""
    inside = posixpath.join(place, name)
    if place.endswith("/") or len(copy.instruction.arguments) > 2 or inside in told:
        return inside
    return None if may_be_folder(file, copy, place) else place


def may_be_folder(file: File, moment: Moment, path: str) -> bool:
    """May there be a folder at the absolute *path* before *moment*? A name may tell that there is none."""
    if re.fullmatch(_FILES, path) or posixpath.dirname(path) in PATH:
        return False
    return any(
        each.may_be(path)
        for each in file.outputs[moment.stage.index].found
        if each.moment is None or each.moment.instruction.start < moment.instruction.start
    )
