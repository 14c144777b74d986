"""ShellCheck on the scripts of RUN: a program by others, which is asked if codes `SC` are selected.

None of its checks is on unless selected: a file must have the same findings on every machine, and
the program is there on few. Nor would most earn a failing run. Of what it said of 3,200 real files,
150 findings on distinct lines were judged by eye:

- right throughout were its errors, apart from texts that are templates of Dockerfiles or scripts of
  cmd: `&>`, braces and `echo -e` given to dash (SC3020, SC3009, SC3036), `>` or a glob in a test
  (SC2071, SC2144); `&>` in an `apt-get update` runs it in the background;
- right, but seldom a mistake that shows in a build, in which variables hold no blanks and a shell of
  one line has one exit status: SC2086, SC2046, SC2155, SC2006, SC2035, which are two thirds of all;
- wrong more often than right: SC1007 (`ARCH= OTHER=`), SC2016 (sed, and code for later), SC2043 (a
  list of one key).

What it says of portability is left out where nobody knows which shell `/bin/sh` is: all of it was
wrong there.
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
