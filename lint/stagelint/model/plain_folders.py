"""Folders of a stage that are as COPY would make them: root's, with mode 0755, and no link on the way.

What base images bring is known of those upon Debian, Ubuntu and Alpine Linux. Sources: their official
images (for Debian 12 `tests/builder` looks), and Debian's policy 9.1.2 on `/usr/local`, which belonged
to the group `staff` before Debian 10.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.model.calls import Call
from stagelint.model.families import SYSTEM
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import Output
from stagelint.model.packages import manager_calls
from stagelint.model.stages import Stage
from stagelint.model.users import is_root
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.model.base_images import Description

_FAMILIES = frozenset(
    f"library/{name}"
    for name in (
        "debian ubuntu alpine python node ruby perl php golang rust gcc maven gradle"
        " eclipse-temurin nginx buildpack-deps"
    ).split()
)
#: Folders of these images that are as COPY would make them.
PLAIN = frozenset(
    """
    / /etc /home /mnt /opt /srv /usr /usr/bin /usr/lib /usr/local /usr/local/bin /usr/local/etc
    /usr/local/lib /usr/local/share /usr/share /usr/src
    """.split()
)
_OF_NGINX = frozenset("/usr/share/nginx /usr/share/nginx/html /etc/nginx /etc/nginx/conf.d".split())
#: Of these nothing else is there than is named here or in `SYSTEM`.
_EMPTY = frozenset({"/", "/mnt", "/opt", "/srv", "/usr", "/usr/src"})
_OF_USR = frozenset("bin games include lib lib32 lib64 libexec libx32 local sbin share src".split())
#: Folders of the base that have nothing, or nothing but files, in them.
_EMPTY_AND_PLAIN = frozenset({"/mnt", "/opt", "/srv", "/usr/src", "/usr/share/nginx/html"})
#: Links in `/usr/local/bin` of base images; in those of others that are not named here may be any.
_LINKS = {
    **dict.fromkeys(
        (
            f"library/{name}"
            for name in "debian ubuntu alpine buildpack-deps golang rust nginx eclipse-temurin maven".split()
        ),
        "",
    ),
    "library/python": "python|pip|idle|pydoc|2to3|wheel",
    "library/node": "node|npm|npx|yarn|pnpm|corepack",
}
#: Programs that link in `/usr/local/bin` to what they install.
_LINKING = frozenset({"npm", "yarn", "pnpm", "corepack"})
#: Languages' images before these versions may be upon an older Debian, if their tags do not say.
_RECENT = {
    "library/node": (16,),
    "library/python": (3, 8),
    "library/ruby": (3,),
    "library/php": (8,),
}
_OLD = frozenset({"jessie", "stretch", "wheezy"})

#: Programs that make no folder of their own accord, but for what they install.
_QUIET = frozenset(
    ": [ apt-key cat cd corepack echo export grep ldconfig locale-gen printf rm sed set test true"
    " update-ca-certificates".split()
)
_OF_ACCOUNTS = frozenset("addgroup adduser groupadd useradd usermod".split())
#: Programs that change whose a path is, or who may do what with it.
_CHANGING = frozenset({"chgrp", "chmod", "chown"})


class PlainFolders:
    """What is known of the folders of a stage before one of its instructions."""

    def __init__(self, file: File, stage: Stage, before: Sequence[Moment]) -> None:
        """*before* are the moments of the stages it is built on, and its own above the instruction."""
        moments = {id(each) for each in before}
        is_fixed = "$" not in file.chain(stage)[0].base.raw.partition(":")[0]
        self._image = file.histories[stage.index].image if is_fixed else None
        self._before = before
        self._made = [
            each for each in file.outputs[stage.index].found if id(each.moment) in moments
        ]

    def objection(self, folder: str) -> str:
        """Why *folder*, an absolute path, or one above it may be otherwise; empty if they are plain."""
        if not _is_known(self._image):
            return "what the base image has is not known"
        for path in _down_to(folder):
            reason = self._of_base(path) or self._of_stage(path)
            if reason:
                return reason
        return ""

    def links_in(self, folder: str) -> bool:
        """May a RUN have made links in *folder*, or below?"""
        return any(
            each.moment
            and each.moment.instruction.keyword == "RUN"
            and not is_quiet(each, folder)
            and (each.may_be(folder) or each.path.startswith(f"{folder.rstrip('/')}/"))
            for each in self._made
        )

    def may_be_link(self, path: str) -> bool:
        """May *path*, whose folder is plain, be a link? What COPY calls so is written where that leads."""
        folder, name = posixpath.split(path)
        if not _is_in_empty(path) and not self._has_no_link(folder, name):
            return True
        is_linked = folder == "/usr/local/bin" and any(
            call.name in _LINKING for moment in self._before for call in moment.calls
        )
        return is_linked or any(_may_link(each, path) for each in self._made)

    def _has_no_link(self, folder: str, name: str) -> bool:
        """Does the base image have none of that name in *folder*?"""
        family = self._image.family.path if self._image else ""
        if folder == "/usr/local/bin" and family in _LINKS:
            links = _LINKS[family]
            return not links or re.match(links, name) is None
        return family == "library/nginx" and folder in _OF_NGINX and name != "modules"

    def is_of_base(self, folder: str) -> bool:
        """May the base image have something in *folder*, which is plain?"""
        return folder in self._plain - _EMPTY_AND_PLAIN

    def is_new(self, path: str) -> bool:
        """Is it sure that nothing is at *path*, whose folder is plain?"""
        if self._of_base(path) or path in self._plain or not _is_in_empty(path):
            return False
        return not any(each.may_be(path) or each.path.startswith(f"{path}/") for each in self._made)

    @property
    def _plain(self) -> frozenset[str]:
        of_nginx = self._image is not None and self._image.family.path == "library/nginx"
        return PLAIN | _OF_NGINX if of_nginx else PLAIN

    def _of_base(self, path: str) -> str:
        if path in self._plain:
            image = self._image
            is_local = path.startswith("/usr/local") and image is not None and _is_old(image)
            return f"`{path}` belonged to a group in old releases of Debian" if is_local else ""
        if _is_in_empty(path):
            return ""
        if path.startswith("/home/"):
            return f"`{path}` may be the home of a user"
        return f"`{path}` of the base image may be a link, or have another owner or mode"

    def _of_stage(self, path: str) -> str:
        """Why an instruction may have made or changed the folder *path* otherwise."""
        for output in self._made:
            reason = _makes(output, path)
            if reason:
                return reason
        for moment in self._before:
            for call in moment.calls:
                if call.name in _CHANGING and _changes(call, path):
                    return f"`{call.name}` may change `{path}`"
        return ""


def _down_to(folder: str) -> Iterator[str]:
    """The folders above *folder* but for `/`, and itself."""
    parts = folder.strip("/").split("/")
    for end in range(1, len(parts) + 1):
        if parts[0]:
            yield "/" + "/".join(parts[:end])


def _is_known(image: Description | None) -> bool:
    return (
        image is not None
        and image.family.path in _FAMILIES
        and image.os in ("debian", "ubuntu", "alpine")
        and "onbuild" not in (image.reference.tag or "")
    )


def _is_old(image: Description) -> bool:
    if image.os != "debian" or image.release:
        return image.release in _OLD
    recent = _RECENT.get(image.family.path)
    return recent is not None and bool(image.version) and image.version < recent


def _is_in_empty(path: str) -> bool:
    """Is it something that no base image of these has, or in such a folder?"""
    for each in _down_to(path):
        folder, name = posixpath.split(each)
        if folder in _EMPTY:
            is_known = name in _OF_USR if folder == "/usr" else each in SYSTEM or each in PLAIN
            if not is_known and not name.startswith(("docker-entrypoint", "__")):
                return True
    return False


def _makes(output: Output, path: str) -> str:
    """Why *output* may have made the folder *path* in another way than COPY makes the folders above."""
    assert output.moment
    node = output.moment.instruction
    line = f"the {node.keyword} above"
    is_above = output.path == path or output.path.startswith(f"{path}/")
    if node.keyword == "WORKDIR":
        is_other = is_above and path not in PLAIN and not _is_by_root(output.moment)
        return f"{line} may give `{path}` to another user" if is_other else ""
    if node.keyword in ("COPY", "ADD"):
        if (node.flag("chown") or node.flag("chmod")) and is_above and path not in PLAIN:
            return f"{line} may give `{path}` another owner or mode"
        is_inside = output.is_open and path.startswith(f"{output.path.rstrip('/')}/")
        return f"{line} may bring `{path}` with another owner or mode" if is_inside else ""
    if not output.may_be(path) or is_quiet(output, path):
        return ""
    return f"{line} may make `{path}` in another way"


def _may_link(output: Output, path: str) -> bool:
    """May *output* have made a link *path*?"""
    assert output.moment
    keyword = output.moment.instruction.keyword
    if keyword == "RUN":
        return output.may_be(path) and not is_quiet(output, path)
    return (
        keyword != "WORKDIR" and output.is_open and path.startswith(f"{output.path.rstrip('/')}/")
    )


def _is_by_root(moment: Moment) -> bool:
    return moment.user is not None and is_root(moment.user)


def is_quiet(output: Output, path: str) -> bool:
    """Is what makes *output*, a RUN, known to make no link *path*, nor a folder that is not plain?"""
    call, moment = output.call, output.moment
    if call is None or moment is None:
        return not output.is_open  # a redirection makes no folder
    if call.name == "mkdir":
        return not call.has("-m", "--mode") and call.is_known and _is_by_root(moment)
    if call.name in _OF_ACCOUNTS:
        values = ((each or "/").rpartition("=")[2] for each in call.arguments)
        told = any(f"{each.rstrip('/')}/".startswith(f"{path}/") for each in values)
        return not told and not path.startswith("/home/")
    return call.name in _QUIET or next(manager_calls((call,)), None) is not None


def _changes(call: Call, path: str) -> bool:
    """May *call* change the folder *path*?"""
    if not call.is_known:
        return True
    is_deep = any(re.match(r"-\w*R|--recursive", each) for each in call.arguments if each)
    words = [each for each in call.arguments if each and not each.startswith("-")]
    for word in words[1:]:  # the first is the owner or the mode
        start = re.split(r"[*?\[{]", word)[0]
        told = (absolute(start, call.directory) or "/").rstrip("/")
        is_above = f"{path}/".startswith(f"{told}/") or (start != word and path.startswith(told))
        if told == path or ((is_deep or start != word) and is_above):
            return True
    return False
