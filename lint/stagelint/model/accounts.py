"""Users and groups that RUNs make. Sources: the manuals of shadow, of Debian's adduser, of busybox."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stagelint.model import inventory
from stagelint.model.calls import Call
from stagelint.model.moments import Moment
from stagelint.tuples import NamedTuple

#: Their options whose value is the next word.
_VALUED = frozenset(
    """
    -b -c -d -e -f -g -G -h -k -K -p -P -R -s -u -Z --badname --base-dir --btrfs-subvolume-home
    --comment --conf --expiredate --firstuid --gecos --gid --groups --home --home-dir --inactive
    --ingroup --key --lastuid --password --prefix --root --shell --skel --uid --users
    """.split()
)
#: Those by which a user gets no group of its own name.
_GROUPED = {
    "useradd": frozenset("-g --gid -N --no-user-group".split()),
    "adduser": frozenset("-g --gid -G --ingroup -N -S --system".split()),
}
#: Those that take the number from the range which packages take theirs from.
_SYSTEM = frozenset("-r -S --system".split())

MAKERS = frozenset("useradd adduser groupadd addgroup".split())
CHANGERS = frozenset("userdel deluser usermod groupdel delgroup groupmod".split())


class Account(NamedTuple):
    """A user or a group that a call makes, or both."""

    name: str
    call: Call
    at: int
    """Index of the name among the arguments of *call*."""
    is_user: bool
    is_group: bool
    is_system: bool


def made(call: Call, *, by_busybox: bool) -> Account | None:
    """What *call* makes; None if it makes none, or that cannot be told.

    *by_busybox* says whose `adduser` it is, whose `-g` means something else.
    """
    if call.name not in MAKERS or not call.is_known or call.is_conditional:
        return None
    options, words = _read(call)
    if len(words) != 1:
        return None  # with two, somebody joins a group
    is_user = call.name in _GROUPED
    has_group = "--group" in options
    grouped = _GROUPED.get(call.name, frozenset()) - ({"-g"} if by_busybox else set())
    return Account(
        call.arguments[words[0]] or "",
        call,
        words[0],
        is_user and not (has_group and "--system" not in options),
        has_group or options.isdisjoint(grouped),
        not options.isdisjoint(_SYSTEM),
    )


def accounts(moment: Moment) -> Iterator[Account]:
    """Those that a RUN makes, in order."""
    by_busybox = moment.image is not None and moment.image.os in ("alpine", "busybox")
    for call in moment.calls:
        account = made(call, by_busybox=by_busybox)
        if account:
            yield account


def is_known(
    moments: Iterable[Moment], image: inventory.Image, name: str, *, as_user: bool
) -> bool:
    """Is there certainly a user *name*, or else a group, after *moments*, all upon *image*?"""
    found = (inventory.has_user if as_user else inventory.has_group)(image, name)
    for moment in moments:
        made = (each for each in accounts(moment) if each.name == name)
        found = found or any(each.is_user if as_user else each.is_group for each in made)
        found = found and not _changes(moment, name)
    return found


def _changes(moment: Moment, name: str) -> bool:
    """May a RUN take away the user or group *name*, or call it otherwise?"""
    return any(call.name in CHANGERS and name in call.arguments for call in moment.calls)


def _read(call: Call) -> tuple[set[str], list[int]]:
    """The options of *call*, and the indices of its arguments that are neither those nor values."""
    options: set[str] = set()
    words: list[int] = []
    skip = False
    for at, argument in enumerate(call.arguments):
        if skip or not argument or argument[0] != "-":
            if not skip:
                words.append(at)
            skip = False
        elif argument.startswith("--"):
            options.add(argument.partition("=")[0])
            skip = argument in _VALUED
        else:
            letters = [f"-{each}" for each in argument[1:]]
            valued = next((at for at, each in enumerate(letters) if each in _VALUED), None)
            options.update(letters[: None if valued is None else valued + 1])
            skip = valued == len(letters) - 1
    return options, words
