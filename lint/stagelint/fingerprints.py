"""Names for findings that stay while lines move: of the code, the stage, and the text spoken of.

The text is that of the whole instruction without comments, white space counting as one blank, so
that neither indenting it nor a comment in it gives its findings other names.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

from stagelint.model.symbols import digest
from stagelint.rule import Finding
from stagelint.source import Source, Span
from stagelint.syntax import parse
from stagelint.syntax.characters import lower
from stagelint.syntax.nodes import Comment, Dockerfile, Instruction, Item
from stagelint.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from stagelint.model.file import File


def fingerprints(findings: Iterable[Finding], folder: str = "") -> list[str]:
    """A name for each finding: 32 hexadecimal digits, all different.

    It is made of the path as seen from *folder* (by default the current one), of what `Places.mark`
    is made of, and of how many findings have the same before it.
    """
    marks = Marks()
    counts: Counter[str] = Counter()
    paths: dict[str, str] = {}
    found: list[str] = []
    for each in findings:
        path = each.source.path
        if path not in paths:
            paths[path] = relative(path, folder)
        key = f"{paths[path]}\0{marks.of(each)}"
        counts[key] += 1
        found.append(digest(key, counts[key]))
    return found


def relative(path: str, folder: str = "") -> str:
    """*path* as seen from *folder*, by default the current one, with `/` between its parts.

    What names no file, such as `-`, and what lies on another drive stays as it is.
    """
    if path in ("", "-", "<stdin>"):
        return path or "-"
    try:
        path = os.path.relpath(path, folder or os.curdir)
    except ValueError:  # another drive
        path = os.path.abspath(path)
    return path.replace(os.sep, "/")


def marked(file: File, findings: Sequence[Finding]) -> list[Finding]:
    """The same *findings*, those in *file* with their marks: its tree is at hand now."""
    places = Places(file.source, file.tree)
    return [
        each._replace(mark=places.mark(each)) if each.source is file.source else each
        for each in findings
    ]


def marked_everywhere(findings: Iterable[Finding]) -> list[Finding]:
    """The same *findings* with their marks; each file that they lie in is read once."""
    marks = Marks()
    return [each._replace(mark=marks.of(each)) for each in findings]


class Marks:
    """What findings are called within their files. Only a file that nobody has marked is read."""

    def __init__(self) -> None:
        self._places: dict[int, Places] = {}

    def of(self, finding: Finding) -> str:
        """See `Places.mark`."""
        source = finding.source
        if not finding.mark and id(source) not in self._places:
            self._places[id(source)] = Places(source)
        return finding.mark or self._places[id(source)].mark(finding)


class Places:
    """What stands where in a file. One of another kind is read as if it were a Dockerfile."""

    def __init__(self, source: Source, tree: Dockerfile | None = None) -> None:
        """*tree* is that of the *source*, if it is known."""
        self.source = source
        self._items = (tree or parse(source.text)).items
        self._starts = [item.start for item in self._items]

    def mark(self, finding: Finding) -> str:
        """A name for *finding* within its file, 16 hexadecimal digits; not of it alone.

        It is made of its code, the name of its stage, the text of its instruction, and how many
        such instructions the stage has above.
        """
        at = self._index(finding.span.start)
        key = self._keys[at] if at is not None else ""
        return digest(finding.code, key)[:16]

    def lines(self, span: Span) -> tuple[int, int]:
        """First and last line (1-based) of *span*, and of the instruction it begins in."""
        first, last = self.source.lines(span)
        at = self._index(span.start)
        item = self._items[at] if at is not None else None
        if isinstance(item, Instruction):
            start, end = self.source.lines(item.code_span)
            return min(first, start), max(last, end)
        return first, last

    def instruction(self, offset: int) -> Instruction | None:
        """The one that *offset* lies in, comments inside it included."""
        at = self._index(offset)
        item = self._items[at] if at is not None else None
        return item if isinstance(item, Instruction) else None

    def _index(self, offset: int) -> int | None:
        return bisect_right(self._starts, offset) - 1 if self._items else None

    @cached_property
    def _keys(self) -> list[str]:
        """Stage, text and number of every item."""
        counts: Counter[str] = Counter()
        stage, keys = "", list[str]()
        for item in self._items:
            if isinstance(item, Instruction) and item.keyword == "FROM":
                stage = _stage(item)
            key = f"{stage}\0{_text(item)}"
            counts[key] += 1
            keys.append(f"{key}\0{counts[key]}")
        return keys


def _stage(opening: Instruction) -> str:
    """The name that a FROM gives; empty if none, for numbers change."""
    words = [argument.value for argument in opening.arguments]
    return lower(words[2]) if len(words) > 2 and lower(words[1]) == "as" else ""


def _text(item: Item) -> str:
    if not isinstance(item, Instruction):
        return " ".join(str(item).split()) if isinstance(item, Comment) else ""
    bodies = (item.text[each.body.start : each.body.end] for each in item.heredocs)
    return " ".join("\n".join((item.logical.text, *bodies)).split())
