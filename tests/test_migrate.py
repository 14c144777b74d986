"""A configuration of hadolint becomes one of stagelint that means the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stagelint import config
from stagelint.cli import main
from stagelint.config import Config, shown
from stagelint.migrate import MigrationError, migrate
from stagelint.model import File
from stagelint.registry import Registry
from stagelint.rule import Finding, Rule
from stagelint.settings import Settings
from stagelint.source import Source


class Known(Rule):
    """Stands in for a rule of hadolint."""

    code = "DL3006"

    def check(self, file: File) -> Iterator[Finding]:
        yield from ()


class Other(Known):
    code = "DL4000"


REGISTRY = Registry()
for _rule in (Known, Other):
    REGISTRY.add(_rule)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def migrated(text: str) -> tuple[Config, list[str]]:
    """The settings that come out, as stagelint reads them, and what is left out."""
    import tomllib

    found = migrate(Source(".hadolint.yaml", text), REGISTRY)
    for line in found.left:
        assert line.isprintable()
        assert f"# {line}\n" in found.text
    source = Source("stagelint.toml", found.text)
    settings = Settings(source, tomllib.loads(found.text)).config("")
    return settings, [line.removeprefix(".hadolint.yaml:") for line in found.left]


ALL = """\
failure-threshold: warning
format: json
ignored:
  - DL3006 # a comment
  - DL4000
  - DL3006
override:
  style: [DL3006]
  error: [DL3006]
  info: [DL4000]
trustedRegistries: [docker.io, "*.example.com"]
label-schema:
  org.opencontainers.image.created: rfc3339
  "odd \\" label": rawtext
