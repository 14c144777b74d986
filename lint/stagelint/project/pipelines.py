"""What the files of CI systems have in common: jobs that are lists of shell commands, in YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stagelint.model.project import Build
from stagelint.project import paths, script
from stagelint.project.command import Asker
from stagelint.project.text import Text, joined
from stagelint.project.yaml import Node

Variables = Mapping[str, Sequence[Text]]


def lines(node: Node | None) -> Iterator[Text]:
    """The commands in a text, in a list, or in lists in lists."""
    if node is None:
        return
    if node.is_sequence:
        for each in node.entries():
            yield from lines(each)
    elif node.text is not None:
        yield node.text


def builds(
    kind: str,
    label: str,
    commands: Sequence[Text],
    variables: Variables | None = None,
    base: paths.Base | None = None,
) -> Iterator[Build]:
    """The builds of *commands* that one shell runs, in the root of the repository unless *base*."""
    whole = joined(commands)
    if whole is not None:
        yield from script.builds(whole, Asker(kind, label, base or paths.Base(("",))), variables)


def variables(*nodes: Node | None) -> Variables:
    """What mappings set, the later ones before the earlier; a run may set them otherwise."""
    found: dict[str, Sequence[Text]] = {}
    for node in nodes:
        for key, value in node.items() if node is not None else ():
            text = value.text or ((inner := value.get("value")) and inner.text) or None
            if text is not None:
                found[key.plain] = [text.as_default()]
    return found


def within(folder: Node | None) -> paths.Base:
    """Where commands run that have a working directory."""
    base = paths.Base(("",))
    return base.within(folder.plain) if folder is not None and folder.plain else base
