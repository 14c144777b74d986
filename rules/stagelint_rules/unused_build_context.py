from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.project import Project
from stagelint.rule import Bad, Finding, Good, ProjectRule
from stagelint.syntax.characters import lower, nearest


class UnusedBuildContext(ProjectRule):
    """A named build context that the Dockerfile does not use.

    The build goes on without it, so what was meant to be replaced is not. A name is used if a stage
    has it, or if it is what FROM, `COPY --from` or a mount takes.
    """

    code = "SL112"
    examples = (
        Bad(
            """
            --- docker-bake.hcl
            target "app" {
              contexts = {
                shard = "./shared"
                ^^^^^ no build context `shard` is used in Dockerfile; did you mean `shared`?
              }
            }
            --- Dockerfile
            FROM alpine
            COPY --from=shared /lib /lib
            """
        ),
        Good(
            """
            --- compose.yaml
            services:
              web:
                build:
                  context: .
                  additional_contexts:
                    alpine: docker-image://alpine:3.20
            --- Dockerfile
            FROM alpine
            """
        ),
    )

    def check_project(self, project: Project) -> Iterator[Finding]:
        for name, files in project.given(lambda build: build.contexts):
            used: set[str] = set()
            for file in files:
                found = _used(file)
                if found is None or _plain(name.text) in found:
                    break
                used |= found
            else:
                near = nearest(name.text, sorted(used))
                guess = f"; did you mean `{near[0]}`?" if near else ""
                path = files[0].source.path
                yield self.finding_at(
                    name, f"no build context `{name.text}` is used in {path}{guess}"
                )


def _used(file: File) -> set[str] | None:
    """The names that a context may have; None if a variable may be any."""
    found = {stage.name for stage in file.stages if stage.name}
    for reference in file.graph.references:
        if reference.problem is not None or "$" in reference.raw:
            return None
        if reference.image:
            found.add(_plain(reference.image))
    return found


def _plain(name: str) -> str:
    """As BuildKit compares names: `docker.io/library/alpine:latest` is `alpine`."""
    name = name.partition("::")[0]  # BuildKit looks for `alpine::linux/amd64` too
    for prefix in ("index.docker.io/library/", "docker.io/library/", "docker.io/"):
        name = name.removeprefix(prefix)
    return lower(name).removesuffix(":latest")
