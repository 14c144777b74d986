"""Sites that npm builds and a small server serves: the server and what it serves ship, and no more.

The server stays the same: another would have another port, and other rules for what it is asked for.
One for developers, which builds the site when it starts, is refused by the stack of Node.js.
"""

from __future__ import annotations

from collections.abc import Iterator

from stagelint.model.calls import Call
from stagelint.model.file import File
from stagelint.model.moments import Moment, absolute
from stagelint.model.outputs import is_in
from stagelint.model.packages import packages
from stagelint.model.purpose import is_application
from stagelint.model.stacks import runtimes
from stagelint.model.stacks.artifacts import calls
from stagelint.model.stacks.brought import Brought, interpreter
from stagelint.model.stacks.interpreted import Interpreted
from stagelint.model.stacks.node import BUILDS_WITH, PROGRAMS, is_of_node, is_source
from stagelint.model.stacks.npm import is_global, runs_build, script_of
from stagelint.model.stacks.plans import Copy, Found, Plan, Refused
from stagelint.model.stacks.recipes import Recipe
from stagelint.model.stages import Stage
from stagelint.model.starting import start
from stagelint.syntax.nodes import Instruction

#: The servers, with their options whose value is the next word (npmjs.com).
_SERVERS = {
    "serve": frozenset({"-l", "--listen", "-p", "--port"}),
    "http-server": frozenset({"-p", "--port", "-a", "-c", "-e", "--ext"}),
}
#: Their options that mean nothing else than how the folder is served.
_PLAIN = frozenset(
    "-s --single -n --no-clipboard -u --no-compression --no-etag -C --cors --no-request-logging"
    " --no-port-switching -d --debug".split()
)
#: The same, of http-server alone.
_OF_HTTP_SERVER = frozenset("-d -i -s --silent --cors --no-dotfiles -g --gzip -b --brotli".split())


def recognise(file: File, stage: Stage) -> Found | None:
    """See `stacks`."""
    if not is_of_node(file, stage) or not is_application(file, stage):
        return None
    server, builds = _server(file, stage), _builds(file, stage)
    if server is None or builds is None or not any(_installs(file, stage, server.name)):
        return None
    ships = "what only the build of the site needs ships"
    built = Brought(ships, builds.span, "", with_sources=False)
    brought = interpreter(file, stage) or built
    return brought.found(lambda: _plan(file, stage, server))


def _server(file: File, stage: Stage) -> Call | None:
    """The only program that is started, if it is a server that is known."""
    first = start(file.moments_behind(stage)).first
    started = first.started if first else ()
    call = started[-1] if started else None
    name = call.arguments[0] if call and call.name == "npx" and call.arguments else None
    if call and name:
        call = call._replace(name=name, arguments=call.arguments[1:], spans=call.spans[1:])
    return call if call and call.name in _SERVERS else None


def _builds(file: File, stage: Stage) -> Call | None:
    return next((call for _, call in calls(file.moments(stage)) if _runs_script(call)), None)


def _runs_script(call: Call) -> bool:
    is_other = call.name in ("yarn", "pnpm") and call.words[:1] not in ((), ("install",), ("i",))
    return bool(script_of(call)) or is_other


def _installs(file: File, stage: Stage, server: str) -> Iterator[Moment]:
    """The RUNs that install *server* globally."""
    for moment, call in calls(file.moments(stage)):
        each = next(packages((call,)), None)
        if each and is_global(call) and server in each.names:
            yield moment


def _plan(file: File, stage: Stage, server: Call) -> Plan:
    image = runtimes.base(file, stage, may_stay=True)
    brings = {each.instruction.start for each in _installs(file, stage, server.name)}
    division = Interpreted(
        file, stage, runs_build, is_source, lambda each: each.instruction.start not in brings
    )
    run = division.started(image.family.lacks if image.smaller() else ())
    folder = _served(division, server)
    recipe = Recipe(
        runtimes.slimmer(stage, image),
        run,
        (Copy((folder,), folder),),
        programs=PROGRAMS,
        users=frozenset({"node"}),
        builds_with=BUILDS_WITH,
        ships_context=False,
        moved=tuple(_moved(division, brings)),
        holds=(f"the build makes `{folder}`",),
    )
    return division.plan(recipe)


def _moved(division: Interpreted, brings: set[int]) -> Iterator[Instruction]:
    """The RUNs above the end of the build that install the server, and nothing else."""
    for moment in division.above:
        node = moment.instruction
        if node.start in brings:
            if any(call.name == "npm" and not is_global(call) for call in moment.calls):
                raise Refused("the server is installed with other packages", node)
            yield node


def _served(division: Interpreted, server: Call) -> str:
    """The absolute path of the folder that *server* serves. Raises `Refused`."""
    node = division.commands[0].instruction
    plain = _PLAIN if server.name == "serve" else _OF_HTTP_SERVER
    words: list[str] = []
    skip = False
    for word in server.arguments:
        if word is None or (
            not skip and word.startswith("-") and not _is_known(word, server, plain)
        ):
            raise Refused(f"it is not known what `{server.name}` is told", node)
        if not skip and not word.startswith("-"):
            words.append(word)
        skip = not skip and word in _SERVERS[server.name]
    path = absolute(words[0], server.directory) if len(words) == 1 else server.directory
    folders = {call.directory for _, call in calls(division.above) if _runs_script(call)}
    root = folders.pop() if len(folders) == 1 else None
    if path is None or root is None or len(words) > 1:
        raise Refused("it is not known which folder is served", node)
    path = path.rstrip("/")
    if path == root or not is_in(path, root):
        raise Refused(f"`{path or '/'}` is not what the build makes alone", node)
    return path


def _is_known(option: str, server: Call, plain: frozenset[str]) -> bool:
    name = option.partition("=")[0]
    valued = _SERVERS[server.name]
    return (
        name in plain or name in valued or (len(name) > 2 and name[:2] in valued and name[1] != "-")
    )
