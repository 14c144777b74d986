"""Programs for the JVM: a jar that Maven, Gradle or `jar` makes, or classes of `javac`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.model.base_images import Description, describe
from stagelint.model.calls import Call
from stagelint.model.families import JRE_VERSIONS
from stagelint.model.file import File
from stagelint.model.images import DOCKER_HUB
from stagelint.model.moments import Moment, absolute
from stagelint.model.stacks import jars, runtimes
from stagelint.model.stacks.artifacts import calls, origin, words
from stagelint.model.stacks.brought import toolchain
from stagelint.model.stacks.division import Division
from stagelint.model.stacks.plans import Copy, Found, Plan, Refused
from stagelint.model.stacks.recipes import Recipe
from stagelint.model.stacks.sources import Sources
from stagelint.model.stacks.started import Started, started
from stagelint.model.stages import Stage

_MAVEN = frozenset({"mvn", "mvnw"})
_GRADLE = frozenset({"gradle", "gradlew"})
_VARIABLES = r"MAVEN_\w+|MVN_\w+|M2_HOME|GRADLE_\w+"
#: What compilers read, and what the tools put into a jar.
_CODE = r"(?:.*/)?[^/]+\.(?:java|class)"
_PROJECT = (
    r"(?:.*/)?(?:src/.*|target/.*|build/.*|gradle/.*|buildSrc/.*|\.mvn/.*|\.gradle/.*|pom\.xml|mvnw|gradlew|"
    r"[^/]+\.gradle(?:\.kts)?|gradle\.properties|gradle\.lockfile|[^/]+\.(?:java|kt|scala|groovy))"
)
_VALUED = frozenset(
    "-d -cp -classpath --class-path -sourcepath --source-path -source -target --release -encoding -h -s"
    " -processorpath -A".split()
)
_STARTS_OTHERS = r"\bProcessBuilder\b|\bRuntime\.getRuntime\(\)\s*\.exec\b|\bProcessHandle\b"
_NEEDS_JDK = (
    r"\bjavax\.tools\b|\bToolProvider\b|\bcom\.sun\.tools\b|\bjdk\.(?:jshell|compiler|attach)\b"
)
#: Programs that the images of Temurin have, on Ubuntu.
_PROGRAMS = frozenset({"curl", "wget", "java"})


def recognise(file: File, stage: Stage) -> Found | None:
    """See `stacks`."""
    brought = toolchain(file, stage, ("java",))
    return brought.found(lambda: _plan(file, stage)) if brought else None


def _plan(file: File, stage: Stage) -> Plan:
    runtime = _jre(runtimes.base(file, stage))
    uses = {call.name for moment in file.moments(stage) for call in moment.calls}
    is_project = bool(uses & (_MAVEN | _GRADLE))
    division = Division(file, stage, _builds, _is_of_project if is_project else _is_code)
    sources, run = division.sources, started(file, stage)
    program = tuple(_program(division.above, sources, run))
    sources.refuse(_STARTS_OTHERS, "the program starts others")
    sources.refuse(_NEEDS_JDK, "the program needs a JDK")
    holds = ("no library of the program needs what only a JDK has",)
    described = describe(runtime)
    programs = _PROGRAMS if described and described.os == "ubuntu" else frozenset({"java"})
    return division.plan(Recipe(runtime, run, program, _VARIABLES, programs=programs, holds=holds))


def _jre(image: Description) -> str:
    """The JRE of the JDK, of the same version and OS. Raises `Refused`."""
    reference = image.reference
    jre = image.jre()
    if jre is not None and reference.domain == DOCKER_HUB:
        return str(jre)
    tag = reference.tag
    version = re.search(r"(?:eclipse-temurin|\bjdk)-?(\d+)", tag)
    is_temurin = "eclipse-temurin" in tag or image.family.path == "library/gradle"
    plain = re.fullmatch(
        r"(?:[\d.]+-)?(?:eclipse-temurin-\d+|jdk-?\d+)(-alpine|-focal|-jammy|-noble)?", tag
    )
    has_jre = version and int(version[1][:9]) in JRE_VERSIONS["library/eclipse-temurin"]
    if not (version and has_jre and is_temurin and plain and reference.domain == DOCKER_HUB):
        raise Refused(f"it is not known which JRE is like the JDK of `{reference}`")
    return f"eclipse-temurin:{version[1]}-jre{plain[1] or ''}"


def _builds(call: Call) -> bool:
    return call.name in _MAVEN | _GRADLE or call.name in ("javac", "jar")


def _is_of_project(path: str) -> bool:
    return re.fullmatch(_PROJECT, path) is not None


def _is_code(path: str) -> bool:
    return re.fullmatch(_CODE, path) is not None


# -- the program -----------------------------------------------------------------------------------


def _program(moments: Sequence[Moment], sources: Sources, run: Started) -> Iterator[Copy]:
    if run.name != "java":
        raise Refused(f"it is not `java` that it starts, but `{run.path}`", run.moment.instruction)
    found = [*_class_path(run)]
    if any(
        each and re.match(r"-(?:javaagent|agentpath|agentlib|XX:Flags=|@)", each)
        for each in run.arguments
    ):
        raise Refused("`java` is given an agent, or a file of options", run.moment.instruction)
    for each in found:
        path = run.absolute(each).rstrip("/") or "/"
        if not _lies_in_context(path, sources):
            yield _copy(path, moments, sources, run)


def _class_path(run: Started) -> Iterator[str]:
    """The entries as they are written. Raises `Refused`."""
    valued = ("-cp", "-classpath", "--class-path")
    told = [*zip(run.arguments, (*run.arguments[1:], ""), strict=True)]
    jar = next((value for option, value in told if option == "-jar"), None)
    path = next((value for option, value in told if option in valued), None)
    if jar:
        yield jar
    elif path:
        yield from (each for each in path.split(":") if each)
    elif (
        jar is None
        and path is None
        and any(re.fullmatch(r"[\w.$]+", e or "") for e in run.arguments)
    ):
        yield "."
    else:
        raise Refused("it is not known which classes `java` runs", run.moment.instruction)


def _lies_in_context(path: str, sources: Sources) -> bool:
    """Is it no file that is built, but one that is copied, such as a library?"""
    folder = path.removesuffix("/*")
    return sources.at(path) is not None or (
        folder != path and any(each.endswith(".jar") for each in sources.below(folder))
    )


def _copy(path: str, moments: Sequence[Moment], sources: Sources, run: Started) -> Copy:
    made = origin(path, moments)
    for moment, call in calls(moments):
        if call.directory is None:
            raise Refused("it is not known where this builds", moment.instruction)
        if call.name in _MAVEN and jars.is_of_maven(made, call, sources):
            return _as_it_was(path)
        if call.name in _GRADLE and jars.is_of_gradle(made, call, sources):
            return _as_it_was(path)
        if call.name == "jar" and made == _jar(call):
            return _as_it_was(path)
        folder = absolute(call.option("-d") or ".", call.directory)
        if call.name == "javac" and folder and made == (folder.rstrip("/") or "/"):
            return _classes(path, call, sources, run)
    raise Refused(f"it is not known what makes `{path}`", run.moment.instruction)


def _as_it_was(path: str) -> Copy:
    is_pattern = re.search(r"[*?\[]", path) is not None
    return Copy((path,), f"{posixpath.dirname(path)}/" if is_pattern else path)


def _jar(call: Call) -> str | None:
    """The file that `jar` makes."""
    first = call.arguments[0] if call.arguments else ""
    told = call.option("-f", "--file")
    if not told and first and re.fullmatch(r"-?c\w*f\w*", first) and len(call.arguments) > 1:
        letters = [each for each in first if each in "fem"]
        given = call.arguments[1:]
        told = given[letters.index("f")] if letters.index("f") < len(given) else None
    return absolute(told, call.directory) if told else None


def _classes(path: str, call: Call, sources: Sources, run: Started) -> Copy:
    """The folder of classes, or those of a program without packages that lie beside their sources."""
    if call.option("-d"):
        return Copy((path,), path)
    given = words(call, _VALUED, verbs=0)
    is_flat = given is not None and all("/" not in each and "@" not in each for each in given)
    main = next((e for e in run.arguments if e and re.fullmatch(r"[\w$]+", e)), None)
    if not is_flat or main is None or path != call.directory:
        raise Refused("the classes lie among their sources", run.moment.instruction)
    return Copy((f"{path.rstrip('/')}/*.class",), f"{path.rstrip('/')}/")
