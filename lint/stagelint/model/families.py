"""Families of base images: what their variants are, bring and lack. A table; `base_images` reads it.

A family is known by the path of its repository, whichever registry holds it. Sources: the
Dockerfiles of the Docker Official Images, of distroless and of .NET, as of September 2026.
"""

from __future__ import annotations

from enum import StrEnum

from stagelint.tuples import NamedTuple


class Kind(StrEnum):
    """What an image is made for."""

    OS = "os"
    RUNTIME = "runtime"
    """Runs programs of one language."""
    SDK = "sdk"
    """Compiles programs."""
    SERVER = "server"
    STATIC = "static"
    """Runs programs that bring everything with them."""


class Family(NamedTuple):
    """The images of one repository. Tags without an OS release have *os* and *libc*."""

    path: str
    """Its last parts: `library/python`, `distroless/static` with a star for what may follow."""
    kind: Kind
    os: str = "debian"
    libc: str = "glibc"
    """`glibc`, `musl`, or empty if the image has none."""
    user: str = "root"
    """What its processes run as unless USER says otherwise; `dropped` if its entrypoint sees to
    it; empty if that is not known."""
    directory: str = "/"
    """The working directory."""
    smaller: str = ""
    """The word in a tag that makes a smaller variant of it, of the same OS and libc."""
    comes_last: bool = False
    """Does that word stand behind the release, as in `bookworm-slim`?"""
    lacks: frozenset[str] = frozenset()
    """Programs that the full variant has, and the smaller one has not."""
    words: tuple[tuple[str, Kind], ...] = ()
    """Words of a tag that make another kind of it."""
    implied: str = ""
    """The word that a tag has none of those stands for."""
    language: str = ""
    """What an SDK compiles: `go`, `rust`, `java` ..."""
    has_shell: bool = True


#: Their images set no variable but `PATH`: their Dockerfiles have no ENV.
WITHOUT_VARIABLES = frozenset(
    {"library/alpine", "library/busybox", "library/debian", "library/ubuntu"}
)

#: What `buildpack-deps` adds to `debian:...-slim`, by the packages its Dockerfiles install.
BUILDPACK = frozenset(
    """
    autoconf automake autoreconf aclocal bzip2 bunzip2 bzcat c++ c99 cc convert cpp curl curl-config
    dpkg-buildpackage dpkg-source dpkg-architecture file g++ gcc ar as ld nm ranlib
    strip objdump gdbm_dump git git-lfs gpg gpg-agent gpgv hg identify libtool libtoolize make
    mogrify mysql_config mariadb_config ncurses6-config patch pg_config pkg-config pkgconf pcre-config
    ps pgrep pkill top free uptime vmstat watch python3 scp sftp ssh ssh-add ssh-agent ssh-keygen
    ssh-keyscan svn unzip wget xml2-config xslt-config xz unxz xzcat zipinfo
    """.split()
)

_JAVA = (("jre", Kind.RUNTIME), ("headless", Kind.RUNTIME))

