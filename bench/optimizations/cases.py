"""The projects in `fixtures/optimizations/`, and what is promised of them."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any, NamedTuple, cast

from stagelint import discover
from stagelint.edit import Guarantee
from stagelint.model.file import File

FIXTURES = Path(__file__).parents[2] / "fixtures" / "optimizations"


class Case(NamedTuple):
    """A project to build as it is and as the fixes of some rules make it: a folder with `project/`,
    the files in `expected/` that are other or new then, and `case.toml`, which says what follows."""

    folder: Path
    rules: tuple[str, ...]
    guarantee: Guarantee
    smoke: tuple[str, ...] | None = None
    """What follows the image in a command that must succeed; None if there is no such command."""
    expect: str = ""
    """What it then prints, among other things."""
    serves: int = 0
    """Instead, the port on which a container of it answers a GET of *page* with 200."""
    page: str = "/"
    touch: tuple[str, ...] = ()
    """The files of the context that change before it is built again."""
    args: tuple[str, ...] = ()
    """Build arguments that it is given then, `NAME=value` each."""
    ci: bool = False
    """Is it built whenever all tests run?"""

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def expected(self) -> Path:
        return self.folder / "expected"

    @property
    def changes_context(self) -> bool:
        """Is another file than the Dockerfile rewritten?"""
        return any(each.name != "Dockerfile" for each in self.expected.rglob("*") if each.is_file())

    def write(self, before: Path, after: Path) -> None:
        """Copy the project into two new folders, and make of the second what the fixes make of it."""
        for folder in (before, after):
            shutil.copytree(self.project, folder)
        shutil.copytree(self.expected, after, dirs_exist_ok=True)

    def images(self) -> set[str]:
        """What is not built but taken from somewhere, before and after."""
        files = [
            File(discover.read(str(folder / "Dockerfile")))
            for folder in (self.project, self.expected)
            if (folder / "Dockerfile").exists()
        ]
        bases = {stage.base.image for file in files for stage in file.stages}
        others = {each.image for file in files for each in file.graph.references}
        return {each for each in bases | others if each and each != "scratch"}


def read(folder: Path) -> Case:
    """The case in *folder*. Raises TypeError for a key that is unknown, ValueError for a guarantee."""
    said = tomllib.loads((folder / "case.toml").read_text("utf-8"))
    lists = {
        key: tuple(cast("list[str]", value))
        for key, value in said.items()
        if isinstance(value, list)
    }
    given: dict[str, Any] = {**said, **lists}
    given["guarantee"] = Guarantee(given["guarantee"])
    if "expect" in given:
        given.setdefault("smoke", ())
    return Case(folder, **given)


def every() -> list[Case]:
    """By name."""
    return [read(path.parent) for path in sorted(FIXTURES.glob("*/case.toml"))]
