"""What Go, Maven, Cargo, .NET, Bundler and Composer read when they fetch dependencies.

Sources: go.dev/ref/mod, maven.apache.org (POM reference, dependency plugin), doc.rust-lang.org/cargo,
learn.microsoft.com (dotnet restore), bundler.io, getcomposer.org.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from stagelint.model.calls import Call
from stagelint.model.installs.needs import Folder, Needs, Unclear, within
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


#: A module that a `go.mod` requires, and its version.
_REQUIRED = r"(?m)^(?:require)?[ \t]+(\S+)[ \t]+(v\d\S*)"


def go(folder: Folder, call: Call) -> Needs:
    """What `go mod download` reads."""
    folder.need("go.mod")
    folder.refuse("go.mod", r"(?m)=>\s*[./]", "replaces a module by a folder")
    if folder.has("go.work"):
        raise Unclear("`go.work` makes it a workspace")
    sums = folder.text("go.sum")
    for name, version in re.findall(_REQUIRED, folder.need("go.mod")):
        if f"{name} {version} h1:" not in sums:
            raise Unclear(f"`go.sum` lacks `{name}`, so it would be written anew")
    holds = ("`go mod download` leaves `go.sum` as it is",)
    return Needs(("go.mod", *folder.files("go.sum")), holds=holds)


def maven(folder: Folder, call: Call) -> Needs:
    """What `mvn dependency:go-offline` reads."""
    told = ("-f", "--file", "-s", "--settings", "-gs", "--global-settings", "-pl", "-t")
    if call.has(*told):
        raise Unclear(f"`{call.name}` is told other files")
    folder.need("pom.xml")
    folder.refuse("pom.xml", r"<modules?>", "has modules")
    folder.refuse("pom.xml", r"<relativePath>\s*[^\s<]", "has a parent in the project")
    folder.refuse(
        "pom.xml", r"systemPath|basedir\}|file:", "takes packages from the project itself"
    )
    folders = (".mvn",) if folder.has_folder(".mvn") else ()
    wrapper = ("mvnw",) if call.name == "mvnw" else ()
    if wrapper and not folder.has("mvnw"):
        raise Unclear("there is no `mvnw`")
    return Needs((*wrapper, "pom.xml"), folders)


def cargo(folder: Folder, call: Call) -> Needs:
    """Always raises `Unclear`."""
    raise Unclear("cargo looks for the sources of the targets that `Cargo.toml` has")


def dotnet(folder: Folder, call: Call) -> Needs:
    """What `dotnet restore` reads of a single project."""
    projects = folder.matching("*.*proj")
    words = [each.removeprefix("./") for each in call.words[1:]]
    if folder.matching("*.sln*") or len(projects) != 1 or words not in ([], [*projects]):
        raise Unclear("it restores several projects")
    folder.refuse(
        projects[0], r"ProjectReference|<Import\b|RestoreSources", "refers to other files"
    )
    settings = ("nuget.config", "NuGet.Config", "NuGet.config")
    for name in settings:
        folder.refuse(name, r"(?i)<add [^>]*value=\"(?!https?:)[^\"]*[./\\]", "names a folder")
    shared = ("Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props")
    for name in shared:
        folder.refuse(name, r"<Import\b", "imports other files")
    others = (*settings, *shared, "global.json", "packages.lock.json")
    return Needs((projects[0], *folder.files(*others)), writes=("obj",))


def bundle(folder: Folder, call: Call) -> Needs:
    """What `bundle install` reads."""
    lock, gemfile = folder.need("Gemfile.lock"), folder.need("Gemfile")
    version = re.search(r"(?m)^\s*ruby\b.*\.ruby-version", gemfile)
    rest = gemfile.replace(version[0], "") if version else gemfile
    if re.search(r"(?m)^PATH$", lock) or re.search(_RUBY, re.sub(r"#.*", "", rest)):
        raise Unclear("`Gemfile` takes more from the project")
    platforms = re.search(r"(?m)^PLATFORMS\n((?:  .*\n)*)", lock)
    if not platforms or "ruby\n" not in platforms[1].replace(" ", ""):
        raise Unclear("`bundle install` may add a platform to `Gemfile.lock`")
    if folder.has_folder(".bundle"):
        raise Unclear("`.bundle` may be both read and written")
    files = ("Gemfile", "Gemfile.lock", *((".ruby-version",) if version else ()))
    packed = ("vendor/cache",) if folder.has_folder("vendor/cache") else ()
    return Needs(folder.files(*files), packed, writes=("vendor/bundle", ".bundle"))


#: What of Ruby reads files, in a Gemfile.
_RUBY = r"gemspec|\bpath\b|eval_gemfile|require_relative|File\.|Dir\.|__dir__|__FILE__|IO\.|load\b|instance_eval"


def composer(folder: Folder, call: Call) -> Needs:
    """What `composer install` reads."""
    package, lock = folder.json("composer.json"), folder.json("composer.lock")
    hooks = [
        name for name in within(package, "scripts") if re.match(r"(?:pre|post)-(?!root)", name)
    ]
    if hooks and not call.has("--no-scripts"):
        raise Unclear(f"the install runs the script `{hooks[0]}` of `composer.json`")
    if re.search(r"'type': 'path'|'type': 'artifact'", str(package.get("repositories"))):
        raise Unclear("`composer.json` takes packages from the project itself")
    kinds = {
        within({"": each}, "").get("type")
        for key in ("packages", "packages-dev")
        for each in lock.get(key) or ()
    }
    if "composer-plugin" in kinds and not call.has("--no-plugins"):
        raise Unclear("a plugin of Composer may look into the project")
    if not call.has("--no-autoloader"):
        _refuse_scanned(package, call)
    if folder.has_folder(".git"):
        raise Unclear("Composer asks `.git` for the version of the project")
    files = folder.files("composer.json", "composer.lock", "auth.json")
    return Needs(files, writes=("vendor",))


def _refuse_scanned(package: Mapping[str, Any], call: Call) -> None:
    """Raises `Unclear` if the autoloader is made of what the sources have."""
    config = within(package, "config")
    told = ("-o", "--optimize-autoloader", "-a", "--classmap-authoritative")
    scans = (
        call.has(*told) or config.get("optimize-autoloader") or config.get("classmap-authoritative")
    )
    listed = (within(package, kind) for kind in ("autoload", "autoload-dev"))
    if scans or any(each.get("classmap") for each in listed):
        raise Unclear("the autoloader is made of the classes in the sources")
