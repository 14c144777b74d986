"""What installs of dependencies read of a project, and which steps have nothing to do with it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from stagelint.edit import Guarantee
from stagelint.model.archives import may_unpack
from stagelint.model.calls import Call
from stagelint.model.context import Context, Entry
from stagelint.model.file import File
from stagelint.model.installs import Folder, Needs, Unclear, install_of
from stagelint.model.leftovers import ups
from stagelint.model.moments import Moment
from stagelint.model.run_steps import is_apart, steps
from stagelint.source import Source

LEFT_PAD = {"dependencies": {"left-pad": "1.3.0"}}
LOCK = {"lockfileVersion": 3, "packages": {"": LEFT_PAD, "node_modules/left-pad": {}}}
NPM: Mapping[str, object] = {"package.json": LEFT_PAD, "package-lock.json": LOCK}
YARN = {"package.json": LEFT_PAD, "yarn.lock": "# yarn lockfile v1\n\nleft-pad@1.3.0:\n"}
PNPM = {"package.json": LEFT_PAD, "pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}
PIP = {"requirements.txt": "flask==3.1.0\n"}
UV = {"pyproject.toml": '[project]\nname = "a"\n', "uv.lock": ""}
POETRY = {"pyproject.toml": "[tool.poetry]\n", "poetry.lock": ""}
GO = {
    "go.mod": "module a\n\nrequire b.example/c v1.0.0\n",
    "go.sum": "b.example/c v1.0.0 h1:x=\nb.example/c v1.0.0/go.mod h1:y=\n",
}
POM = {"pom.xml": "<project/>"}
CSPROJ = {"App.csproj": "<Project/>"}
GEMS = {
    "Gemfile": 'source "https://example.com"\ngem "rack"\n',
    "Gemfile.lock": "PLATFORMS\n  ruby\n  x86_64-linux\n\nDEPENDENCIES\n",
}
COMPOSER = {"composer.json": {"autoload": {"psr-4": {"A\\": "src"}}}, "composer.lock": {}}


def run_of(command: str) -> Moment:
    file = File(Source("Dockerfile", f"FROM debian\nWORKDIR /app\nRUN {command}\n"))
    return file.moments(file.stages[0])[-1]


def call_of(command: str) -> Call:
    return run_of(command).calls[-1]


def folder_of(files: Mapping[str, object]) -> Folder:
    texts = {
        name: text if isinstance(text, str) else json.dumps(text) for name, text in files.items()
    }
    folders = {folder for name in files for folder in ups(name)}
    entries = [Entry(name) for name in texts] + [Entry(each, is_folder=True) for each in folders]
    return Folder(Context(".", entries, read=texts.get), ".")


def needs_of(command: str, files: Mapping[str, object]) -> Needs:
    call = call_of(command)
    install = install_of(call)
    assert install
    return install.needs(folder_of(files), call)


@pytest.mark.parametrize(
    ("command", "files", "read"),
    [
        ("npm ci", NPM, "package-lock.json package.json"),
        ("npm ci --omit=dev", {**NPM, ".npmrc": ""}, ".npmrc package-lock.json package.json"),
        ("npm install", NPM, "package-lock.json package.json"),
        ("yarn", YARN, "package.json yarn.lock"),
        (
            "yarn install --immutable",
            {**YARN, "yarn.lock": "__metadata:\n", ".yarnrc.yml": "yarnPath: .yarn/releases/y.cjs"}
            | {".yarn/releases/y.cjs": ""},
            ".yarnrc.yml package.json yarn.lock .yarn/",
        ),
        ("pnpm i --frozen-lockfile", PNPM, "package.json pnpm-lock.yaml"),
        ("pip install -r requirements.txt", PIP, "requirements.txt"),
        ("python3 -m pip install -U -r /app/requirements.txt", PIP, "requirements.txt"),
        (
            "pip3 install --requirement=requirements.txt",
            {"requirements.txt": "-r more/a.txt # more\n-c limits.txt\n"}
            | {"more/a.txt": "-r b.txt\n", "more/b.txt": "", "limits.txt": ""},
            "limits.txt more/a.txt more/b.txt requirements.txt",
        ),
        ("uv sync --locked", UV, "pyproject.toml uv.lock"),
        ("poetry install --no-root", POETRY, "poetry.lock pyproject.toml"),
        ("pipenv sync", {"Pipfile": "", "Pipfile.lock": ""}, "Pipfile Pipfile.lock"),
        ("go mod download", GO, "go.mod go.sum"),
        ("mvn -B dependency:go-offline", {**POM, ".mvn/maven.config": ""}, "pom.xml .mvn/"),
        ("./mvnw dependency:resolve", {**POM, "mvnw": ""}, "mvnw pom.xml"),
        ("dotnet restore", {**CSPROJ, "nuget.config": "<c/>"}, "App.csproj nuget.config"),
        ("bundle install", GEMS, "Gemfile Gemfile.lock"),
        ("composer install --no-dev", COMPOSER, "composer.json composer.lock"),
    ],
)
def test_what_is_read(command: str, files: Mapping[str, object], read: str) -> None:
    needs = needs_of(command, files)

    assert sorted(needs.files) + [f"{each}/" for each in needs.folders] == read.split()


@pytest.mark.parametrize(
    ("command", "files", "reason"),
    [
        ("npm ci", {"package.json": {}}, "lock file"),
        ("npm ci", {**NPM, "package.json": {"workspaces": ["a"]}}, "workspaces"),
        ("npm ci", {**NPM, "package.json": {"scripts": {"prepare": "husky"}}}, "`prepare`"),
        ("npm ci", {**NPM, "package.json": {"dependencies": {"a": "file:../a"}}}, "`a`"),
        ("npm ci", {**NPM, "package.json": {"devDependencies": {"a": "./a"}}}, "`a`"),
        ("npm ci", {**NPM, "binding.gyp": ""}, "binding.gyp"),
        (
            "npm ci",
            {**NPM, "package-lock.json": {"packages": {"node_modules/a": {"link": True}}}},
            "links",
        ),
        (
            "npm ci",
            {**NPM}
            | {
                "package-lock.json": {
                    "packages": {"node_modules/@prisma/client": {"hasInstallScript": True}}
                }
            },
            "@prisma/client",
        ),
        ("npm install", {**NPM, "package.json": {"dependencies": {"ms": "2"}}}, "anew"),
        ("npm ci", {**NPM, "package.json": "{"}, "cannot be read"),
        ("yarn", {**YARN, "package.json": {"dependencies": {"ms": "2"}}}, "lacks `ms`"),
        ("yarn", {**YARN, "yarn.lock": '# yarn lockfile v1\n"msw@^1":\n'}, "`"),
        ("pnpm install", {**PNPM, "pnpm-workspace.yaml": "packages:\n  - a\n"}, "workspace"),
        ("pnpm install", {**PNPM, "package.json": {"pnpm": {"patchedDependencies": {}}}}, "patch"),
        ("pip install -r requirements.txt", {}, "there is no `requirements.txt`"),
        ("pip install -r requirements.txt", {"requirements.txt": "-e .\n"}, "-e ."),
        ("pip install -r requirements.txt", {"requirements.txt": "./lib\n"}, "./lib"),
        ("pip install -r requirements.txt", {"requirements.txt": "lib\n", "lib/a": ""}, "lib"),
        ("pip install -r requirements.txt", {"requirements.txt": "a @ file:///app/a\n"}, "a @"),
        ("pip install -r requirements.txt", {"requirements.txt": "a-1.whl\n"}, "a-1.whl"),
        ("pip install -r ../requirements.txt", PIP, "not in the folder"),
        ("pip install -r $LIST", PIP, "not known"),
        ("uv sync", {**UV, "pyproject.toml": "[build-system]\n"}, "--no-install-project"),
        (
            "uv sync --no-install-project",
            {**UV, "pyproject.toml": '[build-system]\n[project]\ndynamic = ["version"]\n'},
            "works out",
        ),
        ("uv sync", {**UV, "pyproject.toml": "[tool.uv.workspace]\n"}, "itself"),
        ("uv sync", {**UV, "pyproject.toml": '[tool.uv.sources]\na = {path = "a"}\n'}, "itself"),
        ("poetry install", POETRY, "--no-root"),
        ("poetry install --no-root", {**POETRY, "poetry.lock": 'type = "directory"\n'}, "project"),
        ("pipenv install", {"Pipfile": "", "Pipfile.lock": ""}, "--deploy"),
        ("go mod download", {**GO, "go.mod": "replace a => ./a\n"}, "replaces"),
        ("go mod download", {**GO, "go.work": ""}, "workspace"),
        ("go mod download", {**GO, "go.mod": "require (\n\ta.example/b v1.0.0\n)\n"}, "lacks"),
        ("mvn dependency:go-offline", {"pom.xml": "<modules><module>a</module>"}, "modules"),
        ("mvn dependency:go-offline -f a/pom.xml", POM, "other files"),
        ("cargo fetch", {"Cargo.toml": ""}, "targets"),
        ("dotnet restore", {**CSPROJ, "B.csproj": ""}, "several"),
        ("dotnet restore", {"App.csproj": "<ProjectReference/>"}, "refers"),
        ("bundle install", {**GEMS, "Gemfile": "gemspec\n"}, "more"),
        ("bundle install", {**GEMS, "Gemfile.lock": "PLATFORMS\n  arm64-darwin\n"}, "platform"),
        (
            "composer install",
            {**COMPOSER, "composer.json": {"scripts": {"post-install-cmd": "a"}}},
            "script",
        ),
        ("composer install -o", COMPOSER, "autoloader"),
        ("composer install", {**COMPOSER, ".git/HEAD": ""}, "version"),
        (
            "composer install",
            {**COMPOSER, "composer.lock": {"packages": [{"type": "composer-plugin"}]}},
            "plugin",
        ),
    ],
)
def test_what_is_not_known_to_be_read(
    command: str, files: Mapping[str, object], reason: str
) -> None:
    with pytest.raises(Unclear) as unclear:
        needs_of(command, files)

    assert reason in str(unclear.value)


@pytest.mark.parametrize(
    "command",
    [
        "npm install express",
        "npm ci --prefix web",
        "npm run build",
        "pip install flask",
        "pip install .",
        "poetry add flask",
        "go mod tidy",
        "go build ./...",
        "mvn package",
        "composer require a/b",
    ],
)
def test_what_installs_nothing_that_the_project_lists(command: str) -> None:
    assert install_of(call_of(command)) is None


def test_a_folder_that_is_written_in_the_project_is_known() -> None:
    assert needs_of("pip install -t lib -r requirements.txt", PIP).writes == ("lib",)
    assert needs_of("pip install --prefix=/install -r requirements.txt", PIP).writes == ()


@pytest.mark.parametrize(
    ("command", "apart"),
    [
        ("apt-get update && apt-get install -y gcc && rm -rf /var/lib/apt/lists/*", True),
        ("apk add --no-cache git", True),
        ("apt-get install -y ./a.deb", False),
        ("pip install -U pip", True),
        ("pip install .", False),
        ("npm install -g serve", True),
        ("npm install serve", False),
        ("npm cache clean --force", True),
        ("poetry config virtualenvs.create false", True),
        ("poetry config --local virtualenvs.create false", False),
        ("python3 -m venv /opt/venv", True),
        ("python3 -m venv venv", False),
        ("useradd app", True),
        ("chown -R app /data", True),
        ("chown -R app .", False),
        ("chown -R app /app", False),
        ("mkdir logs", False),
        ("mkdir -p /var/log/app", True),
        ("echo a > /etc/a", True),
        ("echo a > .npmrc", False),
        ("./install.sh", False),
        ("make", False),
    ],
)
def test_steps_that_have_nothing_to_do_with_a_project(command: str, apart: bool) -> None:
    found = steps(run_of(command))

    assert found is not None
    assert all(is_apart(each, "/app") for each in found) is apart


@pytest.mark.parametrize(
    "command", ["a; b", "a || b", "(a)", "if a; then b; fi", "a $(b)", "a | b"]
)
def test_a_script_that_is_no_plain_list_has_no_steps(command: str) -> None:
    assert steps(run_of(command)) is None


@pytest.mark.parametrize(
    ("head", "unpacks"),
    [
        (b"", False),
        (b"#!/bin/sh\n" * 60, False),
        (b"\x7fELF" + b"\0" * 508, False),
        (b"PK\x03\x04", False),
        (b"\x1f\x8b\x08\x00", True),
        (b"BZh9", True),
        (b"\xfd7zXZ\0", True),
        (b"\x28\xb5\x2f\xfd", True),
        (b"name".ljust(148, b"\0") + b"012345\0 " + b"0" * 356, True),
    ],
)
def test_add_unpacks_by_content(head: bytes, unpacks: bool) -> None:
    assert may_unpack(head) is unpacks


def test_gems_that_are_packed_are_read() -> None:
    packed = {**GEMS, "vendor/cache/rack-3.1.0.gem": "", "vendor/cache/rake.gem": ""}

    assert needs_of("bundle install", packed).folders == ("vendor/cache",)


def test_the_cache_of_uv_differs_in_each_build() -> None:
    assert needs_of("uv sync --locked", UV).promise is Guarantee.SAME_BUT_CACHES
    assert needs_of("uv sync --locked --no-cache", UV).promise is Guarantee.SAME_IMAGE
