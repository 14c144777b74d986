"""What must hold of a final stage, so that what stood in one works in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from stagelint.model.base_images import Description
from stagelint.model.calls import runs_script
from stagelint.model.moments import Moment
from stagelint.model.outputs import is_in
from stagelint.model.stacks.plans import Copy, Line, Refused
from stagelint.model.stacks.recipes import Recipe
from stagelint.model.stacks.steps import Kind, Step
from stagelint.syntax.nodes import Instruction
from stagelint.tuples import NamedTuple

VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")

#: In them BuildKit replaces variables.
_EXPANDED = frozenset("ENV WORKDIR USER EXPOSE VOLUME LABEL COPY ADD STOPSIGNAL ARG".split())
#: Users that every Debian, Ubuntu and Alpine has.
_USERS = frozenset("root nobody daemon bin sys mail www-data games".split())
#: Programs that every one of them has, for a HEALTHCHECK.
_PROGRAMS = frozenset(
    ": [ test cat ls grep sh true false exit echo stat head tail sleep kill printf env".split()
)
#: What BusyBox brings besides to images of Alpine Linux.
_OF_BUSYBOX = frozenset({"wget", "nc"})
#: Releases of Debian whose slim image has `adduser`: that of Debian 13 has not.
_WITH_ADDUSER = frozenset("jessie stretch buster bullseye bookworm".split())
#: Letters that COPY takes as they are.
_PLAIN = r"[\w./@%+,:=~*-]+"


class Final(NamedTuple):
    """A final stage as it would be."""

    recipe: Recipe
    base: Description | None
    lines: Sequence[Line]
    copies: Sequence[Copy]
    above: Sequence[Moment]
    """What stood above the end of the build."""
    below: Sequence[Moment]
    """What stays behind it."""
    steps: Mapping[int, Step]
    """The RUNs, by where they begin."""

    @property
    def runs(self) -> Iterator[Step]:
        """Those of the final stage that set something up."""
        nodes = [each.instruction for each in self.lines if each.is_moved]
        for node in (*filter(None, nodes), *(each.instruction for each in self.below)):
            found = self.steps.get(node.start)
            if found and found.kind is Kind.SETUP:
                yield found


def check(final: Final, healthcheck: Moment | None) -> None:
    """Raises `Refused` if something of *final* does not work, or cannot be told to."""
    for word in (word for each in final.copies for word in (*each.sources, each.target)):
        if not re.fullmatch(_PLAIN, word):
            raise Refused("a path has letters that COPY does not take as they are")
    _check_paths(final)
    _check_users(final)
    _check_variables(final)
    if healthcheck:
        _check_health(final, healthcheck)


def _check_paths(final: Final) -> None:
    """Is everything there whose owner or mode is changed?"""
    made = [word for each in final.copies for word in (*each.sources, each.target)]
    made += [moment.directory or "/" for moment in (*final.above[-1:], *final.below)]
    made.append(final.recipe.started.directory)
    for found in final.runs:
        node = found.moment.instruction
        for path in found.writes:
            is_there = any(is_in(each, path) or is_in(path, each) for each in made)
            is_made = any(call.name == "mkdir" for call in found.moment.calls)
            if not (is_there or is_made or _is_copied(final, path)):
                raise Refused(f"`{path}` may not be there in the final stage", node)
        made += found.writes


def _is_copied(final: Final, path: str) -> bool:
    """May a COPY behind the build bring it?"""
    places = [
        each.path(each.instruction.arguments[-1].value)
        for each in final.below
        if each.instruction.keyword in ("COPY", "ADD") and each.instruction.arguments
    ]
    return any(place and is_in(path, place.rstrip("/") or "/") for place in places)


def _check_users(final: Final) -> None:
    makers = [found for found in final.runs if found.makes_users]
    for found in makers:
        is_adduser = any(call.name in ("adduser", "addgroup") for call in found.moment.calls)
        if is_adduser and not _has_adduser(final.base):
            reason = f"`{final.recipe.runtime}` may have no `adduser`"
            raise Refused(reason, found.moment.instruction)
    for moment in final.below:
        node = moment.instruction
        if node.keyword == "USER" and not makers:
            name = (moment.expand(node.rest) or "?").partition(":")[0]
            if not name.isdigit() and name not in _USERS | final.recipe.users:
                raise Refused(f"`{final.recipe.runtime}` may have no user `{name}`", node)


def _has_adduser(image: Description | None) -> bool:
    if image is None:
        return False
    return image.os == "alpine" or (image.os == "debian" and image.release in _WITH_ADDUSER)


def _check_variables(final: Final) -> None:
    """Is every variable set in the final stage that is replaced there?"""
    known = {"PATH"}
    for text, node in _said(final):
        names = VARIABLE.findall(text) if node.keyword in _EXPANDED else ()
        unknown = next((each for each in names if each not in known), None)
        if unknown:
            raise Refused(f"`${unknown}` may come from the base of the build", node)
        if node.keyword in ("ENV", "ARG"):
            known.update(pair.key for pair in node.pairs)


def _said(final: Final) -> Iterator[tuple[str, Instruction]]:
    for line in final.lines:
        if line.instruction:
            yield line.text, line.instruction
    for moment in final.below:
        yield str(moment.instruction), moment.instruction


def _check_health(final: Final, healthcheck: Moment) -> None:
    moments = (*final.above, *final.below)
    installed = {name for m in moments for each in m.packages for name in each.names}
    known = _PROGRAMS | installed | final.recipe.programs
    if final.base and final.base.os == "alpine":
        known |= _OF_BUSYBOX
    copied = {word for each in final.copies for word in each.sources}
    for call in healthcheck.started:
        is_copied = final.recipe.started.absolute(call.path) in copied
        if not (is_copied or call.name in known or runs_script(call)):
            reason = f"HEALTHCHECK runs `{call.name}`, which `{final.recipe.runtime}` may lack"
            raise Refused(reason, healthcheck.instruction)
