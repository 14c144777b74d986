from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.project import Project
from stagelint.model.scope import PLATFORM_ARGS, is_builders_own
from stagelint.rule import Bad, Finding, Good, ProjectRule, Severity
from stagelint.syntax.characters import nearest
from stagelint.syntax.nodes import Instruction

#: Names as short as this are all alike.
_SHORT = 3


class UndeclaredBuildArg(ProjectRule):
    """A build argument that the Dockerfile does not declare.

    The value goes nowhere, and nobody is told. A name that is nearly a declared one is a warning,
    any other an information, since some arguments are passed to many builds alike.
    """

    code = "SL113"
    examples = (
        Bad(
            """
            --- compose.yaml
            services:
              web:
                build:
                  context: .
                  args:
                    GO_VERSON: "1.25"
                    ^^^^^^^^^ no ARG `GO_VERSON` is declared in Dockerfile; did you mean `GO_VERSION`?
            --- Dockerfile
            ARG GO_VERSION=1.24
            FROM golang:$GO_VERSION
            """
        ),
        Good(
            """
            --- compose.yaml
            services:
              web:
                build:
                  context: .
                  args: [HTTP_PROXY, VERSION=2]
            --- Dockerfile
            FROM alpine
            ARG VERSION
            """
        ),
    )

    def check_project(self, project: Project) -> Iterator[Finding]:
        for name, files in project.given(lambda build: build.args):
            declared = {each for file in files for each in _declared(file)}
            if name.text in declared or not name.text.isidentifier():
                continue
            if is_builders_own(name.text) or name.text in PLATFORM_ARGS:
                continue
            near = nearest(name.text, sorted(declared)) if len(name.text) > _SHORT else []
            guess = f"; did you mean `{near[0]}`?" if near else ""
            yield self.finding_at(
                name,
                f"no ARG `{name.text}` is declared in {_shown(files)}{guess}",
                severity=None if near else Severity.INFO,
            )


def _shown(files: list[File]) -> str:
    paths = sorted({file.source.path for file in files})
    return paths[0] if len(paths) == 1 else f"any of {len(paths)} Dockerfiles"


def _declared(file: File) -> Iterator[str]:
    for instruction in file.tree.instructions:
        for each in (instruction, instruction.inner):
            if isinstance(each, Instruction) and each.keyword == "ARG":
                yield from (pair.key for pair in each.pairs)
