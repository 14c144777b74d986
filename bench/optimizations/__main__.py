"""What optimizations gain, by real builds: `python -m bench.optimizations [CASE...]`.

Builds the projects in `fixtures/optimizations/`, or those named, before and after, with Docker's own
BuildKit; base images are stand-ins (`images.py`). Prints a table: of the image the size, uncompressed
and with every layer in gzip, and the layers; and the seconds of a build without any cache, and of one
more after files have changed. Exits with 1 if a case does not keep what it promises.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.equivalence import builders
from bench.optimizations import cases, images, table
from bench.optimizations.compressed import Sizes
from bench.optimizations.project import Broken


def main(argv: list[str]) -> int:
    given = _options(argv)
    chosen = [each for each in cases.every() if not given.cases or each.name in given.cases]
    unknown = set(given.cases) - {each.name for each in chosen}
    if unknown:
        print(f"no such case: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    builders.clean_up_when_told_to_end()
    rows: list[table.Row] = []
    broken: list[str] = []
    with builders.docker(busybox=True, network=True) as docker:
        sizes = Sizes(docker)
        for case in chosen:
            print(case.name, file=sys.stderr)
            with tempfile.TemporaryDirectory(prefix="sl") as name:
                try:
                    rows.append(table.measured(case, docker, sizes, Path(name), given.cache))
                except Broken as reason:
                    broken.append(str(reason))
    print(table.markdown(rows) if given.markdown else table.text(rows))
    print(*broken, sep="\n", end="\n" * bool(broken))
    return 1 if broken else 0


def _options(argv: list[str]) -> Any:
    parser = argparse.ArgumentParser(prog="python -m bench.optimizations", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--markdown", action="store_true", help="print a table in Markdown")
    parser.add_argument(
        "--cache",
        type=Path,
        default=images.CACHE,
        metavar="DIR",
        help="keep the stand-ins here (default: %(default)s)",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
