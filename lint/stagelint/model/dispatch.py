"""Errors that BuildKit finds only when it builds a stage: words, mounts, ports (v0.25.2)."""

from __future__ import annotations

import re

from stagelint.model import mounts
from stagelint.model.expansion import (
    UNKNOWN,
    ExpansionError,
    Value,
    expand,
    expand_heredoc,
    expand_words,
)
from stagelint.model.scope import Globals, Scope, expansion_problem
from stagelint.model.stages import Stage
from stagelint.source import Span
from stagelint.syntax import words
from stagelint.syntax.characters import quoted
from stagelint.syntax.frontend import Frontend
from stagelint.syntax.nodes import INVALID_SYNTAX, Argument, Instruction, Phase, Problem
from stagelint.syntax.validate import mount_fields

_EXPANDED = frozenset({"LABEL", "WORKDIR", "USER", "VOLUME", "STOPSIGNAL"})
_PORT = r"(?a:(?:(?:.*):)?(\d+)(?:-(\d+))?\Z)"
_OCTAL = r"[0-7]+\Z"
_SIGNAL = r"(?a:(?:SIG)?(RTMIN(?:\+\d+)?|RTMAX(?:-\d+)?|[A-Z]+\d?)\Z|(\d+)\Z)"


class Dispatch:
    """Reads one stage in order, as BuildKit does when it builds it."""

    def __init__(
        self, stage: Stage, outer: Globals, parent: Scope | None, frontend: Frontend
    ) -> None:
        self.stage = stage
        self.scope = Scope(outer, parent, is_scratch=stage.base.is_scratch)
        self.problems: list[Problem] = []
        self._frontend = frontend
        for instruction in stage.instructions:
            self._instruction(instruction)
            for pair, error in self.scope.enter(instruction):
                self._failed(instruction, pair.value or pair.key, error, pair.start, pair.end)

    def _add(self, span: Span, message: str, *, conditional: bool = False, hint: str = "") -> None:
        self.problems.append(
            Problem(
                INVALID_SYNTAX,
                span,
                message,
                Phase.DISPATCH,
                hint,
                stage=self.stage.index,
                conditional=conditional,
            )
        )

    def _failed(
        self, instruction: Instruction, word: str, error: ExpansionError, start: int, end: int
    ) -> None:
        """A word cannot be expanded; other build arguments help unless it fails for any."""
        span = instruction.logical.span(start, end)
        message = expansion_problem(error, word, span).message
        self._add(span, message, conditional=self._varies(instruction, word))

    def _varies(self, node: Instruction, word: str) -> bool:
        """Could another builder, or base image, make something else of *word*?"""
        return not self.scope.is_fixed(word, node.escape)

    def _expand(self, node: Instruction, argument: Argument) -> Value:
        self._check_frontend(node, argument)
        try:
            return expand(argument.value, self.scope.lookup, node.escape)
        except ExpansionError as error:
            self._failed(node, argument.value, error, argument.start, argument.end)
            return UNKNOWN

    def _check_frontend(self, node: Instruction, argument: Argument) -> None:
        feature = "${name#pattern}"
        if self._frontend.has(feature) or "${" not in argument.value:
            return
        try:
            parts = words.lex(argument.value, node.escape)
        except words.WordError:
            return
        for part in parts:
            if isinstance(part, words.Variable) and part.operator[:1] in ("#", "%", "/"):
                message = f"unsupported modifier ({part.operator}) in substitution"
                span = node.logical.span(argument.start, argument.end)
                self._add(span, message, hint=self._frontend.needs(feature))
                return

    def _instruction(self, node: Instruction) -> None:
        keyword = node.keyword
        if keyword in _EXPANDED:
            for argument in node.arguments:
                value = self._expand(node, argument)
                if keyword == "STOPSIGNAL" and isinstance(value, str):
                    self._signal(node, argument, value)
            for pair in node.pairs:
                self._expand(node, Argument(pair.key, pair.start, pair.end))
                self._expand(node, Argument(pair.value or "", pair.start, pair.end))
        elif keyword in ("COPY", "ADD"):
            self._copy(node)
        elif keyword == "RUN":
            self._run(node)
        elif keyword == "EXPOSE":
            self._expose(node)

    def _copy(self, node: Instruction) -> None:
        heredocs = {heredoc.word_start: heredoc for heredoc in node.heredocs}
        for argument in node.arguments:
            heredoc = heredocs.get(argument.start)
            if heredoc is None:
                self._expand(node, argument)
            elif heredoc.expand:
                body = node.text[heredoc.body.start : heredoc.body.end]
                try:
                    expand_heredoc(body, self.scope.lookup)
                except ExpansionError as error:
                    problem = expansion_problem(error, body, heredoc.body)
                    self._add(heredoc.body, problem.message, conditional="?" in body)
        for flag in node.flags:
            if flag.name not in ("chown", "chmod", "checksum") or not flag.value:
                continue
            value = self._expand(node, Argument(flag.value, flag.value_start, flag.end))
            if (
                flag.name == "chmod"
                and isinstance(value, str)
                and not _is_mode(value, self._frontend)
            ):
                span = node.logical.span(flag.value_start, flag.end)
                message = (
                    f"invalid chmod parameter: '{value}'. it should be octal string and between"
                    " 0 and 07777"
                )
                self._add(span, message, conditional=self._varies(node, flag.value))
        checksum = node.flag("checksum")
        sources = [each.value for each in node.arguments[:-1]]
        if checksum and not any("$" in each or re.match(REMOTE, each) for each in sources):
            span = node.logical.span(checksum.start, checksum.end)
            self._add(span, "checksum requires HTTP(S) or Git sources")

    def _run(self, node: Instruction) -> None:
        for flag in node.flags:
            if flag.name == "mount" and flag.value:
                where = Argument("", flag.value_start, flag.end)
                fields = mount_fields(flag.value) or []
                for key, setting in fields:
                    if setting is not None and key != "from":
                        self._expand(node, where._replace(value=setting))
                message = mounts.problem(fields)
                if message:
                    span = node.logical.span(flag.value_start, flag.end)
                    self._add(span, message, conditional=self._varies(node, flag.value))
        if node.is_json and not node.arguments:
            self._add(node.code_span, "failed to marshal LLB definition: arguments are required")

    def _expose(self, node: Instruction) -> None:
        for argument in node.arguments:
            try:
                ports = expand_words(argument.value, self.scope.lookup, node.escape)
            except ExpansionError as error:
                self._failed(node, argument.value, error, argument.start, argument.end)
                continue
            for port in ports if isinstance(ports, list) else ():
                message = _port_problem(port)
                if message:
                    span = node.logical.span(argument.start, argument.end)
                    self._add(span, message, conditional=self._varies(node, argument.value))

    def _signal(self, node: Instruction, argument: Argument, value: str) -> None:
        match = re.match(_SIGNAL, value.upper())
        number = match and match[2]
        if (
            match
            and (not number or 0 < int(number[:4]) < 65)
            and (number or match[1] in _SIGNALS or match[1].startswith("RT"))
        ):
            return
        span = node.logical.span(argument.start, argument.end)
        self._add(span, f"invalid signal: {value}", conditional=self._varies(node, argument.value))


