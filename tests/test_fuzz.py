"""What fuzzing found stays mended; and in `make test`, fuzzing of each target for half a minute."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stagelint.engine import lint
from stagelint.model import File
from stagelint.source import Source
from stagelint.syntax import parse
from tests.fuzz.__main__ import FOUND
from tests.fuzz.targets import TARGETS, dockerfiles, everything

#: For each target, besides what the texts to start with take.
SECONDS = 30
#: The same code is tried with the same texts, so that no change has to mend what another has brought.
SEED = 1
IN_CI = "STAGELINT_REQUIRE_BUILDERS" in os.environ


@pytest.mark.parametrize("path", sorted(FOUND.glob("*/*")), ids=lambda path: path.name)
def test_what_was_found_stays_mended(path: Path) -> None:
    TARGETS[path.parent.name].check(path.read_bytes().decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("name", [each for each in TARGETS if each not in ("fixes", "readers")])
def test_what_it_begins_with_holds(name: str) -> None:
    target = TARGETS[name]
    for text in target.seeds()[::7]:
        target.check(text)


@pytest.mark.slow
def test_no_rule_fails_while_an_instruction_is_being_written() -> None:
    for text in dockerfiles():
        for instruction in parse(text).instructions:
            ends = [instruction.keyword_span.end]
            ends += [
                instruction.logical.span(each.start, each.end).end for each in instruction.flags
            ]
            ends += [
                instruction.logical.span(each.start, each.end).end
                for each in instruction.arguments[:2]
            ]
            for end in ends:
                unfinished = f"{text[:end]}\n{text[instruction.end :]}"
                lint(File(Source("Dockerfile", unfinished)), everything())


@pytest.mark.fuzz
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_new_is_found(name: str, tmp_path: Path) -> None:
    if not IN_CI:
        pytest.importorskip("atheris")
    root = Path(__file__).parents[1]
    options = ("--seconds", str(SECONDS), "--seed", str(SEED))
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", name, *options],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, _paths(root)))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-4000:]


def _paths(root: Path) -> list[str | Path]:
    return [root / "lint", root / "rules", root, *filter(None, [os.environ.get("PYTHONPATH")])]
