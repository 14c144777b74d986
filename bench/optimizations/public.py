"""What optimizations make of public projects, by real builds: `python -m bench.optimizations.public DIR`.

DIR has clones, `DIR/OWNER+NAME` for OWNER/NAME, of the repositories in `public.tsv`, or of some; of
each the commit is taken that is recorded there, and of it the folder of the Dockerfile as the build
context. Nothing is changed in it but the tags of base images, of which there are stand-ins
(`images.py`). The Dockerfile is optimized by `stagelint optimize --fix --unsafe-fixes`, with the rules
of its row alone, built before and after, and tried: by its output, or by what it answers on a port. Prints the table of `python -m bench.optimizations`; exits with 1 if a
project is not optimized, does not build or does not work after it as before.
"""

from __future__ import annotations

import argparse
import csv
import io
import posixpath
import shlex
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

from bench.equivalence import builders
from bench.optimizations import images, table
from bench.optimizations.cases import Case
from bench.optimizations.compressed import Sizes
from bench.optimizations.project import Broken
from stagelint.edit import Guarantee

ROWS = Path(__file__).with_suffix(".tsv")


class Row(NamedTuple):
    """A row of `public.tsv`."""

    repository: str
    commit: str
    dockerfile: str
    """Its path there; the folder that it lies in is the build context."""
    rules: str
    """Comma-separated."""
    bases: str
    """What is put in the place of base images: `golang:latest=golang:1.19-bookworm`, comma-separated."""
    smoke: str
    """`run ARGUMENT...`, or `serves PORT [PATH]`."""
    expect: str
    """What it then prints, among other things."""

    @property
    def name(self) -> str:
        """Of the Dockerfile if it has one of its own, else of the repository."""
        name = posixpath.basename(self.dockerfile).removesuffix(".dockerfile")
        return (posixpath.basename(self.repository) if name == "Dockerfile" else name).lower()

    def clone(self, folder: Path) -> Path:
        """Where it is looked for."""
        return folder / self.repository.replace("/", "+")

    def case(self, clone: Path, folder: Path) -> Case:
        """The project, written to *folder*. Raises `Broken` if nothing is made of it."""
        context, name = posixpath.split(self.dockerfile)
        _extract(clone, f"{self.commit}:{context}", folder / "project")
        dockerfile = folder / "project" / "Dockerfile"
        text = dockerfile.with_name(name).read_text("utf-8")
        for each in filter(None, self.bases.split(",")):
            base, _, stand_in = each.partition("=")
            text = text.replace(base, stand_in)
        dockerfile.write_text(text, "utf-8")
        (folder / "expected").mkdir()
        (folder / "expected" / "Dockerfile").write_text(self._optimized(dockerfile, text))
        kind, *words = shlex.split(self.smoke)
        serves = int(words[0]) if kind == "serves" else 0
        return Case(
            folder,
            tuple(self.rules.split(",")),
            Guarantee.BEHAVIOUR,
            smoke=None if serves else tuple(words),
            expect=self.expect,
            serves=serves,
            page=words[1] if serves and len(words) > 1 else "/",
        )

    def _optimized(self, dockerfile: Path, text: str) -> str:
        """What is made of *text*, which *dockerfile* has before and after."""
        options = (
            "--fix-only",
            "--unsafe-fixes",
            "--isolated",
            "--context",
            ".",
            "--select",
            self.rules,
        )
        command = (sys.executable, "-m", "stagelint", "optimize", *options, dockerfile.name)
        done = subprocess.run(
            command, cwd=dockerfile.parent, capture_output=True, text=True, check=False
        )
        after = dockerfile.read_text("utf-8")
        dockerfile.write_text(text, "utf-8")
        if after == text:
            raise Broken(f"{self.repository}: not optimized: {done.stdout}{done.stderr}")
        return after


def rows() -> list[Row]:
    """All that are recorded."""
    with ROWS.open(encoding="utf-8", newline="") as file:
        return [
            Row(**each) for each in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


def _extract(clone: Path, tree: str, target: Path) -> None:
    command = ("git", "-C", str(clone), "archive", tree)
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise Broken(f"{clone}: {done.stderr.decode('utf-8', 'replace').strip()}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        tar.extractall(target, filter="data")


def _tried(row: Row, clone: Path, docker: builders.Docker, sizes: Sizes, cache: Path) -> table.Row:
    with tempfile.TemporaryDirectory(prefix="sl") as name:
        folder = Path(name) / row.name
        folder.mkdir()
        return table.measured(row.case(clone, folder), docker, sizes, Path(name), cache)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.optimizations.public", description=__doc__
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--cache", type=Path, default=images.CACHE, metavar="DIR")
    parser.add_argument("--markdown", action="store_true", help="print a table in Markdown")
    given = parser.parse_args(argv)
    builders.clean_up_when_told_to_end()
    found: list[table.Row] = []
    broken: list[str] = []
    with builders.docker(busybox=True, network=True) as docker:
        sizes = Sizes(docker)
        for row in rows():
            clone = row.clone(given.folder)
            if not clone.exists():
                print(f"{row.repository}: no clone in {clone}", file=sys.stderr)
                continue
            print(row.repository, file=sys.stderr)
            try:
                found.append(_tried(row, clone, docker, sizes, given.cache))
            except Broken as reason:
                broken.append(str(reason))
    print(table.markdown(found) if given.markdown else table.text(found))
    print(*broken, sep="\n", end="\n" * bool(broken))
    return 1 if broken or not found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
