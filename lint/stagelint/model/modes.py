"""What `chmod` makes of the permissions of a file. Source: the chmods of GNU coreutils 9.1 and busybox, tried."""

from __future__ import annotations

import re

#: What is in force in a RUN: a clause of a mode that says not for whom keeps to it. BuildKit has it as well.
UMASK = 0o022
_NUMBER = r"0?[0-7]{3}"
#: Without `=X`, about which the two disagree, and without what takes more than three letters to say.
_CLAUSE = r"([ugoa]*)((?:[-+][rwxX]*|=[rwx]*)+)"
_ACTION = r"([-+=])([rwxX]*)"
_WHO = {"u": 0o700, "g": 0o070, "o": 0o007, "a": 0o777}
_WHAT = {"r": 0o444, "w": 0o222, "x": 0o111}


def is_number(mode: str) -> bool:
    """Is *mode* a number, and about permissions alone?"""
    return re.fullmatch(_NUMBER, mode) is not None


def changed(mode: str, before: int | None, *, is_folder: bool = False) -> int | None:
    """The permissions that *mode*, as `chmod` is told it, makes of *before*.

    None if that cannot be told: *before* is not known and counts, or more than permissions is at stake.
    """
    if is_number(mode):
        return int(mode, 8)
    if before is None or before > 0o777:
        return None
    for clause in mode.split(","):
        told = re.fullmatch(_CLAUSE, clause)
        if told is None:
            return None
        before = _applied(told[1], told[2], before, is_folder=is_folder)
    return before


def _applied(who: str, actions: str, mode: int, *, is_folder: bool) -> int:
    """What a clause makes of *mode*."""
    meant = 0
    for each in who or "a":
        meant |= _WHO[each]
    for sign, what in re.findall(_ACTION, actions):
        told = what.replace("X", "x" if is_folder or mode & 0o111 else "")
        bits = sum(_WHAT[each] for each in set(told)) & (meant if who else meant & ~UMASK)
        kept = mode & ~(meant if sign == "=" else bits)
        mode = kept if sign == "-" else kept | bits
    return mode
