from __future__ import annotations

from datetime import date

import pytest

from stagelint.model import images
from stagelint.model.base_images import BaseImage, BaseImages, describe
from stagelint.model.families import Kind
from stagelint.sizes import shipped


@pytest.mark.parametrize(
    ("text", "domain", "path", "tag", "digest", "shown"),
    [
        ("python", "docker.io", "library/python", "", "", "python"),
        ("python:3.12", "docker.io", "library/python", "3.12", "", "python:3.12"),
        ("docker.io/library/python", "docker.io", "library/python", "", "", "python"),
        ("team/app:1", "docker.io", "team/app", "1", "", "team/app:1"),
        ("localhost/app", "localhost", "app", "", "", "localhost/app"),
        ("example.com:5000/a/b:1", "example.com:5000", "a/b", "1", "", "example.com:5000/a/b:1"),
    ],
)
def test_a_reference_taken_apart(
    text: str, domain: str, path: str, tag: str, digest: str, shown: str
) -> None:
    found = images.parse(text)

    assert (found.domain, found.path, found.tag, found.digest) == (domain, path, tag, digest)
    assert str(found) == shown


def test_a_digest() -> None:
    digest = "sha256:" + "0f" * 32
    found = images.parse(f"python:3.12@{digest}")

    assert (found.tag, found.digest) == ("3.12", digest)


@pytest.mark.parametrize(
    ("mirror", "origin", "text", "found"),
    [
        (
            "mirror.example.com/hub",
            "docker.io",
            "mirror.example.com/hub/library/node:22",
            "node:22",
        ),
        ("mirror.example.com", "docker.io", "mirror.example.com/library/node", "node"),
        ("mirror.example.com", "docker.io/library", "mirror.example.com/node", "node"),
        ("mirror.example.com/hub", "docker.io", "mirror.example.com/hubs/node", None),
        (
            "mirror.example.com:5000",
            "example.org/x",
            "mirror.example.com:5000/a",
            "example.org/x/a",
        ),
    ],
)
def test_mirrors(mirror: str, origin: str, text: str, found: str | None) -> None:
    assert str(images.from_origin(images.parse(text), {mirror: origin})) == (found or text)


def test_the_longest_mirror_counts() -> None:
    mirrors = {"example.com": "one.example.org", "example.com/a": "two.example.org"}

    assert str(images.from_origin(images.parse("example.com/a/b"), mirrors)) == "two.example.org/b"


@pytest.mark.parametrize(
    ("reference", "kind", "version", "os", "release", "libc", "user"),
    [
        ("python:3.12-slim", Kind.RUNTIME, (3, 12), "debian", "", "glibc", "root"),
        ("python:3.12.4-slim-bookworm", Kind.RUNTIME, (3, 12, 4), "debian", "bookworm", "glibc", "root"),
        ("node:22-alpine3.20", Kind.RUNTIME, (22,), "alpine", "3.20", "musl", "root"),
        ("arm64v8/python:3.12", Kind.RUNTIME, (3, 12), "debian", "", "glibc", "root"),
        ("eclipse-temurin:21", Kind.SDK, (21,), "ubuntu", "", "glibc", "root"),
        ("eclipse-temurin:21-jre", Kind.RUNTIME, (21,), "ubuntu", "", "glibc", "root"),
        ("debian:12", Kind.OS, (), "debian", "bookworm", "glibc", "root"),
        ("debian:12.9-slim", Kind.OS, (9,), "debian", "bookworm", "glibc", "root"),
        ("ubuntu:24.04", Kind.OS, (), "ubuntu", "24.04", "glibc", "root"),
        ("alpine:3.20.3", Kind.OS, (3,), "alpine", "3.20", "musl", "root"),
        ("golang:1.26", Kind.SDK, (1, 26), "debian", "", "glibc", "root"),
        ("nginx", Kind.SERVER, (), "debian", "", "glibc", "dropped"),
        ("example.com/distroless/static:nonroot", Kind.STATIC, (), "debian", "", "", "nonroot"),
        ("example.com/distroless/base-debian12", Kind.STATIC, (), "debian", "", "glibc", "root"),
        ("example.com/dotnet/aspnet:8.0-noble-chiseled", Kind.RUNTIME, (8, 0), "ubuntu", "24.04", "glibc", "app"),
        ("openjdk:21-ea-jdk", Kind.SDK, (21,), "rhel", "", "glibc", "root"),
        ("openjdk:21-ea-jdk-slim", Kind.SDK, (21,), "debian", "", "glibc", "root"),
        ("maven:3-openjdk-17", Kind.SDK, (3,), "rhel", "", "glibc", "root"),
        ("nvidia/cuda:12.4.1-devel-ubuntu22.04", Kind.SDK, (12, 4, 1), "ubuntu", "22.04", "glibc", "root"),
    ],
)  # fmt: skip
def test_what_a_tag_means(
    reference: str,
    kind: Kind,
    version: tuple[int, ...],
    os: str,
    release: str,
    libc: str,
    user: str,
) -> None:
    found = describe(reference)

    assert found
    assert (found.kind, found.version, found.os) == (kind, version, os)
    assert (found.release, found.libc, found.user) == (release, libc, user)


