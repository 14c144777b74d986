"""Starting in a repository that has findings already: comments, a baseline, changed lines."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stagelint import engine, proof
from stagelint.baseline import Baseline, Entry
from stagelint.changes import Changed
from stagelint.cli import main
from stagelint.fingerprints import fingerprints
from stagelint.model import File, Options
from stagelint.registry import ALWAYS, Registry, Ruleset
from stagelint.rule import Finding, Severity
from stagelint.silence import silence
from stagelint.source import Source, Span

GIT = shutil.which("git")
needs_git = pytest.mark.skipif(GIT is None, reason="needs git")
posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")

REGISTRY = Registry()
RULESET = Ruleset(REGISTRY, REGISTRY.expand(["SL"]))

TEXT = """\
# syntax=docker/dockerfile:1
FROM golang:1.25
RUN make

# hello
FROM scratch
COPY --from=0 /x /x
"""
FOUND = "Dockerfile:7:13: warning SL102 [*] stage 0 is referred to by its number\n"


class Ran(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def folder(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("GIT_INDEX_FILE", raising=False)
    return empty_folder


@pytest.fixture
def run(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Runs the command in this process; findings are lines."""

    def run(*arguments: str, stdin: str = "") -> Ran:
        defaults = [] if any(each.startswith("--select") for each in arguments) else ["--select=SL"]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsysbinary.readouterr()
        try:
            status = main((*defaults, *arguments, "--output-format=concise"))
        except SystemExit as stop:
            assert isinstance(stop.code, int)
            status = stop.code
        out, err = capsysbinary.readouterr()
        lines = out.decode().splitlines(keepends=True)
        said = [each for each in lines if not each.startswith(("Found ", "[*]", "All ", "Fixed "))]
        return Ran(status, "".join(said), err.decode())

    return run


Run = Callable[..., Ran]


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(text.encode())


def read(path: str = "Dockerfile") -> str:
    return Path(path).read_bytes().decode()


def git(*arguments: str, cwd: str = ".") -> None:
    assert GIT is not None
    user = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run([GIT, *user, *arguments], cwd=cwd, check=True, capture_output=True)


def commit(message: str = "x") -> None:
    git("add", "--all")
    git("commit", "-q", "--allow-empty", "-m", message)


@pytest.fixture
def repository() -> None:
    """The current folder is one, with `TEXT` committed on the branch `main`."""
    git("init", "-q", "-b", "main")
    write("Dockerfile", TEXT)
    commit()


# -- --add-ignore ----------------------------------------------------------------------------------


def test_comments_silence_what_is_found(run: Run) -> None:
    write("Dockerfile", TEXT)

    assert run("--add-ignore=later", "Dockerfile") == Ran(0, "", "Dockerfile: 1 finding silenced\n")
    assert read() == TEXT.replace("COPY", "# stagelint: ignore[SL102] later\nCOPY")
    assert run("Dockerfile") == Ran(0, "", "")
    assert run("--add-ignore", "Dockerfile") == Ran(0, "", "")


def test_a_path_is_no_reason(run: Run) -> None:
    write("Dockerfile", TEXT)

    assert run("--add-ignore", "Dockerfile").status == 0
    assert "# stagelint: ignore[SL102]\nCOPY" in read()


def test_what_fix_does_not_mend_is_silenced(run: Run) -> None:
    write("Dockerfile", TEXT.replace("# hello", "FROM alpine AS tools"))

    assert run("--fix", "--add-ignore", "Dockerfile").status == 0
    assert "COPY --from=build /x /x" in read()
    assert "# stagelint: ignore[SL101]\nFROM alpine AS tools" in read()


def test_diff_shows_the_comments(run: Run) -> None:
    write("Dockerfile", TEXT)

    ran = run("--add-ignore", "--diff", "Dockerfile")

    assert (ran.status, ran.err) == (1, "Dockerfile: 1 finding would be silenced\n")
    assert "\n+# stagelint: ignore[SL102]\n COPY --from=0" in ran.out
    assert read() == TEXT


