"""What programs do to a path that they are told, or that they run in: read it, write into it, or more.

A program of which nothing is known may do anything to it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from enum import Enum, auto

from stagelint.model.archives import unpacked
from stagelint.model.arrivals import origin
from stagelint.model.calls import SHELLS, Call
from stagelint.model.context import Context
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import is_in
from stagelint.model.packages import manager_calls
from stagelint.model.unpacking import may_touch

#: They read what they are told and leave it as it is, or only say where commands run.
_READERS = frozenset(
    """
    [ cat cd cmp comm cut diff dpkg egrep envsubst fgrep grep head jq ls mariadb md5sum mysql openssl popd psql
    pushd sha1sum sha256sum sha512sum sort sqlite3 stat tail test uniq wc
    """.split()
)
#: They make what they build in the folder that they are started in, and copy from there.
_BUILDERS = frozenset(
    """
    autoconf automake autoreconf autogen.sh cargo cmake configure go gradle gradlew make meson mvn mvnw ninja
    """.split()
)
#: Package managers that leave what they are told to install where it is.
_MANAGERS = frozenset("apk apt apt-get dnf gem microdnf pip tdnf yum zypper".split()) | {"uv pip"}
#: Options by which `cp` keeps whose a file is, or makes a link.
_KEEPING = r"-\w*[adlps]|--(?:archive|preserve|no-dereference|link|symbolic-link)"
_FILE = r".*\.(?:txt|in|whl|deb|rpm|apk|gem|zip|tgz|tar\.\w+)"


class Use(Enum):
    """What a call does to a path."""

    NONE = auto()
    READS = auto()
    WRITES = auto()
    """It writes into it, and leaves it where it is."""
    ANY = auto()


def use(call: Call, path: str) -> Use:
    """What *call* may do to *path* or to what is in it."""
    if not touches(call, path):
        return Use.NONE
    words = [each for each in call.arguments if each]
    if call.name in _READERS or next(unpacked((call,)), None):
        return Use.READS
    if call.name == "sed" and not any(re.match(r"-\w*i|--in-place", each) for each in words):
        return Use.READS
    if call.name == "cp" and len(call.words) > 1:
        is_into = is_in(absolute(call.words[-1], call.directory) or path, path)
        is_plain = call.is_known and not any(re.match(_KEEPING, each) for each in words)
        return Use.READS if is_plain and not is_into else Use.ANY
    if call.name == "chmod":
        places = [absolute(each, call.directory) for each in call.words[1:]]
        return Use.WRITES if all(each and is_in(each, path) for each in places) else Use.ANY
    told = next(manager_calls((call,)), None)
    if told and told.program in _MANAGERS:
        return _of_manager(call, path)
    home = absolute(call.option("-C", "--directory") or ".", call.directory)
    is_at_home = home is not None and is_in(home.rstrip("/"), path)
    if call.name in _BUILDERS and is_at_home:
        return Use.WRITES
    is_setup = call.name.startswith("python") and words[:1] == ["setup.py"]
    return Use.WRITES if is_setup and is_at_home else Use.ANY


def _of_manager(call: Call, path: str) -> Use:
    """What a call that installs does to *path*: a package that is a folder may be built in it."""
    if call.directory is None or is_in(call.directory, path):
        return Use.WRITES
    places = (absolute(word, call.directory) for word in call.words)
    named = [each for each in places if each and is_in(each, path)]
    return Use.READS if all(re.fullmatch(_FILE, each) for each in named) else Use.WRITES


def touches(call: Call, path: str) -> bool:
    """May *call* do something to *path* or to what is in it, or be what is in it?"""
    if may_touch(call, path):
        return True
    if call.name in ("echo", "printf"):
        return False
    words = [call.path, *(each.rpartition("=")[2] for each in call.arguments if each)]
    places = [call.directory, *(absolute(each, call.directory) for each in words if each)]
    name = posixpath.basename(path)
    return any(each and is_in(each, path) for each in places) or any(name in e for e in words)


def is_script_apart(context: Context, moments: Sequence[Moment], call: Call, path: str) -> bool:
    """Is *call* that of a script in *path* which does nothing to *path*, as far as it says?

    *moments* brought it there from *context*. It may read what it likes; to remove or move *path* it
    would have to name it, itself, or the folder around.
    """
    words = [call.path, *call.arguments] if call.path else []
    if words and call.name in SHELLS:
        words = [each for each in words[1:] if each is None or not re.match(r"-\w+\Z", each)]
    place = absolute(words[0], call.directory) if words and words[0] else None
    if place is None or not is_in(place, path):
        return False
    name, folder = posixpath.basename(path), posixpath.dirname(path)
    is_around = call.directory is not None and is_in(call.directory, folder)
    if is_around or any(each and name in each for each in words[1:]):
        return False
    found = origin(context, moments, place)
    text = context.text(found) if found else None
    around = rf"(?<![\w.-]){re.escape(folder)}(?:/?(?![\w./-])|/[\w.-]*[*?\[{{])"
    itself = rf"\$\{{?0|BASH_SOURCE|{re.escape(name)}|TMPDIR|{around}"
    return text is not None and re.search(itself, text) is None
