"""What runs stagelint elsewhere: the action of GitHub, the component of GitLab, the image."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from stagelint.cli import main
from stagelint.config import PRESETS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
ACTION: Any = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
COMPONENT = (ROOT / "templates" / "stagelint.yml").read_text("utf-8")

BAD = "FROM golang:1.25\nRUN go build -o /app\n\nFROM scratch\nCOPY --from=0 /app /app\n"
FINDING = "::warning title=SL102 numeric-stage-reference,file={},line=5,"

#: What must stay a word wherever it is put.
HOSTILE = "$(touch pwned) `touch pwned`;touch pwned"

#: Modules that the scripts import, which a repository must not replace.
MODULES = ("pip", "venv", "sys", "stagelint")

needs_bash = pytest.mark.skipif(os.name == "nt", reason="there is no bash")


class Ran(NamedTuple):
    status: int
    out: str
    err: str


def run(script: str, folder: Path, env: Mapping[str, str]) -> Ran:
    """Run *script* as the runners of GitHub and GitLab do."""
    bash = shutil.which("bash")
    assert bash
    command = [bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def check_schema(name: str, *paths: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", name, *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with a finding, and with modules that are called as those the scripts use."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Dockerfile").write_text(BAD)
    for name in MODULES:
        (folder / f"{name}.py").write_text("open('pwned', 'w')\n")
    return folder


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables that a runner sets, and of this process only those it needs to install."""
    kept = {key: os.environ[key] for key in os.environ if key.startswith(("PIP_", "HOME", "LANG"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path_factory.mktemp("runner")),
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_ACTIONS": "true",
    }


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with the release that is not made yet."""
    folder = str(tmp_path_factory.mktemp("wheels"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*command, str(ROOT)], check=True)
    return folder


# -- GitHub --------------------------------------------------------------------------------------


def step(number: int, inputs: Mapping[str, str], folder: Path, env: Mapping[str, str]) -> Ran:
    """Run a step of the action with *inputs*, in a checkout at *folder*."""
    known: dict[str, dict[str, str]] = ACTION["inputs"]
    values = {name: each["default"] for name, each in known.items()} | dict(inputs)
    found = ACTION["runs"]["steps"][number]

    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: values[found[1]], text)

    given = {key: filled(text) for key, text in found["env"].items()}
    return run(found["run"], folder / filled(found.get("working-directory", ".")), {**env, **given})


@pytest.fixture(scope="module")
def action(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment once the action has installed its own source."""
    ran = step(0, {}, tmp_path_factory.mktemp("empty"), environ)
    assert (ran.status, ran.out) == (0, ""), ran.err
    return environ


def lint(project: Path, action: Mapping[str, str], **inputs: str) -> Ran:
    ran = step(1, {name.replace("_", "-"): text for name, text in inputs.items()}, project, action)
    assert not list(project.rglob("pwned"))
    return ran


def test_scripts_of_the_action_hold_no_inputs() -> None:
    steps = ACTION["runs"]["steps"]

    assert not [each for each in steps if "${{" in each["run"] or each["shell"] != "bash"]
    used = re.findall(r"inputs\.([\w-]+)", str(steps))
    assert sorted(used) == sorted(ACTION["inputs"])


@pytest.mark.slow
def test_the_action_is_one() -> None:
    check_schema("vendor.github-actions", ROOT / "action.yml")


@pytest.mark.slow
@needs_bash
def test_the_action_annotates_and_fails(project: Path, action: dict[str, str]) -> None:
    ran = lint(project, action)

    assert (ran.status, ran.err) == (1, "")
    assert FINDING.format("Dockerfile") in ran.out


@pytest.mark.slow
@needs_bash
def test_inputs_of_the_action_do_what_they_say(project: Path, action: dict[str, str]) -> None:
    for name in ("a b", "-c"):
        (project / name).mkdir()
        (project / name / "Dockerfile").write_text(BAD)
    paths = lint(project, action, paths="a b\n\n-c\n", output_format="concise")
    folder = lint(project, action, working_directory="a b", output_format="concise")
    level = lint(project, action, fail_level="error", args="  --ignore\nSL101  --statistics ")
    sarif = lint(project, action, sarif_file="a b/out.sarif")

    assert [line.split(":")[0] for line in paths.out.splitlines()[:2]] == [
        "-c/Dockerfile",
        "a b/Dockerfile",
    ]
    assert folder.out.startswith("Dockerfile:5:13: warning SL102")
    assert level.status == 0
    assert (sarif.status, FINDING.format("Dockerfile") in sarif.out) == (1, True)
    assert json.loads((project / "a b/out.sarif").read_text("utf-8"))["version"] == "2.1.0"


@pytest.mark.slow
@needs_bash
@pytest.mark.parametrize("name", [name for name in ACTION["inputs"] if name != "version"])
@pytest.mark.parametrize(
    "text", [HOSTILE, "*", "a\n$(touch pwned)", "' \" \\", "--fix=$(touch pwned)"]
)
def test_inputs_of_the_action_are_never_run(
    name: str, text: str, project: Path, action: dict[str, str]
) -> None:
    if name == "working-directory":
        (project / text).mkdir()
        (project / text / "Dockerfile").write_text(BAD)
    lint(project, action, **{name: text})

    assert (project / "Dockerfile").read_text() == BAD


@pytest.mark.slow
@needs_bash
def test_the_action_installs_the_release_that_is_named(
    project: Path, environ: dict[str, str], wheels: str, tmp_path: Path
) -> None:
    alone = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels, "PIP_NO_DEPS": "1"}
    env = environ | alone | {"RUNNER_TEMP": str(tmp_path)}
    found, missing, hostile = (
        step(0, {"version": version}, project, env) for version in ("0.1.0", "0.0.9", HOSTILE)
    )

    assert found == Ran(0, "", "")
    assert "dockerfile-stagelint==0.0.9" in missing.err
    assert missing.status
    assert hostile.status
    assert not (project / "pwned").exists()


