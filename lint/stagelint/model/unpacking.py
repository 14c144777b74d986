"""Files that are copied or fetched for one step, which unpacks them, and removed again."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from stagelint.model.archives import READERS, is_packed
from stagelint.model.calls import Call, runs_script
from stagelint.model.doubts import PLAIN
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import is_in
from stagelint.model.packages import manager_calls
from stagelint.model.writers import values
from stagelint.syntax.nodes import Argument
from stagelint.tuples import NamedTuple

_WILD = r"/[^/]*[*?\[{]"
#: They do nothing to what lies in a folder that they are told.
_HARMLESS = frozenset(". : cd export false mkdir pushd set source true".split())
#: Nor to files that they are told.
_SAYING = frozenset("[ echo printf test".split())
#: They act on what they are told alone, wherever they run.
_TOLD = (PLAIN - {"find", "ls", "source", "su", "xargs"}) | READERS | _HARMLESS | {"curl", "wget"}
_OWNERS = frozenset({"chgrp", "chmod", "chown"})

#: Folders that are in every image with a shell, and those that are in images of known families.
_EVERYWHERE = frozenset("/ /etc /home /root /tmp /usr /var".split())
_USUAL = frozenset(
    """
    /media /mnt /opt /srv /usr/bin /usr/lib /usr/local /usr/local/bin /usr/local/lib /usr/local/share /usr/sbin
    /usr/share /usr/src /var/cache /var/lib /var/log /var/tmp
    """.split()
)


class Unpacking(NamedTuple):
    """An archive that a COPY or ADD brings, the RUN that unpacks it, and what removes it."""

    copy: Moment
    source: Argument
    """The archive among the words of *copy*."""
    path: str
    """Where it arrives; absolute."""
    reader: Moment
    remover: Moment | None
    """The RUN with *removal*, which may be *reader*; None if nothing removes it."""
    removal: Call | None
    between: tuple[Moment, ...]
    """What follows the COPY, up to *reader* or *remover*."""
    below: tuple[Moment, ...]
    """*reader* and all RUNs after it."""


def unpackings(moments: Sequence[Moment], at: int) -> Iterator[Unpacking]:
    """The archives that `moments[at]`, a COPY or ADD, brings and a RUN below unpacks."""
    copy = moments[at]
    for source in copy.instruction.arguments[:-1]:
        path = _arrival(copy, source)
        if path is None:
            continue
        below = [each for each in moments[at + 1 :] if each.instruction.keyword == "RUN"]
        reader = next(
            (each for each in below if any(reads(call, path) for call in each.calls)), None
        )
        if reader is None:
            continue
        calls = [(each, removal(each, path)) for each in below[below.index(reader) :]]
        remover, call = next((found for found in calls if found[1]), (None, None))
        end = moments.index(remover or reader)
        between = tuple(moments[at + 1 : end + 1])
        since = tuple(below[below.index(reader) :])
        yield Unpacking(copy, source, path, reader, remover, call, between, since)


def _arrival(copy: Moment, source: Argument) -> str | None:
    """Where an archive that *source* is arrives; None if it is none, or that is not known."""
    words = copy.instruction.arguments
    place = copy.path(words[-1].value)
    name = copy.expand(posixpath.basename(source.value.partition("?")[0]))
    if place is None or not name or not is_packed(name):
        return None
    is_name = len(words) == 2 and not place.endswith("/") and is_packed(posixpath.basename(place))
    return place if is_name else posixpath.join(place, name)


def fetched(run: Moment) -> Iterator[str]:
    """The paths of the files that *run* has `curl` or `wget` fetch, as far as it names them."""
    for call in run.calls:
        if call.name == "curl":
            told, by_name = values(call, "-o", "--output"), _has(call, "O", "--remote-name")
        elif call.name == "wget":
            told = values(call, "-O", "--output-document")
            by_name = not _has(call, "P", "--directory-prefix")
        else:
            continue
        words = [each.word for each in told or ()]
        if by_name and told == []:
            words = [posixpath.basename(each) for each in _addresses(call)]
        paths = (absolute(word, call.directory) for word in words if word and word != "-")
        yield from (path for path in paths if path and not path.startswith("/dev/"))


def _has(call: Call, letter: str, option: str) -> bool:
    return any(
        word and (word.startswith(option) or re.match(rf"-[A-Za-z]*{letter}", word))
        for word in call.arguments
    )


def _addresses(call: Call) -> list[str]:
    return [word for word in call.words if re.match(r"(?:https?|ftp)://[^?#]+\Z", word)]


def removal(run: Moment, path: str) -> Call | None:
    """The call of `rm` in *run* that removes *path* by its name, and whatever happens."""
    for call in run.calls:
        is_plain = call.name == "rm" and not (call.is_conditional or call.is_inner or call.wrappers)
        if is_plain and _is_told(call, path):
            return call
    return None


def is_removed_with_others(run: Moment, path: str) -> bool:
    """Does *run* remove a folder with *path* in it, or files by a pattern that it fits?"""
    places = [place for call in run.calls if call.name == "rm" for place in _paths(call) if place]
    return any(
        is_in(path, place) or (re.search(_WILD, place) and fnmatchcase(path, place))
        for place in places
    )


def sets_owners(call: Call) -> bool:
    """Is all that it does to files to say whose they are, and who may read them?"""
    return call.name in _OWNERS


def reads(call: Call, path: str) -> bool:
    """Does *call* unpack, install or check the archive *path*, and leaves it as it is?"""
    return call.name in READERS and _is_told(call, path) and not _packs(call)


def _packs(call: Call) -> bool:
    mode = call.arguments[0] or ""
    return call.name in ("tar", "bsdtar", "jar") and (
        call.has("--create", "--append", "--update", "--delete")
        or bool(re.match(r"-?\w*[cru]", mode))
    )


def _is_told(call: Call, path: str) -> bool:
    name = posixpath.basename(path)
    return any(word and name in word for word in call.arguments) and path in _paths(call)


def _paths(call: Call) -> list[str | None]:
    words = (
        word.rpartition("=")[2] if word.startswith("--") else word
        for word in call.arguments
        if word
    )
    return [absolute(word, call.directory) for word in words]


def names(run: Moment, path: str) -> bool:
    """Does the script of *run* name *path*, or another file that is called so?"""
    return posixpath.basename(path) in str(run.instruction) or any(
        _is_told(call, path) for call in run.calls
    )


def may_touch(call: Call, path: str) -> bool:
    """May *call* read or change *path*, because it is told so or takes whole folders?"""
    if call.name in _SAYING:
        return False
    if runs_script(call):
        return False  # its script is calls of their own
    is_manager = any(manager_calls((call,)))
    is_blunt = not is_manager and call.name not in _HARMLESS
    if not call.is_known and is_blunt:
        return True
    for word in filter(None, call.arguments):
        place = absolute(word.rpartition("=")[2], call.directory)
        if place is None:
            if is_blunt or posixpath.basename(word) == posixpath.basename(path):
                return True
            continue
        folder = re.split(_WILD, place)[0]
        if place == path or (folder != place and is_in(path, folder)):
            return True
        if is_in(path, place) and call.name not in _HARMLESS:
            return True
    is_around = call.directory is None or (call.directory != "/" and is_in(path, call.directory))
    return is_around and not is_manager and (call.name not in _TOLD or call.path.startswith("."))


def only_moves(run: Moment) -> bool:
    """Does *run* do nothing but small things with files?"""
    return bool(run.calls) and all(call.name in PLAIN for call in run.calls)


def is_folder(before: Sequence[Moment], folder: str) -> bool:
    """Is *folder* certainly there after the moments *before*, the first of which begins at an image?"""
    image = before[0].image if before else None
    if folder in _EVERYWHERE or (folder in _USUAL and image is not None and image.os != "windows"):
        return True
    return any(is_in(path, folder) for each in before for path in _folders(each))


def _folders(moment: Moment) -> Iterator[str]:
    """Folders that *moment* is certain to make."""
    node = moment.instruction
    if node.keyword == "WORKDIR":
        yield moment.path(node.rest) or ""
    elif node.keyword in ("COPY", "ADD") and node.arguments:
        place = moment.path(node.arguments[-1].value) or ""
        yield place if place.endswith("/") else posixpath.dirname(place)
    for call in moment.calls:
        if call.name == "mkdir" and not call.is_conditional:
            yield from (absolute(word, call.directory) or "" for word in call.words)
