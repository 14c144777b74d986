"""Which steps run again after a change. Each line was seen on BuildKit v0.25.2; `bench.impact` asks it."""

from __future__ import annotations

import time

import pytest

from stagelint.model.context import Context, Entry
from stagelint.model.critical_path import critical_path
from stagelint.model.dockerignore import DockerIgnore
from stagelint.model.file import File, Options
from stagelint.model.rebuild import (
    CauseKind,
    Change,
    Fate,
    Rebuild,
    Rerun,
    waits,
)
from stagelint.source import Source

LETTERS = {Fate.CACHED: ".", Fate.PERHAPS: "?", Fate.RUNS: "R"}

#: What lies in the context of the tests; the names of folders end in `/`.
FILES = (
    "a b d/ d/b d/a.md d/e/ d/e/c.md d/e/f p/ p/x/ p/x/m.json p/y/ p/y/m.json data1.csv data2.csv"
)

#: Links of the context, and what they say.
LINKS = {"l": "d", "d/out": "../a", "la": "lb", "lb": "a"}


def context(ignore: str = "") -> Context:
    entries = [Entry(each.rstrip("/"), is_folder=each.endswith("/")) for each in FILES.split()]
    entries += [Entry(path, is_link=True, leads_to=to) for path, to in LINKS.items()]
    return Context("/context", entries, DockerIgnore(Source(".dockerignore", ignore)))


def file_of(text: str, **build_args: str) -> File:
    return File(Source("Dockerfile", text), Options(build_args=build_args))


def reruns(
    text: str, change: Change, *, ignore: str = "", before: str = "", **build_args: str
) -> list[Rerun]:
    file = file_of(text, **build_args)
    old = file_of(before) if before else None
    assert not file.rejection()
    return Rebuild(file, old, context(ignore)).after(change, len(file.stages) - 1)


def fates(text: str, change: Change, **options: str) -> str:
    """A letter for every step of the last stage: `.` cached, `?` perhaps, `R` runs again."""
    return "".join(LETTERS[each.fate] for each in reruns(text, change, **options))


def changed(*paths: str) -> Change:
    return Change(paths)


@pytest.mark.parametrize(
    ("copy", "path", "runs"),
    [
        ("COPY a /a", "a", True),
        ("COPY a /a", "b", False),
        ("COPY a b /x/", "b", True),
        ("COPY . /x", "d/e/f", True),
        ("COPY . /x", "new/file", True),
        ("COPY . /x", "Dockerfile", True),
        ("COPY d /x", "d/e/f", True),
        ("COPY d /x", "d/new", True),
        ("COPY d /x", "dd", False),
        ("COPY d/ /x/", "d", True),
        ("COPY ./d/../d/b /x", "d/b", True),
        ("COPY ../d/b /x", "d/b", True),
        ("COPY data[12].csv /x/", "data1.csv", True),
        ("COPY data[12].csv /x/", "data3.csv", False),
        ("COPY data?.csv /x/", "data3.csv", True),
        ("COPY d* /x/", "d/e/f", True),
        ("COPY d* /x/", "data9", True),
        ("COPY d* /x/", "e", False),
        ("COPY *.csv /x/", "d/new.csv", False),
        ("COPY p/*/m.json /x/", "p/x/m.json", True),
        ("COPY p/*/m.json /x/", "p/z/m.json", True),
        ("COPY p/*/m.json /x/", "p/x/other", False),
        ("COPY p/*/m.json /x/", "p/m.json", False),
        ("COPY p/*/m.json /x/", "p/gone", False),
        ("COPY p/*/m.json /x/", "p", True),  # a folder stands for all that is in it
        ("COPY --exclude=*.md d /x/", "d/a.md", False),
        ("COPY --exclude=*.md d /x/", "d/e/c.md", True),
        ("COPY --exclude=**/*.md d /x/", "d/e/c.md", False),
        ("COPY --exclude=e d /x/", "d/e/f", False),
        ("COPY --exclude=e/ d /x/", "d/e/f", False),
        ("COPY --exclude=./b d /x/", "d/b", False),
        ("COPY --exclude=/b d /x/", "d/b", True),
        ("COPY --exclude=d/b d /x/", "d/b", True),
        ("COPY --exclude=d/b . /x/", "d/b", False),
        ("COPY --exclude=b . /x/", "d/b", True),
        ("COPY --exclude=f d/* /x/", "d/e/f", False),
        ("COPY --exclude=*.md d/* /x/", "d/a.md", True),  # what is named itself is not left out
        ("COPY l /x", "d/b", True),
        ("COPY l /x", "l", True),
        ("COPY l /x", "a", False),
        ("COPY l/b /x", "d/b", True),
        ("COPY l/b /x", "d/a.md", False),
        ("COPY l/* /x/", "d/new", True),
        ("COPY la /x", "a", True),
        ("COPY la /x", "lb", True),
        ("COPY la* /x/", "a", True),
        ("COPY d /x", "a", False),  # to which a link in the folder leads
        ("COPY d /x", "d/out", True),
        ("ADD a /a", "a", True),
        ("ADD https://example.com/a /a", "a", False),
        ("COPY <<EOF /x\na\nEOF", "a", False),
        ("COPY <<EOF a /x/\nb\nEOF", "a", True),
        ("RUN --mount=source=d,target=/m ls", "d/new", True),
        ("RUN --mount=source=d,target=/m ls", "a", False),
        ("RUN --mount=type=bind,target=/m,rw ls", "a", True),
        ("RUN --mount=source=l,target=/m ls", "d/b", True),
        ("RUN --mount=type=cache,target=/m ls", "a", False),
        ("RUN --mount=type=secret,id=a ls", "a", False),
        ("RUN cat a", "a", False),
    ],
)
def test_a_step_sees_what_its_sources_select(copy: str, path: str, runs: bool) -> None:
    assert fates(f"FROM busybox\n{copy}\n", changed(path)) == ("R" if runs else ".")


