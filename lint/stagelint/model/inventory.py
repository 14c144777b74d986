"""Users, groups and folders that official images have before anything is added. A table.

BuildKit takes a name in `--chown` that it does not find for root (v0.25.2), and gives the folders
that it makes for a COPY the owner of `--chown`: so neither may be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from stagelint.model.base_images import Description
from stagelint.model.families import SYSTEM

Image = Description | None
"""The image at the bottom of a FROM chain, if it is of a known family."""

#: What every system of that kind has. Sources: base-passwd of Debian 10 to 13 and Ubuntu,
#: alpine-baselayout, setup of Fedora and its derivatives; what not all releases have is left out.
_DEBIAN = frozenset(
    """
    root daemon bin sys games man lp mail news uucp proxy www-data backup list irc nobody
    """.split()
)
_DEBIAN_GROUPS = (_DEBIAN - {"nobody"}) | frozenset(
    """
    nogroup adm tty disk kmem dialout fax voice cdrom floppy tape sudo audio dip operator src shadow
    utmp video sasl plugdev staff users
    """.split()
)
_ALPINE = frozenset("root bin daemon lp sync shutdown halt mail news uucp ftp games nobody".split())
_ALPINE_GROUPS = frozenset(
    """
    root bin daemon sys adm tty disk lp kmem wheel floppy mail news uucp audio cdrom dialout ftp input
    tape video games shadow www-data users nogroup nobody
    """.split()
)
_FEDORA = frozenset(
    "root bin daemon adm lp sync shutdown halt mail operator games ftp nobody".split()
)
_FEDORA_GROUPS = frozenset(
    """
    root bin daemon sys adm tty disk lp mem kmem wheel cdrom mail man dialout floppy games tape video
    ftp lock audio users nobody
    """.split()
)
_USERS = {
    **dict.fromkeys(("debian", "ubuntu"), _DEBIAN),
    "alpine": _ALPINE,
    **dict.fromkeys(("fedora", "rhel", "amazonlinux"), _FEDORA),
}
_GROUPS = {
    **dict.fromkeys(("debian", "ubuntu"), _DEBIAN_GROUPS),
    "alpine": _ALPINE_GROUPS,
    **dict.fromkeys(("fedora", "rhel", "amazonlinux"), _FEDORA_GROUPS),
}

#: Users with a group of the same name that the Dockerfiles of a family make, on every system.
_OF_FAMILIES = {
    "library/node": "node",
    "library/nginx": "nginx",
    "library/php": "www-data",
    "library/httpd": "www-data",
    "library/wordpress": "www-data",
    "library/postgres": "postgres",
    "library/redis": "redis",
    "library/mysql": "mysql",
    "library/mariadb": "mysql",
    "library/mongo": "mongodb",
    "library/rabbitmq": "rabbitmq",
    "library/gradle": "gradle",
    "library/jetty": "jetty",
    "library/haproxy": "haproxy",
    "library/memcached": "memcache",
    "oven/bun": "bun",
}

#: Folders of each such system, which are no links.
_FOLDERS = frozenset(
    """
    / /etc /home /media /mnt /root /srv /tmp /usr /usr/bin /usr/lib /usr/local /usr/local/bin
    /usr/local/lib /usr/local/share /usr/sbin /usr/share /var /var/cache /var/lib /var/log /var/spool
    /var/tmp
    """.split()
)
#: Alpine has it since 3.12.
_FOLDERS_BUT_OF_ALPINE = frozenset({"/opt", "/usr/src"})

#: What official images have at their root besides.
_AT_ROOT = r"/(?:data|config|go|runtime|plugins|docker-entrypoint.*|[^/]*\.sh)(?:/|\Z)"
#: What they have in folders that are empty in most.
_OCCUPIED = (
    r"/opt/(?:java|jdk|openjdk|yarn|erlang|openssl|rabbitmq|gradle|ghc|stack|ibm)"
    r"|/usr/src/(?:php|wordpress|perl|python|ruby|linux)"
)
#: Where only what is added lies, given that none of it has such a name.
_FOR_ADDITIONS = r"/(?:opt|srv|usr/src)/[^/]|/home/[^/]+/[^./]|/root/[^./]"

#: An empty folder that a family makes.
_EMPTY = {"library/php": "/var/www/html"}


def _is_listed(image: Description) -> bool:
    """Are the facts about systems facts about *image*?"""
    return image.os in _USERS and image.has_shell and "onbuild" not in image.words


def has_user(image: Image, name: str) -> bool:
    """Is there certainly a user *name* in *image*?"""
    return _has(image, name, _USERS)


def has_group(image: Image, name: str) -> bool:
    """Is there certainly a group *name* in *image*?"""
    return _has(image, name, _GROUPS)


def _has(image: Image, name: str, table: Mapping[str, frozenset[str]]) -> bool:
    if image is None or not _is_listed(image):
        return False
    return name in table[image.os] or _OF_FAMILIES.get(image.family.path) == name


def has_folder(image: Image, path: str) -> bool:
    """Is the absolute *path* certainly a folder of *image*, and no link?"""
    if path == "/":
        return True
    if image is None or not _is_listed(image):
        return False
    return path in _FOLDERS or (path in _FOLDERS_BUT_OF_ALPINE and image.os != "alpine")


def lacks(image: Image, path: str) -> bool:
    """Is there certainly nothing at the absolute *path* in *image*, nor below it?"""
    if image is None or not _is_listed(image):
        return False
    directory = image.family.directory
    if directory != "/" and f"{path}/".startswith(f"{directory}/"):
        return False
    if re.match(_AT_ROOT, path) or re.match(_OCCUPIED, path):
        return False
    top = "/" + path.split("/")[1]
    return top not in ("/", *SYSTEM) or re.match(_FOR_ADDITIONS, path) is not None


def is_empty(image: Image, path: str) -> bool:
    """Is *path* certainly a folder of *image* with nothing in it?"""
    return image is not None and _is_listed(image) and _EMPTY.get(image.family.path) == path
