"""Which package brings the library that another has the headers of. A table.

Sources: the dependencies of the packages of Debian 11 to 13 (`apt-cache depends`); those of Debian 13
whose names end with `t64` provide the names of before (`apt-cache show`). Alpine Linux:
pkgs.alpinelinux.org.
"""

from __future__ import annotations

#: The releases of Debian that the table is about.
_RELEASES = ("bullseye", "bookworm", "trixie")

#: The same in all of them.
_DEBIAN = {
    "libbz2-dev": "libbz2-1.0",
    "libcap-dev": "libcap2",
    "libcurl4-openssl-dev": "libcurl4",
    "libev-dev": "libev4",
    "libexpat1-dev": "libexpat1",
    "libfreetype-dev": "libfreetype6",
    "libfreetype6-dev": "libfreetype6",
    "libgeos-dev": "libgeos-c1v5",
    "libgmp-dev": "libgmp10",
    "libjansson-dev": "libjansson4",
    "libjpeg-dev": "libjpeg62-turbo",
    "libjpeg62-turbo-dev": "libjpeg62-turbo",
    "libkrb5-dev": "libgssapi-krb5-2 libkrb5-3",
    "liblz4-dev": "liblz4-1",
    "liblzma-dev": "liblzma5",
    "libmagic-dev": "libmagic1",
    **dict.fromkeys(
        ("default-libmysqlclient-dev", "libmariadb-dev", "libmariadb-dev-compat"), "libmariadb3"
    ),
    **dict.fromkeys(
        ("libncurses-dev", "libncurses5-dev", "libncursesw5-dev"), "libncurses6 libncursesw6"
    ),
    "libpcap-dev": "libpcap0.8",
    "libpcre2-dev": "libpcre2-8-0",
    "libpng-dev": "libpng16-16",
    "libpq-dev": "libpq5",
    "libreadline-dev": "libreadline8",
    "libsasl2-dev": "libsasl2-2",
    "libsnappy-dev": "libsnappy1v5",
    "libsodium-dev": "libsodium23",
    "libsqlite3-dev": "libsqlite3-0",
    "libusb-1.0-0-dev": "libusb-1.0-0",
    "libuv1-dev": "libuv1",
    "libxml2-dev": "libxml2",
    "libxmlsec1-dev": "libxmlsec1 libxmlsec1-openssl",
    "libxslt-dev": "libxslt1.1",
    "libxslt1-dev": "libxslt1.1",
    "libyaml-dev": "libyaml-0-2",
    "libzmq3-dev": "libzmq5",
    "libzstd-dev": "libzstd1",
    "uuid-dev": "libuuid1",
    "zlib1g-dev": "zlib1g",
}
#: One for each.
_OF_RELEASES = {
    "libffi-dev": ("libffi7", "libffi8", "libffi8"),
    "libldap-dev": ("libldap-2.4-2", "libldap-2.5-0", "libldap2"),
    "libldap2-dev": ("libldap-2.4-2", "libldap-2.5-0", "libldap2"),
    "libssl-dev": ("libssl1.1", "libssl3", "libssl3"),
    "unixodbc-dev": ("libodbc1 odbcinst1debian2", "libodbc2 libodbcinst2", "libodbc2 libodbcinst2"),
}
_ALPINE = {"zlib-dev": "zlib", "sqlite-dev": "sqlite-libs", "libpq-dev": "libpq"}


def libraries(headers: str, os: str, release: str) -> list[str]:
    """The packages with the library that the package *headers* is for; none if that is not known.

    *release* is empty for the one that a tag stands for today; then the last two must agree.
    """
    if os == "alpine":
        return _ALPINE.get(headers, "").split()
    if os != "debian" or (release and release not in _RELEASES):
        return []
    names = _OF_RELEASES.get(headers) or (_DEBIAN.get(headers, ""),) * len(_RELEASES)
    told = {names[_RELEASES.index(release)]} if release else set(names[1:])
    return told.pop().split() if len(told) == 1 else []
