"""What a rewrite may not do: each is one that a proof with one thing less in it would let pass."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from stagelint.dialect import BUILDAH
from stagelint.model import File, Options
from stagelint.proof import Difference, same_build
from stagelint.source import Source


def file(text: str, options: Options | None = None) -> File:
    """A Dockerfile with `|` between its lines."""
    return File(Source("Dockerfile", text.replace("|", "\n") + "\n"), options)


def difference(
    one: str,
    other: str,
    renamed: Mapping[str, str] | None = None,
    options: Options | None = None,
) -> str:
    """What the proof has against the rewrite of *one* as *other*; empty if nothing."""
    try:
        same_build(file(one, options), file(other, options), renamed)
    except Difference as found:
        return str(found)
    return ""


LAST = "the last stage"


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("FROM a|RUNN b", "FROM a", "BuildKit rejects the file as it stands"),
        ("FROM a|RUNN b", "FROM a|RUNN b", "BuildKit rejects the file as it stands"),
        ("FROM a|RUN b", "FROM a|RUN b|RUNN c", "it would add an error (invalid-syntax)"),
        (
            "FROM a|RUNN b|FROM c",
            "FROM a|RUNN b|RUNN b|FROM c",
            "BuildKit rejects the file as it stands",
        ),
        (
            "FROM a|FROM b",
            "FROM a|FROM 0",
            "in the rewrite, `FROM 0` is a stage to buildah and an image to BuildKit",
        ),
        ("# syntax=docker/dockerfile:1|FROM a", "FROM a", "the parser directives differ"),
        (
            "# syntax=docker/dockerfile:1.4|FROM a",
            "# syntax=docker/dockerfile:1.5|FROM a",
            "the parser directives differ",
        ),
        (
            "FROM a",
            "ARG v=1|FROM b:${v:?}|FROM a",
            "a FROM or ARG that can fail would be new",
        ),
        (
            "ARG BUILDKIT_SBOM_SCAN_STAGE=x|FROM a AS x|FROM b",
            "ARG BUILDKIT_SBOM_SCAN_STAGE=x|FROM a AS x|FROM c|FROM b",
            "an ARG may list stages by their names, and they would differ",
        ),
        ("FROM a AS x|FROM b", "FROM a|FROM b", "there is no target `x` any more"),
        ("FROM a AS x|FROM b", "FROM a AS y|FROM b", "there is no target `x` any more"),
        (
            "FROM a AS x|RUN b|FROM c",
            "FROM a AS x|RUN bb|FROM c",
            "target `x` would differ from line 2 on: `RUN b`",
        ),
        ("FROM a|RUN b", "FROM a", f"{LAST} would differ from line 2 on: `RUN b`"),
        ("FROM a", "FROM a|RUN b", f"{LAST} would have another step: `RUN b`"),
        (
            "FROM a|ARG TARGETSTAGE|RUN b",
            "FROM a AS x|ARG TARGETSTAGE|RUN b",
            f"{LAST} reads the names of stages, and they would differ",
        ),
        (
            "FROM a|ARG v|LABEL b=${v:?}",
            "FROM a|ARG v|LABEL b=$v",
            f"{LAST} would fail to build with other arguments",
        ),
        (
            "FROM a|ENTRYPOINT b|CMD c",
            "FROM a|CMD d",
            f"the config of {LAST} would differ in Cmd, Entrypoint",
        ),
        ("FROM a|CMD c", "FROM a", f"the config of {LAST} would differ in Cmd"),
        ("FROM a", "FROM a|CMD c", f"the config of {LAST} would differ in Cmd"),
        (
            f"FROM a|RUN {'b' * 36}",
            "FROM a",
            f"{LAST} would differ from line 2 on: `RUN {'b' * 36}`",
        ),
        (
            f"FROM a|RUN {'b' * 37}",
            "FROM a",
            f"{LAST} would differ from line 2 on: `RUN {'b' * 35}…`",
        ),
        ("FROM a|RUN b \\|  c", "FROM a", f"{LAST} would differ from line 2 on: `RUN b c`"),
    ],
)
def test_what_is_wrong_is_said(one: str, other: str, reason: str) -> None:
    assert difference(one, other) == reason


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("# escape=\\|# syntax=docker/dockerfile:1|FROM a", "# syntax=docker/dockerfile:1|FROM a"),
        ("# check=skip=all|FROM a", "# check=skip=all||FROM a"),
        ("FROM a|ARG TARGETSTAGE|RUN b", "FROM a|ARG TARGETSTAGE|RUN  b"),
        ("FROM a|ARG TARGETSTAGE|FROM b", "FROM b"),
        ("FROM b", "FROM a|ARG TARGETSTAGE|FROM b"),
        ("ARG v=1|FROM b:${v:?}|FROM a", "FROM a"),
        ("FROM a AS x|FROM b|FROM c AS x", "FROM b|FROM c AS x"),
    ],
)
def test_what_is_no_difference(one: str, other: str) -> None:
    assert difference(one, other) == ""


@pytest.mark.parametrize(
    ("one", "other", "renamed", "reason"),
    [
        ("FROM a AS x|FROM b", "FROM a AS y|FROM b", {"x": "y"}, ""),
        ("FROM a AS X|FROM b", "FROM a AS y|FROM b", {"x": "y"}, ""),
        ("FROM a AS x|FROM b", "FROM c AS y|FROM b", {"x": "y"}, "target `x` would differ"),
        ("FROM a AS x|FROM b AS z", "FROM a AS y|FROM b", {"x": "y"}, "there is no target `z`"),
        (
            "FROM a AS x|FROM b|ARG BUILDKIT_SBOM_SCAN_STAGE=x",
            "FROM a AS y|FROM b|ARG BUILDKIT_SBOM_SCAN_STAGE=y",
            {"x": "y"},
            "",
        ),
        (
            "ARG BUILDKIT_SBOM_SCAN_STAGE=x|FROM a AS x|FROM b",
            "ARG BUILDKIT_SBOM_SCAN_STAGE=x|FROM a AS y|FROM b",
            {"x": "y"},
            "an ARG may list stages by their names",
        ),
    ],
)
def test_a_renamed_target_is_the_same_by_its_new_name(
    one: str, other: str, renamed: Mapping[str, str], reason: str
) -> None:
    assert difference(one, other, renamed).startswith(reason)
    assert bool(difference(one, other, renamed)) == bool(reason)


def test_buildah_selects_stages_by_number() -> None:
    numbers = Options(dialect=BUILDAH)

    assert difference("FROM a|FROM b", "FROM c|FROM b") == ""
    assert difference("FROM a|FROM b", "FROM c|FROM b", options=numbers) == (
        "target `0` would differ from line 1 on: `FROM a`"
    )