def test_stdin_becomes_stdout(run: Run) -> None:
    ran = run("--add-ignore", "-", stdin=TEXT)

    assert ran.out == TEXT.replace("COPY", "# stagelint: ignore[SL102]\nCOPY")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (  # merged, and the reason stays
            "# stagelint: ignore[SL110] old\nCOPY --from=0 a b",
            "# stagelint: ignore[SL110, SL102] old\nCOPY --from=0 a b",
        ),
        (  # inside a continuation
            "COPY --from=0 \\\n  # stagelint: ignore[SL110]\n  a b",
            "COPY --from=0 \\\n  # stagelint: ignore[SL110, SL102]\n  a b",
        ),
        (  # below other comments
            "# why\n  COPY --from=0 a b",
            "# why\n  # stagelint: ignore[SL102]\n  COPY --from=0 a b",
        ),
        (  # one comment for two findings of one kind
            "RUN --mount=from=0,target=/a --mount=from=0,target=/b x",
            "# stagelint: ignore[SL114]\nRUN --mount=from=0,target=/a --mount=from=0,target=/b x",
        ),
    ],
)
def test_where_comments_go(before: str, after: str) -> None:
    head = "FROM busybox\nRUN touch /a\nFROM scratch\n"

    done = silence(Source("Dockerfile", head + before), lambda _: Options(), RULESET, chosen)

    assert done.source.text == head + after


def chosen(findings: list[Finding]) -> list[Finding]:
    """Those about references, for an example is about few."""
    return [each for each in findings if each.code in ("SL102", "SL114")]


def everything(findings: list[Finding]) -> list[Finding]:
    return findings


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffFROM busybox\nFROM scratch AS Bad/\nCOPY --from=0 a b\n",
        "# escape=`\n# check=skip=StageNameCasing\r\nFROM alpine\r\nFROM scratch\r\nCOPY --from=0 a b",
        "#!/usr/bin/env x\n# syntax=docker/dockerfile:1\nFROM alpine\nFROM x\nCOPY --from=0 a b",
    ],
)
def test_heads_of_files(text: str) -> None:
    done = silence(Source("Dockerfile", text), lambda _: Options(), RULESET, everything)
    file, before = File(done.source), File(Source("Dockerfile", text))

    assert [each.value for each in file.tree.directives] == [
        each.value for each in before.tree.directives
    ]
    assert [each.code for each in engine.lint(file, RULESET) if each.name not in ALWAYS] == []


def test_what_no_instruction_says_is_silenced_in_the_file(run: Run) -> None:
    write("Dockerfile", "# check=skip=StageNamesCasing\nFROM busybox\nUSER 1\n")

    assert run("--add-ignore", "Dockerfile").status == 0
    assert read() == (
        "# check=skip=StageNamesCasing\n# stagelint: file-ignore[SL001]\nFROM busybox\nUSER 1\n"
    )
    assert run("--fail-level=style", "Dockerfile") == Ran(0, "", "")


def test_what_cannot_be_read_is_not_silenced(run: Run) -> None:
    write("Dockerfile", "FROM busybox\nRUNN x\n")

    ran = run("--add-ignore", "Dockerfile", "missing")

    assert ran.status == 1
    assert "Dockerfile:2: SL000 is not silenced: what cannot be read is always said\n" in ran.err
    assert "missing:1: SL002 is not silenced" in ran.err
    assert "ignore" not in read()


def test_another_language_has_other_comments(run: Run) -> None:
    write("Dockerfile", "# syntax=example.com/other\nFROM x\n")

    assert "in another language are not read" in run("--add-ignore", "Dockerfile").err


def test_descriptions_stay_descriptions(run: Run) -> None:
    text = "# check=experimental=InvalidDefinitionDescription\nFROM busybox\n\nFROM scratch\n"
    write("Dockerfile", text)

    assert "would have to describe it" in run("--add-ignore", "Dockerfile").err
    assert read() == text


@needs_git
def test_other_files_are_left_to_people(run: Run) -> None:
    git("init", "-q")
    write("Dockerfile", "FROM busybox\nUSER 1\n")
    write("compose.yaml", "services:\n  a:\n    build: {context: ., target: nope}\n")

    ran = run("--add-ignore")

    assert ran.status == 1
    assert ran.err == (
        "compose.yaml:3: SL103 is not silenced:"
        " write `# stagelint: ignore[SL103]` on the line, or above it\n"
    )


