"""The formats that name targets: a module each, which is imported when a file is called so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module

from stagelint.model.project import Build
from stagelint.project.command import TELLING as COMMANDS
from stagelint.project.files import Files
from stagelint.source import Source
from stagelint.tuples import NamedTuple

Read = Callable[[Source, Files], Iterator[Build]]


class Reader(NamedTuple):
    """A format."""

    module: str
    """Its module here, whose `read(source, files)` gives the builds of a file."""
    names: str
    """What its files are called: an expression for the whole path in lower case."""
    telling: tuple[str, ...]
    """A file that has none of these words, in whatever case, is not read."""
    is_complete: bool = False
    """Does it find every target that a file it has builds from can name?"""

    def load(self) -> Read:
        read: Read = import_module(f"{__name__}.{self.module}").read
        return read


#: The first whose names fit reads a file.
READERS = (
    Reader(
        "compose",
        r"(?!(.*/)?\.github/workflows/)(.*/)?(docker-)?compose[^/]*\.ya?ml",
        ("build",),
        is_complete=True,
    ),
    Reader("github_actions", r"(.*/)?(\.github/.*|action)\.ya?ml", COMMANDS),
    Reader("gitlab_ci", r".*gitlab-ci[^/]*\.ya?ml|(.*/)?\.gitlab(-ci)?/.*\.ya?ml", COMMANDS),
    Reader("circleci", r"(.*/)?\.circleci/.*\.ya?ml", (*COMMANDS, "orb")),
    Reader(
        "azure_pipelines",
        r".*azure-?(pipelines?|devops)[^/]*(/.*)?\.ya?ml|(.*/)?\.(ado|vsts)/.*\.ya?ml",
        COMMANDS,
    ),
    Reader("cloud_build", r".*cloud-?build[^/]*(/.*)?\.(ya?ml|json)", COMMANDS),
    Reader("skaffold", r".*skaffold[^/]*\.ya?ml", ("artifacts",), is_complete=True),
    Reader("taskfile", r"(.*/)?taskfile[^/]*\.ya?ml", COMMANDS),
    Reader("bitbucket_pipelines", r"(.*/)?bitbucket-pipelines?[^/]*\.ya?ml", COMMANDS),
    Reader("drone", r"(.*/)?\.(drone|woodpecker)[^/]*(/.*)?\.ya?ml", (*COMMANDS, "plugins/")),
    Reader("devcontainer", r"(.*/)?\.?devcontainer\.json", ("docker",), is_complete=True),
    Reader("bake_json", r".*bake[^/]*\.json", ("target",), is_complete=True),
    Reader("bake", r".*\.hcl", ("target",), is_complete=True),
    Reader("compose", r".*\.ya?ml", ("build",), is_complete=True),
    Reader("make", r"(.*/)?(gnu|bsd)?makefile([.-][^/]*)?|.*\.(mk|mak|make)", COMMANDS),
    Reader("python_code", r".*\.py", COMMANDS),
    Reader("tox", r"(.*/)?(tox\.ini|setup\.cfg)", COMMANDS),
    Reader(
        "jenkinsfile",
        r"(.*/)?jenkinsfile([.-](?!bats\Z|md\Z)[^/]*)?|.*\.(jenkinsfile|groovy)",
        COMMANDS,
    ),
    Reader("justfile", r"(.*/)?\.?justfile|.*\.just", COMMANDS),
    Reader("package_json", r"(.*/)?package\.json", COMMANDS),
    Reader(
        "terraform",
        r".*\.tf",
        ("docker_image", "docker_registry_image", "local-exec"),
        is_complete=True,
    ),
    Reader(
        "visual_studio",
        r".*\.((cs|fs|vb|dc)proj|props|targets)",
        (*COMMANDS, "containers.tools", "containerfastmodestage"),
    ),
    Reader("tiltfile", r"(.*/)?(tiltfile|(?!dockerfile)[^/]*\.tilt(file)?)", COMMANDS),
    Reader("earthfile", r"(.*/)?earthfile", COMMANDS),
    Reader("shell_script", r".*\.(sh|bash|zsh|ksh|bats)|(.*/)?[^./]+", COMMANDS),
)


@cache
def reader_of(path: str) -> Reader | None:
    """Who reads the file *path*, by its name."""
    low = path.lower()
    return next((reader for fits, reader in _fitting() if fits(low)), None)


@cache
def _fitting() -> list[tuple[Callable[[str], object], Reader]]:
    return [(re.compile(each.names, re.DOTALL).fullmatch, each) for each in READERS]
