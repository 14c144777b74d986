"""ARG and ENV in every build there could be: the counterpart of `scope`, which knows one build.

A builder may override each ARG, and a base image may set any variable. Sources: BuildKit v0.25.2,
observed, and `scope` for what the two share.
"""

from __future__ import annotations

from collections.abc import Iterable

from stagelint.model.expansion import ExpansionError, can_fail
from stagelint.model.scope import HIDDEN, PLATFORM_ARGS
from stagelint.model.symbols import Lookup, Symbolic, digest, evaluate, may_be_unset, symbol
from stagelint.model.who_builds import Anybody
from stagelint.syntax.nodes import Instruction, Pair

#: Holds the name of the target, as asked for or as written.
TARGET_STAGE = "TARGETSTAGE"


#: PATH where nothing sets it: it depends on the operating system.
_DEFAULT_PATH = symbol("default", "PATH")


class GlobalVariables:
    """The ARGs before the first FROM."""

    def __init__(self, instructions: Iterable[Instruction], builder: Anybody) -> None:
        self.builder = builder
        self._values = {name: builder.platform(name) for name in PLATFORM_ARGS}
        self._optional: set[str] = set()
        """Those that only a builder sets."""
        self.conditions: set[str] = set()
        """Stand for the defaults that some builder's values make fail."""
        self.reads_target = False
        """Has anything asked for the name of the target?"""
        for instruction in instructions:
            for pair in instruction.pairs:
                self._declare(pair, instruction.escape)

    def _declare(self, pair: Pair, escape: str) -> None:
        default: Symbolic | None = None
        if pair.value is not None:
            default = _default(pair.value, self.lookup, escape)
            if isinstance(default, tuple) and can_fail(pair.value, escape):
                self.conditions.add(digest("ARG", pair.key, default))
            self._optional.discard(pair.key)
        elif pair.key in self._values:
            return
        else:
            self._optional.add(pair.key)
        value = self.builder.argument(pair.key, default)
        if value is not None:
            self._values[pair.key] = value

    def lookup(self, name: str) -> Symbolic | None:
        """What `$name` is in a FROM."""
        self.reads_target = self.reads_target or name == TARGET_STAGE
        return self._values.get(name)

    def inherited(self, name: str) -> Symbolic | None:
        """What an `ARG name` in a stage takes from here; None if it is the builder's alone."""
        return None if name in self._optional else self.lookup(name)


class Variables:
    """The variables of a stage while its instructions are read in order."""

    def __init__(self, outer: GlobalVariables, base: str) -> None:
        """*base* stands for an image whose variables are not known; empty for scratch."""
        self._outer = outer
        self._base = base
        self._values: dict[str, Symbolic] = {}
        self._order: dict[tuple[str, str], Symbolic | None] = {}
        """What a RUN gets, in BuildKit's order: setting a variable again moves it to the end.
        The key is what the entry is, `env`, `arg?` (set if the builder gives it) or `base`."""
        self.image: dict[str, Symbolic] = {}
        """The variables of the image config that are set here, by when they were first set."""
        self._digest = ""
        if base:
            self._order["base", digest(())] = None
        else:
            self.image["PATH"] = _DEFAULT_PATH
            self._set("PATH", _DEFAULT_PATH)

    def child(self) -> Variables:
        """Those at the beginning of a stage built on this one."""
        child = Variables(self._outer, self._base)
        child._values, child._order = dict(self._values), dict(self._order)
        child.image = dict(self.image)
        # BuildKit sets the image's variables once more, so they win over ARGs of the same name.
        if self._base:
            child._cover()
        else:
            for name, value in self.image.items():
                child._set(name, value)
        return child

    def _cover(self) -> None:
        """Set the variables of the image once more where those of its base are not known.

        They keep the places they have in the base, so they and the base are one entry.
        """
        for name in self._values.keys() - self.image.keys():
            value = self._values[name]
            self._values[name] = symbol(
                "covered", self._base, name, value, is_optional=may_be_unset(value)
            )
        self._values.update(self.image)
        for key in [*self._order]:
            if key[0] == "base" or key[1] in self.image:
                del self._order[key]
        self._order["base", digest(tuple(self.image.items()))] = None
        self._digest = ""

    @property
    def size(self) -> int:
        """How many variables there are: what a copy costs."""
        return len(self._order)

    @property
    def digest(self) -> str:
        """Stands for what a RUN gets."""
        if not self._digest:
            self._digest = digest(self._base, tuple(self._order.items()))
        return self._digest

    @property
    def digest_of_all(self) -> str:
        """Stands for what a stage built on this one can see."""
        return digest(self.digest, sorted(self._values.items()), self.digest_of_image)

    @property
    def digest_of_image(self) -> str:
        """Stands for the `Env` of the image config."""
        return digest(self._base, tuple(self.image.items()))

    def lookup(self, name: str) -> Symbolic | None:
        """What `$name` is here; None if it is certainly not set."""
        value = self._values.get(name)
        if value is None and self._base:
            return symbol("variable", self._base, name, is_optional=True)
        return value

    def _set(self, name: str, value: Symbolic) -> None:
        self._values[name] = value
        self._order.pop(("arg?", name), None)
        self._order.pop(("env", name), None)
        self._order["env", name] = value
        self._digest = ""

    def env(self, instruction: Instruction) -> None:
        """Take an ENV into account: every value sees the variables before it.

        Raises `ExpansionError`.
        """
        found = [
            (
                evaluate(pair.key, self.lookup, instruction.escape),
                evaluate(pair.value or "", self.lookup, instruction.escape),
            )
            for pair in instruction.pairs
        ]
        if not all(isinstance(name, str) for name, _ in found):
            self._forget(found)
            return
        for name, value in found:
            if isinstance(name, str):
                self.image[name] = value
                self._set(name, value)

    def _forget(self, found: list[tuple[Symbolic, Symbolic]]) -> None:
        """A variable is set whose name is not known: it may be any."""
        self._base = digest("overlaid", self.digest_of_all, found)
        self._values.clear()
        self._order = {("base", digest(())): None}
        self.image = {}
        self._digest = ""

    def arg(self, instruction: Instruction) -> None:
        """Take an ARG into account: its values see those to their left."""
        for pair in instruction.pairs:
            name = pair.key
            if name in HIDDEN:
                continue
            value = self._outer.inherited(name)
            if pair.value is not None:
                default = _default(pair.value, self.lookup, instruction.escape)
                value = self._outer.builder.argument(name, default)
            if value is not None:
                self._set(name, value)
                continue
            value = self._outer.builder.argument(name, self.lookup(name))
            if value is not None:
                self._values[name] = value
                self._order.pop(("arg?", name), None)
                self._order["arg?", name] = value
                self._digest = ""


def _default(text: str, lookup: Lookup, escape: str) -> Symbolic:
    """The value of an ARG that is not overridden, which must not make sense where it always is."""
    try:
        return evaluate(text, lookup, escape)
    except ExpansionError as error:
        return symbol("error", str(error), text)