LINES = st.sampled_from(
    """\
FROM alpine
FROM golang AS build
FROM build
FROM build AS Other
from other as b
FROM $X
FROM alpine AS alpine
ARG X=build
ENV a=b
COPY --from=0 a b
COPY --from=1 a b
  COPY --from=build a b
COPY --from=biuld a b
RUN --mount=from=0 a
RUN make && \\
  # stagelint: ignore[SL204]
RUN <<EOF
EOF
CMD a
# hello

# stagelint: ignore[SL102]
# stagelint: ignore[SL101, SL999] why
# stagelint: file-ignore[SL105]
# hadolint ignore=DL9999
# hadolint ignore SC1234
# check=skip=UndefinedVar,Nope
# escape=`
# syntax=docker/dockerfile:1
RUNN x""".split("\n")
)


@given(st.lists(LINES, max_size=20).map("\n".join))
@settings(max_examples=300, deadline=None)
def test_silence_keeps_the_build_and_leaves_nothing_to_say(text: str) -> None:
    before = File(Source("Dockerfile", text))
    done = silence(before.source, lambda _: Options(), RULESET, everything)
    after = File(done.source)

    if not before.unprovable:
        proof.same_build(before, after)
    assert [each.logical.text for each in before.tree.instructions] == [
        each.logical.text for each in after.tree.instructions
    ]
    left = [each for each in engine.lint(after, RULESET) if each.name not in ALWAYS]
    assert left == []
    assert silence(done.source, lambda _: Options(), RULESET, everything).source is done.source


@pytest.mark.parametrize("where", ["option", "configuration"])
def test_comments_need_not_be_heeded(run: Run, where: str) -> None:
    write("Dockerfile", TEXT.replace("COPY", "# stagelint: ignore[SL102, SL999]\nCOPY"))
    write("stagelint.toml", "ignore-comments = false\n" if where == "configuration" else "")
    options = ["--no-ignore-comments"] if where == "option" else []

    assert run(*options) == Ran(1, FOUND.replace(":7:", ":8:"), "")


# -- --baseline ------------------------------------------------------------------------------------


def test_a_baseline_is_written_and_heeded(run: Run) -> None:
    write("api/Dockerfile", TEXT)

    assert run("--baseline=b.json", "--update-baseline") == Ran(0, "", "b.json keeps 1 finding\n")
    row = json.loads(read("b.json"))["findings"][0]
    assert {**row, "fingerprint": ""} == {
        "path": "api/Dockerfile",
        "code": "SL102",
        "fingerprint": "",
        "count": 1,
    }
    assert read("b.json") == (
        f'{{\n  "version": 1,\n  "findings": [\n    {json.dumps(row)}\n  ]\n}}\n'
    )
    assert run("--baseline=b.json") == Ran(0, "", "")
    assert run("--baseline=../b.json", "api/Dockerfile").status == 2
    assert run("--baseline=b.json", "api/Dockerfile") == Ran(0, "", "")


def test_new_findings_are_said(run: Run) -> None:
    write("Dockerfile", TEXT)
    run("--baseline=b.json", "--update-baseline")
    write("Dockerfile", TEXT + "COPY --from=0 /y /y\n")

    assert run("--baseline=b.json").out == FOUND.replace(":7:", ":8:")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("FROM golang", "\n\n# hi\nFROM golang"),
        ("FROM golang", "ARG X\nFROM golang"),
        ("COPY", "RUN x\n\nCOPY"),
        ("COPY --from=0 /x", "  COPY   --from=0 \\\n  # c\n /x"),
        ("# hello", "FROM busybox AS other\nRUN y\n"),
    ],
)
def test_moved_findings_are_the_same(run: Run, old: str, new: str) -> None:
    write("Dockerfile", TEXT)
    run("--baseline=b.json", "--update-baseline")
    write("Dockerfile", TEXT.replace(old, new))

    assert "SL102" not in run("--baseline=b.json").out


