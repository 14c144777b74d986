"""Which jar Maven and Gradle make of a project, and whether it brings along what it needs to run."""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase

from stagelint.model.calls import Call
from stagelint.model.moments import absolute
from stagelint.model.stacks.plans import Refused
from stagelint.model.stacks.sources import Sources
from stagelint.tuples import NamedTuple

#: Files of projects that are larger are not read.
_LARGEST = 200_000
_GOALS = frozenset({"package", "verify", "install", "deploy", "assembly:single"})
_TASKS = r":?(?:[\w-]+:)*(?:build|assemble|jar|bootJar|shadowJar)"

#: Plugins of Maven that put dependencies into the jar.
_BUNDLERS = r"spring-boot-maven-plugin|maven-shade-plugin|maven-assembly-plugin|onejar-maven-plugin"
#: Dependencies that are not needed to run, or are there.
_NOT_NEEDED = r"<scope>\s*(?:test|provided|import)\s*</scope>|<optional>\s*true"
_BUNDLES_OF_GRADLE = r"shadow|org\.springframework\.boot|\bfrom\b[^\n]{0,200}\n?[^\n]{0,200}(?:runtimeClasspath|configurations)"
_DEPENDENCY_OF_GRADLE = r"(?m)^[ \t]*(?:implementation|api|compile|runtimeOnly|runtime)\b\s*[\(\"']"


class _Pom(NamedTuple):
    """What of a `pom.xml` decides the name of its jar, and what is in it."""

    artifact: str
    version: str
    final_name: str
    text: str

    @property
    def name(self) -> str:
        """Of the jar, without its suffix; with `${` in it if it is not known."""
        name = self.final_name or "${project.artifactId}-${project.version}"
        for prefix in ("project.", "pom.", ""):
            name = name.replace(f"${{{prefix}artifactId}}", self.artifact)
            name = name.replace(f"${{{prefix}version}}", self.version)
        return name


def is_of_maven(path: str, call: Call, sources: Sources) -> bool:
    """Is the absolute *path*, perhaps a pattern, the jar of a project that *call* builds?

    Raises `Refused` if it needs what it does not bring along.
    """
    folder, name = posixpath.split(path)
    module, target = posixpath.split(folder)
    top = (call.directory or "/").rstrip("/")
    is_told = call.option("-f", "--file") or call.option("-pl", "--projects")
    if target != "target" or is_told or not f"{module}/".startswith(f"{top}/"):
        return False
    text = sources.text(f"{module.rstrip('/')}/pom.xml")
    if text is None or len(text) > _LARGEST or not _GOALS & {*call.words}:
        return False
    for begin, end in (("<!--", "-->"), ("<profiles>", "</profiles>")):
        text = _without(text, begin, end)
    pom = _pom(text)
    if not _is_called(name, pom):
        raise Refused(f"`pom.xml` does not say that `{name}` is made")
    if re.search(r"<packaging>\s*(?!\s|jar)", pom.text) or re.search(
        r"<classpathPrefix|addClasspath", text
    ):
        raise Refused("its jar is not all that is needed to run it")
    if not re.search(_BUNDLERS, text) and _needs_more(text):
        raise Refused("its jar does not bring along what it depends upon")
    return True


def _is_called(name: str, pom: _Pom) -> bool:
    if "${" in pom.name:
        return name in ("*.jar", f"{pom.artifact}-*.jar", f"{pom.artifact}*.jar")
    suffixes = ["", *(["-jar-with-dependencies"] if "assembly" in pom.text else [])]
    suffixes += [
        f"-{each}" for each in re.findall(r"<(?:shadedC|c)lassifierName>\s*([\w.-]+)", pom.text)
    ]
    return any(fnmatchcase(f"{pom.name}{suffix}.jar", name) for suffix in suffixes)


def _pom(text: str) -> _Pom:
    head, parent = text, re.search(r"<parent>(.{0,2000}?)</parent>", text, re.DOTALL)
    for tag in ("parent", "dependencies", "dependencyManagement", "build", "reporting"):
        head = _without(head, f"<{tag}>", f"</{tag}>")
    version = _tag(head, "version") or (_tag(parent[1], "version") if parent else "")
    return _Pom(_tag(head, "artifactId"), version, _tag(text, "finalName"), text)


def _tag(text: str, name: str) -> str:
    found = re.search(rf"<{name}>\s*([^<>\s]*)\s*</{name}>", text)
    return found[1] if found else ""


def _without(text: str, begin: str, end: str) -> str:
    """*text* without what stands between *begin* and the next *end*."""
    parts: list[str] = []
    at = 0
    while (start := text.find(begin, at)) >= 0 and (stop := text.find(end, start)) >= 0:
        parts.append(text[at:start])
        at = stop + len(end)
    return "".join((*parts, text[at:]))


def _needs_more(text: str) -> bool:
    """Has it dependencies that must be there when it runs?"""
    text = _without(
        _without(text, "<!--", "-->"), "<dependencyManagement>", "</dependencyManagement>"
    )
    text = _without(text, "<plugins>", "</plugins>")
    pieces = re.split(r"<dependency>", text)[1:]
    return any(not re.search(_NOT_NEEDED, each.partition("</dependency>")[0]) for each in pieces)


def is_of_gradle(path: str, call: Call, sources: Sources) -> bool:
    """Likewise, of Gradle."""
    folder, name = posixpath.split(path)
    module = folder.removesuffix("/build/libs")
    top = absolute(call.option("-p", "--project-dir") or ".", call.directory) or "/"
    if module == folder or not f"{module}/".startswith(f"{top.rstrip('/')}/"):
        return False
    if not any(re.fullmatch(_TASKS, word) for word in call.words):
        return False
    texts = {
        each: sources.text(f"{module}/{each}") or ""
        for kind in ("settings", "build")
        for each in (f"{kind}.gradle", f"{kind}.gradle.kts")
    }
    build = texts["build.gradle"] + texts["build.gradle.kts"]
    settings = texts["settings.gradle"] + texts["settings.gradle.kts"]
    named = re.search(r"rootProject\.name\s*=\s*[\"']([\w.-]+)", settings)
    told = re.search(r"archiveFileName\s*(?:=|\.set\()\s*[\"']([\w.-]+)", build)
    base = re.search(r"archive(?:s)?BaseName\s*(?:=|\.set\()\s*[\"']([\w.-]+)", build)
    said = base or named
    first = str(said[1]) if said else posixpath.basename(module)
    if not (name == (told[1] if told else "") or name.startswith((first, "*"))):
        raise Refused(f"`build.gradle` does not say that `{name}` is made")
    is_bundle = re.search(_BUNDLES_OF_GRADLE, build)
    # The plugin leaves the jar without dependencies as it is, and makes one called `-all` beside it.
    if "shadow" in build and "-all" not in name and not re.search(r"archiveClassifier", build):
        is_bundle = None
    if not build or (not is_bundle and re.search(_DEPENDENCY_OF_GRADLE, build)):
        raise Refused("its jar does not bring along what it depends upon")
    return True
