"""The stages of a file: where each begins, what it is called, what it is built on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from stagelint.dialect import Dialect
from stagelint.model import images
from stagelint.model.expansion import UNKNOWN, ExpansionError, Value, expand, pieces
from stagelint.model.scope import Globals, expansion_problem
from stagelint.source import Span
from stagelint.syntax.characters import lower, quoted
from stagelint.syntax.nodes import (
    INVALID_STAGE_NAME,
    INVALID_SYNTAX,
    Flag,
    Instruction,
    Phase,
    Problem,
)
from stagelint.syntax.validate import STAGE_NAME
from stagelint.tuples import NamedTuple

SCRATCH = "scratch"

#: Names with a meaning of their own: the empty base and the build context.
RESERVED = frozenset({SCRATCH, "context"})


class Base(NamedTuple):
    """What a FROM names."""

    raw: str
    span: Span
    text: Value
    """Expanded with the defaults and `--build-arg`s at hand."""
    pattern: re.Pattern[str] | None
    """What it may be when a builder overrides ARGs; None if nothing can change it."""
    stage: int | None
    """Index of the stage it is, if it is one."""

    @property
    def image(self) -> str | None:
        """The image it is; None for a stage, scratch or what is not known."""
        if self.stage is not None or isinstance(self.text, str) is False or self.text == SCRATCH:
            return None
        return str(self.text) or None

    @property
    def is_scratch(self) -> bool:
        return self.stage is None and self.text == SCRATCH


class Stage:
    """A FROM and what follows it, up to the next."""

    def __init__(self, index: int, opening: Instruction, base: Base) -> None:
        self.index = index
        self.opening = opening
        self.base = base
        self.instructions: list[Instruction] = []
        """Those after the FROM."""

    def __repr__(self) -> str:
        return f"<Stage {self.index} {self.label}>"

    @cached_property
    def raw_name(self) -> str | None:
        """The name as written; None for an unnamed stage."""
        words = self.opening.arguments
        return words[2].value if len(words) == 3 else None

    @cached_property
    def name(self) -> str | None:
        """The name as BuildKit compares it, in lower case."""
        return None if self.raw_name is None else lower(self.raw_name)

    @property
    def name_span(self) -> Span | None:
        words = self.opening.arguments
        return self.opening.logical.span(words[2].start, words[2].end) if self.raw_name else None

    @property
    def label(self) -> str:
        """The name, or what BuildKit calls an unnamed stage in its output."""
        return self.name or f"stage-{self.index}"

    @property
    def platform(self) -> Flag | None:
        return self.opening.flag("platform")

    @property
    def span(self) -> Span:
        """From the FROM to the end of the last instruction, comments in between included."""
        last = self.instructions[-1] if self.instructions else self.opening
        return Span(self.opening.code_start, last.code_span.end)

    @property
    def triggers(self) -> Iterator[Instruction]:
        """What its ONBUILDs have a child do."""
        for instruction in self.instructions:
            if instruction.keyword == "ONBUILD" and instruction.inner is not None:
                yield instruction.inner

    def by_keyword(self, *keywords: str) -> Iterator[Instruction]:
        """Its instructions of the given keywords (upper case), in order."""
        return (each for each in self.instructions if each.keyword in keywords)


class StageTable:
    """Every stage of a file and what their names mean."""

    def __init__(
        self, instructions: Iterable[Instruction], outer: Globals, dialect: Dialect
    ) -> None:
        self.dialect = dialect
        self.stages: list[Stage] = []
        self.problems: list[Problem] = list(outer.problems)
        self._globals = outer
        self._names: dict[str, int] = {}
        for instruction in instructions:
            if instruction.keyword == "FROM" and instruction.arguments:
                self._open(instruction)
            elif self.stages:
                self.stages[-1].instructions.append(instruction)

    def __getitem__(self, index: int) -> Stage:
        return self.stages[index]

    def named(self, name: str) -> int | None:
        """Index of the stage that *name* means to `--target` and `--from`, if it is one's name."""
        return self._names.get(lower(name) if self.dialect.folds_case else name)

    def selectable(self, stage: Stage) -> bool:
        """Can its name select it? Not if another stage of the same name takes precedence."""
        return stage.raw_name is not None and self.named(stage.raw_name) == stage.index

    def _key(self, stage: Stage) -> str | None:
        return stage.name if self.dialect.folds_case else stage.raw_name

    def _open(self, instruction: Instruction) -> None:
        index = len(self.stages)
        stage = Stage(index, instruction, self._base(instruction, index))
        self.stages.append(stage)
        self.problems += self._stage_problems(stage)
        key = self._key(stage)
        if key is None:
            return
        if self.dialect.duplicate_wins == "first" and key in self._names:
            return
        self._names[key] = index

    def _base(self, instruction: Instruction, index: int) -> Base:
        word = instruction.arguments[0]
        span = instruction.logical.span(word.start, word.end)
        pattern = None
        try:
            text = expand(word.value, self._globals.lookup, instruction.escape)
        except ExpansionError as error:
            problem = expansion_problem(error, word.value, span, Phase.STAGES)
            can = self._may_be_expanded(instruction, word.value)
            self.problems.append(problem._replace(conditional=can))
            text = UNKNOWN
        if "$" in word.value:
            pattern = self._pattern(word.value, instruction.escape)
        return Base(word.value, span, text, pattern, self._stage_called(text, index))

    def _may_be_expanded(self, instruction: Instruction, word: str) -> bool:
        """Could a builder give such values that *word* can be expanded?"""
        try:
            expand(word, self._globals.fixed, instruction.escape)
        except ExpansionError:
            return False
        return True

    def _stage_called(self, text: Value, index: int) -> int | None:
        """The stage above *index* that a FROM of this text is built on."""
        if not isinstance(text, str):
            return None
        key = lower(text) if self.dialect.folds_case_of_base else text
        found = self._names.get(key)
        if found is None and self.dialect.target_by_index and text.isascii() and text.isdigit():
            number = int(text[:9])
            if number < index and self.stages[number].raw_name is None:
                return number
        return found

    def _pattern(self, word: str, escape: str) -> re.Pattern[str] | None:
        """Every value *word* may have for some `--build-arg`s."""
        try:
            values = pieces(word, self._globals.fixed, escape)
        except ExpansionError:
            return None
        if all(isinstance(value, str) for value in values):
            return None
        regex = "".join(re.escape(v) if isinstance(v, str) else ".*" for v in values)
        return re.compile(re.sub(r"(?:\.\*)+", ".*", regex) + r"\Z", re.DOTALL)

    def _stage_problems(self, stage: Stage) -> Iterator[Problem]:
        base = stage.base
        conditional = base.pattern is not None
        if base.text == "":
            message = f"base name ({base.raw}) should not be blank"
            yield Problem(INVALID_SYNTAX, base.span, message, Phase.STAGES, conditional=conditional)
        elif isinstance(base.text, str) and base.stage is None and base.text != SCRATCH:
            yield from reference_problem(base.text, base.span, conditional=conditional)
        yield from self._platform_problem(stage)
        if self.dialect.duplicate_wins == "error" and self._key(stage) in self._names:
            yield Problem(
                "duplicate-stage-name",
                stage.name_span or base.span,
                f"duplicate name {stage.raw_name}",
                Phase.STAGES,
            )
        name = stage.name
        if (
            name is not None
            and self.dialect.checks_names_as_references
            and name not in RESERVED
            and STAGE_NAME.match(name)
        ):
            reason = images.problem(name)
            if reason:
                message = f"invalid context name {name}: {reason}"
                span = stage.name_span or base.span
                yield Problem(INVALID_STAGE_NAME, span, message, Phase.STAGES)

    def _platform_problem(self, stage: Stage) -> Iterator[Problem]:
        flag = stage.platform
        if not flag or not flag.value:
            return
        span = stage.opening.logical.span(flag.value_start, flag.end)
        try:
            value = expand(flag.value, self._globals.lookup, stage.opening.escape)
        except ExpansionError as error:
            problem = expansion_problem(error, flag.value, span, Phase.STAGES)
            yield problem._replace(conditional=self._may_be_expanded(stage.opening, flag.value))
            return
        message = ""
        if value == "":
            message = f"empty platform value from expression {flag.value}"
        elif isinstance(value, str) and not re.match(_PLATFORM, value):
            message = (
                f"failed to parse platform {value}: {quoted(value)}:"
                " cannot parse platform specifier: invalid argument"
            )
        elif isinstance(value, str) and not _is_known_platform(value):
            message = (
                f"failed to parse platform {value}: {quoted(value)}:"
                " unknown operating system or architecture: invalid argument"
            )
        if message:
            fixed = expand(flag.value, self._globals.fixed, stage.opening.escape)
            conditional = not isinstance(fixed, str)
            yield Problem(INVALID_SYNTAX, span, message, Phase.STAGES, conditional=conditional)


