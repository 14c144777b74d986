"""RUNs made into one, and commands taken out of them, so that all else comes out the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from stagelint.edit import Edit
from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.moments import Moment
from stagelint.model.rewriting import append_script, with_comments
from stagelint.source import Span
from stagelint.syntax import shell
from stagelint.syntax.nodes import Instruction

#: They leave something in the shell, or end it.
_LASTING = frozenset(
    """
    . alias cd declare eval exec exit export hash local popd pushd read readonly return set shopt source
    trap typeset ulimit umask unset
    """.split()
)
_OPERATOR = r"\s*(?:&&|;)\s*"
#: What only says something about the image, and no RUN can see.
_SAYINGS = frozenset(
    {"LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL", "VOLUME"}
)


def bars_joining(moments: Sequence[Moment]) -> str:
    """Why the RUNs among *moments*, the first and the last of which are some, are no single one.

    Empty if they are: joined by `&&` they do the same, and fail where one of them would.
    """
    runs = [each for each in moments if each.instruction.keyword == "RUN"]
    first, *later = runs
    for each in moments:
        if each.instruction.keyword not in _SAYINGS | {"RUN"}:
            return f"{each.instruction.keyword} stands in between"
    if any((each.user, each.shell) != (first.user, first.shell) for each in later):
        return "they are run by different users, or with different shells"
    if any(each.instruction.flags for each in runs):
        return "one of the RUNs has mounts or other options"
    if not all(map(_is_plain, runs)) or not all(is_and_list(each.instruction) for each in later):
        return "one of the RUNs is more than commands joined by `&&`"
    if any(leaves_state(each) for each in runs[:-1]):
        return "a RUN changes the folder or the shell, and the next would see it"
    return ""


def is_commented(file: File, run: Moment) -> bool:
    """Does a comment stand right above *run*? It would speak of something else if *run* went."""
    return len(with_comments(file, run.instruction)) > 1


def join(runs: Sequence[Moment]) -> tuple[Edit, ...]:
    """Append the scripts of all but the first of *runs* to it; they themselves stay. See `bars_joining`."""
    first, *later = (each.instruction for each in runs)
    return append_script(first, *map(_written, later), own_lines=True)


def take_out(run: Instruction, call: Call) -> Edit | None:
    """Take the command that *call* is out of the script of *run*; None if that would change the rest."""
    if run.is_json or run.heredocs or call.is_nested:
        return None
    listed = _commands(run)
    ats = [
        at
        for at, each in enumerate(listed)
        if each.words
        and _span(run, each.start, each.end).start <= call.span.start
        and call.span.end <= _span(run, each.start, each.end).end
    ]
    if len(ats) != 1 or len(listed) == 1:
        return None
    at = ats[0]
    before = listed[at].joined
    after = listed[at + 1].joined if at + 1 < len(listed) else None
    if {before, after} - {"", "&&", ";", None} or (after is None and before != "&&"):
        return None
    if before == "&&" and after == ";":
        return None  # `set -e` heeds a failure of `a` in `a; b`, and not in `a && rm x; b`
    if before == "" or (before == ";" and after == "&&"):
        between = run.rest[listed[at].end : listed[at + 1].start]
        span = _span(run, listed[at].start, listed[at + 1].start)
        operator = re.fullmatch(_OPERATOR, between)  # else a compound command begins
    else:
        end = listed[at - 1].end
        operator = re.search(rf"{_OPERATOR}\Z", run.rest[end : listed[at].start])
        start = end + operator.start() if operator else end  # behind `fi`, `done` and the like
        span = _span(run, start, listed[at].end)
    if operator is None:
        return None
    return None if re.search(r"\n\s*#", run.text[span.start : span.end]) else Edit(span)


def _commands(run: Instruction) -> Sequence[shell.Command]:
    """Those of its script that are not within another."""
    return _outer(run.rest)


@lru_cache(maxsize=8)  # it is asked for each of many paths that one RUN removes
def _outer(script: str) -> Sequence[shell.Command]:
    return [each for each in shell.commands(script) if not each.depth]


def _span(run: Instruction, start: int, end: int) -> Span:
    return run.logical.span(run.rest_start + start, run.rest_start + end)


def _is_plain(run: Moment) -> bool:
    return (
        run.is_posix
        and bool(run.calls)
        and not run.instruction.is_json
        and not run.instruction.heredocs
    )


def is_and_list(run: Instruction) -> bool:
    """Is the script of *run* nothing but commands and pipes joined by `&&`?"""
    found = _commands(run)
    return (
        not re.search(r"\$[?!_]", run.rest)
        and all(not each.compound and each.joined in ("", "&&", "|") for each in found)
        and not run.rest[max(each.end for each in found) :].strip()
    )


def leaves_state(run: Moment, *, besides_folder: bool = False) -> bool:
    """Would commands behind those of *run* find another shell than a RUN finds that is new?

    *besides_folder* says that they do not care where they run.
    """
    found = _commands(run.instruction)
    lasting = _LASTING - {"cd", "popd", "pushd"} if besides_folder else _LASTING
    return any(
        each.compound == "function" or (each.assignments and not each.words) for each in found
    ) or any(call.name in lasting and not call.is_inner for call in run.calls)


def _written(run: Instruction) -> str:
    """Its script as it stands in the file, with the lines that it is divided into."""
    start = run.logical.offset(run.rest_start)
    return run.text[start : run.code_span.end].rstrip()
