"""ShellCheck on the scripts of RUN: what it is asked, and where its answers lie in the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stagelint import shellcheck
from stagelint.cli import main
from stagelint.edit import Guarantee, apply
from stagelint.model.file import File, Options
from stagelint.presets import PRESETS
from stagelint.registry import Registry
from stagelint.rule import Finding
from stagelint.shellcheck import program
from stagelint.shellcheck.findings import ShellCheck
from stagelint.shellcheck.scripts import MAX_LENGTH, Script, scripts
from stagelint.source import Source

PROGRAM = shellcheck.find()
ALL = Registry().resolve("SC")

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no shellcheck is at hand")


def findings(text: str, options: Options | None = None) -> list[Finding]:
    assert PROGRAM
    notes: list[str] = []
    found, _ = ShellCheck(PROGRAM, notes.append).findings(
        File(Source("Dockerfile", text), options), ALL
    )
    assert not notes
    return sorted(found, key=lambda each: (each.span, each.code))


def marked(text: str, code: str) -> list[str]:
    """`line:column:text` of the findings of *code*."""
    source = Source("Dockerfile", text)
    places = [
        (source.position(each.span.start), text[each.span.start : each.span.end])
        for each in findings(text)
        if each.code == code
    ]
    return [f"{at.line}:{at.column}:{word}" for at, word in places]


def codes(text: str) -> set[str]:
    return {each.code for each in findings(dedent(text))}


UNQUOTED = {
    "one line": ("FROM a\nRUN echo $x\n", ["2:10:$x"]),
    "flags": ("FROM a\nRUN --mount=type=cache,target=/c echo $x\n", ["2:39:$x"]),
    "continued": ("FROM a\nRUN echo 1 && \\\n  echo $x\n", ["3:8:$x"]),
    "comments and blank lines": (
        "FROM a\nRUN echo 1 \\\n# $no\n\n   # $no\n  && echo $x \\\n\n  $y\n",
        ["6:11:$x", "8:3:$y"],
    ),
    "word across lines": ("FROM a\nRUN echo a$\\\nx\n", ["2:11:$\\\nx"]),
    "tabs": ("FROM a\nRUN\techo\t\t$x \\\n\t\t$y\n", ["2:11:$x", "3:3:$y"]),
    "not ASCII": ("FROM a\nRUN echo é🐳\u2028 $x\n", ["2:14:$x"]),
    "no UTF-8": ("FROM a\nRUN echo \udcff\udce2\udc80 $x\n", ["2:14:$x"]),
    "CRLF": ("FROM a\r\nRUN echo 1 && \\\r\n  echo $x\r\n", ["3:8:$x"]),
    "backtick": (
        '# escape=`\nFROM a\nSHELL ["bash", "-c"]\nRUN echo `\n  $x `\n\n# c\n  \\$y $z\n',
        ["5:3:$x", "8:7:$z"],
    ),
    "backtick on Debian": ("# escape=`\nFROM debian\nRUN echo `\n  $x\n", ["4:3:$x"]),
    "ONBUILD": ("FROM a\nONBUILD RUN echo \\\n  $x\n", ["3:3:$x"]),
    "heredoc": ("FROM a\nRUN <<EOF\necho 1\n  echo $x\nEOF\n", ["4:8:$x"]),
    "ONBUILD heredoc": ("FROM a\nONBUILD RUN <<EOF\necho $x\nEOF\n", ["3:6:$x"]),
    "quoted": ("FROM a\nRUN <<'EOF'\necho $x\nEOF\n", ["3:6:$x"]),
    "chomped": (
        "FROM a\nRUN <<-EOF\n\techo 1\n\t\techo $x\n\n\techo $y\n\tEOF\n",
        ["4:8:$x", "6:7:$y"],
    ),
    "CRLF heredoc": ("FROM a\r\nRUN <<EOF\r\necho 1\r\necho $x a\r\nEOF\r\n", ["4:6:$x"]),
    "own shell": ("FROM a\nRUN <<EOF\n#!/usr/bin/env bash\necho $x\nEOF\n", ["4:6:$x"]),
    "two heredocs": (
        "FROM a\nRUN cat <<A >$f <<B | sh && \\\n  echo $x\n1\nA\n2 $(echo $y)\nB\n",
        ["2:14:$f", "3:8:$x", "6:10:$y"],
    ),
    "chomped beside others": (
        "FROM a\nRUN cat <<-A && echo $x\n\t\t$(echo $y)\n\tA\n",
        ["2:22:$x", "3:10:$y"],
    ),
    "given to bash": ("FROM a\nRUN <<'EOF' bash -e\necho $x\nEOF\n", ["3:6:$x"]),
    "bash given it": ("FROM a\nRUN bash -s <<-'EOF'\n\techo $x\n\tEOF\n", ["3:7:$x"]),
}


@pytest.mark.parametrize("case", UNQUOTED)
def test_findings_stand_where_the_text_stands(case: str) -> None:
    text, expected = UNQUOTED[case]

    assert marked(text, "SC2086") == expected


SILENT = {
    "exec form": 'FROM a\nRUN ["sh", "-c", "echo $x"]\n',
    "PowerShell": 'FROM a\nSHELL ["powershell", "-Command"]\nRUN echo $x\n',
    "cmd": 'FROM a\nSHELL ["cmd", "/S", "/C"]\nRUN echo $x\n',
    "Windows": "FROM example.com/windows/nanoserver\nRUN echo $x\n",
    "path of Windows": "ARG B\nFROM $B\nRUN mkdir C:\\new && echo $x\n",
    "Python": "FROM a\nRUN <<EOF\n#!/usr/bin/env python3\nprint($x)\nEOF\n",
    "unknown shell": 'FROM a\nSHELL ["fish", "-c"]\nRUN echo $x\n',
    "expanded before bash sees it": "FROM a\nRUN <<EOF bash\necho \\$x\nEOF\n",
    "builder": "FROM a AS b\nRUN echo $x\nFROM c\nCOPY --from=b /x /x\n",
    "rejected": "FROM a\nRUN <<EOF\necho $x\n",
    "other frontend": "# syntax=example.com/x\nFROM a\nRUN echo $x\n",
}


@pytest.mark.parametrize("case", SILENT)
def test_what_no_shell_reads_is_left_alone(case: str) -> None:
    assert findings(SILENT[case]) == []


def test_builders_are_spoken_of_if_that_is_asked_for() -> None:
    found = findings(SILENT["builder"], Options(builders_too=True))

    assert [each.stage for each in found if each.code == "SC2086"] == ["b"]


def test_what_only_looks_like_windows_is_read() -> None:
    assert "SC2006" in codes("FROM a\nRUN echo `date +%Y%m%d` | sed 's:\\\\:/:'\n")


def test_the_shell_in_force_is_asked_for() -> None:
    text = """\
        FROM debian AS base
        RUN [[ a ]]
        SHELL ["/bin/bash", "-o", "pipefail", "-c"]
        RUN [[ a ]]
        FROM base
        RUN [[ a ]]
        SHELL ["/bin/sh", "-c"]
        RUN [[ a ]]
        """

    assert [place[:1] for place in marked(dedent(text), "SC3010")] == ["2", "8"]


@pytest.mark.parametrize(
    ("image", "said"),
    [("debian", True), ("alpine", False), ("fedora", False), ("example.com/x", False)],
)
def test_sh_is_the_one_of_the_image(image: str, said: bool) -> None:
    assert ("SC3010" in codes(f"FROM {image}\nRUN [[ a ]]\n")) is said


@pytest.mark.parametrize(
    "shell",
    ['"/bin/sh", "-ec"', '"bash", "-euxo", "pipefail", "-c"', '"sh", "-o", "errexit", "-c"'],
)
def test_options_of_the_shell_count(shell: str) -> None:
    run = "RUN cd /x; make\n"

    assert "SC2164" in codes(f"FROM a\n{run}")
    assert "SC2164" not in codes(f"FROM a\nSHELL [{shell}]\n{run}")


def test_variables_of_the_build_are_known() -> None:
    known = "FROM a AS p\nENV up=1\nONBUILD RUN echo $up\nFROM p\nARG one two=2\nENV three=3\n"

    assert "SC2154" in codes("FROM a\nRUN echo $none\n")
    assert codes(f"{known}RUN echo $up $one ${{two}} $three $http_proxy $((two + 1))\n") == set()
    assert marked(f"{known}RUN echo $four\nARG four\n", "SC2154") == ["7:10:$four"]


def test_a_finding_says_where_to_read_more() -> None:
    (finding,) = (each for each in findings("FROM a AS s\nRUN echo $X\n"))

    assert finding.code == "SC2086"
    assert finding.severity == "info"
    assert finding.stage == "s"
    assert finding.role == "shipped"
    assert finding.url == "https://www.shellcheck.net/wiki/SC2086"
    assert finding.message == "double quote to prevent globbing and word splitting"
    assert finding.fix
    assert finding.fix.guarantee is Guarantee.BEHAVIOUR


# -- fixes -----------------------------------------------------------------------------------------


def fixed(text: str) -> str:
    found = [each.fix for each in findings(text) if each.fix]
    return apply(text, found)[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("RUN echo $x\\\n  # c\n  $y\n", 'RUN echo "$x"\\\n  # c\n  "$y"\n'),
        ("RUN echo `ls \\\r\n  /`\r\n", "RUN echo $(ls \\\r\n  /)\r\n"),
        ("RUN <<-E\n\t\tcd x\n\tls\n\tE\n", "RUN <<-E\n\t\tcd x || exit\n\tls\n\tE\n"),
        ("RUN cat <<A && echo $x\n`ls`\nA\n", 'RUN cat <<A && echo "$x"\n$(ls)\nA\n'),
        ("ONBUILD RUN echo é\t$x\n", 'ONBUILD RUN echo é\t"$x"\n'),
        ("RUN echo $\\\nx\n", 'RUN echo "$\\\nx"\n'),
    ],
)
def test_fixes_of_shellcheck_are_made_in_the_file(before: str, after: str) -> None:
    assert fixed(f"FROM a\n{before}") == f"FROM a\n{after}"


_PARTS = st.sampled_from(
    ["$a", "`ls`", "é", "\t", " ", " && ", "; cd x; ", "[ $b = c ]", " \\\n ", "\\\n# $c\n", '"']
)
_BODIES = st.sampled_from(
    ["echo $a\n", "\tcd x\n", "`ls`  $b\n", "é\t$c\n", "if [ $a ]; then\n", "fi\n"]
)


@st.composite
def dockerfiles(draw: st.DrawFn) -> str:
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    line = draw(st.sampled_from(["", "<<E ", "<<-E ", "cat <<E "]))
    code = "" if line[:2] == "<<" else "echo " + "".join(draw(st.lists(_PARTS, max_size=8)))
    body = "".join(draw(st.lists(_BODIES, max_size=5))) + "E\n" if line else ""
    onbuild = draw(st.sampled_from(["", "ONBUILD "]))
    return f"FROM a\n{onbuild}RUN {line}{code}\n{body}".replace("\n", newline)


def read(text: str) -> list[Script]:
    return list(scripts(File(Source("Dockerfile", text))))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(dockerfiles())
def test_a_fixed_file_holds_the_script_that_shellcheck_proposes(text: str) -> None:
    assert PROGRAM
    for finding in findings(text):
        if finding.fix is None:
            continue
        after, _, _ = apply(text, [finding.fix])
        (script,) = [each for each in read(text) if each.text.text][:1]
        (result,) = [each for each in read(after) if each.text.text][:1]
        assert result.text.text in proposals(script, finding.code)


def proposals(script: Script, code: str) -> set[str]:
    """What becomes of *script* by each single fix of *code*, as ShellCheck's JSON tells it."""
    assert PROGRAM
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "s")
        path.write_text(script.document, "utf-8", newline="")
        command = [PROGRAM, "--norc", "-f", "json1", f"-i{code[2:]}", str(path)]
        done = subprocess.run(command, capture_output=True, check=False)
    lines = script.document.split("\n")
    starts = [sum(len(line) + 1 for line in lines[:at]) for at in range(len(lines))]
    skipped = len(script.prelude)
    found: set[str] = set()
    for comment in json.loads(done.stdout)["comments"]:
        text = script.document
        for each in sorted(
            comment["fix"]["replacements"] if comment["fix"] else (),
            key=lambda one: (-one["line"], -one["column"]),
        ):
            start = starts[each["line"] - 1] + each["column"] - 1
            end = starts[each["endLine"] - 1] + each["endColumn"] - 1
            text = text[:start] + each["replacement"] + text[end:]
        found.add(text[skipped:])
    return found


