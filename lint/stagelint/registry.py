"""Which rules there are, by code, name, alias and prefix; a rule is imported when it is used."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from importlib import import_module
from itertools import accumulate

from stagelint.model.file import File
from stagelint.model.symbols import digest
from stagelint.rule import Finding, ProjectRule, Rule, Severity
from stagelint.source import Span
from stagelint.syntax.characters import nearest
from stagelint.tuples import NamedTuple

ALL = "ALL"
#: What cannot be read is always said, unless it is ignored by name.
ALWAYS = ("invalid-syntax", "unreadable-file")
_CODE = r"[A-Z]+\d+\Z"

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
    words: tuple[str, ...] = ()
    waits_for: str = ""
    of_projects: bool = False
    """Does it speak of repositories alone?"""
    of_problems: bool = False

    def answers_to(self, selector: str) -> bool:
        """Does *selector* select the rule: as its code, its name, an alias, or the beginning of its code?"""
        if selector in (self.code, self.name, ALL) or selector in self.aliases:
            return True
        return _begins(self.code, selector)

    def may_find(self, file: File, text: str) -> bool:
        """Could the rule find something in *file*, whose text is *text* in lower case?"""
        if self.of_projects or (self.waits_for and not getattr(file.options, self.waits_for)):
            return False
        if self.of_problems and self.name not in file.kinds_of_problems:
            return False
        for word in self.words:  # of 80 rules for every file: `any` takes twice as long
            if word in text:
                return True
        return not self.words


class UnknownSelector(Exception):
    """No rule is called that; the message says which ones are called nearly so."""


class Registry:
    """The built-in rules and those of the packages named as plugins."""

    def __init__(self, plugins: Sequence[str] = ()) -> None:
        """Raises `ImportError` if a plugin cannot be imported."""
        from stagelint_rules._index import RULES

        self.entries = [Entry(*row) for row in RULES]
        self._classes: dict[str, type[Rule]] = {}
        self._resolved: dict[str, frozenset[str]] = {}
        self._chosen: dict[frozenset[str], list[Entry]] = {}
        """Those of some codes, in order: a run asks for each of its files."""
        self.is_own = not plugins
        """Do all rules come with stagelint?"""
        for plugin in plugins:
            for rule in rules_of(plugin):
                self.add(rule)

    def add(self, rule: type[Rule]) -> None:
        """Take *rule* in, in the place of the one with its code if there is one."""
        self.entries = [each for each in self.entries if each.code != rule.code]
        self.entries.append(entry(rule))
        self._classes[rule.code] = rule
        self._resolved.clear()
        self._chosen.clear()

    def resolve(self, selector: str) -> frozenset[str]:
        """The codes a selector stands for; none if it is unknown."""
        if selector not in self._resolved:  # most runs ask for few: no table of all words
            found = frozenset(each.code for each in self.entries if each.answers_to(selector))
            if selector == ALL or is_of_shellcheck(selector):
                found |= _shellcheck("" if selector == ALL else selector)
            self._resolved[selector] = found
        return self._resolved[selector]

    def _family(self, selector: str) -> frozenset[str]:
        """The codes of rules with an alias that begins so."""
        return frozenset(
            each.code
            for each in self.entries
            if any(_begins(alias, selector) for alias in each.aliases)
        )

    def expand(self, selectors: Iterable[str], *, families: bool = False) -> frozenset[str]:
        """The codes of all *selectors*. Raises `UnknownSelector`.

        If *families*, the beginning of a code stands for rules with such an alias, too: to select
        `DL` is to lose none of hadolint's rules, but to ignore `DL` silences none of another name.
        """
        codes: set[str] = set()
        for selector in selectors:
            found = self.resolve(selector)
            if families:
                found |= self._family(selector)
            if not found:
                raise UnknownSelector(self.unknown(selector))
            codes |= found
        return frozenset(codes)

    def unknown(self, selector: str) -> str:
        """Says that no rule is called so, and what one is called that was perhaps meant.

        Of the codes that differ in their digits none is nearer than the others.
        """
        words = [ALL, *(word for each in self.entries for word in (*each[:2], *each.aliases))]
        if re.match(_CODE, selector):
            letters = selector.rstrip("0123456789")
            words = [
                word
                for word in words
                if re.match(_CODE, word) and word.startswith(letters) and len(word) != len(selector)
            ]
        near = nearest(selector, words) or nearest(selector.upper(), words)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return f"no rule is called `{selector}`{hint}"

    @cached_property
    def defaults(self) -> frozenset[str]:
        """The codes of the rules that are on unless deselected."""
        return frozenset(each.code for each in self.entries if each.default)

    def load(self, codes: Iterable[str], file: File | None = None) -> list[type[Rule]]:
        """The classes of the rules with these codes, in the order of the index.

        With *file*, only of those that could find something in it.
        """
        entries = self._entries(frozenset(codes))
        if file is not None:
            text = file.source.text.lower()
            entries = [each for each in entries if each.may_find(file, text)]
        return [self._load(each) for each in entries]

    def _entries(self, codes: frozenset[str]) -> list[Entry]:
        if codes not in self._chosen:
            self._chosen[codes] = [each for each in self.entries if each.code in codes]
        return self._chosen[codes]

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
    if re.fullmatch(f"{SHELLCHECK}[0-9]{{4}}", selector):
        return frozenset({selector})
    prefix = selector if selector.startswith(SHELLCHECK) else SHELLCHECK
    every = (f"{SHELLCHECK}{number}" for number in range(1000, 4000))
    return frozenset(each for each in every if each.startswith(prefix))


class Ruleset:
    """The rules that are to speak of some files, and what becomes of what they say."""

    def __init__(
        self,
        registry: Registry,
        codes: frozenset[str],
        ignored: frozenset[str] = frozenset(),
        severities: Mapping[str, Severity] | None = None,
        *,
        heeds_comments: bool = True,
    ) -> None:
        """*codes* are those selected, without the *ignored* ones; *severities* go by code.

        *heeds_comments* says whether comments silence rules.
        """
        self.resolve = registry.resolve
        self.unknown = registry.unknown
        self.is_own = registry.is_own
        self.heeds_comments = heeds_comments
        self.codes = codes - ignored
        self._registry = registry
        self._ignored = ignored
        self._severities = severities or {}

    @classmethod
    def of(cls, rules: Iterable[type[Rule]]) -> Ruleset:
        """Just *rules*, which need be in no index."""
        registry, rules = Registry(), list(rules)
        for rule in rules:
            registry.add(rule)
        return cls(registry, frozenset(rule.code for rule in rules))

    @cached_property
    def of_shellcheck(self) -> frozenset[str]:
        """The codes of ShellCheck among them."""
        return frozenset(filter(is_of_shellcheck, self.codes))

    @cached_property
    def settings(self) -> str:
        """Another text for another choice among the rules that come with stagelint."""
        severities = sorted(self._severities.items())
        chosen = (sorted(self.codes), sorted(self._ignored), severities, self.heeds_comments)
        return digest(repr(chosen))

    def rules(self, file: File | None = None) -> list[type[Rule]]:
        """The classes, with *file* only those that could find something in it."""
        return self._registry.load(self.codes, file)

    def names(self, finding: Finding) -> frozenset[str]:
        """The codes by which *finding* can be called, its own and those of its aliases."""
        codes = {finding.code}
        for alias in finding.aliases:
            codes |= self.resolve(alias)
        return frozenset(codes)

    def judged(self, findings: Sequence[Finding]) -> list[Finding]:
        """Each cause said once, by none of the names that are ignored, as severe as configured."""
        kept = findings
        if self._ignored:
            kept = [e for e in findings if not (self.names(e) - {e.code}) & self._ignored]
        return [self._weighed(each) for each in _once(kept)]

    def _weighed(self, finding: Finding) -> Finding:
        severity = self._severities.get(finding.code)
        return finding._replace(severity=severity) if severity else finding


def _once(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Without those that another one of the same place has among its aliases."""
    said: dict[str, list[Span]] = {}
    for finding in findings:
        for alias in finding.aliases:
            said.setdefault(alias, []).append(finding.span)
    ordered = {alias: _ordered(spans) for alias, spans in said.items()}
    for finding in findings:
        starts, ends = ordered.get(finding.code, ((), ()))
        before = bisect_left(starts, finding.span.end)
        if not (before and finding.span.start < ends[before - 1]):
            yield finding


