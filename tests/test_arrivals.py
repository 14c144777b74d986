"""Which files a COPY brings, where to, and with which mode."""

from __future__ import annotations

import pytest

from stagelint.model import File, Options
from stagelint.model.arrivals import arrivals, placed
from stagelint.model.context import Context, Entry
from stagelint.source import Source

CONTEXT = Context(
    ".",
    [
        Entry("run.sh", 5, 0o755),
        Entry("app.ini", 7),
        Entry("site.tar", 512),
        Entry("latest", is_link=True, leads_to="run.sh"),
        Entry("conf", mode=0o700, is_folder=True),
        Entry("conf/a.ini", 3, 0o600),
        Entry("conf/b", is_link=True, mode=0o777, leads_to="a.ini"),
    ],
    begin=lambda path: b"\x1f\x8b\x08" if path.endswith(".tar") else b"#!",
)


def brought(
    copy: str, *told: str, context: Context | None = CONTEXT
) -> dict[str, int | None] | None:
    options = Options(contexts_at=lambda: [context] if context else [])
    file = File(Source("Dockerfile", f"FROM debian:12\nWORKDIR /app\n{copy}\n"), options)
    moment = file.histories[0].own[-1]
    found = placed(file, moment, told)
    return None if found is None else {each.path: each.mode for each in found}


@pytest.mark.parametrize(
    ("copy", "expected"),
    [
        ("COPY run.sh /run.sh", {"/run.sh": 0o755}),
        ("COPY run.sh .", {"/app/run.sh": 0o755}),
        ("COPY run.sh app.ini /srv", {"/srv/run.sh": 0o755, "/srv/app.ini": 0o644}),
        ("COPY *.ini /srv/", {"/srv/app.ini": 0o644}),
        ("COPY conf /srv/c", {"/srv/c/a.ini": 0o600, "/srv/c/b": 0o777}),
        ("COPY <<one <<two /srv/\n1\none\n2\ntwo", {"/srv/one": 0o644, "/srv/two": 0o644}),
        ("COPY run.sh /new", {"/new": 0o755}),
        ("ADD run.sh /srv/", {"/srv/run.sh": 0o755}),
        ("COPY --from=example.com/base /a/run.sh /srv/", {"/srv/run.sh": None}),
    ],
)
def test_what_a_copy_brings(copy: str, expected: dict[str, int | None]) -> None:
    assert brought(copy) == expected


@pytest.mark.parametrize(
    "copy",
    [
        "COPY run.sh $PLACE/",
        "COPY $FILE /srv/",
        "COPY latest /srv/",
        "COPY *.ini /srv",
        "COPY run.sh /etc/cron.d",
        "COPY --parents conf/a.ini /srv/",
        "COPY --exclude=*.ini conf /srv/",
        "COPY --from=example.com/base /a/run /srv/",
        "COPY --from=example.com/base /a/*.sh /srv/",
        "ADD site.tar /srv/",
        "ADD https://example.com/run.sh /srv/",
    ],
)
def test_what_cannot_be_told(copy: str) -> None:
    assert brought(copy) is None


def test_without_a_context_a_name_may_tell_a_file() -> None:
    assert brought("COPY run.sh /srv/", context=None) == {"/srv/run.sh": None}
    assert brought("COPY run /srv/", context=None) is None


def test_what_is_there_afterwards_tells_a_folder() -> None:
    assert brought("COPY run.sh /etc/cron.d", "/etc/cron.d/run.sh") == {"/etc/cron.d/run.sh": 0o755}


@pytest.mark.parametrize(
    ("copies", "expected"),
    [
        ("COPY run.sh /a.sh\nCOPY app.ini /b", "COPY run.sh /a.sh"),
        ("COPY run.sh /a.sh\nCOPY app.ini /a.sh", "COPY app.ini /a.sh"),
        ("COPY run.sh /a.sh\nCOPY --from=example.com/base / /", None),
        ("COPY conf /a.sh", None),
        ("RUN curl -o /a.sh https://example.com/a.sh", None),
    ],
)
def test_the_last_copy_of_a_path_counts(copies: str, expected: str | None) -> None:
    options = Options(contexts_at=lambda: [CONTEXT])
    text = f"FROM debian:12\n{copies}\nRUN chmod 755 /a.sh\n"
    file = File(Source("Dockerfile", text), options)
    found = arrivals(file, file.histories[0].own[-1], ["/a.sh"]).get("/a.sh")
    assert (str(found.copy.instruction).strip() if found else None) == expected
