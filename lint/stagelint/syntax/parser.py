"""Text to tree. It never fails and loses nothing; what BuildKit would refuse becomes a `Problem`.

The steps are BuildKit's (v0.25.2): physical lines, directives, continuations, keyword, flags,
arguments, heredocs. Each character is looked at a bounded number of times.
"""

from __future__ import annotations

from stagelint.dialect import BUILDKIT, Dialect
from stagelint.source import Span, encode
from stagelint.syntax import arguments, directives, heredocs
from stagelint.syntax.characters import SPACE, WORD, quoted
from stagelint.syntax.frontend import LATEST, Frontend, frontend
from stagelint.syntax.nodes import (
    INVALID_SYNTAX,
    Argument,
    Blank,
    Comment,
    Directive,
    Dockerfile,
    Heredoc,
    Instruction,
    Item,
    Logical,
    Phase,
    PieceKind,
    Place,
    Problem,
)
from stagelint.syntax.validate import validate

#: Longest physical line BuildKit reads, in bytes with its LF.
LINE_LIMIT = 65536

_CODE = PieceKind.CODE
_CONTINUATION = PieceKind.CONTINUATION
_NEWLINE = PieceKind.NEWLINE
_WITH_HEREDOCS = frozenset({"ADD", "COPY", "RUN"})
_COMMANDS = frozenset({"RUN", "CMD", "ENTRYPOINT"})
_LISTS = frozenset({"COPY", "ADD", "VOLUME"})
_LINES = frozenset({"USER", "WORKDIR", "STOPSIGNAL", "MAINTAINER"})


def parse(text: str, *, dialect: Dialect = BUILDKIT, builtin: Frontend = LATEST) -> Dockerfile:
    """The tree of *text*; `str(parse(text)) == text` for any text. Raises nothing.

    *builtin* is the frontend that reads a file which asks for none.
    """
    asked = None if dialect.only_escape_directive else directives.syntax(text)
    return _Parser(text, dialect, frontend(asked[0]) if asked else builtin).file()


