"""Where COPYs put what they bring, and which folders are there before them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import takewhile

from stagelint.model import accounts, inventory
from stagelint.model.contents import PATH
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import Output, is_in, made_by_run

#: Endings of files that are no folders.
_FILES = (
    r".*[^/]\.(?:sh|bash|py|js|mjs|cjs|ts|rb|pl|php|conf|cfg|cnf|ini|env|json|ya?ml|toml|xml|txt|md|html|css"
    r"|sql|properties|service|jar|war|so|crt|pem|key|lock|tmpl|tpl|j2|gz|tgz|zip|whl|deb|rpm|exe|dll)"
)

#: They write to folders of the system alone, whatever they install or make.
OF_SYSTEM = (
    accounts.MAKERS
    | accounts.CHANGERS
    | frozenset("apk apt apt-get aptitude dnf dpkg microdnf tdnf yum zypper".split())
)
#: What packages bring, and what they do when they are installed, keeps to these.
OF_PACKAGES = r"/(?:bin|etc|lib\w*|run|s?bin|usr/(?!local/|src/)|var)(?:/|\Z)"
#: Folders in which the images of operating systems and languages leave nothing.
_EMPTY = frozenset({"/root", "/tmp", "/var/tmp"})


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
    elif node.keyword in ("COPY", "ADD") and node.arguments:
        path = moment.path(node.arguments[-1].value) or "/"
        yield posixpath.dirname(path) or "/"
    elif node.keyword == "RUN":
        for output in made_by_run(moment):
            if output.call and output.call.name == "mkdir" and not output.call.is_conditional:
                yield output.path


def brings_beside(file: File, copy: Moment, folder: str) -> bool:
    """Does a COPY to a folder around *folder* bring files alone, none of which is in its way?"""
    node = copy.instruction
    if len(copy.local_sources) + len(node.heredocs) < len(node.arguments) - 1:
        return False
    place = destination(copy) or "/"
    beside = folder[len(place.rstrip("/")) + 1 :].partition("/")[0]
    names = [posixpath.basename(each) for each in copy.local_sources]
    names += [each.delimiter for each in node.heredocs]
    return not any(fnmatchcase(beside, name) for name in names) and all(
        is_file(file, copy, each) for each in copy.local_sources
    )


def may_be_folder(file: File, moment: Moment, path: str) -> bool:
    """May there be a folder at the absolute *path* before *moment*? A name may tell that there is none."""
    if re.fullmatch(_FILES, path) or posixpath.dirname(path) in PATH:
        return False
    return may_be_there(file, moment, path)


def may_be_there(file: File, moment: Moment, path: str) -> bool:
    """May there be something at the absolute *path* before *moment*?"""
    image, is_scratch = moment.image, file.chain(moment.stage)[0].base.is_scratch
    is_free = image is not None and (
        inventory.lacks(image, path) or posixpath.dirname(path) in _EMPTY
    )
    return not (is_free or is_scratch) or any(
        each.may_be(path) and not _is_elsewhere(file, each, path)
        for each in file.outputs[moment.stage.index].found
        if each.moment and each.moment.instruction.start < moment.instruction.start
    )


def _is_elsewhere(file: File, output: Output, path: str) -> bool:
    """Is *output* a folder, and known not to have *path* in it?"""
    if not output.is_open or output.moment is None or path == output.path:
        return False
    if output.moment.instruction.keyword in ("COPY", "ADD"):
        return is_in(path, output.path) and brings_beside(file, output.moment, path)
    is_system = output.call is not None and output.call.name in OF_SYSTEM
    return is_system and not re.match(OF_PACKAGES, path)