def test_equal_instructions_are_told_apart_by_number(run: Run) -> None:
    write("Dockerfile", TEXT + "COPY --from=0 /x /x\n")
    run("--baseline=b.json", "--update-baseline")

    assert len(json.loads(read("b.json"))["findings"]) == 2


def test_an_entry_keeps_so_many_and_no_more() -> None:
    source = Source("Dockerfile", "FROM a\nFROM b\nCOPY --from=0 a b\n")
    finding = next(each for each in engine.lint(File(source), RULESET) if each.code == "SL102")
    baseline = Baseline("b.json", None, Counter())
    baseline.entries[baseline.entry(finding)] = 1

    assert baseline.unknown([finding, finding]) == [finding]
    assert baseline.unknown([finding]) == []


def test_stale_entries_are_said_and_forgotten(run: Run) -> None:
    write("Dockerfile", TEXT)
    write("other/Dockerfile", TEXT)
    run("--baseline=b.json", "--update-baseline")
    write("Dockerfile", "FROM busybox\nUSER 1\n")
    said = "b.json: 1 finding of the baseline found no more (--update-baseline forgets them)\n"

    assert run("--baseline=b.json") == Ran(0, "", said)
    assert run("--baseline=b.json", "-q").err == ""
    # What did not run, or was not looked at, is not stale.
    assert run("--baseline=b.json", "--select=SL101") == Ran(0, "", "")
    assert run("--baseline=b.json", "other/Dockerfile") == Ran(0, "", "")
    Path("other/Dockerfile").unlink()
    assert "2 findings of the baseline" in run("--baseline=b.json").err
    assert run("--baseline=b.json", "--update-baseline").err == "b.json keeps 0 findings\n"


def test_an_update_keeps_what_it_did_not_look_at(run: Run) -> None:
    write("Dockerfile", TEXT)
    write("other/Dockerfile", TEXT)
    run("--baseline=b.json", "--update-baseline")
    before = read("b.json")
    write("Dockerfile", "FROM busybox\nUSER 1\n")

    assert run("--baseline=b.json", "--update-baseline", "other").err == "b.json keeps 2 findings\n"
    assert read("b.json") == before
    assert run("--baseline=b.json", "--update-baseline", "--select=SL101").status == 0
    assert read("b.json") == before


def test_fix_mends_what_the_baseline_keeps(run: Run) -> None:
    write("Dockerfile", TEXT)
    run("--baseline=b.json", "--update-baseline")

    ran = run("--baseline=b.json", "--fix")

    assert (ran.status, ran.out) == (0, "")
    assert "1 finding of the baseline found no more" in ran.err
    assert "COPY --from=build" in read()


def test_comments_for_what_the_baseline_does_not_keep(run: Run) -> None:
    write("Dockerfile", TEXT)
    run("--baseline=b.json", "--update-baseline")
    write("Dockerfile", TEXT + "COPY --from=0 /y /y\n")

    assert run("--baseline=b.json", "--add-ignore").status == 0
    assert read() == TEXT + "# stagelint: ignore[SL102]\nCOPY --from=0 /y /y\n"


def test_a_baseline_of_the_configuration(run: Run) -> None:
    write("stagelint.toml", 'baseline = "lint/base.json"\n')
    write("lint/x", "")
    write("Dockerfile", TEXT)

    ran = run("--update-baseline")

    assert ran == Ran(0, "", "lint/base.json keeps 1 finding\n")
    assert '"path": "../Dockerfile"' in read("lint/base.json")
    assert run() == Ran(0, "", "")


