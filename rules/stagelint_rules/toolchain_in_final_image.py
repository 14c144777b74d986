from __future__ import annotations

import re
from collections.abc import Iterator

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.base_images import Description, Size, size_said
from stagelint.model.families import RUNTIMES
from stagelint.model.gains import Amount, Gain, Known
from stagelint.model.images import Reference
from stagelint.model.stages import Stage
from stagelint.model.toolchain import Cause, causes
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity

#: What a JDK has and a JRE has not.
_OF_JDKS = (
    r"(?<![\w.-])(?:javac|jar|jlink|jdeps|jmod|jpackage|javap|javadoc|jarsigner|jshell|jdb|jcmd|jmap|jstack|"
    r"jstat|jps|jinfo|jhsdb|jconsole|jstatd|jdeprscan|mvnw?|gradlew?|sbt|ant|lein|kotlinc|scalac)(?![\w.-])"
)

#: Files that only a JDK has.
_IN_JDKS = r"/jre/|tools\.jar|\bjdk\.\w+"

_START_PROGRAMS = ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK", "SHELL", "ENV", "COPY", "ADD")


class ToolchainInFinalImage(Rule):
    """A released image that is built upon an SDK, though it only runs a program.

    A compiler makes the image hundreds of megabytes larger, and is what an intruder wishes for. It
    speaks where the image at the bottom is a compiler's (`golang`, `rust`, a JDK, `maven`,
    `dotnet/sdk`, `gcc` ...), a program was compiled or copied into it, and ENTRYPOINT or CMD runs
    that program. Where they start a script it is less sure, for the script may compile.

    It is silent where they start a shell, the compiler (`go run`, `mvn`, `dotnet watch`), a test
    runner or nothing, and where the name of the stage, of the Dockerfile or of its folder says that
    it is to develop or to test in. What the program starts itself cannot be known.

    If the program is started by `java`, and nothing that is written here needs what only a JDK has,
    the fix takes the JRE of the same version. It is another image, so the fix is not safe: a
    program that compiles when it runs needs the JDK.

    The sizes are those of the catalogue (`stagelint catalog`), each with its date: the JDK
    `eclipse-temurin:21-jdk` is nearly twice the size of its JRE, and `golang` more than ten times
    that of `debian:trixie-slim`, on which a Go program runs.
    """

    code = "SL202"
    roles = SHIPPED
    examples = (
        Bad(
            """
            FROM golang:1.26
                 ^^^^^^^^^^^ the Go toolchain of `golang:1.26` ships, and the program runs without it
            WORKDIR /src
            COPY . .
            RUN go build -o /server .
            CMD ["/server"]
            """
        ),
        Bad(
            """
            FROM eclipse-temurin:21-jdk-alpine
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the JDK of `eclipse-temurin:21-jdk-alpine` ships, and the program runs without it
            COPY target/app.jar /app.jar
            ENTRYPOINT ["java", "-jar", "/app.jar"]
            """,
            fixed="""
            FROM eclipse-temurin:21-jre-alpine
            COPY target/app.jar /app.jar
            ENTRYPOINT ["java", "-jar", "/app.jar"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            FROM example.com/dotnet/sdk:9.0 AS base
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^ the .NET SDK of `example.com/dotnet/sdk:9.0` ships, and the program runs without it
            WORKDIR /app
            FROM base AS build
            COPY . .
            RUN dotnet publish -o /out
            FROM base
            COPY --from=build /out .
            ENTRYPOINT ["dotnet", "App.dll"]
            """
        ),
        Bad(
            """
            FROM maven:3-eclipse-temurin-21
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^ the JDK of `maven:3-eclipse-temurin-21` ships, and the program seems to run without it
            COPY . .
            RUN mvn package
            CMD ["./run.sh"]
            """
        ),
        Good(
            """
            # started by the compiler
            FROM golang:1.26
            COPY . .
            RUN go build ./...
            CMD ["go", "run", "."]
            """
        ),
        Good(
            """
            # Resin compiles the pages that it serves
            FROM openjdk:11-jdk
            COPY app.war webapps/
            CMD ["java", "-jar", "lib/resin.jar"]
            """
        ),
        Good(
            """
            # to work in
            FROM golang:1.26 AS dev
            RUN go install example.com/tool
            COPY . .
            ENTRYPOINT ["/entrypoint"]
            """
        ),
        Good(
            """
            # an image for others to build upon
            FROM rust:1
            RUN cargo install cargo-chef
            """
        ),
        Good(
            """
            FROM golang:1.26
            COPY benchmarks /benchmarks
            ENTRYPOINT ["/benchmarks"]
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for target, found in causes(file):
            if found.image:
                yield self._sdk(file, found, found.image, target)

    def _sdk(self, file: File, found: Cause, image: Description, target: Stage) -> Finding:
        runtime = RUNTIMES[image.family.language]
        runs = "runs" if found.is_shown else "seems to run"
        jre = image.jre()
        if jre:
            against = _objection(file, found, image, target)
        else:
            is_java = image.family.language == "java"
            against = "its repository is not known to have a JRE of that version" if is_java else ""
        known = [file.sizes.size(str(each)) for each in (image.reference, jre) if each]
        words = (against and f"not fixed: {against}", runtime.advice, *map(size_said, known))
        related: tuple[Related, ...] = ()
        if found.stage is not target:
            span = target.opening.code_span
            related = (Related(file.source, span, f"`{target.label}` is built upon it"),)
        return self.finding(
            file,
            found.stage.base.span,
            f"{runtime.toolchain} of `{image.reference}` ships, and the program {runs} without it",
            severity=Severity.WARNING if found.is_shown else Severity.INFO,
            stage=found.stage,
            fix=_fix(found.stage, jre) if jre and not against else None,
            note="; ".join(filter(None, words)),
            related=related,
            gain=_gain(known),
        )


def _gain(known: list[Size | None]) -> Gain:
    """What is saved, if the sizes of the SDK and of what takes its place are *known*."""
    if len(known) < 2 or known[0] is None or known[1] is None:
        return Gain(ships_less=True)
    before, after = known[0], known[1]
    if before.measure != after.measure or before.is_other_line != after.is_other_line:
        return Gain(ships_less=True)
    return Gain(Amount(before.bytes - after.bytes, Known.CATALOGUE), ships_less=True)


def _objection(file: File, found: Cause, image: Description, target: Stage) -> str:
    """What stands against the JRE; empty if nothing does."""
    base, chain = found.stage.base, {stage.index for stage in file.chain(target)}
    others = (each for each in file.graph.references if each.stage not in chain)
    if any(reference.needs in chain for reference in others):
        return "another stage is built on it too, or copies from it"
    if base.raw != base.text:
        return "its name is put together from variables"
    if image.reference.digest:
        return "it is pinned by a digest, and that of the JRE is not known"
    if any(call.name != "java" for call in found.programs):
        return "it starts more than `java`"
    for moment in file.moments_behind(target):
        text = str(moment.instruction) if moment.instruction.keyword in _START_PROGRAMS else ""
        match = re.search(_OF_JDKS, text) or re.search(_IN_JDKS, text)
        if match:
            return f"`{match[0]}` may need the JDK"
    return ""


def _fix(stage: Stage, jre: Reference) -> Fix:
    written = f"{stage.base.raw.rpartition(':')[0]}:{jre.tag}"
    edit = Edit(stage.base.span, written)
    return Fix(f"Run it on the JRE `{jre}`", (edit,), Guarantee.BEHAVIOUR)
