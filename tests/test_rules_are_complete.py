"""What a rule must have before it may be merged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stagelint import catalogue
from stagelint.registry import rules_of
from stagelint.rule import Bad, Good, Rule

RULES = list(rules_of("stagelint_rules"))
FOLDER = Path(__file__).parent.parent / "rules"

#: They speak of bytes and files, which an example cannot show.
WITHOUT_BAD_EXAMPLE = {"SL002"}

each_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.name() for rule in RULES])


@each_rule
def test_file_is_named_after_the_rule(rule: type[Rule]) -> None:
    assert rule.__module__.rpartition(".")[2] == rule.name().replace("-", "_")


@each_rule
def test_has_a_code(rule: type[Rule]) -> None:
    assert re.fullmatch(r"(SL|BK)\d{3}|DL\d{4}", rule.code)


def test_codes_are_unique() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)


@each_rule
def test_is_named_for_the_pattern_not_the_cure(rule: type[Rule]) -> None:
    """BuildKit's checks keep BuildKit's names."""
    assert rule.code.startswith("BK") or not re.match(
        r"(no|avoid|use|prefer|require|do-not)-", rule.name()
    )


@each_rule
def test_says_what_and_why(rule: type[Rule]) -> None:
    what, _, why = (rule.__doc__ or "").partition("\n\n")

    assert what.endswith(".")
    assert why.strip()
    assert rule.why().endswith(".")
    assert len(rule.why()) < 120
    assert "TODO" not in what + why


@each_rule
def test_shows_a_good_and_a_bad_file(rule: type[Rule]) -> None:
    kinds = {type(example) for example in rule.examples}

    assert kinds == ({Good} if rule.code in WITHOUT_BAD_EXAMPLE else {Good, Bad})


@each_rule
def test_bad_files_are_marked_and_good_ones_are_not(rule: type[Rule]) -> None:
    for example in rule.examples:
        assert ("^" in example.text) == isinstance(example, Bad)


@each_rule
def test_messages_are_lower_case_without_a_full_stop(rule: type[Rule]) -> None:
    for example in rule.examples:
        for message in re.findall(r"^ *\^+ (.*)$", example.text, re.MULTILINE):
            assert not message.endswith(".")
            assert message.startswith(("BuildKit", "COPY", "FROM")) or not message[0].isupper()


@each_rule
def test_imports_nothing_but_the_model(rule: type[Rule]) -> None:
    text = FOLDER.joinpath(*rule.__module__.split(".")).with_suffix(".py").read_text("utf-8")
    imported = set(re.findall(r"^from stagelint\.?(\w*)", text, re.MULTILINE))

    assert imported <= {"rule", "edit", "model", "source", "syntax", "tuples"}
    assert "stagelint_rules" not in text


def test_the_index_is_generated() -> None:
    index = (FOLDER / "stagelint_rules" / "_index.py").read_text("utf-8")

    assert index == catalogue.index(), "run `make rules`"


def test_the_catalogue_is_generated() -> None:
    page = (FOLDER / "README.md").read_text("utf-8")

    assert page == catalogue.catalogue(), "run `make rules`"
