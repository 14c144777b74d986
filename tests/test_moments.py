from __future__ import annotations

from collections.abc import Sequence

import pytest

from stagelint.model.calls import Call
from stagelint.model.compiling import compilations
from stagelint.model.contents import may_have
from stagelint.model.doubts import doubts
from stagelint.model.file import File, Options
from stagelint.model.moments import Moment
from stagelint.model.packages import packages
from stagelint.model.starting import start
from stagelint.source import Source


def moments(text: str, stage: int = -1, **build_args: str) -> list[Moment]:
    file = File(Source("Dockerfile", text), Options(build_args=build_args))
    return file.moments_behind(file.stages[stage])


def calls(script: str, base: str = "alpine") -> list[Call]:
    found = moments(f"FROM {base}\nRUN {script}\n")
    return [call for moment in found for call in moment.calls]


def shown(found: Sequence[Call]) -> list[list[str | None]]:
    return [[call.name, *call.arguments] for call in found]


# -- what is in force ------------------------------------------------------------------------------


def test_directory_user_and_shell_are_inherited() -> None:
    text = """\
FROM debian AS base
WORKDIR /srv
USER app
SHELL ["/bin/bash", "-c"]
FROM base
WORKDIR sub
RUN here
"""
    last = moments(text)[-1]

    assert (last.directory, last.user, last.shell) == ("/srv/sub", "app", ("/bin/bash", "-c"))


@pytest.mark.parametrize(
    ("base", "directory", "user"),
    [
        ("scratch", "/", ""),
        ("golang", "/go", "root"),
        ("example.com/team/base", None, None),
        ("nginx", "/", "dropped"),
        ("$BASE", None, None),
    ],
)
def test_what_a_base_brings(base: str, directory: str | None, user: str | None) -> None:
    first = moments(f"ARG BASE\nFROM {base}\nRUN x\n")[0]

    assert (first.directory, first.user) == (directory, user)


def test_a_relative_workdir_under_an_unknown_one_is_not_known() -> None:
    found = moments("FROM example.com/base\nWORKDIR a\nRUN x\nWORKDIR /b\nRUN x\n")

    assert [each.directory for each in found] == [None, None, None, "/b"]


def test_variables_have_the_value_of_their_place() -> None:
    found = moments("FROM alpine\nENV A=1\nRUN x\nENV A=2\nRUN x\nARG B=3\nARG C\nRUN x\n", B="4")

    assert [each.variable("A") for each in found if each.instruction.keyword == "RUN"] == [
        "1",
        "2",
        "2",
    ]
    assert found[-1].variable("B") == "4"
    assert found[-1].path("$A/x", "/w") == "/w/2/x"
    assert found[-1].path("$C/x") is None


def test_triggers_of_the_stage_below_run_first() -> None:
    found = moments("FROM alpine AS a\nONBUILD WORKDIR /x\nFROM a\nRUN y\n")

    assert found[-1].directory == "/x"


# -- calls -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("go build -o /app .", [["go", "build", "-o", "/app", "."]]),
        ("/usr/bin/make all", [["make", "all"]]),
        ('["gcc", "-o", "/a", "a b.c"]', [["gcc", "-o", "/a", "a b.c"]]),
        ("cd src && make", [["cd", "src"], ["make"]]),
        ("sudo -E env A=1 make", [["make"]]),
        ("sh -c 'make && make install'", [["sh", "-c", "make && make install"], ["make"], ["make", "install"]]),
        ("A=x; echo $A ${B:-y} $NOT_KNOWN", [["echo", "x", "y", None]]),
        ("echo $HOME", [["echo", None]]),
        ("<<EOF\nmake\nmake install\nEOF", [["make"], ["make", "install"]]),
        ("<<EOF\n#!/usr/bin/env python3\nimport os\nEOF", []),
    ],
)  # fmt: skip
def test_calls(script: str, expected: list[list[str | None]]) -> None:
    found = calls(script)
    if "NOT_KNOWN" in script:  # of a base that may set it
        assert shown(found) == [["echo", "x", None, None]]
    else:
        assert shown(found) == expected


def test_the_directory_of_a_call() -> None:
    found = calls("cd /src && make && cd sub && make; cd $X; make", base="golang")

    assert [call.directory for call in found if call.name == "make"] == ["/src", "/src/sub", None]


def test_a_call_that_may_be_left_out() -> None:
    found = calls("if [ $X ]; then a; sh -c 'b && c'; fi && d || e; f() { g; }; f")

    assert "".join(call.name for call in found if call.is_conditional) == "ashbcdeg"
    assert [call.name for call in found if not call.is_conditional] == ["[", "f"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("a | b | c", [None, "a", "b"]),
        ("a || b && c; d & e", [None] * 5),
        ("a |& b", [None, "a"]),
        ("set -o pipefail; a | b; set +o pipefail; a | b", [None, None, None, None, None, "a"]),
        ("set -euxo pipefail && a | b", [None, None, None]),
        ("(set -o pipefail; a | b); a | b", [None, None, None, None, "a"]),
        ("bash -o pipefail -c 'a | b' | c", [None, None, None, "bash"]),
        ("x=$(a | b)", [None, "a"]),
        ("a $(x; y) | b $(z)", [None, None, None, "a", None]),
        ("(a; b) | c", [None, None, ""]),
        ("{ a; b; } | while read c; do d; done", [None, None, "b", None]),
        ('["sh", "-c", "a | b"]', [None, None, "a"]),
        ("<<EOF\na | b\nEOF", [None, "a"]),
    ],
)
def test_failures_that_a_pipe_hides(script: str, expected: list[str | None]) -> None:
    assert [call.unheard for call in calls(script)] == expected


