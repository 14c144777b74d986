"""The command as a process: `python -m stagelint`, and what is installed as `stagelint`.

A run on one file is over in less time than Python takes to look for garbage and to take itself apart.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys

from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

#: Objects made between two searches for garbage; Python's own 700 makes a search every few lines.
gc.set_threshold(50_000, 20, 20)

#: As in `cli`, which may not have been imported when they are needed.
ERROR, INTERRUPTED = 2, 130


def run() -> NoReturn:
    """Run the command line of the process, and end it; with 2 after a defect, since 1 is a finding."""
    try:
        from stagelint.cli import main

        status = main()
    except KeyboardInterrupt:  # so soon that there is nothing to say
        status = INTERRUPTED
    except Exception as defect:  # noqa: BLE001 - whatever it is
        if isinstance(defect.__cause__, KeyboardInterrupt):  # while Python 3.11 made a class
            status = INTERRUPTED
        else:
            sys.excepthook(type(defect), defect, defect.__traceback__)
            status = ERROR
    with contextlib.suppress(AttributeError, OSError, ValueError):  # closed, or nobody reads it
        sys.stderr.flush()
    os._exit(status)  # as mypy does: nothing is left to be done, and to free memory takes long


def _leave_out_the_current_folder() -> None:
    """`python -m` looks for modules there first; in a repository they are whatever somebody put there.

    What runs before this is up to Python, and to its option -P.
    """
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if not sys.flags.safe_path and sys.path and sys.path[0] != own:
        del sys.path[0]


if __name__ == "__main__":
    _leave_out_the_current_folder()
    run()
