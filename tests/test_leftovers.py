"""Folders that a build makes anew or never reads, and who asks git."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from stagelint.model.context import Context, Entry
from stagelint.model.context_readers import asks_git, readers
from stagelint.model.file import File
from stagelint.model.leftovers import leftovers, patterns, ups
from stagelint.source import Source


def context_of(texts: Mapping[str, str]) -> Context:
    folders = {folder for name in texts for folder in ups(name)}
    entries = [Entry(name, len(text)) for name, text in texts.items()]
    entries += [Entry(each, is_folder=True) for each in folders]
    return Context(".", entries, read=texts.get)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({".git/HEAD": "1234"}, {".git": 4}),
        ({"package.json": "", "node_modules/a/b.js": "12"}, {"node_modules": 2}),
        ({"node_modules/a.js": ""}, {}),
        ({"a/package.json": "", "a/node_modules/b/package.json": "{}"}, {"a/node_modules": 2}),
        ({"package.json": "", "node_modules/a/dist/b": "1", ".gitignore": "dist"}, {"node_modules": 1}),
        ({"package.json": "", "dist/a.js": ""}, {}),
        ({"package.json": "", "dist/a.js": "1", ".gitignore": "/dist/\n"}, {"dist": 1}),
        ({"a/package.json": "", "a/out/b": "1", ".gitignore": "a/out"}, {"a/out": 1}),
        ({"Cargo.toml": "", "target/a": "1", ".gitignore": "target"}, {"target": 1}),
        ({"src/target/a.java": "", ".gitignore": "target"}, {}),
        ({"A.csproj": "", "bin/a": "1", "obj/a": "", ".gitignore": "bin\nobj"}, {"bin": 1, "obj": 0}),
        ({"a/__pycache__/b.pyc": "1"}, {"a/__pycache__": 1}),
        ({".venv/pyvenv.cfg": "1"}, {".venv": 1}),
        ({"env/settings.py": ""}, {}),
        ({"a b/__pycache__/c": "", "[a]/__pycache__/c": ""}, {}),
    ],
)  # fmt: skip
def test_leftovers(files: Mapping[str, str], found: Mapping[str, int]) -> None:
    assert {each.path: each.size for each in leftovers(context_of(files))} == found


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        (["__pycache__/a"], ["__pycache__"]),
        (["a/__pycache__/b", "__pycache__/c"], ["**/__pycache__"]),
        (["a/package.json", "a/node_modules/b", "c/node_modules/d"], ["a/node_modules"]),
    ],
)
def test_patterns_leave_out_nothing_else(files: list[str], lines: list[str]) -> None:
    context = context_of(dict.fromkeys(files, ""))
    found = list(leftovers(context))

    assert patterns(context, found, found) == lines


@pytest.mark.parametrize(
    ("run", "files"),
    [
        ("git describe", {}),
        ("apt-get install -y git", {}),
        ("go build -o /app .", {}),
        ("dotnet publish -c Release", {}),
        ("nix build .#app", {}),
        ("make", {"Makefile": "V := $(shell git rev-parse HEAD)"}),
        ("pip install .", {"pyproject.toml": 'requires = ["setuptools_scm"]'}),
        ("npm ci", {"package.json": '{"scripts": {"prepare": "husky"}}'}),
        ("npm run build", {"vite.config.js": "fs.readFileSync('.git/HEAD')"}),
        ("npm run build", {"build.js": 'spawn("git", ["log"])'}),
        ("gem build", {"a.gemspec": "s.files = `git ls-files`.split"}),
    ],
)
def test_who_asks_git(run: str, files: Mapping[str, str]) -> None:
    file = File(Source("Dockerfile", f"FROM debian\nCOPY . .\nRUN {run}\n"))

    assert asks_git(file, context_of(files), [])


@pytest.mark.parametrize(
    ("run", "files"),
    [
        ("npm ci", {}),
        ("go build -buildvcs=false .", {}),
        ("curl https://example.com/a.git.tar", {}),
        ("npm ci", {"README.md": "git clone", ".github/a.yml": "git log", ".gitignore": ".git/"}),
        ("npm ci", {"package.json": '{"repository": "https://example.com/a.git"}'}),
        ("npm ci", {"a.js": "// a digital gitter, legit; see git"}),
    ],
)
def test_who_does_not_ask_git(run: str, files: Mapping[str, str]) -> None:
    file = File(Source("Dockerfile", f"FROM debian\nCOPY . .\nRUN {run}\n"))

    assert not asks_git(file, context_of(files), [])


def test_what_reads_the_context() -> None:
    text = """\
FROM debian AS a
COPY . /src
COPY --exclude=b . /other
ADD https://example.com/c d/ /d/
COPY --from=a /e /e
RUN --mount=type=bind,target=/f --mount=type=cache,target=/g make
RUN --mount=type=bind,source=./h,target=/h --mount=from=a,target=/i make
"""
    found = [(each.source, each.copies) for each in readers(File(Source("Dockerfile", text)))]

    assert found == [(".", True), ("d", True), (".", False), ("h", False)]