def test_pipefail_of_the_shell_holds_for_its_own_script_alone() -> None:
    shell = 'FROM alpine\nSHELL ["/bin/ash", "-eo", "pipefail", "-c"]\nRUN '
    own, inner = moments(f"{shell}a | b\n")[-1], moments(f"{shell}sh -c 'a | b'\n")[-1]

    assert [call.unheard for call in own.calls] == [None, None]
    assert [call.unheard for call in inner.calls] == [None, None, "a"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("sudo -u app env A=1 make", ["sudo", "env", "make"]),
        ("/usr/bin/sudo make", ["sudo", "make"]),
        ("nice -n 5 make", ["nice", "make"]),
        ("command -v make", ["command"]),
        ("sudo", ["sudo"]),
    ],
)
def test_programs_that_start_others(script: str, expected: list[str]) -> None:
    (call,) = calls(script)

    assert [name for name, _ in call.starting] == expected


def test_what_a_stage_is_written_with() -> None:
    text = """\
FROM alpine AS a
ONBUILD RUN make $A
ENV A=1
FROM a
RUN ls
"""
    file = File(Source("Dockerfile", text))
    written = [file.written(stage) for stage in file.stages]

    assert [[each.instruction.keyword for each in found] for found in written] == [
        ["RUN", "ENV"],
        ["RUN"],
    ]
    assert shown(written[0][0].calls) == [["make", "1"]]


def test_a_script_of_windows_is_not_read() -> None:
    for head in ("FROM example.com/windows/servercore", "# escape=`\nFROM example.com/base"):
        assert moments(f"{head}\nRUN Get-Process | Stop-Process\n")[-1].calls == ()


def test_heads_of_compound_commands_are_no_calls() -> None:
    script = "A=1; for A in 2 3; do a $A; done; case $A in b) c;; esac; [[ d ]]; ((e)); f() { g; }"

    assert shown(calls(script)) == [["a", None], ["c"], ["g"]]


@pytest.mark.parametrize(
    ("script", "directories"),
    [
        ("(cd a && make); make", ["/a", "/"]),
        ("(cd a && make) && (cd b && make)", ["/a", "/b"]),
        ("(cd a && (cd b && make) && make); make", ["/a/b", "/a", "/"]),
        ("echo $(cd a && make) && make", ["/a", "/"]),
        ("sh -c 'cd a && make' && make", ["/a", "/"]),
        ("[ -d a ] && cd a; make", [None]),
        ("cd a || exit 1; make", ["/a"]),
    ],
)
def test_the_directory_of_a_subshell_is_its_own(script: str, directories: list[str | None]) -> None:
    found = calls(script, base="scratch")

    assert [call.directory for call in found if call.name == "make"] == directories


def test_settings_that_may_not_be() -> None:
    found = calls("A=1; [ $A = 2 ] && A=2; go build; (B=1; go test); go vet")

    assert [call.settings.get("A") for call in found if call.name == "go"] == [None, None, None]
    assert ["B" in call.settings for call in found if call.name == "go"] == [False, True, False]


def test_settings_of_a_call() -> None:
    first, second = calls("export A=1; B=2 go build; go build")[1:]

    assert (first.settings["A"], first.settings["B"]) == ("1", "2")
    assert "B" not in second.settings


def test_where_a_call_stands() -> None:
    text = "FROM alpine\nRUN x && \\\n    # why\n    go build \\\n      -o /app\n"
    call = moments(text)[0].calls[1]

    assert text[call.span.start : call.span.end] == "go build \\\n      -o /app"
    assert [text[span.start : span.end] for span in call.spans] == ["build", "-o", "/app"]


def test_another_shell_is_not_read() -> None:
    found = moments('FROM mcr.example.com/x\nSHELL ["pwsh", "-Command"]\nRUN make\n')

    assert found[-1].calls == ()


@pytest.mark.parametrize(
    ("option", "value"), [("-o a", "a"), ("-oa", "a"), ("--output=a", "a"), ("--output a", "a")]
)
def test_options(option: str, value: str) -> None:
    (call,) = calls(f"gcc {option} x.c")

    assert call.option("-o", "--output") == value


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ('CMD ["tini", "--", "node", "a.js"]', ["node"]),
        ("CMD cd /app && exec node a.js", ["cd", "node"]),
        ("ENTRYPOINT []", []),
        ("HEALTHCHECK --interval=3s CMD curl -f x || exit 1", ["curl", "exit"]),
        ('HEALTHCHECK CMD ["curl", "x"]', ["curl"]),
        ("HEALTHCHECK NONE", []),
        ("RUN make", []),
    ],
)
def test_what_a_container_starts(command: str, names: list[str]) -> None:
    assert [call.name for call in moments(f"FROM alpine\n{command}\n")[0].started] == names


