from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence

from stagelint.edit import Edit, Fix, Guarantee
from stagelint.model import File
from stagelint.model.arrivals import origin
from stagelint.model.calls import Call
from stagelint.model.context import Context
from stagelint.model.gains import Gain
from stagelint.model.manifests import package_json, strings, table
from stagelint.model.moments import Moment
from stagelint.model.packages import ManagerCall, manager_calls
from stagelint.model.purpose import is_application
from stagelint.model.stages import Stage
from stagelint.model.wording import listed
from stagelint.rule import SHIPPED, Bad, Finding, Good, Rule, Severity
from stagelint.source import Span
from stagelint.tuples import NamedTuple

#: So many files and bytes are searched for the names of packages; in more, nothing is known.
_MOST_SOURCES, _MOST_BYTES = 2000, 8 << 20
_SOURCES = (".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".jsx", ".tsx", ".php")
_TESTS = (
    r"(?:^|/)(?:__tests__|__mocks__|tests?|specs?|e2e|cypress|node_modules|vendor)/"
    r"|\.(?:test|spec|config|stories)\.\w+$|(?:^|/)\.\w+rc\.\w+$"
)
#: So many packages are named.
_MOST_NAMES = 3


class _Manager(NamedTuple):
    """How a package manager is told to leave them out."""

    verbs: frozenset[str]
    manifest: str
    option: str
    without: str
    """What already leaves them out; a pattern of a word."""
    variables: Mapping[str, str] = {}
    """Variables that do so, or say that they are wanted, with a pattern of their value."""


_MANAGERS = {
    "npm": _Manager(
        frozenset({"ci", "install", "i", "clean-install"}),
        "package.json",
        "--omit=dev",
        r"--omit(?:=.*)?|--production(?:=.*)?|--prod|--only(?:=.*)?|-g|--global|--include(?:=.*)?",
        {"NODE_ENV": ".+", "npm_config_omit": "dev", "NPM_CONFIG_PRODUCTION": "true"},
    ),
    "pnpm": _Manager(
        frozenset({"install", "i"}),
        "package.json",
        "--prod",
        r"--prod(?:uction)?|-P|-g|--global|--dev|-D",
        {"NODE_ENV": ".+"},
    ),
    "composer": _Manager(
        frozenset({"install", "i"}), "composer.json", "--no-dev", r"--no-dev|--dev",
        {"COMPOSER_NO_DEV": "1"},
    ),
}  # fmt: skip

#: What runs programs that a manager of Node.js or PHP installed.
_RUNNERS = frozenset(
    "npx yarn pnpx bunx tsc vite webpack ng next nuxt gulp grunt rollup prisma".split()
)
#: What compiles a program, and checks its types, when it starts.
_COMPILING = frozenset("ts-node ts-node-dev ts-node-esm tsx babel-node swc-node vite-node".split())
#: What of a script is no package's.
_SYSTEM = frozenset("node echo exec cd mkdir rm cp mv sleep exit true :".split())
#: What npm, pnpm and Composer do besides.
_IDLE = frozenset(
    "install i ci clean-install cache config set prune dedupe version audit fund dump-autoload"
    " dumpautoload clear-cache global self-update add store root".split()
)


class DevelopmentDependenciesShipped(Rule):
    """Packages to develop with are installed in an image that only runs the program.

    Test runners, bundlers and type checkers often weigh more than all that the program needs. Every
    scan of the image reports their vulnerabilities, too.

    It speaks of `npm`, `pnpm` and `composer` in layers that ship, where the manifest in the
    build context lists packages for development and nothing that is written after the install uses
    them. The fix tells the manager to leave them out. It is another image, so it is not safe; it is
    made only where the context shows that no script of the install, no command of the file, and no
    source that is not a test names one of them.

    A program can load a package by a name that it puts together; that cannot be seen.
    """

    code = "SL315"
    severity = Severity.INFO
    default = False
    roles = SHIPPED
    words = tuple(_MANAGERS)
    examples = (
        Bad(
            """
            --- Dockerfile
            FROM node:22-slim
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
                ^^^^^^ `npm ci` installs what only development needs: `jest`
            COPY server.js ./
            CMD ["node", "server.js"]
            --- package.json
            {"dependencies": {"express": "~5"}, "devDependencies": {"jest": "~30"}}
            --- package-lock.json
            {}
            --- server.js
            require("express")
            """,
            fixed="""
            --- Dockerfile
            FROM node:22-slim
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci --omit=dev
            COPY server.js ./
            CMD ["node", "server.js"]
            """,
            unsafe=True,
        ),
        Bad(
            """
            --- Dockerfile
            # an install script would miss it
            FROM node:22-slim
            WORKDIR /app
            COPY . .
            RUN npm ci
                ^^^^^^ `npm ci` installs what only development needs: `husky`
            CMD ["node", "server.js"]
            --- package.json
            {"scripts": {"prepare": "husky"}, "devDependencies": {"husky": "~9"}}
            --- server.js
            """,
        ),
        Bad(
            """
            # nothing is known of the manifest
            FROM node:22-slim
            WORKDIR /app
            COPY . .
            RUN npm ci
                ^^^^^^ `npm ci` installs what only development needs, too
            CMD ["node", "server.js"]
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # a source names it
            FROM node:22-slim
            WORKDIR /app
            COPY . .
            RUN npm ci
                ^^^^^^ `npm ci` installs what only development needs: `dotenv`
            CMD ["npm", "start"]
            --- package.json
            {"scripts": {"start": "node server.js"}, "devDependencies": {"dotenv": "~16"}}
            --- server.js
            require("dotenv").config()
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # its packages bring programs of other names
            FROM node:22-slim
            WORKDIR /app
            COPY . .
            RUN npm ci
                ^^^^^^ `npm ci` installs what only development needs: `@vue/cli-service`
            CMD ["npm", "run", "web"]
            --- package.json
            {"scripts": {"web": "vue-cli-service serve"}, "devDependencies": {"@vue/cli-service": "~5"}}
            --- main.js
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # it is built each time it starts
            FROM node:22-slim
            WORKDIR /app
            COPY . .
            RUN npm ci
                ^^^^^^ `npm ci` installs what only development needs: `typescript`
            CMD ["npm", "start"]
            --- package.json
            {"scripts": {"prestart": "tsc", "start": "node main"}, "devDependencies": {"typescript": "~5"}}
            --- main.ts
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # npm does not know `--omit` before its version 7
            FROM node:14-slim
            WORKDIR /app
            COPY . .
            RUN npm ci
                ^^^^^^ `npm ci` installs what only development needs: `jest`
            CMD ["node", "main"]
            --- package.json
            {"devDependencies": {"jest": "~30"}}
            --- main.js
            """,
        ),
        Bad(
            """
            --- Dockerfile
            # types are checked when it starts
            FROM node:22-slim
            WORKDIR /app
            COPY . .
            RUN npm ci
                ^^^^^^ `npm ci` installs what only development needs: `@types/node`
            CMD ["npm", "start"]
            --- package.json
            {"scripts": {"start": "ts-node app"}, "devDependencies": {"@types/node": "~24"}}
            --- app.ts
            """,
        ),
        Bad(
            """
            --- Dockerfile
            FROM php:8.4-apache
            COPY . /var/www/html
            RUN composer install --no-interaction
                ^^^^^^^^^^^^^^^^ `composer install` installs what only development needs: `phpunit/phpunit`
            CMD ["apache2-foreground"]
            --- composer.json
            {"require-dev": {"phpunit/phpunit": "~11"}}
            """,
            fixed="""
            --- Dockerfile
            FROM php:8.4-apache
            COPY . /var/www/html
            RUN composer install --no-dev --no-interaction
            CMD ["apache2-foreground"]
            """,
            unsafe=True,
        ),
        Good(
            """
            # a build after it may need them
            FROM node:22
            WORKDIR /app
            COPY . .
            RUN npm ci && npm run build
            CMD ["node", "dist/server.js"]
            """
        ),
        Good(
            """
            FROM node:22
            ENV NODE_ENV=production
            WORKDIR /app
            COPY . .
            RUN npm ci
            CMD ["node", "server.js"]
            """
        ),
        Good(
            """
            # it starts a program for development
            FROM node:22
            WORKDIR /app
            COPY . .
            RUN npm ci
            CMD ["npm", "run", "dev"]
            """
        ),
        Good(
            """
            --- Dockerfile
            FROM node:22-slim
            WORKDIR /app
            COPY . .
            RUN npm ci
            CMD ["node", "server.js"]
            --- package.json
            {"dependencies": {"express": "~5"}}
            --- server.js
            """
        ),
    )

    def check(self, file: File) -> Iterator[Finding]:
        seen: set[int] = set()
        for index in () if file.is_huge else sorted(file.shipped):
            target = file.stages[index]
            if not is_application(file, target):
                continue
            moments = file.moments_behind(target)
            for at, moment in enumerate(moments):
                if moment.instruction.start not in seen:
                    seen.add(moment.instruction.start)
                    yield from self._run(file, target, moments, at)

    def _run(
        self, file: File, target: Stage, moments: Sequence[Moment], at: int
    ) -> Iterator[Finding]:
        run = moments[at]
        for told in manager_calls(run.calls):
            manager = _MANAGERS.get(told.program)
            if manager is None or not _installs_all(told, manager, run):
                continue
            if any(map(_runs_what_is_installed, _later(moments[at:], told.call))):
                continue  # which may need them
            found = _manifest(file, moments[:at], told, manager)
            if found is not None and not found.names:
                continue
            note = _objection(file, target, run, found) or _too_old(file, run, told)
            yield self.finding(
                file,
                told.head,
                f"`{told.program} {told.verb}` installs what only development needs"
                + (f": {listed(sorted(found.names), _MOST_NAMES)}" if found else ", too"),
                stage=run.stage,
                fix=None if note else _fix(told, manager),
                note=f"not fixed: {note}" if note else "",
                gain=Gain(ships_less=True),
                holds=() if note else ("no source loads one by a name that it puts together",),
            )


def _installs_all(told: ManagerCall, manager: _Manager, run: Moment) -> bool:
    """Does it install all that the manifest lists, for development too?"""
    call = told.call
    if told.verb not in manager.verbs or not call.is_known or call.is_nested:
        return False
    words = [word for word in call.arguments if word]
    if any(re.fullmatch(manager.without, word) for word in words):
        return False
    if any(not word.startswith("-") for word in call.arguments[told.at + 1 :] if word):
        return False  # packages, or values of options
    for name, pattern in manager.variables.items():
        value = call.settings[name] if name in call.settings else run.variable(name)
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return False
    return True


def _later(moments: Sequence[Moment], install: Call) -> Iterator[Call]:
    """What the first of *moments* runs after *install*, and what the others run."""
    for moment in moments:
        for call in moment.calls:
            if moment is not moments[0] or call.span.start > install.span.start:
                yield call


def _runs_what_is_installed(call: Call) -> bool:
    """Does it run what a manager installed, or may it?"""
    if call.name in _RUNNERS or "node_modules" in call.path or "vendor/bin" in call.path:
        return True
    if call.name in ("npm", "pnpm", "bun", "composer"):
        return not set(call.words[:1]) <= _IDLE
    return call.name in ("node", "php", "sh", "bash", "make", "")


class _Manifest(NamedTuple):
    """What the build context says of the packages that a call installs."""

    folder: str
    """In the context."""
    names: Collection[str]
    """Of those for development."""
    hooks: Mapping[str, str]
    """Scripts that the install runs."""
    scripts: Mapping[str, str]
    needed: Collection[str] = ()
    """The names of the packages that are not for development alone."""


def _manifest(
    file: File, before: Sequence[Moment], told: ManagerCall, manager: _Manager
) -> _Manifest | None:
    """None if nothing is known of it."""
    if file.context is None or told.call.directory is None:
        return None
    path = origin(file.context, before, posixpath.join(told.call.directory, manager.manifest))
    if path is None:
        return None
    folder = posixpath.dirname(path) or "."
    if manager.manifest == "package.json":
        package = package_json(file.context, folder)
        if package is None or package.has_workspaces:
            return None
        names = package.dev_dependencies.keys() - package.dependencies.keys()
        needed = package.dependencies.keys()
        return _Manifest(folder, names, package.install_scripts, package.scripts, needed)
    found = table(file.context, path)
    if found is None:
        return None
    scripts: Mapping[str, object] = found.get("scripts") or {}
    hooks = {name: name for name in scripts if re.match(r"(?:pre|post)-(?!root)", name)}
    return _Manifest(folder, strings(found.get("require-dev")).keys(), hooks, {})


def _objection(file: File, target: Stage, run: Moment, found: _Manifest | None) -> str:
    """What stands against leaving them out; empty if nothing does."""
    if found is None or file.context is None:
        return "what the manifest says is not known without its build context"
    if found.hooks:
        return f"the install runs the script `{next(iter(found.hooks))}`, which may need them"
    for call in file.programs(target):
        reason = _started(call, found)
        if reason:
            return reason
    other = _other(file, run)
    if other:
        return f"stage `{other.label}` is built on it too, and may need them"
    return _named(file.context, found)


def _too_old(file: File, run: Moment, told: ManagerCall) -> str:
    """Why its npm does not know the option; empty if it may."""
    image = file.histories[run.stage.index].image
    is_node = image is not None and image.reference.path == "library/node"
    if told.program == "npm" and is_node and image and (15,) > image.version > ():
        return f"npm knows `--omit` from version 7 on, and `{image.reference}` has an older one"
    return ""


def _started(call: Call, found: _Manifest) -> str:
    """Why what *call* starts in a container may need one of them; empty if it does not."""
    script = _script(call)
    texts = {"": shlex.join([call.name, *filter(None, call.arguments)])}
    if call.name in ("npm", "pnpm", "yarn"):
        if script not in found.scripts:
            return f"what `{call.name}` starts is not known"
        around = (f"pre{script}", script, f"post{script}")
        texts = {name: found.scripts[name] for name in around if name in found.scripts}
    for name, text in texts.items():
        words = re.split(r"[\s&|;/]+", text)
        if not _COMPILING.isdisjoint(words):
            return "the program is compiled when it starts, for which types may be needed"
        if set(words) & {each.rpartition("/")[2] for each in found.names}:
            return f"the script `{name}` may start one of them" if name else "it starts one of them"
        unknown = next(_unknown(text, found), "") if name else ""
        if unknown:
            return f"the script `{name}` starts `{unknown}`, which one of them may bring"
    return ""


def _unknown(script: str, found: _Manifest) -> Iterator[str]:
    """The programs that *script* starts and a package for development may bring."""
    brought = {each.rpartition("/")[2] for each in found.needed}
    for part in re.split(r"[&|;]+", script):
        match = re.match(r"\s*(?:\w+=\S*\s+)*(\S+)", part)
        if match and match[1] not in _SYSTEM and match[1] not in brought:
            yield match[1]


def _script(call: Call) -> str:
    words = [word for word in call.words if word not in ("run", "run-script")]
    return words[0] if words else ""


def _other(file: File, run: Moment) -> Stage | None:
    """A stage that gets them, and is no part of what ships."""
    needed = {run.stage.index}
    for stage in file.stages:
        if stage.base.stage in needed:
            needed.add(stage.index)
            if stage.index not in file.ships:
                return stage
    copying = (stage for stage in file.stages for _, _, source in file.copies(stage)
               if source.index in needed)  # fmt: skip
    return next(copying, None)


def _named(context: Context, found: _Manifest) -> str:
    """Why a source may need one of them."""
    names = "|".join(map(re.escape, sorted(found.names)))
    pattern = re.compile(rf"[\"'`](?:{names})(?:/[^\"'`\n]*)?[\"'`]")
    files = [
        each
        for each in context.below(found.folder)
        if each.path.endswith(_SOURCES) and not re.search(_TESTS, each.path)
    ]
    if len(files) > _MOST_SOURCES or sum(each.size for each in files) > _MOST_BYTES:
        return "there are too many sources to search them for the names of packages"
    for each in files:
        match = pattern.search(context.text(each.path) or "")
        if match:
            return f"`{each.path}` names {match[0].replace(match[0][0], '`')}"
    return ""


def _fix(told: ManagerCall, manager: _Manager) -> Fix:
    end = told.head.end
    edit = Edit(Span(end, end), f" {manager.option}")
    return Fix(f"Add `{manager.option}`", (edit,), Guarantee.BEHAVIOUR)
