"""Does the schema of the configuration say what is accepted, neither more nor less?"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from stagelint import schema
from stagelint.cli import main
from stagelint.config import LABEL_KINDS, SEVERITIES, ConfigError
from stagelint.settings import Settings, kinds
from stagelint.source import Source

ROOT = Path(__file__).parent.parent
SCHEMA: Any = json.loads(schema.text())
VALIDATOR: Validator = Draft202012Validator(SCHEMA)


def is_accepted(values: dict[str, object]) -> bool:
    try:
        Settings(Source("stagelint.toml", ""), values).config("")
    except ConfigError:
        return False
    return True


def is_valid(values: dict[str, object]) -> bool:
    return VALIDATOR.is_valid(cast("Any", values))


def choices(*values: object) -> st.SearchStrategy[object]:
    return st.sampled_from(values)


strings = choices("", "SL", "dev", "Größe", "150MB", "error", "url", "kaniko", "text", "hadolint")
scalars = strings | st.booleans() | st.integers() | st.floats() | st.dates()
lists = st.lists(strings, max_size=2) | st.lists(scalars, max_size=2)
tables = st.dictionaries(st.text(max_size=2), scalars | lists, max_size=2)
SIZES = r"\s{0,2}[0-9٣]{0,11}(\.[0-9]{0,4})?\s?([KkMmGgTſ]?[Ii]?)[Bb]?\s?"
VALUES: dict[str, st.SearchStrategy[object]] = {
    "list": st.lists(strings, max_size=2),
    "switch": st.booleans(),
    "file": strings,
    "size": st.from_regex(SIZES, fullmatch=True),
    "table": st.dictionaries(
        st.text(max_size=2),
        choices(*SEVERITIES) | choices(*LABEL_KINDS) | strings | st.lists(strings, max_size=2),
        max_size=2,
    ),
}


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, object]:
    """Mostly right ones."""
    known = list(kinds().items())
    found: dict[str, object] = {}
    for key, kind in draw(st.lists(st.sampled_from(known), max_size=3)):
        right = choices(*kind) if isinstance(kind, tuple) else VALUES[kind]
        found[key] = draw(right | right | right | scalars | lists | tables)
    if draw(st.integers(0, 9)) == 0:
        found[draw(st.text(max_size=8))] = draw(scalars)
    return found


@settings(max_examples=400)
@given(configurations())
@example({"final-base-budget": "150 MB\n"})
@example({"targets": {"*": ["dev"], "/a": "test"}})
@example({"output_format": "text"})
def test_what_is_accepted_is_valid_and_nothing_else(values: dict[str, object]) -> None:
    assert is_accepted(values) == is_valid(values)


def test_the_readme_has_a_valid_configuration() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    documents = [
        tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    ]

    assert documents
    assert all(map(is_valid, documents))


@pytest.mark.parametrize("key", kinds())
def test_a_key_is_explained_and_its_examples_are_accepted(key: str) -> None:
    assert re.fullmatch(r"[A-Z].*\.", schema.ABOUT[key])
    for value in schema.EXAMPLES.get(key, []):
        assert is_accepted({key: value})
        assert is_valid({key: value})


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    assert capsys.readouterr().out == schema.text()


def test_the_file_is_up_to_date() -> None:
    assert (ROOT / schema.NAME).read_text("utf-8") == schema.text(), "run `make rules`"
