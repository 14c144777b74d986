from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.arrivals import origin
from stagelint.model.calls import Call
from stagelint.model.context import Context, clean
from stagelint.model.gains import Gain
from stagelint.model.installs import Folder, Install, Needs, Unclear, install_of
from stagelint.model.moments import Moment
from stagelint.model.run_steps import Step, is_apart, is_led_elsewhere, steps
from stagelint.model.stages import Stage
from stagelint.rule import Bad, Finding, Good, Rule, Severity
from stagelint.source import Span
from stagelint.syntax.validate import mount_fields
from stagelint.tuples import NamedTuple

#: Flags of the COPY that the one of the manifests gets as well.
_FLAGS = frozenset({"chown", "chmod", "link"})
#: Instructions that a COPY may move below of.
_PASSED = frozenset("CMD ENTRYPOINT EXPOSE HEALTHCHECK LABEL SHELL STOPSIGNAL USER".split())
#: What the rest of a script would not find any more in a RUN of its own.
_STATE = frozenset(". cd eval exec exit export set shopt source trap ulimit umask unset".split())
#: What takes away files of the layer that they are in.
_CLEANING = r"(?:rm|rmdir|unlink|find|mv)(?: .*)?|.* (?:autoremove|cache|clean|del|erase|prune|purge|remove|uninstall)"
#: So many in one RUN are looked at.
_MOST_INSTALLS = 20
_PLAIN = r"[\w@.+/-]+"