class _Parser:
    def __init__(self, text: str, dialect: Dialect, reader: Frontend) -> None:
        self.text = text
        self.dialect = dialect
        self.frontend = reader
        self.escape = "\\"
        self.at = 0
        self.items: list[Item] = []
        self.problems: list[Problem] = []
        self.seen: set[str] | None = set()
        """The directives so far; None once no more can come."""
        self.has_long_lines = len(text) > LINE_LIMIT // 4

    def file(self) -> Dockerfile:
        text = self.text
        while self.at < len(text):
            start, end = self.at, text.find("\n", self.at) + 1 or len(text)
            end = self._line_end() if self.has_long_lines else end
            self.at = end
            bom = 1 if start == 0 and text[0] == "\ufeff" else 0
            line = text[start + bom : end].rstrip("\r\n")
            stripped = line.lstrip(SPACE)
            if self.seen is not None and self._directive(stripped, start, end):
                continue
            if stripped.startswith("#"):
                self.items.append(Comment(text, start, end))
                continue
            body = start + bom + len(line) - len(stripped)
            code, continues = self._cut(body, stripped)
            if not stripped:
                self.items.append(Blank(text, start, end))
            elif not continues:
                self._single(start, body, code, end)
            else:
                self._continued(start, body, code, end)
        tree = Dockerfile(text, self.items, self.escape, self.frontend)
        tree.problems = self._all_problems(tree)
        return tree

    def _line_end(self) -> int:
        """Behind the newline of the line at `self.at`; notes a line BuildKit cannot read."""
        newline = self.text.find("\n", self.at)
        end = newline + 1 if newline >= 0 else len(self.text)
        if self.has_long_lines and end - self.at > LINE_LIMIT // 4:
            line = self.text[self.at : end]
            if len(encode(line)) > (LINE_LIMIT if newline >= 0 else LINE_LIMIT - 1):
                message = f"dockerfile line greater than max allowed size of {LINE_LIMIT - 1}"
                self._problem(Span(self.at, end), message)
        return end

    def _problem(self, span: Span, message: str) -> None:
        self.problems.append(Problem(INVALID_SYNTAX, span, message, Phase.LINES))

    def _directive(self, line: str, start: int, end: int) -> bool:
        match = directives.DIRECTIVE.match(line)
        name = match[1].lower() if match else ""
        known = name == "escape" or (
            name in directives.NAMES and not self.dialect.only_escape_directive
        )
        if not match or not known or self.seen is None:
            self.seen = None
            return False
        value = match[2]
        offset = self.text.index(line, start) + match.start(2)
        span = Span(offset, offset + len(value))
        if name in self.seen:
            self._problem(span, f"only one {name} parser directive can be used")
            return False
        self.seen.add(name)
        if name == "escape":
            if value in ("\\", "`"):
                self.escape = value
            else:
                self._problem(span, f"invalid escape token '{value}' does not match ` or \\")
        elif name == "check":
            problem = directives.check_problem(value, span)
            self.problems += [problem] if problem else []
        self.items.append(Directive(self.text, start, end, name, span))
        return True

    def _cut(self, start: int, line: str) -> tuple[int, bool]:
        """Where the code of *line*, which begins at *start*, ends; and whether it continues."""
        trimmed = line.rstrip("\t ")
        if trimmed.endswith(self.escape) and (
            self.dialect.doubled_escape_continues or not trimmed[:-1].endswith(self.escape)
        ):
            return start + len(trimmed) - 1, True
        return start + len(line), False

    def _single(self, start: int, body: int, code: int, end: int) -> None:
        pieces = [(_CODE, start, code)]
        if end > code:
            pieces.append((_NEWLINE, code, end))
        logical = Logical(self.text[body:code].rstrip(SPACE), (0,), (body,))
        self._instruction(start, body, logical, pieces)

    def _continued(self, start: int, body: int, code: int, end: int) -> None:
        text = self.text
        pieces = [(_CODE, start, code), (_CONTINUATION, code, end)]
        parts, logical, physical = [text[body:code]], [0], [body]
        length, continues = code - body, True
        while continues and self.at < len(text):
            line_start = self.at
            line_end = text.find("\n", line_start) + 1 or len(text)
            line_end = self._line_end() if self.has_long_lines else line_end
            self.at = line_end
            line = text[line_start:line_end].rstrip("\r\n")
            stripped = line.lstrip(SPACE)
            if not stripped or stripped.startswith("#"):
                kind = PieceKind.COMMENT if stripped else PieceKind.BLANK
                pieces.append((kind, line_start, line_end))
                continue
            code, continues = self._cut(line_start, line)
            if code > line_start:
                pieces.append((_CODE, line_start, code))
                parts.append(text[line_start:code])
                logical.append(length)
                physical.append(line_start)
                length += code - line_start
            if line_end > code:
                tail = _CONTINUATION if continues else _NEWLINE
                pieces.append((tail, code, line_end))
        joined = "".join(parts)
        dropped = len(joined) - len(joined.lstrip(SPACE))
        whole = Logical(joined.rstrip(SPACE), logical, physical)
        whole = whole.after(dropped) if dropped else whole
        self._instruction(start, body, whole, pieces)

    def _instruction(self, start: int, body: int, logical: Logical, pieces: list[Place]) -> None:
        instruction = Instruction(self.text, start, self.at, body, logical, pieces, self.escape)
        self.items.append(instruction)
        self._read(instruction, 0)
        self._heredocs(instruction, pieces)
        validate(instruction, self.frontend)
        if not self.dialect.checks_names:
            problems = instruction.problems
            problems[:] = [each for each in problems if each.kind == INVALID_SYNTAX]

    def _read(self, node: Instruction, at: int) -> None:
        """Keyword, flags and arguments of the instruction at *at* of its logical text."""
        line = node.logical.text
        keyword = WORD.match(line, at)
        if keyword:
            node.keyword = keyword[0].upper() if keyword[0].isascii() else keyword[0]
            at = keyword.end()
        node.keyword_start = at - len(node.keyword)
        while at < len(line) and line[at] in SPACE:
            at += 1
        if line.startswith("--", at):
            node.flags, at = arguments.flags(line, at, self.escape)
        node.rest_start = at
        try:
            self._arguments(node, line, at)
        except arguments.SplitError as error:
            span = node.logical.span(at, max(at, len(line)))
            node.problems.append(Problem(INVALID_SYNTAX, span, str(error), Phase.LINES))

    def _arguments(self, node: Instruction, line: str, at: int) -> None:
        keyword = node.keyword
        if keyword in _COMMANDS or keyword in _LISTS or keyword == "SHELL":
            strings = arguments.split_json(line, at)
            if strings is not None:
                node.is_json = True
                node.arguments = strings
            elif keyword in _LISTS:
                node.arguments = arguments.split_words(line, at)
            elif at < len(line):
                node.arguments = (Argument(line[at:], at, len(line)),)
        elif keyword in ("ENV", "LABEL"):
            node.pairs = arguments.pairs(keyword, line, at, self.escape)
        elif keyword == "ARG":
            node.pairs = arguments.names(line, at, self.escape)
        elif keyword == "ONBUILD":
            self._onbuild(node, at)
        elif keyword == "HEALTHCHECK":
            self._healthcheck(node, line, at)
        elif keyword in _LINES:
            if at < len(line):
                node.arguments = (Argument(line[at:], at, len(line)),)
        else:
            node.arguments = arguments.split_words(line, at)

    def _onbuild(self, node: Instruction, at: int) -> None:
        if at >= len(node.logical.text):
            return
        inner = Instruction(
            node.text,
            node.start,
            node.end,
            node.logical.offset(at),
            node.logical,
            node.places,
            self.escape,
        )
        if WORD.match(node.logical.text, at)[0].upper() == "ONBUILD":  # type: ignore[index]
            inner.keyword, inner.keyword_start = "ONBUILD", at
        else:
            self._read(inner, at)
        node.inner = inner
        node.problems += [each for each in inner.problems if each.phase == Phase.LINES]

    def _healthcheck(self, node: Instruction, line: str, at: int) -> None:
        words = arguments.split_words(line, at)
        if not words:
            return
        kind, command = words[0], words[0].end
        while command < len(line) and line[command] in SPACE:
            command += 1
        strings = arguments.split_json(line, command)
        node.is_json = strings is not None
        if strings is None:
            rest = Argument(line[command:], command, len(line))
            strings = (rest,) if rest.value else ()
        node.arguments = (kind, *strings)

    def _heredocs(self, node: Instruction, pieces: list[Place]) -> None:
        command = node.inner or node
        if command.keyword not in _WITH_HEREDOCS or command.is_json:
            return
        found = heredocs.find(node.logical.text)
        if not found:
            return
        bodies: list[Heredoc] = []
        for word in found:
            start, terminated, problems = self.at, False, len(self.problems)
            end = start
            while self.at < len(self.text) and not terminated:
                end, self.at = self.at, self._line_end()
                line = self.text[end : self.at].rstrip("\r\n")
                terminated = (line.lstrip("\t") if word.chomp else line) == word.delimiter
            end = end if terminated else self.at
            pieces += [(PieceKind.BODY, start, end)] if end > start else []
            if terminated:
                pieces.append((PieceKind.TERMINATOR, end, self.at))
            if not terminated or len(self.problems) > problems:
                span = node.logical.span(word.start, word.end)
                hint = f"no line is {quoted(word.delimiter)}"
                problem = Problem(INVALID_SYNTAX, span, "unterminated heredoc", Phase.LINES, hint)
                node.problems.append(problem)
            bodies.append(
                Heredoc(
                    word.delimiter,
                    word.expand,
                    word.chomp,
                    word.start,
                    word.end,
                    Span(start, end),
                )
            )
        node.heredocs = command.heredocs = tuple(bodies)
        node.end = command.end = self.at

    def _all_problems(self, tree: Dockerfile) -> list[Problem]:
        """Every problem of the text, in the order BuildKit would come to them."""
        problems = self.problems
        for instruction in tree.instructions:
            problems += instruction.problems
        keywords = [instruction.keyword for instruction in tree.instructions]
        before = keywords.index("FROM") if "FROM" in keywords else len(keywords)
        if not keywords:
            message = "file with no instructions" if self.text else "the Dockerfile cannot be empty"
            self._problem(Span(0, 0), message)
        for instruction in tree.instructions[:before]:
            if instruction.keyword != "ARG" and not instruction.problems:
                message = "no build stage in current context"
                span = instruction.code_span
                problems.append(Problem(INVALID_SYNTAX, span, message, Phase.INSTRUCTIONS))
        if keywords and before == len(keywords) and all(word == "ARG" for word in keywords):
            message = "dockerfile contains no stages to build"
            problems.append(Problem(INVALID_SYNTAX, Span(0, 0), message, Phase.NO_STAGES))
        return sorted(problems, key=lambda problem: (problem.phase, problem.span))