@needs_git
def test_findings_of_other_files_are_kept(run: Run) -> None:
    git("init", "-q")
    write("Dockerfile", "FROM busybox\nUSER 1\n")
    write("compose.yaml", "services:\n  a:\n    build: {context: ., target: nope}\n")
    run("--baseline=b.json", "--update-baseline")
    write("compose.yaml", "# hi\n" + read("compose.yaml"))

    assert run("--baseline=b.json") == Ran(0, "", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", ":1: the baseline is not JSON: expecting property name enclosed in double quotes"),
        ("[" * 100_000, ": the baseline is not JSON: maximum recursion depth exceeded"),
        ("[]", ': the baseline must have "version" and a list "findings"'),
        ('{"version": 2}', ": the baseline has version 2, and stagelint reads 1"),
        (
            '{"version": 1, "findings": [{}]}',
            ": the baseline: finding 1 must have path, code, fingerprint and count",
        ),
    ],
)
def test_broken_baselines(run: Run, text: str, message: str) -> None:
    write("b.json", text)
    write("Dockerfile", TEXT)

    ran = run("--baseline=b.json")
    assert ran.status == 2
    assert ran.err.startswith(f"stagelint: b.json{message}")
    assert ran.err.count("\n") == 1


def test_a_missing_baseline(run: Run) -> None:
    write("Dockerfile", TEXT)

    message = "the baseline cannot be read: no such file (--update-baseline writes it)"
    assert run("--baseline=b.json") == Ran(2, "", f"stagelint: b.json: {message}\n")
    assert run("--update-baseline").status == 2


@given(st.lists(LINES, max_size=12), st.lists(st.sampled_from(["", "# a", "RUN b", "ENV c=d"])))
@settings(max_examples=200, deadline=None)
def test_lines_in_between_change_no_fingerprint(lines: list[str], more: list[str]) -> None:
    lines = [
        each for each in lines if "\\" not in each and "EOF" not in each and "escape" not in each
    ]
    text = "FROM busybox AS first\n" + "\n".join(lines)
    between = "\n".join((*more, *(part for each in lines for part in (each, "", "# between", ""))))

    assert marks(text) <= marks(f"FROM busybox AS first\n{between}")


def marks(text: str) -> set[Entry]:
    """As if every instruction had a finding."""
    source = Source("Dockerfile", text)
    baseline = Baseline("b.json", None, Counter())
    about = Finding("SL000", "x", Severity.INFO, source, Span(0, 0), "")
    return {
        baseline.entry(about._replace(span=each.code_span))
        for each in File(source).tree.instructions
    }


def test_fingerprints_are_all_different() -> None:
    source = Source("Dockerfile", "FROM a\nFROM b\nCOPY --from=0 a b\nCOPY --from=0 a b\n")
    findings = engine.lint(File(source), RULESET)

    names = fingerprints([*findings, *findings])
    assert len(set(names)) == 2 * len(findings)
    assert names == fingerprints([*findings, *findings])
    assert all(len(each) == 32 for each in names)


# -- --since and --staged --------------------------------------------------------------------------


@needs_git
@pytest.mark.usefixtures("repository")
def test_only_changed_lines_speak(run: Run) -> None:
    assert run("--since=HEAD") == Ran(0, "", "stagelint: no Dockerfiles changed\n")
    write("Dockerfile", TEXT + "COPY --from=0 /y /y\n")

    assert run("--since=main") == Ran(1, FOUND.replace(":7:", ":8:"), "")
    assert run("--since=main", "Dockerfile") == Ran(1, FOUND.replace(":7:", ":8:"), "")
    write("Dockerfile", TEXT.replace("/x /x", "/x \\\n /y"))
    assert run("--since=main") == Ran(1, FOUND, "")  # another line of the instruction


@needs_git
@pytest.mark.usefixtures("repository")
def test_since_a_branch_parted(run: Run) -> None:
    git("checkout", "-q", "-b", "topic")
    write("new/Dockerfile", TEXT)
    commit()
    git("checkout", "-q", "main")
    write("Dockerfile", TEXT + "COPY --from=0 /main /main\n")
    commit()
    git("checkout", "-q", "topic")

    path = os.path.join("new", "Dockerfile")
    assert run("--since=main") == Ran(1, FOUND.replace("Dockerfile", path), "")


@needs_git
@pytest.mark.usefixtures("repository")
def test_removed_lines(run: Run) -> None:
    text = TEXT.replace("/x /x", "/x \\\n /w \\\n /y")
    write("Dockerfile", text)
    commit()
    write("Dockerfile", text.replace(" /w \\\n", ""))

    assert run("--since=HEAD").out == FOUND
    write("Dockerfile", text.replace("# hello\n", ""))
    assert run("--since=HEAD").out == ""


