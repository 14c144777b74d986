"""Whether `stagelint.syntax.shell` reads RUN as tree-sitter-bash and bash do.

`python -m bench.shell_agreement FOLDER...` looks at every RUN of the Dockerfiles below the folders
that is given to a shell, here-documents included, and at ONBUILD RUN. Compared with tree-sitter are
the simple commands: assignments, words, redirections, and what joins each to the one before. Of
bash, which runs nothing here, it reads what `bash --pretty-print` (5.2) makes of the script: that
must be the same again, with what is conditional and which bodies here-documents have. Prints how
many are read alike, and of each kind of difference how often it was the first in a RUN, and examples.

Last run: 2026-11-26, tree-sitter-bash 0.25.1, bash 5.2.15, 49 public repositories.

| 4,330 distinct RUN | alike | different | rejected |
|---|---|---|---|
| tree-sitter | 4,303 | 2 | 25 |
| bash | 4,307 | 2 | 21 |

In 159 of those alike, tree-sitter cuts a word such as `$a/$b-c` into several, which are joined here.
It is wrong in both that differ: `>` in `[ a > 2 ]` redirects, and a lone `-` is a word, which it drops
in front of `2>`. Bash prints `a |& b` as `a 2>&1 | b`, and forgets a `;` behind a here-document. Of
the 25 rejected, bash reads four; the others are templates of Dockerfiles or for Windows.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest
from typing import Any, NamedTuple

from stagelint import discover
from stagelint.model.steps import command
from stagelint.source import Source, byte_offsets, encode
from stagelint.syntax import parse, shell
from stagelint.syntax.nodes import Dockerfile

_SHELLS = frozenset(("sh", "bash", "ash", "dash"))
#: What of a compound command has no counterpart in tree-sitter's tree that is compared.
_HEADS = frozenset(("for", "select", "case", "function", "(("))
_JOINING = frozenset(("&&", "||", "|", "|&", ";", "&"))
_BODIES = frozenset(("then", "do", "else", "elif", ";;", ";&", ";;&"))
_EXAMPLES = 3


class Seen(NamedTuple):
    """A simple command, or with no words what is redirected of a compound one; all as written."""

    start: int
    joined: str
    assignments: tuple[str, ...]
    words: tuple[str, ...]
    redirections: tuple[tuple[str, str, str], ...]
    """Descriptor, operator, target."""


# -- the scripts -------------------------------------------------------------------------------


def scripts(tree: Dockerfile) -> Iterator[str]:
    """What each RUN of a Dockerfile gives to a shell that is no other than a POSIX one."""
    is_shell = tree.escape == "\\"
    for instruction in tree.instructions:
        node = instruction.inner or instruction
        if node.keyword == "FROM":
            is_shell = tree.escape == "\\"
        elif node.keyword == "SHELL" and node.arguments:
            is_shell = os.path.basename(node.arguments[0].value) in _SHELLS
        elif node.keyword == "RUN" and is_shell and not node.problems:
            what, *parts = command(node)
            if what == "shell":
                script, *heredocs = parts
                yield "".join([str(script), *(f"\n{body}{end}" for end, body in heredocs)])  # type: ignore[misc]


def files(folder: str) -> Iterator[str]:
    for above, folders, names in os.walk(folder):
        folders.sort()
        yield from (os.path.join(above, name) for name in sorted(names))


def scripts_below(folder: str) -> Iterator[tuple[str, str]]:
    """Every script with the path of its Dockerfile."""
    for path in files(folder):
        if discover.is_dockerfile(path) and os.path.isfile(path):
            with open(path, "rb") as file:
                source = Source.from_bytes(path, file.read())
            for script in scripts(parse(source.text)):
                yield path, script


# -- two readings ------------------------------------------------------------------------------


def ours(script: str) -> list[Seen]:
    """The commands as stagelint reads them, in the order in which they begin."""

    def text(part: shell.Word | shell.Assignment) -> str:
        return script[part.start : part.end]

    found = [
        Seen(
            each.start,
            each.joined,
            tuple(text(assignment) for assignment in each.assignments),
            (script[each.words[0].start : each.words[-1].end],)
            if each.compound == "[["
            else tuple(text(word) for word in each.words),
            tuple(
                (of.descriptor, of.operator, text(of.target) if of.target else "")
                for of in each.redirections
            ),
        )
        for each in shell.commands(script)
        if each.compound not in _HEADS or each.redirections
    ]
    return sorted(found)


def theirs(script: str) -> tuple[list[Seen], bool] | None:
    """The commands as tree-sitter reads them, and whether words that it cut had to be joined.

    None if it says that this is no bash.
    """
    data = encode(script)
    root = _parser().parse(data).root_node
    if root.has_error:
        return None
    walk = _Walk(script, byte_offsets(script))
    walk.node(root)
    found = sorted(each.seen() for each in walk.found)
    return found, any(each.is_mended for each in walk.found)


@lru_cache(1)
def _parser() -> Any:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


class _Piece(NamedTuple):
    """A word, an assignment, or a redirection, whose *text* is the target."""

    start: int
    end: int
    text: str
    is_assignment: bool = False
    signs: tuple[()] | tuple[str, str] = ()
    """Descriptor and operator, of a redirection."""


class _Draft:
    """A command whose redirections stand further up in the tree."""

    def __init__(self, start: int, joined: str) -> None:
        self.start = start
        self.joined = joined
        self.assignments: list[_Piece] = []
        self.words: list[_Piece] = []
        self.redirections: list[_Piece] = []
        self.is_mended = False

    def seen(self) -> Seen:
        starts = [each.start for each in self.redirections]
        if self.words or self.assignments or not starts:
            starts.append(self.start)
        self._mend()
        return Seen(
            min(starts),
            self.joined,
            tuple(each.text for each in self.assignments),
            tuple(each.text for each in self.words),
            tuple((*each.signs, each.text) for each in self.redirections if each.signs),
        )

    def _mend(self) -> None:
        """To tree-sitter `a$b-$c` may be several words; what touches is one to every shell."""
        pieces: list[_Piece] = []
        for piece in sorted([*self.assignments, *self.words, *self.redirections]):
            if pieces and pieces[-1].end == piece.start and not piece.signs:
                self.is_mended = True
                last = pieces.pop()
                piece = last._replace(end=piece.end, text=last.text + piece.text)
            pieces.append(piece)
        self.assignments = [each for each in pieces if each.is_assignment]
        self.words = [each for each in pieces if not (each.is_assignment or each.signs)]
        self.redirections = [each for each in pieces if each.signs]


class _Walk:
    """Goes through a tree, and gathers commands."""

    def __init__(self, script: str, offsets: Any) -> None:
        self.script = script
        self.offsets = offsets
        self.found: list[_Draft] = []
        self.joined: str | None = ""

    def node(self, node: Any) -> _Draft | None:
        """Reads a node; the command that a redirection behind it belongs to."""
        if not node.is_named:
            self._token(node)
            return None
        name = node.type
        if name in ("command_substitution", "process_substitution"):
            outer, self.joined = self.joined, ""
            self._children(node)
            self.joined = outer
            return None
        if name == "file_redirect":  # $(<file)
            return self._redirect(self._draft(node.start_byte), [node])
        if name == "redirected_statement":
            return self._redirected(node)
        if name in ("list", "pipeline", "negated_command", "program"):
            return self._children(node)
        if name in ("command", "declaration_command", "unset_command", "test_command"):
            return self._command(node)
        if name in ("variable_assignment", "variable_assignments") and not _is_element(node):
            return self._command(node)
        if name in ("subshell", "compound_statement", "function_definition") or (
            name.endswith("_statement")
        ):
            return self._compound(node)
        return self._children(node)

    def _children(self, node: Any) -> _Draft | None:
        last = None
        for child in node.children:
            last = self.node(child) or last
        return last

    def _token(self, node: Any) -> None:
        sign = node.type
        if sign in _BODIES or (sign == ")" and node.parent.type == "case_item"):
            self.joined = ""
        elif sign in _JOINING:
            self.joined = sign

    def _text(self, node: Any) -> str:
        return self.script[self.offsets(node.start_byte) : self.offsets(node.end_byte)]

    def _draft(self, start: int) -> _Draft:
        joined = "\n" if self.joined is None else self.joined  # of which there are no nodes
        draft = _Draft(self.offsets(start), joined)
        self.joined = None
        self.found.append(draft)
        return draft

    def _compound(self, node: Any) -> _Draft:
        redirections = node.children_by_field_name("redirect")
        if node.type == "function_definition":
            self.joined = ""
        for child in node.children:
            if child not in redirections:
                self.node(child)
        self.joined = None
        draft = _Draft(self.offsets(node.end_byte), "")
        self._redirect(draft, redirections)
        return draft

    def _command(self, node: Any) -> _Draft:
        draft = self._draft(node.start_byte)
        if node.type == "test_command":
            self._test(draft, node)
        elif node.type == "variable_assignment":
            self._assignment(draft, node)
        else:
            is_declaring = node.type in ("declaration_command", "unset_command")
            for child in node.children:
                if child.type in ("file_redirect", "herestring_redirect"):
                    self._redirect(draft, [child])
                elif child.type == "variable_assignment" and not is_declaring:
                    self._assignment(draft, child)
                else:
                    self._word(draft, child)
        return draft

    def _word(self, draft: _Draft, node: Any) -> None:
        draft.words.append(self._piece(node.start_byte, node.end_byte))
        self._inside(node)

    def _assignment(self, draft: _Draft, node: Any) -> None:
        draft.assignments.append(
            self._piece(node.start_byte, node.end_byte)._replace(is_assignment=True)
        )
        self._children(node)

    def _inside(self, node: Any) -> None:
        """The commands in a word."""
        if node.is_named:
            self.node(node)

    def _test(self, draft: _Draft, node: Any) -> None:
        """All of `[[` is one word here; of `[`, what touches each other."""
        leaves = list(_leaves(node))
        is_joined = leaves[0].type == "[["
        if leaves[0].type == "((":
            self.found.remove(draft)
        for leaf in leaves:
            self._inside(leaf)
        at = start = leaves[0].start_byte
        for leaf in leaves:
            if leaf.start_byte > at and not is_joined:
                draft.words.append(self._piece(start, at))
                start = leaf.start_byte
            at = leaf.end_byte
        draft.words.append(self._piece(start, at))

    def _piece(self, start_byte: int, end_byte: int) -> _Piece:
        start, end = self.offsets(start_byte), self.offsets(end_byte)
        return _Piece(start, end, self.script[start:end])

    def _redirected(self, node: Any) -> _Draft:
        body = node.child_by_field_name("body")
        draft = self.node(body) if body else self._draft(node.start_byte)
        if draft is None:
            draft = _Draft(self.offsets(node.end_byte), "")
        self._redirect(draft, [child for child in node.children if child != body])
        return draft

    def _redirect(self, draft: _Draft, nodes: list[Any]) -> _Draft:
        if nodes and draft not in self.found:
            self.found.append(draft)
        for node in nodes:
            descriptor = operator = target = ""
            end = -1
            for child in node.children:
                if child.type == "file_descriptor":
                    descriptor = self._text(child)
                elif child.type == "heredoc_start":
                    target = self._text(child)
                    end = self.offsets(child.end_byte)
                elif child.type == "file_redirect":
                    self._redirect(draft, [child])
                elif child.is_named and child.type.startswith("heredoc_"):
                    outer, self.joined = self.joined, ""
                    self._children(child)
                    self.joined = outer
                elif not child.is_named and not operator:
                    operator = child.type
                elif node.type == "heredoc_redirect" and node.field_name_for_child(
                    node.children.index(child)
                ) != ("argument"):
                    self.node(child)
                elif not target:
                    target = self._text(child)
                    end = self.offsets(child.end_byte)
                    self._inside(child)
                else:  # what stands behind `>file` are words of the command
                    self._word(draft, child)
            if operator in (">&-", "<&-"):
                operator, target = operator[:2], "-"
            start = self.offsets(node.start_byte)
            draft.redirections.append(_Piece(start, end, target, signs=(descriptor, operator)))
        return draft


def _is_element(node: Any) -> bool:
    return node.type == "variable_assignment" and node.parent.type in (
        "variable_assignments", "command", "declaration_command", "c_style_for_statement",
    )  # fmt: skip


def _leaves(node: Any) -> Iterator[Any]:
    """The words of a test, of which tree-sitter knows the structure."""
    if node.type.endswith("_expression") or node.type == "test_command":
        for child in node.children:
            yield from _leaves(child)
    else:
        yield node


# -- the comparison ----------------------------------------------------------------------------


def difference(script: str, mine: list[Seen], other: list[Seen]) -> tuple[str, str, str] | None:
    """The kind of the first difference, and what both say; None if there is none."""
    for one, two in zip(mine, other, strict=False):
        if one == two:
            continue
        if one.start != two.start:
            if "time" in two.words[:1] and one.start > two.start:
                return "time is a command to tree-sitter", repr(one), repr(two)
            who = "stagelint" if one.start < two.start else "tree-sitter"
            seen = min(one, two)
            return f"only {who} sees a command", str(seen), script[seen.start :][:80]
        for kind, first, second in zip(Seen._fields, one, two, strict=True):
            if first != second:
                return kind, repr(first), repr(second)
    if len(mine) != len(other):
        who, seen = (
            ("stagelint", mine[len(other)])
            if len(mine) > len(other)
            else ("tree-sitter", other[len(mine)])
        )
        return f"only {who} sees a command", str(seen), script[seen.start :][:80]
    return None


def printed(script: str) -> str | None:
    """The script as bash prints what it has read; None if it is no bash. Nothing is run."""
    asked = subprocess.run(
        ["bash", "--pretty-print", "/dev/stdin"],
        input=encode(script),
        capture_output=True,
        check=False,
    )
    is_read = not (asked.returncode or asked.stderr)
    return asked.stdout.decode("utf-8", "surrogateescape") if is_read else None


def shape(script: str) -> list[tuple[str, ...]]:
    """The commands without what bash prints in its own way, such as blanks in substitutions."""
    return [
        (
            each.compound,
            f"{each.depth} {each.is_conditional} {each.joined}".replace("\n", ";"),
            *(_bare(script, part.start, part.end) for part in (*each.assignments, *each.words)),
            *(of.descriptor.strip("01") + of.operator for of in each.redirections),
            *(_bare(script, *of.body) for of in each.redirections if of.body),
        )
        for each in shell.commands(script)
    ]


def _bare(script: str, start: int, end: int) -> str:
    return re.sub(r"[\s\\;]+", "", script[start:end])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.shell_agreement", description=__doc__)
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    parser.add_argument("--examples", type=int, default=_EXAMPLES, metavar="NUMBER")
    options = parser.parse_args()
    counts = Counter[str]()
    examples: dict[str, list[str]] = {}
    distinct: dict[str, str] = {}
    for folder in options.folders:
        for path, script in scripts_below(folder):
            counts["RUN"] += 1
            distinct.setdefault(script, path)
    counts["distinct"] = len(distinct)
    for script, path in distinct.items():
        for name, found in (
            ("tree-sitter", beside_tree_sitter(script, counts)),
            ("bash", beside_bash(script, counts)),
        ):
            if found:
                kind, *said = found
                examples.setdefault(f"{name}: {kind}", []).append("\n      ".join((path, *said)))
    for name, number in counts.items():
        print(f"{number:6}  {name}")
    for kind, found in examples.items():
        print(f"{len(found):6}  {kind}")
        for example in found[: options.examples]:
            print(f"    {example}")
    return 0


def beside_tree_sitter(script: str, counts: Counter[str]) -> tuple[str, ...] | None:
    """Counts how a script is read, and tells the first difference."""
    other = theirs(script)
    if other is None:
        counts["tree-sitter: rejected"] += 1
        return None
    mine = ours(script)
    found = difference(script, mine, other[0])
    counts["tree-sitter: commands"] += len(mine)
    counts["tree-sitter: different" if found else "tree-sitter: alike"] += 1
    counts["tree-sitter: alike, with words that it cuts"] += not found and other[1]
    return found


def beside_bash(script: str, counts: Counter[str]) -> tuple[str, ...] | None:
    """Counts how a script is read, and tells the first difference."""
    if not shutil.which("bash"):
        return None
    again = printed(script)
    if again is None:
        counts["bash: rejected"] += 1
        return None
    mine, other = shape(script), shape(again)
    counts["bash: alike" if mine == other else "bash: different"] += 1
    for one, two in zip_longest(mine, other):
        if one != two:
            return "a command", repr(one), repr(two)
    return None


if __name__ == "__main__":
    sys.exit(main())
