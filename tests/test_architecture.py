"""Who may know what: the invariants of lint/README.md that are about imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ENGINE = Path(__file__).parent.parent / "lint" / "stagelint"
MODULES = {
    ".".join(path.relative_to(ENGINE).with_suffix("").parts): path for path in ENGINE.rglob("*.py")
}


CACHE = {module for module in MODULES if module.split(".")[0] == "cache"}
PROJECT = {module for module in MODULES if module.split(".")[0] == "project"}
SHELLCHECK = {module for module in MODULES if module.split(".")[0] == "shellcheck"}
SIZES = {module for module in MODULES if module.split(".")[0] == "sizes"}
VERIFY = {module for module in MODULES if module.split(".")[0] == "verify"}


@cache
def imports(path: Path) -> list[str]:
    return list(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def importers(*names: str) -> set[str]:
    """The modules of the engine that import one of *names*, or something below."""
    return {
        module
        for module, path in MODULES.items()
        if any(
            each == name or each.startswith(f"{name}.") for each in imports(path) for name in names
        )
    }


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        (["networkx"], {"model.graph", "model.critical_path"}),
        (["dockerfile_parse"], {"second_reader"}),
        (["dataclasses"], set[str]()),
        (["yaml"], {"project.yaml"}),
        (["tree_sitter", "tree_sitter_hcl"], {"project.hcl"}),
        (["ruamel"], {"project.yaml_shape"}),
        (
            ["stagelint.project"],
            {"session", "cli", "migrate", "cache.trace", "cache.results", *PROJECT},
        ),
        (["subprocess"], {"discover", "verify.process", "shellcheck.program"}),
        (
            ["concurrent", "threading"],
            {"verify.__init__", "verify.process", "sizes.deadline", "shellcheck.program"},
        ),
        (["tarfile", "gzip", "zlib"], {"verify.image", "verify.layers"}),
        (["tomllib"], {"syntax.toml"}),
        (["stagelint.syntax.toml"], {"config", "model.installs.python"}),
        (["libcst", "ast"], {"project.python"}),
        (["xml"], {"project.xml"}),
        (
            ["stagelint.project.python", "stagelint.project.python_calls"],  # libcst loads slowly
            {
                "project.python_calls",
                "project.readers.python_code",
                "project.readers.tiltfile",
            },
        ),
        (["tempfile"], {"verify.__init__", "shellcheck.program"}),
        (["stagelint.shellcheck"], {"session", "cli", *SHELLCHECK}),
        (
            ["shutil"],  # to find the program
            {"verify.buildkit", "verify.buildah", "sizes.engines", "sizes.credentials"},
        ),
        (["socket", "http", "requests"], set[str]()),
        (["urllib3", "urllib", "ssl"], {"sizes.web", "sizes.authorization"}),  # the network
        (["stagelint.sizes.registry"], {"cli"}),
        (["stagelint.sizes"], {"session", "cli", "arguments", "catalogue", *SIZES}),
        (
            ["stagelint.verify"],
            {
                *{"check", "result", "cli", "session", "report.verification", *VERIFY},
                # to run a program
                *{"sizes.engines", "sizes.credentials", "shellcheck.program"},
                "trace",  # to read what a builder tells
            },
        ),
        (["stagelint_rules"], {"registry", "catalogue", "cache.key"}),
        (["marshal", "pickle"], set[str]()),  # a repository could bring some along
        (
            ["stagelint.cache"],
            {"session", "cli", "parallel", "project.__init__", "project.index", *CACHE},
        ),
        (["stagelint.cli", "stagelint.check"], {"__main__", "cli"}),
    ],
)
def test_only_these_import(names: list[str], allowed: set[str]) -> None:
    assert importers(*names) <= allowed


@pytest.mark.parametrize("layer", ["syntax", "model"])
def test_layers_look_down_only(layer: str) -> None:
    below = {"syntax": {"syntax"}, "model": {"syntax", "model"}}[layer]
    shared = {"source", "dialect", "edit", "tuples", "typed"}

    for module, path in MODULES.items():
        if module.split(".")[0] == layer:
            known = {each.split(".")[1] for each in imports(path) if each.startswith("stagelint.")}
            assert known <= below | shared, module


def test_only_these_touch_files() -> None:
    touching = {
        module
        for module, path in MODULES.items()
        if any(
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "open"
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    }

    writing = {"cache.folder", "verify.build", "verify.buildkit"}
    assert touching <= {"config", "discover", "catalogue", *writing}
