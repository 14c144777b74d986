"""Users and groups that are made after a COPY, and can be made before it."""

from __future__ import annotations

import re

from stagelint.model import inventory
from stagelint.model.accounts import CHANGERS, MAKERS, Account, accounts
from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.moments import Moment
from stagelint.model.outputs import is_in
from stagelint.model.placement import OF_SYSTEM, destination, is_file
from stagelint.model.run_editing import step_of
from stagelint.model.run_steps import Step
from stagelint.source import Span
from stagelint.tuples import NamedTuple

#: Folders in which nothing decides who is made, nor what a home has in it.
_HARMLESS = "/opt /srv /tmp /usr/local /usr/share /usr/src /var/cache /var/lib /var/log /var/www /mnt /media".split()


class Moved(NamedTuple):
    """What makes accounts between a COPY and a call of a later RUN."""

    accounts: tuple[Account, ...]
    steps: tuple[tuple[Moment, Span], ...]
    """The commands, with the RUNs that they are parts of, in order."""
    doubt: str
    """Why they may not do the same before that COPY; empty if they do."""


def moved(file: File, run: Moment, call: Call, first: Moment, folder: str) -> Moved:
    """Those made between the COPY *first* to *folder* and *call* of *run*, both of the same stage."""
    found: list[Account] = []
    steps: list[tuple[Moment, Span]] = []
    doubt = ""
    for moment in _since(file, first, run):
        doubt = doubt or _objection(file, moment, first, folder)
        makers = [each for each in accounts(moment) if _is_before(each.call, call, moment, run)]
        for account in makers:
            found.append(account)
            step = step_of(moment, account.call)
            if step is None or moment.instruction.flags:
                doubt = doubt or f"`{account.call.name}` is no command of its own"
            else:
                steps.append((moment, step.span))
                doubt = doubt or _unclear(file, first, run, step)
        others = [each.name for each in moment.calls if _is_before(each, call, moment, run)]
        if any(name in OF_SYSTEM - MAKERS for name in others) and any(
            each.is_system for each in found
        ):
            doubt = doubt or "packages that are installed in between may make users, too"
        if sum(name in MAKERS for name in others) > len(makers) or CHANGERS & {*others}:
            doubt = doubt or "who is made in between is not certain"
    return Moved(tuple(found), tuple(steps), doubt)


def _is_before(each: Call, call: Call, moment: Moment, run: Moment) -> bool:
    return moment is not run or each.span.start < call.span.start


def _since(file: File, first: Moment, run: Moment) -> list[Moment]:
    own = file.moments(run.stage)
    return own[own.index(first) : own.index(run) + 1]


def _objection(file: File, moment: Moment, first: Moment, folder: str) -> str:
    """Why *moment* may decide what a command does that makes an account."""
    node = moment.instruction
    if (moment.user, moment.shell) != (first.user, first.shell):
        return "it is another user, or another shell, that makes the user"
    if node.keyword in ("COPY", "ADD"):
        place = destination(moment)
        if place is None or not (
            is_in(place, folder)
            or any(is_in(place, each) for each in _HARMLESS)
            or inventory.lacks(moment.image, place)
            or (place == "/" and all(is_file(file, moment, each) for each in moment.local_sources))
        ):
            return "what is copied in between may decide who is made"
    return ""


def _unclear(file: File, first: Moment, run: Moment, step: Step) -> str:
    """Why the text of *step* may mean something else at *first*."""
    (call,) = step.calls
    text = file.source.text[step.span.start : step.span.end]
    if "\n" in text and run.instruction.escape != "\\":
        return "the command that makes the user is divided into lines"
    names = {
        pair.key
        for each in _since(file, first, run)
        if each.instruction.keyword in ("ARG", "ENV")
        for pair in each.instruction.pairs
    }
    names.update(call.settings)
    used = set(re.findall(r"\$\{?(\w+)", text))
    is_set = all(first.declares(each) for each in used)
    if not is_set or used & names or re.search(r"\$[({]?[^\w{(]|`|\$\(", text):
        return "the command that makes the user has variables that are not known there"
    return ""
