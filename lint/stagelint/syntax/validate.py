"""What BuildKit's instruction parser refuses: flags, arity, names (v0.25.2).

One problem an instruction: the parser stops at its first. Messages are BuildKit's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from stagelint.syntax.characters import lower, nearest, quoted
from stagelint.syntax.frontend import Frontend
from stagelint.syntax.nodes import (
    INVALID_STAGE_NAME,
    INVALID_SYNTAX,
    VARIABLE_REFERENCE,
    Argument,
    Flag,
    Instruction,
    Phase,
    Problem,
)
from stagelint.tuples import NamedTuple

KEYWORDS = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
]

STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*\Z")


class _Flags(NamedTuple):
    strings: frozenset[str] = frozenset()
    booleans: frozenset[str] = frozenset()
    repeatable: frozenset[str] = frozenset()


def _flags(strings: str = "", booleans: str = "", repeatable: str = "") -> _Flags:
    return _Flags(*(frozenset(names.split()) for names in (strings, booleans, repeatable)))


_NONE = _flags()
_FLAGS = {
    "FROM": _flags("platform"),
    "COPY": _flags("from chown chmod", "link parents", "exclude"),
    "ADD": _flags("chown chmod checksum", "link keep-git-dir unpack", "exclude"),
    "RUN": _flags("network security", "", "mount device"),
    "HEALTHCHECK": _flags("interval timeout start-period start-interval retries"),
}
_UNCHECKED = frozenset({"ARG", "STOPSIGNAL"})

_DURATION = r"[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)\Z"
_NANOSECONDS = {
    "ns": 1,
    "us": 1e3,
    "µs": 1e3,
    "μs": 1e3,
    "ms": 1e6,
    "s": 1e9,
    "m": 6e10,
    "h": 3.6e12,
}
_NUMBER = r"(?a)[+-]?\d+\Z"


class _Invalid(Exception):
    """The first problem of an instruction."""

    def __init__(
        self,
        message: str,
        at: Argument | Flag | None = None,
        *,
        kind: str = INVALID_SYNTAX,
        hint: str = "",
    ) -> None:
        self.message = message
        self.at = at
        self.kind = kind
        self.hint = hint


def validate(node: Instruction, frontend: Frontend) -> None:
    """Add the instruction parser's first problem with *node* to its problems."""
    if node.problems and any(problem.phase == Phase.LINES for problem in node.problems):
        return
    problem = instruction_problem(node, frontend)
    if problem:
        node.problems.append(problem)


def instruction_problem(node: Instruction, frontend: Frontend) -> Problem | None:
    """What BuildKit says of the instruction alone; of an ONBUILD's inner one when triggered."""
    try:
        check = _CHECKS.get(node.keyword)
        if check is None:
            raise _unknown(node)
        check(node)
        if node.flags and node.keyword not in _UNCHECKED and not _is_none(node):
            _check_flags(node, frontend)
        if node.keyword == "RUN":
            _run_flags(node)
        _check_heredocs(node, frontend)
    except _Invalid as error:
        if error.at is not None:
            span = node.logical.span(error.at.start, error.at.end)
        elif error.hint or node.keyword not in KEYWORDS:
            span = node.keyword_span
        else:
            span = node.code_span
        return Problem(error.kind, span, error.message, Phase.INSTRUCTIONS, error.hint)
    return None


@lru_cache(maxsize=64)
def _nearest_keyword(word: str) -> list[str]:
    return nearest(word, KEYWORDS)


def _unknown(node: Instruction) -> _Invalid:
    near = _nearest_keyword(node.keyword)
    hint = f"did you mean {near[0]}?" if near else ""
    word = node.logical.text[node.keyword_start : node.keyword_start + len(node.keyword)]
    return _Invalid(f"unknown instruction: {word}", hint=hint)


def _is_none(node: Instruction) -> bool:
    return node.keyword == "HEALTHCHECK" and node.arguments[0].value.upper() == "NONE"


