from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File, cost
from stagelint.model.arrivals import Arrival, arrivals
from stagelint.model.calls import Call
from stagelint.model.gains import Amount, Gain, Known
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import is_in, made_by_run
from stagelint.model.placement import (
    before,
    brings_beside,
    destination,
    is_there,
    may_be_folder,
    may_be_there,
)
from stagelint.model.plain_folders import PlainFolders
from stagelint.model.refinements import options, unfit
from stagelint.model.run_editing import rewritten, step_of
from stagelint.model.run_steps import Step, is_idle, steps
from stagelint.model.unpacking import is_folder
from stagelint.model.users import is_root
from stagelint.model.watching import is_told_of, is_written, watcher
from stagelint.model.wording import listed
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity
from stagelint.tuples import NamedTuple

#: Options that do not change what is done.
_PLAIN = frozenset("-f --force -v --verbose".split())
#: With these a copy is as the file was.
_AS_IT_WAS = frozenset("-a --archive -p".split())
#: They store a file that they are told once more, or remove it, wherever it comes from.
_STORING = frozenset("chgrp chown dos2unix patch perl rm sed setcap strip tee truncate upx".split())
#: Nobody moves more files at once, or more often in a stage.
_MOST = 100
_CHMOD = "the `chmod` beside it goes to the COPY as well (SL302)"
_NAME = r"/[\w./@+-]+"