# -- hostile texts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "directive",
    [
        "# shellcheck source=/etc/passwd",
        "#shellcheck   source=/etc/passwd",
        "# shellcheck disable=SC2086 source=/etc/passwd",
        "# shellcheck shell=ksh",
        "# shellcheck enable=all",
        "# shellcheck external-sources=true",
    ],
)
def test_directives_do_not_reach_shellcheck(directive: str) -> None:
    text = f"FROM a\nRUN <<EOF\n:\n{directive}\n. $x\necho $y\nEOF\n"

    (script,) = read(text)

    assert "shellcheck" not in script.document
    assert len(script.document) == len(script.prelude + script.text.text)
    assert "6:6:$y" in marked(text, "SC2086")


def test_a_directive_that_silences_does() -> None:
    text = "FROM a\nRUN <<EOF\n:\n# shellcheck disable=SC2086 # why\necho $x\necho $y\nEOF\n"

    assert marked(text, "SC2086") == ["6:6:$y"]


def test_scripts_cannot_name_each_other(tmp_path: Path) -> None:
    """ShellCheck reads a script that another one sources, if it is to check both."""
    names = "".join(f". ./{number}\n. ./s{number}\n. ./*\n" for number in range(4))
    before = time.monotonic()

    found = codes(f"FROM a\nRUN <<EOF\n{names}EOF\nRUN echo $X\n")

    assert found == {"SC2086"}
    assert time.monotonic() - before < program.SECONDS


