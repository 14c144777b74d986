from __future__ import annotations

from collections.abc import Iterator

from stagelint.model import File
from stagelint.model.pins import unpinned
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule


class UnpinnedNpmPackage(Rule):
    """Packages that `npm` installs in whatever version there is.

    Such a step gives another image on another day, and a new version may break it. A package of the
    project itself belongs into `package.json`, whose lock file says all versions.

    It speaks of what `npm install` names without `@version`, or with `@latest`, and of repositories
    without `#commit`, once for each call. It is silent where hadolint is not: about
    `npm install .`, about repositories with `#commit`, about the value of an option such as
    `--omit dev`, and about a word that holds a variable without a known value. It sees `npm i` and
    `npm add`, which hadolint does not.
    """

    code = "DL3016"
    default = False
    roles = SHIPPED
    widens = True
    words = ("npm",)
    examples = (
        Bad(
            """
            FROM node:22-slim
            RUN npm install -g typescript @angular/cli eslint@9.9.1
                               ^^^^^^^^^^ `typescript` and `@angular/cli` have no version
            RUN npm i serve@latest user/repository
                      ^^^^^^^^^^^^ `serve@latest` and `user/repository` have no version
            """
        ),
        Good(
            """
            FROM node:22-slim
            ARG TOOL
            RUN npm ci && npm install && npm install . ../lib ./lib.tgz
            RUN npm install --omit dev --loglevel warn @angular/cli@18 user/repository#v1 $TOOL
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in self.stages(file):
            for each in unpinned(file.written(stage), "npm"):
                yield self.finding(file, each.span, each.message, stage=stage)
