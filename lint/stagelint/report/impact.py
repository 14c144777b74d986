"""What runs again after a change, and after commits: for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stagelint.impact import Habit, History, Impact, Target, Work
from stagelint.model.file import File
from stagelint.model.rebuild import Cause, CauseKind, Fate, Rerun, Step
from stagelint.report.parts import plural
from stagelint.report.terminal import Style, escape

#: Columns for the text of an instruction.
_WIDTH = 44
#: Of so many causes and paths each is shown; of more, how many more there are.
_SHOWN = 3

Document = dict[str, object]


def text(impact: Impact, style: Style) -> Iterator[str]:
    """Lines without newlines."""
    yield f"{style.bold(escape(impact.file.source.path))}, after a change of {_changed(impact)}"
    for title, paths in (("ignored", impact.ignored), ("not in the context", impact.outside)):
        if paths:
            yield f"{title}: {_listed(paths)}"
    for target in impact.targets:
        yield ""
        yield from _target(impact, target, style)


def _changed(impact: Impact) -> str:
    change = impact.change
    parts = [f"`{escape(each)}`" for each in (*change.paths, *change.crossing)]
    parts += [f"ARG {escape(each)}" for each in change.args]
    parts += [f"image `{escape(each)}`" for each in change.images]
    return _some(parts) or "nothing that is sent to the builder"


def _listed(paths: Sequence[str]) -> str:
    return _some([f"`{escape(each)}`" for each in paths])


def _some(parts: Sequence[str]) -> str:
    more = [f"{len(parts) - _SHOWN} more"] if len(parts) > _SHOWN else []
    return ", ".join([*parts[:_SHOWN], *more])


def _target(impact: Impact, target: Target, style: Style) -> Iterator[str]:
    perhaps = sum(each.fate is Fate.PERHAPS for each in target.reruns)
    count, whole = len(target.again.steps), len(target.whole.steps)
    if not count:
        said = f"nothing runs again, {plural(whole, 'step')} cached"
    else:
        said = f"{count} of {plural(whole, 'step')} run again"
        said += f", {perhaps} of them perhaps" if perhaps else ""
        said += f"; {_seconds(target.again, target.whole)}" if impact.is_timed else ""
    yield f"target {style.bold(escape(target.stage.label))}: {said}"
    rows = [_row(impact.file, each) for each in target.reruns if each.fate is not Fate.CACHED]
    yield from _table(rows)
    cached = [each.step for each in target.reruns if each.fate is Fate.CACHED]
    if count and cached:
        yield f"  cached: {_lines(impact.file, cached)}"
    if len(target.again.steps) > 1:
        yield f"  critical path: {_path(impact, target.again)}"


def _path(impact: Impact, work: Work) -> str:
    is_all = len(work.path) == len(work.steps)
    lines = "all of these" if is_all else _lines(impact.file, work.path, sort=False)
    return f"{lines} ({work.path_cost:.1f} s)" if impact.is_timed else lines


def _seconds(work: Work, whole: Work) -> str:
    found = f"{work.cost:.1f} of {whole.cost:.1f} s"
    return f"{found}, and what {plural(work.unknown, 'step')} take" if work.unknown else found


def _lines(file: File, steps: Iterable[Step], *, sort: bool = True) -> str:
    """Where they stand."""
    found = [_line(file, each) for each in steps]
    numbers = list(dict.fromkeys(sorted(found) if sort else found))
    return f"line{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"


def _said(step: Step) -> str:
    words = " ".join(step.instruction.logical.text.split())
    return escape(words if len(words) <= _WIDTH else f"{words[: _WIDTH - 3]}...")


def _line(file: File, step: Step) -> int:
    return file.source.position(step.instruction.code_start).line


def _row(file: File, rerun: Rerun) -> tuple[str, str, str, str]:
    why = _some([_why(file, each) for each in rerun.causes])
    prefix = "perhaps: " if rerun.fate is Fate.PERHAPS else ""
    step = rerun.step
    return str(_line(file, step)), escape(step.stage.label), _said(step), prefix + why


def _why(file: File, cause: Cause) -> str:
    what = f"`{escape(cause.what)}`"
    match cause.kind:
        case CauseKind.ARG:
            return f"ARG {escape(cause.what)}"
        case CauseKind.IMAGE:
            return f"image {what}"
        case CauseKind.INSTRUCTION:
            return "the instruction"
        case CauseKind.STAGE:
            return f"what {what} has there"
        case CauseKind.STEP if cause.step:
            line = file.source.position(cause.step.instruction.code_start).line
            return f"after line {line}"
        case _:
            return what


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for line, *cells in rows:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        yield f"  {line.rjust(widths[0])}  {'  '.join(padded)}".rstrip()


# -- many commits --------------------------------------------------------------------------------


def history_text(history: History, style: Style) -> Iterator[str]:
    """Lines without newlines."""
    commits = plural(history.commits, "commit")
    yield f"the last {commits}, each built after the one before"
    for habit in history.habits:
        path, label = escape(habit.file.source.path), escape(habit.stage.label)
        yield ""
        yield f"{style.bold(path)}, target {style.bold(label)}: {_average(history, habit)}"
        yield from _table([_often(history, habit.file, *each) for each in habit.often])


def _average(history: History, habit: Habit) -> str:
    said = f"{habit.steps:.1f} of {plural(len(habit.whole.steps), 'step')} run again"
    said += f", {habit.perhaps:.1f} of them perhaps" if habit.perhaps else ""
    if history.is_timed:
        said += f"; {habit.cost:.1f} of {habit.whole.cost:.1f} s"
        said += f", {habit.path_cost:.1f} s on the critical path"
    return said


def _often(history: History, file: File, step: Step, count: int) -> tuple[str, ...]:
    share = f"{count / history.commits:.0%}"
    return share, f"line {_line(file, step)}", escape(step.stage.label), _said(step)


# -- JSON ----------------------------------------------------------------------------------------


def document(impact: Impact) -> Document:
    """The same as JSON, version 1; lines are 1-based, costs seconds, and null where nobody knows."""
    change = impact.change
    return {
        "version": 1,
        "path": impact.file.source.path,
        "changed": {
            "paths": [*change.paths, *change.crossing],
            "args": [*change.args],
            "images": [*change.images],
        },
        "ignored": impact.ignored,
        "outside": impact.outside,
        "targets": [_target_document(impact, each) for each in impact.targets],
    }


def _target_document(impact: Impact, target: Target) -> Document:
    file = impact.file
    return {
        "stage": target.stage.index,
        "name": target.stage.label,
        "steps": [
            {
                **_step(file, each.step),
                "fate": each.fate.name.lower(),
                "why": [_cause(file, cause) for cause in each.causes],
            }
            for each in target.reruns
        ],
        "again": _work(file, target.again, is_timed=impact.is_timed),
        "whole": _work(file, target.whole, is_timed=impact.is_timed),
    }


def _step(file: File, step: Step) -> Document:
    return {
        "line": _line(file, step),
        "stage": step.stage.label,
        "number": step.places[0].number,
        "instruction": step.instruction.logical.text,
    }


def _cause(file: File, cause: Cause) -> Document:
    found: Document = {"kind": cause.kind.value}
    if cause.what:
        found["what"] = cause.what
    if cause.step:
        found["line"] = file.source.position(cause.step.instruction.code_start).line
    return found


def _work(file: File, work: Work, *, is_timed: bool) -> Document:
    return {
        "steps": len(work.steps),
        "seconds": work.cost if is_timed else None,
        "unknown": work.unknown,
        "critical_path": {
            "lines": [_line(file, each) for each in work.path],
            "seconds": work.path_cost if is_timed else None,
        },
    }


def history_document(history: History) -> Document:
    """The same as JSON, version 1; numbers of steps and seconds are averages."""
    timed = history.is_timed
    return {
        "version": 1,
        "commits": history.commits,
        "targets": [
            {
                "path": habit.file.source.path,
                "stage": habit.stage.index,
                "name": habit.stage.label,
                "again": {
                    "steps": habit.steps,
                    "perhaps": habit.perhaps,
                    "seconds": habit.cost if timed else None,
                    "critical_path_seconds": habit.path_cost if timed else None,
                },
                "whole": _work(habit.file, habit.whole, is_timed=timed),
                "steps": [
                    {**_step(habit.file, step), "commits": count} for step, count in habit.often
                ],
            }
            for habit in history.habits
        ],
    }
