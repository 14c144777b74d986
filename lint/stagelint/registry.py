"""Which rules there are, by code, name, alias and prefix; a rule is imported when it is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from importlib import import_module

from stagelint.rule import Rule
from stagelint.syntax.characters import nearest
from stagelint.tuples import NamedTuple

ALL = "ALL"

#: The checks of ShellCheck, a program that runs if it is there: `SC` and four digits. Those that it
#: has begin with 1, 2 or 3.
SHELLCHECK = "SC"
_NAME_OF_SHELLCHECK = "shellcheck"


class Entry(NamedTuple):
    """What is known of a rule without importing it."""

    code: str
    name: str
    severity: str
    default: bool
    module: str
    aliases: tuple[str, ...] = ()


class UnknownSelector(Exception):
    """No rule is called that; the message says which ones are called nearly so."""


class Registry:
    """The built-in rules and those of the packages named as plugins."""

    def __init__(self, plugins: Sequence[str] = ()) -> None:
        """Raises `ImportError` if a plugin cannot be imported."""
        from stagelint_rules._index import RULES

        self.entries = [Entry(*row) for row in RULES]
        self._classes: dict[str, type[Rule]] = {}
        for plugin in plugins:
            for rule in rules_of(plugin):
                self._classes[rule.code] = rule
                self.entries.append(entry(rule))

    @cached_property
    def _by_word(self) -> Mapping[str, frozenset[str]]:
        words: dict[str, set[str]] = {ALL: set()}
        for each in self.entries:
            words[ALL].add(each.code)
            for word in (each.code, each.name, *each.aliases):
                words.setdefault(word, set()).add(each.code)
            for end in range(2, len(each.code)):
                words.setdefault(each.code[:end], set()).add(each.code)
        return {word: frozenset(codes) for word, codes in words.items()}

    def resolve(self, selector: str) -> frozenset[str]:
        """The codes a selector stands for; none if it is unknown."""
        found = self._by_word.get(selector, frozenset())
        if selector == ALL or is_of_shellcheck(selector):
            return found | _shellcheck("" if selector == ALL else selector)
        return found

    def expand(self, selectors: Iterable[str]) -> frozenset[str]:
        """The codes of all *selectors*. Raises `UnknownSelector`."""
        codes: set[str] = set()
        for selector in selectors:
            found = self.resolve(selector)
            if not found:
                near = nearest(selector, list(self._by_word)) or nearest(
                    selector.upper(), list(self._by_word)
                )
                hint = f"; did you mean `{near[0]}`?" if near else ""
                raise UnknownSelector(f"no rule is called `{selector}`{hint}")
            codes |= found
        return frozenset(codes)

    @cached_property
    def defaults(self) -> frozenset[str]:
        """The codes of the rules that are on unless deselected."""
        return frozenset(each.code for each in self.entries if each.default)

    def load(self, codes: Iterable[str]) -> list[type[Rule]]:
        """The classes of the rules with these codes, in the order of the index."""
        wanted = frozenset(codes)
        return [self._load(each) for each in self.entries if each.code in wanted]

    def _load(self, each: Entry) -> type[Rule]:
        if each.code not in self._classes:
            module = import_module(each.module)
            name = "".join(part.capitalize() for part in each.name.split("-"))
            self._classes[each.code] = getattr(module, name)
        return self._classes[each.code]


def is_of_shellcheck(selector: str) -> bool:
    """Does *selector* or code ask for checks of ShellCheck by name?"""
    return selector.startswith(SHELLCHECK) or selector == _NAME_OF_SHELLCHECK


@cache
def _shellcheck(selector: str) -> frozenset[str]:
    """The codes of ShellCheck that *selector* stands for; any that could be one if it is whole."""
    import re

    if re.fullmatch(f"{SHELLCHECK}[0-9]{{4}}", selector):
        return frozenset({selector})
    prefix = selector if selector.startswith(SHELLCHECK) else SHELLCHECK
    every = (f"{SHELLCHECK}{number}" for number in range(1000, 4000))
    return frozenset(each for each in every if each.startswith(prefix))


def rules_of(package: str) -> Iterator[type[Rule]]:
    """Every rule defined in the modules of *package*, by code. Raises `ImportError`."""
    from pkgutil import iter_modules

    root = import_module(package)
    found: list[type[Rule]] = []
    for info in iter_modules(root.__path__):
        if info.name.startswith("_"):
            continue
        module = import_module(f"{package}.{info.name}")
        found += [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, Rule)
            and value.__module__ == module.__name__
        ]
    return iter(sorted(found, key=lambda rule: rule.code))


def entry(rule: type[Rule]) -> Entry:
    """The row of the index for *rule*."""
    return Entry(
        rule.code,
        rule.name(),
        rule.severity.value,
        rule.default,
        rule.__module__,
        rule.aliases,
    )
