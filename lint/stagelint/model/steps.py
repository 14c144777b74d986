"""What decides the result of a RUN, COPY or ADD, besides the files it works on (BuildKit v0.25.2).

All that is the same to BuildKit is the same here: defaults that are written out, the order of
flags, the delimiters of heredocs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from stagelint.model.dispatch import REMOTE
from stagelint.model.image_config import bodies, clean
from stagelint.model.symbols import Lookup, Symbolic, evaluate, symbol
from stagelint.syntax.nodes import Flag, Heredoc, Instruction
from stagelint.syntax.validate import mount_fields
from stagelint.tuples import NamedTuple
from stagelint.typed import cast

_ALIASES = {
    "src": "source",
    "dst": "target",
    "destination": "target",
    "ro": "readonly",
}
_BOOLEANS = frozenset({"link", "parents", "keep-git-dir", "unpack"})
_NOT: dict[Symbolic, Symbolic] = {"true": "false", "false": "true"}


class Mount(NamedTuple):
    """A `RUN --mount`."""

    options: dict[str, Symbolic]
    """By key, without `from`."""
    origin: str
    """The stage or image of `from`, as written; empty if there is none."""


def command(node: Instruction) -> tuple[object, ...]:
    """What a RUN executes: strings, or what it gives to the shell."""
    if node.is_json:
        return ("exec", [argument.value for argument in node.arguments])
    if len(node.heredocs) == 1:
        heredoc = node.heredocs[0]
        if (heredoc.word_start, heredoc.word_end) == (node.rest_start, len(node.logical.text)):
            script = _chomped(node, heredoc)
            if script.lstrip("\t").startswith("#!"):  # a file of its own, called like the heredoc
                return ("file", heredoc.delimiter, heredoc.chomp, script)
            return ("shell", script)
    words = [(each.delimiter, body) for each, body in zip(node.heredocs, bodies(node), strict=True)]
    return ("shell", node.rest, *words)


def run_flags(node: Instruction) -> list[tuple[str, str | None]]:
    """The flags of a RUN but its mounts."""
    flags = sorted((flag.name, flag.value) for flag in node.flags if flag.name != "mount")
    return [each for each in flags if each != ("network", "default")]


def mounts(node: Instruction, lookup: Lookup) -> list[Mount]:
    """The mounts of a RUN as they are written. Raises `ExpansionError`."""
    return [_mount(flag, lookup, node.escape) for flag in node.flags if flag.name == "mount"]


def in_order(found: Sequence[tuple[Mount, str]]) -> list[tuple[Mount, str]]:
    """Mounts, each with what stands for its files, as BuildKit sorts them: by target.

    Secrets and sockets are lists of their own. Where types or targets are not plain, nothing moves.
    """
    if not all(isinstance(mount.options["type"], str) for mount, _ in found):
        return list(found)
    apart: dict[Symbolic, list[tuple[Mount, str]]] = {"secret": [], "ssh": []}
    others: list[tuple[Mount, str]] = []
    for each in found:
        apart.get(each[0].options["type"], others).append(each)
    targets = [mount.options.get("target", "") for mount, _ in others]
    if all(isinstance(target, str) and target == clean(f"/{target}") for target in targets):
        others.sort(key=lambda each: str(each[0].options["target"]))
    return [*apart["secret"], *apart["ssh"], *others]


def _mount(flag: Flag, lookup: Lookup, escape: str) -> Mount:
    options: dict[str, Symbolic] = {"type": "bind"}
    origin = ""
    for key, value in mount_fields(flag.value or "") or ():
        if key == "from":
            origin = value or ""
            continue
        word = evaluate("true" if value is None else value, lookup, escape)
        if key in ("readwrite", "rw"):
            key, word = "readonly", _NOT.get(word) or symbol("not", word)
        elif key in ("type", "sharing") and isinstance(word, str):
            word = word.lower()
        options[_ALIASES.get(key, key)] = word
    if options["type"] == "cache":
        options.setdefault("sharing", "shared")
        target = options.get("target")
        if isinstance(target, str) and options.get("id") == clean(target):
            del options["id"]
    elif options["type"] == "bind" and options.get("readonly") == "true":
        del options["readonly"]
    return Mount(options, origin)


def sources(node: Instruction, lookup: Lookup) -> list[tuple[object, ...]]:
    """What a COPY or ADD copies: paths, and files that stand in it. Raises `ExpansionError`."""
    heredocs = {heredoc.word_start: heredoc for heredoc in node.heredocs}
    found: list[tuple[object, ...]] = []
    for argument in node.arguments[:-1]:
        heredoc = heredocs.get(argument.start)
        if node.is_json and "<<" in argument.value:  # an empty file, though no heredoc
            found.append(("json", argument.value))
        elif heredoc and heredoc.word_end == argument.end:  # `<< E` is a file called `<<`
            found.append(("inline", heredoc.delimiter, _content(node, heredoc, lookup)))
        else:
            found.append(("path", evaluate(argument.value, lookup, node.escape)))
    return found


def local_paths(node: Instruction, found: Sequence[tuple[object, ...]]) -> tuple[Symbolic, ...]:
    """Of the `sources` of a COPY or ADD the paths: no file that stands in it, and no address."""
    paths = [cast("Symbolic", each[1]) for each in found if each[0] == "path"]
    if node.keyword == "COPY":
        return tuple(paths)
    return tuple(each for each in paths if not (isinstance(each, str) and re.match(REMOTE, each)))


def copy_flags(node: Instruction, lookup: Lookup) -> list[tuple[str, Symbolic]]:
    """The flags of a COPY or ADD that change something, but `--from`. Raises `ExpansionError`."""
    found: list[tuple[str, Symbolic]] = []
    for flag in node.flags:
        if flag.name == "exclude":  # which is not expanded
            found.append((flag.name, flag.value or ""))
        elif flag.name in _BOOLEANS:
            value = (flag.value or "true").lower()
            if value == "true" or flag.name == "unpack":  # of which none is a third value
                found.append((flag.name, value))
        elif flag.name != "from":
            word = evaluate(flag.value or "", lookup, node.escape)
            if word != "":
                found.append((flag.name, word))
    return sorted(found, key=lambda flag: flag[0])


def garbled(node: Instruction) -> list[str]:
    """What BuildKit v0.25.2, which reads flags byte by byte, sees otherwise than it is written."""
    if not node.flags:
        return []
    text = node.logical.text
    found = [text[flag.start : flag.end] for flag in node.flags if flag.name != "from"]
    ends = [*(flag.end for flag in node.flags)]
    starts = [*(flag.start for flag in node.flags[1:]), node.rest_start]
    found += [text[end:start] for end, start in zip(ends, starts, strict=True)]
    return [each for each in found if not each.isascii()]


def _content(node: Instruction, heredoc: Heredoc, lookup: Lookup) -> Symbolic:
    """The text of the file that a heredoc of a COPY is."""
    body = _chomped(node, heredoc)
    return evaluate(body, lookup, quotes=False) if heredoc.expand else body


def _chomped(node: Instruction, heredoc: Heredoc) -> str:
    body = node.text[heredoc.body.start : heredoc.body.end]
    return re.sub(r"(?m)^\t+", "", body) if heredoc.chomp else body