@pytest.mark.slow
def test_one_script_that_takes_too_long_spoils_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PROGRAM
    monkeypatch.setattr(program, "SECONDS", 1.0)
    monkeypatch.setattr(program, "MAX_OUTPUT", 100_000)
    slow = "#!/bin/sh\n" + " && ".join(["echo $x"] * 1500)

    said = program.ask(PROGRAM, ["#!/bin/sh\necho $x\n", slow, "#!/bin/sh\necho $Y\n"])

    assert said[1] is None
    assert said[0]
    assert said[2]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM")
def test_a_run_that_is_ended_leaves_nothing(tmp_path: Path) -> None:
    run = "RUN " + " && ".join(["echo $x"] * 1000)
    lines = "\n".join(f"{run} && echo {number}" for number in range(20))
    (tmp_path / "Dockerfile").write_text(f"FROM a\n{lines}\n", "utf-8")
    (tmp_path / "tmp").mkdir()
    environ = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    environ["PYTHONPATH"] = os.pathsep.join(each for each in sys.path if each)
    command = [sys.executable, "-m", "stagelint", "--isolated", "--select", "SC", "Dockerfile"]
    with subprocess.Popen(command, cwd=tmp_path, env=environ) as process:
        while process.poll() is None and not list((tmp_path / "tmp").glob("*/*")):
            time.sleep(0.01)
        time.sleep(0.3)
        process.terminate()

    assert process.returncode == 143
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_program_that_does_not_start_is_a_note(tmp_path: Path) -> None:
    notes: list[str] = []
    file = File(Source("Dockerfile", "FROM a\nRUN echo $x\n"))

    found, asked = ShellCheck(str(tmp_path), notes.append).findings(file, ALL)

    assert (found, asked) == ([], frozenset())
    assert notes[-1] == "Dockerfile:2: shellcheck could not check this script"


