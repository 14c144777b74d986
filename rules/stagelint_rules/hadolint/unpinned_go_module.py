from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.pins import unpinned_modules
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class UnpinnedGoModule(Rule):
    """Modules that `go` fetches in whatever version there is.

    Such a step gives another program on another day, and a new version may not even compile.

    It speaks of `go install` and `go run` of a path with a version that moves, as `@latest` and
    `@main` do, and of `go get` of a path without any, once for each call. It is silent where
    hadolint is not: about `go install` and `go run` of a path without a version, which take the one
    that `go.mod` names, or fail; about packages of Go itself and of the project, as in
    `go install cmd/vet` and `go run main.go`; and about the value of an option such as `-tags`.
    """

    code = "DL3062"
    default = False
    roles = SHIPPED
    widens = True
    words = ("go",)
    examples = (
        Bad(
            """
            FROM golang:1.25
            RUN go install example.com/tool/cmd/tool@latest && go get -u example.com/lib
                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `example.com/tool/cmd/tool@latest` has no version
                                                                         ^^^^^^^^^^^^^^^ `example.com/lib` has no version
            """
        ),
        Good(
            """
            FROM golang:1.25
            ARG VERSION
            RUN go install example.com/tool@v1.2.3 && go install example.com/tool@$VERSION
            RUN go install -tags netgo ./... && go install example.com/project/cmd/app
            RUN go run main.go && go install cmd/vet std && go get ./...
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for each in unpinned_modules(file.written(stage)):
                yield self.finding(file, each.span, each.message, stage=stage)
