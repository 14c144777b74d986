"""Folders that are as COPY makes them: `--link` leaves an image the same where these are all there is."""

from __future__ import annotations

import pytest

from stagelint.model.file import File
from stagelint.model.plain_folders import PlainFolders
from stagelint.source import Source


def objection(text: str, folder: str) -> str:
    file = File(Source("Dockerfile", text))
    stage = file.stages[-1]
    return PlainFolders(file, stage, file.moments_behind(stage)).objection(folder)


@pytest.mark.parametrize(
    ("above", "folder"),
    [
        ("FROM debian:12", "/app"),
        ("FROM debian:12", "/usr/local/bin"),
        ("FROM python:3.13-slim", "/usr/src/app"),
        ("FROM nginx:1.29", "/usr/share/nginx/html"),
        ("FROM alpine:3.22\nWORKDIR /app", "/app/config"),
        ("FROM alpine:3.22\nRUN apk add --no-cache curl && adduser -D app", "/opt/app"),
        ("FROM debian:12\nRUN mkdir -p /data/a", "/data/a"),
        ("FROM debian:12\nRUN chown -R app /var/lib/app && chmod +x /app/run.sh", "/app"),
        ("FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci", "/app"),
        ("FROM debian:12\nCOPY --chown=app a /usr/local/bin/", "/usr/local/bin"),
    ],
)
def test_plain(above: str, folder: str) -> None:
    assert objection(above, folder) == ""


@pytest.mark.parametrize(
    ("above", "folder"),
    [
        ("FROM example.com/base", "/app"),
        ("FROM $BASE", "/app"),
        ("ARG PREFIX=\nFROM ${PREFIX}debian:12", "/app"),
        ("FROM fedora:42", "/app"),
        ("FROM node:22-onbuild", "/app"),
        ("FROM debian:12", "/bin"),
        ("FROM debian:12", "/usr/local/man"),
        ("FROM debian:12", "/tmp"),
        ("FROM debian:12", "/var/lib/app"),
        ("FROM debian:stretch", "/usr/local/bin"),
        ("FROM node:8", "/usr/local/bin"),
        ("FROM node:22", "/home/node"),
        ("FROM debian:12\nRUN useradd -m -d /app app", "/app"),
        ("FROM debian:12\nRUN mkdir -m 700 /data", "/data"),
        ("FROM debian:12\nUSER 5\nRUN mkdir /data", "/data"),
        ("FROM debian:12\nUSER 5\nWORKDIR /data", "/data"),
        ("FROM debian:12\nRUN ln -s /srv /data", "/data"),
        ("FROM debian:12\nRUN ./setup.sh", "/data"),
        ("FROM debian:12\nRUN curl -L https://example.com/a.tgz | tar -xz -C /opt", "/opt/a"),
        ("FROM debian:12\nWORKDIR /app\nRUN chown app .", "/app"),
        ("FROM debian:12\nRUN chmod -R o-rx /srv", "/srv/app"),
        ("FROM debian:12\nCOPY --chown=app a /app/a", "/app"),
        ("FROM debian:12\nCOPY --from=build /app /app", "/app/config"),
        ("FROM debian:12\nADD rootfs.tar /", "/app"),
    ],
)
def test_perhaps_not_plain(above: str, folder: str) -> None:
    assert objection(above, folder)


def may_be_link(text: str, path: str) -> bool:
    file = File(Source("Dockerfile", text))
    stage = file.stages[-1]
    return PlainFolders(file, stage, file.moments_behind(stage)).may_be_link(path)


@pytest.mark.parametrize(
    ("above", "path"),
    [
        ("FROM debian:12", "/usr/local/bin/app"),
        ("FROM node:22", "/usr/local/bin/docker-entrypoint.sh"),
        ("FROM nginx:1.29", "/etc/nginx/nginx.conf"),
        ("FROM debian:12\nWORKDIR /app\nCOPY run.sh run.sh", "/app/run.sh"),
        ("FROM node:22\nWORKDIR /app\nRUN npm ci", "/app/run.sh"),
    ],
)
def test_no_link(above: str, path: str) -> None:
    assert not may_be_link(above, path)


@pytest.mark.parametrize(
    ("above", "path"),
    [
        ("FROM debian:12", "/usr/bin/awk"),
        ("FROM debian:12", "/usr/lib/libz.so"),
        ("FROM debian:12", "/etc/localtime"),
        ("FROM node:22", "/usr/local/bin/yarn"),
        ("FROM python:3.13", "/usr/local/bin/python"),
        ("FROM php:8", "/usr/local/bin/app"),
        ("FROM alpine:3\nRUN npm install -g serve", "/usr/local/bin/serve"),
        ("FROM debian:12\nRUN ln -s /opt/app /usr/local/bin/app", "/usr/local/bin/app"),
        ("FROM debian:12\nCOPY . /app", "/app/run.sh"),
    ],
)
def test_perhaps_a_link(above: str, path: str) -> None:
    assert may_be_link(above, path)