@pytest.mark.parametrize(
    ("ignore", "path", "runs"),
    [
        ("*.log", "x.log", False),
        ("*.log", "d/x.log", True),
        ("**/*.log", "d/x.log", False),
        ("d", "d/e/f", False),
        ("d\n!d/b", "d/b", True),
        ("d\n!d/b", "d/e/f", False),
        ("Dockerfile", "Dockerfile", False),
    ],
)
def test_what_is_ignored_changes_nothing(ignore: str, path: str, runs: bool) -> None:
    text = "FROM busybox\nCOPY . /x\n"
    assert fates(text, changed(path), ignore=ignore) == ("R" if runs else ".")


def test_what_the_ignore_file_lets_in_or_keeps_out_changes_something() -> None:
    text = "FROM busybox\nCOPY d /x\nCOPY a /a\n"
    old = DockerIgnore(Source(".dockerignore", "d/b\n"))

    assert context("d/e\n").told_apart_by(old) == ["d/b", "d/e", "d/e/c.md", "d/e/f"]
    assert context("d/b\n").told_apart_by(old) == []
    assert fates(text, Change(crossing=["d/e/f"]), ignore="d/e") == "RR"


def test_what_builds_upon_a_step_runs_again_with_it() -> None:
    text = "FROM busybox\nRUN x\nCOPY a /a\nRUN y\nWORKDIR /w\nCOPY b /b\nENV X=1\nUSER me\n"

    assert fates(text, changed("a")) == ".RRRR"
    assert fates(text, changed("b")) == "....R"
    causes = [each.causes for each in reruns(text, changed("a", "b"))]
    assert [[each.kind for each in some] for some in causes] == [
        [],
        [CauseKind.PATH],
        [CauseKind.STEP],
        [CauseKind.STEP],
        [CauseKind.PATH, CauseKind.STEP],
    ]


#: A stage of COPYs alone, and three that take something of it.
PARTS = """\
FROM busybox AS parts
COPY a /one/
COPY d /two/
FROM parts AS child
RUN ls
FROM busybox AS made
COPY b /b
RUN ls > /list
FROM busybox
"""


