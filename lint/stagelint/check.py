"""`stagelint check`: lint the files, fix them if asked, and say what came of it."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Iterator

from stagelint import discover, engine
from stagelint.discover import STDIN
from stagelint.edit import Guarantee
from stagelint.model.file import File, Options
from stagelint.model.project import Project
from stagelint.registry import Ruleset
from stagelint.report.terminal import escape
from stagelint.result import Outcome, Report, kept_as, report, stdin_report
from stagelint.rule import Finding
from stagelint.session import Session, UsageError, wishes_of
from stagelint.source import Source
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.selection import Selection


def run(session: Session, say: Callable[[str], None]) -> Report:
    """Do what the command line asks; *say* is told what a verification is at.

    Raises `UsageError` and `ConfigError`.
    """
    given = session.arguments
    paths = given.paths or [os.curdir]
    if STDIN in paths and len(paths) > 1:
        raise UsageError("stdin (-) is linted alone, without other paths")
    _check_arguments(given)
    written = [path for _, path in session.outputs if path]
    selection = _selection(session, paths)
    sources = list(_sources(session, paths))
    if selection:
        sources = [each for each in sources if selection.wants(each)]
    if session.trace and len(sources) > 1:
        raise UsageError("--trace tells of the build of one Dockerfile: name it")
    if written:
        from stagelint import outputs

        outputs.check(written, sources, session)
    session.look_for_targets(sources)
    fixing = given.fix or given.fix_only or (given.diff and given.add_ignore is None)
    session.look_at_scripts(sources)
    beside, unwritten = _beside(session, sources) if fixing else ([], [])
    if fixing or len(sources) < 2:
        one = _fixed if fixing else _unfixed
        outcomes, errors = [one(session, each) for each in sources], list[str]()
    else:
        outcomes, errors = _linted(session, sources)
    notes: list[str] = []
    if given.add_ignore is not None:
        outcomes = [_silenced(session, one, selection, notes) for one in outcomes]
    errors += unwritten + _kept(session, outcomes, say)
    count = len(outcomes)
    outcomes += _in_projects(session, paths)
    if session.results:
        session.results.close()
    if selection:
        notes += selection.update(outcomes)
        outcomes = selection.of(outcomes)
        notes += selection.remarks(outcomes)
    if given.add_ignore is not None:
        notes += _unsilenced(outcomes[count:])
    outcomes = beside + outcomes
    said = (stdin_report if paths == [STDIN] else report)(session, outcomes, errors)
    lines = map(escape, [] if given.quiet else notes)
    return said._replace(notes=[*said.notes, *lines]) if notes else said


def _selection(session: Session, paths: list[str]) -> Selection | None:
    """What of the findings is to be said; None for all of it. Raises `UsageError`."""
    given = session.arguments
    asked = (given.since is not None, given.staged, given.update_baseline, session.baseline_path)
    if not any(asked):
        return None
    from stagelint.selection import Selection

    return Selection(session, paths)


def _check_arguments(given: Namespace) -> None:
    """Raises `UsageError` for options that have no effect without others, or none together."""
    lines = "--since" if given.since is not None else "--staged" if given.staged else ""
    others = {
        "--staged": given.since is not None and given.staged,
        "--update-baseline": given.update_baseline,
        "--add-ignore": given.add_ignore is not None,
        "stdin (-)": STDIN in given.paths,
    }
    for other in (other for other, used in others.items() if lines and used):
        raise UsageError(f"{lines} does not go with {other}")
    if given.update_baseline and (given.diff or given.fix_only or given.add_ignore is not None):
        raise UsageError("--update-baseline does not go with --diff, --fix-only or --add-ignore")
    if given.verify:
        if not (given.fix or given.fix_only or given.diff):
            raise UsageError("--verify goes with --fix, --fix-only or --diff")
        return
    idle = {
        "--verify-with": given.verify_with != "auto",
        "--verify-target": given.verify_target,
        "--buildx-builder": given.buildx_builder,
        "--timeout": given.timeout,
        "--secret": given.secret,
        "--ssh": given.ssh,
        "--keep-failed": given.keep_failed,
    }
    for option in (option for option, used in idle.items() if used):
        raise UsageError(f"{option} goes with --verify")


def _sources(session: Session, paths: list[str]) -> Iterator[Source]:
    given = session.arguments
    if paths == [STDIN]:
        name = given.stdin_filename
        if name and given.force_exclude and session.is_excluded(name):
            return
        yield discover.read_named(STDIN, name)
        return
    found = discover.find(
        paths,
        session.config_for,
        force_exclude=given.force_exclude,
        extra_excludes=tuple(given.exclude or ()),
        listed=session.listed,
    )
    for path in found:
        yield discover.read(path)


def _linted(session: Session, sources: list[Source]) -> tuple[list[Outcome], list[str]]:
    """What is found in all *sources*, which are left as they are, and what went wrong."""
    from stagelint import parallel

    found, errors = parallel.lint_all(session, sources, lambda each: _findings(session, each))
    outcomes = [
        Outcome(source, source, findings, [], [], 0)
        for source, findings in zip(sources, found, strict=True)
    ]
    return outcomes, errors


def _unfixed(session: Session, source: Source) -> Outcome:
    return Outcome(source, source, _findings(session, source), [], [], 0)


def _fixed(session: Session, source: Source) -> Outcome:
    ruleset = session.ruleset_for(source.path)
    options = session.options_for(source)
    accepts = _accepts(session)
    if session.arguments.optimizing:
        from stagelint import optimize

        fixed = optimize.fix(source, options, ruleset, accepts, session.options_for)
    else:
        others = session.others_for(source.path)
        fixed = engine.fix(source, options, ruleset, accepts, others)
    findings = _findings(session, fixed.source)
    return Outcome(source, fixed.source, findings, fixed.applied, fixed.withheld, fixed.unjudged)


def _findings(session: Session, source: Source) -> list[Finding]:
    ruleset = session.ruleset_for(source.path)
    others = session.others_for(source.path)

    def lint(options: Options) -> list[Finding]:
        return _found(session, File(source, options), ruleset, others)

    options, results = session.options_for(source), session.results
    return results.of_file(source, options, lint) if results else lint(options)


def _found(session: Session, file: File, ruleset: Ruleset, others: engine.Others) -> list[Finding]:
    findings = engine.prove(file, engine.lint(file, ruleset, others))
    if not findings or not session.asks_for_marks:
        return findings
    from stagelint.fingerprints import marked

    return marked(file, findings)


def _beside(session: Session, sources: list[Source]) -> tuple[list[Outcome], list[str]]:
    """What became of the files beside Dockerfiles, and what went wrong; optimizations alone change them."""
    if not session.arguments.optimizing or session.arguments.paths == [STDIN]:
        return [], []
    from stagelint import beside

    return beside.fix(session, sources, _accepts(session))


def _silenced(
    session: Session, one: Outcome, selection: Selection | None, notes: list[str]
) -> Outcome:
    """Write comments into a file that silence what is found; *notes* get what was done."""
    from stagelint.report.parts import plural
    from stagelint.silence import silence

    path, reason = one.before.path, session.arguments.add_ignore
    chosen = selection.new if selection else list[Finding]
    ruleset = session.ruleset_for(path)
    others = session.others_for(path)
    done = silence(one.after, session.options_for, ruleset, chosen, reason, others)
    notes += done.left
    if done.source is one.after:
        return one
    would = "would be " if session.arguments.diff else ""
    notes.append(f"{path}: {plural(done.silenced, 'finding')} {would}silenced")
    file = File(done.source, session.options_for(done.source))
    findings = _found(session, file, ruleset, others)
    return one._replace(after=done.source, findings=findings)


def _unsilenced(outcomes: list[Outcome]) -> Iterator[str]:
    """Names what is found in files of a repository, whose languages have comments of their own."""
    from stagelint.silence import unsilenced

    for finding in (each for one in outcomes for each in one.findings):
        comment = f"`# stagelint: ignore[{finding.code}]`"
        yield unsilenced(finding, f"write {comment} on the line, or above it")


def _in_projects(session: Session, paths: list[str]) -> Iterator[Outcome]:
    """What is wrong in the files that ask for builds, below the folders of *paths*.

    A run on single files does not say it, unless `--project` asks for it: it is not about them.
    """
    given = session.arguments
    folders = [path for path in paths if os.path.isdir(path)]
    if given.project and paths != [STDIN]:
        folders.append(given.project)
    roots = [os.path.realpath(each) for each in folders]
    done: set[int] = set()
    for folder in folders:
        project = session.project_for(folder)
        if project is None or id(project) in done:
            continue
        done.add(id(project))
        ruleset = session.ruleset_for(os.path.join(folder, "Dockerfile"))
        by_source: dict[str, list[Finding]] = {}
        for finding in _of_project(session, project, ruleset):
            path = finding.source.path
            if _lies_below(path, roots) and not session.is_silenced(finding):
                by_source.setdefault(path, []).append(finding)
        for findings in by_source.values():
            source = findings[0].source
            yield Outcome(source, source, findings, [], [], 0)


def _of_project(session: Session, project: Project, ruleset: Ruleset) -> list[Finding]:
    def lint(project: Project) -> list[Finding]:
        findings = engine.lint_project(project, ruleset)
        if not findings or not session.asks_for_marks:
            return findings
        from stagelint.fingerprints import marked_everywhere

        return marked_everywhere(findings)

    results = session.results
    return results.of_project(project, ruleset, lint) if results else lint(project)


def _lies_below(path: str, roots: list[str]) -> bool:
    full = os.path.realpath(path)
    return any(full == root or full.startswith(os.path.join(root, "")) for root in roots)


def _accepts(session: Session) -> Callable[[Guarantee], bool]:
    unsafe, verified = session.unsafe, session.arguments.verify

    def accepts(guarantee: Guarantee) -> bool:
        return unsafe or guarantee.is_safe or (verified and guarantee.is_shown_by_a_build)

    return accepts


def _kept(session: Session, outcomes: list[Outcome], say: Callable[[str], None]) -> list[str]:
    """Write what was fixed, if asked only what builds the same; returns what went wrong."""
    if not session.arguments.verify:
        return _write(session, outcomes)
    from stagelint.verify.process import orderly_end

    with orderly_end():
        return _verify(session, outcomes, say) + _write(session, outcomes)


def _verify(session: Session, outcomes: list[Outcome], say: Callable[[str], None]) -> list[str]:
    """Build what was fixed, and take back what does not build the same.

    Returns what went wrong; where it could not be told, nothing is fixed either.
    """
    from stagelint.verify import Rewrite, verify

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
        if verdict.outcome != "same":
            errors += _keep(session, one)
            one = _unfixed(session, one.before)
        if verdict.outcome == "unknown":
            errors.append(
                f"{one.before.path}: not fixed, since nothing shows that it builds the same"
            )
        outcomes[number] = one._replace(verdict=verdict)
    return errors


def _keep(session: Session, failed: Outcome) -> list[str]:
    """Keep a rewrite that did not verify, if that is wanted; returns what went wrong."""
    path = kept_as(session, failed)
    if path:
        try:
            discover.write_new(path, failed.after)
        except OSError as error:
            return [f"{path}: {(error.strerror or str(error)).lower()}"]
    return []


def _write(session: Session, outcomes: list[Outcome]) -> list[str]:
    """Replace the files that were fixed; returns what went wrong, where nothing is fixed then."""
    given = session.arguments
    if given.diff or given.paths == [STDIN]:
        return []
    errors: list[str] = []
    folders = given.paths or [os.curdir]
    done: set[tuple[str, str]] = set()  # a link may lead to a file that is named as well
    for number, (before, after, *_) in enumerate(outcomes):
        if after is before:
            continue
        place = (os.path.realpath(before.path), after.text)
        if place in done:
            continue
        try:
            within = None if before.path in given.paths else folders
            discover.replace(before.path, before, after, within=within)
            done.add(place)
        except OSError as error:
            errors.append(f"{before.path}: {error.strerror or error}")
            outcomes[number] = _unfixed(session, before)
    return errors