FAMILIES: tuple[Family, ...] = (
    # -- operating systems
    Family("library/debian", Kind.OS, smaller="slim", comes_last=True),
    Family("library/ubuntu", Kind.OS, "ubuntu"),
    Family("library/alpine", Kind.OS, "alpine", "musl"),
    Family("library/busybox", Kind.OS, "busybox", "glibc"),
    Family("library/fedora", Kind.OS, "fedora"),
    Family("library/amazonlinux", Kind.OS, "amazonlinux"),
    Family("library/almalinux", Kind.OS, "rhel"),
    Family("library/rockylinux", Kind.OS, "rhel"),
    Family("library/oraclelinux", Kind.OS, "rhel"),
    Family("library/centos", Kind.OS, "rhel"),
    Family("library/archlinux", Kind.OS, "arch"),
    # -- languages: full images upon buildpack-deps, with a slim variant
    Family(
        "library/python",
        Kind.RUNTIME,
        smaller="slim",
        lacks=BUILDPACK - {"python3"},
        language="python",
    ),
    Family(
        "library/node",
        Kind.RUNTIME,
        smaller="slim",
        comes_last=True,
        lacks=BUILDPACK,
        language="node",
    ),
    Family("library/ruby", Kind.RUNTIME, smaller="slim", lacks=BUILDPACK, language="ruby"),
    Family("library/perl", Kind.RUNTIME, smaller="slim", lacks=BUILDPACK, directory="/usr/src/app"),
    Family("library/erlang", Kind.RUNTIME, smaller="slim", lacks=BUILDPACK, language="erlang"),
    Family("library/elixir", Kind.RUNTIME, smaller="slim", lacks=BUILDPACK, language="elixir"),
    Family("library/pypy", Kind.RUNTIME, smaller="slim", lacks=BUILDPACK, language="python"),
    Family("library/php", Kind.RUNTIME, directory="/var/www/html", language="php"),
    Family("library/julia", Kind.RUNTIME, language="julia"),
    Family("oven/bun", Kind.RUNTIME, directory="/home/bun/app", language="node"),
    # -- SDKs
    Family("library/golang", Kind.SDK, directory="/go", language="go"),
    Family("library/rust", Kind.SDK, language="rust"),
    Family("library/gcc", Kind.SDK, language="c"),
    Family("library/buildpack-deps", Kind.SDK, language="c"),
    Family("library/haskell", Kind.SDK, language="haskell"),
    Family("library/dart", Kind.SDK, directory="/root", language="dart"),
    Family("library/swift", Kind.SDK, "ubuntu", language="swift", words=(("slim", Kind.RUNTIME),)),
    Family("library/maven", Kind.SDK, "ubuntu", language="java"),
    Family("library/gradle", Kind.SDK, "ubuntu", language="java", directory="/home/gradle"),
    Family("library/clojure", Kind.SDK, language="java", directory="/tmp"),
    Family("library/composer", Kind.SDK, "alpine", "musl", directory="/app", language="php"),
    *(
        Family(path, Kind.SDK, os, language="java", words=_JAVA, implied="jdk")
        for path, os in (
            ("library/eclipse-temurin", "ubuntu"),
            ("library/openjdk", "debian"),
            ("library/amazoncorretto", "amazonlinux"),
            ("library/ibm-semeru-runtimes", "ubuntu"),
            ("library/sapmachine", "ubuntu"),
            ("adoptopenjdk/openjdk*", "ubuntu"),
            ("azul/zulu-openjdk", "ubuntu"),
            ("azul/zulu-openjdk-debian", "debian"),
            ("azul/zulu-openjdk-centos", "rhel"),
            ("bellsoft/liberica-openjdk-debian", "debian"),
        )
    ),
    Family("dotnet/sdk", Kind.SDK, language="dotnet"),
    Family("dotnet/core/sdk", Kind.SDK, language="dotnet"),
    Family("dotnet/aspnet", Kind.RUNTIME, language="dotnet"),
    Family("dotnet/runtime", Kind.RUNTIME, language="dotnet"),
    Family("dotnet/runtime-deps", Kind.RUNTIME, language="dotnet"),
    Family("dotnet/core/aspnet", Kind.RUNTIME, language="dotnet"),
    Family("dotnet/core/runtime", Kind.RUNTIME, language="dotnet"),
    Family("nvidia/cuda", Kind.RUNTIME, "ubuntu", words=(("devel", Kind.SDK),), language="cuda"),
    # -- images with next to nothing in them
    Family("distroless/static*", Kind.STATIC, libc="", has_shell=False),
    Family("distroless/base*", Kind.STATIC, has_shell=False),
    Family("distroless/cc*", Kind.STATIC, has_shell=False),
    Family("distroless/java*", Kind.RUNTIME, language="java", has_shell=False),
    Family("distroless/python*", Kind.RUNTIME, language="python", has_shell=False),
    Family("distroless/nodejs*", Kind.RUNTIME, language="node", has_shell=False),
    Family("chainguard/static", Kind.STATIC, "wolfi", "", "nonroot", has_shell=False),
    Family("chainguard/*", Kind.RUNTIME, "wolfi", "glibc", ""),
    # -- servers, most of which drop their privileges themselves
    Family("library/nginx", Kind.SERVER, user="dropped"),
    Family("nginxinc/nginx-unprivileged", Kind.SERVER, user="nginx"),
    Family("library/httpd", Kind.SERVER, user="dropped", directory="/usr/local/apache2"),
    Family("library/caddy", Kind.SERVER, "alpine", "musl", directory="/srv"),
    Family("library/traefik", Kind.SERVER, "alpine", "musl"),
    Family("library/haproxy", Kind.SERVER, user="haproxy", directory="/var/lib/haproxy"),
    Family("library/redis", Kind.SERVER, user="dropped", directory="/data"),
    Family("library/postgres", Kind.SERVER, user="dropped"),
    Family("library/mysql", Kind.SERVER, "rhel", user="dropped"),
    Family("library/mariadb", Kind.SERVER, "ubuntu", user="dropped"),
    Family("library/mongo", Kind.SERVER, "ubuntu", user="dropped"),
    Family("library/memcached", Kind.SERVER, user="memcache"),
    Family("library/rabbitmq", Kind.SERVER, "ubuntu", user="dropped"),
    Family("library/tomcat", Kind.SERVER, "ubuntu", directory="/usr/local/tomcat", language="java"),
    Family("library/jetty", Kind.SERVER, user="jetty", directory="/var/lib/jetty", language="java"),
    Family("library/wordpress", Kind.SERVER, user="dropped", directory="/var/www/html"),
)


class Runtime(NamedTuple):
    """What programs of one language need to run, and what they do not."""

    toolchain: str
    """What an SDK has besides: `the Go toolchain`."""
    advice: str
    """What to ship instead, and when that is safe."""


