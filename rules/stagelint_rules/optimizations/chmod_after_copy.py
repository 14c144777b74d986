from __future__ import annotations

import posixpath
from collections.abc import Iterator
from itertools import islice

from stagelint.edit import Fix, Guarantee
from stagelint.model import File, cost, inventory
from stagelint.model.arrivals import Arrival, Placed, arrivals, placed
from stagelint.model.calls import Call
from stagelint.model.gains import Amount, Gain, Known
from stagelint.model.modes import UMASK, changed, is_number
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import is_in
from stagelint.model.placement import before, destination, is_there
from stagelint.model.refinements import gather, options, remainder, unfit
from stagelint.model.run_editing import rewritten, set_flag, step_of
from stagelint.model.run_steps import is_idle, steps
from stagelint.model.watching import is_told_of, is_written, watcher
from stagelint.rule import SHIPPED, Bad, Finding, Good, Related, Rule, Severity
from stagelint.tuples import NamedTuple

_RECURSIVE = frozenset({"-R", "--recursive"})
#: Options that do not change what is done.
_PLAIN = _RECURSIVE | frozenset("-f --silent --quiet -v --verbose -c --changes".split())
#: They store a file that they are told once more, or remove it, whatever `chmod` does.
_STORING = frozenset(
    """
    chgrp chown dos2unix install mv patch perl rm sed setcap strip tee truncate upx
    """.split()
)
#: Nobody tells one `chmod` of more, and a stage has no more of them.
_MOST = 100
#: Nor copies more often to one folder.
_MOST_COPIES = 30
_HERE = "the files that are copied have the modes that they have here wherever it is built"
_NO_SETGID = "no folder that is copied has setgid"