@needs_git
@pytest.mark.usefixtures("repository")
def test_files_that_are_new_or_renamed(run: Run) -> None:
    git("mv", "Dockerfile", "b.Dockerfile")
    write("a b/Dockerfile", TEXT)
    write("b.Dockerfile", TEXT + "COPY --from=0 /y /y\n")
    path = os.path.join("a b", "Dockerfile")

    assert run("--since=HEAD").out == (
        FOUND.replace("Dockerfile", path) + FOUND.replace("Dockerfile:7", "b.Dockerfile:8")
    )
    git("add", "b.Dockerfile")
    assert run("--staged").out == FOUND.replace("Dockerfile:7", "b.Dockerfile:8")


@needs_git
@posix
@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("name", ['"q"', "a\\b", "t\tx", "é"])
def test_names_that_git_quotes(run: Run, name: str) -> None:
    write(f"{name}.Dockerfile", TEXT)
    commit()
    write(f"{name}.Dockerfile", TEXT + "COPY --from=0 /y /y\n")

    assert ":8:13: warning SL102" in run("--since=HEAD").out
    assert run("--since=HEAD").out.count("\n") == 1


@needs_git
@posix
@pytest.mark.usefixtures("repository")
def test_a_link_is_what_it_leads_to(run: Run) -> None:
    write("Dockerfile", TEXT + "COPY --from=0 /y /y\n")
    Path("link.Dockerfile").symlink_to("Dockerfile")
    git("add", ".")

    assert run("--since=HEAD", "link.Dockerfile").out.startswith("link.Dockerfile:8:")
    assert run("--staged", "Dockerfile").out == FOUND.replace(":7:", ":8:")


@needs_git
@pytest.mark.usefixtures("repository")
def test_lines_that_look_like_a_patch(run: Run) -> None:
    heredoc = "RUN <<END\n-- a/other\n++ b/other\n@@ -1 +1 @@\nEND"
    text = TEXT.replace("RUN make", heredoc)
    write("Dockerfile", text + "COPY --from=0 /y /y")
    assert run("--since=HEAD").out == FOUND.replace(":7:", ":12:")
    commit()
    write("Dockerfile", text + "COPY --from=0 /z /z")
    assert run("--since=HEAD").out == FOUND.replace(":7:", ":12:")


@needs_git
@pytest.mark.usefixtures("repository")
def test_what_is_staged(run: Run) -> None:
    write("Dockerfile", TEXT + "COPY --from=0 /staged /y\n")
    git("add", "Dockerfile")
    write("Dockerfile", f"# above\n{TEXT}COPY --from=0 /staged /y\nCOPY --from=0 /not /y\n")

    assert run("--staged").out == FOUND.replace(":7:", ":9:")
    git("stash", "-q")
    assert run("--staged").err == "stagelint: no Dockerfiles changed\n"


@needs_git
def test_before_the_first_commit(run: Run) -> None:
    git("init", "-q")
    write("Dockerfile", TEXT)
    assert run("--staged").out == ""
    git("add", ".")

    assert run("--staged").out == FOUND
    assert run("--since=HEAD").err == f"stagelint: there is no commit `HEAD` in {os.getcwd()}\n"


