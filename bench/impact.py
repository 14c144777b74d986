"""Does BuildKit run again what stagelint foresees?

    python -m bench.impact [--edits N] [--seed N] [PROJECT...]

builds the projects (by default those in `fixtures/impact`, which need nothing but busybox), then
edits each in many ways, always in a new copy of it and one edit at a time: bytes, modes, times, files
that come and go, links, ignored files, `.dockerignore`, ARGs, instructions, the base image. After
each, BuildKit tells which steps it does not find in its cache, and stagelint which it expected.
Printed are the edits of which it was wrong, and a table: of the steps it is certain of, how many ran
(precision); of those that ran, how many it named, certainly or perhaps (recall).
"""

from __future__ import annotations

import argparse
import io
import os
import random
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.equivalence import builders
from stagelint import contexts
from stagelint.model.context import Context
from stagelint.model.dockerignore import DockerIgnore
from stagelint.model.file import File
from stagelint.model.rebuild import Change, Fate, Rebuild
from stagelint.source import Source
from stagelint.trace import Trace

PROJECTS = Path(__file__).parent.parent / "fixtures" / "impact"


class Edit(NamedTuple):
    """Something done to one file of a project, or to a build of it."""

    kind: str
    path: str
    """Of the file, from the top of the project."""
    do: Callable[[Path], object]
    """Does it to the file at that path."""
    change: Change
    args: tuple[str, ...] = ()
    """Of the command that builds."""
    gone: str = ""
    """What is not sent any more: to BuildKit it is the same how that comes, and it has a cache."""


class Result(NamedTuple):
    """What became of the steps, each by its number among those of the target."""

    project: str
    edit: Edit
    target: str
    runs: frozenset[int]
    """These stagelint is certain of."""
    perhaps: frozenset[int]
    ran: frozenset[int]
    names: tuple[str, ...]

    @property
    def is_wrong(self) -> bool:
        return not self.runs <= self.ran <= self.runs | self.perhaps