@pytest.mark.slow
@needs_bash
def test_the_action_says_which_python_it_needs(
    project: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)
    ran = step(0, {}, project, environ | {"PATH": f"{tmp_path}{os.pathsep}{environ['PATH']}"})

    assert (ran.status, ran.out.count("\n")) == (2, 1)
    assert ran.out.startswith("::error::stagelint needs Python 3.11")


# -- GitLab --------------------------------------------------------------------------------------


def job(**inputs: str) -> dict[str, Any]:
    """The job of the component with *inputs*, which GitLab puts in as text."""
    head, body = COMPONENT.split("\n---\n")
    known: dict[str, dict[str, str]] = yaml.safe_load(head)["spec"]["inputs"]
    values = {name: each["default"] for name, each in known.items()} | inputs

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}  # pyright: ignore
        if isinstance(value, list):
            return [filled(each) for each in value]  # pyright: ignore
        if isinstance(value, str):
            return re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda name: values[name[1]], value)
        return value

    return filled(yaml.safe_load(body))["stagelint"]


def run_job(project: Path, env: Mapping[str, str], **inputs: str) -> Ran:
    found = job(**inputs)
    variables = {name: each["value"] for name, each in found["variables"].items()}
    ran = run("\n".join(found["script"]), project, {**env, **variables})
    assert not list(project.rglob("pwned"))
    return ran


@pytest.fixture(scope="module")
def gitlab(environ: dict[str, str], wheels: str) -> dict[str, str]:
    """The environment of a job, in which the release can be had."""
    return environ | {"PIP_FIND_LINKS": f"{wheels} {environ.get('PIP_FIND_LINKS', '')}"}


def test_the_script_of_the_component_holds_no_inputs() -> None:
    script = re.sub(r"(?s)\n  artifacts:.*", "", COMPONENT[COMPONENT.index("\n  script:") :])

    assert "inputs." not in script


@pytest.mark.slow
def test_the_component_is_one(tmp_path: Path) -> None:
    for number, text in enumerate(COMPONENT.split("\n---\n")):
        path = tmp_path / f"{number}.yml"
        path.write_text(text)
        check_schema("vendor.gitlab-ci", path)


@pytest.mark.slow
@needs_bash
def test_the_component_reports(project: Path, gitlab: dict[str, str]) -> None:
    ran = run_job(project, gitlab)
    report = project / job()["artifacts"]["reports"]["codequality"]

    assert ran.status == 1
    assert ran.out.startswith("Dockerfile:5:13: warning SL102")
    (finding,) = json.loads(report.read_text("utf-8"))
    assert (finding["check_name"], finding["location"]["path"]) == ("SL102", "Dockerfile")


@pytest.mark.slow
@needs_bash
def test_inputs_of_the_component_do_what_they_say(project: Path, gitlab: dict[str, str]) -> None:
    ran = run_job(project, gitlab, paths="Dockerfile", args="--fail-level error", version="0.1.0")

    assert ran.status == 0


@pytest.mark.slow
@needs_bash
@pytest.mark.parametrize("names", [["paths", "args"], ["version"]])
def test_inputs_of_the_component_are_never_run(
    names: list[str], project: Path, gitlab: dict[str, str]
) -> None:
    quickly = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1"}
    ran = run_job(project, gitlab | quickly, **dict.fromkeys(names, f"{HOSTILE} *"))

    assert ran.status
    assert (project / "Dockerfile").read_text() == BAD


# -- the image, and what the README says ------------------------------------------------------------


@pytest.mark.slow  # all that the repository asks of it is read
@pytest.mark.parametrize("preset", [None, *PRESETS])
def test_the_dockerfile_passes(preset: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    options = [f"--preset={preset}"] if preset else ["--fail-level=style"]

    assert main(["check", "--isolated", *options, str(ROOT / "Dockerfile")]) == 0
    assert capsys.readouterr().out == "All checks passed.\n"


def snippets() -> Iterator[tuple[str, Any]]:
    """The examples for CI in the README, by the comment that begins them."""
    for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL):
        yield text.split("\n")[0], yaml.safe_load(text)


@pytest.mark.slow
def test_the_readme_shows_what_is_right(tmp_path: Path) -> None:
    for title, document in snippets():
        path = tmp_path / "x.yml"
        if title.startswith("# GitHub"):
            jobs = {"x": {"runs-on": "x", "steps": document}}
            path.write_text(yaml.safe_dump({"on": "push", "jobs": jobs}))
            check_schema("vendor.github-workflows", path)
        elif title.startswith("# GitLab"):
            path.write_text(yaml.safe_dump(document))
            check_schema("vendor.gitlab-ci", path)


def test_the_readme_names_inputs_that_there_are() -> None:
    steps = [each for title, steps in snippets() if title.startswith("# GitHub") for each in steps]
    used = [each["with"] for each in steps if "stagelint@" in each.get("uses", "")]

    assert used
    assert {name for each in used for name in each} <= set(ACTION["inputs"])