def _check_flags(node: Instruction, frontend: Frontend) -> None:
    known = _FLAGS.get(node.keyword, _NONE)
    used: set[str] = set()
    for flag in node.flags:
        name = flag.name
        if name not in known.strings | known.booleans | known.repeatable:
            raise _unknown_flag(flag, sorted(known.strings | known.booleans | known.repeatable))
        feature = f"{node.keyword} --{name}"
        if not frontend.has(feature):
            raise _Invalid(f"unknown flag: --{name}", flag, hint=frontend.needs(feature))
        if name in used and name not in known.repeatable:
            raise _Invalid(f"duplicate flag specified: --{name}", flag)
        used.add(name)
        if name in known.booleans:
            if flag.value == "":
                raise _Invalid(f"missing a value on flag: --{name}", flag)
            if flag.value is not None and flag.value.lower() not in ("true", "false"):
                raise _Invalid(
                    f"expecting boolean value for flag --{name}, not: {flag.value}", flag
                )
        elif flag.value is None:
            raise _Invalid(f"missing a value on flag: --{name}", flag)


def _unknown_flag(flag: Flag, known: list[str]) -> _Invalid:
    near = nearest(flag.name, known)
    hint = f"did you mean --{near[0]}?" if near else ""
    return _Invalid(f"unknown flag: --{flag.name}", flag, hint=hint)


def _check_heredocs(node: Instruction, frontend: Frontend) -> None:
    if not node.heredocs:
        return
    first = node.heredocs[0]
    where = Argument("", first.word_start, first.word_end)
    blank = any(
        "<< " in node.logical.text[each.word_start : each.word_end] for each in node.heredocs
    )
    for feature, used in (("heredocs", True), ("a blank after <<", blank)):
        if used and not frontend.has(feature):
            raise _Invalid("no heredoc for this frontend", where, hint=frontend.needs(feature))


def _run_flags(node: Instruction) -> None:
    for flag in node.flags:
        value = flag.value or ""
        if flag.name == "network" and value not in ("", "default", "none", "host"):
            raise _Invalid(f"invalid network mode {quoted(value)}", flag)
        if flag.name == "security" and value not in ("", "insecure", "sandbox"):
            raise _Invalid(f"invalid security mode {quoted(value)}", flag)
        if flag.name == "mount":
            _check_mount(node, flag)


def _check_mount(node: Instruction, flag: Flag) -> None:
    fields = mount_fields(flag.value or "")
    if fields is None:
        raise _Invalid("failed to parse csv mounts: EOF", flag)
    for key, value in fields:
        if key == "from" and value is not None and "$" in value[:-1]:
            raise _Invalid(
                "'from' doesn't support variable expansion, define alias stage instead",
                flag,
                kind=VARIABLE_REFERENCE,
            )


def mount_fields(value: str) -> list[tuple[str, str | None]] | None:
    """The `key=value` fields of a `--mount`, keys in lower case; None if it is not one CSV record."""
    fields: list[tuple[str, str | None]] = []
    for field in _csv(value) or ():
        key, equals, setting = field.partition("=")
        fields.append((key.lower(), setting if equals else None))
    return fields or None


def mounts(node: Instruction) -> Iterator[Mapping[str, str | None]]:
    """The fields of each `--mount` of a RUN; none of one that is not a CSV record."""
    for flag in node.flags:
        if flag.name == "mount":
            yield dict(mount_fields(flag.value or "") or ())


def _csv(record: str) -> list[str] | None:
    """The fields of one record as Go's encoding/csv reads it; None where it errs."""
    record = record.strip("\r\n")
    if not record:
        return None
    if '"' not in record:
        return record.split(",")
    if not re.match(_CSV, record):
        return None
    return [
        plain if plain is not None else quoted_field.replace('""', '"')
        for plain, quoted_field in (
            (match[1], match[2]) for match in re.finditer(_CSV_FIELD, record)
        )
    ]


_CSV = r'(?:[^",]*|"(?:[^"]|"")*")(?:,(?:[^",]*|"(?:[^"]|"")*"))*\Z'
_CSV_FIELD = r'(?:\A|,)(?:([^",]*)(?=,|\Z)|"((?:[^"]|"")*)")'


def _from(node: Instruction) -> None:
    words = [argument.value for argument in node.arguments]
    if len(words) == 3 and words[1].replace("ſ", "s").lower() == "as":
        name = node.arguments[2]
        if not STAGE_NAME.match(lower(name.value)):
            raise _Invalid(
                f"invalid name for build stage: {quoted(name.value)},"
                " name can't start with a number or contain symbols",
                name,
                kind=INVALID_STAGE_NAME,
            )
    elif len(words) != 1:
        hint = "a comment needs a line of its own" if "#" in words else ""
        raise _Invalid("FROM requires either one or three arguments", hint=hint)


