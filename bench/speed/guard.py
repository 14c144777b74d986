"""Does a change cost more work? `python -m bench.speed.guard` counts machine instructions.

Seconds on a shared machine say nothing of a few per cent. Instructions do: valgrind counts the same
number each time, within a thousandth. Another build of Python or of the C library needs others, so the
unit is what the same Python takes for work of its own library: to import modules, for the start, and
to tokenise a text, for the rest. Between the CPythons 3.11 of Debian 12 and of pyenv, counts differ by
a sixth, and in these units by 2 %. Another minor version of Python has other bytecode: a baseline is of
one.

    python -m bench.speed.guard            # exits with 1 if one is off its baseline
    python -m bench.speed.guard --write    # the baseline anew, after a change that is worth it
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bench.speed.inputs import ROOT, one_file, scripts

BASELINE = Path(__file__).with_name("baseline.tsv")
#: Of Python; the baseline is of this minor version.
VERSION = (3, 11)
#: How far off a count may be: what other builds of the same Python differ by, and a little.
TOLERANCE = 0.04

_PATH = f"import sys; sys.path[:0] = {[str(ROOT / 'lint'), str(ROOT / 'rules')]!r}\n"
_LINT = "from stagelint.cli import main; main(['--isolated', '--exit-zero', '--output-format', 'concise', {!r}])"
_TIMES = 5

Work = tuple[str, str]
"""A script, and one whose instructions are taken off from its."""

_IMPORTING: Work = (
    "import argparse, ast, configparser, email.message, html.parser, json, logging, tokenize, zipfile",
    "pass",
)
_TOKENISING: Work = (
    (
        "import tokenize, io\n"
        "text = 'def name(first, *rest):\\n    return [first + 1.5, \"text\", *rest]\\n' * 500\n"
        "for _ in tokenize.generate_tokens(io.StringIO(text).readline): pass"
    ),
    "import tokenize, io",
)
#: What is counted, with its unit.
_WORK: dict[str, tuple[Work, Work]] = {
    "start": ((_PATH + _LINT.format("empty"), "pass"), _IMPORTING),
    "parse": (
        (
            _PATH + "from stagelint.syntax import parse\n"
            f"text = open('both').read()\nfor _ in range({_TIMES}): parse(text)",
            _PATH + "from stagelint.syntax import parse",
        ),
        _TOKENISING,
    ),
    "lint stages": ((_PATH + _LINT.format("stages"), _PATH + _LINT.format("empty")), _TOKENISING),
    "lint scripts": ((_PATH + _LINT.format("scripts"), _PATH + _LINT.format("empty")), _TOKENISING),
}


@cache
def _instructions(script: str, folder: Path) -> int:
    """Those of a Python that runs *script* in *folder*, with its modules compiled before."""
    environment = {"PYTHONHASHSEED": "0", "PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    python = [sys.executable, "-S", "-c", script]
    subprocess.run(python, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    count = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    done = subprocess.run(
        [*count, *python], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if found is None:
        raise RuntimeError(f"valgrind said: {done.stderr[-500:]}")
    return int(found[1].replace(",", ""))


def _net(work: Work, folder: Path) -> int:
    script, less = work
    return _instructions(script, folder) - _instructions(less, folder)


def is_possible() -> bool:
    """Is there a valgrind, and the Python that the baseline is of?"""
    return sys.version_info[:2] == VERSION and shutil.which("valgrind") is not None


def counts() -> Iterator[tuple[str, float]]:
    """What is counted, in units."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "empty").write_text("FROM scratch\n", "utf-8")
        (folder / "stages").write_text(one_file(), "utf-8")
        (folder / "scripts").write_text(scripts(), "utf-8")
        (folder / "both").write_text(one_file() + scripts(), "utf-8")
        units = {unit: _net(unit, folder) for _, unit in _WORK.values()}
        for name, (work, unit) in _WORK.items():
            yield name, _net(work, folder) / units[unit]


def baseline() -> dict[str, float]:
    """What is committed."""
    lines = BASELINE.read_text("utf-8").splitlines()
    return {name: float(units) for name, units in (line.split("\t") for line in lines)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.speed.guard")
    parser.add_argument("--write", action="store_true", help="write the baseline anew")
    given = parser.parse_args()
    if not is_possible():
        print(f"needs valgrind and Python {'.'.join(map(str, VERSION))}", file=sys.stderr)
        return 2
    found = dict(counts())
    if given.write:
        BASELINE.write_text("".join(f"{k}\t{v:.3f}\n" for k, v in found.items()), "utf-8")
    wanted, wrong = baseline(), False
    for name, units in found.items():
        off = units / wanted[name] - 1
        wrong = wrong or abs(off) > TOLERANCE
        print(f"{name}: {units:.3f} units, baseline {wanted[name]:.3f} ({off:+.1%})")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
