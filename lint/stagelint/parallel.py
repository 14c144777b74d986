"""Many files are linted by several processes, and what is found is the same as by one."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence

from stagelint import discover
from stagelint.rule import Finding
from stagelint.session import Session
from stagelint.source import Source
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from stagelint.cache.values import Row
    from stagelint.processes import Died

    Lint = Callable[[Source], list[Finding]]

#: Files that are looked at before there are copies, which know then what these have loaded.
_FIRST = 8
#: Further ones for which another process pays.
_EACH = 32


def lint_all(
    session: Session, sources: Sequence[Source], lint: Lint
) -> tuple[list[list[Finding]], list[str]]:
    """What *lint* finds in each of *sources*, and what went wrong, a line each.

    Raises what *lint* raises for the first of them.
    """
    count = _count(session.arguments.jobs, len(sources))
    found = [lint(each) for each in (sources[:_FIRST] if count > 1 else sources)]
    left = sources[len(found) :]
    if not left:
        return found, []
    from stagelint.processes import Died, spread

    groups = list(_groups(session, left, count))
    results = spread(lambda number: _told(left[number], lint), groups, count)
    if session.results:
        session.results.folder.is_changed = True
    errors: list[str] = []
    for number, source in enumerate(left):
        result = results[number]
        if isinstance(result, Died):
            errors.append(f"{source.path}: {_reason(result)}")
            found.append([])
        else:
            found.append(lint(source) if result is None else _heard(source, *result))
    return found, errors


def _told(source: Source, lint: Lint) -> Any:
    """What *lint* finds in *source*, as JSON; None if it fails."""
    from stagelint.cache.values import packed

    try:
        rows, others = packed(lint(source), source)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - the first process meets it as well, and tells the user
        return None
    return rows, [(each.path, each.text, each.error) for each in others]


def _heard(
    source: Source, rows: list[Row], others: Sequence[tuple[str, str, str]]
) -> list[Finding]:
    """The findings that `_told` told of."""
    from stagelint.cache.values import unpacked

    return unpacked(rows, [source, *(Source(*each) for each in others)])


def _count(asked: int | None, files: int) -> int:
    """Of processes: as many as are asked for, or as pay; see `arguments` for what 0 means."""
    if asked == 1 or files < 2:
        return 1
    from stagelint.processes import can_copy, cores

    if not can_copy():
        return 1
    return (
        min(files, asked or cores())
        if asked is not None
        else min((files - _FIRST) // _EACH, cores())
    )


def _groups(session: Session, sources: Sequence[Source], count: int) -> Iterator[list[int]]:
    """The numbers of *sources* by repository, since one process need read each alone.

    Of one that is read here, since it is large or was named itself, in parts.
    """
    by_root: dict[str, list[int]] = {}
    for number, source in enumerate(sources):
        by_root.setdefault(discover.repository_of(source.path) or "", []).append(number)
    part = max(len(sources) // (4 * count), 1)
    for group in sorted(by_root.values(), key=len, reverse=True):
        size = len(group)
        if len(by_root) == 1 or size > 2 * part:
            session.read_project(sources[group[0]].path)
            size = part
        for at in range(0, len(group), size):
            yield group[at : at + size]


def _reason(died: Died) -> str:
    if died.status >= 0:
        return f"the process that looked at it ended with status {died.status}"
    name = signal.strsignal(-died.status) or f"signal {-died.status}"
    return f"the process that looked at it was ended ({name.lower()}); --jobs 1 takes less memory"
