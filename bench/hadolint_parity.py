"""Where stagelint and hadolint do not say the same of the same Dockerfiles.

    python -m bench.hadolint_parity [--hadolint PROGRAM] [--rules DL3008,...] FOLDER...

runs hadolint and stagelint (preset `hadolint`, so that builders are spoken of as well) on every
Dockerfile below the folders and prints what only one of them reports, a line each: file, line of
the instruction, code, who says it, message; then a table of counts by code. Files that BuildKit or
hadolint cannot read are left out and counted. Comments that silence hadolint silence neither. Why
the two differ is written in `hadolint_differences.tsv`; it exits with 1 if there is no word of some
difference in it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench.equivalence.texts import paths_below
from stagelint import arguments, discover, engine
from stagelint.model.file import File
from stagelint.registry import Registry, Ruleset
from stagelint.session import options_of

#: What is known of differences: code, who alone says it, a name, the reason, how often.
DIFFERENCES = Path(__file__).parent / "hadolint_differences.tsv"

#: Files given to hadolint at a time.
BATCH = 200


class Place(NamedTuple):
    """Something said: of which file, in the instruction that begins on which line, by which code."""

    path: str
    line: int
    code: str


def dockerfiles(folders: Iterable[str]) -> list[str]:
    """All that are called like one, in order."""
    return sorted(str(path) for folder in folders for path in paths_below(Path(folder)))


def theirs(program: str, paths: list[str]) -> Iterator[tuple[Place, str]]:
    """What hadolint says, of all files."""
    for at in range(0, len(paths), BATCH):
        command = [program, "--no-color", "--disable-ignore-pragma", "-t", "none", "-f", "json"]
        done = subprocess.run(
            [*command, *paths[at : at + BATCH]], stdout=subprocess.PIPE, check=False
        )
        for each in json.loads(done.stdout or b"[]"):
            yield Place(each["file"], each["line"], each["code"]), each["message"]


def ours(file: File, ruleset: Ruleset, codes: frozenset[str]) -> Iterator[tuple[Place, str]]:
    """What stagelint says of one file, under hadolint's codes."""
    starts = [
        (each.span, file.source.position(each.code_start).line) for each in file.tree.instructions
    ]
    for finding in engine.lint(file, ruleset):
        offset = finding.span.start
        line = next((line for span, line in starts if span.start <= offset < span.end), None)
        for code in codes & {finding.code, *finding.aliases}:
            at = line or file.source.position(offset).line
            yield Place(file.source.path, at, code), finding.message


def compare(
    program: str, paths: list[str], codes: frozenset[str]
) -> tuple[dict[Place, str], dict[Place, str], Counter[str]]:
    """What they say, what we say, and how many files were left out for which reason."""
    said: dict[str, dict[Place, str]] = {path: {} for path in paths}
    for place, message in theirs(program, paths):
        said[place.path][place] = message
    left_out: Counter[str] = Counter()
    registry = Registry()
    ruleset = Ruleset(registry, registry.expand(["DL"], families=True), heeds_comments=False)
    _, given = arguments.parse(["check", "--isolated", "--preset", "hadolint"])
    all_theirs: dict[Place, str] = {}
    all_ours: dict[Place, str] = {}
    for path in paths:
        source = discover.read(path)
        file = File(source, options_of(given, source))
        if any(place.code == "DL1000" for place in said[path]):
            left_out["hadolint cannot parse it"] += 1
        elif source.error or not file.is_read or file.is_rejected:
            left_out["BuildKit rejects it"] += 1
        else:
            all_theirs |= {place: text for place, text in said[path].items() if place.code in codes}
            all_ours |= dict(ours(file, ruleset, codes))
    return all_theirs, all_ours, left_out


def reasons() -> dict[tuple[str, str], list[str]]:
    """Why they differ, by code and who alone says it."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in DIFFERENCES.read_text("utf-8").splitlines()[1:]:
        code, side, _, reason, _ = row.split("\t")
        found.setdefault((code, side), []).append(reason)
    return found


def known_codes() -> frozenset[str]:
    """Every DL code that a rule of ours has, as its own or as an alias."""
    words = {word for each in Registry().entries for word in (each.code, *each.aliases)}
    return frozenset(word for word in words if word.startswith("DL"))


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.hadolint_parity")
    parser.add_argument("--hadolint", default="hadolint", metavar="PROGRAM")
    parser.add_argument("--rules", metavar="CODES", help="default: all")
    parser.add_argument("--quiet", action="store_true", help="print the table alone")
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    given: Any = parser.parse_args(argv)
    codes = frozenset(given.rules.split(",")) if given.rules else known_codes()
    paths = dockerfiles(given.folders)
    they, we, left_out = compare(given.hadolint, paths, codes)
    sides = (("theirs", they.keys() - we.keys(), they), ("ours", we.keys() - they.keys(), we))
    if not given.quiet:
        for side, places, messages in sides:
            for place in sorted(places):
                print(*place[:2], place.code, side, messages[place], sep="\t")
    print(f"{len(paths)} files; left out: {dict(left_out)}")
    print("code", "same", "theirs alone", "ours alone", sep="\t")
    counts = [Counter(each.code for each in places) for _, places, _ in sides]
    same = Counter(place.code for place in they.keys() & we.keys())
    for code in sorted(codes):
        print(code, same[code], counts[0][code], counts[1][code], sep="\t")
    explained = reasons()
    unexplained = [
        f"{code}: {side} alone, and no word of why"
        for (side, _, _), count in zip(sides, counts, strict=True)
        for code in sorted(count)
        if (code, side) not in explained
    ]
    print(*unexplained, sep="\n", end="\n" * bool(unexplained))
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
