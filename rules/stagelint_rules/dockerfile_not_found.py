from __future__ import annotations

import posixpath
from collections.abc import Iterator

from stagelint.model.project import UNKNOWN, Build, Project
from stagelint.rule import Bad, Finding, Good, ProjectRule, Severity


class DockerfileNotFound(ProjectRule):
    """A build that names a Dockerfile which is not there.

    The build fails. Only where the path is written in full and the folder it is relative to is
    known, and where nothing hints that the file is generated before.
    """

    code = "SL111"
    severity = Severity.ERROR
    examples = (
        Bad(
            """
            --- compose.yaml
            services:
              web:
                build:
                  context: .
                  dockerfile: Dockerfile.web
                              ^^^^^^^^^^^^^^ there is no Dockerfile.web; did you mean web.Dockerfile?
            --- web.Dockerfile
            FROM alpine
            """
        ),
        Good(
            """
            --- compose.yaml
            services:
              web:
                build:
                  context: .
                  dockerfile: ${FLAVOUR}.Dockerfile
            """
        ),
    )

    def check_project(self, project: Project) -> Iterator[Finding]:
        for build in project.builds:
            if not build.paths or not build.is_placed or build.is_hint:
                continue
            path = build.paths[0]
            is_named = path.span != build.span
            if not is_named or path.is_default or any(UNKNOWN in each.text for each in build.paths):
                continue
            if any(each.text in project.files for each in build.paths):
                continue
            if project.exists(path.text) or _may_be_generated(project, build, path.text):
                continue
            yield self.finding_at(path, f"there is no {path.text}{_guess(project, path.text)}")


def _may_be_generated(project: Project, build: Build, path: str) -> bool:
    """Is there a template of it, no folder for it, or does a file write one first?"""
    folder = posixpath.dirname(path)
    if project.has_any(f"{path}.") or (folder and not project.has_any(f"{folder}/")):
        return True
    return build.writes(path) or project.is_made(path)


def _guess(project: Project, path: str) -> str:
    """The Dockerfiles in the same folder."""
    near = project.dockerfiles_beside(path)
    return "; did you mean " + " or ".join(near[:3]) + "?" if near else ""
