"""Would a test notice? `python -m bench.mutation [MODULE...]` changes one thing at a time, and looks.

The modules are those that decide what `--fix` may write (TESTS). Each mutant is put in the place of
its module before anything has imported that, and the tests about it run in a fork until one fails.
Prints those that survive, then mutants, killed and explained of every module. `equivalent.tsv` says
of survivors why nobody could tell them from the original: module, mutant, reason. Exits with 1 if
one survives that is not there, or if what is there does not survive.
"""

from __future__ import annotations

import argparse
import ast
import csv
import importlib.util
import os
import signal
import sys
import types
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path

import hypothesis
import pytest

from bench.mutation.mutants import mutants

ROOT = Path(__file__).parent.parent.parent
#: Which tests are about a module; a mutant that those of one file leave alive, meets the next.
TESTS = {
    "proof": "tests/test_proof.py tests/test_build.py tests/test_fixing.py",
    "edit": "tests/test_edits.py tests/test_fixing.py",
}
#: Tests that take seconds and find nothing that others do not.
_SLOW = "hostile_files or any_file_settles or settles_and or replacing_them or keeps_every_target"
#: Seconds after which a mutant that does not end counts as noticed.
_LONGEST = 60


class _Instead(MetaPathFinder, InspectLoader):
    """Lets the import of one module give another program."""

    def __init__(self, module: str, path: str, tree: ast.Module) -> None:
        self._module = module
        self._path = path
        self._tree = tree

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def get_code(self, fullname: str) -> types.CodeType:
        return compile(self._tree, self._path, "exec")

    def get_source(self, fullname: str) -> None:
        return None


def survives(tests: str, finder: MetaPathFinder | None = None) -> bool:
    """Do all *tests* pass with what *finder* finds, file after file?"""
    return all(_passes(path, finder) for path in tests.split())


def _passes(path: str, finder: MetaPathFinder | None) -> bool:
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    failed = 1
    try:
        signal.alarm(_LONGEST)
        if finder:
            sys.meta_path.insert(0, finder)
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            os.dup2(nowhere.fileno(), 2)
            quick = ("-x", "-q", "-p", "no:cacheprovider", "-k", f"not ({_SLOW})")
            failed = pytest.main([*quick, path])
    finally:
        os._exit(failed)


def survivors(module: str) -> Iterator[tuple[str, bool]]:
    """Each mutant of a module of stagelint, and whether it survives."""
    name = f"stagelint.{module}"
    path = ROOT / "lint" / (name.replace(".", "/") + ".py")
    for mutant in mutants(path.read_text()):
        lives = survives(TESTS[module], _Instead(name, str(path), mutant.tree))
        if lives:
            print(f"{path.relative_to(ROOT)}:{mutant.line}: {mutant.name}", flush=True)
        yield mutant.name, lives


def _explained() -> dict[str, set[str]]:
    with Path(__file__).with_name("equivalent.tsv").open(newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    found: dict[str, set[str]] = {module: set() for module in TESTS}
    for module, name, _reason in rows[1:]:
        found[module].add(name)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(TESTS)}")
    modules = parser.parse_args().modules or list(TESTS)
    os.chdir(ROOT)
    hypothesis.settings.register_profile("same", database=None, derandomize=True)
    hypothesis.settings.load_profile("same")
    explained = _explained()
    rows: list[str] = []
    is_right = True
    for module in modules:
        if not survives(TESTS[module]):
            sys.exit(f"the tests of {module} fail as it is: {TESTS[module]}")
        made = dict(survivors(module))
        alive = {name for name, lives in made.items() if lives}
        for name in sorted(explained[module] - alive):
            print(f"{module}: does not survive, but is explained: {name}")
        is_right &= alive == explained[module]
        known = len(alive & explained[module])
        rows.append(f"{module:16}{len(made):>8}{len(made) - len(alive):>8}{known:>11}")
    print(f"{'module':16}{'mutants':>8}{'killed':>8}{'explained':>11}", *rows, sep="\n")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
