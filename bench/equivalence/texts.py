"""The Dockerfiles that pairs are made from."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

from bench.equivalence.reading import without
from stagelint.discover import is_dockerfile
from stagelint.model import File
from stagelint.registry import rules_of
from stagelint.source import Source

ROOT = Path(__file__).parents[2]

_PIN = re.compile(r"@sha256:[0-9a-f]{64}")


class Text(NamedTuple):
    origin: str
    text: str


Sources = dict[str, list[Text]]


def texts() -> Sources:
    """The project's own, by where they are from."""
    return {
        "whole files": list(_texts(_fixtures())),
        "examples": list(_texts(_examples())),
        "conformance": list(_texts(_cases())),
    }


def texts_below(folder: Path) -> Sources:
    """Those of other people."""
    return {str(folder): list(_texts(dockerfiles(folder)))}


def dockerfiles(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All files below *folder* that are called like a Dockerfile, with what they contain."""
    for path in paths_below(folder):
        yield str(path.relative_to(folder)), path.read_bytes()


def paths_below(folder: Path) -> Iterator[Path]:
    """All files below *folder* that are called like a Dockerfile, those of git itself left out."""
    for path in sorted(folder.rglob("*")):
        if ".git" not in path.parts and is_dockerfile(str(path)) and path.is_file():
            yield path


def _texts(found: Iterable[tuple[str, bytes]]) -> Iterator[Text]:
    """Those that are comparable with a builder at hand."""
    for origin, data in found:
        text = comparable(data)
        if text is not None:
            yield Text(origin, text)


def comparable(data: bytes) -> str | None:
    """The text for the builtin frontend, without its checks, and for images that have no digest.

    None if it is no UTF-8, or is for another frontend: BuildKit cannot be asked about it here.
    """
    try:
        text = _PIN.sub("", data.decode("utf-8"))
    except UnicodeDecodeError:
        return None
    file = File(Source("Dockerfile", text))
    if not file.is_read:
        return None
    gone = [each.span for each in file.tree.directives if each.name in ("syntax", "check")]
    plain = without(text, gone)
    builtin = File(Source("Dockerfile", "FROM scratch\n")).tree.frontend
    return plain if File(Source("Dockerfile", plain)).tree.frontend == builtin else None


def _fixtures() -> Iterator[tuple[str, bytes]]:
    for path in sorted((ROOT / "fixtures").glob("*/Dockerfile")):
        yield path.parent.name, path.read_bytes()
    for path in sorted((Path(__file__).parent / "dockerfiles").glob("*.Dockerfile")):
        yield path.stem, path.read_bytes()


def _examples() -> Iterator[tuple[str, bytes]]:
    for rule in rules_of("stagelint_rules"):
        for number, example in enumerate(rule.examples):
            text = dedent(example.text)
            if not text.lstrip().startswith("--- "):  # a whole repository
                yield f"{rule.name()} {number}", text.encode()


def _cases() -> Iterator[tuple[str, bytes]]:
    lines = (ROOT / "tests" / "data" / "buildkit-cases.jsonl").read_text().splitlines()
    for line in lines[1:]:
        case: dict[str, Any] = json.loads(line)
        name = f"{case['suite']}-{case['name']}"
        if "dockerfile_b64" in case:
            yield name, base64.b64decode(case["dockerfile_b64"])
        else:
            yield name, case["dockerfile"].encode("utf-8", "surrogateescape")
