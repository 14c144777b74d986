"""What an image is for: to run a program that was made for it, or to work in.

Images to develop, build, test and lint in are meant to have compilers. They start a shell, the
compiler, a test runner or nothing of their own, or their names say what they are.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.stages import Stage
from stagelint.model.starting import start

#: Words in the name of a Dockerfile, of its folder or of a stage: what it builds is to work in.
_WORKSHOP = frozenset(
    """
    dev devel develop development devcontainer devcontainers devenv local test tests testing tester
    unittest e2e integration fuzz lint linter linting ci debug debugger tools tooling toolbox
    toolchain sdk bench benchmark coverage vendor validate workspace playground sandbox
    """.split()
)
#: The same, in the name of a Dockerfile alone.
_OF_FILES = frozenset("build builder buildenv compile".split())

#: Programs that start what follows their options.
_LAUNCHERS = frozenset(
    """
    gosu su-exec setpriv chpst doppler dotenv numactl taskset ionice xvfb-run
    docker-entrypoint.sh dind stdbuf timeout opentelemetry-instrument ddtrace-run newrelic-admin
    """.split()
)
#: Those whose first word is a user or a number.
_WITH_USER = frozenset("gosu su-exec timeout taskset".split())

#: Small programs that prepare another.
_UTILITIES = frozenset(
    """
    : . [ awk cat cd chgrp chmod chown cmp cp curl cut date diff dirname echo eval exit export
    false find for getent grep head hostname id if kill ln ls mkdir mv nproc printenv printf ps pwd
    read readlink rm sed seq set shift sleep sort source stat sysctl tail tar tee test touch tr trap
    true ulimit umask uname unset wait wc wget which while whoami xargs
    """.split()
)

#: Compilers and what drives them: an image that starts one is to build with, or builds when it
#: starts.
_TOOLCHAINS = frozenset(
    """
    ant as bazel bazelisk bear boot buildctl cabal cargo cc clang clang++ clj clojure cmake c++
    crystal cross dart dub dune earthly elixir erl flutter g++ gcc gdb gfortran ghc ghci ghcid go gradle gradlew iex
    irb javac jlink jpackage jshell lein lldb make meson mix mvn mvnd mvnw nim nimble ninja nvcc
    opam rebar3 rustc rustup sbt scala scons shards spago stack swift swiftc tox v xcodebuild zig
    air reflex realize modd watchexec entr nodemon dlv delve
    """.split()
)
#: Test runners, linters and formatters.
_CHECKS = (
    r"(?:py\.?test|nose\w*|tox|nox|jest|vitest|mocha|ava|phpunit|rspec|ctest|bats|ginkgo|gotestsum|"
    r"playwright|cypress|hadolint|shellcheck|golangci-lint|eslint|prettier|flake8|mypy|ruff|black|"
    r"pylint|golint|staticcheck|codespell|yamllint|markdownlint|ct|"
    r"(?:.*[-_.])?(?:lint|tests?|fuzz\w*|runner)|(?:re)?(?:build|compile)(?:[-_].*)?)"
    r"(?:\.(?:sh|py|js|rb))?"
)
#: What package managers of Node.js and Python start in development.
_SCRIPTS = r"(?:dev|develop|watch|test|lint|storybook|debug|e2e)(?::.*)?"
_SHELLS = frozenset("sh bash ash dash zsh ksh fish pwsh powershell cmd busybox tmux screen".split())

#: Programs that run what others wrote, by their names without a version.
INTERPRETERS = frozenset(
    """
    python pypy node bun deno ruby jruby php php-fpm perl lua luajit julia Rscript R npm npx yarn pnpm
    pipenv poetry uv uvicorn gunicorn hypercorn uwsgi granian daphne celery flask django-admin
    streamlit bundle rails puma unicorn rackup thin plackup starman hypnotoad apache2 httpd
    apache2ctl apache2-foreground apachectl nginx caddy supervisord pm2 pm2-runtime erl
    """.split()
)


def started(file: File, stage: Stage) -> list[Call]:
    """What the image that *stage* becomes starts, if its own ENTRYPOINT or CMD says it.

    Without launchers such as `tini`, shells that run a script, and utilities.
    """
    return [each for call in _starting(file, stage) if (each := _launched(call)) and _counts(each)]


def is_application(file: File, stage: Stage) -> bool:
    """Does the image that *stage* becomes run a program which was put into it?

    Not if it is made to work in, nor if that cannot be told: if it starts nothing of its own, or
    nothing was copied or compiled.
    """
    if is_workshop(file, stage):
        return False
    return bool(file.programs(stage)) and any(
        moment.instruction.keyword in ("COPY", "ADD") for moment in file.moments_behind(stage)
    )


def is_workshop(file: File, stage: Stage) -> bool:
    """Is the image that *stage* becomes made to develop, build or test in?"""
    folders = posixpath.dirname(file.source.path.replace("\\", "/")).split("/")
    name = posixpath.basename(file.source.path.replace("\\", "/"))
    words = {*_words(stage.name or ""), *_words(name), *_words(folders[-1])}
    if words & _WORKSHOP or _words(name) & _OF_FILES or ".devcontainer" in folders:
        return True
    return any(_is_tool(each) for each in file.programs(stage))


def _words(name: str) -> frozenset[str]:
    return frozenset(re.split(r"[^a-z0-9]+", name.lower()))


def _starting(file: File, stage: Stage) -> Iterator[Call]:
    """The calls of the ENTRYPOINT and of the CMD that are in force at the end of *stage*."""
    found = start(file.moments_behind(stage))
    is_whole = found.entrypoint and not found.entrypoint.instruction.is_json
    for each in (found.entrypoint, None if is_whole else found.command):
        yield from each.started if each else ()


def _launched(call: Call) -> Call | None:
    """What a launcher starts; the call itself if it is none."""
    seen = 0
    while call.name in _LAUNCHERS and seen < len(call.spans):
        at = _after_options(call)
        if at is None:
            return None
        path = call.arguments[at] or ""
        seen += at + 1
        call = call._replace(
            name=posixpath.basename(path),
            path=path,
            arguments=call.arguments[at + 1 :],
            spans=call.spans[at + 1 :],
        )
    return None if call.name in _LAUNCHERS else call


def _after_options(call: Call) -> int | None:
    skipped = call.name in _WITH_USER
    for at, word in enumerate(call.arguments):
        if word is None or not word.startswith("-"):
            if not skipped:
                return at
            skipped = False
    return None


def _counts(call: Call) -> bool:
    """Is it a program, neither an option of an ENTRYPOINT nor a utility nor a shell with -c?"""
    if not call.name or call.name.startswith(("-", "$")) or call.name in _UTILITIES:
        return False
    return not (call.name in _SHELLS and any(map(_is_script, call.arguments)))


def _is_script(option: str | None) -> bool:
    return bool(option) and re.fullmatch(r"-[a-z]*c", option or "") is not None


def _is_tool(call: Call) -> bool:
    """Is it a shell, a compiler, a test runner or the like?"""
    name = re.sub(r"-?[\d.]+\Z", "", call.name)
    if call.name in _SHELLS:
        scripts = [posixpath.basename(word) for word in call.words]
        return not scripts or bool(re.fullmatch(_CHECKS, scripts[0]))
    if name == "dotnet":
        return not any(word.lower().endswith(".dll") for word in call.words)
    if name in ("npm", "yarn", "pnpm", "bun", "npx", "deno", "poetry", "pipenv", "uv", "bundle"):
        return any(
            re.fullmatch(_SCRIPTS, word) or re.fullmatch(_CHECKS, word) for word in call.words
        )
    if name in ("python", "pypy") and call.arguments[:1] == ("-m",):
        return bool(call.words) and bool(re.fullmatch(_CHECKS, call.words[0]))
    return name in _TOOLCHAINS or bool(re.fullmatch(_CHECKS, call.name))


def is_interpreter(call: Call) -> bool:
    """Does it run programs of an interpreted language, or serve what others wrote?"""
    return re.sub(r"-?[\d.]+\Z", "", call.name) in INTERPRETERS


def are_scripts(programs: Iterable[Call]) -> bool:
    """Are they all scripts, of which it is not known what they run?"""
    return all(
        call.name.endswith((".sh", ".bash")) or call.name in _SHELLS or not call.path
        for call in programs
    )