class MoveAfterCopy(Rule):
    """A RUN moves files that were copied in the layer below.

    The layer of the RUN has every one of them once more, so the image holds them twice.

    It speaks of `mv` in layers that ship, and of `cp` if the same RUN removes the file then, unless it
    changes or removes what it moves anyway. The fix has the COPY bring them where they belong. It is
    made where the COPY brings nothing else, nothing may look at either place in between, nothing but
    the COPY makes them, and the folders around them are there without it, or as it makes them. A build
    of both, which `--verify` makes, gives the same files.
    """

    code = "SL303"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    words = ("mv", "cp")
    examples = (
        Bad(
            """
            FROM nginx:1.29
            COPY nginx.conf /tmp/default.conf
            RUN mv /tmp/default.conf /etc/nginx/conf.d/
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/tmp/default.conf` is stored a second time
            """,
            fixed="""
            FROM nginx:1.29
            COPY nginx.conf /etc/nginx/conf.d/default.conf
            """,
            unsafe=True,
        ),
        Bad(
            """
            # the `mkdir` has nothing left to do, and the `chmod` is for SL302
            FROM debian:12-slim
            COPY tool.sh settings.ini /tmp/
            RUN mkdir -p /opt/tool && mv /tmp/tool.sh /tmp/settings.ini /opt/tool/
                                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/tmp/tool.sh` and `/tmp/settings.ini` are stored a second time
            COPY start.sh /tmp/
            RUN mv /tmp/start.sh /usr/local/bin/start && chmod +x /usr/local/bin/start
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/tmp/start.sh` is stored a second time
            """,
            fixed="""
            # the `mkdir` has nothing left to do, and the `chmod` is for SL302
            FROM debian:12-slim
            COPY tool.sh settings.ini /opt/tool/
            COPY start.sh /usr/local/bin/start
            RUN chmod +x /usr/local/bin/start
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            # a copy that `cp` makes is root's, and has the mode of the file
            FROM debian:12-slim
            COPY app.ini /tmp/
            RUN cp /tmp/app.ini /srv/app.ini && rm /tmp/app.ini && ldconfig
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/tmp/app.ini` is stored a second time
            --- app.ini
            [app]
            """,
            fixed="""
            --- Dockerfile
            # a copy that `cp` makes is root's, and has the mode of the file
            FROM debian:12-slim
            COPY app.ini /srv/app.ini
            RUN ldconfig
            """,
            unsafe=True,
        ),
        Bad(
            """
            # without its build context, nobody knows which mode the file has
            FROM debian:12-slim
            COPY app.ini /tmp/
            RUN cp /tmp/app.ini /srv/app.ini && rm /tmp/app.ini
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/tmp/app.ini` is stored a second time
            """
        ),
        Bad(
            """
            --- Dockerfile
            # one of many files
            FROM node:22-slim
            COPY . /app/
            RUN mv /app/settings.ini /opt/settings.ini
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/app/settings.ini` is stored a second time
            --- settings.ini
            [app]
            --- app.js
            """
        ),
        Bad(
            """
            # the COPY makes `/build`, which stays when the file is gone
            FROM debian:12-slim
            COPY app.ini /build/
            RUN mv /build/app.ini /srv/
                ^^^^^^^^^^^^^^^^^^^^^^^ `/build/app.ini` is stored a second time
            """
        ),
        Bad(
            """
            # a script may read it, and so may the program that is called next
            FROM debian:12-slim
            COPY app.ini /tmp/
            COPY setup.sh /
            RUN sh /setup.sh && mv /tmp/app.ini /srv/
                                ^^^^^^^^^^^^^^^^^^^^^ `/tmp/app.ini` is stored a second time
            """
        ),
        Bad(
            """
            # what this image has there, and whether that is a link, is not known
            FROM debian:12-slim
            COPY motd.txt /tmp/
            RUN mv /tmp/motd.txt /etc/motd
                ^^^^^^^^^^^^^^^^^^^^^^^^^^ `/tmp/motd.txt` is stored a second time
            """
        ),
        Bad(
            """
            # nor what this one has in `/tmp`
            FROM example.com/base:1
            COPY app.ini /tmp/
            RUN mv /tmp/app.ini /srv/
                ^^^^^^^^^^^^^^^^^^^^^ `/tmp/app.ini` is stored a second time
            """
        ),
        Bad(
            """
            # the COPY would give the folder away as well
            FROM debian:12-slim
            COPY --chown=33:33 app.ini /tmp/
            RUN mkdir -p /srv/app && mv /tmp/app.ini /srv/app/
                                     ^^^^^^^^^^^^^^^^^^^^^^^^^ `/tmp/app.ini` is stored a second time
            """
        ),
        Bad(
            """
            # once the file is there, so is the folder, and `mkdir` fails
            FROM debian:12-slim
            COPY app.ini /tmp/
            RUN mkdir /srv/app && mv /tmp/app.ini /srv/app/ && ldconfig
                                  ^^^^^^^^^^^^^^^^^^^^^^^^^ `/tmp/app.ini` is stored a second time
            """
        ),
        Bad(
            """
            # the last one is to win
            FROM debian:12-slim
            COPY app.ini /tmp/
            COPY defaults.ini /srv/app.ini
            RUN mv /tmp/app.ini /srv/app.ini
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/tmp/app.ini` is stored a second time
            """
        ),
        Bad(
            """
            # nobody but root is to enter this folder
            FROM debian:12-slim
            COPY key.pem /tmp/
            RUN mkdir -p -m 700 /srv/keys && mv /tmp/key.pem /srv/keys/
                                             ^^^^^^^^^^^^^^^^^^^^^^^^^^ `/tmp/key.pem` is stored a second time
            """
        ),
        Bad(
            """
            # a copy would be the user's
            FROM debian:12-slim
            COPY app.ini /tmp/
            USER 1000
            RUN cp -p /tmp/app.ini /srv/app.ini && rm /tmp/app.ini
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/tmp/app.ini` is stored a second time
            """
        ),
        Bad(
            """
            FROM debian:12-slim
            ARG PLACE=/srv
            COPY app.ini /tmp/
            RUN mv /tmp/app.ini $PLACE/
                ^^^^^^^^^^^^^^^^^^^^^^^ `/tmp/app.ini` is stored a second time
            """
        ),
        Bad(
            """
            FROM debian:12-slim
            COPY app.ini /tmp/
            RUN if test -d /srv; then mv /tmp/app.ini /srv/; fi
                                      ^^^^^^^^^^^^^^^^^^^^^ `/tmp/app.ini` is stored a second time
            """
        ),
        Good(
            """
            FROM nginx:1.29
            COPY nginx.conf /etc/nginx/conf.d/default.conf
            """
        ),
        Good(
            """
            # both are to be there
            FROM debian:12-slim
            COPY app.ini /srv/
            RUN cp /srv/app.ini /srv/app.ini.orig
            """
        ),
        Good(
            """
            # the RUN changes it anyway
            FROM debian:12-slim
            COPY app.ini /tmp/
            RUN mv /tmp/app.ini /srv/ && sed -i s/localhost/db/ /srv/app.ini
            """
        ),
        Good(
            """
            # only the builder has it twice
            FROM debian:12 AS build
            COPY config.mk /tmp/
            RUN mv /tmp/config.mk /srv/ && make -C /srv
            FROM debian:12-slim
            COPY --from=build /srv/app /usr/local/bin/
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in () if file.is_huge else self.stages(file):
            calls = (
                (run, each)
                for run in file.histories[stage.index].own
                for each in run.calls
                if each.name in ("mv", "cp")
            )
            for run, call in islice(calls, _MOST):
                yield from self._move(file, run, call)

    def _move(self, file: File, run: Moment, call: Call) -> Iterator[Finding]:
        move = _move(file, run, call)
        if move is None:
            return
        fix = _fix(file, move)
        note = f"not fixed: {fix}" if isinstance(fix, str) else ""
        is_changed = any(
            each.name == "chmod" and is_told_of(each, path)
            for each in run.calls
            for path in (move.target, *move.sources)
        )
        yield self.finding(
            file,
            call.span,
            f"{listed(move.sources, 3)} {'is' if len(move.sources) == 1 else 'are'} stored a second time",
            stage=run.stage,
            fix=None if isinstance(fix, str) else fix,
            note=note,
            related=tuple(
                Related(file.source, each.instruction.code_span, "copied here")
                for each in move.copies
            ),
            gain=Gain(
                shipped=cost.added([_weight(each) for each in move.arrivals]),
                ships_less=True,
                layers=int(not note and not _left(move)),
            ),
            holds=(_CHMOD,) if is_changed and not note else (),
        )


class _Move(NamedTuple):
    """A `mv`, or a `cp` after which the file is removed, of files that COPYs have brought."""

    run: Moment
    call: Call
    removal: Call | None
    """The `rm`, behind a `cp`."""
    sources: tuple[str, ...]
    """Absolute paths."""
    target: str
    """What it is told last; absolute, with a slash at its end if that is written."""
    arrivals: tuple[Arrival, ...]
    """How each of the sources got there."""

    @property
    def copies(self) -> list[Moment]:
        """The COPYs, each once."""
        return list({id(each.copy): each.copy for each in self.arrivals}.values())


def _move(file: File, run: Moment, call: Call) -> _Move | None:
    """What *call* moves; None if no COPY has brought it, or if the RUN stores or removes it anyway."""
    paths = [absolute(each, call.directory) for each in call.words]
    known = [each for each in paths if each and not re.search(r"[*?\[{]", each)]
    is_told = call.is_known and len(known) == len(paths)
    if not is_told or not 2 <= len(known) <= _MOST:
        return None
    *sources, target = known
    removal = next((each for each in run.calls if _removes(each, call, sources)), None)
    if call.name == "cp" and removal is None:
        return None
    by_path = arrivals(file, run, sources)
    if len(by_path) < len(sources):
        return None
    ends = [posixpath.join(target.rstrip("/"), posixpath.basename(each)) for each in sources]
    for path in (target.rstrip("/"), *ends):
        if is_written(run, path) or any(
            each.name in _STORING and is_told_of(each, path, as_a_whole=True)
            for each in run.calls
            if each is not removal and _is_before(call, each)
        ):
            return None
    found = tuple(by_path[each] for each in sources)
    return _Move(run, call, removal, tuple(sources), target, found)


def _removes(call: Call, copy: Call, sources: Sequence[str]) -> bool:
    """Is *call* an `rm` of the files *sources*, behind the `cp` *copy*?"""
    paths = {absolute(each, call.directory) for each in call.words}
    return call.name == "rm" and _is_before(copy, call) and paths.issuperset(sources)


def _weight(found: Arrival) -> Amount | None:
    """The bytes of a file of the build context."""
    if found.file is None or found.file.size is None or found.copy.instruction.heredocs:
        return None
    return Amount(found.file.size, Known.CONTEXT)


def _fix(file: File, move: _Move) -> Fix | str:
    """What has the COPYs bring the files where they belong, or what stands against it."""
    ends = _objection(file, move) or _ends(file, move)
    if isinstance(ends, str):
        return ends
    edits: list[Edit] = []
    for copy in move.copies:
        here = [
            path for path in move.sources if copy is move.arrivals[move.sources.index(path)].copy
        ]
        reason = _bars(file, move, copy, {path: ends[path] for path in here})
        if reason:
            return reason
        edits.append(_to(copy, ends[here[0]], is_folder=len(here) > 1))
    left = _left(move)
    gone = {each.span: "" for each in steps(move.run) or () if each not in left}
    edits += rewritten(file, move.run, gone)
    places = " and ".join(dict.fromkeys(f"`{posixpath.dirname(each)}`" for each in ends.values()))
    return Fix(f"Copy to {places}", tuple(edits), Guarantee.SAME_IMAGE)


def _to(copy: Moment, end: str, *, is_folder: bool) -> Edit:
    """Have *copy* bring what it brings to the path *end*, or beside it."""
    node = copy.instruction
    last = node.arguments[-1]
    place = f"{posixpath.dirname(end).rstrip('/')}/" if is_folder else end
    return Edit(node.logical.span(last.start, last.end), place)


def _objection(file: File, move: _Move) -> str:
    """What stands against it, wherever the files go; empty if nothing does."""
    run, call, removal = move.run, move.call, move.removal
    if step_of(run, call) is None or (removal and step_of(run, removal) is None):
        return f"`{call.name}` is no command of its own"
    more = options(call) - _PLAIN
    if more and not (call.name == "cp" and more <= _AS_IT_WAS):
        return "its options say more than which files are meant"
    written = [file.source.text[each.start : each.end] for each in call.spans]
    if any("$" in each for each in written):
        return "which files are meant may change with a variable"
    if any(each.file is None for each in move.arrivals):
        return "whether it is a single file is not known"
    if any(each.path not in move.sources for found in move.arrivals for each in found.beside):
        return "the COPY brings more than what is moved"
    words = [word.value for each in move.copies for word in each.instruction.arguments[:-1]]
    if any(set("*?[") & set(word) for word in words):
        return "the COPY has a pattern, which may come to fit other files"
    if removal and len(removal.words) > len(move.sources):
        return "the `rm` removes more than what is copied"
    return _of_a_copy(move) if call.name == "cp" else ""


def _of_a_copy(move: _Move) -> str:
    """Why files that `cp` makes may have another owner or mode than those that a COPY makes."""
    if move.run.user is None or not is_root(move.run.user):
        return "`cp` makes files of the user that runs it"
    if options(move.call) & _AS_IT_WAS:
        return ""
    for each in move.arrivals:
        mode = each.file.mode if each.file else None
        if mode is None or mode & 0o7022:
            return "the mode of a copy that `cp` makes is not known"
        if each.copy.instruction.flag("chown") or each.copy.instruction.flag("chmod"):
            return "`cp` makes files of root, and the COPY gives them to somebody"
    return ""


def _ends(file: File, move: _Move) -> dict[str, str] | str:
    """Where each of the sources ends, or why that is not certain."""
    run, target = move.run, move.target.rstrip("/") or "/"
    inside = {each: posixpath.join(target, posixpath.basename(each)) for each in move.sources}
    made = [each for each in made_by_run(run) if each.call and _is_before(each.call, move.call)]
    is_made = any(
        each.call and each.call.name == "mkdir" and is_in(each.path, target) for each in made
    )
    if move.target.endswith("/") or len(inside) > 1 or is_made or is_there(file, run, target):
        ends = inside
    elif may_be_folder(file, run, target) or any(each.may_be(target) for each in made):
        return f"whether `{target}` is a folder is not known"
    else:
        ends = {move.sources[0]: target}
    if not all(re.fullmatch(_NAME, each) for each in ends.values()):
        return "the name of a file would have to be quoted"
    return ends


def _is_before(call: Call, other: Call) -> bool:
    return call.span.start < other.span.start


def _bars(file: File, move: _Move, copy: Moment, ends: dict[str, str]) -> str:
    """Why *copy* may not bring files to *ends*, by where they are moved from; empty if it may."""
    node = copy.instruction
    if unfit(file, copy) or node.is_json:
        return unfit(file, copy) or "the COPY is written in JSON"
    above = list(before(file, copy))
    folders = PlainFolders(file, copy.stage, above)
    for source, end in ends.items():
        around, parent = posixpath.dirname(source), posixpath.dirname(end)
        if not (is_there(file, copy, around) or is_folder(above, around)):
            return f"`{around}`, which the COPY makes, would not be there"
        if may_be_there(file, copy, source):
            return f"`{source}` may be there before, and would stay"
        reason = folders.objection(parent)
        if reason:
            return reason
        if not folders.is_new(end) and (move.call.name == "cp" or folders.may_be_link(end)):
            return f"`{end}` may be there before, as a link or with another mode"
        is_early = is_there(file, copy, parent) or folders.is_of_base(parent)
        if not is_early and not _is_made_alike(file, move, copy, parent):
            return f"`{parent}` is made in between"
        if any(_may_bring(file, each, end) for each in _between(file, move, copy)):
            return f"another COPY may bring `{end}` before"
        for path in (source, end):
            watched = watcher(file, copy, move.run, move.call, path)
            if watched:
                return f"{watched} may look at `{path}` before"
    return ""


def _between(file: File, move: _Move, copy: Moment) -> list[Moment]:
    own = file.moments(move.run.stage)
    return own[own.index(copy) + 1 : own.index(move.run)]


def _may_bring(file: File, copy: Moment, path: str) -> bool:
    """May *copy*, if it is a COPY, bring what lies at *path*?"""
    if copy.instruction.keyword not in ("COPY", "ADD"):
        return False
    place = destination(copy)
    if place is None or is_in(place, path):
        return True
    return is_in(path, place) and not brings_beside(file, copy, path)


def _is_made_alike(file: File, move: _Move, copy: Moment, folder: str) -> bool:
    """Is *folder* made after *copy* as the COPY would make it, and by something that does not mind?"""
    if copy.instruction.flag("chown") or copy.instruction.flag("chmod"):
        return False
    found: list[bool] = []
    for moment in (*_between(file, move, copy), move.run):
        node = moment.instruction
        if node.keyword in ("COPY", "ADD", "WORKDIR"):
            place = moment.path(node.rest) if node.keyword == "WORKDIR" else destination(moment)
            if place is None or is_in(place.rstrip("/"), folder):
                return False
        for call in moment.calls:
            if call.name == "mkdir" and is_told_of(call, folder):
                is_of_root = moment.user is not None and is_root(moment.user)
                found.append(is_of_root and _is_content(call))
    return bool(found) and all(found)


def _is_content(mkdir: Call) -> bool:
    """Does it make folders of mode 0755, and is content with those that are there?"""
    told = options(mkdir)
    return bool(told & {"-p", "--parents"}) and told <= {"-p", "--parents", "-v", "--verbose"}


def _left(move: _Move) -> list[Step]:
    """The steps of the RUN that stay; none if all that is left does nothing that lasts."""
    gone = [move.call, move.removal]
    left = [each for each in steps(move.run) or () if not any(call in gone for call in each.calls)]
    target = move.target.rstrip("/")
    folders = {target, posixpath.dirname(target)}  # there without a `mkdir`, or made by the COPY
    return [] if all(is_idle(each) or _only_makes(each, folders) for each in left) else left


def _only_makes(step: Step, folders: Collection[str]) -> bool:
    """Is *step* a `mkdir` of *folders* and nothing else?"""
    paths = {
        (absolute(each, call.directory) or "").rstrip("/")
        for call in step.calls
        for each in call.words
    }
    return all(call.name == "mkdir" for call in step.calls) and paths <= set(folders)