def test_an_image_of_no_known_family() -> None:
    assert describe("example.com/team/base:1") is None


def test_the_user_of_a_digest_of_distroless_is_not_known() -> None:
    found = describe("example.com/distroless/static@sha256:" + "0f" * 32)

    assert found
    assert found.user == ""


@pytest.mark.parametrize(
    ("reference", "smaller"),
    [
        ("python", "python:slim"),
        ("python:latest", "python:slim"),
        ("python:3.12", "python:3.12-slim"),
        ("python:3.12-bookworm", "python:3.12-slim-bookworm"),
        ("node:22-bookworm", "node:22-bookworm-slim"),
        ("debian", "debian:stable-slim"),
        ("debian:bookworm", "debian:bookworm-slim"),
        ("python:3.12-slim", None),
        ("python:3.12-alpine", None),
        ("python:3.12-windowsservercore", None),
        ("python:our-own-tag", None),
        ("golang:1.26", None),
        ("ubuntu", None),
    ],
)
def test_smaller_variants(reference: str, smaller: str | None) -> None:
    found = describe(reference)

    assert found
    variant = found.smaller()
    assert (str(variant) if variant else None) == smaller


def row(name: str, tag: str, compressed: int | None, unpacked: int | None = None) -> BaseImage:
    return BaseImage(f"docker.io/library/{name}", tag, compressed, unpacked, "2026-08-05", "test")


CATALOGUE = (
    row("python", "3.12", 412),
    row("python", "3.13", 413),
    row("python", "3.12-slim", 43),
    row("debian", "trixie", 49),
    row("debian", "bookworm", 48),
    row("alpine", "3.23", None, 8),
)


@pytest.mark.parametrize(
    ("reference", "tag", "is_estimated", "is_other_line"),
    [
        ("python:3.12", "3.12", False, False),
        ("docker.io/library/python:3.12", "3.12", False, False),
        ("python:3.12.7", "3.12", True, False),
        ("python:3.12-bookworm", "3.12", True, False),
        ("python:3", "3.13", True, False),
        ("python", "3.13", True, False),
        ("python:3.9", "3.13", True, True),
        ("python:3.12-slim-bookworm", "3.12-slim", True, False),
        ("debian:13", "trixie", False, False),
        ("debian:12.9", "bookworm", True, False),
        ("debian:9.11", "trixie", True, True),
        ("alpine:3.23.2", "3.23", True, False),
    ],
)
def test_sizes_by_meaning(
    reference: str, tag: str, is_estimated: bool, is_other_line: bool
) -> None:
    found = BaseImages(CATALOGUE).size(reference)

    assert found
    assert (found.row.tag, found.is_estimated, found.is_other_line) == (
        tag,
        is_estimated,
        is_other_line,
    )


@pytest.mark.parametrize(
    "reference", ["python:3.12-alpine", "team/python:3.12", "example.com/python:3.12", "rust"]
)
def test_sizes_that_are_not_known(reference: str) -> None:
    assert BaseImages(CATALOGUE).size(reference) is None


def test_a_digest_has_no_size_unless_a_tag_says_which() -> None:
    digest = "@sha256:" + "0f" * 32

    assert BaseImages(CATALOGUE).size(f"python{digest}") is None
    assert BaseImages(CATALOGUE).size(f"python:3.12{digest}")


def test_a_mirror_has_the_sizes_of_its_origin() -> None:
    found = BaseImages(CATALOGUE, {"mirror.example.com": "docker.io"})

    assert found.size("mirror.example.com/library/python:3.12")


def test_the_last_of_rows_for_the_same_image_counts() -> None:
    found = BaseImages((*CATALOGUE, row("python", "3.12", 7))).size("python:3.12")

    assert found
    assert (found.bytes, found.measure) == (7, "compressed")


def test_what_is_not_known_compressed_is_unpacked() -> None:
    found = BaseImages(CATALOGUE).size("alpine:3.23")

    assert found
    assert (found.bytes, found.measure) == (8, "unpacked")


def test_every_row_of_the_catalogue_has_a_size_a_date_and_a_source() -> None:
    rows = shipped()

    assert len(rows) == 98
    assert all(each.compressed or each.unpacked for each in rows)
    assert all(date.fromisoformat(each.as_of) and each.source for each in rows)
    assert all(BaseImages(rows).size(each.reference) == (each, False, False) for each in rows)