@pytest.mark.parametrize(
    ("step", "path", "fate"),
    [
        ("COPY --from=parts /one/a /x", "a", "R"),
        ("COPY --from=parts /one /x", "a", "R"),
        ("COPY --from=parts /two /x", "a", "."),
        ("COPY --from=parts /two/e/ /x/", "d/e/f", "R"),
        ("COPY --from=parts /two/e /x", "d/b", "."),
        ("COPY --from=parts /two/*.md /x/", "d/a.md", "R"),
        ("COPY --from=parts /two/*.md /x/", "d/b", "."),
        ("COPY --from=parts --exclude=b /two /x", "d/b", "."),
        ("COPY --from=parts / /x", "a", "R"),
        ("COPY --from=0 two/b /x", "d/b", "R"),
        ("RUN --mount=from=parts,source=/two,target=/m ls", "a", "."),
        ("RUN --mount=from=parts,source=/two,target=/m ls", "d/b", "R"),
        ("RUN --mount=from=parts,target=/m ls", "a", "R"),
        ("RUN --mount=type=cache,from=parts,source=/two,target=/m ls", "a", "."),
        ("RUN --mount=type=cache,from=parts,source=/two,target=/m ls", "d/b", "R"),
        ("COPY --from=child /one /x", "a", "?"),
        ("COPY --from=made /b /x", "b", "?"),  # the RUN above it may have written anything
        ("COPY --from=made /etc/passwd /x", "b", "?"),
        ("COPY --from=made /b /x", "a", "."),
        ("COPY --from=example.com/image /b /x", "a", "."),
    ],
)
def test_what_is_read_from_a_stage_is_compared_by_content(step: str, path: str, fate: str) -> None:
    assert fates(PARTS + step, changed(path))[-1] == fate


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("COPY --chmod=755 a /a", "R?"),  # it may be the mode alone that has changed
        ("ADD a /a", "R?"),  # which unpacks archives
        ("COPY a /a\nCOPY b /a", "RR?"),  # which covers it
        ("COPY a /a\nCOPY b /b", "RRR"),
        ("COPY a /x/y\nWORKDIR /x", "RR?"),
    ],
)
def test_what_a_stage_certainly_holds_anew(text: str, expected: str) -> None:
    text = f"FROM busybox AS parts\n{text}\nFROM busybox\nCOPY --from=parts / /\n"
    assert fates(text, changed("a")) == expected


def test_content_that_may_be_the_same_leaves_all_that_follows_open() -> None:
    text = (
        "FROM busybox AS build\nCOPY a /a\nRUN make\nFROM busybox\nRUN first\n"
        "COPY --from=build /out /out\nRUN last\nCOPY b /b\n"
    )
    assert fates(text, changed("a")) == "RR.???"
    assert fates(text, changed("a", "b")) == "RR.??R"
    assert fates(text, changed("b")) == ".....R"


def test_only_what_the_target_needs_is_told() -> None:
    text = "FROM busybox AS dead\nCOPY a /a\nFROM busybox AS dev\nCOPY a /b\nFROM dev\nCOPY b /b\n"
    file = file_of(text)
    rebuild = Rebuild(file, context=context())

    assert [LETTERS[each.fate] for each in rebuild.after(changed("a"), 2)] == ["R", "R"]
    assert len(rebuild.steps(1)) == 1
    assert [each.stage.label for each in rebuild.steps(2)] == ["dev", "stage-2"]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("", "RRR"),
        ("--link", "R.R"),
        ("--link=true", "R.R"),
        ("--link=false", "RRR"),
        ("--link --chown=1:1", "R.R"),
        ("--link --chmod=755", "RRR"),
    ],
)
def test_a_linked_copy_does_not_build_upon_what_is_below(link: str, expected: str) -> None:
    text = f"FROM busybox\nCOPY a /a\nCOPY {link} b /b\nRUN x\n"

    assert fates(text, changed("a")) == expected
    assert fates(text, changed("b")) == ".RR"
    assert fates(text, Change(images=["busybox"])) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GLOBAL", ".RRRRR"),
        ("PLAIN", "..RRRR"),
        ("PLACE", "...RRR"),
        ("COVERED", "......"),
        ("UNKNOWN", "......"),
        ("HTTP_PROXY", "......"),
        ("IN_ENV", "....RR"),
        ("LATE", ".....R"),
    ],
)
def test_a_step_sees_the_args_in_force(name: str, expected: str) -> None:
    text = """\
ARG GLOBAL=1
ARG OUTER=1
FROM busybox
RUN 1
ARG GLOBAL
RUN 2
ARG PLAIN
ARG COVERED=1
ENV COVERED=2
RUN 3
ARG PLACE=/d
COPY a $PLACE/
ARG IN_ENV=5
ENV X=$IN_ENV
LABEL x=$LATE
RUN 5
ARG LATE
WORKDIR /w
RUN 6
"""
    letters = fates(text, Change(args=[name]))
    assert len(letters) == 7
    assert letters[:5] + letters[6] == expected
    assert letters[5] == ("R" if "R" in letters[:5] else ".")  # WORKDIR looks nothing up