class Project:
    """A folder with a Dockerfile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.parent.name if folder.name == "project" else folder.name
        self.file = file_of(folder)
        graph = self.file.graph
        self.targets = [each.index for each in self.file.stages if not graph.used_by(each.index)]

    def edits(self) -> Iterator[Edit]:
        """Everything that is tried, in some order."""
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if path.is_symlink():
                yield Edit("link", name, _lead_elsewhere, Change((name,)))
            elif path.is_dir():
                yield from _in_folder(name, path)
            elif name not in ("Dockerfile", ".dockerignore"):
                yield from _of_file(name)
        yield from _in_folder(".", self.folder)
        yield from self._ignoring()
        yield from self._instructions()
        yield from self._values()
        used = sorted({each.image for each in self.file.graph.references if each.image})
        if used == ["busybox"]:
            yield Edit("image", ".", Path.exists, Change(images=used))

    def _ignoring(self) -> Iterator[Edit]:
        """Another line in `.dockerignore`, which takes a file out of the context."""
        for path in sorted(self.folder.glob("*/*")):
            gone, name = path.relative_to(self.folder).as_posix(), ".dockerignore"
            do = partial(_append, text=f"\n{gone}\n")
            yield Edit("ignore", name, do, Change((name,)), gone=gone)

    def _instructions(self) -> Iterator[Edit]:
        """Another RUN, and one that says something else."""
        text = self.file.source.text
        for stage in self.file.stages:
            for each in stage.by_keyword("RUN"):
                end = each.code_span.end
                for kind, added in (("text", " && true"), ("insert", "\nRUN true inserted")):
                    if not each.heredocs:
                        do = partial(_write, text=text[:end] + added + text[end:])
                        yield Edit(kind, "Dockerfile", do, Change(("Dockerfile",)))

    def _values(self) -> Iterator[Edit]:
        arguments = [each for each in self.file.tree.instructions if each.keyword == "ARG"]
        for name in sorted({pair.key for each in arguments for pair in each.pairs}):
            value = "fancy" if name == "BASE" else f"changed-{name}"
            change = Change(args=(name,))
            yield Edit(f"ARG {name}", ".", Path.exists, change, (f"--build-arg={name}={value}",))


def file_of(folder: Path) -> File:
    """The Dockerfile in *folder*."""
    path = folder / "Dockerfile"
    return File(Source(str(path), path.read_text()))


def context_of(folder: Path) -> Context:
    """What of *folder* is sent to the builder."""
    ignored = folder / ".dockerignore"
    ignore = DockerIgnore(Source("", ignored.read_text())) if ignored.exists() else None
    found = contexts.read(str(folder), ignore)
    assert found
    return found


def _of_file(name: str) -> Iterator[Edit]:
    yield Edit("append", name, partial(_append, text="appended\n"), Change((name,)))
    yield Edit("mode", name, partial(Path.chmod, mode=0o750), Change((name,)))
    yield Edit("time", name, partial(os.utime, times=(1, 1)), Change())
    yield Edit("delete", name, Path.unlink, Change((name,)), gone=name)


def _in_folder(name: str, folder: Path) -> Iterator[Edit]:
    suffixes = sorted({each.suffix for each in folder.iterdir() if each.is_file()})
    for new in (*(f"new{each}" for each in suffixes), "fresh/deep.txt"):
        path = f"{name}/{new}".removeprefix("./")
        yield Edit("add", path, partial(_append, text="new\n"), Change((path,)))
    yield Edit("time of folder", name, partial(os.utime, times=(1, 1)), Change())


def _append(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(text)


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _lead_elsewhere(path: Path) -> None:
    target = os.readlink(path)
    path.unlink()
    path.symlink_to({"releases/1": "releases/2"}.get(target, "outside.txt"))


class Oracle:
    """Asks a daemon, whose images are all that the projects need."""

    def __init__(self, docker: builders.Docker, folder: Path) -> None:
        self._docker = docker
        self._folder = folder
        self._numbers = iter(range(sys.maxsize))

    def prepare(self, project: Project) -> None:
        """Build all that the project can be asked for. Raises RuntimeError."""
        for target in project.targets:
            if self._build(project.folder, project, target) is None:
                raise RuntimeError(f"{project.name} does not build")

    def ask(self, project: Project, edit: Edit, target: int) -> Result | None:
        """What an edit changes for a *target*; None if it does not build any more."""
        copy = self._folder / f"{project.name}-{next(self._numbers)}"
        shutil.copytree(project.folder, copy, symlinks=True)
        edit.do(copy / edit.path)
        with self._as_after(edit):
            built = self._build(copy, project, target, *edit.args)
        after, context = file_of(copy), context_of(copy)
        shutil.rmtree(copy)
        if built is None:
            return None
        change = edit.change
        if ".dockerignore" in change.paths:
            before = context_of(project.folder).ignore
            change = change._replace(crossing=context.told_apart_by(before))
        reruns = Rebuild(after, project.file, context).after(change, target)
        places = {
            (place.stage.label, place.number): number
            for number, each in enumerate(reruns)
            for place in each.step.places
        }
        only = after.stages[0].label
        ran = {
            places[each.stage or only, each.number]
            for each in built.timings
            if each.seconds is not None and not each.text.startswith("FROM ")
        }
        fates = [each.fate for each in reruns]
        return Result(
            project.name,
            edit,
            after.stages[target].label,
            frozenset(at for at, fate in enumerate(fates) if fate is Fate.RUNS),
            frozenset(at for at, fate in enumerate(fates) if fate is Fate.PERHAPS),
            frozenset(ran),
            tuple(each.step.instruction.logical.text for each in reruns),
        )

    @contextmanager
    def _as_after(self, edit: Edit) -> Generator[None]:
        """Another busybox in the place of the one there is, if that is the edit."""
        if not edit.change.images:
            yield
            return
        self._docker.run("tag", "busybox", "busybox:before")
        self._docker.run("import", "-", "busybox", data=_other_busybox())
        try:
            yield
        finally:
            self._docker.run("tag", "busybox:before", "busybox")

    def _build(self, folder: Path, project: Project, target: int, *args: str) -> Trace | None:
        label = project.file.stages[target].name
        wanted = [f"--target={label}"] if label else []
        output = ("--progress=rawjson", "--output=type=cacheonly")
        done = self._docker.run(
            "buildx", "build", *output, *wanted, *args, str(folder), check=False
        )
        return None if done.returncode else Trace(done.stderr.splitlines())


def _other_busybox() -> bytes:
    """One with a file more: of images with the same layers BuildKit keeps the steps."""
    tree = io.BytesIO(builders.busybox_tree())
    with tarfile.open(fileobj=tree, mode="a") as tar:
        tar.addfile(tarfile.TarInfo("changed"))
    return tree.getvalue()


class Score(NamedTuple):
    """How well the steps were foreseen."""

    certain: int
    certain_that_ran: int
    perhaps: int
    perhaps_that_ran: int
    ran: int
    missed: int
    steps: int

    def lines(self) -> Iterator[str]:
        """For people."""
        named = self.certain + self.perhaps
        right = self.certain_that_ran + self.perhaps_that_ran
        yield f"{self.ran} of {self.steps} steps ran"
        yield f"named for certain  {self.certain:5}  of these ran {_share(self.certain_that_ran, self.certain)}"
        yield f"named as perhaps   {self.perhaps:5}  of these ran {_share(self.perhaps_that_ran, self.perhaps)}"
        yield f"named at all       {named:5}  of these ran {_share(right, named)} (precision)"
        yield f"ran                {self.ran:5}  of these were named {_share(self.ran - self.missed, self.ran)} (recall)"


def _share(part: int, whole: int) -> str:
    return f"{part} = {part / whole:.1%}" if whole else "none"


def score(results: Iterable[Result]) -> Score:
    """Of all steps of all edits together."""
    counts = [
        Score(
            len(each.runs),
            len(each.runs & each.ran),
            len(each.perhaps),
            len(each.perhaps & each.ran),
            len(each.ran),
            len(each.ran - each.runs - each.perhaps),
            len(each.names),
        )
        for each in results
    ]
    return Score(*map(sum, zip(*counts, strict=True))) if counts else Score(0, 0, 0, 0, 0, 0, 0)


def try_out(
    docker: builders.Docker, projects: Sequence[Project], edits: int, seed: int
) -> list[Result]:
    """The results of so many edits, drawn from all there are; those that break a build do not count."""
    chance = random.Random(seed)
    drawn = [(project, edit) for project in projects for edit in project.edits()]
    chance.shuffle(drawn)
    found: list[Result] = []
    gone: set[tuple[str, str]] = set()
    with tempfile.TemporaryDirectory(dir=docker.folder) as folder:
        oracle = Oracle(docker, Path(folder))
        for project in projects:
            oracle.prepare(project)
        for project, edit in drawn:
            if len(found) == edits:
                break
            if edit.gone and (project.name, edit.gone) in gone:
                continue
            gone.add((project.name, edit.gone))
            result = oracle.ask(project, edit, chance.choice(project.targets))
            if result:
                found.append(result)
    return found


def told(result: Result) -> Iterator[str]:
    """What was foreseen wrongly."""
    edit = result.edit
    yield f"{result.project} ({result.target}): {edit.kind} {edit.gone or edit.path}"
    for number in sorted(result.ran - result.runs - result.perhaps):
        yield f"  ran, though it was not named: {result.names[number]}"
    for number in sorted(result.runs - result.ran):
        yield f"  was cached, though it was named for certain: {result.names[number]}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Does BuildKit run again what stagelint foresees?")
    parser.add_argument("projects", nargs="*", type=Path, metavar="PROJECT")
    parser.add_argument("--edits", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=7, metavar="N")
    given = parser.parse_args()
    builders.clean_up_when_told_to_end()
    folders = given.projects or sorted(each.parent for each in PROJECTS.glob("*/Dockerfile"))
    projects = [Project(each) for each in folders]
    with builders.docker(busybox=True, containerd=True) as docker:
        results = try_out(docker, projects, given.edits, given.seed)
    for result in results:
        if result.is_wrong:
            print(*told(result), sep="\n")
    print(
        f"{len(results)} edits of {len(projects)} projects, {sum(each.is_wrong for each in results)} foreseen wrongly"
    )
    print(*score(results).lines(), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