strict-labels: true
disable-ignore-pragma: true
no-color: false
no-fail: false
"""


def test_all_there_is() -> None:
    settings, left = migrated(ALL)

    assert left == []
    assert settings._replace(source=None, path="") == Config(
        preset="hadolint",
        fail_level="warning",
        output_format="json",
        ignore=("DL3006", "DL4000"),
        severity={"DL4000": "info", "DL3006": "error"},
        trusted_registries=("docker.io", "*.example.com"),
        label_schema={"org.opencontainers.image.created": "rfc3339", 'odd " label': "text"},
        strict_labels=True,
        ignore_comments=False,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("ignored:\n", {}),
        ("ignored: []\n", {}),
        ("failure-threshold: error\n", {"fail_level": "error"}),
        # As measured: with these any finding fails a run of hadolint.
        ("failure-threshold: none\n", {"fail_level": "style"}),
        ("failure-threshold: ignore\n", {"fail_level": "style"}),
        ("no-fail: true\nfailure-threshold: error\n", {"fail_level": "none"}),
        ("failure-threshold: error\nno-fail: true\n", {"fail_level": "none"}),
        ("format: tty\n", {"output_format": "text"}),
        ("formats: [json]\n", {"output_format": "json"}),
        ("disable-ignore-pragma: false\n", {"ignore_comments": True}),
    ],
)
def test_settings(text: str, expected: dict[str, Any]) -> None:
    settings, left = migrated(text)

    assert left == []
    assert settings._replace(source=None, path="") == Config(preset="hadolint", **expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ignroed: [DL3006]\n", '1: hadolint has no key "ignroed"; did you mean ignored?'),
        (
            "trusted-registries: [x]\n",
            '1: hadolint has no key "trusted-registries"; did you mean trustedRegistries?',
        ),
        ("ignored:\n- DL3006\n- DL9999\n", "3: no rule is called `DL9999`"),
        ("ignored: [dl3006]\n", "1: no rule is called `dl3006`; did you mean `DL3006`?"),
        ("ignored: DL3006\n", "1: ignored must be a list"),
        ("ignored: [[DL3006]]\n", "1: ignored must be a list of words"),
        ("override:\n  eror: [DL3006]\n", '2: override has no severity "eror"'),
        ("override: [x]\n", "1: override must have lists of rules by severity"),
        ("override:\n  error: DL3006\n", "2: override.error must be a list"),
        ("failure-threshold: Error\n", '1: failure-threshold cannot be "Error"'),
        ("failure-threshold: [x]\n", "1: failure-threshold cannot be a list or a table"),
        ("format: codacy\n", '1: there is no output format like "codacy"'),
        ("formats: [json, tty]\n", "1: there is one output format; add --output-format text"),
        ("verbose: true\n", "1: verbose has no equivalent"),
        ("no-color: true\n", "1: no-color has no equivalent: --color never, on the command line"),
        ("strict-labels: maybe\n", "1: strict-labels must be true or false"),
        ("label-schema:\n  a: foo\n", '2: the kind of the label "a" cannot be "foo"'),
        ("label-schema: x\n", "1: label-schema must have the kind of each label"),
        ('ignored: ["a\\nb\\e[31m"]\n', "1: no rule is called `a\\nb\\x1b[31m`"),
    ],
)
def test_what_is_left_out(text: str, message: str) -> None:
    _, left = migrated(text)

    assert [line.replace("; did you mean `ALL`?", "") for line in left] == [message]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML: line 2: "),
        ("- a\n", "is no configuration of hadolint"),
        ("a: 1\n---\nb: 2\n", "is no configuration of hadolint"),
    ],
)
def test_what_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(MigrationError, match=message):
        migrate(Source(".hadolint.yaml", text), REGISTRY)


KEYS = st.sampled_from(
    "ignored override failure-threshold format formats label-schema strict-labels no-fail x".split()
)
WORDS = st.one_of(st.text(max_size=6), st.booleans(), st.sampled_from(["DL3006", "error", "text"]))
VALUES = st.recursive(WORDS, lambda each: st.lists(each) | st.dictionaries(st.text(), each))


@given(st.dictionaries(KEYS, VALUES))
@settings(max_examples=150, deadline=None)
def test_whatever_comes_out_loads(document: dict[str, Any]) -> None:
    import yaml

    migrated(yaml.safe_dump(document, allow_unicode=False))


# -- the command -----------------------------------------------------------------------------------


def test_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".hadolint.yml").write_text("ignored: [DL9999]\nstrict-labels: true\n")

    assert main(["migrate"]) == 0
    out, err = capsys.readouterr()
    assert out == (
        "# What .hadolint.yml means, by `stagelint migrate`.\n"
        'preset = "hadolint"\n'
        "strict-labels = true\n"
        "\n"
        "# Left out:\n"
        "# .hadolint.yml:1: no rule is called `DL9999`\n"
    )
    assert err == "stagelint: .hadolint.yml:1: no rule is called `DL9999`\n"
    assert not Path("stagelint.toml").exists()


def test_the_command_writes(capsys: pytest.CaptureFixture[str]) -> None:
    Path("linters").mkdir()
    Path("linters/.hadolint.yaml").write_text("strict-labels: true\n")

    assert main(["migrate", "linters/.hadolint.yaml", "--write"]) == 0
    assert capsys.readouterr() == ("", "")
    assert config.load("stagelint.toml").strict_labels
    # A second time it would be written over.
    assert main(["migrate", "linters/.hadolint.yaml", "--write"]) == 2
    out, err = capsys.readouterr()
    assert "strict-labels = true\n" in out
    assert err == "stagelint: stagelint.toml is there already and was left alone; add this to it\n"


def test_a_table_of_a_pyproject_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_text("[tool.stagelint]\n")
    Path(".hadolint.yaml").write_text("")

    assert main(["migrate", "--write"]) == 2
    assert capsys.readouterr().err.endswith("add this to it below [tool.stagelint]\n")
    assert not Path("stagelint.toml").exists()


def test_the_command_needs_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate"]) == 2
    assert main(["migrate", "missing\n"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == "stagelint: there is no .hadolint.yaml and no .hadolint.yml here; name the file"
    assert second == f"stagelint: {shown('missing' + chr(10))}: cannot be read: no such file"


def test_a_plain_run_says_nothing_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".hadolint.yaml").write_text("ignored: [")
    Path("Dockerfile").write_text("FROM busybox\nUSER 1\n")

    assert main(["Dockerfile", "-q", "--select=SL"]) == 0
    assert capsys.readouterr() == ("", "")


def test_what_is_written_is_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".hadolint.yaml").write_text(
        "ignored: [DL3007]\noverride:\n  style: [DL3020]\nfailure-threshold: info\n"
    )
    Path("Dockerfile").write_text("FROM busybox:latest\nADD a /b\n")

    assert main(["migrate", "--write"]) == 0
    assert main(["Dockerfile", "-q", "--output-format", "concise"]) == 0
    out, err = capsys.readouterr()
    assert "DL3007" not in out
    assert "Dockerfile:2:1: style DL3020" in out
    assert err == ""
