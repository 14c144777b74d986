"""Where COPYs put what they bring, and which folders are there before them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import takewhile

from stagelint.model import inventory
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import is_in, made_by_run

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
