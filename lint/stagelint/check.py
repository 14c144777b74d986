"""`stagelint check`: lint the files, fix them if asked, and say what came of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from stagelint import discover, engine
from stagelint.edit import Guarantee
from stagelint.model.file import File
from stagelint.report import summary
from stagelint.report.terminal import escape, is_terminal, wants_color
from stagelint.rule import Finding
from stagelint.session import Session, UsageError, wishes_of
from stagelint.source import Source

if TYPE_CHECKING:
    from stagelint.verify.verdict import Verdict

STDIN = "-"
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


class _Outcome(NamedTuple):
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


def run(session: Session, say: Callable[[str], None]) -> Report:
    """Do what the command line asks; *say* is told what a verification is at.

    Raises `UsageError` and `ConfigError`.
    """
    given = session.arguments
    paths = given.paths or [os.curdir]
    if STDIN in paths and len(paths) > 1:
        raise UsageError("stdin (-) is linted alone, without other paths")
    sources = list(_sources(session, paths))
    session.look_for_targets(sources)
    fixing = given.fix or given.fix_only or given.diff
    if given.verify and not fixing:
        raise UsageError("--verify goes with --fix, --fix-only or --diff")
    outcomes = [_one(session, source, fixing=fixing) for source in sources]
    if given.verify:
        from stagelint.verify.process import orderly_end

        with orderly_end():
            errors = _verify(session, outcomes, say) + _write(session, outcomes)
    else:
        errors = _write(session, outcomes)
    if paths == [STDIN]:
        return _stdin_report(session, outcomes, errors)
    return _report(session, outcomes, errors)


def read(path: str, stdin_filename: str | None) -> Source:
    """The text at *path*, or of stdin, which is then called *stdin_filename*."""
    if path == STDIN:
        return discover.read_stdin(stdin_filename or STDIN)
    return discover.read(path)


def _sources(session: Session, paths: list[str]) -> Iterator[Source]:
    given = session.arguments
    if paths == [STDIN]:
        name = given.stdin_filename
        if name and given.force_exclude and session.is_excluded(name):
            return
        yield read(STDIN, name)
        return
    found = discover.find(
        paths,
        session.config_for,
        force_exclude=given.force_exclude,
        extra_excludes=tuple(given.exclude or ()),
    )
    for path in found:
        yield discover.read(path)


def _one(session: Session, source: Source, *, fixing: bool) -> _Outcome:
    rules = session.rules_for(source.path)
    options = session.options_for(source)
    resolve = session.registry(session.config_for(source.path)).resolve
    fixed = engine.Fixed(source, [], [])
    if fixing:
        fixed = engine.fix(source, options, rules, resolve, _accepts(session))
    after = fixed.source
    if after is not source:
        options = session.options_for(after)
    file = File(after, options)
    findings = engine.prove(file, engine.lint(file, rules, resolve))
    return _Outcome(source, after, findings, fixed.applied, fixed.withheld, fixed.unjudged)


def _accepts(session: Session) -> Callable[[Guarantee], bool]:
    unsafe, verified = session.unsafe, session.arguments.verify

    def accepts(guarantee: Guarantee) -> bool:
        return unsafe or guarantee.is_safe or (verified and guarantee.is_shown_by_a_build)

    return accepts


def _verify(session: Session, outcomes: list[_Outcome], say: Callable[[str], None]) -> list[str]:
    """Build what was fixed, and take back what does not build the same.

    Returns what went wrong; where it could not be told, nothing is fixed either.
    """
    from stagelint.verify import Rewrite, verify
    from stagelint.verify.verdict import Outcome

    changed = [number for number, one in enumerate(outcomes) if one.after is not one.before]
    rewrites: list[Rewrite] = []
    for one in map(outcomes.__getitem__, changed):
        options = session.options_for(one.before)
        promises = {each.fix.guarantee for each in one.fixed if each.fix}
        but_caches = Guarantee.SAME_BUT_CACHES in promises
        rewrites.append(Rewrite(File(one.before, options), File(one.after, options), but_caches))
    errors: list[str] = []
    verdicts = verify(rewrites, wishes_of(session.arguments), say) if rewrites else []
    for number, verdict in zip(changed, verdicts, strict=True):
        one = outcomes[number]
        if verdict.outcome is not Outcome.SAME:
            errors += _keep(session, one)
            one = _one(session, one.before, fixing=False)
        if verdict.outcome is Outcome.UNKNOWN:
            errors.append(
                f"{one.before.path}: not fixed, since nothing shows that it builds the same"
            )
        outcomes[number] = one._replace(verdict=verdict)
    return errors


def _keep(session: Session, failed: _Outcome) -> list[str]:
    """Keep a rewrite that did not verify, if that is wanted; returns what went wrong."""
    path = f"{failed.before.path}{FAILED}"
    if session.arguments.keep_failed and session.arguments.paths != [STDIN]:
        try:
            discover.write_new(path, failed.after)
        except OSError as error:
            return [f"{path}: {error.strerror or error}"]
    return []


def _write(session: Session, outcomes: list[_Outcome]) -> list[str]:
    """Replace the files that were fixed; returns what went wrong, where nothing is fixed then."""
    given = session.arguments
    if given.diff or given.paths == [STDIN]:
        return []
    errors: list[str] = []
    done: set[tuple[str, str]] = set()  # a link may lead to a file that is named as well
    for number, (before, after, *_) in enumerate(outcomes):
        place = (os.path.realpath(before.path), after.text)
        if after is before or place in done:
            continue
        try:
            discover.replace(before.path, before, after)
            done.add(place)
        except OSError as error:
            errors.append(f"{before.path}: {error.strerror or error}")
            outcomes[number] = _one(session, before, fixing=False)
    return errors


def _unsaid(session: Session, outcomes: list[_Outcome]) -> list[str]:
    """What could not be read, if findings stay unsaid: to do nothing in silence is no success."""
    if not (session.arguments.diff or session.arguments.fix_only):
        return []
    findings = [each for one in outcomes for each in one.findings]
    return [f"{each.source.path}: {each.message}" for each in findings if each.source.error]


def _stdin_report(session: Session, outcomes: list[_Outcome], errors: list[str]) -> Report:
    """With --fix the text goes to stdout, changed or not, and the findings to stderr."""
    given = session.arguments
    report = _report(session, outcomes, errors)
    if given.diff or not (given.fix or given.fix_only):
        return report
    # Editors put what they get in the place of what they sent, so "left out" must not be nothing.
    source = outcomes[0].after if outcomes else read(STDIN, given.stdin_filename)
    if source.error:
        return report._replace(output=[], errors=[f"{source.path}: {source.error}"])
    notes = [*report.output, *report.notes]
    return report._replace(output=[source.text], notes=notes, is_text=True)


def _report(session: Session, outcomes: list[_Outcome], errors: list[str]) -> Report:
    given = session.arguments
    errors = errors + _unsaid(session, outcomes)
    if given.diff:
        return _diff_report(session, outcomes, errors)
    findings = [] if given.fix_only else [each for one in outcomes for each in one.findings]
    level = session.fail_level
    failed = bool(level) and any(each.severity.reaches(level) for each in findings if level)
    return Report(
        _output(session, outcomes, findings),
        _notes(session, outcomes),
        errors,
        (failed and not given.exit_zero) or _is_refused(outcomes),
    )


def _is_refused(outcomes: list[_Outcome]) -> bool:
    """Is there a rewrite that does not build the same? That is no finding, and always fails."""
    return any(one.verdict is not None and one.verdict.outcome == "different" for one in outcomes)


def _diff_report(session: Session, outcomes: list[_Outcome], errors: list[str]) -> Report:
    """What --fix would change; findings stay unsaid, as with --fix-only."""
    from stagelint.report import diff
    from stagelint.report.parts import plural

    changed = [one for one in outcomes if one.after is not one.before]
    color = _color(session)
    output = (
        diff.render(
            one.before.path,
            one.before.text,
            one.after.text,
            color=color,
            escaped=is_terminal(sys.stdout),
        )
        for one in changed
    )
    count = sum(len(one.fixed) for one in changed)
    notes = list(_verdicts(session, outcomes))
    notes += [] if session.arguments.quiet else [f"Would fix {plural(count, 'finding')}."]
    failed = bool(changed) and not session.arguments.exit_zero
    return Report(output, notes, errors, failed or _is_refused(outcomes))


def _output(session: Session, outcomes: list[_Outcome], findings: list[Finding]) -> Iterator[str]:
    given, color, unsafe = session.arguments, _color(session), session.unsafe
    if given.statistics:
        yield from summary.statistics(findings, unsafe=unsafe)
        return
    form = session.output_format
    if form in ("json", "json-lines"):
        from stagelint.report import json_format

        yield from (
            [json_format.render(findings)] if form == "json" else json_format.render_lines(findings)
        )
        return
    if form == "concise":
        from stagelint.report import concise

        yield from concise.render(findings, color=color, unsafe=unsafe)
    else:
        from stagelint.report import text

        yield from text.render(findings, color=color, unsafe=unsafe)
    if given.show_fixes:
        yield from _made(outcomes)
    if not given.quiet and not given.fix_only:
        yield from summary.render(
            findings, color=color, unsafe=unsafe, fixed=_fixed(session, outcomes)
        )


def _fixed(session: Session, outcomes: list[_Outcome]) -> summary.Fixed | None:
    if not session.arguments.fix:
        return None
    return summary.Fixed(
        sum(len(one.fixed) for one in outcomes), sum(len(one.withheld) for one in outcomes)
    )


def _made(outcomes: list[_Outcome]) -> Iterator[str]:
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


def _verdicts(session: Session, outcomes: list[_Outcome]) -> Iterator[str]:
    """What the builds said."""
    if not any(one.verdict for one in outcomes):
        return
    from stagelint.report import verification

    color = wants_color(session.arguments.color, sys.stderr, os.environ)
    for one in outcomes:
        if one.verdict:
            yield from verification.render(one.verdict, color=color, quiet=session.arguments.quiet)


def _notes(session: Session, outcomes: list[_Outcome]) -> Iterator[str]:
    yield from _verdicts(session, outcomes)
    if not outcomes and not session.arguments.quiet:
        yield "stagelint: no Dockerfiles found"
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
