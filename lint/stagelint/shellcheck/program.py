"""ShellCheck as a process: one for all scripts, with bounds of time and output.

It is started without a shell and without the settings that people have for their own scripts, reads
nothing but files of ours, and writes JSON.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from time import monotonic
from typing import Any

from stagelint.source import encode
from stagelint.tuples import NamedTuple
from stagelint.verify.process import orderly_end

#: Scripts of one process, whose names must fit on a command line of Windows.
AT_ONCE = 2000
#: Bytes that a process may write.
MAX_OUTPUT = 64 << 20
#: Seconds for a process, and for each of its scripts; a real one takes 0.01.
SECONDS, SECONDS_EACH = 10.0, 0.05


class Replacement(NamedTuple):
    """Text for a range of a script, lines and columns 1-based, a tab being one column."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    is_behind: bool
    """Does it belong to what stands before it?"""


class Comment(NamedTuple):
    """What ShellCheck says of a place."""

    code: int
    level: str
    message: str
    line: int
    column: int
    end_line: int
    end_column: int
    fix: tuple[Replacement, ...]


def ask(program: str, documents: Sequence[str]) -> list[list[Comment] | None]:
    """What the ShellCheck at the path *program* says of each of *documents*.

    None for one that it could not judge, or not in time. Raises `OSError` if it cannot be started.
    """
    said: list[list[Comment] | None] = []
    deadline = monotonic() + 7 * SECONDS + 2 * SECONDS_EACH * len(documents)
    with orderly_end():
        for at in range(0, len(documents), AT_ONCE):
            said += _divided(program, documents[at : at + AT_ONCE], deadline)
    return said


def _divided(program: str, documents: Sequence[str], deadline: float) -> list[list[Comment] | None]:
    """As `ask`; where one document spoils it for all, the halves are asked about again."""
    time = min(SECONDS + SECONDS_EACH * len(documents), deadline - monotonic())
    said = _together(program, documents, time) if time > 0 else None
    if said is not None:
        return [*said]
    if len(documents) == 1 or time <= 0:
        return [None] * len(documents)
    half = len(documents) // 2
    first = _divided(program, documents[:half], deadline)
    return first + _divided(program, documents[half:], deadline)


def _together(program: str, documents: Sequence[str], seconds: float) -> list[list[Comment]] | None:
    """One process for all *documents*; None if it fails."""
    # A script can have ShellCheck read another one that it can name, again and again.
    prefix = secrets.token_hex(4)
    names = [f"{prefix}-{number}" for number in range(len(documents))]
    with TemporaryDirectory(prefix="stagelint-") as folder:
        for name, document in zip(names, documents, strict=True):
            Path(folder, name).write_bytes(encode(document))
        output = _output([program, "--norc", "--format=json1", *names], folder, seconds)
    return None if output is None else _read(output, names)


def _output(command: Sequence[str], folder: str, seconds: float) -> bytes | None:
    """What *command* writes, run in *folder*; None if that is too much or takes too long."""
    kept = {name: value for name, value in os.environ.items() if name != "SHELLCHECK_OPTS"}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=kept,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        timer = Timer(seconds, process.kill)
        timer.start()
        try:
            assert process.stdout
            output = process.stdout.read(MAX_OUTPUT)
        finally:
            timer.cancel()
            process.kill()  # which ends what is not over; Popen waits for it
    return output


def _read(output: bytes, names: Sequence[str]) -> list[list[Comment]] | None:
    import json

    said: dict[str, list[Comment]] = {name: [] for name in names}
    try:
        for each in json.loads(output)["comments"]:
            if each["file"] in said:
                said[each["file"]].append(_comment(each))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return list(said.values())


def _comment(each: dict[str, Any]) -> Comment:
    fix: dict[str, Any] = each["fix"] or {"replacements": ()}
    return Comment(
        int(each["code"]),
        str(each["level"]),
        str(each["message"]),
        *_range(each),
        tuple(
            Replacement(
                *_range(one), str(one["replacement"]), one["insertionPoint"] == "beforeStart"
            )
            for one in fix["replacements"]
        ),
    )


def _range(each: dict[str, Any]) -> tuple[int, int, int, int]:
    return int(each["line"]), int(each["column"]), int(each["endLine"]), int(each["endColumn"])
