"""ARG and ENV: which variables hold what, before the first FROM and at each instruction after it.

The values are those of a build with the given `--build-arg`s; an ARG's default counts as its value
(`Globals.fixed` tells what nobody can override). Sources: BuildKit v0.25.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from stagelint.model.expansion import UNKNOWN, ExpansionError, Value, expand
from stagelint.source import Span
from stagelint.syntax.characters import quoted
from stagelint.syntax.nodes import INVALID_SYNTAX, Instruction, Pair, Phase, Problem

#: Set by the builder, before any ARG; their values depend on who builds where.
PLATFORM_ARGS = frozenset(
    f"{side}{part}"
    for side in ("BUILD", "TARGET")
    for part in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
) | {"TARGETSTAGE"}


def platform_args(builder: str, target: str) -> dict[str, str]:
    """Their values in a build for the platform *target* on *builder*, each as `linux/arm/v7`."""
    found: dict[str, str] = {}
    for side, platform in (("BUILD", builder), ("TARGET", target)):
        system, architecture, variant = (*platform.split("/"), "", "")[:3]
        parts = {"OS": system, "OSVERSION": "", "ARCH": architecture, "VARIANT": variant}
        found |= {f"{side}{part}": value for part, value in parts.items()}
        found[f"{side}PLATFORM"] = platform
    return found


LINUX_AMD64 = platform_args("linux/amd64", "linux/amd64")

#: ARGs whose value may list names of stages: for the SBOM scanner, for the time of files (1.24).
LISTS_OF_STAGES = frozenset({"BUILDKIT_SBOM_SCAN_STAGE", "SOURCE_DATE_EPOCH"})

#: Arguments that builders know by themselves, and take note of; besides those of BUILDKIT_.
_BUILDERS_OWN = frozenset(
    {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "SOURCE_DATE_EPOCH"}
)

#: Never part of the environment, though declared.
HIDDEN = frozenset({"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"})

SCRATCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def is_builders_own(name: str) -> bool:
    """Is it an argument with a meaning to the builder, which needs no ARG?"""
    return name.upper() in _BUILDERS_OWN or name.startswith("BUILDKIT_")


class Globals:
    """The ARGs before the first FROM, in force for every FROM."""

    def __init__(
        self,
        instructions: Iterable[Instruction],
        build_args: Mapping[str, str],
        platform_args: Mapping[str, str],
    ) -> None:
        self.instructions = list(instructions)
        self.build_args = build_args
        self.values: dict[str, Value] = {
            name: build_args.get(name, platform_args.get(name, UNKNOWN)) for name in PLATFORM_ARGS
        }
        self.declared: set[str] = set(PLATFORM_ARGS)
        self.problems: list[Problem] = []
        for instruction in self.instructions:
            for pair in instruction.pairs:
                self._declare(instruction, pair)

    def _declare(self, instruction: Instruction, pair: Pair) -> None:
        self.declared.add(pair.key)
        if pair.key in self.build_args:
            self.values[pair.key] = self.build_args[pair.key]
        elif pair.value is not None:
            try:
                self.values[pair.key] = expand(pair.value, self.lookup, instruction.escape)
            except ExpansionError as error:
                span = instruction.logical.span(pair.start, pair.end)
                problem = expansion_problem(error, pair.value, span, Phase.GLOBAL_ARGS)
                self.problems.append(problem)

    def lookup(self, name: str) -> Value | None:
        """What `$name` is in a FROM."""
        return self.values.get(name)

    def fixed(self, name: str) -> Value | None:
        """What `$name` is in a FROM whoever builds: unknown for all that a builder may override."""
        if name in self.build_args and name in self.declared:
            return self.build_args[name]
        return UNKNOWN if name in self.declared else None


def expansion_problem(
    error: ExpansionError, word: str, span: Span, phase: Phase = Phase.DISPATCH
) -> Problem:
    """BuildKit's message for a word that cannot be expanded."""
    return Problem(INVALID_SYNTAX, span, f"failed to process {quoted(word)}: {error}", phase)


class Scope:
    """The variables of a stage while its instructions are read in order."""

    def __init__(self, outer: Globals, parent: Scope | None, *, is_scratch: bool) -> None:
        """*parent* is the scope at the end of the stage this one is built on, if it is a stage."""
        self._globals = outer
        self.known: bool = parent.known if parent else is_scratch
        """Is every variable known? A base image may bring any."""
        self.env: dict[str, Value] = dict(parent.env) if parent else {}
        if is_scratch and not parent:
            self.env["PATH"] = SCRATCH_PATH
        self.variables: dict[str, Value] = (
            {**parent.variables, **self.env} if parent else {**self.env}
        )
        self._open: set[str] = set(parent._open) if parent else set()
        """Variables that an ARG has a part in, so that another builder may have another value."""

    def lookup(self, name: str) -> Value | None:
        """What `$name` is here."""
        value = self.variables.get(name)
        return UNKNOWN if value is None and not self.known else value

    def fixed(self, name: str) -> Value | None:
        """What `$name` is here whoever builds: unknown for all that a builder may override."""
        return UNKNOWN if name in self._open else self.lookup(name)

    def enter(self, instruction: Instruction) -> Iterator[tuple[Pair, ExpansionError]]:
        """Take an ARG or ENV into account; yields the pairs that cannot be expanded."""
        if instruction.keyword == "ENV":
            yield from self._env(instruction)
        elif instruction.keyword == "ARG":
            yield from self._arg(instruction)

    def _env(self, instruction: Instruction) -> Iterator[tuple[Pair, ExpansionError]]:
        found: dict[str, Value] = {}
        opened: set[str] = set()
        for pair in instruction.pairs:
            try:
                key = expand(pair.key, self.lookup, instruction.escape)
                value = expand(pair.value or "", self.lookup, instruction.escape)
            except ExpansionError as error:
                yield pair, error
            else:
                if isinstance(key, str):
                    found[key] = value
                    if not self.is_fixed(pair.value or "", instruction.escape):
                        opened.add(key)
                else:
                    self.known = False
        self.env.update(found)
        self.variables.update(found)
        self._open -= found.keys()
        self._open |= opened

    def is_fixed(self, word: str, escape: str) -> bool:
        """Is *word* the same here, or does it fail, whoever builds?"""
        if "$" not in word:
            return True
        try:
            return isinstance(expand(word, self.fixed, escape), str)
        except ExpansionError:
            return True

    def _arg(self, instruction: Instruction) -> Iterator[tuple[Pair, ExpansionError]]:
        outer = self._globals
        for pair in instruction.pairs:
            name = pair.key
            if name in HIDDEN:
                continue
            self._open.add(name)
            if name in outer.build_args:
                self.variables[name] = outer.build_args[name]
            elif pair.value is not None:
                try:
                    self.variables[name] = expand(pair.value, self.lookup, instruction.escape)
                except ExpansionError as error:
                    yield pair, error
            else:
                value = outer.lookup(name)
                if value is not None:
                    self.variables[name] = value
