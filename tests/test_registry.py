"""Rules by code, name and prefix, and rules of somebody else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stagelint.cli import main
from stagelint.registry import Registry, UnknownSelector

THEIRS = '''
from stagelint.rule import Good, Rule


class LonelyStage(Rule):
    """A file of one stage.

    Somebody dislikes them.
    """

    code = "XX001"
    examples = (Good("FROM a"),)

    def check(self, file):
        if len(file.stages) == 1:
            yield self.finding(file, file.stages[0].opening.code_span, "one stage only")
'''


@pytest.mark.parametrize(
    ("selector", "codes"),
    [
        ("SL101", {"SL101"}),
        ("unused-stage", {"SL101"}),
        ("SL00", {"SL000", "SL001", "SL002", "SL003"}),
        ("ZZ", set[str]()),
    ],
)
def test_a_selector_stands_for_codes(selector: str, codes: set[str]) -> None:
    assert Registry().resolve(selector) == codes


def test_an_unknown_selector_names_the_nearest() -> None:
    with pytest.raises(UnknownSelector, match="did you mean `unused-stage`"):
        Registry().expand(["unused-stages"])


def test_rules_of_a_plugin_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "their_rules"
    package.mkdir()
    (package / "__init__.py").write_text("", "utf-8")
    (package / "lonely_stage.py").write_text(THEIRS, "utf-8")
    (tmp_path / "stagelint.toml").write_text('plugins = ["their_rules"]\n', "utf-8")
    (tmp_path / "Dockerfile").write_text("FROM alpine\n", "utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)

    status = main(["--output-format", "concise", "-q"])

    assert status == 1
    assert capsys.readouterr().out == "Dockerfile:1:1: warning XX001 one stage only\n"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere_rules", "No module named 'nowhere_rules'"),
        ("antigravity", "`antigravity` is part of Python"),
        ("email.mime", "`email.mime` is part of Python"),
        ("their_module", "`their_module` is a module, not a package"),
        ("", "`` is no name of a package"),
        ("..a", "`..a` is no name of a package"),
    ],
)
def test_what_is_no_plugin_is_one_line(
    name: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "their_module.py").write_text("", "utf-8")
    (tmp_path / "stagelint.toml").write_text(f'plugins = ["{name}"]\n', "utf-8")
    (tmp_path / "Dockerfile").write_text("FROM alpine\n", "utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)

    assert main([]) == 2
    assert capsys.readouterr().err == (
        f"stagelint: stagelint.toml: plugin cannot be imported: {reason}\n"
    )
