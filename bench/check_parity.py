"""Where stagelint and `docker build --check` do not say the same of the same Dockerfiles.

    python -m bench.check_parity FOLDER...

starts a Docker daemon of its own, has it check every Dockerfile below the folders, and prints what
only one of the two reports, a line each, and a table by check. Nothing is pulled: each image a file
names is an empty folder to the builder, and `# syntax=` lines are left out. What depends on what a
base image brings, which stagelint does not guess, is counted apart.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from bench.equivalence import builders
from bench.hadolint_parity import dockerfiles
from stagelint import discover, suppress
from stagelint.model.file import File, Options
from stagelint.model.scope import LINUX_AMD64
from stagelint.presets import PRESETS
from stagelint.registry import Registry, Ruleset
from stagelint.source import Source
from stagelint.syntax import directives
from stagelint.syntax.frontend import Frontend

#: Where an empty folder is another base than the image: that may have variables, also in a WORKDIR,
#: and a shell, of which we say nothing unless we know; and a platform.
DEPENDS_ON_BASE = {
    "theirs": frozenset({"JSONArgsRecommended", "UndefinedVar", "WorkdirRelativePath"}),
    "ours": frozenset({"InvalidBaseImagePlatform"}),
}

REGISTRY = Registry()
RULESET = Ruleset(REGISTRY, PRESETS["buildkit"].codes(REGISTRY), heeds_comments=False)

#: BuildKit's names of its checks, by our codes.
CHECK_OF = {
    entry.code: alias
    for entry in REGISTRY.entries
    for alias in entry.aliases
    if "BK" in entry.code + entry.aliases[0] and alias.isalpha()
}

#: The version of the Dockerfile frontend in the daemon of Debian's docker.io 28.
FRONTEND = Frontend((1, 19))


class Warned(NamedTuple):
    """A check, and the lines of the instruction that it names."""

    check: str
    first: int
    last: int


class Answer(NamedTuple):
    """What BuildKit says of a file."""

    warnings: frozenset[Warned]
    error: str
    """Why it ended early, if it did."""


def ours(file: File, ruleset: Ruleset = RULESET) -> frozenset[Warned]:
    """What stagelint says of *file*: each check by itself, though a run says each cause once."""
    found: set[Warned] = set()
    said = [each for rule in ruleset.rules(file) for each in rule().check(file)]
    for finding in suppress.apply(file, said, ruleset, frozenset()):
        if finding.code in CHECK_OF:
            at = finding.span.start
            node = next(each for each in file.tree.instructions if each.start <= at < each.end)
            first, last = file.source.lines(node.code_span)
            name = CHECK_OF[finding.code]
            if name == "NoEmptyContinuation":  # BuildKit names the end, we the empty line
                first = last = file.source.lines(node.span)[1]
            found.add(Warned(name, first, last))
    return frozenset(found)


def read(source: Source) -> File:
    """*source* without its `# syntax=` line, as the daemon reads it."""
    found = directives.syntax(source.text)
    text = source.text
    if found:
        line = source.position(found[1].start).line
        span = source.line_span(line)
        text = f"{text[: span.start]}#{text[span.end :]}"
    options = Options(platform_args=LINUX_AMD64, builtin=FRONTEND)
    return File(Source(source.path, text), options)


def theirs(docker: builders.Docker, file: File, empty: Path) -> Answer:
    """What the daemon says of *file*, whose images are all the folder *empty*."""
    images = {stage.base.image for stage in file.stages}
    images |= {each.image for each in file.graph.references}
    contexts = [
        f"--build-context={image}={empty}" for image in sorted(filter(None, images)) if image
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "Dockerfile")
        path.write_bytes(file.source.to_bytes())
        done = docker.run(
            "buildx",
            "build",
            "--call=check,format=json",
            *contexts,
            f"--file={path}",
            str(empty),
            check=False,
        )
    start = done.stdout.find("{")
    if start < 0:
        return Answer(frozenset(), done.stderr.strip().rpartition("ERROR: ")[2] or "no answer")
    document: Any = json.loads(done.stdout[start:])
    warnings = frozenset(map(_warned, document.get("warnings") or ()))
    error: Any = document.get("buildError") or {"message": ""}
    return Answer(warnings, str(error["message"]))


def _warned(warning: Any) -> Warned:
    lines: Any = warning["location"]["ranges"]
    return Warned(warning["ruleName"], lines[0]["start"]["line"], lines[-1]["end"]["line"])


class Difference(NamedTuple):
    path: str
    warned: Warned
    side: str
    """`theirs` or `ours`: who alone says it."""


def differences(file: File, answer: Answer) -> Iterator[Difference]:
    """What only one of the two says; BuildKit ends at an error, and stagelint does not."""
    said = ours(file)
    for each in sorted(answer.warnings - said):
        yield Difference(file.source.path, each, "theirs")
    if not answer.error:
        for each in sorted(said - answer.warnings):
            yield Difference(file.source.path, each, "ours")


def compare(
    docker: builders.Docker, paths: Iterable[str]
) -> Iterator[tuple[File, Answer, list[Difference]]]:
    """Both answers on each file that can be read, and where they differ."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        empty = Path(folder)
        files = [read(discover.read(path)) for path in paths]
        files = [each for each in files if each.is_read and each.source.text]

        def ask(file: File) -> Answer:
            return theirs(docker, file, empty)

        for file, answer in zip(files, pool.map(ask, files), strict=True):
            yield file, answer, list(differences(file, answer))


def main(argv: list[str]) -> int:
    paths = dockerfiles(argv)
    counts: Counter[tuple[str, str]] = Counter()
    kinds: Counter[str] = Counter()
    with builders.docker(busybox=False) as docker:
        for file, answer, found in compare(docker, paths):
            kinds["files"] += 1
            kinds["end with an error"] += bool(answer.error)
            kinds["rejected by one alone"] += bool(answer.error) != bool(file.rejection())
            if answer.error and not file.rejection():
                print(file.source.path, "error", re.sub(r"\s+", " ", answer.error)[:200], sep="\t")
            for each in answer.warnings & ours(file):
                counts[each.check, "same"] += 1
            for each in found:
                side = each.side
                if each.warned.check in DEPENDS_ON_BASE[side]:
                    side = f"{side}, by the base"
                else:
                    print(each.path, *each.warned, each.side, sep="\t")
                counts[each.warned.check, side] += 1
    print(dict(kinds))
    sides = ("same", "theirs", "ours", "theirs, by the base", "ours, by the base")
    print("check", *sides, sep="\t")
    for check in sorted({check for check, _ in counts}):
        print(check, *(counts[check, side] for side in sides), sep="\t")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