def _ordered(spans: list[Span]) -> tuple[Sequence[int], Sequence[int]]:
    """Where each begins, in order; and how far it and those before it reach."""
    spans.sort()
    return [each.start for each in spans], [*accumulate((each.end for each in spans), max)]


def _begins(code: str, selector: str) -> bool:
    """Does *code*, if it is one and no name, begin with *selector*?"""
    return len(selector) > 1 and code.startswith(selector) and bool(re.match(_CODE, code))


def rules_of(package: str) -> Iterator[type[Rule]]:
    """Every rule defined in the modules of *package* and of the packages in it, by code.

    Raises `ImportError`.
    """
    from pkgutil import walk_packages

    names = package.split(".")
    if not all(map(str.isidentifier, names)):
        raise ImportError(f"`{package}` is no name of a package")
    # A repository may name any, and to import `antigravity` opens a browser.
    if names[0] in sys.stdlib_module_names:
        raise ImportError(f"`{package}` is part of Python")
    root = import_module(package)
    if not hasattr(root, "__path__"):
        raise ImportError(f"`{package}` is a module, not a package")
    found: list[type[Rule]] = []
    for info in walk_packages(root.__path__, f"{package}."):
        if info.name.rpartition(".")[2].startswith("_"):
            continue
        module = import_module(info.name)
        found += [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, Rule)
            and value.__module__ == module.__name__
        ]
    return iter(sorted(found, key=_order))


def _order(rule: type[Rule]) -> tuple[int, str]:
    """stagelint's own first, then BuildKit's, then hadolint's: as one stands for another."""
    families = ("SL", "BK", "DL")
    family = rule.code[:2]
    return families.index(family) if family in families else len(families), rule.code


def entry(rule: type[Rule]) -> Entry:
    """The row of the index for *rule*."""
    return Entry(
        rule.code,
        rule.name(),
        rule.severity.value,
        rule.default,
        rule.__module__,
        rule.aliases,
        rule.words,
        rule.waits_for,
        issubclass(rule, ProjectRule) and rule.check is ProjectRule.check,
        rule.of_problems,
    )