def test_an_arg_that_names_a_base_changes_the_whole_stage() -> None:
    text = (
        "ARG BASE=one\nFROM busybox AS one\nRUN 1\nFROM busybox AS two\nRUN 2\n"
        "FROM $BASE AS last\nRUN 3\nCOPY a /a\n"
    )
    assert fates(text, Change(args=["BASE"])) == ".RR"
    assert fates(text, changed("a")) == "..R"
    assert fates(text, changed("a"), BASE="two") == "..R"
    assert [each.stage.label for each in Rebuild(file_of(text, BASE="two")).steps(2)] == [
        "two",
        "last",
        "last",
    ]
    (cause,) = reruns(text, Change(args=["BASE"]))[1].causes
    assert (cause.kind, cause.what) == (CauseKind.ARG, "BASE")


def test_an_image_that_moved_changes_what_is_built_on_it_or_read_from_it() -> None:
    text = (
        "FROM busybox AS one\nRUN 1\nFROM alpine\nRUN 2\nCOPY --from=one /x /x\n"
        "COPY --from=docker.io/library/nginx /y /y\n"
    )
    assert fates(text, Change(images=["busybox:latest"])) == "R.??"
    assert fates(text, Change(images=["alpine"])) == ".RRR"
    assert fates(text, Change(images=["nginx"])) == "...?"
    causes = [each.causes for each in reruns(text, Change(images=["alpine"]))]
    assert {(each.kind, each.what) for some in causes for each in some} == {
        (CauseKind.IMAGE, "alpine")
    }


def test_steps_that_are_the_same_are_one() -> None:
    text = (
        "FROM busybox AS one\nRUN same\nCOPY a /a\nRUN one\nFROM busybox AS two\nRUN same\n"
        "COPY a /a\nRUN two\nFROM one\nCOPY --from=two /a /b\n"
    )
    found = reruns(text, changed("a"))

    assert "".join(LETTERS[each.fate] for each in found) == ".RRRR"
    places = [(place.stage.label, place.number) for place in found[1].step.places]
    assert places == [("one", 3), ("two", 3)]


def test_a_child_does_what_an_onbuild_says() -> None:
    text = "FROM busybox AS base\nRUN x\nONBUILD COPY a /a\nONBUILD RUN y\nFROM base\nCOPY b /b\n"

    assert fates(text, changed("a")) == ".RRR"
    assert fates(text, changed("b")) == "...R"
    numbers = [each.step.places[0].number for each in reruns(text, changed())]
    assert numbers == [2, 1, 2, 3]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("RUN 2", "RUN two", ".RR"),
        ("RUN 2", "RUN 2\nENV X=1", "..R"),
        ("RUN 2\n", "RUN 2\nLABEL x=1\n", "..."),
        ("RUN 1\nRUN 2", "RUN 2\nRUN 1", "RRR"),
        ("RUN 2\n", "", ".R"),
        ("FROM busybox", "FROM alpine", "RRR"),
        ("RUN 1", "RUN 1 # said of it", "RRR"),
        ("RUN 1", "# said of it\nRUN 1", "..."),
    ],
)
def test_a_file_that_says_something_else_builds_something_else(
    old: str, new: str, expected: str
) -> None:
    before = "FROM busybox\nRUN 1\nRUN 2\nRUN 3\n"
    assert fates(before.replace(old, new), Change(), before=before) == expected


