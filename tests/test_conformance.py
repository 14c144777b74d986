"""Does stagelint read Dockerfiles as a real BuildKit did? `data/buildkit-cases.jsonl` knows."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from stagelint.model import File, Options
from stagelint.model.expansion import UNKNOWN, expand
from stagelint.source import Source
from stagelint.syntax.frontend import Frontend
from stagelint.syntax.nodes import Phase

Case = dict[str, Any]

CASES: list[Case] = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "buildkit-cases.jsonl").read_text().splitlines()
][1:]

each_case = pytest.mark.parametrize(
    "case", CASES, ids=[f"{case['suite']}-{case['name']}" for case in CASES]
)

#: The frontend that observed the cases: BuildKit v0.25.2 on linux/amd64.
OBSERVED = Frontend((1, 19))
PLATFORM = {
    f"{side}{part}": value
    for side in ("BUILD", "TARGET")
    for part, value in (
        ("PLATFORM", "linux/amd64"),
        ("OS", "linux"),
        ("OSVERSION", ""),
        ("ARCH", "amd64"),
        ("VARIANT", ""),
    )
}

#: Errors that are none of the Dockerfile's text: a command failed, a file was not there.
RUNTIME = re.compile(
    r'process "|open /|lstat |invalid user index|failed to compute cache key|lint violation'
)

#: Rows whose message differs, each with its reason. Acceptance, names and bases never do.
DIFFERENT_MESSAGE = {
    "physical-lines-empty": "a build and --call=targets word it differently; ours is the build's",
    "misc-flag utf8 from": "BuildKit garbles flags that are not ASCII; stagelint shows them as written",
    "heredocs-copy badsubst": "the observed message was cut at its newline",
}


def name_of(case: Case) -> str:
    return f"{case['suite']}-{case['name']}"


def file_of(case: Case) -> File:
    data = (
        base64.b64decode(case["dockerfile_b64"])
        if "dockerfile_b64" in case
        else case["dockerfile"].encode("utf-8", "surrogateescape")
    )
    arguments = iter(case["args"])
    pairs = list(zip(arguments, arguments, strict=True))
    build_args = dict(
        value.split("=", 1) for flag, value in pairs if flag == "--build-arg" and "=" in value
    )
    contexts = {value.partition("=")[0] for flag, value in pairs if flag == "--build-context"}
    assert {flag for flag, _ in pairs} <= {"--build-arg", "--build-context", "--target"}
    return File(
        Source.from_bytes("Dockerfile", data),
        Options(
            build_args=build_args,
            platform_args=PLATFORM,
            contexts=frozenset(contexts),
            builtin=OBSERVED,
        ),
    )


def target_of(case: Case) -> str:
    arguments = case["args"]
    return arguments[arguments.index("--target") + 1] if "--target" in arguments else ""


def plain(message: str | None) -> str | None:
    """Without the line number and the guess, whose order BuildKit leaves to chance."""
    if message is None:
        return None
    message = re.sub(r"^dockerfile parse error on line .*?: ", "", message)
    return re.sub(r" \(did you mean.*", "", message)


@each_case
def test_the_tree_loses_nothing(case: Case) -> None:
    file = file_of(case)

    assert str(file.tree) == file.source.text


@each_case
def test_accepts_and_rejects_the_text(case: Case) -> None:
    if case.get("environment_dependent"):
        pytest.skip("observed without a network")
    file = file_of(case)
    expected = case.get("targets_error")
    if expected and expected.startswith("invalid context name"):
        pytest.skip("the command line is at fault, not the file")
    found = [
        problem.message
        for problem in file.tree.problems
        if problem.phase in (Phase.LINES, Phase.INSTRUCTIONS)
    ]

    assert bool(found) == bool(expected)
    if found and name_of(case) not in DIFFERENT_MESSAGE:
        assert found[0] == plain(expected)


@each_case
def test_sees_the_same_targets(case: Case) -> None:
    if "targets" not in case:
        pytest.skip("BuildKit rejects the file")
    file = file_of(case)

    assert [
        {
            "name": stage.name or "",
            "base": stage.base.raw,
            "platform": (stage.platform.value or "") if stage.platform else "",
            "lines": list(file.source.lines(stage.opening.code_span)),
        }
        for stage in file.stages
    ] == [
        {key: target[key] for key in ("name", "base", "platform", "lines")}
        for target in case["targets"] or []
    ]


@each_case
def test_accepts_and_rejects_the_build(case: Case) -> None:
    if case.get("environment_dependent"):
        pytest.skip("observed without a network")
    expected = case.get("build_error")
    if expected and RUNTIME.match(expected):
        expected = None

    rejection = file_of(case).rejection(target_of(case))

    assert bool(rejection) == bool(expected)
    if rejection and name_of(case) not in DIFFERENT_MESSAGE:
        assert rejection.message == plain(expected)


@each_case
def test_expands_labels_and_environment_to_what_the_image_has(case: Case) -> None:
    config = case.get("config")
    file = file_of(case)
    if not config or target_of(case) or file.options.contexts:
        pytest.skip("no image of the last stage was built")
    stage = file.final
    assert stage is not None
    scope = file.scopes[stage.index]
    environment = dict(entry.split("=", 1) for entry in config.get("Env") or [])
    for key, value in scope.env.items():
        assert value in (environment[key], UNKNOWN)
    if scope.known:
        assert environment == {"PATH": environment["PATH"]} | scope.env


@each_case
def test_expands_the_last_label_to_what_the_image_has(case: Case) -> None:
    file = file_of(case)
    labels = (case.get("config") or {}).get("Labels")
    if not labels or not file.stages or target_of(case) or file.options.contexts:
        pytest.skip("no label to compare")
    assert file.final is not None
    last = file.final.instructions[-1:]
    if not last or last[0].keyword != "LABEL":
        pytest.skip("the scope at the end is not the label's")
    lookup = file.scopes[file.final.index].lookup
    for pair in last[0].pairs:
        key = expand(pair.key, lookup, last[0].escape)
        value = expand(pair.value or "", lookup, last[0].escape)
        if isinstance(key, str):
            assert value in (labels[key], UNKNOWN)


def test_few_differences_are_accepted() -> None:
    assert len(DIFFERENT_MESSAGE) <= 6
    assert set(DIFFERENT_MESSAGE) <= {name_of(case) for case in CASES}