class ChmodAfterCopy(Rule):
    """A RUN changes the mode of files that were copied in the layer below.

    The layer of the RUN has every one of them once more, so the image holds them twice.

    It speaks of `chmod` in layers that ship, unless the same RUN changes or removes the files anyway.
    The fix has the COPY give them their mode, with `--chmod`, which needs BuildKit. It applies to all
    that a COPY brings, and to the folders that it makes: so the fix is made where all of that comes
    to have the same mode. What `+x` makes of a file depends on the mode that it has: the build context
    shows it, and that of an inline file is 0644. Between the COPY and the `chmod` nothing may look at
    the files. A build of both, which `--verify` makes, gives the same files.

    A file that is the only one of a COPY to be executed is better made executable where it is kept:
    `git update-index --chmod=+x`.
    """

    code = "SL302"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    words = ("chmod",)
    examples = (
        Bad(
            """
            # an inline file has mode 0644
            FROM debian:12-slim
            COPY <<'EOF' /usr/local/bin/start
            #!/bin/sh
            exec nginx -g 'daemon off;'
            EOF
            RUN chmod +x /usr/local/bin/start
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/usr/local/bin/start` is stored a second time
            """,
            fixed="""
            # an inline file has mode 0644
            FROM debian:12-slim
            COPY --chmod=755 <<'EOF' /usr/local/bin/start
            #!/bin/sh
            exec nginx -g 'daemon off;'
            EOF
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            # the build context shows which mode `run.sh` has, and comes to have
            FROM python:3.13-slim
            WORKDIR /app
            COPY app ./app/
            COPY run.sh ./
            RUN chmod u+x,go= run.sh && pip install --no-cache-dir flask
                ^^^^^^^^^^^^^^^^^^^^ `/app/run.sh` is stored a second time
            CMD ["./run.sh"]
            --- run.sh
            #!/bin/sh
            exec python -m app
            --- app/__main__.py
            print("Hello")
            """,
            fixed="""
            --- Dockerfile
            # the build context shows which mode `run.sh` has, and comes to have
            FROM python:3.13-slim
            WORKDIR /app
            COPY app ./app/
            COPY --chmod=700 run.sh ./
            RUN pip install --no-cache-dir flask
            CMD ["./run.sh"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            # a folder that a RUN makes keeps a `chmod` of its own; one of WORKDIR has mode 0755 already
            FROM debian:12-slim
            WORKDIR /srv/tools
            COPY bin ./bin/
            COPY lib ./lib/
            RUN mkdir cache && chmod -R 755 /srv/tools
                               ^^^^^^^^^^^^^^^^^^^^^^^ what is copied to `/srv/tools` is stored a second time
            """,
            fixed="""
            # a folder that a RUN makes keeps a `chmod` of its own; one of WORKDIR has mode 0755 already
            FROM debian:12-slim
            WORKDIR /srv/tools
            COPY --chmod=755 bin ./bin/
            COPY --chmod=755 lib ./lib/
            RUN mkdir cache && chmod 755 /srv/tools/cache
            """,
            unsafe=True,
        ),
        Bad(
            """
            # what no COPY brings stays with the RUN
            FROM debian:12-slim
            ADD https://example.com/tool /usr/local/bin/tool
            COPY entrypoint.sh /
            RUN chmod 755 /entrypoint.sh /usr/local/bin/tool
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/entrypoint.sh` and `/usr/local/bin/tool` are stored a second time
            """,
            fixed="""
            # what no COPY brings stays with the RUN
            FROM debian:12-slim
            ADD https://example.com/tool /usr/local/bin/tool
            COPY --chmod=755 entrypoint.sh /
            RUN chmod 755 /usr/local/bin/tool
            """,
            unsafe=True,
        ),
        Bad(
            """
            # without its build context, nobody knows which mode the file has
            FROM debian:12-slim
            COPY entrypoint.sh /
            RUN chmod +x /entrypoint.sh
                ^^^^^^^^^^^^^^^^^^^^^^^ `/entrypoint.sh` is stored a second time
            """
        ),
        Bad(
            """
            --- Dockerfile
            # one of many files
            FROM python:3.13-slim
            COPY . /app/
            RUN chmod 755 /app/run.sh
                ^^^^^^^^^^^^^^^^^^^^^ `/app/run.sh` is stored a second time
            --- run.sh
            exec python /app/app.py
            --- app.py
            print("Hello")
            """
        ),
        Bad(
            """
            --- Dockerfile
            # files and folders come to have different modes
            FROM python:3.13-slim
            COPY app /srv/
            RUN chmod -R g+w /srv
                ^^^^^^^^^^^^^^^^^ what is copied to `/srv` is stored a second time
            --- app/app.py
            print("Hello")
            --- app/static/index.html
            Hello
            """
        ),
        Bad(
            """
            # the COPY makes the folder as well, and nobody could enter it
            FROM debian:12-slim
            COPY app.conf /opt/app/conf/
            RUN chmod 600 /opt/app/conf/app.conf
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/opt/app/conf/app.conf` is stored a second time
            """
        ),
        Bad(
            """
            # nobody knows what this image has in `/app`
            FROM example.com/base:1
            COPY . /app
            RUN chmod -R 755 /app
                ^^^^^^^^^^^^^^^^^ what is copied to `/app` is stored a second time
            """
        ),
        Bad(
            """
            # what `npm` installs would keep its modes
            FROM node:22-slim
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            RUN chmod -R 755 /app
                ^^^^^^^^^^^^^^^^^ what is copied to `/app` is stored a second time
            """
        ),
        Bad(
            """
            # a copy of the file has its mode
            FROM debian:12-slim
            COPY one.sh two.sh /
            RUN cp /one.sh /three.sh
            RUN chmod 755 /one.sh /two.sh
                ^^^^^^^^^^^^^^^^^^^^^^^^^ `/one.sh` and `/two.sh` are stored a second time
            """
        ),
        Bad(
            """
            FROM debian:12-slim
            COPY setup.sh /
            COPY run.sh /
            RUN sh /setup.sh && chmod 755 /run.sh
                                ^^^^^^^^^^^^^^^^^ `/run.sh` is stored a second time
            """
        ),
        Bad(
            """
            FROM debian:12-slim
            COPY run.sh /
            RUN set -e; chmod 755 /run.sh; ldconfig
                        ^^^^^^^^^^^^^^^^^ `/run.sh` is stored a second time
            """
        ),
        Bad(
            """
            # a mode that the COPY gives, and one that more than permissions is about
            FROM debian:12-slim
            COPY --chmod=644 run.sh /
            COPY ping.py /
            RUN chmod 755 /run.sh
                ^^^^^^^^^^^^^^^^^ `/run.sh` is stored a second time
            RUN chmod 4755 /ping.py
                ^^^^^^^^^^^^^^^^^^^ `/ping.py` is stored a second time
            """
        ),
        Bad(
            """
            FROM debian:12-slim
            COPY run.sh /
            RUN chmod 755 /run.sh
                ^^^^^^^^^^^^^^^^^ `/run.sh` is stored a second time
            """,
            arguments="--dialect classic",
        ),
        Bad(
            """
            # syntax=docker/dockerfile:1.1
            FROM debian:12-slim
            COPY run.sh /
            RUN chmod 755 /run.sh
                ^^^^^^^^^^^^^^^^^ `/run.sh` is stored a second time
            """
        ),
        Good(
            """
            FROM debian:12-slim
            COPY --chmod=755 run.sh /
            """
        ),
        Good(
            """
            # the RUN removes it, or changes it anyway
            FROM debian:12-slim
            COPY setup.sh run.sh /
            RUN chmod 755 /setup.sh && /setup.sh && rm /setup.sh
            RUN sed -i 's/\\r$//' /run.sh && chmod 755 /run.sh
            """
        ),
        Good(
            """
            # the RUN itself fetches it
            FROM debian:12-slim
            COPY conf /etc/tool/
            RUN wget -O /usr/local/bin/tool https://example.com/tool && chmod 755 /usr/local/bin/tool
            """
        ),
        Good(
            """
            # only the builder has it twice
            FROM debian:12 AS build
            COPY configure /src/
            RUN chmod 755 /src/configure
            FROM debian:12-slim
            COPY --from=build /src/app /usr/local/bin/
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in () if file.is_huge else self.stages(file):
            calls = (
                (run, each)
                for run in file.histories[stage.index].own
                for each in run.calls
                if each.name == "chmod" and each.words
            )
            for run, call in islice(calls, _MOST):
                yield from self._chmod(file, run, call)

    def _chmod(self, file: File, run: Moment, call: Call) -> Iterator[Finding]:
        change = _change(file, run, call)
        if not change.targets:
            return
        done = _done(file, change)
        fix = done if isinstance(done, str) else _fix(file, change, done)
        note = f"not fixed: {fix}" if isinstance(fix, str) else ""
        *most, last = (each.shown for each in change.targets)
        copies = {id(each): each for target in change.targets for each in target.copies}
        yield self.finding(
            file,
            call.span,
            f"{', '.join(most)}{' and ' if most else ''}{last} "
            f"{'are' if most else 'is'} stored a second time",
            stage=run.stage,
            fix=None if isinstance(fix, str) else fix,
            note=note,
            related=tuple(
                Related(file.source, each.instruction.code_span, "copied here")
                for each in copies.values()
            ),
            gain=Gain(
                shipped=cost.added([each.weighs(file) for each in change.targets]),
                ships_less=True,
                layers=int(not note and _is_all(change, done)),
            ),
            holds=() if note else tuple(_holds(file, change)),
        )


class _Target(NamedTuple):
    """What `chmod` is told: a file that a COPY brings, or with `-R` a folder."""

    path: str
    copies: tuple[Moment, ...]
    file: Placed | None = None
    """The file, if that is what it is, and it is known where it comes from."""
    kept: tuple[str, ...] = ()
    """Folders and empty files in it that no COPY makes."""
    doubt: str = ""
    """Why there may be more in it, or why it may not be what is copied."""
    is_folder: bool = False

    @property
    def shown(self) -> str:
        return f"what is copied to `{self.path}`" if self.is_folder else f"`{self.path}`"

    def weighs(self, file: File) -> Amount | None:
        """The bytes that are stored a second time."""
        if self.file is None:
            return cost.added([cost.copied(file, each) for each in self.copies])
        is_inline = any(
            each.word_start == self.file.source.start
            for copy in self.copies
            for each in copy.instruction.heredocs
        )
        known = Known.FILE if is_inline else Known.CONTEXT
        return None if self.file.size is None else Amount(self.file.size, known)


class _Change(NamedTuple):
    """A `chmod`, and what it is told."""

    run: Moment
    call: Call
    paths: tuple[str, ...]
    """All that it is told, as far as that is known, each once; absolute."""
    targets: tuple[_Target, ...]
    """What is stored a second time because of it."""

    @property
    def mode(self) -> str:
        return self.call.words[0]

    @property
    def is_recursive(self) -> bool:
        return not _RECURSIVE.isdisjoint(options(self.call))

    def covers(self, path: str) -> bool:
        """Does it change the mode of *path*?"""
        return any(path == each or (self.is_recursive and is_in(path, each)) for each in self.paths)


def _change(file: File, run: Moment, call: Call) -> _Change:
    told = (absolute(each, call.directory) for each in call.words[1:])
    paths = tuple(dict.fromkeys(each.rstrip("/") for each in told if each and each.strip("/")))
    change = _Change(run, call, paths if len(paths) <= _MOST else (), ())
    found = arrivals(file, run, change.paths)
    targets = (_target(file, change, each, found.get(each)) for each in change.paths)
    return change._replace(targets=tuple(each for each in targets if each))


def _target(file: File, change: _Change, path: str, found: Arrival | None) -> _Target | None:
    """What lies at *path*; None if no COPY brings it, or if the RUN stores or removes it anyway."""
    run, call = change.run, change.call
    if is_written(run, path) or any(
        each.name in _STORING and is_told_of(each, path, as_a_whole=True) for each in run.calls
    ):
        return None
    if found and (found.file or not change.is_recursive):
        doubt = "" if found.file else "whether it is a single file is not known"
        return _Target(path, (found.copy,), found.file, doubt=doubt)
    if not change.is_recursive:
        return None
    gathered = gather(file, run, call, path)
    kept = tuple(each for each in gathered.kept if not _is_plain(file, change, each))
    folder = _Target(path, gathered.copies, None, kept, gathered.doubt, is_folder=True)
    return folder if 0 < len(gathered.copies) <= _MOST_COPIES else None


def _is_plain(file: File, change: _Change, path: str) -> bool:
    """Does a WORKDIR make the folder *path*, with the mode that `chmod` would give it?"""
    if changed(change.mode, 0o755, is_folder=True) != 0o755:
        return False
    if inventory.is_empty(change.run.image, path):
        return False
    return any(
        each.instruction.keyword == "WORKDIR"
        and is_in(each.path(each.instruction.rest) or "", path)
        for each in before(file, change.run)
    )


class _Done(NamedTuple):
    """What COPYs can do themselves."""

    targets: tuple[_Target, ...]
    modes: tuple[tuple[Moment, int], ...]
    """The COPYs, each with what is to become of their files."""


def _done(file: File, change: _Change) -> _Done | str:
    """Those of the targets that COPYs can give their mode, or why none is among them."""
    reason = _objection(file, change)
    if reason:
        return reason
    copies = {id(each): each for target in change.targets for each in target.copies}
    told = {key: _mode(file, change, each) for key, each in copies.items()}
    done: list[_Target] = []
    modes: dict[int, tuple[Moment, int]] = {}
    for target in change.targets:
        found = [(each, told[id(each)]) for each in target.copies]
        doubt = target.doubt or next((each for _, each in found if isinstance(each, str)), "")
        if not doubt:
            done.append(target)
            modes |= {id(copy): (copy, mode) for copy, mode in found if isinstance(mode, int)}
        reason = reason or doubt
    return _Done(tuple(done), tuple(modes.values())) if done else reason


def _objection(file: File, change: _Change) -> str:
    """What stands against it, whatever the files are; empty if nothing does."""
    run, call = change.run, change.call
    if file.options.dialect.name != "buildkit":
        return f"what `--chmod` means to {file.options.dialect.title} is not certain"
    if not file.tree.frontend.has("COPY --chmod"):
        return file.tree.frontend.needs("COPY --chmod")
    if step_of(run, call) is None:
        return "`chmod` is no command of its own"
    if not call.is_known or any(set("*?[{") & set(each) for each in call.words[1:]):
        return "which files are meant is not known"
    if not options(call) <= _PLAIN:
        return "its options say more than which files are meant"
    if any(each.name == "umask" for each in run.calls) and not is_number(change.mode):
        return "`umask` has a say in what the mode means"
    return ""


def _mode(file: File, change: _Change, copy: Moment) -> int | str:
    """The mode with which *copy* does what `chmod` does, or what stands against it."""
    reason = unfit(file, copy)
    if reason or copy.instruction.flag("chmod"):
        return reason or "the COPY gives its files a mode already"
    found = placed(file, copy, change.paths)
    mode = _of_all(change, found)
    if isinstance(mode, str):
        return mode
    folder = _folder_of(copy, found)
    if not _is_right(file, change, copy, folder, mode) and not is_there(file, copy, folder):
        return f"`{folder}` would get another mode, too, if the COPY makes it"
    place = destination(copy) or "/"
    for path in change.paths:
        if is_in(path, place) or is_in(place, path):
            watched = watcher(file, copy, change.run, change.call, path)
            if watched:
                return f"{watched} may look at `{path}` before"
    return mode


def _is_right(file: File, change: _Change, copy: Moment, folder: str, mode: int) -> bool:
    """Does *folder* come to have its mode if *copy* makes it, with `--chmod`?

    BuildKit gives it *mode* without what its umask takes, and so the folders above that it makes.
    """
    if mode == 0o755:
        return True
    above = [each for each in change.paths if change.is_recursive and is_in(folder, each)]
    is_meant = changed(change.mode, 0o755, is_folder=True) == mode and not mode & UMASK
    return is_meant and any(is_there(file, copy, posixpath.dirname(each)) for each in above)


def _of_all(change: _Change, found: list[Placed] | None) -> int | str:
    """The mode that all that a COPY brings, *found*, comes to have, or why there is none."""
    if found is None and change.is_recursive and is_number(change.mode):
        return int(change.mode, 8)  # whatever is in the folder
    if not found:
        return "the modes of what is copied are not known"
    modes: dict[int, str] = {}
    for each in found:
        if each.is_link:
            continue
        if not change.covers(each.path):
            mode = each.mode
        elif each.is_folder and (each.mode or 0) > 0o777:
            mode = None  # a number takes setgid from a file, and not from a folder
        else:
            mode = changed(change.mode, each.mode, is_folder=each.is_folder)
        if mode is None:
            return f"which mode `{each.path}` comes to have is not known"
        modes[mode] = each.path
    if len(modes) > 1:
        return "not all that the COPY brings comes to have the same mode, and `--chmod` is for all"
    return next(iter(modes), "only links are copied")


def _folder_of(copy: Moment, found: list[Placed] | None) -> str:
    """The folder in which *copy* puts what it brings, *found*."""
    place = destination(copy) or "/"
    is_file = found is not None and [each.path for each in found] == [place]
    return posixpath.dirname(place) if is_file else place


def _fix(file: File, change: _Change, done: _Done) -> Fix | str:
    run, call = change.run, change.call
    step = step_of(run, call)
    if step is None:
        return "`chmod` is no command of its own"
    gone = {each.path for each in done.targets}
    rest = [each for each in change.paths if each not in gone]
    kept = dict.fromkeys(path for each in done.targets for path in each.kept)
    text = remainder(file, call, step.span, rest, kept)
    edits = [set_flag(copy.instruction, "chmod", f"{mode:03o}") for copy, mode in done.modes]
    edits += rewritten(file, run, {step.span: text})
    flags = dict.fromkeys(f"`--chmod={mode:03o}`" for _, mode in done.modes)
    return Fix(f"Copy with {' and '.join(flags)}", tuple(edits), Guarantee.SAME_IMAGE)


def _is_all(change: _Change, done: _Done | str) -> bool:
    """Is there nothing left of the RUN?"""
    others = [each for each in steps(change.run) or () if change.call not in each.calls]
    if isinstance(done, str) or not all(map(is_idle, others)):
        return False
    return len(done.targets) == len(change.paths) and not any(each.kept for each in done.targets)


def _holds(file: File, change: _Change) -> Iterator[str]:
    """What the fix relies upon."""
    copies = [each for target in change.targets for each in target.copies]
    if not is_number(change.mode) and any(not each.instruction.heredocs for each in copies):
        yield _HERE
    if change.is_recursive and any(placed(file, each, change.paths) is None for each in copies):
        yield _NO_SETGID
