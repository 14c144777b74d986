"""What stagelint makes of whole repositories: `python -m bench.repositories FOLDER...`.

Every folder is a checkout. Prints a row for each finding of the rules of `--select`, to be judged by
eye (`bench/reviews/`), and with `--multi-stage` only those in Dockerfiles of several stages. With
`--rename` it tries to rename every stage of every Dockerfile, writing nothing, and counts what
becomes of it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stagelint import arguments, discover, engine
from stagelint.model.project import Project, is_foreign
from stagelint.project.rename import Refused, plan
from stagelint.rule import Finding
from stagelint.session import Session

RULES = "SL101,SL103,SL111,SL112,SL113"
NEW = "renamed-stage"


#: What runs though it is not selected.
ALWAYS = frozenset({"SL000", "SL002"})


def session(rules: str) -> Session:
    """A run of *rules* in the current folder, with no configuration."""
    _, given = arguments.parse(["check", ".", "--project", ".", "--isolated", "--select", rules])
    return Session(given)


def findings(run: Session, project: Project, *, multi_stage: bool) -> Iterator[Finding]:
    """What is said of the repository in the current folder."""
    ruleset = run.ruleset_for("Dockerfile")
    yield from engine.lint_project(project, ruleset)
    for path in project.dockerfiles:
        file = project.dockerfile(path)
        if file is None or not discover.is_dockerfile(path):
            continue
        if len(file.stages) > 1 or not multi_stage:
            yield from engine.lint(file, ruleset)


def rows(folder: str, run: Session, project: Project, *, multi_stage: bool) -> Iterator[str]:
    """Tab-separated: repository, path, line, code, severity, certain or not, message."""
    for each in findings(run, project, multi_stage=multi_stage):
        if each.code not in ALWAYS:
            line = each.source.position(each.span.start).line
            certain = "certain" if each.certain else "perhaps"
            path = each.source.path
            words = (Path(folder).name, path, str(line), each.code, each.severity, certain)
            yield "\t".join((*words, each.message))


def renamed(run: Session, project: Project) -> Counter[str]:
    """How many stages of the repository could be renamed, and why others could not."""
    counts: Counter[str] = Counter()
    for path in project.dockerfiles:
        file = project.dockerfile(path)
        for stage in file.stages if file and not is_foreign(path) else ():
            if stage.name and file and file.table.selectable(stage):
                counts[_renamed(run, project, path, (stage.name, NEW))] += 1
    return counts


def _renamed(run: Session, project: Project, path: str, names: tuple[str, str]) -> str:
    try:
        done = plan(project, path, names, lambda changed: run.project_with(".", changed))
    except Refused as refused:
        return f"refused: {_kind(refused.reasons[0])}"
    for before, after in done.changes:
        old, new = before.text.lower(), after.text.lower()
        assert old.replace(names[0], "") == new.replace(names[1], "").replace(names[0], "")
    return f"renamed in {len(done.changes)} files" if len(done.changes) > 1 else "renamed in 1 file"


def _kind(reason: str) -> str:
    known = ("may mean it", "not known", "puts the name", "another Dockerfile", "the same", "image")
    return next((each for each in known if each in reason), reason)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.repositories", description=__doc__)
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    parser.add_argument("--rename", action="store_true")
    parser.add_argument("--select", default=RULES, metavar="RULES")
    parser.add_argument("--multi-stage", action="store_true")
    options = parser.parse_args()
    home = os.getcwd()
    total: Counter[str] = Counter()
    for folder in options.folders:
        os.chdir(os.path.join(home, folder))
        run = session(options.select)
        project = run.project_for(".")
        assert project is not None
        start = time.perf_counter()
        count = len(project.builds)
        seconds = time.perf_counter() - start
        said = f"{len(project.files)} files, {count} builds, {seconds:.2f} s"
        print(f"# {Path(folder).name}: {said}, {len(project.notes)} notes", file=sys.stderr)
        if options.rename:
            total += renamed(run, project)
        else:
            for row in rows(folder, run, project, multi_stage=options.multi_stage):
                print(row, flush=True)
    for name, number in sorted(total.items()):
        print(f"{number:6}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
