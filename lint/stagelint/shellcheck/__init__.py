"""ShellCheck on the scripts of RUN: a program by others, which is asked if codes `SC` are selected."""

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
