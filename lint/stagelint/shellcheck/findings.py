"""What ShellCheck says of the scripts of a Dockerfile, as findings in the Dockerfile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model.file import File
from stagelint.rule import Finding, Severity
from stagelint.shellcheck import page
from stagelint.shellcheck.program import Comment, Replacement, ask
from stagelint.shellcheck.scripts import PRELUDE_LINES, Script, scripts, texts
from stagelint.source import Span
from stagelint.syntax import parse
from stagelint.syntax.nodes import Logical

#: What says nothing of a script in a Dockerfile, or only of what was made of it here: that a file it
#: sources is not there to be read (1090, 1091), or is named by a directive (1094 ... 1144); that a
#: `#!` stands below the prelude, or what it names (1008, 1071, 1128, 2148, 2187, 2239).
NOT_SAID = frozenset({1008, 1071, 1090, 1091, 1094, 1107, 1126, 1128, 1144, 1145, 2148, 2187, 2239})

#: Said of shells that do not know what others do.
_PORTABILITY = range(3000, 4000)

#: That `echo` prints a backslash as it is, which that of dash does not.
_ECHO = 2028

#: What the shell of busybox really lacks: ((..)), braces, arrays. ShellCheck before 0.10 takes it for
#: dash, and 0.11 does not know yet that it has process substitution.
_NOT_IN_BUSYBOX = frozenset({3006, 3009, 3030, 3054})

#: Said of every line of a heredoc in a file of CRLF; once is enough.
_CARRIAGE_RETURN = 1017

#: Findings of a script whose fixes are worked out, for which the script is read again.
_MAX_FIXES = 100

#: Characters of a message; some quote the script.
_MAX_MESSAGE = 300


class ShellCheck:
    """One program, asked about each script once in a run."""

    def __init__(self, program: str, note: Callable[[str], object]) -> None:
        """*program* is its absolute path; *note* is told what could not be checked."""
        self._program = program
        self._note = note
        self._said: dict[str, list[Comment] | None] = {}

    def look_at(self, files: Iterable[File]) -> None:
        """Ask about all scripts of *files* at once, so that `findings` need not."""
        self._ask((file, script) for file in files for script in scripts(file))

    def _ask(self, about: Iterable[tuple[File, Script]]) -> None:
        """Ask about those at once that are new."""
        new: dict[str, str] = {}
        for file, script in about:
            document = script.document
            if document not in self._said:
                line = file.source.position(script.instruction.start).line
                new.setdefault(document, f"{file.source.path}:{line}")
        if not new:
            return
        try:
            said = ask(self._program, list(new))
        except OSError as error:
            self._note(f"{self._program}: {(error.strerror or str(error)).lower()}")
            said = [None] * len(new)
        for (document, where), one in zip(new.items(), said, strict=True):
            self._said[document] = one
            if one is None:
                self._note(f"{where}: shellcheck could not check this script")

    def findings(self, file: File, codes: frozenset[str]) -> tuple[list[Finding], frozenset[str]]:
        """What it says of *file* under *codes*, and those that were looked for in all of it."""
        own = list(scripts(file))
        self._ask((file, script) for script in own)
        found: list[Finding] = []
        done = codes
        for script in own:
            comments = self._said[script.document]
            said = _said(script, comments or (), codes)
            found += [
                _finding(file, script, each, with_fix=number < _MAX_FIXES)
                for number, each in enumerate(said)
            ]
            done = done if comments is not None else frozenset[str]()
        return found, done


def _said(script: Script, comments: Iterable[Comment], codes: frozenset[str]) -> Iterator[Comment]:
    """What of *comments* holds for a script in a Dockerfile, and is to be said."""
    has_cr = False
    for each in comments:
        is_again = has_cr and each.code == _CARRIAGE_RETURN
        has_cr = has_cr or each.code == _CARRIAGE_RETURN
        if f"SC{each.code}" in codes and not is_again and _holds(script.shell.name, each):
            yield each


def _holds(shell: str, comment: Comment) -> bool:
    """What an `sh` lacks is not known as long as it is not known which one it is."""
    if comment.line <= PRELUDE_LINES or comment.code in NOT_SAID:
        return False
    if shell in ("ash", "busybox") and comment.code in _PORTABILITY:
        return comment.code in _NOT_IN_BUSYBOX
    return shell != "sh" or comment.code not in (*_PORTABILITY, _ECHO)


def _finding(file: File, script: Script, comment: Comment, *, with_fix: bool) -> Finding:
    start = script.offset(comment.line, comment.column)
    end = script.offset(comment.end_line, comment.end_column)
    code = f"SC{comment.code}"
    return Finding(
        code,
        page.NAME,
        Severity(comment.level),
        file.source,
        script.span(start, end),
        _message(comment.message),
        fix=_fix(file, script, comment) if with_fix else None,
        stage=script.stage.label,
        role=file.role_of(script.stage),
        url=page.WIKI + code,
    )


def _message(text: str) -> str:
    """As other messages are: one line that begins in lower case and has no full stop."""
    text = " ".join(text.split())[:_MAX_MESSAGE].removesuffix(".").rstrip()
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


# -- fixes -----------------------------------------------------------------------------------------


def _fix(file: File, script: Script, comment: Comment) -> Fix | None:
    """ShellCheck's own, if the file with it is read as the script with it; None for none."""
    placed = sorted(
        (script.offset(each.line, each.column), script.offset(each.end_line, each.end_column), each)
        for each in comment.fix
        if each.line > PRELUDE_LINES
    )
    if not placed or len(placed) < len(comment.fix):
        return None
    edits = [_edit(script.text, *each) for each in placed]
    wanted = script.text.text
    for start, end, each in reversed(placed):
        wanted = wanted[:start] + each.text + wanted[end:]
    if not _is_read_as(file, script, edits, wanted):
        return None
    title = f"Do what ShellCheck proposes for SC{comment.code}"
    return Fix(title, tuple(edits), Guarantee.BEHAVIOUR)


def _edit(text: Logical, start: int, end: int, replacement: Replacement) -> Edit:
    """What is inserted stays on the line of what it belongs to."""
    if start < end:
        span = text.span(start, end)
    elif replacement.is_behind and start:
        at = text.offset(start - 1) + 1
        span = Span(at, at)
    else:
        at = text.offset(start)
        span = Span(at, at)
    return Edit(span, replacement.text)


def _is_read_as(file: File, script: Script, edits: Sequence[Edit], wanted: str) -> bool:
    """Is the script *wanted* what a reader of the edited instruction finds, and nothing lost?"""
    starts = [edit.span.start for edit in edits]
    ends = [edit.span.end for edit in edits]
    is_apart = all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    if not is_apart or len(set(starts)) < len(starts):
        return False
    run = script.instruction
    text = file.source.text[run.start : run.end]
    for edit in reversed(edits):
        first, last = edit.span.start - run.start, edit.span.end - run.start
        if "\n" in text[first:last]:
            return False  # a continuation, perhaps with comments
        text = text[:first] + edit.text + text[last:]
    head = "# escape=`\n" if run.escape == "`" else ""
    tree = parse(head + text, dialect=file.options.dialect, builtin=file.tree.frontend)
    if len(tree.instructions) != 1 or tree.instructions[0].problems:
        return False
    read = texts(tree.instructions[0].inner or tree.instructions[0])
    return wanted in [each.text for _, each in read]
