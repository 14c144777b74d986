"""Rules about what ships, where they depend on more than one file can show."""

from __future__ import annotations

from typing import Any

import pytest

from stagelint import engine
from stagelint.model import byte_counts
from stagelint.model.base_images import BaseImage, describe
from stagelint.model.file import File, Options
from stagelint.registry import Registry, Ruleset
from stagelint.rule import Finding, Severity
from stagelint.sizes import shipped
from stagelint.source import Source

REGISTRY = Registry(())


def found(text: str, rule: str, **more: Any) -> list[Finding]:
    given = Options(sizes=shipped, **more)
    ruleset = Ruleset(REGISTRY, REGISTRY.expand([rule]))
    return list(engine.lint(File(Source("Dockerfile", text), given), ruleset))


PAIRS = [
    (row, other)
    for row in shipped()
    for described in (describe(row.reference),)
    for smaller in (described.smaller() if described else None,)
    for other in shipped()
    if smaller and other.reference == str(smaller)
]


@pytest.mark.parametrize(("row", "smaller"), PAIRS, ids=lambda row: row.reference)
def test_every_size_that_is_told_is_that_of_a_row(row: BaseImage, smaller: BaseImage) -> None:
    (finding,) = found(f"FROM {row.reference}\nCOPY app /app\n", "SL201")

    saved = (row.compressed or 0) - (smaller.compressed or 0)
    sizes = [byte_counts.rounded(each or 0) for each in (row.compressed, smaller.compressed)]
    assert finding.message == (
        f"`{row.reference}` is {sizes[0]} compressed and `{smaller.reference}` {sizes[1]}:"
        f" {byte_counts.rounded(saved)} less ({min(row.as_of, smaller.as_of)})"
    )


def test_there_are_pairs() -> None:
    assert len(PAIRS) >= 10


BUILT = "FROM python:3.12 AS build\nRUN pip install x\nFROM {}\nCOPY --from=build /x /x\n"


@pytest.mark.parametrize(
    ("budget", "errors"), [("100MB", 0), ("80MB", 0), ("79MB", 1), ("0", 1), ("", 0)]
)
def test_a_budget_is_for_what_ships(budget: str, errors: int) -> None:
    given = byte_counts.parse(budget)
    findings = found(BUILT.format("node:22-slim"), "SL201", budget=given)

    assert [each.severity for each in findings] == [Severity.ERROR] * errors


def test_a_size_of_another_line_is_over_no_budget() -> None:
    findings = found(BUILT.format("node:16-slim"), "SL201", budget=1)

    assert not findings


def test_another_c_library_is_advised_only_if_it_may_be() -> None:
    text = "FROM python:3.12-slim\nCOPY app /app\n"

    assert not found(text, "SL201")
    (finding,) = found(text, "SL201", may_change_libc=True)
    assert "`python:3.12-alpine`" in finding.message


def test_a_mirror_is_what_it_mirrors() -> None:
    text = "FROM mirror.example.com/hub/library/node:22\nCOPY app /app\n"

    assert not found(text, "SL201", mirrors={"mirror.example.com/other": "docker.io"})
    (finding,) = found(text, "SL201", mirrors={"mirror.example.com/hub": "docker.io"})
    assert finding.fix
    assert finding.fix.edits[0].text == "mirror.example.com/hub/library/node:22-slim"


def test_an_image_of_its_own_registry_has_no_size() -> None:
    assert not found("FROM example.com/node:22\nCOPY app /app\n", "SL201")


@pytest.mark.parametrize("ships", [frozenset[str](), frozenset({"web"})])
def test_a_stage_that_is_released_besides_ships(ships: frozenset[str]) -> None:
    text = "FROM node:22 AS web\nCOPY app /app\nFROM alpine\nCOPY --from=web /app /app\n"

    assert len(found(text, "SL201", ships=ships)) == len(ships)


def test_a_named_context_is_no_floating_image() -> None:
    text = "FROM alpine\nCOPY --from=docker /usr/local/bin/docker /usr/local/bin/docker\n"

    assert found(text, "SL212")
    assert not found(text, "SL212", contexts=frozenset({"docker"}))


BUILDER = """\
FROM python:3.12 AS build
ARG API_TOKEN
ENV DB_PASSWORD=Tr0ub4dor
COPY id_rsa /root/.ssh/
RUN apt-get update && apt-get install -y gcc libpq-dev && pip install psycopg2
USER root
CMD python
FROM scratch
COPY --from=build /x /x
"""
OF_WHAT_SHIPS = [
    each.code
    for each in REGISTRY.entries
    if each.code.startswith("SL2") and each.code not in ("SL209", "SL212")
]


@pytest.mark.parametrize("rule", OF_WHAT_SHIPS)
def test_nothing_is_said_of_a_builder(rule: str) -> None:
    assert not found(BUILDER, rule)
