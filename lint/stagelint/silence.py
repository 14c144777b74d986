"""`--add-ignore`: comments that silence what is found, and change nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from stagelint import engine, proof
from stagelint.edit import Edit, Fix, apply
from stagelint.fingerprints import Places
from stagelint.model.file import File, Options
from stagelint.model.suppressions import EVERY_CHECK, Owner, Suppression
from stagelint.registry import ALWAYS, Ruleset
from stagelint.rule import Finding
from stagelint.source import Source, Span
from stagelint.syntax import directives
from stagelint.syntax.nodes import Dockerfile, Instruction
from stagelint.tuples import NamedTuple

#: So often a file is looked at again, since comments may bring findings.
_ROUNDS = 4

#: With this check of BuildKit a comment above a FROM or an ARG has to begin with its name.
_DESCRIBED = "InvalidDefinitionDescription"


class Silenced(NamedTuple):
    """A file with more comments."""

    source: Source
    silenced: int
    """So many findings they silence."""
    left: list[str]
    """What is not silenced: place, code and reason, a line each."""


def silence(
    source: Source,
    options_for: Callable[[Source], Options],
    ruleset: Ruleset,
    chosen: Callable[[list[Finding]], list[Finding]],
    reason: str = "",
    others: engine.Others = engine.nobody,
) -> Silenced:
    """Write comments until nothing is left to say that a comment can silence.

    *chosen* says which of the findings of a file are to be silenced; *reason* is one line of text.
    """
    count, left = 0, list[str]()
    for _ in range(_ROUNDS):
        file = File(source, options_for(source))
        findings = chosen(engine.lint(file, ruleset, others))
        try:
            done = add(file, findings, reason)
        except proof.Difference as difference:
            return Silenced(source, count, [f"{source.path}: nothing silenced, since {difference}"])
        left = done.left
        if done.source is source:
            break
        source, count = done.source, count + done.silenced
    return Silenced(source, count, left)


def add(file: File, findings: Iterable[Finding], reason: str = "") -> Silenced:
    """Write a comment above each instruction that *findings* speak of, or add to one that is there.

    What speaks of no instruction is silenced in the whole file. Raises `proof.Difference` if it
    cannot be shown that the build stays the same.
    """
    left: list[str] = []
    count = 0
    codes: dict[Instruction | None, set[str]] = {}
    places = Places(file.source, file.tree)
    for each in findings:
        item = places.instruction(each.span.start) if each.span != Span(0, 0) else None
        obstacle = _obstacle(file, each, item)
        if obstacle:
            left.append(unsilenced(each, obstacle))
        else:
            codes.setdefault(item, set()).add(each.code)
            count += 1
    edits = [_edit(file, item, sorted(found), reason) for item, found in codes.items()]
    if not edits:
        return Silenced(file.source, 0, left)
    text, _, _ = apply(file.source.text, [Fix("", tuple(edits))])
    after = Source(file.source.path, text)
    _check(file, File(after, file.options))
    return Silenced(after, count, left)


def unsilenced(finding: Finding, why: str) -> str:
    """Says that *finding* is not silenced, and where it is."""
    source = finding.source
    line = source.position(min(finding.span.start, len(source.text))).line
    return f"{source.path}:{line}: {finding.code} is not silenced: {why}"


def _obstacle(file: File, finding: Finding, item: Instruction | None) -> str:
    """Why *finding* cannot be silenced by a comment; empty if it can."""
    if finding.name in ALWAYS:
        return "what cannot be read is always said"
    if finding.source is not file.source:
        return "it lies in another file"
    if not file.is_read:
        return "comments of a file in another language are not read"
    asked = file.checks.experimental
    if item and item.keyword in ("FROM", "ARG") and not asked.isdisjoint((EVERY_CHECK, _DESCRIBED)):
        return f"a comment there would have to describe it: BuildKit is told to check {_DESCRIBED}"
    return ""


def _edit(file: File, item: Instruction | None, codes: Sequence[str], reason: str) -> Edit:
    """Silence *codes* at *item*, or in the whole file."""
    scope = item.span if item else None
    there = [each for each in _own(file) if each.scope == scope]
    if there:
        last = [each for each in there if each.comment == there[0].comment][-1].span.end
        known = {each.selector for each in there}
        added = "".join(f", {code}" for code in codes if code not in known)
        return Edit(Span(last, last), added)
    word = "ignore" if item else "file-ignore"
    comment = f"# stagelint: {word}[{', '.join(codes)}] {reason}".rstrip()
    return _above(file, item or next(iter(file.tree.instructions), None), comment)


def _own(file: File) -> Iterator[Suppression]:
    return (each for each in file.comments.suppressions if each.owner is Owner.STAGELINT)


def _above(file: File, item: Instruction | None, comment: str) -> Edit:
    """Put a line above *item*, else at the end.

    All directives stand above the first instruction, so that none of them is cut off.
    """
    text, newline = file.source.text, file.source.newline
    if item is None:
        begins = "" if not text or text.endswith("\n") else newline
        return Edit(Span(len(text), len(text)), f"{begins}{comment}{newline}")
    at = item.start + text.startswith("\ufeff", item.start)
    indent = text[at : item.code_start]
    indent = "" if indent.strip(" \t") else indent
    return Edit(Span(at, at), f"{indent}{comment}{newline}")


def _check(before: File, after: File) -> None:
    """Raises `proof.Difference` if more than comments is different.

    That is shown even of files of which nothing can be proven: their instructions are the same.
    """
    if list(_code(before.tree)) != list(_code(after.tree)):
        raise proof.Difference("the instructions would differ")
    if before.is_read and not before.unprovable:
        proof.same_build(before, after)


def _code(tree: Dockerfile) -> Iterator[tuple[object, ...]]:
    """All that is no comment."""
    syntax = directives.syntax(tree.text)
    yield (syntax and syntax[0], tree.escape, [(each.name, each.value) for each in tree.directives])
    for each in tree.instructions:
        bodies = [each.text[doc.body.start : doc.body.end] for doc in each.heredocs]
        yield (each.keyword, each.logical.text, bodies)
