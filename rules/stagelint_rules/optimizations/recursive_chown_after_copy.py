from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from stagelint.edit import Fix, Guarantee
from stagelint.model import File, cost
from stagelint.model.accounts import Account, accounts, is_known
from stagelint.model.calls import Call
from stagelint.model.gains import Gain
from stagelint.model.moments import Moment, absolute
from stagelint.model.moved_accounts import Moved, moved
from stagelint.model.placement import before, is_there
from stagelint.model.refinements import (
    HEEDING,
    Gathered,
    gather,
    heeded,
    is_told,
    options,
    privileged,
    remainder,
    unfit,
)
from stagelint.model.run_editing import put_above, rewritten, set_flag, step_of
from stagelint.model.run_steps import is_idle, steps
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity
from stagelint.tuples import NamedTuple

#: Options that do not change what is done.
_PLAIN = frozenset("-R --recursive -f --silent --quiet -v --verbose -c --changes -h".split())
_NAME = r"(?:\$\{\w+\}|\$\w+|[\w-]+)"
_OWNER = rf"(?P<user>{_NAME})?(?P<colon>:)?(?P<group>(?<=:){_NAME})?"


class RecursiveChownAfterCopy(Rule):
    """A RUN gives away a folder with all that was copied to it.

    The layer of the RUN has every file once more, so the image holds them twice.

    It speaks of `chown -R` in layers that ship. The fix has the COPYs say whose the files are, with
    `--chown`; a folder that no COPY makes keeps a `chown` of its own, without `-R`, and a user that is
    made in between is made before. A build of both, which `--verify` makes, gives the same files. The
    fix is made where nothing but what is copied can be in the folder: the base image is known not to
    have it, and every RUN is known not to write there, nor to look whose the files are. User and
    group have to be known to exist, since BuildKit takes an unknown name for root.

    `chown` takes setuid and capabilities from files, `--chown` does not; the build context shows if
    one has any, and a stage that is copied from says if it gives them.
    """

    code = "SL301"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    words = ("chown",)
    examples = (
        Bad(
            """
            FROM node:22-slim
            WORKDIR /app
            COPY . .
            RUN chown -R node:node /app
                ^^^^^^^^^^^^^^^^^^^^^^^ what is copied to `/app` is stored a second time
            USER node
            """,
            fixed="""
            FROM node:22-slim
            WORKDIR /app
            COPY --chown=node:node . .
            RUN chown node:node /app
            USER node
            """,
            unsafe=True,
        ),
        Bad(
            """
            # the user is made before what is copied for it; a folder that `mkdir` makes keeps its `chown`
            FROM python:3.13-slim
            WORKDIR /app
            COPY src ./src
            COPY run.py ./
            RUN mkdir -p data && useradd --uid 1000 app \\
                && chown -R app /app
                   ^^^^^^^^^^^^^^^^^ what is copied to `/app` is stored a second time
            USER app
            """,
            fixed="""
            # the user is made before what is copied for it; a folder that `mkdir` makes keeps its `chown`
            FROM python:3.13-slim
            WORKDIR /app
            RUN useradd --uid 1000 app
            COPY --chown=app:0 src ./src
            COPY --chown=app:0 run.py ./
            RUN mkdir -p data \\
                && chown app /app /app/data
            USER app
            """,
            unsafe=True,
        ),
        Bad(
            """
            # nothing is left of the RUN: the folder is the COPY's own
            FROM debian:12-slim
            COPY site /srv/site/
            RUN chown -R 1000:1000 /srv/site
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ what is copied to `/srv/site` is stored a second time
            """,
            fixed="""
            # nothing is left of the RUN: the folder is the COPY's own
            FROM debian:12-slim
            COPY --chown=1000:1000 site /srv/site/
            """,
            unsafe=True,
        ),
        Bad(
            """
            # the image has the folder, and nothing in it
            FROM php:8.4-apache
            COPY . /var/www/html
            RUN chown -R www-data:www-data /var/www/html
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ what is copied to `/var/www/html` is stored a second time
            """,
            fixed="""
            # the image has the folder, and nothing in it
            FROM php:8.4-apache
            COPY --chown=www-data:www-data . /var/www/html
            RUN chown www-data:www-data /var/www/html
            """,
            unsafe=True,
        ),
        Bad(
            """
            # nobody knows what this image has in `/app`
            FROM example.com/base:1
            COPY . /app
            RUN chown -R 1000:1000 /app
                ^^^^^^^^^^^^^^^^^^^^^^^ what is copied to `/app` is stored a second time
            """
        ),
        Bad(
            """
            # what `npm` installs would stay root's
            FROM node:22-slim
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            RUN chown -R node:node /app
                ^^^^^^^^^^^^^^^^^^^^^^^ what is copied to `/app` is stored a second time
            """
        ),
        Bad(
            """
            # BuildKit would take `app` for root
            FROM debian:12-slim
            COPY . /app
            RUN chown -R app:app /app
                ^^^^^^^^^^^^^^^^^^^^^ what is copied to `/app` is stored a second time
            """
        ),
        Bad(
            """
            # above the COPY, the command that makes the user would not know the number
            FROM debian:12-slim
            COPY . /app
            RUN export NUMBER=1000 && useradd --uid $NUMBER app && chown -R app:app /app
                                                                   ^^^^^^^^^^^^^^^^^^^^^ what is copied to `/app` is stored a second time
            """
        ),
        Bad(
            """
            # `find` may look whose the files are
            FROM debian:12-slim
            COPY . /app
            RUN find /app -user root -name '*.sh' -delete
            RUN chown -R 1000:1000 /app
                ^^^^^^^^^^^^^^^^^^^^^^^ what is copied to `/app` is stored a second time
            """
        ),
        Bad(
            """
            # `chmod` stores the files a second time all the same
            FROM debian:12-slim
            COPY . /app
            RUN chown -R 1000:1000 /app && chmod -R g+w /app
                ^^^^^^^^^^^^^^^^^^^^^^^ what is copied to `/app` is stored a second time
            """
        ),
        Bad(
            """
            # the archive brings owners of its own
            FROM debian:12-slim
            ADD rootfs.tar.gz /app/
            RUN chown -R 1000:1000 /app
                ^^^^^^^^^^^^^^^^^^^^^^^ what is copied to `/app` is stored a second time
            """
        ),
        Bad(
            """
            # `chown` takes the capability from the program
            FROM golang:1.26 AS build
            RUN go build -o /out/server example.com/server && setcap cap_net_bind_service=+ep /out/server
            FROM debian:12-slim
            COPY --from=build /out/ /srv/server/
            RUN chown -R 1000:1000 /srv/server
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ what is copied to `/srv/server` is stored a second time
            """
        ),
        Bad(
            """
            # a COPY makes `/opt/app` as well, and would give it away
            FROM debian:12-slim
            COPY bin /opt/app/bin/
            RUN chown -R 1000:1000 /opt/app/bin
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ what is copied to `/opt/app/bin` is stored a second time
            """
        ),
        Bad(
            """
            # the group is left as it is, which is another one for each file of the stage
            FROM debian:12-slim AS build
            RUN make -C /src install
            FROM debian:12-slim
            COPY --from=build /srv/app /srv/app
            RUN chown -R 1000 /srv/app
                ^^^^^^^^^^^^^^^^^^^^^^ what is copied to `/srv/app` is stored a second time
            """
        ),
        Good(
            """
            FROM node:22-slim
            WORKDIR /app
            COPY --chown=node:node . .
            RUN chown node:node /app
            """
        ),
        Good(
            """
            # a volume for data, in which nothing is copied
            FROM node:22-slim
            COPY . /app
            RUN mkdir /data && chown -R node:node /data
            """
        ),
        Good(
            """
            # only the builder has the files twice
            FROM node:22 AS build
            COPY . /app
            RUN chown -R node:node /app
            FROM node:22-slim
            COPY --from=build /app /app
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in () if file.is_huge else self.stages(file):
            for run in file.histories[stage.index].own:
                for call in run.calls:
                    if call.name == "chown" and {"-R", "--recursive"} & options(call):
                        yield from self._chown(file, run, call)

    def _chown(self, file: File, run: Moment, call: Call) -> Iterator[Finding]:
        change = _change(file, run, call)
        if not change.copies:
            return
        fix = _fix(file, change)
        note = f"not fixed: {fix}" if isinstance(fix, str) else ""
        copied = " and ".join(f"`{folder}`" for folder, each in change.folders if each.copies)
        yield self.finding(
            file,
            call.span,
            f"what is copied to {copied} is stored a second time",
            stage=run.stage,
            fix=None if isinstance(fix, str) else fix,
            note=note,
            related=tuple(
                Related(file.source, each.instruction.code_span, "copied here")
                for each in change.copies
            ),
            gain=Gain(
                shipped=cost.added([cost.copied(file, each) for each in change.copies]),
                ships_less=True,
                layers=int(not note and _is_all(change)),
            ),
            holds=() if note else ("no file that is copied has setuid or capabilities",),
        )


class _Change(NamedTuple):
    """A recursive `chown`, and what it is told."""

    run: Moment
    call: Call
    folders: tuple[tuple[str, Gathered], ...]
    """Those that are known, each with what is in it."""
    copies: tuple[Moment, ...]
    """All that bring something to one of them, in order."""

    @property
    def kept(self) -> tuple[str, ...]:
        """What keeps a `chown` of its own."""
        return tuple(
            dict.fromkeys(path for _, each in self.folders if each.copies for path in each.kept)
        )


def _change(file: File, run: Moment, call: Call) -> _Change:
    paths = [absolute(word, call.directory) for word in call.words[1:]]
    known = dict.fromkeys(path.rstrip("/") for path in paths if path and path.strip("/"))
    folders = tuple((path, gather(file, run, call, path)) for path in known)
    copies = {id(copy): copy for _, each in folders for copy in each.copies}
    in_order = sorted(copies.values(), key=lambda each: each.instruction.start)
    return _Change(run, call, folders, tuple(in_order))


def _is_all(change: _Change) -> bool:
    """Is there nothing left of the RUN?"""
    others = [each for each in steps(change.run) or () if change.call not in each.calls]
    is_alone = all(map(is_idle, others))
    return is_alone and not change.kept and all(each.copies for _, each in change.folders)


def _fix(file: File, change: _Change) -> Fix | str:
    """What makes the change, or what stands against it."""
    run, call, first = change.run, change.call, change.copies[0]
    step = step_of(run, call)
    objection = _objection(file, change)
    if step is None or objection:
        return objection or "`chown` is no command of its own"
    accounts = moved(file, run, call, first, change.folders[0][0])
    owner = _owner(file, change, accounts)
    if not isinstance(owner, _Owner):
        return owner
    rest = [path for path, each in change.folders if not each.copies]
    edits = [set_flag(each.instruction, "chown", owner.flag) for each in change.copies]
    runs = {id(run): run}
    texts = {id(run): {step.span: remainder(file, call, step.span, rest, change.kept)}}
    if owner.is_moved:
        commands = [file.source.text[each.start : each.end] for _, each in accounts.steps]
        edits.append(put_above(file, first.instruction, f"RUN {' && '.join(commands)}"))
        for moment, each in accounts.steps:
            runs[id(moment)] = moment
            texts.setdefault(id(moment), {})[each] = ""
    for key, moment in runs.items():
        edits += rewritten(file, moment, texts[key])
    return Fix(f"Copy with `--chown={owner.flag}`", tuple(edits), Guarantee.SAME_IMAGE)


def _objection(file: File, change: _Change) -> str:
    """What stands against it, whoever the owner is; empty if nothing does."""
    run, call, first = change.run, change.call, change.copies[0]
    if len(change.folders) < len(call.words) - 1 or not call.is_known:
        return "which files are meant is not known"
    if not options(call) <= _PLAIN:
        return "its options say more than whose the files are"
    doubt = next((each.doubt for _, each in change.folders if each.copies and each.doubt), "")
    if doubt:
        return doubt
    if any(not re.fullmatch(r"[\w./@+-]+", path) for path in change.kept):
        return "the name of a folder would have to be quoted"
    again = next((each.name for each in run.calls if _stores_again(change, each)), "")
    if again:
        return f"`{again}` in the same RUN stores the files a second time all the same"
    for folder, each in change.folders:
        reason = next(filter(None, (unfit(file, copy) for copy in each.copies)), "")
        around = posixpath.dirname(folder)
        if each.copies and not any(is_there(file, each.copies[0], at) for at in (folder, around)):
            reason = reason or f"`{around}` would be given away, too, if the COPY makes it"
        programs = HEEDING | {"chown", "chgrp"}
        name = heeded(file, run, call, first, folder, programs) if each.copies else ""
        if reason or name:
            return reason or f"`{name}` may heed whose the files in `{folder}` are"
    source = next(filter(None, (privileged(file, copy) for copy in change.copies)), "")
    return f"`{source}` has rights that `chown` takes away" if source else ""


def _stores_again(change: _Change, other: Call) -> bool:
    """Does *other*, of the same RUN, change all files in one of the folders, too?"""
    return (
        other is not change.call
        and other.name in ("chmod", "chown", "chgrp")
        and bool({"-R", "--recursive"} & options(other))
        and any(each.copies and is_told(other, folder) for folder, each in change.folders)
    )


class _Owner(NamedTuple):
    flag: str
    """The value of `--chown`."""
    is_moved: bool
    """Is it known only once accounts are made before the COPYs?"""


def _owner(file: File, change: _Change, later: Moved) -> _Owner | str:
    """Whom the files belong to, or why BuildKit might not find that out."""
    call, first = change.call, change.copies[0]
    at = call.arguments.index(call.words[0])
    raw = re.sub("[\"']", "", file.source.text[call.spans[at].start : call.spans[at].end])
    told = re.fullmatch(_OWNER, raw)
    if told is None or not (told["user"] or told["group"]):
        return f"whom `{raw}` means is not certain"
    if any(not _is_settled(change, name) for name in re.findall(r"\$\{?(\w+)", raw)):
        return f"what `{raw}` means may change between the COPY and the RUN"
    if not (told["user"] and (told["group"] or told["colon"])) and any(
        each.instruction.flag("from") or each.instruction.flag("chown") for each in change.copies
    ):
        return f"`{raw}` leaves the user or the group, which only a build knows"
    is_moved = False
    for name, is_one in ((told["user"], True), (told["group"], False)):
        if name and not _is_known(file, first, name, is_one=is_one):
            if not any(_makes(file, each, name, is_one=is_one) for each in later.accounts):
                return f"`{name}` is not known to exist, which BuildKit would take for root"
            is_moved = True
    if is_moved and later.doubt:
        return later.doubt
    user, group = told["user"] or "0", told["group"]
    if told["colon"] and not group:  # the login group, as BuildKit takes it without one
        is_number = user.isdigit()
        return f"the group of `{user}` is not known" if is_number else _Owner(user, is_moved)
    return _Owner(f"{user}:{group or 0}", is_moved)


def _is_settled(change: _Change, name: str) -> bool:
    """Is the variable *name* set before the first COPY, and not changed up to the `chown`?"""
    first, run = change.copies[0], change.run
    is_same = first.variable(name) == run.variable(name)
    return first.declares(name) and is_same and name not in change.call.settings


def _is_known(file: File, first: Moment, name: str, *, is_one: bool) -> bool:
    """Is there a user, or else a group, *name* certainly before the COPY *first*?"""
    value = first.expand(name)
    if value is None or value.isdigit() or value == "root":
        return value is not None
    above = list(before(file, first))
    if "$" in name:
        made = (account for moment in above for account in accounts(moment))
        return any(_makes(file, account, name, is_one=is_one) for account in made)
    return is_known(above, first.image, value, as_user=is_one)


def _makes(file: File, account: Account, name: str, *, is_one: bool) -> bool:
    """Does it make the user, or else the group, that *name* means in whatever build?"""
    span = account.call.spans[account.at]
    written = file.source.text[span.start : span.end] if "$" in name else account.name
    is_it = re.sub("[\"'{}]", "", written) == re.sub("[{}]", "", name)
    return is_it and (account.is_user if is_one else account.is_group)