#: A source of ADD that is fetched.
REMOTE = r"(?i)https?://|git@|git://|ssh://|.*\.git(?:[#/]|\Z)|github\.com/"
_SIGNALS = frozenset(
    [
        "ABRT",
        "ALRM",
        "BUS",
        "CHLD",
        "CLD",
        "CONT",
        "FPE",
        "HUP",
        "ILL",
        "INT",
        "IO",
        "IOT",
        "KILL",
        "PIPE",
        "POLL",
        "PROF",
        "PWR",
        "QUIT",
        "SEGV",
        "STKFLT",
        "STOP",
        "SYS",
        "TERM",
        "TRAP",
        "TSTP",
        "TTIN",
        "TTOU",
        "UNUSED",
        "URG",
        "USR1",
        "USR2",
        "VTALRM",
        "WINCH",
        "XCPU",
        "XFSZ",
    ]
)


def _is_mode(value: str, frontend: Frontend) -> bool:
    """Octal up to 07777; symbolic modes came with frontend 1.14."""
    if re.match(_OCTAL, value):
        return int(value[-8:], 8) <= 0o7777
    return frontend.version >= (1, 14) and bool(re.match(r"[ugoa]*[-+=][rwxXstugo]*", value))


def _port_problem(port: str) -> str | None:
    spec, slash, protocol = port.rpartition("/")
    if not slash:
        spec, protocol = port, "tcp"
    if protocol.lower() not in ("tcp", "udp", "sctp", ""):
        return f"invalid port: {quoted(port)}: invalid proto: {protocol}"
    if not spec:
        return f"invalid port: {quoted(port)}: no port specified"
    container = spec.rpartition(":")[2]
    match = re.match(_PORT, container)
    if not match or any(int(number[:6]) > 65535 for number in match.groups() if number):
        return f"invalid containerPort: {container}"
    return None