@needs_git
@pytest.mark.usefixtures("repository")
def test_the_index_that_a_hook_is_given(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write("Dockerfile", TEXT + "COPY --from=0 /y /y\n")
    shutil.copy(".git/index", ".git/next-index-1.lock")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/next-index-1.lock")
    git("add", "Dockerfile")

    assert run("--staged").out == FOUND.replace(":7:", ":8:")
    monkeypatch.setenv("GIT_INDEX_FILE", "elsewhere")
    assert run("--staged").out == ""


@needs_git
@pytest.mark.usefixtures("repository")
def test_fix_mends_files_that_changed(run: Run) -> None:
    write("other/Dockerfile", TEXT)
    commit()
    write("Dockerfile", TEXT.replace("# hello", "FROM alpine AS tools"))

    ran = run("--since=HEAD", "--fix")

    assert "COPY --from=build /x /x" in read()
    assert read("other/Dockerfile") == TEXT
    assert ran.out.startswith("Dockerfile:5:1: info SL101")


@needs_git
@pytest.mark.usefixtures("repository")
def test_findings_of_other_files_that_changed(run: Run) -> None:
    write("compose.yaml", "services:\n  a:\n    build: {context: ., target: nope}\n")
    commit()
    write("Dockerfile", "FROM busybox AS a\nUSER 1\n")
    assert run("--since=HEAD") == Ran(0, "", "")
    write("compose.yaml", "services:\n  a:\n    build: {context: ., target: none}\n")

    assert run("--since=HEAD").out.startswith("compose.yaml:3:33: error SL103")


@needs_git
@posix
@pytest.mark.usefixtures("repository")
def test_nothing_of_the_repository_runs(run: Run, folder: Path) -> None:
    spy = folder / "spy"
    spy.write_text(f"#!/bin/sh\necho ran >> {folder}/spied\ncat\n")
    spy.chmod(0o755)
    write(".gitattributes", "*Dockerfile filter=evil diff=evil\n*.x filter=other.one\n")
    commit()
    for key in (
        *"filter.evil.clean filter.evil.smudge filter.evil.process filter.other.one.clean".split(),
        *"diff.external diff.evil.command diff.evil.textconv core.fsmonitor core.pager".split(),
        *"pager.diff core.editor".split(),
    ):
        git("config", key, str(spy))
    git("config", "filter.evil.required", "true")
    git("config", "core.hooksPath", str(folder / "hooks"))
    write("hooks/post-index-change", spy.read_text())
    Path("hooks/post-index-change").chmod(0o755)
    write("Dockerfile", TEXT + "COPY --from=0 /y /y\n")
    (folder / "spied").unlink(missing_ok=True)

    assert run("--since=HEAD").out == FOUND.replace(":7:", ":8:")
    assert run("--staged").out == ""
    assert not (folder / "spied").exists()


@needs_git
@pytest.mark.usefixtures("repository")
def test_a_filter_that_cannot_be_switched_off(run: Run) -> None:
    git("config", "filter.a=b.clean", "x")

    ran = run("--since=HEAD")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "has a filter with `=`" in ran.err


@needs_git
@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("ref", ["nope", "-x", "--help", "", "a b", "HEAD:Dockerfile"])
def test_no_such_commit(run: Run, ref: str) -> None:
    message = f"stagelint: there is no commit `{ref}` in {os.getcwd()}\n"

    assert run(f"--since={ref}") == Ran(2, "", message)


@needs_git
@pytest.mark.usefixtures("repository")
def test_a_shallow_clone(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit("1")
    git("branch", "old")
    commit("2")
    git("clone", "-q", "--depth=1", "--no-single-branch", f"file://{folder}", str(folder / "clone"))
    monkeypatch.chdir(folder / "clone")

    assert run("--since=origin/old").err == (
        "stagelint: `origin/old` and HEAD have no commit in common;"
        " the clone is shallow: git fetch --unshallow\n"
    )


@needs_git
def test_no_repository_and_no_git(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write("Dockerfile", TEXT)
    assert run("--since=HEAD") == Ran(2, "", "stagelint: . lies in no git repository\n")
    git("init", "-q")
    monkeypatch.setenv("PATH", "")
    assert run("--staged") == Ran(2, "", "stagelint: there is no program git\n")


@pytest.mark.parametrize(
    "options",
    [
        "--since=HEAD --staged",
        "--since=HEAD --add-ignore",
        "--staged --update-baseline --baseline=x",
        "--staged -",
        "--update-baseline --baseline=x --diff",
        "--update-baseline",
    ],
)
def test_options_that_do_not_go_together(run: Run, options: str) -> None:
    ran = run(*options.split())

    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)


def test_a_gap_is_touched_by_what_stands_around_it() -> None:
    changed = Changed(gaps=frozenset([3]))

    assert changed.touches(3, 4)
    assert not changed.touches(1, 3)
    assert not changed.touches(4, 9)
