"""Which Dockerfiles build the same: the answers of a real BuildKit (v0.25.2) to small questions.

`tests/builder` asks a real one about thousands of pairs; these say what each is about.
"""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stagelint.dialect import BUILDAH, CLASSIC
from stagelint.model import File, Options
from stagelint.model.symbols import concatenate, evaluate, symbol
from stagelint.model.vertices import Incomparable
from stagelint.proof import Difference, same_build
from stagelint.source import Source


def differs(one: str, other: str, options: Options | None = None) -> str:
    """The first difference between two Dockerfiles, `|` between their lines; empty if none."""
    before, after = (
        File(Source("Dockerfile", text.replace("|", "\n") + "\n"), options) for text in (one, other)
    )
    try:
        same_build(before, after)
    except Difference as difference:
        return str(difference)
    return ""


SAME = {
    "a default that is not needed": ("ARG v=1|FROM a:$v", "ARG v=1|FROM a:${v-2}"),
    "a variable that is set": ("FROM a|ENV b=$c|COPY d /${b-e}", "FROM a|ENV b=$c|COPY d /$b"),
    "a stage called scratch": (
        "FROM a AS scratch|RUN b|FROM c",
        "FROM a AS scratch|run b|FROM c",
    ),
    "a pattern of an unset variable": (
        "FROM scratch|LABEL a=${b/*/r}",
        "FROM scratch|LABEL a=r",
    ),
    "a pattern that matches all": (
        "FROM scratch|ENV b=abc|LABEL a=${b//*/-}",
        "FROM scratch|ENV b=abc|LABEL a=-",
    ),
    "slashes before a directory": (
        "FROM a|WORKDIR //b|WORKDIR c|RUN d",
        "FROM a|WORKDIR //b|WORKDIR /b/c|RUN d",
    ),
    "blanks behind a RUN": ("FROM a|RUN b", "FROM a|RUN b  "),
    "an empty default": ("ARG v|FROM a:${v:-}", "ARG v|FROM a:$v"),
    "quotes around a delimiter": ("FROM a|COPY <<E /b|c|E", "FROM a|COPY <<'E' /b|c|E"),
    "a secret and a socket": (
        "FROM a|RUN --mount=type=ssh --mount=type=secret,id=b c",
        "FROM a|RUN --mount=type=secret,id=b --mount=type=ssh c",
    ),
    "a relative WORKDIR with a slash": ("FROM a|WORKDIR b/|RUN c", "FROM a|WORKDIR ./b|RUN c"),
    "an ARG that nobody reads": ("FROM a AS x|RUN b", "FROM a AS x|RUN b|ARG TARGETSTAGE"),
    "an ONBUILD under another escape": (
        "FROM a AS x|ONBUILD RUN b|FROM x AS y",
        "# escape=`|FROM a AS x|ONBUILD RUN b|FROM x AS y",
    ),
    "another escape": ("FROM a|RUN b \\|  c", "# escape=`|FROM a|RUN b `|  c"),
    "order of candidates": (
        "ARG V|FROM a AS x-1|FROM b AS x-2|FROM x-$V",
        "ARG V|FROM b AS x-2|FROM a AS x-1|FROM x-$V",
    ),
    "spelling of a variable": ("ARG v|FROM a:$v", "ARG v|FROM a:${v}"),
    "a dead stage that failed": ("ARG v|FROM b:$v|FROM a", "FROM a"),
    "an error of a dead stage": ("FROM a|EXPOSE x|FROM b", "FROM b"),
    "layout": ("FROM a|RUN  b \\|  c|# d|", "from a||run b \\| # d|  c"),
    "latest": ("FROM a|COPY --from=b c d", "FROM a:latest|COPY --from=b:latest c d"),
    "a number of a later stage": (
        "FROM a AS x|COPY --from=1 /v /v|FROM b",
        "FROM a AS x|COPY --from=+1 /v /v|FROM b",
    ),
    "default domain": ("FROM a", "FROM docker.io/library/a"),
    "a name": ("FROM a|FROM b|COPY --from=0 c d", "FROM a AS x|FROM b|COPY --from=x c d"),
    "order of stages": ("FROM a AS x|FROM b AS y|FROM c", "FROM b AS y|FROM a AS x|FROM c"),
    "a dead stage": ("FROM a|RUN b|FROM c", "FROM c"),
    "an alias": ("FROM a AS x|RUN b|FROM x|RUN c", "FROM a AS x|RUN b|FROM x AS y|FROM y|RUN c"),
    "a shadowed duplicate": ("FROM a AS x|RUN b|FROM c AS x|FROM d", "FROM c AS x|FROM d"),
    "an image by an alias": ("FROM a|COPY --from=b c d", "FROM b|FROM a|COPY --from=0 c d"),
    "ENV in one or two": ("FROM a|ENV b=1 c=2|RUN d", "FROM a|ENV b=1|ENV c=2|RUN d"),
    "old form of ENV": ("FROM a|ENV b 1|RUN d", "FROM a|ENV b=1|RUN d"),
    "quotes": ("FROM a|ENV b='1' c=\"2\"|LABEL d=e", "FROM a|ENV b=1 c=2|LABEL 'd'=\"e\""),
    "ENV overwritten": ("FROM a|ENV b=1|ENV c=2|ENV b=3|RUN d", "FROM a|ENV b=3 c=2 b=3|RUN d"),
    "order of labels": ("FROM a|LABEL b=1 c=2", "FROM a|LABEL c=2|LABEL b=1"),
    "unused global ARG": ("ARG x=1|FROM a|RUN b", "FROM a|RUN b"),
    "default of a global ARG": ("ARG x=1|FROM a|ARG x|RUN b", "FROM a|ARG x=1|RUN b"),
    "ARG after all that reads it": ("FROM a|RUN b|ARG x=1", "FROM a|RUN b"),
    "constant variable": ("FROM a|ENV b=1|COPY f /g$b", "FROM a|ENV b=1|COPY f /g1"),
    "modified constant": ("FROM a|ENV b=1.2|COPY f /g${b%.*}", "FROM a|ENV b=1.2|COPY f /g1"),
    "the same variable": ("FROM a|ARG b|COPY f /$b", 'FROM a|ARG b|COPY f "/${b}"'),
    "a delimiter": ("FROM a|RUN <<E|b|E", "FROM a|RUN <<'END'|b|END"),
    "no network given": ("FROM a|RUN --network=default b", "FROM a|RUN b"),
    "options of a mount": (
        "FROM a|RUN --mount=target=/b,src=c --mount=type=cache,dst=/d x",
        "FROM a|RUN --mount=id=/d,type=cache,target=/d --mount=type=bind,source=c,target=/b,ro x",
    ),
    "order of flags": ("FROM a|COPY --chown=1 --link b c", "FROM a|COPY --link=true --chown=1 b c"),
    "WORKDIR below": ("FROM a|WORKDIR /b|WORKDIR c/d|RUN x", "FROM a|WORKDIR /b|WORKDIR /b/c/d|RUN x"),
    "WORKDIR and COPY": ("FROM a|WORKDIR /b|COPY c d", "FROM a|WORKDIR /b|COPY c /b/d"),
    "platform of scratch": ("FROM --platform=linux/arm64 scratch|COPY a b", "FROM scratch|COPY a b"),
    "EXPOSE": ("FROM a|EXPOSE 80 81/udp", "FROM a|EXPOSE 81/UDP|EXPOSE 80/tcp"),
    "a parent that leaves nothing": ("FROM scratch|ENV a=1|RUN b", "FROM scratch|ENV a=1|RUN b|ARG c"),
    "ONBUILD by name or number": (
        "FROM a AS x|FROM b AS y|ONBUILD RUN z|FROM y|COPY --from=0 c d",
        "FROM a AS x|FROM b AS y|ONBUILD RUN z|FROM y|COPY --from=x c d",
    ),
    "case of a declared target": ("FROM a AS Build|FROM b", "FROM a AS build|FROM b"),
}  # fmt: skip