def _is_known_platform(value: str) -> bool:
    """One word must be a known one; of two or three BuildKit takes any."""
    return "/" in value or value.lower().partition("(")[0] in _PLATFORM_WORDS


#: What a platform of one word can be, if it is a system (containerd/platforms 1.0).
SYSTEMS = frozenset(
    """
    aix android darwin macos dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9
    solaris windows zos
    """.split()
)
#: And if it is an architecture.
_PLATFORM_WORDS = SYSTEMS | frozenset(
    """
    386 i386 amd64 amd64p32 x86_64 x86-64 arm armbe arm64 aarch64 arm64be ppc64 ppc64le loong64 mips
    mipsle mips64 mips64le mips64p32 mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm
    armhf armel
    """.split()
)
_PLATFORM = r"[A-Za-z0-9_.()-]+(?:/[A-Za-z0-9_.-]+){0,2}\Z"


def reference_problem(
    reference: str, span: Span, *, conditional: bool = False
) -> Sequence[Problem]:
    """BuildKit's complaint about a base or `--from` that is no image reference, if it has one."""
    reason = images.problem(reference)
    if reason is None:
        return ()
    message = f"failed to parse stage name {quoted(reference)}: {reason}"
    return (Problem(INVALID_SYNTAX, span, message, Phase.IMAGES, conditional=conditional),)
