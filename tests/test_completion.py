"""Do shells offer what may stand at a place of the command line?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stagelint import arguments
from stagelint.cli import main
from stagelint.completion import SCRIPTS, complete
from stagelint.config import FORMATS, LEVELS
from stagelint.registry import Registry

ROOT = Path(__file__).parent.parent


def offered(*words: str) -> list[str]:
    return [each.word for each in complete(words)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--sel"], ["--select"]),
        (["--fix", "Dockerfile", "--sel"], ["--select"]),
        (["check", "--sel"], ["--select"]),
        (["gra"], ["graph"]),
        (["Dockerfile", "gra"], []),
        (["--", "--sel"], []),
        (["--exclude", "--sel"], []),
        (["rule", "unused-st"], ["unused-stage"]),
        (["rule", "SL10"], [f"SL10{number}" for number in range(1, 10)]),
        (["--ignore", "SL101,unused-st"], ["SL101,unused-stage"]),
        (["--per-file-ignores", "vendor"], []),
        (["--per-file-ignores", "a:unused-st"], ["a:unused-stage"]),
        (["--per-file-ignores", "a:SL101,unused-st"], ["a:SL101,unused-stage"]),
        (["--per-file-ignores=a:unused-st"], ["--per-file-ignores=a:unused-stage"]),
        (["--fail-level", "w"], ["warning"]),
        (["--fail-level=w"], ["--fail-level=warning"]),
        (["--nothing=w"], []),
        (["--output-format", "git"], ["github", "gitlab"]),
        (["--output-format", "sarif:a"], []),
        (["--preset", "h"], ["hadolint"]),
        (["graph", "Dockerfile", "--format", "m"], ["mermaid"]),
        (["refs", "--fi"], []),
        (["catalog", "up"], ["update"]),
        (["catalog", "update", "--pl"], ["--platform", "--plain-http"]),
        (["config", "s"], ["show", "schema"]),
        (["completion", "z"], ["zsh"]),
        (["completion", "zsh", "--", "-"], []),
        (["rename", "Dockerfile", ""], []),
        (["a*", "$(touch x)"], []),
    ],
)
def test_what_is_offered(words: list[str], expected: list[str]) -> None:
    assert offered(*words) == expected


def test_a_first_word_may_be_any_command() -> None:
    assert offered("") == list(arguments.COMMANDS)
    assert all(each.help for each in complete([""]))


def test_all_there_is_of_a_kind_is_offered() -> None:
    rules = [word for each in Registry().entries for word in (each.code, each.name)]

    assert offered("--fail-level", "") == list(LEVELS)
    assert offered("--output-format", "") == list(FORMATS)
    assert {*rules, "ALL", "SL"} <= set(offered("--select", ""))


@pytest.mark.parametrize("command", arguments.COMMANDS)
def test_every_option_is_offered(command: str) -> None:
    listed = re.findall(
        r"^  (?:-\w, |-\w \w+, )?(--[\w-]+)",
        arguments.parser_of(command).format_help(),
        re.MULTILINE,
    )

    assert sorted(word for word in offered(command, "-") if word.startswith("--")) == sorted(listed)


@pytest.mark.parametrize(
    ("shell", "words", "expected"),
    [
        ("bash", ["--fail-level", "=", "w"], "warning\n"),
        ("bash", ["--fail-level", "="], "error\nwarning\ninfo\nstyle\nnone\n"),
        ("bash", ["--per-file-ignores", "a", ":", "unused-st"], "unused-stage\n"),
        ("bash", ["--per-file-ignores", "=", "a", ":", "unused-st"], "unused-stage\n"),
        ("bash", ["catalog", ""], "list\nupdate\n"),
        ("zsh", ["--per-file-ignores", "a:unused-st"], "a\\:unused-stage:SL101\n"),
        ("fish", ["rule", "unused-st"], "unused-stage\tSL101\n"),
    ],
)
def test_lines_are_as_the_shell_reads_them(
    shell: str, words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell, "--", *words]) == 0
    assert capsys.readouterr().out == expected


# -- real shells ---------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a Dockerfile, where the commands are those of this checkout."""
    if os.name == "nt":
        pytest.skip("these shells are not its own")
    bin = tmp_path / "bin"
    bin.mkdir()
    for name in ("stagelint", "dockerfile-stagelint"):
        (bin / name).write_text(f'#!/bin/sh\nexec {sys.executable} -m stagelint "$@"\n')
        (bin / name).chmod(0o755)
    (tmp_path / "Dockerfile.one").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{bin}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'lint'}{os.pathsep}{ROOT / 'rules'}")
    monkeypatch.setenv("TERM", "dumb")
    return tmp_path


