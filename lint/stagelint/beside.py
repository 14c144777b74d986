"""Fixes that lie beside a Dockerfile: in the `.dockerignore` that several may share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from stagelint import discover, engine
from stagelint.edit import Guarantee, apply
from stagelint.model.file import File
from stagelint.result import Outcome
from stagelint.rule import Finding
from stagelint.session import Session
from stagelint.source import Source

#: A file that gets more lines than so is a defect.
_MOST = 20


def fix(
    session: Session, sources: Iterable[Source], accepts: Callable[[Guarantee], bool]
) -> tuple[list[Outcome], list[str]]:
    """Make these fixes, those of each Dockerfile upon those of the ones before it; say what went wrong.

    From then on the run knows the build contexts as they leave them. With `--diff` nothing is
    written.
    """
    before: dict[str, Source] = {}
    made: dict[str, list[Finding]] = {}
    for source in sources:
        for finding in _each(session, source, accepts):
            before.setdefault(finding.source.path, finding.source)
            made.setdefault(finding.source.path, []).append(finding)
    outcomes: list[Outcome] = []
    errors: list[str] = []
    for path, findings in made.items():
        after = session.ignore_files[path]
        try:
            if not session.arguments.diff:
                _write(before[path], after)
            outcomes.append(Outcome(before[path], after, [], findings, [], 0))
        except OSError as error:
            errors.append(f"{path}: {error.strerror or error}")
            session.ignore_by(path, None)
    return outcomes, errors


def _each(
    session: Session, source: Source, accepts: Callable[[Guarantee], bool]
) -> Iterator[Finding]:
    """Makes the fixes of one Dockerfile, one after the other."""
    ruleset = session.ruleset_for(source.path)
    for _ in range(_MOST):
        file = File(source, session.options_for(source))
        found = (
            each
            for each in engine.lint(file, ruleset)
            if each.source is not source and each.fix and accepts(each.fix.guarantee)
        )
        finding = next(found, None)
        if finding is None or finding.fix is None:
            return
        text, _, _ = apply(finding.source.text, [finding.fix])
        session.ignore_by(finding.source.path, Source(finding.source.path, text))
        yield finding


def _write(before: Source, after: Source) -> None:
    """Raises `OSError`."""
    if os.path.lexists(before.path):
        discover.replace(before.path, before, after, within=[os.path.dirname(before.path)])
    else:
        discover.create(before.path, after)
