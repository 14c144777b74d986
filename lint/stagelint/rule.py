"""What a rule is, and what it says."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cache

from stagelint.edit import Fix, Guarantee
from stagelint.model.file import File
from stagelint.model.project import Build, Project, Value
from stagelint.model.roles import Role
from stagelint.model.stages import Stage
from stagelint.source import Source, Span
from stagelint.tuples import NamedTuple
from stagelint.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from typing import ClassVar

    from stagelint.model.gains import Gain


class Severity(StrEnum):
    """How much a finding matters, most first."""

    ERROR = "error"
    """The build fails, or builds what nobody meant."""
    WARNING = "warning"
    """Almost certainly a mistake."""
    INFO = "info"
    """Worth knowing; may be meant."""
    STYLE = "style"

    def reaches(self, level: Severity) -> bool:
        """Is it at least as severe as *level*?"""
        order = list(Severity)
        return order.index(self) <= order.index(level)


#: For rules about images that are released.
SHIPPED = frozenset({Role.SHIPPED})


class Related(NamedTuple):
    """Another place that has to do with a finding."""

    source: Source
    span: Span
    message: str


class Finding(NamedTuple):
    """Something a rule says of a place."""

    code: str
    name: str
    severity: Severity
    source: Source
    span: Span
    message: str
    why: str = ""
    """Why it matters, in one sentence."""
    fix: Fix | None = None
    note: str = ""
    """Why there is no fix, or no safe one, if that needs saying."""
    stage: str | None = None
    """The label of the stage it lies in."""
    role: Role | None = None
    """What that stage is for."""
    related: tuple[Related, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other codes and names that select and suppress it."""
    certain: bool = True
    """Does it hold whatever is not known, such as who else builds the file?"""
    url: str = ""
    """Where more is to be read, if it is no rule of ours."""
    gain: Gain | None = None
    """What the fix, or doing what the message says, saves; None if the rule is not about that."""
    holds: tuple[str, ...] = ()
    """What the fix rests on: each was checked, or is taken for granted, as it says."""
    mark: str = ""
    """What it is called within its file while lines move, see `fingerprints`; empty if not known."""


class Good(NamedTuple):
    """A Dockerfile the rule has nothing to say about, linted with *arguments*.

    A text with lines `--- PATH` is a repository: the files that follow. A `stagelint.toml` among them
    is its configuration.
    """

    text: str
    arguments: str = ""


class Bad(NamedTuple):
    """A Dockerfile with `^^^ message` under each finding, and what the fix makes of it.

    *arguments* are options of the command line; *unsafe* says that the fix needs `--unsafe-fixes`.
    """

    text: str
    fixed: str | None = None
    arguments: str = ""
    unsafe: bool = False


class Rule(ABC):
    """Subclass it in a file of its own; docstring and examples become its page and its tests.

    The docstring's first paragraph says what, the first sentence of the second why.
    """

    code: ClassVar[str]
    severity: ClassVar[Severity] = Severity.WARNING
    """Of most findings; a single one may be less or more severe."""
    default: ClassVar[bool] = True
    """Is it on unless deselected?"""
    roles: ClassVar[frozenset[Role]] = frozenset(Role)
    """The roles of the stages it speaks of."""
    late: ClassVar[bool] = False
    """Does it speak of the suppressions, which are applied once all others have spoken?"""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other codes and names of the same rule."""
    words: ClassVar[tuple[str, ...]] = ()
    """In lower case: in a text without any of them, in whatever case, the rule finds nothing.

    Such a rule is not even imported. Empty if that cannot be told from words.
    """
    of_problems: ClassVar[bool] = False
    """Does it speak of errors of BuildKit alone that bear its name (`Problem.kind`)?"""
    waits_for: ClassVar[str] = ""
    """The field of `Options` without which it finds nothing, and is not imported either."""
    settings: ClassVar[tuple[str, ...]] = ()
    """Keys of the configuration that decide what it says."""
    widens: ClassVar[bool] = False
    """Does it speak of all stages, whatever their role, if the user asks for that?"""
    security_severity: ClassVar[str] = ""
    """As CVSS counts, from `0.1` to `10.0`, if what it finds gives secrets away; else empty."""
    examples: ClassVar[Sequence[Good | Bad]]

    @classmethod
    @final
    @cache
    def name(cls) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    @final
    @cache
    def why(cls) -> str:
        """The first sentence of the second paragraph of the docstring, on one line."""
        paragraphs = [" ".join(each.split()) for each in (cls.__doc__ or "").split("\n\n")]
        return re.split(r"(?<=\.)\s", paragraphs[1])[0] if len(paragraphs) > 1 else ""

    @abstractmethod
    def check(self, file: File) -> Iterator[Finding]:
        """What the rule has to say of *file*; it changes nothing and keeps nothing."""

    @final
    def stages(self, file: File) -> Iterator[Stage]:
        """The stages of *file* in the roles it speaks of, in order.

        Whether a stage ships is known without reading the repository; the other roles are not.
        """
        for stage in file.stages:
            if self.widens and file.options.builders_too:
                yield stage
            elif self.roles == SHIPPED:
                if stage.index in file.ships:
                    yield stage
            elif file.role_of(stage) in self.roles:
                yield stage

    @final
    def finding(
        self,
        file: File,
        span: Span,
        message: str,
        *,
        fix: Fix | None = None,
        note: str = "",
        severity: Severity | None = None,
        source: Source | None = None,
        stage: Stage | None = None,
        related: tuple[Related, ...] = (),
        certain: bool = True,
        aliases: tuple[str, ...] = (),
        gain: Gain | None = None,
        holds: tuple[str, ...] = (),
    ) -> Finding:
        """A finding in *file*, or in *source* if it lies elsewhere.

        *aliases* are codes of other rules that would say the same of this place: of their findings
        and this one, only this one is said.

        Where nothing can be shown to stay the same, for instance since BuildKit rejects the file,
        its fixes are not safe.
        """
        if fix and fix.guarantee.is_safe and file.unprovable:
            fix = fix._replace(guarantee=Guarantee.BEHAVIOUR)
            note = note or f"not safe, because {file.unprovable}"
        return Finding(
            self.code,
            self.name(),
            severity or self.severity,
            source or file.source,
            span,
            message,
            self.why(),
            fix,
            note,
            stage.label if stage else None,
            file.role_of(stage) if stage else None,
            related,
            (*self.aliases, *aliases),
            certain,
            gain=gain,
            holds=holds,
        )


class ProjectRule(Rule):
    """Speaks of what the files of a repository ask for, where they ask for it."""

    def check(self, file: File) -> Iterator[Finding]:
        yield from ()

    @abstractmethod
    def check_project(self, project: Project) -> Iterator[Finding]:
        """What the rule has to say of *project*; it changes nothing and keeps nothing."""

    @final
    def finding_at(
        self,
        value: Build | Value,
        message: str,
        *,
        note: str = "",
        severity: Severity | None = None,
        certain: bool = True,
    ) -> Finding:
        """A finding in a file that asks for a build, at the word *value* or at the build itself."""
        return Finding(
            self.code,
            self.name(),
            severity or self.severity,
            value.source,
            value.span,
            message,
            self.why(),
            note=note,
            aliases=self.aliases,
            certain=certain,
        )