def test_another_source_of_a_copy_may_hold_the_same() -> None:
    before = "FROM busybox AS one\nRUN 1\nFROM busybox AS two\nRUN 2\nFROM busybox\n"
    before += "COPY --from=one /x /x\nRUN 3\n"

    after = before.replace("--from=one", "--from=two")
    assert fates(after, Change(), before=before) == ".??"
    assert fates(before.replace("RUN 1", "RUN one"), Change(), before=before) == "R??"
    assert fates(before.replace("--from=one", "--from=busybox"), Change(), before=before) == "??"


def test_a_step_added_below_a_linked_copy_leaves_that_alone() -> None:
    before = "FROM busybox\nRUN 1\nCOPY --link a /a\nRUN 2\n"
    assert fates(before.replace("RUN 1", "RUN 1\nRUN new"), Change(), before=before) == ".R.R"


def run_again(file: File, path: str) -> list[str]:
    """What the steps say that run again, or perhaps, when *path* changes."""
    found = file.rebuild.after(changed(path), 0)
    return [each.step.instruction.rest for each in found if each.fate is not Fate.CACHED]


def test_how_many_steps_a_reordering_saves() -> None:
    one = file_of("FROM busybox\nCOPY d /x\nRUN install\nRUN compile\n")
    other = file_of("FROM busybox\nCOPY d/a.md /x/\nRUN install\nCOPY d /x\nRUN compile\n")

    assert len(run_again(one, "d/b")) == 3
    assert run_again(other, "d/b") == ["d /x", "compile"]
    assert run_again(one, "elsewhere") == []


def test_a_source_that_only_the_base_knows_may_be_any() -> None:
    assert fates("FROM busybox\nCOPY $WHERE /x\n", changed("a")) == "?"
    assert fates("FROM busybox\nARG WHERE=b\nCOPY $WHERE /x\n", changed("a")) == "."
    assert fates("FROM busybox\nARG WHERE=b\nCOPY $WHERE /x\n", changed("a"), WHERE="a") == "R"


# -- the critical path -------------------------------------------------------------------------


def test_the_critical_path_is_the_costliest_chain() -> None:
    chain = {"a": set[str](), "b": {"a"}, "c": {"a"}, "d": {"b", "c"}, "e": set[str]()}

    assert critical_path(chain, dict.fromkeys(chain, 1.0))[1] == 3
    cost = {"a": 1.0, "b": 2.0, "c": 5.0, "d": 1.0, "e": 6.5}
    assert critical_path(chain, cost) == (["a", "c", "d"], 7.0)
    assert critical_path(chain, {**cost, "e": 7.5}) == (["e"], 7.5)
    assert critical_path({}, {}) == ([], 0.0)


def test_a_step_waits_for_what_it_builds_upon_and_reads() -> None:
    text = (
        "FROM busybox AS build\nRUN 1\nRUN 2\nFROM busybox\nRUN 3\nCOPY --link a /a\n"
        "COPY --from=build /x /x\n"
    )
    steps = Rebuild(file_of(text)).steps(1)
    names = {each.vertex.digest: each.instruction.rest.split()[0] for each in steps}
    counted = [each for each, name in names.items() if name != "2"]
    found = {
        names[digest]: {names[each] for each in before}
        for digest, before in waits(steps, counted).items()
    }

    assert found == {"1": set(), "3": set(), "a": set(), "/x": {"1", "3", "a"}}


def test_a_file_of_many_steps_and_a_change_of_many_paths_take_no_time() -> None:
    stages = "".join(
        f"FROM busybox AS s{n}\nCOPY d{n} /d\nRUN make\nCOPY --from=s{n - 1} /d /e\n"
        for n in range(1, 200)
    )
    text = f"FROM busybox AS s0\nCOPY . /d\n{stages}"
    paths = tuple(f"d{n}/{m}" for n in range(200) for m in range(20))
    started = time.perf_counter()

    assert len(reruns(text, Change(paths))) == 1 + 3 * 199
    assert time.perf_counter() - started < 20
