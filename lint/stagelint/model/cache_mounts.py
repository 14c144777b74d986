"""Where package managers and compilers keep what the next build could use, for `RUN --mount=type=cache`.

Each folder is that of root in the images of a family, as long as nothing moves it. Sources: apt.conf(5),
apk-cache(5), dnf(8), dnf.conf(5); the manuals of pip, uv, Poetry, npm, Yarn 1, pnpm, Composer, Go, Cargo, Maven,
Gradle and NuGet about their caches; the Dockerfiles of the Docker Official Images.
"""

from __future__ import annotations

from collections.abc import Callable

from stagelint.model.base_images import Description
from stagelint.tuples import NamedTuple


class Place(NamedTuple):
    """One folder."""

    folder: str
    is_locked: bool = False
    """May only one build use it at a time?"""
    is_library: bool = False
    """Do later calls need what is in it, besides fetching less?"""
    has_lists: bool = False
    """Does it hold lists of packages, without which a later call may find none?"""
    is_of_image: bool = False
    """Does it hold what was compiled for one image, and may not run in another?"""
    stays: bool = True
    """Is what a call leaves there a part of the image, unless something is mounted?"""
    verbs: frozenset[str] | None = None
    """What fills it; None for all that its manager is told."""


class Manager(NamedTuple):
    """Who keeps something, and what shows that it is kept elsewhere or not at all."""

    name: str
    programs: frozenset[str]
    verbs: frozenset[str]
    """What fetches or compiles; any if there are none."""
    places: tuple[Place, ...]
    off: str
    """Options and words of a call that move the cache, or do without it; a pattern."""
    moved: str
    """What an instruction says that moves the cache, or uses it for something else; a pattern."""
    spoils: tuple[tuple[str, ...], ...] = ()
    """Calls that empty it or keep more in it, each the beginning of one."""
    option: str = ""
    """What its calls have to be told to use the folder."""
    needless: str = r"(?!)"
    """Words that make the option needless; a pattern."""
    setting: str = ""
    """The same for a variable."""
    is_system: bool = False
    """Is it run by root alone, and its folder the same for all?"""
    holds: str = ""
    """What is taken for granted of it."""
    suits: Callable[[Description], bool] | None = None
    """Are the folders right for an image? None if they are for any."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _of(*paths: str) -> Callable[[Description], bool]:
    return lambda image: image.family.path in paths


def _has_apk(image: Description) -> bool:
    return image.os == "alpine"


def _has_dnf5(image: Description) -> bool:
    return image.family.path == "library/fedora" and int(image.release or "41") >= 41


def _has_dnf4(image: Description) -> bool:
    return image.os in ("fedora", "rhel", "amazonlinux") and not _has_dnf5(image)


def _has_home_of_root(image: Description) -> bool:
    return image.family.path != "library/gradle"  # which is of a user of its own


_NPM_VERBS = _words("install i ci add clean-install")
_GO_COMPILES = _words("build install test run vet generate")
_DNF_VERBS = _words("install upgrade update groupinstall reinstall")
#: What moves a folder in `~/.cache`, or is about all that is in there.
_IN_CACHE = r"XDG_CACHE_HOME|\.cache(?:/\*|(?![\w/.-]))|"

MANAGERS = (
    Manager(
        "apt",
        _words("apt-get apt"),
        _words("update install reinstall upgrade dist-upgrade full-upgrade build-dep"),
        (
            # Not /var/lib/apt: what stands there of installed packages is no cache. Not
            # /var/cache/apt/archives: `docker-clean` of the official images empties it.
            Place(
                "/var/cache/apt/kept",
                is_locked=True,
                stays=False,
                verbs=_words("install reinstall upgrade dist-upgrade full-upgrade build-dep"),
            ),
            Place("/var/lib/apt/lists", is_locked=True, has_lists=True, verbs=_words("update")),
        ),
        r"(?i:dir::cache)\S*|--download-only|-d|--print-uris|-s|--simulate|--dry-run",
        r"docker-clean|(?i:keep-downloaded(?!-packages=true))|(?i:dir::cache)(?!::archives=/var/cache/apt/kept\b)",
        option="-o Dir::Cache::archives=/var/cache/apt/kept",
        is_system=True,
    ),
    Manager(
        "apk",
        _words("apk"),
        _words("add upgrade update"),
        (Place("/etc/apk/cache", is_locked=True, has_lists=True, verbs=_words("add upgrade")),),
        r"--no-cache|--cache-dir.*|--root.*|-p",
        r"/var/cache/apk|/etc/apk/cache",
        spoils=(("apk", "cache"),),
        suits=_has_apk,
        option="-U",
        needless=r"-U|--update|--update-cache|update",
        is_system=True,
    ),
    *(
        Manager(
            "dnf",
            _words("dnf dnf5"),
            _DNF_VERBS,
            (Place(folder, is_locked=True),),
            r"--cacheonly|-C|--installroot.*|--setopt=cachedir.*|--setopt=keepcache.*",
            r"/var/cache/(?:dnf|libdnf5)|(?<!--setopt=)keepcache|cachedir",
            spoils=(("dnf", "clean"), ("dnf5", "clean"), ("yum", "clean")),
            option="--refresh --setopt=keepcache=1",
            is_system=True,
            suits=suits,
        )
        for folder, suits in (
            ("/var/cache/libdnf5", _has_dnf5),
            ("/var/cache/dnf", _has_dnf4),
        )
    ),
    Manager(
        "pip",
        _words("pip"),
        _words("install wheel download"),
        (Place("/root/.cache/pip", is_of_image=True),),
        r"--no-cache(?:-dir)?|--cache-dir.*|--no-index",
        _IN_CACHE
        + r"\.cache/pip\b|PIP_(?:NO_)?CACHE_DIR|PIP_CONFIG_FILE|no-cache-dir\s*=|cache-dir\s*=|global\.(?:no-)?cache-dir",
        spoils=(("pip", "cache"), ("pip3", "cache")),
    ),
    Manager(
        "uv",
        _words("uv") | {"uv pip"},
        _words("sync install add lock"),
        (Place("/root/.cache/uv", is_of_image=True, stays=False),),
        r"--no-cache(?:-dir)?|-n|--cache-dir.*|--offline|--link-mode.*",
        _IN_CACHE
        + r"\.cache/uv\b|UV_(?:NO_)?CACHE|UV_CACHE_DIR|UV_OFFLINE|(?:UV_LINK_MODE|link-mode)[= \"]+symlink",
        spoils=(("uv", "cache"),),
    ),
    Manager(
        "poetry",
        _words("poetry"),
        _words("install add update sync"),
        (
            Place("/root/.cache/pypoetry/artifacts", is_locked=True, is_of_image=True),
            Place("/root/.cache/pypoetry/cache", is_locked=True),
        ),
        r"--no-cache",
        _IN_CACHE + r"\.cache/pypoetry|POETRY_CACHE_DIR|cache-dir",
        spoils=(("poetry", "cache"),),
    ),
    Manager(
        "npm",
        _words("npm"),
        _NPM_VERBS,
        (Place("/root/.npm"),),
        r"--cache(?:=.*)?|--offline|--userconfig.*",
        r"(?i)(?:~|/root|HOME\}?)/\.npm\b(?!rc)|npm_config_cache|config\s+set\s+(?:(?:-g|--global)\s+)?cache\b",
        spoils=(("npm", "cache"), ("npx",), ("npm", "exec"), ("npm", "x")),
    ),
    Manager(
        "yarn",
        _words("yarn"),
        _words("install add") | {""},
        (Place("/usr/local/share/.cache/yarn", is_locked=True),),
        r"--cache-folder.*|--offline|--immutable.*|--inline-builds|--version|-v|--help|-h",
        # Yarn 2 and later keep elsewhere what a program may load when it runs.
        r"(?i)yarn_cache_folder|cache-folder|\.cache/yarn|\.yarnrc\.yml|\.yarn/|corepack|yarn\s+set\s+version|\.pnp|berry",
        spoils=(("yarn", "cache"),),
        holds="`yarn` is Yarn 1",
    ),
    Manager(
        "pnpm",
        _words("pnpm"),
        _words("install i add"),
        (Place("/root/.local/share/pnpm/store", is_of_image=True, stays=False),),
        r"--store-dir.*|--offline|--virtual-store.*",
        r"(?i)pnpm_home|store-?dir|xdg_data_home|pnpm/store|pnpm-store|pnpm\s+fetch|global-?virtual-?store",
        spoils=(("pnpm", "store"),),
        holds="pnpm copies from its store, as it does unless a global virtual store is asked for",
    ),
    Manager(
        "composer",
        _words("composer"),
        _words("install require update create-project"),
        (Place("/tmp/cache"),),
        r"--no-cache|--no-install|--dry-run",
        r"COMPOSER_CACHE_DIR(?!=/tmp/cache\b)|COMPOSER_HOME|\.composer\b|\.cache/composer|cache-dir|/tmp/cache/",
        spoils=(("composer", "clear-cache"), ("composer", "clearcache"), ("composer", "cc")),
        setting="COMPOSER_CACHE_DIR=/tmp/cache",
    ),
    Manager(
        "go",
        _words("go xx-go"),
        _GO_COMPILES | _words("get mod"),
        (
            Place("/root/.cache/go-build", verbs=_GO_COMPILES),
            Place("/go/pkg/mod", is_library=True),
        ),
        # With `-a` nothing is taken from the cache; `std` is compiled to fill it for later steps.
        r"-modcacherw|-a|std",
        _IN_CACHE
        + r"GOCACHE|GOMODCACHE|GOPATH[= \"]+(?!/go\b)|GOPROXY=\S*off|\.cache/go-build|/pkg/mod|\bgo\s+(?:env\s+-w|clean)",
        spoils=(("go", "clean"),),
        suits=_of("library/golang"),
    ),
    Manager(
        "cargo",
        _words("cargo"),
        _words("build b install fetch test t run r check c clippy doc bench chef"),
        (
            Place("/usr/local/cargo/registry", is_library=True),
            Place("/usr/local/cargo/git", is_library=True),
        ),
        r"--offline|--frozen",
        r"CARGO_HOME(?:=|\s)|CARGO_NET_OFFLINE|(?:\.cargo|cargo|CARGO_HOME\}?)/(?:registry|git)\b",
        spoils=(("cargo", "cache"), ("cargo-cache",)),
        suits=_of("library/rust"),
    ),
    Manager(
        "maven",
        _words("mvn mvnw"),
        frozenset(),
        (Place("/root/.m2/repository", is_locked=True, is_library=True),),
        # Other builds would find what `install` puts there.
        r"-o|--offline|-Dmaven\.repo\.local.*|install|deploy|dependency:purge-local-repository",
        r"maven\.repo\.local|\.m2/repository|localRepository",
    ),
    Manager(
        "gradle",
        _words("gradlew"),
        frozenset(),
        (Place("/root/.gradle/caches", is_locked=True, is_library=True),),
        r"--offline|-g|--gradle-user-home.*|-Dgradle\.user\.home.*",
        r"GRADLE_USER_HOME|gradle[-.]user[-.]home|(?:~|/root|HOME\}?)/\.gradle",
        suits=_has_home_of_root,
    ),
    Manager(
        "nuget",
        _words("dotnet"),
        _words("restore build publish pack test run"),
        (Place("/root/.nuget/packages", is_library=True),),
        r"--packages.*|--no-restore",
        r"NUGET_PACKAGES|globalPackagesFolder|\.nuget/packages|nuget\s+locals|RestorePackagesPath",
    ),
)
