from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stagelint.model import File, images
from stagelint.model.graph import EdgeKind
from stagelint.model.images import DOCKER_HUB, Reference
from stagelint.rule import Bad, Finding, Good, Rule, Severity

#: Other names of Docker Hub.
_HUBS = frozenset({"index.docker.io", "registry-1.docker.io", "hub.docker.com"})


class UntrustedRegistry(Rule):
    """An image comes from a registry that is not among the trusted ones.

    What an image holds is what whoever runs its registry puts in. It speaks of FROM, `COPY --from`
    and `RUN --mount=from`, also in an ONBUILD that another stage runs, if the configuration has a
    list `trusted-registries`, and of nothing without one.

    An entry is a registry with its port, `docker.io` for images without one, or a part of a
    registry such as `docker.io/library` or `example.com/team`; `*` stands for any text. A variable
    counts as the default of its ARG, unlike with hadolint; an image that only the build knows is
    not spoken of, nor is a context that a build of the repository gives.
    """

    code = "DL3026"
    waits_for = "trusted_registries"
    settings = ("trusted-registries",)
    severity = Severity.ERROR
    examples = (
        Bad(
            """
            --- stagelint.toml
            trusted-registries = ["docker.io/library", "*.example.com", "example.org:5000/team"]
            --- Dockerfile
            ARG FROM=team/image
            FROM debian:12 AS build
            FROM $FROM:1
                 ^^^^^^^ `docker.io` is no trusted registry for `team/image`
            FROM example.com/debian:12
                 ^^^^^^^^^^^^^^^^^^^^^ `example.com` is no trusted registry for `example.com/debian`
            FROM hub.example.com/debian:12
            FROM example.org:5000/team/image
            COPY --from=example.org:5000/teammates/image /a /a
                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `example.org:5000` is no trusted registry for `example.org:5000/teammates/image`
            COPY --from=build /b /b
            RUN --mount=from=example.net/tool,target=/tool /tool/run
                             ^^^^^^^^^^^^^^^^ `example.net` is no trusted registry for `example.net/tool`
            """
        ),
        Good(
            """
            FROM example.com/debian:12
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        trusted = file.options.trusted_registries
        for reference in file.graph.references if trusted else ():
            name = reference.image
            if name is None or reference.problem or images.problem(name) or file.is_context(name):
                continue
            image = images.parse(name)
            if reference.kind is EdgeKind.COPY and reference.raw.isdigit():
                continue  # a number of a stage is meant
            if not is_trusted(image, trusted):
                message = f"`{image.domain}` is no trusted registry for `{image.short_name}`"
                stage = file.stages[reference.stage]
                yield self.finding(file, reference.span, message, stage=stage)


def is_trusted(image: Reference, trusted: Sequence[str]) -> bool:
    domain = DOCKER_HUB if image.domain in _HUBS else image.domain
    folders = [domain]
    for part in image.path.split("/"):
        folders.append(f"{folders[-1]}/{part}")
    return any(
        re.fullmatch(".*".join(map(re.escape, entry.rstrip("/").split("*"))), folder)
        for entry in trusted
        for folder in folders
    )