#: By the language of an SDK.
RUNTIMES = {
    "go": Runtime(
        "the Go toolchain",
        "copy the program to `scratch` or a distroless image if it is static (`CGO_ENABLED=0`),"
        " else to the slim image of the same distribution",
    ),
    "rust": Runtime(
        "the Rust toolchain",
        "copy the program to the slim image of the same Debian release; one for a musl target runs"
        " on `scratch`",
    ),
    "c": Runtime(
        "the C toolchain",
        "copy the program to the slim image of the same release, with the libraries that `ldd`"
        " names: the `libstdc++` of `gcc` is newer than that of Debian",
    ),
    "java": Runtime(
        "the JDK",
        "run it on a JRE of the same version, such as `eclipse-temurin:21-jre`; a program that"
        " compiles when it runs, and `jcmd` and its like, need the JDK",
    ),
    "dotnet": Runtime(
        "the .NET SDK",
        "run what `dotnet publish` wrote on `dotnet/aspnet` or `dotnet/runtime` of the same version",
    ),
    "haskell": Runtime(
        "GHC",
        "copy the program to the slim image of the same Debian release, with `libgmp10` and what"
        " else `ldd` names",
    ),
    "swift": Runtime(
        "the Swift toolchain",
        "copy the program to the `-slim` tag of the same version, or link it with `-static-stdlib`",
    ),
    "dart": Runtime(
        "the Dart SDK",
        "copy what `dart compile exe` wrote to `scratch`, with the folder `/runtime/` of the SDK"
        " image",
    ),
    "cuda": Runtime(
        "the CUDA toolkit",
        "run it on the `runtime` or `base` tag of the same version, unless it compiles kernels when"
        " it runs",
    ),
}

#: Repositories with a JRE for every JDK, and the versions they have it for.
JRE_VERSIONS = {
    "library/eclipse-temurin": frozenset({8, 11, *range(17, 26)}),
    "library/openjdk": frozenset({8, 11}),
}

#: Releases by the word in a tag.
DEBIAN = {
    "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13",
    "forky": "14", "jessie": "8", "wheezy": "7", "sid": "sid", "unstable": "sid",
}  # fmt: skip
UBUNTU = {
    "trusty": "14.04", "xenial": "16.04", "bionic": "18.04", "focal": "20.04", "jammy": "22.04",
    "noble": "24.04", "resolute": "26.04",
}  # fmt: skip

#: Words of a tag that name another OS than the family's own.
SYSTEMS = {
    "alpine": ("alpine", "musl"),
    "windowsservercore": ("windows", ""),
    "nanoserver": ("windows", ""),
    "ubi": ("rhel", "glibc"),
    "ubuntu": ("ubuntu", "glibc"),
    "debian": ("debian", "glibc"),
    "centos": ("rhel", "glibc"),
    "oraclelinux": ("rhel", "glibc"),
    "oracle": ("rhel", "glibc"),
    "al2023": ("amazonlinux", "glibc"),
    "al2": ("amazonlinux", "glibc"),
    "azurelinux": ("azurelinux", "glibc"),
    "cbl": ("azurelinux", "glibc"),
    "mariner": ("azurelinux", "glibc"),
    "musl": ("", "musl"),
}

#: Words of a tag that stand for a version.
VERSIONS = frozenset(
    """
    latest lts current stable mainline argon boron carbon dubnium erbium fermium gallium hydrogen
    iron jod krypton
    """.split()
)

#: Folders in which the images of operating systems and languages keep what they bring.
SYSTEM = tuple(
    """
    /bin /boot /dev /etc /home /lib /lib32 /lib64 /libx32 /media /mnt /opt /proc /root /run /sbin
    /srv /sys /tmp /usr /var
    """.split()
)

#: Families whose images have next to nothing outside of those, with the folders in them that are
#: empty.
EMPTY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("library/debian", "library/ubuntu", "library/alpine", "library/rust", "library/gcc"),
        ("/usr/src", "/opt", "/srv", "/mnt", "/media"),
    ),
    "library/golang": ("/usr/src", "/opt", "/srv", "/mnt", "/media", "/go/src", "/go/bin"),
    **dict.fromkeys(
        ("library/python", "library/node", "library/ruby", "library/maven", "dotnet/sdk"),
        ("/usr/src", "/srv", "/mnt", "/media"),
    ),
}

#: Users of Docker Hub that hold the official images for one architecture.
ARCHITECTURES = frozenset(
    "amd64 arm32v5 arm32v6 arm32v7 arm64v8 i386 mips64le ppc64le riscv64 s390x".split()
)

#: What `/bin/sh` is in an image of each OS. Sources: the `sh` of dash's and busybox' packages, and
#: the symbolic link of bash's in the others.
SH: dict[str, str] = {
    "debian": "dash",
    "ubuntu": "dash",
    "alpine": "busybox",
    "busybox": "busybox",
    "fedora": "bash",
    "rhel": "bash",
    "amazonlinux": "bash",
    "arch": "bash",
}