def _at_least_one(node: Instruction) -> None:
    if not node.arguments and not node.pairs and node.inner is None:
        raise _Invalid(f"{node.keyword} requires at least one argument")


def _exactly_one(node: Instruction) -> None:
    if not node.arguments:
        raise _Invalid(f"{node.keyword} requires exactly one argument")


def _named(node: Instruction) -> None:
    _at_least_one(node)
    if any(not pair.key for pair in node.pairs):
        raise _Invalid(f"{node.keyword} names can not be blank")


def _copy(node: Instruction) -> None:
    arguments = node.arguments
    if len(arguments) < 2:
        raise _Invalid(
            f"{node.keyword} requires at least two arguments, but only one was provided."
            " Destination could not be determined"
        )
    last = arguments[-1]
    if any(each.word_start == last.start for each in node.heredocs):
        raise _Invalid(f"{node.keyword} cannot accept a heredoc as a destination", last)


def _volume(node: Instruction) -> None:
    _at_least_one(node)
    if any(not argument.value for argument in node.arguments):
        raise _Invalid("VOLUME specified can not be an empty string")


def _shell(node: Instruction) -> None:
    if not node.rest or (node.is_json and not node.arguments):
        raise _Invalid("SHELL requires at least one argument")
    if not node.is_json:
        raise _Invalid("SHELL requires the arguments to be in JSON form")


def _healthcheck(node: Instruction) -> None:
    _at_least_one(node)
    kind, *command = node.arguments
    if kind.value.upper() == "NONE":
        if command:
            raise _Invalid("HEALTHCHECK NONE takes no arguments")
        return
    if kind.value.upper() != "CMD":
        raise _Invalid(f"Unknown type {quoted(kind.value.upper())} in HEALTHCHECK (try CMD)", kind)
    if not command:
        raise _Invalid("Missing command after HEALTHCHECK CMD")
    for flag in node.flags:
        if flag.name in _FLAGS["HEALTHCHECK"].strings and flag.value:
            _healthcheck_flag(flag, flag.value)


def _healthcheck_flag(flag: Flag, value: str) -> None:
    if flag.name == "retries":
        if (
            not re.match(_NUMBER, value)
            or not -(2**31) <= int(value[:12]) < 2**31
            or len(value) > 12
        ):
            raise _Invalid(f"strconv.ParseInt: parsing {quoted(value)}: invalid syntax", flag)
        if int(value) < 0:
            raise _Invalid(f"--retries cannot be negative ({value})", flag)
        return
    if not re.match(_DURATION, value):
        reason = "missing unit in duration" if re.match(_NUMBER, value) else "invalid duration"
        raise _Invalid(f"time: {reason} {quoted(value)}", flag)
    duration = sum(
        float(number) * _NANOSECONDS[unit]
        for number, unit in re.findall(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", value)
    )
    if duration and (duration < 1e6 or value.startswith("-")):
        raise _Invalid(f"Interval {quoted(flag.name)} cannot be less than 1ms", flag)


def _onbuild(node: Instruction) -> None:
    if node.inner is None:
        raise _Invalid("ONBUILD requires at least one argument")
    keyword = node.inner.keyword
    if keyword == "ONBUILD":
        raise _Invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if keyword in ("FROM", "MAINTAINER"):
        raise _Invalid(f"{keyword} isn't allowed as an ONBUILD trigger")


def _nothing(node: Instruction) -> None:
    """Any arguments will do."""


_CHECKS: dict[str, Callable[[Instruction], None]] = {
    "FROM": _from,
    "ARG": _named,
    "ENV": _named,
    "LABEL": _named,
    "COPY": _copy,
    "ADD": _copy,
    "VOLUME": _volume,
    "EXPOSE": _at_least_one,
    "SHELL": _shell,
    "HEALTHCHECK": _healthcheck,
    "ONBUILD": _onbuild,
    "RUN": _nothing,
    "CMD": _nothing,
    "ENTRYPOINT": _nothing,
    "USER": _exactly_one,
    "WORKDIR": _exactly_one,
    "STOPSIGNAL": _exactly_one,
    "MAINTAINER": _exactly_one,
}
