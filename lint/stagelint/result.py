"""What a run of `stagelint check` has to say, and where: stdout, stderr, exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from stagelint import discover, engine
from stagelint.discover import STDIN
from stagelint.report import summary
from stagelint.report.terminal import escape, is_terminal, wants_color
from stagelint.rule import Finding
from stagelint.session import Session
from stagelint.source import Source
from stagelint.tuples import NamedTuple
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.verify.verdict import Verdict

#: The ending of a rewrite that was kept though it did not verify.
FAILED = ".failed"


class Report(NamedTuple):
    """What a run has to say."""

    output: Iterable[str]
    """For stdout: findings, or the fixed text of stdin."""
    notes: Iterable[str]
    """For stderr."""
    errors: list[str]
    """What went wrong, a line each; the run fails with status 2."""
    failed: bool
    """Are there findings at or above the level that fails a run?"""
    is_text: bool = False
    """Is the output the text of stdin, to be written as it is?"""


class Outcome(NamedTuple):
    """What became of one file."""

    before: Source
    after: Source
    findings: list[Finding]
    fixed: list[Finding]
    withheld: list[engine.Withheld]
    unjudged: int
    """Rewrites that dockerfile-parse could not judge."""
    verdict: Verdict | None = None
    """What the builds of a rewrite said; unless that was good, *after* is *before* again."""


def kept_as(session: Session, one: Outcome) -> str:
    """Where a rewrite that does not verify is kept; empty if it is not to be."""
    given = session.arguments
    wanted = given.keep_failed and not given.diff and given.paths != [STDIN]
    return f"{one.before.path}{FAILED}" if wanted else ""


def stdin_report(session: Session, outcomes: list[Outcome], errors: list[str]) -> Report:
    """With --fix the text goes to stdout, changed or not, and the findings to stderr."""
    given = session.arguments
    said = report(session, outcomes, errors)
    if given.diff or not (given.fix or given.fix_only or given.add_ignore is not None):
        return said
    # Editors put what they get in the place of what they sent, so "left out" must not be nothing.
    source = outcomes[0].after if outcomes else discover.read_stdin(given.stdin_filename or STDIN)
    if source.error:
        return said._replace(output=[], errors=[f"{source.path}: {source.error}"])
    notes = [*said.output, *said.notes]
    return said._replace(output=[source.text], notes=notes, is_text=True)


def report(session: Session, outcomes: list[Outcome], errors: list[str]) -> Report:
    given = session.arguments
    errors = errors + _unsaid(session, outcomes)
    if given.diff:
        return _diff_report(session, outcomes, errors)
    findings = [] if given.fix_only else [each for one in outcomes for each in one.findings]
    level = session.fail_level
    failed = bool(level) and any(each.severity.reaches(level) for each in findings if level)
    output: Iterable[str] = ()
    for form, path in session.outputs:
        if path:
            errors += _saved(session, outcomes, findings, form, path)
        else:
            output = _output(session, outcomes, findings, form)
    if given.statistics:
        output = summary.statistics(findings, unsafe=session.unsafe)
    return Report(
        output,
        _notes(session, outcomes),
        errors,
        (failed and not given.exit_zero) or _is_refused(outcomes),
    )


def _unsaid(session: Session, outcomes: list[Outcome]) -> list[str]:
    """What could not be read, if findings stay unsaid: to do nothing in silence is no success."""
    if not (session.arguments.diff or session.arguments.fix_only):
        return []
    findings = [each for one in outcomes for each in one.findings]
    return [f"{each.source.path}: {each.message}" for each in findings if each.source.error]


def _is_refused(outcomes: list[Outcome]) -> bool:
    """Is there a rewrite that does not build the same? That is no finding, and always fails."""
    return any(one.verdict is not None and one.verdict.outcome == "different" for one in outcomes)


def _diff_report(session: Session, outcomes: list[Outcome], errors: list[str]) -> Report:
    """What --fix would change; findings stay unsaid, as with --fix-only."""
    from stagelint.report import diff
    from stagelint.report.parts import plural

    changed = [one for one in outcomes if one.after is not one.before]
    color = _color(session)
    texts = (
        diff.render(
            one.before.path,
            one.before.text,
            one.after.text,
            color=color,
            escaped=is_terminal(sys.stdout),
            is_new=not (one.before.text or os.path.lexists(one.before.path)),
        )
        for one in changed
    )
    # `patch` and `git apply` pass over what stands before a diff.
    output = [*_changes(changed), *texts] if session.arguments.optimizing else texts
    count = sum(len(one.fixed) for one in changed)
    notes = list(_verdicts(session, outcomes))
    given = session.arguments
    if not given.quiet and (given.fix or given.add_ignore is None):
        notes.append(f"Would fix {plural(count, 'finding')}.")
    failed = bool(changed) and not session.arguments.exit_zero
    return Report(output, notes, errors, failed or _is_refused(outcomes))


def _saved(
    session: Session, outcomes: list[Outcome], findings: list[Finding], form: str, path: str
) -> list[str]:
    """Write the findings to a file, painted only if that is asked for; returns what went wrong."""
    from stagelint import outputs

    color = session.arguments.color == "always"
    return outputs.save(path, _output(session, outcomes, findings, form, color=color))


def _output(
    session: Session,
    outcomes: list[Outcome],
    findings: list[Finding],
    form: str,
    *,
    color: bool | None = None,
) -> Iterator[str]:
    """The findings in the format *form*; if *color* is None, stdout decides."""
    given, unsafe = session.arguments, session.unsafe
    color = _color(session) if color is None else color
    if form in ("json", "json-lines"):
        from stagelint.report import json_format

        if form == "json":
            yield json_format.render(findings, _root())
        else:
            yield from json_format.render_lines(findings, _root())
        return
    if form == "concise":
        from stagelint.report import concise

        yield from concise.render(findings, color=color, unsafe=unsafe)
    elif form == "text" and given.optimizing:
        from stagelint.report import opportunities

        fixed = _fixed(session, outcomes)
        yield from _changes(outcomes)
        yield from opportunities.render(findings, color=color, unsafe=unsafe, fixed=fixed)
        return
    elif form == "text":
        from stagelint.report import text

        yield from text.render(findings, color=color, unsafe=unsafe)
    else:
        yield from _for_programs(session, findings, form)
        return
    if given.show_fixes:
        yield from _made(outcomes)
    if not given.quiet and not given.fix_only:
        yield from summary.render(
            findings, color=color, unsafe=unsafe, fixed=_fixed(session, outcomes)
        )


def _for_programs(session: Session, findings: list[Finding], form: str) -> Iterator[str]:
    """The findings in a format of `config.FORMATS` that has a module for itself."""
    from importlib import import_module

    from stagelint.report.interchange import Run

    module = import_module(f"stagelint.report.{form.replace('-', '_')}")
    yield from module.render(Run(findings, session.rule, _root()))


def _root() -> str:
    """The folder of the repository, or the current one."""
    return discover.repository_of(os.path.join(os.curdir, "")) or os.getcwd()


def _fixed(session: Session, outcomes: list[Outcome]) -> summary.Fixed | None:
    if not session.arguments.fix:
        return None
    return summary.Fixed(
        sum(len(one.fixed) for one in outcomes), sum(len(one.withheld) for one in outcomes)
    )


def _made(outcomes: list[Outcome]) -> Iterator[str]:
    """The fixes that were made, by file and rule."""
    from collections import Counter

    from stagelint.report.parts import plural

    for one in outcomes:
        if one.fixed:
            yield escape(f"{one.before.path}:")
            counts = Counter((each.code, each.name) for each in one.fixed)
            for (code, name), count in sorted(counts.items()):
                yield f"    {count} × {code} ({name})"
        if one.unjudged:
            yield f"    {plural(one.unjudged, 'rewrite')} that dockerfile-parse could not judge"


def _changes(outcomes: list[Outcome]) -> Iterator[str]:
    """The optimizations that were made, a line each."""
    from stagelint.report import opportunities

    for one in outcomes:
        if one.fixed:
            yield escape(f"{one.before.path}:")
            yield from opportunities.made(one.fixed)
            yield ""


def _verdicts(session: Session, outcomes: list[Outcome]) -> Iterator[str]:
    """What the builds said."""
    if not any(one.verdict for one in outcomes):
        return
    from stagelint.report import verification

    color = wants_color(session.arguments.color, sys.stderr, os.environ)
    for one in outcomes:
        if one.verdict:
            yield from verification.render(one.verdict, color=color, quiet=session.arguments.quiet)
            if one.verdict.outcome != "same" and os.path.exists(kept_as(session, one)):
                yield escape(f"  what was tried is in {kept_as(session, one)}")


def _notes(session: Session, outcomes: list[Outcome]) -> Iterator[str]:
    yield from _verdicts(session, outcomes)
    yield from (escape(f"stagelint: {note}") for note in session.notes)
    if not outcomes and not session.arguments.quiet:
        given = session.arguments
        what = "changed" if given.since is not None or given.staged else "found"
        yield f"stagelint: no Dockerfiles {what}"
    for one in outcomes:
        for withheld in one.withheld:
            finding = withheld.finding
            line = one.before.position(min(finding.span.start, len(one.before.text))).line
            yield escape(
                f"stagelint: {one.before.path}:{line}: a fix of {finding.code} was withheld,"
                f" because {withheld.reason}; please report this"
            )


def _color(session: Session) -> bool:
    return wants_color(session.arguments.color, sys.stdout, os.environ)