# -- what calls do ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "manager", "names", "is_complete"),
    [
        ("apt-get install -y --no-install-recommends curl=7.* git", "apt", ("curl", "git"), True),
        ("apt-get install -y $LIST git", "apt", ("git",), False),
        ("apk add --no-cache --virtual .deps gcc musl-dev", "apk", ("gcc", "musl-dev"), True),
        ("pip install -r requirements.txt", "pip", (), False),
        ("python3 -m pip install flask==3", "pip", ("flask",), True),
        ("npm ci", "npm", (), False),
        ("yarn", "npm", (), False),
        ("pacman -Sy --noconfirm git", "pacman", ("git",), True),
    ],
)
def test_packages(script: str, manager: str, names: tuple[str, ...], is_complete: bool) -> None:
    (found,) = packages(calls(script))

    assert (found.manager, found.names, found.is_complete) == (manager, names, is_complete)


def test_packages_that_are_removed() -> None:
    added, removed = packages(calls("apk add -t .d gcc && apk del .d"))

    assert (added.group, added.is_removal, removed.names, removed.is_removal) == (
        ".d",
        False,
        (".d",) if removed.names else (),
        True,
    )


@pytest.mark.parametrize(
    ("script", "language"),
    [
        ("go build ./...", "go"),
        ("CGO_ENABLED=0 go install example.com/x@latest", "go"),
        ("cargo +nightly build --release", "rust"),
        ("./mvnw -B package", "java"),
        ("./gradlew :app:bootJar", "java"),
        ("dotnet publish -o /out", "dotnet"),
        ("make -j4", "make"),
        ("gcc -O2 a.c", "c"),
        ("go test ./...", None),
        ("cargo fetch", None),
        ("make clean", None),
        ("gcc --version", None),
        ("echo go build", None),
    ],
)
def test_compilations(script: str, language: str | None) -> None:
    assert [each.language for each in compilations(calls(script))] == (
        [language] if language else []
    )


# -- what a container of a stage starts ------------------------------------------------------------


def commands(text: str) -> tuple[str | None, ...]:
    found = start(moments(text))
    return tuple(
        each and each.instruction.logical.text
        for each in (found.entrypoint, found.command, found.healthcheck)
    )


def test_the_last_commands_count() -> None:
    text = 'FROM alpine\nCMD a\nHEALTHCHECK CMD b\nENTRYPOINT ["c"]\nCMD d\n'

    assert commands(text) == ('ENTRYPOINT ["c"]', "CMD d", "HEALTHCHECK CMD b")


def test_an_entrypoint_takes_away_the_command_of_the_stage_below() -> None:
    text = "FROM alpine AS a\nCMD a\nFROM a\n"

    assert commands(text) == (None, "CMD a", None)
    assert commands(f"{text}ENTRYPOINT b\n") == ("ENTRYPOINT b", None, None)


def test_a_health_check_can_be_taken_away() -> None:
    assert commands("FROM alpine\nHEALTHCHECK CMD a\nHEALTHCHECK NONE\n") == (None, None, None)


# -- what may be in an image -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instruction", "may"),
    [
        ("RUN apt-get install -y curl", True),
        ("RUN apt-get install -y curl-minimal", True),
        ("RUN apt-get install -y $MORE", True),
        ("RUN apt-get install -y git", False),
        ("RUN pip install -r requirements.txt", False),
        ("RUN ./install.sh", True),
        ("RUN mkdir /x", False),
        ("RUN cp /x/curl /bin", True),
        ("COPY curl /opt/curl", True),
        ("COPY app /usr/local/bin/", False),
        ("COPY bin/ /usr/local/bin/", True),
        ("COPY rootfs /", True),
        ("COPY app /app", False),
        ("COPY app $X", True),
    ],
)
def test_what_may_be_there(instruction: str, may: bool) -> None:
    assert may_have(moments(f"FROM debian\n{instruction}\n"), "curl", "curl-minimal") is may


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("RUN mkdir /x && chown 1 /x", []),
        ("RUN git clone x", ["it lacks `git`"]),
        ("RUN apt-get install -y git\nRUN git clone x", []),
        ("RUN ./build.sh", ["`build.sh` may need more"]),
        ("RUN pip install x\nRUN make", ["it lacks `make`", "`pip install` may compile what it installs"]),
        ('CMD ["git", "daemon"]', ["it lacks `git`"]),
        ("CMD sleep 1; wget x", ["it lacks `wget`"]),
    ],
)  # fmt: skip
def test_what_stands_against_a_smaller_base(text: str, reasons: list[str]) -> None:
    found = doubts(moments(f"FROM python\n{text}\n"), {"git", "make", "wget"})

    assert [each.reason for each in found] == reasons