DIFFERENT = {
    "a default that may be needed": ("ARG v|FROM a|ARG v|COPY b /$v", "ARG v|FROM a|ARG v|COPY b /${v-c}"),
    "set to what may not be set": ("FROM a|ENV b=$c|COPY d /${b-e}", "FROM a|ENV b=$c|COPY d /${c-e}"),
    "an alternative to what may not be set": ("FROM a|COPY d /${c+e}", "FROM a|COPY d /e"),
    "mounts of two stages": (
        "FROM a AS x|FROM b AS y|FROM c|RUN --mount=from=x,target=/z --mount=from=y,target=/d e",
        "FROM a AS x|FROM b AS y|FROM c|RUN --mount=from=x,target=/d --mount=from=y,target=/z e",
    ),
    "no unpacking": ("FROM a|ADD --unpack=false b c", "FROM a|ADD b c"),
    "a frontend behind blanks": ("# syntax=docker/dockerfile:1|FROM a", "  # syntax=docker/dockerfile:1|FROM a"),
    "a check behind a shebang": (
        "#!/usr/bin/x|# check=error=true|FROM a|FROM b|COPY --from=0 c d",
        "#!/usr/bin/x|# check=error=true|FROM a AS x|FROM b|COPY --from=x c d",
    ),
    "an ARG that fails by another name": (
        "ARG x|FROM a|ARG x|ARG b=${x:?m}",
        "ARG x|FROM a|ARG x|ARG c=${x:?m}",
    ),
    "blanks that are not ASCII": ("FROM --platform=linux/amd64 a", "FROM --platform=linux/amd64\u00a0a"),
    "flags of a trigger": (
        "FROM a AS x|ONBUILD -- COPY b c|FROM x|RUN d",
        "FROM a AS x|ONBUILD -- COPY b c|FROM x|RUN d|# fails",
    ),
    "a tab of another kind": ("FROM a|ONBUILD RUN b", "FROM a|ONBUILD\vRUN b"),
    "bytes that are no text": ("FROM a|COPY <<E /b|\udcff|E", "FROM a|COPY <<'E' /b|\udcff|E"),
    "the path of scratch": (
        "FROM scratch|LABEL a=$PATH",
        "FROM scratch|LABEL a=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ),
    "a port that is none": ("FROM scratch|EXPOSE $a/udp 80", "FROM scratch|EXPOSE $a/udp 80/tcp"),
    "a mode that is none": (
        "FROM scratch|ENV a=99999|COPY --chmod=$a b c",
        "FROM scratch|ENV a=99999|copy --chmod=$a b c",
    ),
    "a mark of byte order": ("FROM a|LABEL b=\ufeffc", 'FROM a|LABEL b="\ufeffc"'),
    "words that fail": (
        "FROM scratch AS x|COPY a ${b:?}|FROM scratch|COPY c d",
        "FROM scratch AS x|COPY e ${b:?}|FROM scratch|COPY c d",
    ),
    "flags that are not ASCII": ("FROM a|COPY --chown=é b c", "FROM a|ENV u=é|COPY --chown=$u b c"),
    "a heredoc behind three": ("FROM a|RUN b <<< <<E|# c|E", "FROM a|RUN b <<< <<E|# d|E"),
    "an escaped quote in a delimiter": (
        'ARG x=1|FROM a|ARG x|COPY <<\\"E /b|$x|"E',
        'ARG x=2|FROM a|ARG x|COPY <<\\"E /b|$x|"E',
    ),
    "a check that fails builds": (
        "# check=error=true|FROM a|FROM b|COPY --from=0 c d",
        "# check=error=true|FROM a AS x|FROM b|COPY --from=x c d",
    ),
    "a pattern that may fail": ("ARG p|FROM a", "ARG p|ARG b=${c%$p}|FROM a"),
    "a value that may fail": ("ARG z=1|ARG y=1|ARG x=${y:?}|FROM a", "ARG z=1|ARG y=$z|ARG x=${y:?}|FROM a"),
    "an ENV that may fail": (
        "FROM scratch|ARG x=1|ENV b=1|COPY f /",
        "FROM scratch|ARG x=1|ENV b=${x:?}|ENV b=1|COPY f /",
    ),
    "a signal that may be none": (
        "FROM scratch|ARG x=9|STOPSIGNAL 9|COPY f /",
        "FROM scratch|ARG x=9|STOPSIGNAL $x|STOPSIGNAL 9|COPY f /",
    ),
    "flags of an ONBUILD": ("FROM a|ONBUILD RUN b", "FROM a|ONBUILD -- RUN b"),
    "an ONBUILD that a variable may choose": (
        "ARG v|FROM a|FROM b AS p|ONBUILD COPY --from=0 c d|FROM $v",
        "ARG v|FROM e|FROM b AS p|ONBUILD COPY --from=0 c d|FROM $v",
    ),
    "mounts of any type": (
        "ARG t|FROM a|ARG t|RUN --mount=type=$t,id=a,target=/a --mount=type=$t,id=b,target=/b c",
        "ARG t|FROM a|ARG t|RUN --mount=type=$t,id=b,target=/b --mount=type=$t,id=a,target=/a c",
    ),
    "a mount that may be a cache": (
        "FROM b AS scratch|FROM a|ARG t|RUN --mount=type=$t,target=/a c",
        "FROM c AS scratch|FROM a|ARG t|RUN --mount=type=$t,target=/a c",
    ),
    "beside a variable key": (
        "FROM a|ARG v=k|ENV b=2 $v=1|RUN c",
        "FROM a|ARG v=k|ENV b=3 $v=1|RUN c",
    ),
    "an owner called false": ("FROM a|COPY --chown=false b c", "FROM a|COPY b c"),
    "an excluded file called false": ("FROM a|COPY --exclude=false . /b", "FROM a|COPY . /b"),
    "id of a cache": (
        "FROM a|RUN --mount=type=cache,target=/b/ c",
        "FROM a|RUN --mount=type=cache,target=/b/,id=/b/ c",
    ),
    "mounts that may meet": (
        "FROM a|WORKDIR /w|RUN --mount=type=tmpfs,target=/w/b --mount=type=cache,target=b c",
        "FROM a|WORKDIR /w|RUN --mount=type=cache,target=b --mount=type=tmpfs,target=/w/b c",
    ),
    "a heredoc in JSON": ('FROM a|COPY ["<<E", "/b"]', 'FROM a|COPY "<<E" /b'),
    "blanks behind an ONBUILD": ("FROM a|ONBUILD RUN b", "FROM a|ONBUILD RUN b  "),
    "an ONBUILD that has escapes": (
        r"FROM a AS x|ONBUILD ENV b=\c|FROM x AS y",
        r"# escape=`|FROM a AS x|ONBUILD ENV b=\c|FROM x AS y",
    ),
    "an error in every build": (
        "FROM a|FROM scratch|COPY --from=0 c d|LABEL e=${f:?missing}",
        "FROM a AS x|FROM scratch|COPY --from=x c d|LABEL e=${f:?missing}",
    ),
    "the last of ro and rw": (
        "FROM a|RUN --mount=target=/b,ro,rw c",
        "FROM a|RUN --mount=target=/b,rw,ro c",
    ),
    "an error of what the last stage needs": (
        "FROM scratch AS x|LABEL a=${b:?c}|FROM x|RUN d",
        "FROM scratch AS x|LABEL a=${b:?c}|FROM x|RUN d|# same",
    ),
    "platform of an image": ("FROM --platform=linux/arm64 a", "FROM a"),
    "a word": ("FROM a|RUN b", "FROM a|RUN c"),
    "blanks in a RUN": ("FROM a|RUN b c", "FROM a|RUN b  c"),
    "order of ENV": ("FROM a|ENV b=1 c=2|RUN d", "FROM a|ENV c=2 b=1|RUN d"),
    "ENV set again": ("FROM a|ENV b=1|ENV c=2|ENV b=1|RUN d", "FROM a|ENV b=1|ENV c=2|RUN d"),
    "a target is gone": ("FROM a AS x|FROM b", "FROM b"),
    "a target is another": ("FROM a AS x|FROM b", "FROM c AS x|FROM b"),
    "the last stage": ("FROM a AS x|FROM b AS y", "FROM b AS y|FROM a AS x"),
    "a number shifts": ("FROM a|FROM b|FROM c|COPY --from=1 d e", "FROM b|FROM c|COPY --from=1 d e"),
    "ARG is not its default": ("FROM a|ARG v=1|COPY f /g$v", "FROM a|ARG v=1|COPY f /g1"),
    "global ARG is not its default": ("ARG v=1|FROM a:$v", "ARG v=1|FROM a:1"),
    "ARG without its global": ("ARG v=1|FROM a|ARG v|RUN b", "FROM a|ARG v|RUN b"),
    "ARG before what reads it": ("FROM a|RUN b", "FROM a|ARG v=1|RUN b"),
    "an optional ARG": ("FROM a|RUN b", "FROM a|ARG v|RUN b"),
    "a platform is not a constant": (
        "FROM a|ARG TARGETARCH|COPY f-$TARGETARCH g",
        "FROM a|ARG TARGETARCH|COPY f-amd64 g",
    ),
    "a base may set it": ("FROM a|COPY f /g$v", "FROM a|COPY f /g"),
    "two bases may set it": (
        "FROM a AS x|FROM b|COPY f /g$v",
        "FROM a AS x|FROM x|COPY f /g$v",
    ),
    "a name that an ARG may choose": (
        "ARG BASE|FROM a|FROM $BASE|COPY --from=0 b c",
        "ARG BASE|FROM a AS x|FROM $BASE|COPY --from=x b c",
    ),
    "a stage that an ARG may choose": (
        "ARG V|FROM a AS x-1|RUN b|FROM x-$V",
        "ARG V|FROM a AS x-1|RUN c|FROM x-$V",
    ),
    "a name that the last stage reads": ("FROM a|ARG TARGETSTAGE|RUN b", "FROM a AS x|ARG TARGETSTAGE|RUN b"),
    "a name that the scanner reads": (
        "ARG BUILDKIT_SBOM_SCAN_STAGE=x|FROM a|FROM b",
        "ARG BUILDKIT_SBOM_SCAN_STAGE=x|FROM a AS x|FROM b",
    ),
    "an image becomes a stage": ("FROM a|FROM b|COPY --from=x c d", "FROM a AS x|FROM b|COPY --from=x c d"),
    "a stage that is not above": ("FROM a AS x|FROM x|RUN b", "FROM x|RUN b|FROM a AS x"),
    "CMD that an ENTRYPOINT clears": ("FROM a|ENTRYPOINT b|CMD c", "FROM a AS x|CMD c|FROM x|ENTRYPOINT b"),
    "ENV and ARG in a child": ("FROM a AS x|ENV v=1|ARG v=2|FROM x AS y|RUN $v", "FROM a AS x|ENV v=1|ARG v=2|FROM x AS y|ENV v=2|RUN $v"),
    "a parent with ENV": (  # where the base sets it too, its place in the list is another
        "FROM a AS x|ENV v=1|FROM x AS y|RUN b",
        "FROM a AS x|ENV v=1|FROM a AS y|ENV v=1|RUN b",
    ),
    "form of a command": ("FROM a|CMD b", 'FROM a|CMD ["b"]'),
    "shell": ("FROM a|SHELL [\"b\"]|RUN c", "FROM a|RUN c"),
    "WORKDIR with a slash": ("FROM a|WORKDIR /b|RUN c", "FROM a|WORKDIR /b/|RUN c"),
    "COPY to a folder or a file": ("FROM a|WORKDIR /b|COPY c .", "FROM a|WORKDIR /b|COPY c /b"),
    "USER of a WORKDIR": ("FROM a|USER u|WORKDIR /b", "FROM a|WORKDIR /b|USER u"),
    "an unknown directory": ("FROM a|COPY b c", "FROM a|COPY b /c"),
    "expansion of a heredoc": ("FROM a|COPY <<E /b|$c|E", "FROM a|COPY <<'E' /b|$c|E"),
    "name of an inline file": ("FROM a|COPY <<E /b/|c|E", "FROM a|COPY <<F /b/|c|F"),
    "name of a script": ("FROM a|RUN <<E|#!/bin/c|E", "FROM a|RUN <<F|#!/bin/c|F"),
    "stage called scratch": (
        "FROM a AS scratch|RUN b|FROM c|RUN --mount=type=cache,target=/d e",
        "FROM a AS scratch|RUN x|FROM c|RUN --mount=type=cache,target=/d e",
    ),
    "ONBUILD": ("FROM a AS x|ONBUILD RUN b|FROM x", "FROM a AS x|ONBUILD RUN c|FROM x"),
    "ONBUILD of a grandchild": (
        "FROM a AS x|ONBUILD RUN b|FROM x AS y|FROM y",
        "FROM a AS x|ONBUILD RUN b|FROM x AS y|FROM y|RUN b",
    ),
    "a number that means nothing": (
        "FROM a|COPY --from=b c d|COPY --from=1 e f",
        "FROM a|COPY --from=b c d|COPY --from=1 e f|# same text, but nobody knows",
    ),
    "an error of the last stage": (
        "FROM a|FROM b|COPY --from=0 c d|EXPOSE x",
        "FROM a AS y|FROM b|COPY --from=y c d|EXPOSE x",
    ),
    "a dead stage that may fail": ("FROM a", "ARG v|FROM b:$v|FROM a"),
    "a platform that may be empty": ("FROM scratch|COPY a b", "FROM --platform=$TARGETPLATFORM scratch|COPY a b"),
    "an ARG that may fail": ("FROM a", "ARG v|ARG w=${v:?missing}|FROM a"),
    "an error": ("FROM a|COPY --from=7 b c", "FROM a|COPY --from=7 b c"),
    "a rejected rewrite": ("FROM a|FROM b", "FROM a AS x|FROM b|COPY --from=1 c d"),
    "another frontend": ("# syntax=a/b|FROM a", "# syntax=a/b|FROM a"),
    "another check": ("# check=skip=all|FROM a", "FROM a"),
}  # fmt: skip


@pytest.mark.parametrize("topic", SAME)
def test_builds_the_same(topic: str) -> None:
    one, other = SAME[topic]

    assert differs(one, other) == ""


@pytest.mark.parametrize("topic", DIFFERENT)
def test_may_build_another(topic: str) -> None:
    one, other = DIFFERENT[topic]

    assert differs(one, other) != ""


def test_buildah_takes_numbers_for_targets() -> None:
    with_numbers = Options(dialect=BUILDAH)

    assert differs("FROM a|FROM b|FROM c", "FROM b|FROM c") == ""
    assert differs("FROM a|FROM b|FROM c", "FROM b|FROM c", with_numbers) != ""


def test_some_builders_build_all_stages_above() -> None:
    assert differs("FROM a|RUN b|FROM c", "FROM c", Options(dialect=CLASSIC)) == (
        "the classic builder builds every stage above the last stage, and they would differ"
    )


def test_numbers_that_are_stages_to_buildah_are_left_alone() -> None:
    assert differs("FROM a|FROM b|FROM 0", "FROM a AS x|FROM b|FROM 0") != ""


def test_a_context_replaces_a_stage() -> None:
    replaced = Options(contexts=frozenset({"x"}))

    assert differs("FROM a AS x|RUN b|FROM x", "FROM a AS x|RUN c|FROM x") != ""
    assert differs("FROM a AS x|RUN b|FROM x", "FROM a AS x|RUN c|FROM x", replaced) == ""


@pytest.mark.parametrize(
    "text",
    [
        "FROM scratch\nENV v0=x\n" + "".join(f"ENV v{n + 1}=$v{n}$v{n}\n" for n in range(200)),
        "FROM scratch\nENV v0=x\n"
        + "".join(f"ENV v{n + 1}=${{v{n}//x/x$v{n}}}\n" for n in range(200)),
        "FROM a\n" + "".join(f"ARG v{n + 1}=$v{n}$v{n}\n" for n in range(200)),
        "FROM a\n" + "".join(f"ENV v{n}=1\nRUN b\n" for n in range(3000)),
        "FROM a AS s0\n" + "".join(f"ENV v{n}=1\nFROM s{n} AS s{n + 1}\n" for n in range(3000)),
        "ARG v\n" + "".join(f"FROM a AS s{n}\nFROM $v\n" for n in range(2000)),
        f"FROM scratch\nENV a={'a' * 300}b\nLABEL c=${{a/*a*a*a*c/d}} d=${{a%a*a*a*c}}\n",
        "FROM a AS s0\n"
        + "LABEL a=b c=d\n" * 800
        + "".join(f"FROM s{n} AS s{n + 1}\nEXPOSE {n + 1}\n" for n in range(1200)),
        "FROM a AS s\n" + "".join(f"ONBUILD LABEL a{n}=b\n" for n in range(90)) + "FROM s\n" * 100,
    ],
    ids=[
        "doubled ENV",
        "replaced ENV",
        "doubled ARG",
        "many variables",
        "many heirs",
        "many candidates",
        "stars",
        "many ports",
        "many triggers",
    ],
)
def test_hostile_files_end_soon(text: str) -> None:
    file = File(Source("Dockerfile", text))

    assert not file.is_rejected
    with contextlib.suppress(Incomparable):
        assert len(file.build.stages) == len(file.stages)


WORDS = st.sampled_from(
    ["$a", "${a:-x}", "${b+y}", "'$a'", '"$b c"', "x", "${a%x*}", "${a/x/$b}", "\\$", "${c}"]
)
VALUES = st.one_of(st.none(), st.sampled_from(["", "x", "xyx", "$a"]))


@given(st.lists(WORDS, max_size=5).map("".join), VALUES, VALUES)
@settings(max_examples=200, deadline=None)
def test_constants_expand_as_in_one_build(word: str, a: str | None, b: str | None) -> None:
    from stagelint.model.expansion import expand

    lookup = {"a": a, "b": b}.get

    assert evaluate(word, lookup) == expand(word, lookup)


@given(st.lists(st.lists(st.sampled_from(["", "x", "yz", symbol("s"), symbol("t")]), max_size=4)))
def test_how_pieces_are_grouped_does_not_matter(groups: list[list[str]]) -> None:
    flat = [piece for group in groups for piece in group]

    assert concatenate(map(concatenate, groups)) == concatenate(flat)


def test_differences_name_the_step() -> None:
    assert differs("FROM a AS x|RUN b|COPY c d|FROM e", "FROM a AS x|COPY c d|FROM e") == (
        "target `x` would differ from line 2 on: `RUN b`"
    )
