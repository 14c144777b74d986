"""Does stagelint read Dockerfiles as a real BuildKit did? `data/buildkit-cases.jsonl` knows."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.check_parity import Warned, ours
from stagelint.model import File, Options
from stagelint.model.expansion import UNKNOWN, expand
from stagelint.model.scope import LINUX_AMD64
from stagelint.source import Source
from stagelint.syntax.frontend import Frontend
from stagelint.syntax.nodes import Phase

Case = dict[str, Any]

CASES: list[Case] = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "buildkit-cases.jsonl").read_text().splitlines()
][1:]


def each(*conditions: Callable[[Case], object]) -> pytest.MarkDecorator:
    """Run a test on every observed case that fulfils the conditions."""
    chosen = [case for case in CASES if all(condition(case) for condition in conditions)]
    return pytest.mark.parametrize("observed", chosen, ids=[name_of(case) for case in chosen])


def name_of(case: Case) -> str:
    return f"{case['suite']}-{case['name']}"


def had_all_it_needed(case: Case) -> bool:
    """No: it failed only since there was no network."""
    return not case.get("environment_dependent")


def has_valid_command_line(case: Case) -> bool:
    return not str(case.get("targets_error")).startswith("invalid context name")


def built_the_last_stage(case: Case) -> bool:
    return bool(case.get("config")) and not {"--target", "--build-context"} & set(case["args"])


#: The frontend that observed the cases: BuildKit v0.25.2 on linux/amd64.
OBSERVED = Frontend((1, 19))

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
            platform_args=LINUX_AMD64,
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


@each()
def test_the_tree_loses_nothing(observed: Case) -> None:
    file = file_of(observed)

    assert str(file.tree) == file.source.text


@each(had_all_it_needed, has_valid_command_line)
def test_accepts_and_rejects_the_text(observed: Case) -> None:
    file = file_of(observed)
    expected = observed.get("targets_error")
    found = [
        problem.message
        for problem in file.tree.problems
        if problem.phase in (Phase.LINES, Phase.INSTRUCTIONS)
    ]

    assert bool(found) == bool(expected)
    if found and name_of(observed) not in DIFFERENT_MESSAGE:
        assert found[0] == plain(expected)


@each(lambda case: "targets" in case)
def test_sees_the_same_targets(observed: Case) -> None:
    file = file_of(observed)
    targets: list[Case] = observed["targets"] or []

    assert [
        {
            "name": stage.name or "",
            "base": stage.base.raw,
            "platform": (stage.platform.value or "") if stage.platform else "",
            "lines": list(file.source.lines(stage.opening.code_span)),
        }
        for stage in file.stages
    ] == [{key: target[key] for key in ("name", "base", "platform", "lines")} for target in targets]


@each(had_all_it_needed)
def test_accepts_and_rejects_the_build(observed: Case) -> None:
    expected = observed.get("build_error")
    if expected and RUNTIME.match(expected):
        expected = None

    rejection = file_of(observed).rejection(target_of(observed))

    assert bool(rejection) == bool(expected)
    if rejection and name_of(observed) not in DIFFERENT_MESSAGE:
        assert rejection.message == plain(expected)


@each(built_the_last_stage)
def test_knows_the_environment_of_the_image(observed: Case) -> None:
    file = file_of(observed)
    assert file.final is not None
    scope = file.scopes[file.final.index]
    entries: list[str] = observed["config"].get("Env") or []
    environment = dict(entry.split("=", 1) for entry in entries)

    for key, value in scope.env.items():
        assert value in (environment[key], UNKNOWN)
    if scope.known:
        assert environment == {"PATH": environment["PATH"]} | scope.env


def ends_with_a_label(case: Case) -> bool:
    """Then the variables at the end of the stage are those of the label."""
    final = file_of(case).final
    return bool(final and final.instructions and final.instructions[-1].keyword == "LABEL")


@each(built_the_last_stage, lambda case: case["config"].get("Labels"), ends_with_a_label)
def test_expands_the_last_label_to_what_the_image_has(observed: Case) -> None:
    file = file_of(observed)
    assert file.final is not None
    label = file.final.instructions[-1]
    lookup = file.scopes[file.final.index].lookup

    for pair in label.pairs:
        key = expand(pair.key, lookup, label.escape)
        value = expand(pair.value or "", lookup, label.escape)
        if isinstance(key, str):
            assert value in (observed["config"]["Labels"][key], UNKNOWN)


# -- docker build --check --------------------------------------------------------------------------


def warned(case: Case) -> frozenset[Warned]:
    """The checks that BuildKit named, with first and last line of the instruction."""
    warnings: list[tuple[str, str, list[int]]] = case.get("check_warnings") or []
    return frozenset(Warned(name, *lines) for name, _, lines in warnings)


def checks_all(case: Case) -> bool:
    """No: the command line leaves out stages or checks."""
    given = " ".join(case["args"])
    return "--target" not in given and "BUILDKIT_DOCKERFILE_CHECK" not in given


@each(lambda case: "check_warnings" in case, checks_all)
def test_warns_as_buildkit_does(observed: Case) -> None:
    file = file_of(observed)

    if file.rejection():  # BuildKit ends at the error
        assert ours(file) >= warned(observed)
    else:
        assert ours(file) == warned(observed)


def test_few_differences_are_accepted() -> None:
    assert len(DIFFERENT_MESSAGE) <= 6
    assert set(DIFFERENT_MESSAGE) <= {name_of(case) for case in CASES}