class SourcesCopiedBeforeInstall(Rule):
    """All sources are copied, and then the dependencies are installed.

    Every change of a source installs all dependencies again, since the install stands below the COPY.
    With only the manifests copied above it, the install runs again when one of them changes.

    It speaks of a COPY of a whole folder that is followed by an install of what the manifests in it
    list: by `npm`, `yarn`, `pnpm`, `pip -r`, `uv sync`, `poetry`, `pipenv`, `go mod download`, `mvn
    dependency:go-offline`, `dotnet restore`, `bundle` or `composer`. The fix copies the manifests
    first, and the rest below the install; what the same RUN does with the sources gets a RUN of its
    own.

    The image is the same if the install reads nothing else. That is looked up in the build context: the
    fix is made if the manifests list no package of the project itself, run no script that may look at
    the sources, and nothing in the context would lie over what is installed.
    """

    code = "SL311"
    severity = Severity.INFO
    default = False
    words = ("copy", "add")
    examples = (
        Bad(
            """
            --- Dockerfile
            FROM node:22-slim
            WORKDIR /app
            COPY . .
            ^^^^^^^^ a change of any file runs `npm ci` again
            RUN npm ci && npm run build
            CMD ["node", "dist/server.js"]
            --- package.json
            {"dependencies": {"left-pad": "1.3.0"}, "scripts": {"build": "node build.js"}}
            --- package-lock.json
            {"lockfileVersion": 3, "packages": {"": {"dependencies": {"left-pad": "1.3.0"}}, "node_modules/left-pad": {}}}
            --- build.js
            """,
            fixed="""
            --- Dockerfile
            FROM node:22-slim
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            COPY . .
            RUN npm run build
            CMD ["node", "dist/server.js"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            FROM python:3.13-slim
            COPY --chown=1000 . /app
            ^^^^^^^^^^^^^^^^^^^^^^^^ a change of any file runs `pip install` again
            WORKDIR /app
            RUN apt-get update && apt-get install -y --no-install-recommends libpq5
            RUN pip install --no-cache-dir -r requirements.txt
            CMD ["python", "main.py"]
            --- requirements.txt
            -r requirements/base.txt
            gunicorn==23.0.0
            --- requirements/base.txt
            flask==3.1.0
            --- main.py
            """,
            fixed="""
            --- Dockerfile
            FROM python:3.13-slim
            COPY --chown=1000 requirements.txt /app/
            COPY --chown=1000 requirements/base.txt /app/requirements/
            WORKDIR /app
            RUN apt-get update && apt-get install -y --no-install-recommends libpq5
            RUN pip install --no-cache-dir -r requirements.txt
            COPY --chown=1000 . /app
            CMD ["python", "main.py"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            # what the install reads is not known
            FROM golang:1.26
            WORKDIR /src
            COPY . .
            ^^^^^^^^ a change of any file runs `go mod download` again
            RUN go mod download
            RUN go build -o /app
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # a script of the install may look at the sources
            FROM node:22
            WORKDIR /app
            COPY . .
            ^^^^^^^^ a change of any file runs `npm ci` again
            RUN npm ci
            --- package.json
            {"scripts": {"postinstall": "node setup.js"}}
            --- package-lock.json
            {"lockfileVersion": 3, "packages": {"": {}}}
            --- setup.js
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # what lies in the context would replace what is installed
            FROM node:22
            WORKDIR /app
            COPY . .
            ^^^^^^^^ a change of any file runs `yarn install` again
            RUN yarn install --frozen-lockfile
            --- package.json
            {"dependencies": {"left-pad": "1.3.0"}}
            --- yarn.lock
            # yarn lockfile v1
            left-pad@1.3.0:
            --- node_modules/left-pad/index.js
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # the project itself is installed
            FROM python:3.13-slim
            WORKDIR /app
            COPY . .
            ^^^^^^^^ a change of any file runs `uv sync` again
            RUN uv sync --locked
            --- pyproject.toml
            [project]
            name = "app"
            [build-system]
            requires = ["hatchling"]
            --- uv.lock
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # so is what a list names
            FROM python:3.13-slim
            WORKDIR /app
            COPY . .
            ^^^^^^^^ a change of any file runs `pip install` again
            RUN pip install -r requirements.txt
            --- requirements.txt
            flask==3.1.0
            -e .
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # the second layer would not take away what the first has
            FROM python:3.13-slim
            WORKDIR /app
            COPY . .
            ^^^^^^^^ a change of any file runs `pip install` again
            RUN pip install -r requirements.txt && make && rm -rf /root/.cache
            --- requirements.txt
            flask==3.1.0
            """,
        ),
        Good(
            """
            FROM node:22
            WORKDIR /app
            COPY package*.json ./
            RUN npm ci
            COPY . .
            RUN npm ci --omit=dev
            """
        ),
        Good(
            """
            FROM node:22
            WORKDIR /app
            COPY . .
            RUN npm install -g serve
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        for stage in () if file.is_huge else file.stages:
            moments = file.histories[stage.index].own
            installs = [_installs(each) for each in moments]
            for at, moment in enumerate(moments) if any(installs) else ():
                copy = _broad(file, moment)
                found = _next_install(moments, installs, at, copy) if copy else None
                if copy and found:
                    finding = self._finding(file, stage, copy, found)
                    if finding.fix or not _has_installed(file, stage, moment, found):
                        yield finding

    def _finding(self, file: File, stage: Stage, copy: _Copy, found: _Found) -> Finding:
        node = copy.moment.instruction
        fix, note = None, found.obstacle
        holds: tuple[str, ...] = ()
        try:
            if file.context is None:
                raise Unclear("what it reads is not known without its build context")
            needs = _needs(file.context, copy, found)
            if not note:
                fix = Fix(_title(found), _edits(file, copy, found, needs), needs.promise)
                holds = (f"the build context is `{file.context.root}`", *needs.holds)
        except Unclear as reason:
            note = str(reason)
        return self.finding(
            file,
            node.code_span,
            f"a change of any file runs `{found.title}` again",
            stage=stage,
            fix=fix,
            note=f"not fixed: {note}" if note else "",
            gain=Gain(steps=1 + found.passed, when="a change of a source"),
            holds=holds,
        )


class _Copy(NamedTuple):
    """A COPY of all that is in a folder of the build context."""

    moment: Moment
    source: str
    """The folder in the context, clean."""
    target: str
    """Where its files come to lie, without a slash at the end."""


class _Found(NamedTuple):
    """The installs of a RUN below a COPY, of what that brought."""

    run: Moment
    installs: Sequence[tuple[Call, Install]]
    passed: int
    """RUNs in between that have nothing to do with it."""
    obstacle: str
    """What in between may have; empty if nothing."""

    @property
    def title(self) -> str:
        return self.installs[0][1].title


def _broad(file: File, moment: Moment) -> _Copy | None:
    node = moment.instruction
    if node.keyword not in ("COPY", "ADD") or node.is_json or len(node.arguments) != 2:
        return None
    target = moment.path(node.arguments[1].value)
    if node.heredocs or not _FLAGS.issuperset(each.name for each in node.flags) or not target:
        return None
    for source in map(clean, moment.local_sources):
        found = file.context.find(source) if file.context else None
        if source == "." or (found and found.is_folder):
            return _Copy(moment, source, target.rstrip("/") or "/")
    return None


_Installs = Sequence[tuple[Call, Install]]


def _installs(run: Moment) -> _Installs:
    found = ((call, install_of(call)) for call in run.calls)
    return [(call, install) for call, install in found if install]


def _next_install(
    moments: Sequence[Moment], installs: Sequence[_Installs], at: int, copy: _Copy
) -> _Found | None:
    """The first install below a COPY that runs in what it brought."""
    for end in range(at + 1, len(moments)):
        inside = [each for each in installs[end] if _below(each[0].directory, copy.target)]
        if inside:
            between = moments[at + 1 : end]
            obstacles = (_obstacle(each, copy) for each in between)
            passed = sum(each.instruction.keyword == "RUN" for each in between)
            return _Found(moments[end], inside, passed, next(filter(None, obstacles), ""))
    return None


def _below(path: str | None, folder: str) -> str | None:
    """*path* from *folder*, which it lies in; None if it does not."""
    if path is None:
        return None
    found = posixpath.relpath(path, folder)
    return None if found.startswith("..") else found


def _obstacle(moment: Moment, copy: _Copy) -> str:
    """Why *copy* cannot move below *moment*; empty if it can."""
    keyword, node = moment.instruction.keyword, copy.moment.instruction
    if keyword == "RUN":
        found = steps(moment)
        is_passed = found is not None and all(is_apart(each, copy.target) for each in found)
    elif keyword == "WORKDIR":
        is_passed = node.arguments[1].value.startswith("/")
    elif keyword in ("ARG", "ENV"):
        is_passed = "$" not in node.rest
    else:
        is_passed = keyword in _PASSED
    return "" if is_passed else f"the {keyword} in between may have to do with the sources"


def _has_installed(file: File, stage: Stage, copy: Moment, found: _Found) -> bool:
    """Has its manager installed in its folder before the COPY?"""
    for moment in file.moments_behind(stage):
        if moment is copy:
            return False
        for call in moment.calls:
            install = install_of(call)
            if install and any(
                install.manager == other.manager and call.directory == its.directory
                for its, other in found.installs
            ):
                return True
    return False


def _needs(context: Context, copy: _Copy, found: _Found) -> Needs:
    """What the installs need; names from where its COPY copies from. Raises `Unclear`."""
    flags = found.run.instruction.flags
    if any(each.name == "mount" and _binds(each.value or "") for each in flags):
        raise Unclear("what it has mounted is not known")
    if len(found.installs) > _MOST_INSTALLS:
        raise Unclear("it installs too often to look up what for")
    needs = [_needs_of(context, copy, call, install) for call, install in found.installs]
    files = dict.fromkeys(name for each in needs for name in each.files)
    folders = dict.fromkeys(name for each in needs for name in each.folders)
    holds = dict.fromkeys(phrase for each in needs for phrase in each.holds)
    promise = max((each.promise for each in needs), key=[*Guarantee].index)
    return Needs(tuple(files), tuple(folders), holds=tuple(holds), promise=promise)


def _needs_of(context: Context, copy: _Copy, call: Call, install: Install) -> Needs:
    inside = _below(call.directory, copy.target) or "."
    if call.is_conditional or call.is_inner:
        raise Unclear("it may be left out")
    needs = install.needs(Folder(context, posixpath.join(copy.source, inside)), call)
    is_of_project = "/" in call.path and not call.path.startswith("/")
    if is_of_project and posixpath.normpath(call.path) not in needs.files:
        raise Unclear(f"`{call.path}` is a program of the project")

    def moved(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(posixpath.normpath(posixpath.join(inside, each)) for each in names)

    for name in moved(needs.writes):
        if context.find(posixpath.join(copy.source, name)):
            raise Unclear(
                f"`{name}` of the build context would lie over what is installed:"
                " let `.dockerignore` leave it out"
            )
    return needs._replace(files=moved(needs.files), folders=moved(needs.folders))


def _binds(mount: str) -> bool:
    fields = dict(mount_fields(mount) or ())
    return fields.get("type", "bind") == "bind"


# -- the fix -------------------------------------------------------------------------------------


def _title(found: _Found) -> str:
    return f"Copy what `{found.title}` reads, and the rest below it"


def _edits(file: File, copy: _Copy, found: _Found, needs: Needs) -> tuple[Edit, ...]:
    """Raises `Unclear`."""
    node, run = copy.moment.instruction, found.run.instruction
    newline = file.source.newline
    text = file.source.text
    moved = text[node.code_span.start : node.code_span.end]
    lines = newline.join(_manifests(file, copy, needs))
    line = Span(node.code_start, node.end)  # with what blanks are at its end
    end = text[node.code_span.end : node.end].lstrip(" \t")
    above = Edit(line, lines + end) if lines else Edit(node.span)
    rest = _rest(found, copy)
    if rest is None:
        at = run.end
        is_open = not text.endswith("\n", 0, at)
        return above, Edit(Span(at, at), f"{newline * is_open}{moved}{newline * (not is_open)}")
    head = text[run.code_start : run.logical.offset(run.rest_start)]
    return above, Edit(rest, f"{newline}{moved}{newline}{head}")


def _manifests(file: File, copy: _Copy, needs: Needs) -> Iterator[str]:
    """Lines that copy what no COPY above does. Raises `Unclear` for a name that needs quotes."""
    node = copy.moment.instruction
    assert file.context
    moments = file.moments(copy.moment.stage)
    before = moments[: moments.index(copy.moment)]
    missing = [
        name
        for name in needs.files
        if origin(file.context, before, posixpath.join(copy.target, name))
        != posixpath.normpath(posixpath.join(copy.source, name))
    ]
    source, target = (each.value for each in node.arguments)
    logical = node.logical.text
    words = [f"{logical[each.start : each.end]} " for each in node.flags]
    keyword = "copy" if node.raw_keyword.islower() else "COPY"
    head = f"{keyword} {''.join(words)}"
    where = "" if copy.source == "." else source.rstrip("/") + "/"
    target = target.rstrip("/") + "/"
    groups: dict[str, list[str]] = {}
    for name in missing:
        groups.setdefault(posixpath.dirname(name), []).append(f"{where}{name}")
    for folder in needs.folders:
        groups[folder] = [f"{where}{folder}"]
    for folder, names in groups.items():
        if not all(re.fullmatch(_PLAIN, each) for each in (folder or ".", *names)):
            raise Unclear("a name needs quotes")
        yield f"{head}{' '.join(names)} {target}{folder}{'/' * bool(folder)}"


def _rest(found: _Found, copy: _Copy) -> Span | None:
    """What stands between what the RUN does to install, and what it does with the sources.

    None if it does nothing with them. Raises `Unclear` if the two cannot be told apart.
    """
    installing = {id(call) for call, _ in found.installs}
    listed = steps(found.run)
    if listed is None:
        if len(found.run.calls) == 1:
            return None
        raise Unclear("its script is no plain list of commands")
    split = next(
        (at for at, each in enumerate(listed) if not _may_stay(each, copy, installing)), None
    )
    if split is None:
        return None
    done, rest = listed[:split], listed[split:]
    if any(id(call) in installing for each in rest for call in each.calls):
        name = rest[0].calls[0].name
        raise Unclear(f"`{name}` in the same RUN is not known to do without the sources")
    if any(call.name in _STATE for each in done for call in each.calls):
        raise Unclear("the rest of its script depends on what it sets")
    for call in (call for each in rest for call in each.calls):
        if re.fullmatch(_CLEANING, " ".join((call.name, *call.words[:1]))):
            raise Unclear("its script cleans up, which another layer cannot")
    between = Span(done[-1].span.end, rest[0].span.start)
    if "#" in found.run.instruction.text[between.start : between.end]:
        raise Unclear("a comment stands where its script would be divided")
    return between


def _may_stay(step: Step, copy: _Copy, installing: set[int]) -> bool:
    """Does *step* do without the sources?"""
    is_install = any(id(call) in installing for call in step.calls)
    return (is_install and is_led_elsewhere(step, copy.target)) or is_apart(step, copy.target)