def test_a_script_of_absurd_length_is_not_read() -> None:
    assert read(f"FROM a\nRUN echo {'x' * MAX_LENGTH}\n") == []


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert PROGRAM

    def interrupted(*_: object) -> None:
        assert len(list(tmp_path.iterdir())) == 1
        raise KeyboardInterrupt

    assert program.ask(PROGRAM, [":"]) != [None]
    monkeypatch.setattr(program, "_output", interrupted)
    with pytest.raises(KeyboardInterrupt):
        program.ask(PROGRAM, [":"])
    assert list(tmp_path.iterdir()) == []


def test_settings_for_other_scripts_do_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".shellcheckrc").write_text("disable=SC2086\n", "utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELLCHECK_OPTS", "--exclude=SC2086 -x")

    assert codes("FROM a\nRUN echo $X\n") == {"SC2086"}


# -- the command line ------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM a:1\nUSER 1\nRUN echo $X\n", "utf-8")
    return tmp_path


def run(*arguments: str) -> int:
    return main(["--isolated", "--output-format", "concise", "--quiet", *arguments])


@pytest.mark.parametrize("selector", ["SC", "SC2", "SC2086", "shellcheck", "ALL"])
def test_selectors(selector: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("--select", selector)

    assert "Dockerfile:3:10: info SC2086" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--select", "SC1"),
        ("--select", "SC9999"),
        ("--select", "SC", "--ignore", "SC2086"),
        ("--select", "SC", "--per-file-ignores", "*:SC2"),
    ],
)
def test_what_is_not_selected(
    arguments: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 0
    assert "SC2086" not in capsys.readouterr().out


@pytest.mark.parametrize("selector", ["SC20866", "SCx", "SC-"])
def test_what_is_no_selector(
    selector: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--select", selector) == 2
    assert f"no rule is called `{selector}`" in capsys.readouterr().err


@pytest.mark.parametrize("selector", ["SC2086", "SC", "shellcheck"])
def test_comments_silence_it(
    selector: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"FROM a:1\n# stagelint: ignore[{selector}]\nRUN echo $X\n"
    (folder / "Dockerfile").write_text(text, "utf-8")

    assert run("--select", "SC,SL001") == 0
    assert capsys.readouterr().out == ""


def test_a_comment_that_silences_nothing_is_said_if_shellcheck_was_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "FROM a:1\n# stagelint: ignore[SC2046]\nRUN echo x\n"
    (folder / "Dockerfile").write_text(text, "utf-8")

    run("--select", "SC,SL001")
    assert "`SC2046` finds nothing here" in capsys.readouterr().out
    run("--select", "SL001")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("selector", "url"), [("SC2086", "wiki/SC2086"), ("SC", "wiki/"), ("shellcheck", "wiki/")]
)
def test_its_pages(selector: str, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", selector, "--isolated"]) == 0
    assert f"https://www.shellcheck.net/{url}\n" in capsys.readouterr().out
    assert main(["rule", selector, "--isolated", "--output-format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["url"].endswith(url)


def test_the_preset_of_hadolint_has_it() -> None:
    assert "SC" in PRESETS["hadolint"].select


def test_fixing(folder: Path) -> None:
    assert run("--select", "SC", "--fix") == 0
    assert "$X" in (folder / "Dockerfile").read_text("utf-8")
    assert run("--select", "SC", "--fix", "--unsafe-fixes") == 0
    assert 'echo "$X"' in (folder / "Dockerfile").read_text("utf-8")


def test_json_names_the_wiki(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--isolated", "--select", "SC", "--output-format", "json"])

    (finding,) = json.loads(capsys.readouterr().out)
    assert finding["url"] == "https://www.shellcheck.net/wiki/SC2086"
    assert finding["fix"]["applicability"] == "unsafe"


def test_one_process_looks_at_all_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[int] = []
    output = program._output  # pyright: ignore[reportPrivateUsage]

    def counted(command: Sequence[str], folder: str, seconds: float) -> bytes | None:
        started.append(len(command))
        return output(command, folder, seconds)

    monkeypatch.setattr(program, "_output", counted)
    monkeypatch.chdir(tmp_path)
    for number in range(50):
        (tmp_path / f"{number}.Dockerfile").write_text(f"FROM a\nRUN echo {number} $X\n", "utf-8")

    run("--select", "SC2086")

    assert capsys.readouterr().out.count("SC2086") == 50
    assert started == [53]


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shellcheck, "find", lambda: None)


@pytest.mark.usefixtures("without")
@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((), 0, False),
        (("--select", "ALL", "--fail-level", "error"), 0, False),
        (("--extend-select", "SC2086"), 0, True),
        (("--select", "SC"), 2, True),
    ],
)
def test_without_the_program(
    arguments: tuple[str, ...],
    status: int,
    said: bool,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(*arguments) == status
    assert ("there is no `shellcheck`" in capsys.readouterr().err) is said


def test_the_current_folder_is_not_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "shellcheck"
    mine.write_text("#!/bin/sh\n", "utf-8")
    mine.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "elsewhere" / "python"))

    monkeypatch.setenv("PATH", os.pathsep.join(["", ".", "bin"]))
    assert shellcheck.find() is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shellcheck.find() == str(mine)


def test_a_plain_run_loads_none_of_it(folder: Path) -> None:
    code = (
        "import sys; from stagelint.cli import main; main(['--isolated', '-q']);"
        "print([each for each in sys.modules if 'shellcheck' in each])"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=True
    )

    assert done.stdout.splitlines()[-1] == "[]"
