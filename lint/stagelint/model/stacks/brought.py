"""What ships with a program though only its build needs it, and where that comes from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from stagelint.model.compiling import compilations
from stagelint.model.families import RUNTIMES, Kind
from stagelint.model.file import File
from stagelint.model.purpose import is_application
from stagelint.model.stacks.plans import Found, Plan, Refusal, Refused
from stagelint.model.stages import Stage
from stagelint.model.toolchain import packages_to_leave
from stagelint.source import Span
from stagelint.tuples import NamedTuple

#: So many packages are named.
_MOST = 3


class Brought(NamedTuple):
    """A toolchain that ships."""

    ships: str
    """For messages: `the Go toolchain ships`."""
    span: Span
    alias: str
    """The rule that says the same of *span*."""
    is_certain: bool = True
    """Is it known that the program runs without it, though it may not be known how?"""
    with_sources: bool = True
    """Do its sources ship in vain, too?"""

    def found(self, plan: Callable[[], Plan]) -> Found | None:
        """With what *plan* makes of it, or why it does not."""
        try:
            answer: Plan | Refusal = plan()
        except Refused as refused:
            if not self.is_certain:
                return None
            answer = refused.refusal
        return Found(self.ships, self.span, answer, (self.alias,), self.with_sources)


def toolchain(file: File, stage: Stage, languages: Collection[str]) -> Brought | None:
    """What compiles a program in one of *languages* in *stage*, and ships with it.

    As in `compiling`: `go`, `rust`, `c`, `make`, `java`, `dotnet`. None if nothing does.
    """
    compiled = {
        each.language for moment in file.moments(stage) for each in compilations(moment.calls)
    }
    if compiled.isdisjoint(languages) or not is_application(file, stage):
        return None
    image, cause = file.histories[stage.index].image, file.causes.get(stage.index)
    if image and image.kind is Kind.SDK and image.family.language in languages:
        ships = f"{RUNTIMES[image.family.language].toolchain} ships"
        return Brought(ships, stage.base.span, "SL202", is_certain=cause is not None)
    if image is None or image.kind is not Kind.OS:
        return None
    for each in packages_to_leave(file, stage):
        compiles = compilations([each.builds] if each.builds else [])
        if each.compiles and any(found.language in languages for found in compiles):
            verb = "ships" if len(each.names) == 1 else "ship"
            return Brought(f"{_listed(each.names)} {verb}", each.span, "SL204")
    return None


def interpreter(file: File, stage: Stage) -> Brought | None:
    """What compiles packages of an interpreted language in *stage*, and ships with the program.

    None if nothing does.
    """
    image = file.histories[stage.index].image
    if image is None or not is_application(file, stage):
        return None
    if image.smaller():
        ships = f"the compilers of `{image.reference}` ship"
        return Brought(ships, stage.base.span, "SL201", with_sources=False)
    for each in packages_to_leave(file, stage):
        verb = "ships" if len(each.names) == 1 else "ship"
        return Brought(f"{_listed(each.names)} {verb}", each.span, "SL204", with_sources=False)
    return None


def _listed(names: Sequence[str]) -> str:
    shown = [f"`{name}`" for name in names[:_MOST]]
    more = [f"{len(names) - _MOST} more"] if len(names) > _MOST else []
    *first, last = (*shown, *more)
    return f"{', '.join(first)} and {last}" if first else last
