"""Compose: `services.*.build` of every YAML file that has services with a build."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from stagelint.model.project import Build, Value
from stagelint.project import paths
from stagelint.project.files import Files
from stagelint.project.interpolation import alternatives
from stagelint.project.text import Text
from stagelint.project.yaml import Broken, Node, documents
from stagelint.source import Source
from stagelint.tuples import NamedTuple

#: Services inherit from each other so deep.
_DEPTH = 10

_STANDARD = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


class _Service(NamedTuple):
    """A service and the file it stands in."""

    name: str
    node: Node
    path: str


def read(source: Source, files: Files) -> Iterator[Build]:
    """The builds of the services in *source*."""
    if not re.search(r"^[\"']?services[\"']?[ \t]*:", source.text, re.MULTILINE):
        return
    path = files.path_of(source)
    env = _env(path, files)
    for name, service in _services(source):
        found = _Service(name, service, path)
        if service.get("build") is not None:
            yield from _builds(found, files, env)


def _services(source: Source) -> Iterator[tuple[str, Node]]:
    for document in documents(source):
        services = document.get("services")
        if services is not None:
            for key, service in services.items():
                if service.is_mapping:
                    yield key.plain, service


def _by_name(source: Source) -> Mapping[str, Node]:
    return dict(_services(source))


def _env(path: str, files: Files) -> Mapping[str, Text]:
    """What the file `.env` beside *path* sets, which holds unless the environment has another."""
    name = posixpath.join(posixpath.dirname(path), ".env")
    source = files.source(name) if files.exists(name) else None
    if source is None:
        return {}
    found: dict[str, Text] = {}
    for match in re.finditer(
        r"^[ \t]*(\w+)=([\"']?)([^\s\"'#]*)\2[ \t]*$", source.text, re.MULTILINE
    ):
        found[match[1]] = Text.of(source)[match.start(3) : match.end(3)]
    return found


def _builds(service: _Service, files: Files, env: Mapping[str, Text]) -> Iterator[Build]:
    build = service.node.get("build")
    assert build is not None
    is_certain = not _is_merged(service, files)
    if build.is_scalar:
        for context in _may_be(build, env):
            here: _Place = (context, None, _base(service.path, files))
            yield _build(service, build, here, None, is_certain=is_certain)
        return
    if _inherited(service, files, "dockerfile_inline")[0] is not None:
        return
    target = _inherited(service, files, "target")[0]
    for place in _places(service, files, env):
        for each in _may_be(target, env):
            yield _build(service, build, place, each, is_certain=is_certain)


def _may_be(node: Node | None, env: Mapping[str, Text]) -> Sequence[Text | None]:
    if node is None or node.tag == "!reset":
        return (None,)
    if node.text is None:  # a template that YAML takes for something else
        return (Text.unknown(node.source, node.span),)
    return alternatives(node.text, env)


_Place = tuple[Text | None, Text | None, paths.Base]


def _places(service: _Service, files: Files, env: Mapping[str, Text]) -> Iterator[_Place]:
    """Context, Dockerfile and what they are relative to, perhaps from a service below."""
    context, context_path = _inherited(service, files, "context")
    dockerfile, _ = _inherited(service, files, "dockerfile")
    if context is None:
        short, short_path = _inherited(service, files, "")
        context, context_path = (short, short_path) if short else (None, service.path)
    if context is None and (dockerfile is None or not _is_whole(service, files, 0)):
        # Meant to be merged with something that is not known here.
        unknown = Text.unknown(service.node.source, service.node.span)
        yield unknown, unknown, _base(service.path, files)
        return
    base = _base(context_path, files)
    for one in _may_be(context, env):
        for other in _may_be(dockerfile, env):
            yield one, other, base


def _is_whole(service: _Service, files: Files, depth: int) -> bool:
    """Can all that it extends be read?"""
    extends = service.node.get("extends")
    if extends is None or depth > _DEPTH:
        return True
    below = _below(service, files)
    return below is not None and _is_whole(below, files, depth + 1)


def _is_merged(service: _Service, files: Files) -> bool:
    """Does a file beside it, or further up, say more of the build of the same service?"""
    folder = posixpath.dirname(service.path)
    others = [path for each in _and_above(folder) for path in files.composed.get(each, ())]
    for path in others:
        found = None if path == service.path else _find(files, path, service.name)
        build = found.node.get("build") if found else None
        if build is not None and (
            posixpath.dirname(path) != folder
            or any(build.get(key) for key in ("context", "dockerfile"))
        ):
            return True
    return False


def _and_above(folder: str) -> Iterator[str]:
    """*folder* and those that it lies in; the root is empty."""
    yield folder
    while folder:
        folder = posixpath.dirname(folder)
        yield folder


def _base(path: str, files: Files) -> paths.Base:
    is_certain = posixpath.basename(path).startswith(("compose", "docker-compose"))
    moves = files.shared("project_directory", lambda: _moves(files))
    base = paths.of_file(path, is_certain=is_certain)
    return base._replace(is_certain=False) if moves else base


def _moves(files: Files) -> bool:
    """Does a file include others as if they lay elsewhere?"""
    paths_of_all = (path for each in files.composed.values() for path in each)
    sources = (files.source(each) for each in paths_of_all)
    return any(source is not None and "project_directory" in source.text for source in sources)


def _build(
    service: _Service, node: Node, place: _Place, target: Text | None, *, is_certain: bool
) -> Build:
    context, dockerfile, base = place
    whole = Text.of(node.source, service.node.span)
    bake = service.node.get("build", "x-bake")
    return Build(
        "compose",
        f"service {service.name}",
        node.source,
        service.node.span,
        paths.dockerfiles(base, context, dockerfile, whole, in_context=True),
        is_placed=base.is_certain and is_certain,
        target=target.value if target else None,
        args=_names(node.get("args")),
        contexts=_names(node.get("additional_contexts"))
        + (_names(bake.get("contexts")) if bake else ()),
        uncached=_values(node.get("no_cache_filter"))
        + (_values(bake.get("no-cache-filter")) if bake else ()),
    )


def _names(node: Node | None) -> tuple[Value, ...]:
    """The keys of a mapping, or what stands before `=` in the entries of a list."""
    if node is None:
        return ()
    if node.is_mapping:
        texts = [key.text for key, _ in node.items()]
    else:
        texts = [each.partition("=")[0] for each in node.texts]
    return tuple(each.value for each in texts if each)


def _values(node: Node | None) -> tuple[Value, ...]:
    return tuple(each.value for each in node.texts) if node is not None else ()


def _inherited(service: _Service, files: Files, key: str) -> tuple[Node | None, str]:
    """A field of the build of *service* or of those it extends, and the file it stands in.

    Without a *key*, a build that is a context alone.
    """
    for each in _chain(service, files, 0):
        build = each.node.get("build")
        if build is None:
            continue
        found = build if not key and build.is_scalar else build.get(key) if key else None
        if found is not None:
            return found, each.path
    return None, service.path


def _chain(service: _Service, files: Files, depth: int) -> Iterator[_Service]:
    """*service*, what it extends, and what it is merged upon: one of its name in another file."""
    yield service
    if depth > _DEPTH:
        return
    extends = service.node.get("extends")
    below = _below(service, files)
    if below is not None:
        yield from _chain(below, files, depth + 1)
    if depth == 0 and extends is None:
        for path in files.beside(service.path):
            if path != service.path and posixpath.basename(path) in _STANDARD:
                below = _find(files, path, service.name)
                if below is not None:
                    yield from _chain(below, files, depth + 1)


def _below(service: _Service, files: Files) -> _Service | None:
    """The service that it extends."""
    extends = service.node.get("extends")
    if extends is None:
        return None
    name = extends.plain or (node.plain if (node := extends.get("service")) else "")
    file = extends.get("file")
    path = service.path
    if file is not None:
        path = paths.normal(posixpath.join(posixpath.dirname(path), file.plain)) or ""
    return _find(files, path, name)


def _find(files: Files, path: str, name: str) -> _Service | None:
    source = files.source(path) if files.exists(path) else None
    if source is None:
        return None
    try:
        service = files.parsed(source, _by_name).get(name)
    except Broken:  # said where that file is read itself
        return None
    return _Service(name, service, path) if service else None