def shell(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def printed(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def typed(command: list[str], setup: str, text: str, expected: str) -> str:
    """What a terminal shows once *text* is typed to a shell, at the latest when *expected* is."""
    import pty
    import select

    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    shown = b""
    try:
        os.write(terminal, f"{setup}; echo rea''dy\n".encode())
        for wanted, then in ((b"ready", text.encode()), (expected.encode(), b"")):
            end = time.monotonic() + 20
            start = len(shown)
            while wanted not in shown[start:] and time.monotonic() < end:
                if select.select([terminal], [], [], 0.1)[0]:
                    shown += os.read(terminal, 4096)
            os.write(terminal, then)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)
    return shown.decode(errors="replace")


@pytest.mark.slow
@pytest.mark.usefixtures("home")
def test_bash_knows_both_commands() -> None:
    script = "source <(stagelint completion bash); complete -p stagelint dockerfile-stagelint"

    assert printed(shell("bash"), "-euc", script) == (
        "complete -o default -F _stagelint stagelint\n"
        "complete -o default -F _stagelint dockerfile-stagelint\n"
    )


TYPED = [
    ("stagelint --extend-s\t", "stagelint --extend-select "),
    ("stagelint --fail-level=sty\t", "--fail-level=style "),
    ("dockerfile-stagelint --fail-level sty\t", "--fail-level style "),
    ("stagelint --ignore SL101,unused-st\t", "SL101,unused-stage "),
    ("stagelint Dock\t", "stagelint Dockerfile.one "),
    ("stagelint --fix Dock\t", "--fix Dockerfile.one "),
    ("stagelint -o Dock\t", "-o Dockerfile.one "),
    ("stagelint --output-format sarif:Dock\t", "sarif:Dockerfile.one "),
    ("stagelint catalog up\t", "catalog update "),
]


@pytest.mark.slow
@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("text", "expected"), TYPED)
@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_a_tab_completes(name: str, text: str, expected: str) -> None:
    command, setup = {
        "bash": (["--norc", "--noprofile", "-i"], "bind 'set enable-bracketed-paste off'"),
        "zsh": (["-f", "-i"], "autoload -U compinit; compinit -u -D; unsetopt zle_bracketed_paste"),
    }[name]
    setup += f"; source <(stagelint completion {name})"

    assert expected in typed([shell(name), *command], setup, text, expected).replace("\r", "")


@pytest.mark.slow
@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("text", "expected"), TYPED)
def test_fish_offers(text: str, expected: str) -> None:
    script = f"stagelint completion fish | source; complete -C '{text.strip()}'"
    found = [line.split("\t")[0] for line in printed(shell("fish"), "-c", script).splitlines()]

    assert [expected.split()[-1]] == found


@pytest.mark.slow
@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_typed_is_never_run(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "'$(touch pwned)' '`touch pwned`' '*' ';touch pwned' ''"
    monkeypatch.setenv("LINE", f"stagelint {words}")
    script = {
        "bash": f"source <(stagelint completion bash); COMP_WORDS=(stagelint {words});"
        " COMP_CWORD=5; _stagelint stagelint",
        "zsh": "compdef() { }; source <(stagelint completion zsh); _describe() { };"
        f" _files() {{ }}; compset() {{ }}; words=(stagelint {words}); CURRENT=6; _stagelint",
        "fish": "stagelint completion fish | source; complete -C $LINE",
    }[name]
    printed(shell(name), "-c", script)

    assert not (home / "pwned").exists()
