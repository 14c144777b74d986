from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import AskedTarget, File
from stagelint.model.project import UNKNOWN, Build, Project
from stagelint.rule import Bad, Finding, Good, ProjectRule, Related, Severity
from stagelint.source import Span
from stagelint.syntax.characters import lower, nearest
from stagelint.syntax.nodes import Problem


class UnreachableTarget(ProjectRule):
    """A target somebody asks for that does not exist or cannot be built.

    The build that asks for it fails. The finding lies where the target is asked for: in a file of
    the repository, such as `compose.yaml` or a workflow, in the configuration or, for `--target`,
    at the head of the Dockerfile.
    """

    code = "SL103"
    waits_for = "targets"
    settings = ("targets",)
    severity = Severity.ERROR
    examples = (
        Bad(
            """
            FROM alpine AS build
            ^ target `biuld`, asked for by --target, does not exist; did you mean `build`?
            """,
            arguments="--target biuld",
        ),
        Bad(
            """
            FROM alpine AS test
            ^ target `test`, asked for by --target, cannot be built: invalid stage index 7
            COPY --from=7 /a /a
            """,
            arguments="--target test",
        ),
        Bad(
            """
            --- compose.yaml
            services:
              web:
                build:
                  context: web
                  target: biuld
                          ^^^^^ target `biuld` does not exist in web/Dockerfile; did you mean `build`?
            --- web/Dockerfile
            FROM alpine AS build
            """
        ),
        Good(
            """
            --- docker-bake.hcl
            variable "STAGE" { default = "build" }
            target "web" {
              target = STAGE
            }
            --- Dockerfile
            FROM alpine AS build
            """
        ),
        Good(
            """
            FROM alpine AS build
            """,
            arguments="--target build",
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        if not file.is_read:
            return
        for target in file.options.targets:
            index = file.find_target(target.name)
            if index is None:
                yield self._finding(file, target, f"does not exist{_guess(file, target.name)}")
                continue
            cause = self._cause(file, index)
            if cause:
                related = Related(file.source, cause.span, "the cause")
                message = f"cannot be built: {cause.message}"
                yield self._finding(file, target, message, (related,))

    def check_project(self, project: Project) -> Iterator[Finding]:
        for build in project.builds:
            target = build.target
            if target is None or UNKNOWN in target.text or build.is_hint or not target.text:
                continue
            files = [
                (path, file)
                for path in _where_it_may_be(project, build)
                if (file := project.dockerfile(path)) and file.is_read
            ]
            if not files or any(file.find_target(target.text) is not None for _, file in files):
                continue
            path, file = files[0]
            certain = (
                build.is_placed
                and not target.is_default
                and project.is_certain(build)
                and not build.writes(path)
            )
            yield self.finding_at(
                target,
                f"target `{target.text}` does not exist in {file.source.path}{_guess(file, target.text)}",
                severity=None if certain else Severity.WARNING,
                certain=certain,
            )

    def _finding(
        self,
        file: File,
        target: AskedTarget,
        what: str,
        related: tuple[Related, ...] = (),
    ) -> Finding:
        here = target.source is file.source
        origin = f", asked for by {target.by}," if here else f" of {file.source.path}"
        message = f"target `{target.name}`{origin} {what}"
        span = Span(0, 1) if here else target.span
        return self.finding(file, span, message, source=target.source, related=related)

    def _cause(self, file: File, index: int) -> Problem | None:
        """What keeps the target from being built: an error of a reference in what it needs."""
        for stage in sorted(file.graph.needs(index)):
            for reference in file.graph.of(stage):
                problem = reference.problem
                if problem and not (problem.conditional and reference.kind == "base"):
                    return problem
        return None


def _where_it_may_be(project: Project, build: Build) -> Iterator[str]:
    """The Dockerfiles it may mean: where it is run is not always known."""
    if any(UNKNOWN in path.text for path in build.paths):
        return
    found = [path.text for path in build.paths if path.text in project.files]
    yield from found[:1] if build.is_placed else found


def _guess(file: File, name: str) -> str:
    near = nearest(lower(name), [stage.name for stage in file.stages if stage.name])
    return "; did you mean " + " or ".join(f"`{each}`" for each in near[:3]) + "?" if near else ""
