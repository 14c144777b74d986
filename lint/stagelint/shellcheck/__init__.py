"""ShellCheck on the scripts of RUN: a program by others, which is asked if codes `SC` are selected.

None of its checks is on unless selected: a file must have the same findings on every machine, and
the program is there on few. Nor would most earn a failing run. Of 90 findings on distinct lines in
4,000 real files that were judged by eye (`bench/reviews/shellcheck.tsv`), 33 were right, 14 wrong, and
43 true of the shell but without a consequence for the build:

- right throughout were its errors, apart from texts that are templates of Dockerfiles: `&>` and
  braces given to dash (SC3020, SC3009), `>` or a glob in a test (SC2071, SC2144). `apt-get update
  &> /dev/null` runs in the background;
- without a consequence were most of SC2086, SC2046 and SC2035, three fifths of all findings: the
  variables of a build hold no blanks, or are meant to be split;
- wrong were SC1007 (`ARCH= OTHER=`), SC2016 (sed, and code for later) and SC2043 (a list of one key).

What it says of portability is left out where nobody knows which shell `/bin/sh` is: it was wrong in
the images in which somebody could tell.
"""

from __future__ import annotations

import os
import sys

_NAMES = ("shellcheck.exe",) if sys.platform == "win32" else ("shellcheck",)


def find() -> str | None:
    """The absolute path of the program: beside the interpreter, where the extra `shellcheck`
    installs it, else in a folder of PATH. The current folder is never searched."""
    folders = [os.path.dirname(sys.executable), *os.get_exec_path()]
    for folder in folders:
        for name in _NAMES:
            path = os.path.join(folder, name)
            if os.path.isabs(path) and os.path.isfile(path) and os.access(path, os.X_OK):
                return path
    return None
